/* kiln train: steps until the end, an interrupt or a loss that is not finite; events; the
 * checkpoint. Whatever ends a run early, what it reached is saved. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "progress.h"
#include "run_receipt.h"
#include "run_log.h"
#include "say.h"

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
    action.sa_flags = SA_RESTART; /* a line for a slow reader of stdout is not broken off */
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

/* Ends a line, of the log and of stdout; whoever reads along sees it now. */
static void print_line(run *r, kiln_json *j)
{
    const char *text = cli_event_text(j);

    if (r->json && !r->unread) r->unread = cli_event_print(text);
    cli_log_line(text);
}

/* A line that tells the metrics of a step: of stdout alone, for there are many. */
static void print_step(run *r, const char *metrics)
{
    kiln_json *j;

    if (!r->json || r->unread) return;
    j = cli_event("step");
    kiln_json_members(j, metrics);
    r->unread = cli_event_end(j);
}

/* Member `name` of the metrics as member `key` of a line. */
static void copy(kiln_json *j, const char *key, const char *metrics, const char *name)
{
    char value[40];

    kiln_json_raw(j, key, cli_field_raw(value, sizeof value, metrics, name));
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
    cli_say("kiln: not saved; training goes on, and saves again after the next epoch\n");
}

/* After the last step of an epoch, or of the run. */
static int report_epoch(run *r, const char *metrics, int flags)
{
    static const char *const told[] = {"epoch",       "step", "trainLoss", "trainAccuracy",
                                       "valAccuracy", "lr"};
    const int best = flags & KILN_BEST;
    kiln_json *j = cli_event("epoch");

    cli_progress_epoch(&r->progress, metrics, cli_field_number(metrics, "trainLoss", 0), best);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) copy(j, told[i], metrics, told[i]);
    kiln_json_bool(j, "best", best != 0);
    kiln_json_number(j, "imagesPerSecond", cli_rounded(cli_progress_rate(&r->progress), 10));
    print_line(r, j);
    if (!(flags & KILN_DONE)) save_on_the_way(r); /* the end saves by itself */
    return cli_receipt_epoch(&r->session, metrics);
}

/* ---- the run --------------------------------------------------------------------------------- */

/* The loss blew up, and the run went back. */
static void report_recovery(run *r)
{
    char sentence[400], metrics[TEXT];
    kiln_json *j;

    snprintf(sentence, sizeof sentence, "%s", kiln_error());
    cli_progress_clear(&r->progress);
    fprintf(stderr, "kiln: %s\n", sentence);
    r->unsaved = 1;
    if (kiln_trainer_metrics(r->session.trainer) < 0) return;
    snprintf(metrics, sizeof metrics, "%s", kiln_text());
    j = cli_event("recovered");
    kiln_json_members(j, metrics);
    print_line(r, j);
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
            print_step(r, metrics);
        }
        if (flags & KILN_EPOCH) {
            const int code = report_epoch(r, metrics, flags);

            if (code) return code;
        }
        if (flags & KILN_DONE) return 0;
        if (stopping || r->unread) return CLI_INTERRUPTED;
    }
}

/* The accuracy of a split in so many views; NaN where it has no images. */
static int accuracy_of(double *accuracy, const cli_session *s, int split, int views)
{
    const int count = cli_split_count(s->data, split);
    double loss;
    int right;

    *accuracy = NAN;
    if (count <= 0) return 0;
    right = cli_evaluate(s, split, views, 1, &loss, NULL);
    if (right < 0) return cli_fail(right);
    *accuracy = (double)right / count;
    return 0;
}

