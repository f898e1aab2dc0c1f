/*
 * The command line: which command, the library's options as key=value text, and the program's own
 * options.
 *
 * Options of training come from kiln_options(), so that each exists once; those of the program are
 * in the table of arguments.c.
 */
#ifndef KILN_CLI_ARGUMENTS_H
#define KILN_CLI_ARGUMENTS_H

#include <stdint.h>

/* The program's own options; which of them a command takes is a set of bits. */
enum {
    CLI_DATA, CLI_PRESET, CLI_SAVE, CLI_RESUME, CLI_INIT_FROM, CLI_BEST, CLI_SPLIT, CLI_VIEWS,
    CLI_SHARE, CLI_KNN, CLI_INPUT, CLI_FIT, CLI_TOP, CLI_STEPS, CLI_FORMAT, CLI_SHEET, CLI_SECONDS,
    CLI_LAYERS, CLI_LAYERS_TO, CLI_THREADS, CLI_MODE, CLI_LOG, CLI_RANDOM, CLI_SEARCH_SEED,
    CLI_INDEX, CLI_RUN, CLI_JOBS, CLI_HTML, CLI_SVG, CLI_CSV, CLI_VERDICTS, CLI_RECEIPT, CLI_SPOTS,
    CLI_SPOT, CLI_PRINT, CLI_JSON, CLI_QUIET, CLI_HELP, CLI_VERSION,
    CLI_OPTIONS
};
#define CLI_BIT(option) ((uint64_t)1 << (option))

typedef struct {
    const char *name;     /* of the command */
    const char *line;     /* what it does */
    const char *examples; /* one a line */
    const char *library;  /* the library's options it takes: " lr batch ", or "*" for all */
    uint64_t own;         /* the program's options it takes */
    int positional;       /* the option that a bare argument stands for; CLI_NET for the net */
} cli_command;
#define CLI_NET (-1)  /* a bare argument is the notation */
#define CLI_NONE (-2) /* there are no bare arguments */
#define CLI_FILES (-3) /* as many as there are, in bare[] */

typedef struct {
    char text[16384];               /* key=value lines, as given */
    const char *value[CLI_OPTIONS]; /* of the program's options; NULL: not given; flags: "1" */
    char **bare;                    /* bare arguments, of a command that takes many */
    int bare_count;
} cli_arguments;

/* Reads argv[1..] for a command. Returns 0, or 2 (usage) with a sentence on stderr. */
int cli_arguments_read(cli_arguments *a, const cli_command *command, int argc, char **argv);
/* Is this option of the library among those given? Its value, the last one, or NULL. */
const char *cli_given(const cli_arguments *a, const char *key, char *value, int size);
/* Adds a line to the text. 0, or 2 when it does not fit. */
int cli_arguments_add(cli_arguments *a, const char *key, const char *value);
/* Those lines of the text whose keys are in the list " a b c ". */
void cli_arguments_pick(const cli_arguments *a, const char *keys, char *text, int size);
/* A whole number of one of the program's options within min..max, into *out. 0, or 2 with a
 * sentence. */
int cli_own_int(const cli_arguments *a, int option, int min, int max, int *out);
int cli_own_share(const cli_arguments *a, int option, double *out); /* 0..1 */
/* 2 with a sentence when two of the options contradict each other, else 0. */
int cli_contradictions(const cli_arguments *a);

/* Prints the help of a command: its examples, then its options by group. */
void cli_help(const cli_command *command);
void cli_help_presets(int column); /* their names, a line that begins at a column */
const char *cli_own_name(int option);
/* What stands for its value (NULL: a flag) and what it does; returns its short form, or 0. */
char cli_own(int option, const char **value, const char **help);
/* Does a command take this option of the library? */
int cli_takes(const cli_command *command, const char *name);
/* How this program was called, argv[0]; main says it first. */
void cli_set_program(const char *name);
const char *cli_program(void);

#endif
