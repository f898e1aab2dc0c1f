/*
 * The receipt of a run that is under way: its events are kept as lines, of which kiln_receipt()
 * makes the receipt at the end.
 */
#ifndef KILN_CLI_RUN_RECEIPT_H
#define KILN_CLI_RUN_RECEIPT_H

#include "commands.h"

/* --receipt and --spots. 0, or an exit code with a sentence where there can be no such file. */
int cli_receipt_open(const cli_arguments *a);
/* The start, an epoch with its metrics, the end by its event's text. Nothing where none is wanted;
 * 0 or an exit code with a sentence; at the end also that of a checkpoint which was not saved. */
int cli_receipt_begin(const cli_session *s);
int cli_receipt_epoch(const cli_session *s, const char *metrics);
int cli_receipt_done(const char *done);
/* Says that the run ends early without one. */
void cli_receipt_interrupted(void);

/* The file of --spots with the state after an epoch, beside the receipt. */
void cli_spot_path(char *out, int size, const char *receipt, int epoch);

#endif
