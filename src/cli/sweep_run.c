/*
 * Training the runs of a sweep here: a process each, so that what one does, a crash or the memory
 * it asks for, is not the others' matter. What became of it stands in its log, and where a process
 * was killed before it could say so, it is written there.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "events.h"
#include "files.h"
#include "report.h"
#include "say.h"
#include "sweep.h"

#define JOBS_MAX 256

typedef struct {
    const sweep_plan *plan;
    const cli_arguments *a;
    int64_t runs[JOBS_MAX]; /* which run has a place */
    int job_count, busy;
    int ended, failed;
    double best; /* validation accuracy; NaN: none yet */
    int64_t best_run;
} sweep;

static volatile sig_atomic_t stopping;
static volatile pid_t pids[JOBS_MAX]; /* of the runs under way; 0: a free place */
static sigset_t ending;               /* signals that end a sweep */

/* Each run has a process group of its own, so that a Ctrl-C reaches it once, from here, and it can
 * save; a second one ends it at once. */
static void stop(int number)
{
    (void)number;
    stopping = 1;
    for (int i = 0; i < JOBS_MAX; i++)
        if (pids[i] > 0) kill(pids[i], SIGINT);
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    action.sa_flags = SA_RESTART; /* a line for a slow reader of stdout is not broken off */
    sigemptyset(&ending);
    for (int i = 0; i < 3; i++) sigaddset(&ending, numbers[i]);
    action.sa_mask = ending;
    for (int i = 0; i < 3; i++) sigaction(numbers[i], &action, NULL);
}

/* ---- one run --------------------------------------------------------------------------------- */

/* Becomes the run. Its errors go to stderr; its --json would be ours. */
static void become(char *const *words)
{
    const int nowhere = open("/dev/null", O_RDWR);

    setpgid(0, 0);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
    }
    sigprocmask(SIG_UNBLOCK, &ending, NULL);
    execv("/proc/self/exe", words);
    _exit(CLI_FAILED);
}

static int start(sweep *s, int64_t run)
{
    static sweep_command command;
    const int code = sweep_compose(&command, s->plan, s->a, run);
    int place = 0;

    if (code) return code;
    while (pids[place]) place++;
    fflush(NULL);
    sigprocmask(SIG_BLOCK, &ending, NULL); /* until its number is known */
    const pid_t pid = fork();

    if (pid == 0) become(command.words);
    if (pid > 0) pids[place] = pid;
    sigprocmask(SIG_UNBLOCK, &ending, NULL);
    if (pid < 0) {
        cli_say("kiln sweep: run %lld cannot be started: %s\n", (long long)run + 1,
                strerror(errno));
        return CLI_FAILED;
    }
    s->runs[place] = run;
    s->busy++;
    return 0;
}

/* The last line of a run that could not write it. */
static void write_end(const char *path, report_run *run, int status)
{
    kiln_json *j = cli_event("failed");
    const int killed = WIFSIGNALED(status);
    FILE *log = fopen(path, "a");
    const char *text;

    run->state = REPORT_FAILED;
    run->exit = killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    if (killed)
        snprintf(run->reason, sizeof run->reason, "ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(run->reason, sizeof run->reason, "ended without a word");
    kiln_json_int(j, "exit", run->exit);
    kiln_json_string(j, "reason", run->reason);
    text = cli_event_text(j);
    if (!log || !text || fprintf(log, "\n%s\n", text) < 0)
        cli_say("kiln: %s: cannot be written: %s\n", path, strerror(errno));
    if (log) fclose(log);
}

static void print_end(const sweep *s, int64_t number, const char *path, const report_run *run)
{
    if (s->a->value[CLI_JSON]) {
        kiln_json *j = cli_event(run->state == REPORT_DONE ? "done" : "failed");

        kiln_json_int(j, "index", number);
        kiln_json_string(j, "log", path);
        if (run->state == REPORT_DONE) {
            kiln_json_number(j, "valAccuracy", run->validation);
            kiln_json_number(j, "testAccuracy", run->test);
            kiln_json_string(j, "parameterHash", run->hash);
        } else {
            kiln_json_int(j, "exit", run->exit);
            kiln_json_string(j, "reason", run->reason);
        }
        cli_event_end(j);
    }
    if (s->a->value[CLI_QUIET]) return;
    fprintf(stderr, "run %lld of %lld: ", (long long)number, (long long)s->plan->runs);
    if (run->state == REPORT_DONE)
        fprintf(stderr, "validation %.2f %%, test %.2f %%\n", 100 * run->validation,
                100 * run->test);
    else
        fprintf(stderr, "failed (exit code %d): %s\n", run->exit, run->reason);
}

static void end(sweep *s, int place, int status)
{
    static sweep_command command;
    report_run run;

    pids[place] = 0;
    s->busy--;
    sweep_compose(&command, s->plan, s->a, s->runs[place]);
    report_read(&run, command.log);
    if (run.state == REPORT_OPEN) write_end(command.log, &run, status);
    s->failed += status != 0 || run.state != REPORT_DONE; /* or done, and not saved */
    s->ended++;
    if (run.state == REPORT_DONE) {
        if (!(s->best >= run.validation)) {
            s->best = run.validation;
            s->best_run = s->runs[place];
        }
    }
    print_end(s, s->runs[place] + 1, command.log, &run);
    report_free(&run);
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void wait_for_one(sweep *s)
{
    int status;
    const pid_t pid = waitpid(-1, &status, 0);

    for (int i = 0; pid > 0 && i < s->job_count; i++)
        if (pids[i] == pid) end(s, i, status);
}

static void print_summary(const sweep *s)
{
    static sweep_command command;

    if (s->a->value[CLI_QUIET] || s->best != s->best) return;
    sweep_compose(&command, s->plan, s->a, s->best_run);
    fprintf(stderr, "best: run %lld, validation %.2f %%: %s\n", (long long)s->best_run + 1,
            100 * s->best, command.log);
}

int sweep_train(const sweep_plan *plan, const cli_arguments *a, int64_t first, int64_t last)
{
    static sweep s;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t next = first;
    int code;

    s = (sweep){.plan = plan, .a = a, .best = NAN};
    s.job_count = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (int)cores;
    if ((code = cli_own_int(a, CLI_JOBS, 1, JOBS_MAX, &s.job_count))) return code;
    catch_signals();
    while (s.busy > 0 || (next < last && !stopping && code == 0)) {
        if (next < last && s.busy < s.job_count && !stopping && code == 0)
            code = start(&s, next++);
        else
            wait_for_one(&s);
    }
    print_summary(&s);
    if (code) return code;
    if (stopping) {
        cli_say("kiln sweep: interrupted after %d of %lld runs\n", s.ended,
                (long long)(last - first));
        return CLI_INTERRUPTED;
    }
    if (s.failed == 0) return 0;
    cli_say("kiln sweep: %d of %lld runs failed; their logs end in the reason\n", s.failed,
            (long long)(last - first));
    return CLI_FAILED;
}
