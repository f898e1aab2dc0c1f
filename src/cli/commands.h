/* The commands, one file each; every one returns the exit code. */
#ifndef KILN_CLI_COMMANDS_H
#define KILN_CLI_COMMANDS_H

#include "arguments.h"

int cli_train(cli_arguments *a);
int cli_sweep(cli_arguments *a);
int cli_report(cli_arguments *a);
int cli_verify(cli_arguments *a);
int cli_eval(cli_arguments *a);
int cli_predict(cli_arguments *a);
int cli_summary(cli_arguments *a);
int cli_gradcheck(cli_arguments *a);
int cli_export(cli_arguments *a);
int cli_bench(cli_arguments *a);
int cli_data(cli_arguments *a);

/* ---- what several of them need: session.c ---------------------------------------------------- */

typedef struct {
    int data, trainer; /* handles */
} cli_session;

/* --threads, or all cores. 0 or an exit code. */
int cli_use_threads(const cli_arguments *a);
/* --preset: its net and options before those given. 0 or an exit code. */
int cli_apply_preset(cli_arguments *a);
/* A data set and a trainer, new or from --resume, whose checkpoint then says what is not given. */
int cli_session_open(cli_session *s, cli_arguments *a);
/* The same to evaluate --resume on any data of its shape. */
int cli_session_load(cli_session *s, cli_arguments *a);
void cli_session_close(cli_session *s);

/* The whole of a split: images right, the sum of losses, the confusion where not NULL, which is
 * added to; views and share as kiln_survey_create. */
int cli_evaluate(const cli_session *s, int split, int views, double share, double *loss,
                 int *confusion);
/* Images in a split of the data set of a session; -1 with a sentence. */
int cli_split_count(int data, int split);

/* Of a run that is over: the last validation accuracy, or the best one, and that of the test
 * images, as the option eval-views says; NaN where there are none. 0 or an exit code. */
int cli_run_accuracies(const cli_session *s, int best, double *validation, double *test);

/* A word as a shell reads it back to the same one, cut to fit; returns its length. */
int cli_quote(char *out, int size, const char *word);
/* What --print asks for on stdout. 0 or an exit code. */
int cli_print_spelling(const cli_session *s, const cli_arguments *a);

double cli_seconds(void); /* of a clock that only goes forward */

#endif
