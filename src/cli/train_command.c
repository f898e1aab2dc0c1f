/* kiln train: steps until the end, an interrupt or a loss that is not finite; events; the
 * checkpoint. Whatever ends a run early, what it reached is saved. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "progress.h"

#define TEXT 2048
#define INTERRUPTED_FILE "kiln-interrupted.safetensors" /* where no --save says another */

static volatile sig_atomic_t stopping;

/* The first signal ends the run after its step; a second one ends the program. */
static void stop(int number)
{
    stopping = 1;
    signal(number, SIG_DFL);
}

/* Ctrl-C, an end from outside, a closed terminal; but what nohup has switched off stays off. A
 * reader of stdout that goes away is an error of writing, seen at the next event. */
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < 3; i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            sigaction(numbers[i], &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

typedef struct {
    cli_session session;
    cli_progress progress;
    const char *save;
    int json, batch;
    int stepped;     /* a step was taken */
    int unsaved;     /* the state has moved on since the last checkpoint */
    int failed_save; /* exit code of a save that failed on the way */
    int unread;      /* errno of stdout, which takes no more events */
} run;

/* ---- events ---------------------------------------------------------------------------------- */

/* {"event":NAME, and then what the object `members` has. */
static void print_event(run *r, const char *name, const char *members)
{
    if (!r->json || r->unread) return;
    if (printf("{\"event\":\"%s\",%s\n", name, members + 1) < 0 ||
        fflush(stdout) != 0) /* whoever reads along sees it now */
        r->unread = errno;
}

/* Writes the checkpoint, once a state: the file before it stays as .prev. */
static int save(run *r)
{
    int size, code;

    if (!r->save || !r->unsaved) return 0;
    size = kiln_trainer_save(r->session.trainer);
    if (size < 0) return cli_fail(size);
    code = cli_file_save(r->save, kiln_trainer_saved(r->session.trainer), size);
    r->unsaved = code != 0;
    return code;
}

/* Between epochs a full disk ends no run: there may be room again after the next one. */
static void save_on_the_way(run *r)
{
    const int code = save(r);

    if (!code) return;
    r->failed_save = code;
    fprintf(stderr, "kiln: not saved; training goes on, and saves again after the next epoch\n");
}

/* After the last step of an epoch, or of the run. */
static int report_epoch(run *r, const char *metrics, int flags)
{
    const int best = flags & KILN_BEST;
    char loss[40], train[40], validation[40], lr[40], event[400];

    cli_field_raw(loss, sizeof loss, metrics, "trainLoss");
    cli_progress_epoch(&r->progress, metrics, strtod(loss, NULL), best);
    snprintf(event, sizeof event,
             "{\"epoch\":%.0f,\"step\":%.0f,\"trainLoss\":%s,\"trainAccuracy\":%s,"
             "\"valAccuracy\":%s,\"lr\":%s,\"best\":%s,\"imagesPerSecond\":%.1f}",
             cli_field_number(metrics, "epoch", 0), cli_field_number(metrics, "step", 0), loss,
             cli_field_raw(train, sizeof train, metrics, "trainAccuracy"),
             cli_field_raw(validation, sizeof validation, metrics, "valAccuracy"),
             cli_field_raw(lr, sizeof lr, metrics, "lr"), best ? "true" : "false",
             cli_progress_rate(&r->progress));
    print_event(r, "epoch", event);
    if (!(flags & KILN_DONE)) save_on_the_way(r); /* the end saves by itself */
    return 0;
}

/* ---- the run --------------------------------------------------------------------------------- */

/* The loss blew up, and the run went back. */
static void report_recovery(run *r)
{
    char sentence[400], metrics[TEXT];

    snprintf(sentence, sizeof sentence, "%s", kiln_error());
    cli_progress_clear(&r->progress);
    fprintf(stderr, "kiln: %s\n", sentence);
    r->unsaved = 1;
    if (kiln_trainer_metrics(r->session.trainer) < 0) return;
    snprintf(metrics, sizeof metrics, "%s", kiln_text());
    print_event(r, "recovered", metrics);
}

/* Steps to the end: 0, an exit code, or CLI_INTERRUPTED (by a signal, or r->unread). */
static int steps(run *r)
{
    char metrics[TEXT];

    for (;;) {
        const double began = cli_seconds();
        const int flags = kiln_trainer_step(r->session.trainer);
        const double took = cli_seconds() - began;

        if (flags < 0) {
            cli_progress_clear(&r->progress);
            return cli_fail(flags);
        }
        if (flags & KILN_RECOVERED) report_recovery(r);
        if (flags & KILN_STEPPED) {
            r->unsaved = r->stepped = 1;
            if (kiln_trainer_metrics(r->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
            snprintf(metrics, sizeof metrics, "%s", kiln_text());
            cli_progress_step(&r->progress, metrics, r->batch, took, flags & KILN_EPOCH);
            print_event(r, "step", metrics);
        }
        if (flags & KILN_EPOCH) {
            const int code = report_epoch(r, metrics, flags);

            if (code) return code;
        }
        if (flags & KILN_DONE) return 0;
        if (stopping || r->unread) return CLI_INTERRUPTED;
    }
}

/* The share right of a split as JSON: null where it has no images. */
static int share(char *text, size_t size, const run *r, int split)
{
    const int count = cli_split_count(r->session.data, split);
    double loss;
    int right;

    snprintf(text, size, "null");
    if (count <= 0) return 0;
    right = cli_evaluate(&r->session, split, 1, &loss, NULL, NULL);
    if (right < 0) return cli_fail(right);
    snprintf(text, size, "%.10g", (double)right / count);
    return 0;
}

static void print_done(run *r, const char *event)
{
    char hash[24];
    const double v = cli_field_number(event, "valAccuracy", -1);
    const double t = cli_field_number(event, "testAccuracy", -1);

    print_event(r, "done", event);
    if (r->progress.quiet) return;
    fprintf(stderr, "done:");
    if (v >= 0) fprintf(stderr, " validation %.1f %%,", 100 * v);
    if (t >= 0) fprintf(stderr, " test %.1f %%,", 100 * t);
    fprintf(stderr, " %.0f images/s, %.1f s, parameters %s (%s)\n", cli_progress_rate(&r->progress),
            cli_field_number(event, "seconds", 0),
            cli_field_text(hash, sizeof hash, event, "parameterHash"), kiln_mode());
    if (r->save && !r->unsaved) fprintf(stderr, "saved: %s\n", r->save);
}

/* The last event: accuracies of the parameters as they are now, and who they are. */
static int report_done(run *r, int best)
{
    static char event[12000], net[8448];
    char metrics[TEXT], validation[40], test[40], hash[24], raw[2][40];
    int code;

    if (kiln_trainer_metrics(r->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    snprintf(metrics, sizeof metrics, "%s", kiln_text());
    cli_field_raw(validation, sizeof validation, metrics, best ? "bestValAccuracy" : "valAccuracy");
    if (validation[0] == 'n' && (code = share(validation, sizeof validation, r, KILN_VALIDATION)))
        return code;
    if ((code = share(test, sizeof test, r, KILN_TEST))) return code;
    if ((code = kiln_net_hash(kiln_trainer_net(r->session.trainer))) < 0) return cli_fail(code);
    snprintf(hash, sizeof hash, "%s", kiln_text());
    if (kiln_trainer_options(r->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    cli_field_raw(net, sizeof net, kiln_text(), "net");
    snprintf(event, sizeof event,
             "{\"valAccuracy\":%s,\"testAccuracy\":%s,\"parameterHash\":\"%s\",\"mode\":\"%s\","
             "\"bestValAccuracy\":%s,\"bestEpoch\":%s,\"step\":%.0f,\"steps\":%.0f,\"epochs\":%.0f,"
             "\"seconds\":%.3f,\"imagesPerSecond\":%.1f,\"net\":%s}",
             validation, test, hash, kiln_mode(),
             cli_field_raw(raw[0], sizeof raw[0], metrics, "bestValAccuracy"),
             cli_field_raw(raw[1], sizeof raw[1], metrics, "bestEpoch"),
             cli_field_number(metrics, "step", 0), cli_field_number(metrics, "step", 0),
             cli_field_number(metrics, "epoch", 0), cli_seconds() - r->progress.began,
             cli_progress_rate(&r->progress), net);
    print_done(r, event);
    return 0;
}

/* What became of a run that did not reach its end. */
static int report_early_end(const run *r, int code)
{
    const char *what = code == CLI_DIVERGED ? "the last good state is saved"
                       : r->unread          ? "saved"
                                            : "interrupted and saved";

    if (r->unread) fprintf(stderr, "kiln: stdout: cannot be written: %s\n", strerror(r->unread));
    if (r->save)
        fprintf(stderr, "kiln: %s; go on with: kiln train --resume %s%s\n", what, r->save,
                code == CLI_DIVERGED ? " --recover, or a smaller --lr" : "");
    else if (code == CLI_INTERRUPTED)
        fprintf(stderr, "kiln: interrupted before the first step\n");
    return r->unread ? CLI_FAILED : code;
}

static int finish(run *r, int code, int best)
{
    int saved;

    cli_progress_clear(&r->progress);
    if (code == 0 && best) {
        if ((code = kiln_trainer_restore_best(r->session.trainer)) < 0) return cli_fail(code);
        r->unsaved = 1;
    }
    if (code && code != CLI_INTERRUPTED && code != CLI_DIVERGED) return code;
    if (code == CLI_INTERRUPTED && !r->save && r->stepped) r->save = INTERRUPTED_FILE;
    saved = save(r);
    if (code) return saved ? saved : report_early_end(r, code);
    code = report_done(r, best);
    return code ? code : saved ? saved : r->failed_save;
}

/* What is about to happen, in two lines. */
static void announce(const run *r)
{
    static char net[8448];
    char name[64];

    if (r->progress.quiet || kiln_trainer_options(r->session.trainer) < 0) return;
    fprintf(stderr, "net: %s\n", cli_field_text(net, sizeof net, kiln_text(), "net"));
    if (kiln_data_info(r->session.data) < 0) return;
    fprintf(stderr, "data: %s, %.0f training, %.0f validation and %.0f test images; %s, %d lanes\n",
            cli_field_text(name, sizeof name, kiln_text(), "name"),
            cli_field_number(kiln_text(), "train", 0),
            cli_field_number(kiln_text(), "validation", 0),
            cli_field_number(kiln_text(), "test", 0), kiln_mode(), kiln_lanes());
}

int cli_train(cli_arguments *a)
{
    run r = {.save = a->value[CLI_SAVE], .json = a->value[CLI_JSON] != NULL, .unsaved = 1};
    int code = r.save ? cli_file_check(r.save) : 0;

    if (code == 0 && r.save && strcmp(r.save, "-") == 0) {
        fprintf(stderr, "kiln train: --save wants a file: it is written after every epoch\n");
        return CLI_USAGE;
    }
    if (code == 0) code = cli_session_open(&r.session, a);
    if (code) return code;
    if (a->value[CLI_BEST] && cli_split_count(r.session.data, KILN_VALIDATION) == 0) {
        fprintf(stderr, "kiln train: --best chooses by validation images, and there are none\n");
        cli_session_close(&r.session);
        return CLI_USAGE;
    }
    if (kiln_trainer_options(r.session.trainer) >= 0)
        r.batch = (int)cli_field_number(kiln_text(), "batch", 0);
    catch_signals();
    cli_progress_begin(&r.progress, a->value[CLI_QUIET] != NULL);
    announce(&r);
    code = finish(&r, steps(&r), a->value[CLI_BEST] != NULL);
    cli_session_close(&r.session);
    return code;
}
