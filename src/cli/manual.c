/* The pages of the manual, in man(7): kiln.1 and one a command; see help.h. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "files.h"
#include "help.h"
#include "kiln.h"
#include "say.h"

/* Text as roff takes it: backslashes, and points and quotes that would begin a request. */
static void print_text(FILE *out, const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", out);
    for (; *text; text++) {
        if (*text == '\\') fputs("\\e", out);
        else if (*text == '-') fputs("\\-", out);
        else if (*text == '"') fputs("\\(dq", out);
        else putc(*text, out);
    }
}

static void print_head(FILE *out, const char *name, const char *command, const char *line)
{
    char title[64];
    int i = 0;

    snprintf(title, sizeof title, "kiln%s%s", *command ? "-" : "", command);
    for (; title[i]; i++) title[i] = (char)toupper(title[i]);
    fprintf(out, ".TH %s 1 \"\" \"kiln %s\" \"User Commands\"\n.SH NAME\n", title, kiln_version());
    print_text(out, name);
    fprintf(out, " \\- ");
    print_text(out, line);
    fprintf(out, "\n");
}

/* Lines as they stand, "  kiln train --lr 0.1", a paragraph each. */
static void print_examples(FILE *out, const char *examples)
{
    fprintf(out, ".SH EXAMPLES\n.nf\n");
    for (const char *line = examples; *line; line += *line == '\n') {
        char text[400];

        snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line);
        print_text(out, text + strspn(text, " "));
        fprintf(out, "\n");
        line += strcspn(line, "\n");
    }
    fprintf(out, ".fi\n");
}

typedef struct {
    FILE *out;
    char group[32];
} page;

static void print_option(void *to, const help_option *o)
{
    page *p = to;

    if (strcmp(o->group, p->group) != 0) fprintf(p->out, ".SS %s\n", o->group);
    strcpy(p->group, o->group);
    fprintf(p->out, ".TP\n");
    if (o->letter) fprintf(p->out, "\\fB\\-%c\\fR, ", o->letter);
    fprintf(p->out, "\\fB\\-\\-");
    print_text(p->out, o->name);
    fprintf(p->out, "\\fR");
    if (*o->value) fprintf(p->out, " \\fI"), print_text(p->out, o->value), fprintf(p->out, "\\fR");
    fprintf(p->out, "\n");
    print_text(p->out, o->help);
    if (*o->standard) fprintf(p->out, " ["), print_text(p->out, o->standard), fprintf(p->out, "]");
    fprintf(p->out, "\n");
    if (!o->listed || o->choice_count == 0) return;
    fprintf(p->out, ".br\n");
    for (int i = 0; i < o->choice_count; i++) {
        print_text(p->out, o->choices[i]);
        fprintf(p->out, i + 1 < o->choice_count ? " |\n" : "\n");
    }
}

static void print_command(FILE *out, const cli_command *c)
{
    page p = {out, ""};
    char name[64];

    snprintf(name, sizeof name, "kiln-%s", c->name);
    print_head(out, name, c->name, strchr(c->line, ':') + 2);
    fprintf(out, ".SH SYNOPSIS\n\\fBkiln %s\\fR [\\fIoptions\\fR]%s\n", c->name,
            c->positional == CLI_FILES  ? " \\fIfile\\fR ..."
            : c->positional == CLI_NET  ? " [\\fInet\\fR]"
            : c->positional == CLI_NONE ? ""
                                        : " [\\fIfile\\fR]");
    fprintf(out, ".SH OPTIONS\n");
    help_each(c, print_option, &p);
    print_examples(out, c->examples);
    fprintf(out, ".SH SEE ALSO\n.BR kiln (1)\n");
}

static void print_exit(void *to, int code, const char *meaning)
{
    fprintf(to, ".TP\n%d\n", code);
    print_text(to, meaning);
    fprintf(to, "\n");
}

static void print_program(FILE *out, const cli_command *const *commands, int count)
{
    print_head(out, "kiln", "", "trains convolutional networks on CIFAR-10 and on a built-in set");
    fprintf(out, ".SH SYNOPSIS\n\\fBkiln\\fR \\fIcommand\\fR [\\fIoptions\\fR]\n.SH COMMANDS\n");
    for (int i = 0; i < count; i++) {
        fprintf(out, ".TP\n.BR kiln\\-%s (1)\n", commands[i]->name);
        print_text(out, strchr(commands[i]->line, ':') + 2);
        fprintf(out, "\n");
    }
    fprintf(out, ".SH DESCRIPTION\n"
                 "The same seed gives the same parameters, bit for bit, whatever the number of\n"
                 "threads, here and in a browser, in each of two modes of arithmetic: strict,\n"
                 "of \\fBkiln\\fR, and fused, of \\fBkiln\\-fused\\fR, which rounds once where\n"
                 "strict rounds twice, and is faster.\n.SH EXIT STATUS\n");
    help_each_exit(print_exit, out);
    fprintf(out, ".SH FILES\n.TP\nkiln\\-interrupted.safetensors\n"
                 "what an interrupted run without \\fB\\-\\-save\\fR leaves in the current\n"
                 "folder\n");
}

static int fail(const char *path)
{
    cli_say("kiln: %s: cannot be written: %s\n", path, strerror(errno));
    return CLI_FAILED;
}

int help_manual(const cli_command *const *commands, int count, const char *folder)
{
    char path[4096];

    mkdir(folder, 0777); /* where it cannot be made, no page can */
    for (int i = -1; i < count; i++) {
        FILE *out;

        snprintf(path, sizeof path, i < 0 ? "%s/kiln%s.1" : "%s/kiln-%s.1", folder,
                 i < 0 ? "" : commands[i]->name);
        if (!(out = fopen(path, "w"))) return fail(path);
        if (i < 0)
            print_program(out, commands, count);
        else
            print_command(out, commands[i]);
        if (ferror(out) | fclose(out)) return fail(path);
    }
    return 0;
}
