/*
 * What can be said of commands and their options: one list, made of kiln_options() and the table of
 * arguments.c, of which --help, the manuals and the completions of shells are three prints.
 */
#ifndef KILN_CLI_HELP_H
#define KILN_CLI_HELP_H

#include <stdio.h>

#include "arguments.h"

#define HELP_CHOICES 64

typedef struct {
    char name[32], group[32]; /* "Program" for those that are not the library's */
    char letter;              /* its short form, or 0 */
    char value[16];           /* what stands for its value; "": a flag */
    char help[320], standard[64];
    char choices[HELP_CHOICES][32];
    int choice_count;
    int listed; /* the choices are said below the option, not in the help itself */
} help_option;

/* Calls `print` for each option that a command takes, in the order of the help. */
void help_each(const cli_command *command, void (*print)(void *to, const help_option *option),
               void *to);

/* The pages of the manual, kiln.1 and one a command, into a folder. 0 or an exit code. */
int help_manual(const cli_command *const *commands, int count, const char *folder);
/* A script for a shell, bash or zsh, on stdout. 0 or an exit code. */
int help_completion(const cli_command *const *commands, int count, const char *shell);
/* The exit codes, by tables of base/status.h: each code and its meaning in words. */
void help_each_exit(void (*print)(void *to, int code, const char *meaning), void *to);

#endif
