/* Scripts that complete commands, options and their choices in bash and zsh; see help.h. */
#include <string.h>

#include "files.h"
#include "help.h"
#include "say.h"

/* ---- bash ------------------------------------------------------------------------------------ */

static void bash_option(void *to, const help_option *o)
{
    (void)to;
    printf(" --%s", o->name);
}

/* The choices of an option; all options of one name have the same. */
static void bash_choices(void *to, const help_option *o)
{
    char *seen = to, word[40];

    snprintf(word, sizeof word, " %s ", o->name);
    if (o->choice_count == 0 || strstr(seen, word)) return;
    strcat(seen, word);
    printf("    --%s) words=\"", o->name);
    for (int i = 0; i < o->choice_count; i++) printf("%s%s", i ? " " : "", o->choices[i]);
    printf("\" ;;\n");
}

static void print_bash(const cli_command *const *commands, int count)
{
    static char seen[8192];

    printf("# bash completion for kiln; printed by kiln --completion bash.\n\n_kiln()\n{\n"
           "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
           "\n    COMPREPLY=()\n    if [ \"$COMP_CWORD\" = 1 ]; then\n        words=\"");
    for (int i = 0; i < count; i++) printf("%s ", commands[i]->name);
    printf("--help --version\"\n"
           "        COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n        return\n    fi\n"
           "    case $before in\n");
    for (int i = 0; i < count; i++) help_each(commands[i], bash_choices, seen);
    printf("    esac\n    if [ -z \"$words\" ] && [[ $current == -* ]]; then\n"
           "        case ${COMP_WORDS[1]} in\n");
    for (int i = 0; i < count; i++) {
        printf("        %s) words=\"", commands[i]->name);
        help_each(commands[i], bash_option, NULL);
        printf("\" ;;\n");
    }
    printf("        esac\n    fi\n    # without words of ours, bash completes names of files\n"
           "    [ -z \"$words\" ] || COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
           "complete -o default -F _kiln kiln kiln-fused\n");
}

/* ---- zsh ------------------------------------------------------------------------------------- */

/* Inside '..[here]..' of _arguments. */
static void zsh_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'') printf("'\\''");
        else if (strchr("[]:\\", *text)) printf("\\%c", *text);
        else putchar(*text);
    }
}

static void zsh_option(void *to, const help_option *o)
{
    (void)to;
    printf(" \\\n            '--%s[", o->name);
    zsh_text(o->help);
    printf("]");
    if (*o->value) printf(":"), zsh_text(o->value), printf(":");
    if (*o->value && o->choice_count == 0) printf("_files");
    for (int i = 0; *o->value && i < o->choice_count; i++)
        printf("%s%s%s", i ? " " : "(", o->choices[i], i + 1 < o->choice_count ? "" : ")");
    printf("'");
}

static void print_zsh(const cli_command *const *commands, int count)
{
    printf("#compdef kiln kiln-fused\n"
           "# zsh completion for kiln; printed by kiln --completion zsh.\n\n"
           "local -a commands\ncommands=(\n");
    for (int i = 0; i < count; i++) {
        printf("    '%s:", commands[i]->name);
        zsh_text(strchr(commands[i]->line, ':') + 2);
        printf("'\n");
    }
    printf(")\nif (( CURRENT == 2 )); then\n    _describe command commands\nelse\n"
           "    local command=$words[2]\n    shift words\n    (( CURRENT-- ))\n"
           "    case $command in\n");
    for (int i = 0; i < count; i++) {
        printf("        %s)\n            _arguments", commands[i]->name);
        help_each(commands[i], zsh_option, NULL);
        printf(" \\\n            '*:file:_files' ;;\n");
    }
    printf("    esac\nfi\n");
}

int help_completion(const cli_command *const *commands, int count, const char *shell)
{
    if (strcmp(shell, "bash") == 0) {
        print_bash(commands, count);
        return 0;
    }
    if (strcmp(shell, "zsh") == 0) {
        print_zsh(commands, count);
        return 0;
    }
    cli_say("kiln: --completion: bash or zsh, not \"%s\"\n", shell);
    return CLI_USAGE;
}
