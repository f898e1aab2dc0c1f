/* base/threads: every task runs exactly once, on a thread with a valid name, for any number of
 * threads. */
#include <stdatomic.h>
#include <time.h>

#include "base/status.h"
#include "base/threads.h"
#include "check.h"

enum { TASKS = 300 };

typedef struct {
    atomic_int runs[TASKS], busy[KILN_THREADS_MAX], wrong;
} counts;

static void count_task(void *context, int task, int thread)
{
    counts *c = context;

    if (thread < 0 || thread >= kiln_threads() || task < 0 || task >= TASKS) {
        atomic_fetch_add(&c->wrong, 1);
        return;
    }
    if (atomic_fetch_add(&c->busy[thread], 1)) atomic_fetch_add(&c->wrong, 1); /* not private */
    atomic_fetch_add(&c->runs[task], 1);
    atomic_fetch_sub(&c->busy[thread], 1);
}

static void check_jobs(int threads, int jobs)
{
    static counts c;

    CHECK(kiln_threads_set(threads) >= 1);
    CHECK(kiln_threads() <= threads);
    memset(&c, 0, sizeof c);
    for (int job = 0; job < jobs; job++) kiln_parallel(job % (TASKS + 1), count_task, &c);
    CHECK(c.wrong == 0);
    for (int task = 0; task < TASKS; task++) {
        int expected = 0;

        for (int job = 0; job < jobs; job++) expected += job % (TASKS + 1) > task;
        if (c.runs[task] != expected)
            CHECK_FAIL("task %d ran %d times, not %d", task, c.runs[task], expected);
    }
}

static void every_task_runs_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 8; threads++) check_jobs(threads, 2 * TASKS);
    check_jobs(KILN_THREADS_MAX, TASKS);
    check_jobs(1, 10);
}

static void many_small_jobs(void **state)
{
    static counts c;
    const int jobs = 20000;

    (void)state;
    CHECK(kiln_threads_set(2) >= 1);
    memset(&c, 0, sizeof c);
    for (int job = 0; job < jobs; job++) kiln_parallel(2, count_task, &c);
    CHECK(c.wrong == 0 && c.runs[0] == jobs && c.runs[1] == jobs);
    CHECK(kiln_threads_set(1) == 1);
}

/* ---- a job inside a task --------------------------------------------------------------------- */

enum { OUTER = 40, INNER = 7 };

typedef struct {
    atomic_int runs[OUTER][INNER], elsewhere;
} nested_jobs;

typedef struct {
    nested_jobs *all;
    int task, thread;
} nested_job;

static void inner_task(void *context, int task, int thread)
{
    const nested_job *job = context;

    atomic_fetch_add(&job->all->runs[job->task][task], 1);
    if (thread != job->thread) atomic_fetch_add(&job->all->elsewhere, 1);
}

static void outer_task(void *context, int task, int thread)
{
    nested_job job = {context, task, thread};

    kiln_parallel(INNER, inner_task, &job);
}

static void a_task_runs_its_own_job_alone(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        static nested_jobs jobs;

        CHECK(kiln_threads_set(threads) >= 1);
        memset(&jobs, 0, sizeof jobs);
        for (int i = 0; i < 50; i++) kiln_parallel(OUTER, outer_task, &jobs);
        CHECK(jobs.elsewhere == 0);
        for (int i = 0; i < OUTER; i++)
            for (int j = 0; j < INNER; j++) CHECK(jobs.runs[i][j] == 50);
    }
    CHECK(kiln_threads_set(1) == 1);
}

/* ---- shares ---------------------------------------------------------------------------------- */

enum { SHARED = 16 };

typedef struct {
    int slow;          /* the task that waits for all others */
    atomic_int others; /* done, or begun where two meet */
    int thread[SHARED];
} waiting;

static void wait_or_count(void *context, int task, int thread)
{
    waiting *w = context;
    const time_t start = time(NULL);

    w->thread[task] = thread;
    if (task != w->slow)
        atomic_fetch_add(&w->others, 1);
    else
        while (atomic_load(&w->others) < SHARED - 1 && time(NULL) < start + 20) {}
}

/* Whoever is held up at the start of its share is helped with the rest of it. */
static void a_share_is_finished_by_others(void **state)
{
    (void)state;
    CHECK(kiln_threads_set(2) == 2);
    for (int slow = 0; slow < SHARED; slow += SHARED / 2) {
        waiting w = {.slow = slow};

        kiln_parallel(SHARED, wait_or_count, &w);
        CHECK(w.others == SHARED - 1);
    }
    CHECK(kiln_threads_set(1) == 1);
}

static void meet(void *context, int task, int thread)
{
    waiting *w = context;
    const time_t start = time(NULL);

    w->thread[task] = thread;
    if (task % (SHARED / 2) != 0) return;
    atomic_fetch_add(&w->others, 1);
    while (atomic_load(&w->others) < 2 && time(NULL) < start + 20) {}
}

/* What keeps data in a core's caches: each thread begins with the share that is its own. */
static void each_thread_begins_with_its_share(void **state)
{
    (void)state;
    CHECK(kiln_threads_set(2) == 2);
    for (int job = 0; job < 100; job++) {
        waiting w = {0};

        kiln_parallel(SHARED, meet, &w);
        CHECK(w.thread[0] == 0 && w.thread[SHARED / 2] == 1);
    }
    CHECK(kiln_threads_set(1) == 1);
}

static void start_and_end(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) check_jobs(1 + round % 5, round % 7);
    check_jobs(1, 1);
}

static void bad_numbers_are_refused(void **state)
{
    (void)state;
    CHECK(kiln_threads_set(0) == KILN_E_ARG);
    CHECK(kiln_threads_set(KILN_THREADS_MAX + 1) == KILN_E_ARG);
    CHECK(kiln_threads() == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_runs_once),
        cmocka_unit_test(many_small_jobs),
        cmocka_unit_test(a_task_runs_its_own_job_alone),
        cmocka_unit_test(a_share_is_finished_by_others),
        cmocka_unit_test(each_thread_begins_with_its_share),
        cmocka_unit_test(start_and_end),
        cmocka_unit_test(bad_numbers_are_refused),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
