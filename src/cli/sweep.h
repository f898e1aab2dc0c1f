/* A sweep: its runs as commands, which are printed or trained here. */
#ifndef KILN_CLI_SWEEP_H
#define KILN_CLI_SWEEP_H

#include "sweep_values.h"

#define SWEEP_WORDS (2 * SWEEP_AXES + 24)
#define SWEEP_TEXT (1 << 16) /* bytes of the words of a command */

typedef struct {
    char *words[SWEEP_WORDS]; /* of execv: the program's name first, NULL behind the last */
    char text[SWEEP_TEXT];
    const char *log; /* among the words */
} sweep_command;

/* Run number `run`, from 0, as a command. 0, or an exit code with a sentence. */
int sweep_compose(sweep_command *c, const sweep_plan *plan, const cli_arguments *a, int64_t run);

/* Trains runs first..last-1 here, --jobs at a time, and waits for all of them: 0, CLI_FAILED where
 * one failed, CLI_INTERRUPTED. */
int sweep_train(const sweep_plan *plan, const cli_arguments *a, int64_t first, int64_t last);

#endif
