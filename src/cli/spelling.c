/*
 * kiln train --print: the set-up of a run as another program spells it, and no run.
 *
 * link     what stands behind the address of the page, #net=...
 * tag      <kiln-trainer net="..." ...>
 * command  kiln train --net=... as a shell reads it
 *
 * Each names the net, the data set and the options that are not as usual, by the same names, as the
 * page does (web/spellings.ts), and gives the same run.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "say.h"

#define NET 8448

enum way { LINK, TAG, COMMAND };
static const char *const ways[] = {"link", "tag", "command"};

int cli_quote(char *out, int size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_./:,+@%^=-";
    int used = 0;

    if (*word && word[strspn(word, plain)] == 0) return snprintf(out, (size_t)size, "%s", word);
    out[used++] = '\'';
    for (; *word && used < size - 6; word++)
        used += *word == '\'' ? sprintf(out + used, "'\\''") : (out[used] = *word, 1);
    out[used++] = '\'';
    out[used] = 0;
    return used;
}

/* In an attribute of HTML, between double quotes. */
static void print_attribute(const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&': fputs("&amp;", stdout); break;
        case '"': fputs("&quot;", stdout); break;
        case '<': fputs("&lt;", stdout); break;
        default: putchar(*text);
        }
    }
}

/* As the fields of a form are sent (WHATWG, URL, application/x-www-form-urlencoded). */
static void print_field(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "*-._";

    for (; *text; text++) {
        if (*text == ' ')
            putchar('+');
        else if (strchr(plain, *text))
            putchar(*text);
        else
            printf("%%%02X", (unsigned char)*text);
    }
}

/* first: nothing stands before it. */
static void print_option(enum way way, const char *name, const char *value, int first)
{
    static char word[2 * NET];

    switch (way) {
    case LINK:
        printf("%s%s=", first ? "" : "&", name);
        print_field(value);
        break;
    case TAG:
        printf(" %s=\"", name);
        print_attribute(value);
        putchar('"');
        break;
    case COMMAND:
        cli_quote(word, sizeof word, value);
        printf(" --%s=%s", name, word);
        break;
    }
}

/* Numbers are the same when their values are: 1e-3 and 0.001. */
static int same(const char *a, const char *b)
{
    char *end_a, *end_b;
    const double x = strtod(a, &end_a), y = strtod(b, &end_b);

    if (strcmp(a, b) == 0) return 1;
    return end_a != a && end_b != b && !*end_a && !*end_b && x == y;
}

static void print_data(enum way way, const char *name, const char *given)
{
    static const char *const known[] = {"cifar10", "cifar100", "mnist", "fashion-mnist",
                                        "pictures"};
    char own[128];
    int official = 0;

    if (strcmp(name, "builtin") == 0) return;
    for (int i = 0; i < 5; i++) official |= strcmp(name, known[i]) == 0;
    snprintf(own, sizeof own, "%s%s", official ? "" : "own:", name);
    print_option(way, "data", way == LINK ? own : way == TAG ? "stored" : given, 0);
}

int cli_print_spelling(const cli_session *s, const cli_arguments *a)
{
    static char options[1 << 15], net[NET], value[NET], usual[NET];
    const char *wanted = a->value[CLI_PRINT];
    char name[64], data[64];
    int way = 0;

    while (way < 3 && strcmp(wanted, ways[way]) != 0) way++;
    if (way == 3) {
        cli_say("kiln: --print: link, tag or command, not \"%s\"\n", wanted);
        return CLI_USAGE;
    }
    if (kiln_data_info(s->data) < 0) return cli_fail(KILN_E_MEMORY);
    cli_field_text(data, sizeof data, kiln_text(), "name");
    if (kiln_trainer_options(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    snprintf(options, sizeof options, "%s", kiln_text());
    cli_field_text(net, sizeof net, options, "net");
    if (kiln_options() < 0) return cli_fail(KILN_E_MEMORY);
    fputs(way == LINK ? "#" : way == TAG ? "<kiln-trainer" : "kiln train", stdout);
    print_option((enum way)way, "net", net, 1);
    print_data((enum way)way, data, a->value[CLI_DATA] ? a->value[CLI_DATA] : data);
    for (const char *row = cli_first(kiln_text()); row; row = cli_next(row)) {
        cli_field_text(name, sizeof name, row, "name");
        cli_field_text(usual, sizeof usual, row, "default");
        cli_field_text(value, sizeof value, options, name);
        if (strcmp(name, "net") == 0 || same(value, usual)) continue;
        print_option((enum way)way, name, value, 0);
    }
    if (way == COMMAND && strcmp(kiln_mode(), "fused") == 0) fputs(" --mode=fused", stdout);
    puts(way == TAG ? "></kiln-trainer>" : "");
    return 0;
}