int cli_run_accuracies(const cli_session *s, int best, double *validation, double *test)
{
    int code;

    if (kiln_trainer_metrics(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    *validation = cli_field_number(kiln_text(), best ? "bestValAccuracy" : "valAccuracy", NAN);
    if (!(*validation >= 0) && (code = accuracy_of(validation, s, KILN_VALIDATION, 1))) return code;
    return accuracy_of(test, s, KILN_TEST, 0);
}

/* "(6 views of the least confident 25 %)" where the test accuracy is of several. */
static void tell_views(const run *r)
{
    char views[8], share[32];
    double part;

    if (kiln_trainer_options(r->session.trainer) < 0) return;
    cli_field_text(views, sizeof views, kiln_text(), "eval-views");
    cli_field_text(share, sizeof share, kiln_text(), "eval-share");
    part = atof(share);
    if (strcmp(views, "1") == 0 || part <= 0) return;
    fprintf(stderr, " (%s views", views);
    if (part < 1) fprintf(stderr, " of the least confident %g %%", 100 * part);
    fprintf(stderr, ")");
}

static void tell_done(const run *r, double validation, double test, const char *hash)
{
    char rate[64];

    if (r->progress.quiet) return;
    fprintf(stderr, "done:");
    if (validation >= 0) fprintf(stderr, " validation %.1f %%,", 100 * validation);
    if (test >= 0) {
        fprintf(stderr, " test %.1f %%", 100 * test);
        tell_views(r);
        fprintf(stderr, ",");
    }
    fprintf(stderr, " %s%.1f s, parameters %s (%s)\n",
            cli_progress_rate_text(rate, &r->progress, ", "),
            cli_seconds() - r->progress.began, hash, kiln_mode());
    if (r->save && !r->unsaved) fprintf(stderr, "saved: %s\n", r->save);
}

/* The last event: accuracies of the parameters as they are now, and who they are. */
static int report_done(run *r, int best)
{
    static char net[8448];
    char metrics[TEXT], hash[24];
    double validation, test;
    kiln_json *j;
    int code;

    if (kiln_trainer_metrics(r->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    snprintf(metrics, sizeof metrics, "%s", kiln_text());
    if ((code = cli_run_accuracies(&r->session, best, &validation, &test))) return code;
    if ((code = kiln_net_hash(kiln_trainer_net(r->session.trainer))) < 0) return cli_fail(code);
    snprintf(hash, sizeof hash, "%s", kiln_text());
    if (kiln_trainer_options(r->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    cli_field_text(net, sizeof net, kiln_text(), "net");
    j = cli_event("done");
    kiln_json_number(j, "valAccuracy", validation);
    kiln_json_number(j, "testAccuracy", test);
    kiln_json_string(j, "parameterHash", hash);
    kiln_json_string(j, "mode", kiln_mode());
    copy(j, "bestValAccuracy", metrics, "bestValAccuracy");
    copy(j, "bestEpoch", metrics, "bestEpoch");
    copy(j, "step", metrics, "step");
    copy(j, "steps", metrics, "step");
    copy(j, "epochs", metrics, "epoch");
    kiln_json_number(j, "seconds", cli_rounded(cli_seconds() - r->progress.began, 1e3));
    kiln_json_number(j, "imagesPerSecond", cli_rounded(cli_progress_rate(&r->progress), 10));
    kiln_json_string(j, "net", net);
    print_line(r, j);
    cli_log_done();
    code = cli_receipt_done(kiln_json_text(j));
    tell_done(r, validation, test, hash);
    return code;
}

/* The command that goes on with a run: what its checkpoint does not hold is given again. */
static void say_how_to_go_on(const run *r, const cli_arguments *a, int code)
{
    static const int again[] = {CLI_DATA, CLI_INPUT, CLI_FIT,     CLI_SAVE,    CLI_BEST,
                                CLI_LOG,  CLI_MODE,  CLI_THREADS, CLI_RECEIPT, CLI_SPOTS};
    const int diverged = code == CLI_DIVERGED;
    const char *kind, *help;
    char word[4200];

    cli_quote(word, sizeof word, r->save);
    cli_say("go on with: kiln train --resume %s%s", word, diverged ? " --recover" : "");
    for (size_t i = 0; i < sizeof again / sizeof *again; i++) {
        const char *value = a->value[again[i]];

        if (!value) continue;
        cli_own(again[i], &kind, &help);
        cli_quote(word, sizeof word, value);
        cli_say(" --%s%s%s", cli_own_name(again[i]), kind ? " " : "", kind ? word : "");
    }
    cli_say("%s\n", diverged ? " (or with a smaller --lr in the place of --recover)" : "");
}

/* What became of a run that did not reach its end. */
static int report_early_end(const run *r, const cli_arguments *a, int code)
{
    const char *what = code == CLI_DIVERGED ? "the last good state is saved"
                       : r->unread          ? "saved"
                                            : "interrupted and saved";

    if (r->unread) cli_say("kiln: stdout: cannot be written: %s\n", strerror(r->unread));
    cli_receipt_interrupted();
    if (r->save) {
        cli_say("kiln: %s; ", what);
        say_how_to_go_on(r, a, code);
    } else if (code == CLI_INTERRUPTED) {
        cli_say("kiln: interrupted before the first step\n");
    }
    return r->unread ? CLI_FAILED : code;
}

static int finish(run *r, const cli_arguments *a, int code)
{
    const int best = a->value[CLI_BEST] != NULL;
    int saved;

    cli_progress_clear(&r->progress);
    if (code == 0 && best) {
        if ((code = kiln_trainer_restore_best(r->session.trainer)) < 0) return cli_fail(code);
        r->unsaved = 1;
    }
    if (code && code != CLI_INTERRUPTED && code != CLI_DIVERGED) return code;
    if (code == CLI_INTERRUPTED && !r->save && r->stepped) r->save = INTERRUPTED_FILE;
    saved = save(r);
    if (code) return saved ? saved : report_early_end(r, a, code);
    code = report_done(r, best);
    return code ? code : saved ? saved : r->failed_save;
}

/* The log tells where a run failed. */
static void log_step(const run *r)
{
    if (r->stepped && kiln_trainer_metrics(r->session.trainer) >= 0)
        cli_log_reached((int)cli_field_number(kiln_text(), "step", -1));
}

/* The log begins with all options, and with the epochs that a run which goes on has behind it. */
static void log_begin(const run *r)
{
    static const char *const told[] = {"name", "hash"}, *const as[] = {"data", "dataHash"};
    kiln_json *j = cli_event("begin");

    if (kiln_data_info(r->session.data) < 0) return;
    for (int i = 0; i < 2; i++) {
        char value[512];

        kiln_json_raw(j, as[i], cli_field_raw(value, sizeof value, kiln_text(), told[i]));
    }
    if (kiln_trainer_options(r->session.trainer) < 0) return;
    kiln_json_raw(j, "options", kiln_text());
    cli_log_line(cli_event_text(j));
    if (kiln_trainer_history(r->session.trainer) < 0) return;
    for (const char *e = cli_first(cli_field(kiln_text(), "epochs")); e; e = cli_next(e)) {
        char epoch[400];

        snprintf(epoch, sizeof epoch, "%.*s", (int)(cli_after(e) - e), e);
        j = cli_event("epoch");
        kiln_json_members(j, epoch);
        cli_log_line(cli_event_text(j));
    }
}

/* An option that is about parameters of which this net has none. */
static void tell_unread(const run *r, double whiten_epochs)
{
    if (whiten_epochs < 0 || kiln_net_tensors(kiln_trainer_net(r->session.trainer)) < 0) return;
    for (const char *t = cli_first(kiln_text()); t; t = cli_next(t))
        if (cli_field(t, "early")) return;
    fprintf(stderr, "kiln: whiten-epochs=%g does nothing here: the net has no whiten layer with a "
                    "bias that is trained\n", whiten_epochs);
}

/* What is about to happen, in a few lines. */
static void announce(const run *r, const cli_arguments *a)
{
    static char net[8448];
    char name[64];

    if (r->progress.quiet || kiln_trainer_options(r->session.trainer) < 0) return;
    fprintf(stderr, "net: %s\n", cli_field_text(net, sizeof net, kiln_text(), "net"));
    tell_unread(r, cli_field_number(kiln_text(), "whiten-epochs", -1));
    if (a->value[CLI_INIT_FROM])
        fprintf(stderr, "weights: of %s; a new run begins with them, at step 0\n",
                a->value[CLI_INIT_FROM]);
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
        cli_say("kiln train: --save wants a file: it is written after every epoch\n");
        return CLI_USAGE;
    }
    if (code == 0 && !a->value[CLI_PRINT]) code = cli_log_open();
    if (code == 0 && !a->value[CLI_PRINT]) code = cli_receipt_open(a);
    if (code == 0) code = cli_session_open(&r.session, a);
    if (code) return code;
    if (a->value[CLI_PRINT]) {
        code = cli_print_spelling(&r.session, a);
        cli_session_close(&r.session);
        return code;
    }
    if (a->value[CLI_BEST] && cli_split_count(r.session.data, KILN_VALIDATION) == 0) {
        cli_say("kiln train: --best chooses by validation images, and there are none\n");
        cli_session_close(&r.session);
        return CLI_USAGE;
    }
    if (kiln_trainer_options(r.session.trainer) >= 0)
        r.batch = (int)cli_field_number(kiln_text(), "batch", 0);
    catch_signals();
    if (!r.save && !a->value[CLI_QUIET] && access(".", W_OK) < 0)
        fprintf(stderr, "kiln: this folder cannot be written to, so an interrupted run would be "
                        "lost; name a file elsewhere: --save FILE\n");
    cli_progress_begin(&r.progress, a->value[CLI_QUIET] != NULL);
    announce(&r, a);
    log_begin(&r);
    code = cli_receipt_begin(&r.session);
    code = finish(&r, a, code ? code : steps(&r));
    if (code) log_step(&r);
    cli_session_close(&r.session);
    return code;
}
