/*
 * A pool of threads. One job at a time: tasks are taken from an atomic counter, the caller takes
 * part, and whoever comes late finds nothing left. A worker that has not woken when the last task
 * is done is not waited for: it sees the job closed and sleeps on. So a job costs at least no more
 * than the caller alone would need.
 *
 *   the job          run, context, tasks, next: written by the caller while no worker is inside
 *   generation       goes up with each job; workers spin on it for a moment, then sleep on `wake`
 *   open, inside     under the lock: may workers still enter, and how many are in
 */
#include "base/threads.h"

#include "base/status.h"

#if !defined(__EMSCRIPTEN__) || defined(__EMSCRIPTEN_PTHREADS__)
#define HAVE_THREADS 1
#else
#define HAVE_THREADS 0
#endif

static int count = 1; /* threads in use, the caller counted */

int kiln_threads(void)
{
    return count;
}

static void run_alone(int tasks, kiln_task *run, void *context)
{
    for (int task = 0; task < tasks; task++) run(context, task, 0);
}

#if HAVE_THREADS

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define SPINS 4000 /* about 20 to 50 microseconds: the gap between two kernels of one step */

static pthread_t workers[KILN_THREADS_MAX]; /* 1 .. count - 1 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER, left = PTHREAD_COND_INITIALIZER;
static atomic_uint generation;
static atomic_int next, inside;
static int open, quit;
static struct {
    kiln_task *run;
    void *context;
    int tasks;
} job;

static void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void take_tasks(int thread)
{
    for (int task; (task = atomic_fetch_add(&next, 1)) < job.tasks;)
        job.run(job.context, task, thread);
}

static void *work(void *argument)
{
    const int thread = (int)(intptr_t)argument;
    unsigned seen = 0;

    for (;;) {
        for (int i = 0; i < SPINS && atomic_load(&generation) == seen; i++) pause_a_little();
        pthread_mutex_lock(&lock);
        while (atomic_load(&generation) == seen) pthread_cond_wait(&wake, &lock);
        seen = atomic_load(&generation);

        const int leave = quit, enter = open && !quit;

        if (enter) atomic_fetch_add(&inside, 1);
        pthread_mutex_unlock(&lock);
        if (leave) return NULL;
        if (!enter) continue;

        take_tasks(thread);
        pthread_mutex_lock(&lock);
        if (atomic_fetch_sub(&inside, 1) == 1) pthread_cond_signal(&left);
        pthread_mutex_unlock(&lock);
    }
}

static void announce(int opening, int quitting)
{
    pthread_mutex_lock(&lock);
    open = opening;
    quit = quitting;
    atomic_fetch_add(&generation, 1);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
}

void kiln_parallel(int tasks, kiln_task *run, void *context)
{
    if (count == 1 || tasks <= 1) {
        run_alone(tasks, run, context);
        return;
    }
    job.run = run;
    job.context = context;
    job.tasks = tasks;
    atomic_store(&next, 0);
    announce(1, 0);
    take_tasks(0);

    pthread_mutex_lock(&lock);
    open = 0;
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < SPINS && atomic_load(&inside); i++) pause_a_little();
    pthread_mutex_lock(&lock);
    while (atomic_load(&inside)) pthread_cond_wait(&left, &lock);
    pthread_mutex_unlock(&lock);
}

int kiln_threads_set(int threads)
{
    if (threads < 1 || threads > KILN_THREADS_MAX)
        return kiln_fail(KILN_E_ARG, "threads: %d is not in 1..%d", threads, KILN_THREADS_MAX);
    if (threads == count) return count;

    if (count > 1) announce(0, 1);
    for (int i = 1; i < count; i++) pthread_join(workers[i], NULL);
    quit = 0;
    atomic_store(&generation, 0);
    for (count = 1; count < threads; count++)
        if (pthread_create(&workers[count], NULL, work, (void *)(intptr_t)count) != 0) break;
    return count;
}

#else

void kiln_parallel(int tasks, kiln_task *run, void *context)
{
    run_alone(tasks, run, context);
}

int kiln_threads_set(int threads)
{
    if (threads < 1 || threads > KILN_THREADS_MAX)
        return kiln_fail(KILN_E_ARG, "threads: %d is not in 1..%d", threads, KILN_THREADS_MAX);
    return count;
}

#endif
