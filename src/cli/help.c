/* The list of options of a command, and --help; see help.h. */
#include "help.h"

#include <ctype.h>
#include <string.h>

#include "base/status.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "kiln_formats.h"

#define COLUMN 26 /* where the explanations begin */
#define WIDTH 96

/* ---- the list -------------------------------------------------------------------------------- */

static void add_choice(help_option *o, const char *word)
{
    if (o->choice_count < HELP_CHOICES) snprintf(o->choices[o->choice_count++], 32, "%s", word);
}

/* The names of rows of the library's: [{"name":..},..] in kiln_text(). */
static void add_names(help_option *o, int status)
{
    char name[32];

    if (status < 0) return;
    for (const char *p = cli_first(kiln_text()); p; p = cli_next(p))
        add_choice(o, cli_field_text(name, sizeof name, p, "name"));
}

/* What one of the program's options can be, where that is a list. */
static void own_choices(help_option *o, int option)
{
    static const struct {
        int option;
        const char *words[4];
    } lists[] = {{CLI_MODE, {"strict", "fused"}},
                 {CLI_SPLIT, {"train", "validation", "test"}}};

    if (option == CLI_PRESET) add_names(o, kiln_presets());
    if (option == CLI_FORMAT) add_names(o, kiln_formats());
    o->listed = option == CLI_PRESET;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        for (int k = 0; lists[i].option == option && k < 4 && lists[i].words[k]; k++)
            add_choice(o, lists[i].words[k]);
}

static void read_row(help_option *o, const char *row)
{
    char type[16], standard[512];

    *o = (help_option){.listed = 1};
    cli_field_text(o->name, sizeof o->name, row, "name");
    cli_field_text(o->group, sizeof o->group, row, "group");
    cli_field_text(o->help, sizeof o->help, row, "help");
    cli_field_text(type, sizeof type, row, "type");
    cli_field_text(standard, sizeof standard, row, "default");
    strcpy(o->standard, strlen(standard) > 24 ? "a small convnet" : standard);
    snprintf(o->value, sizeof o->value, "%s", strcmp(type, "int") == 0     ? "N"
                                              : strcmp(type, "float") == 0 ? "X"
                                              : strcmp(type, "flag") == 0  ? ""
                                              : strcmp(type, "text") == 0  ? "TEXT"
                                                                           : "KIND");
    for (const char *c = cli_first(cli_field(row, "choices")); c; c = cli_next(c)) {
        char word[32];

        add_choice(o, cli_text(word, sizeof word, c));
    }
    o->group[0] = (char)toupper(o->group[0]);
}

void help_each(const cli_command *command, void (*print)(void *to, const help_option *option),
               void *to)
{
    static help_option o;
    static char table[32768]; /* what `print` asks of the library must not take it away */

    table[0] = 0;
    if (kiln_options() >= 0 && strlen(kiln_text()) < sizeof table) strcpy(table, kiln_text());
    for (const char *row = cli_first(table); row; row = cli_next(row)) {
        read_row(&o, row);
        if (cli_takes(command, o.name)) print(to, &o);
    }
    for (int i = 0; i < CLI_OPTIONS; i++) {
        const char *value, *help;

        if (!(command->own & CLI_BIT(i))) continue;
        o = (help_option){.group = "Program"};
        o.letter = cli_own(i, &value, &help);
        snprintf(o.name, sizeof o.name, "%s", cli_own_name(i));
        snprintf(o.value, sizeof o.value, "%s", value ? value : "");
        snprintf(o.help, sizeof o.help, "%s", help);
        own_choices(&o, i);
        print(to, &o);
    }
}

void help_each_exit(void (*print)(void *to, int code, const char *meaning), void *to)
{
#define EXIT(exit_code, meaning) {exit_code, meaning},
    static const struct {
        int code;
        const char *text;
    } exits[] = {{0, "done"}, KILN_EXITS(EXIT){CLI_INTERRUPTED, "interrupted, and saved"}};
#undef EXIT

    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        print(to, exits[i].code, exits[i].text);
}

/* ---- --help ---------------------------------------------------------------------------------- */

static void print_choices(const help_option *o)
{
    int at = COLUMN;

    if (!o->listed || o->choice_count == 0) return;
    printf("%*s", COLUMN, "");
    for (int i = 0; i < o->choice_count; i++) {
        const int length = (int)strlen(o->choices[i]) + 3;

        if (at + length > WIDTH) at = printf("\n%*s", COLUMN, "") - 1;
        at += printf(" %s%s", o->choices[i], i + 1 < o->choice_count ? " |" : "\n");
    }
}

static void print_option(void *to, const help_option *o)
{
    char left[64], text[400], *last = to;
    int column = COLUMN;

    if (strcmp(o->group, last) != 0) printf("\n%s\n", o->group);
    strcpy(last, o->group);
    snprintf(left, sizeof left, "--%s%s%s", o->name, *o->value ? " " : "", o->value);
    printf("  %-*s", COLUMN - 2, left);
    snprintf(text, sizeof text, *o->standard ? "%s [%s]" : "%s", o->help, o->standard);
    for (const char *word = text; *word; word += strspn(word, " ")) {
        const int length = (int)strcspn(word, " ");

        if (column + length + 1 > WIDTH) column = printf("\n%*s", COLUMN, "") - 1;
        column += printf(" %.*s", length, word);
        word += length;
    }
    printf("\n");
    print_choices(o);
}

void cli_help(const cli_command *command)
{
    char group[32] = "";

    printf("%s\n\nExamples\n%s", command->line, command->examples);
    help_each(command, print_option, group);
}

void cli_help_presets(int column)
{
    char name[32];
    int at = column;

    if (kiln_presets() < 0) return;
    printf("%*s", column, "");
    for (const char *p = cli_first(kiln_text()); p; p = cli_next(p)) {
        const int length = (int)strlen(cli_field_text(name, sizeof name, p, "name")) + 3;

        if (at + length > WIDTH) at = printf("\n%*s", column, "") - 1;
        at += printf(" %s%s", name, cli_next(p) ? " |" : "\n");
    }
}
