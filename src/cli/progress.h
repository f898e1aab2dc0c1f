/*
 * What a person sees of a training run, on stderr: a line that renews itself on a terminal, a line
 * an epoch elsewhere, nothing when quiet.
 */
#ifndef KILN_CLI_PROGRESS_H
#define KILN_CLI_PROGRESS_H

typedef struct {
    int quiet, terminal, color;
    double began, shown;      /* seconds */
    double loss, accuracy;    /* moving averages */
    int averaged, width;      /* steps averaged; characters of the line on the screen */
    double images, busy;      /* images trained, and the seconds that took, checks left out */
} cli_progress;

void cli_progress_begin(cli_progress *p, int quiet);
/* After a step: kiln_trainer_metrics()'s text, images and seconds of the step. checked: it also ran
 * the checks of an epoch. */
void cli_progress_step(cli_progress *p, const char *metrics, int images, double seconds,
                       int checked);
void cli_progress_epoch(cli_progress *p, const char *metrics, double train_loss, int best);
/* Takes the renewing line away, so that others can print. */
void cli_progress_clear(cli_progress *p);
/* Images a second; NaN where no step was measured, since each of them ran checks too. */
double cli_progress_rate(const cli_progress *p);
/* "1234 images/s" and what follows it, or "". */
const char *cli_progress_rate_text(char text[64], const cli_progress *p, const char *after);

#endif
