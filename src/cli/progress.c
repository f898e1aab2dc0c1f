/* Progress for people; see progress.h. */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "fields.h"

#define BETWEEN 0.1   /* seconds between two renewals */
#define AVERAGE 0.05  /* weight of the newest step */

void cli_progress_begin(cli_progress *p, int quiet)
{
    const char *kind = getenv("TERM"), *no_color = getenv("NO_COLOR");

    memset(p, 0, sizeof *p);
    p->quiet = quiet;
    p->terminal = !quiet && isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0;
    p->color = p->terminal && !(no_color && *no_color);
    p->began = cli_seconds();
}

void cli_progress_clear(cli_progress *p)
{
    if (p->width) fprintf(stderr, "\r%*s\r", p->width, "");
    p->width = 0;
}

double cli_progress_rate(const cli_progress *p)
{
    return p->busy > 0 ? p->images / p->busy : NAN;
}

const char *cli_progress_rate_text(char text[64], const cli_progress *p, const char *after)
{
    text[0] = 0;
    if (p->busy > 0) snprintf(text, 64, "%.0f images/s%s", cli_progress_rate(p), after);
    return text;
}

static void print_time(char *text, size_t size, double seconds)
{
    const long whole = (long)(seconds + 0.5);

    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

static void renew(cli_progress *p, const char *metrics, double now)
{
    const double step = cli_field_number(metrics, "step", 0);
    const double steps = cli_field_number(metrics, "steps", 0);
    char line[200], eta[32], rate[64];
    int width;

    /* By the pace of the whole run so far, checks between epochs included. */
    print_time(eta, sizeof eta, step > 0 ? (now - p->began) / p->averaged * (steps - step) : 0);
    width = snprintf(line, sizeof line,
                     "epoch %.0f/%g  step %.0f/%.0f  loss %.3f  accuracy %.1f %%  %sETA %s",
                     cli_field_number(metrics, "epoch", 0), cli_field_number(metrics, "epochs", 0),
                     step, steps, p->loss, 100 * p->accuracy,
                     cli_progress_rate_text(rate, p, "  "), eta);
    fprintf(stderr, "\r%s%*s", line, p->width > width ? p->width - width : 0, "");
    fflush(stderr);
    p->width = width > p->width ? width : p->width;
    p->shown = now;
}

void cli_progress_step(cli_progress *p, const char *metrics, int images, double seconds,
                       int checked)
{
    const double loss = cli_field_number(metrics, "loss", 0);
    const double accuracy = cli_field_number(metrics, "accuracy", 0);
    const double weight = p->averaged < 1 / AVERAGE ? 1.0 / (p->averaged + 1) : AVERAGE;
    const double now = cli_seconds();

    p->loss += weight * (loss - p->loss);
    p->accuracy += weight * (accuracy - p->accuracy);
    p->averaged++;
    if (!checked) {
        p->images += images;
        p->busy += seconds;
    }
    if (p->terminal && now - p->shown >= BETWEEN) renew(p, metrics, now);
}

void cli_progress_epoch(cli_progress *p, const char *metrics, double train_loss, int best)
{
    const double train = cli_field_number(metrics, "trainAccuracy", -1);
    const double validation = cli_field_number(metrics, "valAccuracy", -1);
    const char *bold = p->color && best ? "\033[1m" : "", *plain = *bold ? "\033[0m" : "";
    char rate[64];

    if (p->quiet) return;
    cli_progress_clear(p);
    fprintf(stderr, "epoch %.0f/%g  loss %.4f", cli_field_number(metrics, "epoch", 0),
            cli_field_number(metrics, "epochs", 0), train_loss);
    if (train >= 0) fprintf(stderr, "  train %.1f %%", 100 * train);
    if (validation >= 0) fprintf(stderr, "  %svalidation %.1f %%%s", bold, 100 * validation, plain);
    fprintf(stderr, "  lr %.3g  %s%.1f s%s\n", cli_field_number(metrics, "lr", 0),
            cli_progress_rate_text(rate, p, "  "), cli_seconds() - p->began, best ? "  best" : "");
}
