/*
 * A pool of threads. One job at a time, and the caller takes part. Each thread has a share of the
 * tasks in a row, and helps with the others' when its own is done. So an image that a task is about
 * stays with one core from layer to layer, whose caches have it, and whoever comes late finds
 * nothing left. A worker that has not woken when the last task is done is not waited for: it finds
 * the gate shut and sleeps on. So a job costs at least no more than the caller alone would need.
 *
 *   job          run, context: written by the caller while nobody is inside, and so is share
 *   share        of each thread: the first of its tasks that nobody has taken, and their end
 *   generation   goes up with each job; workers spin on it for a moment, then sleep on it
 *   gate         OPEN while workers may enter, plus the number that are inside
 *
 * Sleeping is two calls, sleep_while() and wake(): natively a mutex and a condition, in WebAssembly
 * the engine's wait and notify on an address. `sleepers` spares the second where nobody sleeps: a
 * sleeper counts itself before it looks at the word, and whoever changes the word looks at the
 * count afterwards, so one of the two sees the other.
 *
 * In WebAssembly a module cannot start a thread. The page does: each of its workers instantiates
 * the same module over the same memory and calls kiln_threads_work(), which keeps it.
 */
#include "base/threads.h"

#include "base/status.h"

#if !defined(__wasm__) || defined(__wasm_atomics__)
#define HAVE_THREADS 1
#else
#define HAVE_THREADS 0
#endif

static int count = 1; /* threads in use, the caller counted */

int kiln_threads(void)
{
    return count;
}

static void run_alone(int tasks, kiln_task *run, void *context, int thread)
{
    for (int task = 0; task < tasks; task++) run(context, task, thread);
}

static int refuse_number(int threads)
{
    return kiln_fail(KILN_E_ARG, "threads: %d is not in 1..%d", threads, KILN_THREADS_MAX);
}

#if HAVE_THREADS

#include <stdatomic.h>
#include <stdint.h>

#define OPEN 0x10000u

static atomic_uint generation, gate, sleepers;
static atomic_int quit;
static struct {
    kiln_task *run;
    void *context;
} job;
static _Thread_local int busy = -1; /* number of this thread while it runs tasks of the job */
static struct {
    _Alignas(64) atomic_int next; /* a line of its own: no thread slows another's count */
    int end;
} share[KILN_THREADS_MAX];

/* ---- spinning and sleeping ------------------------------------------------------------------- */

#ifdef __wasm__

/* About 200 microseconds: the gaps of a step, of which the loss and the decoding of a batch are the
 * longest. Who sleeps wakes late. There is no pause here. */
#define SPINS 200000

static void pause_a_little(void) {}

static void wait_while(atomic_uint *word, unsigned value)
{
    __builtin_wasm_memory_atomic_wait32((int *)word, (int)value, -1);
}

static void notify(atomic_uint *word)
{
    __builtin_wasm_memory_atomic_notify((int *)word, UINT32_MAX);
}

#else

#include <pthread.h>

#define SPINS 4000 /* 20 to 50 microseconds: the gap between two kernels of one step */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void wait_while(atomic_uint *word, unsigned value)
{
    pthread_mutex_lock(&lock);
    while (atomic_load(word) == value) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void notify(atomic_uint *word)
{
    (void)word;
    pthread_mutex_lock(&lock); /* a sleeper is either past its look at the word, or asleep */
    pthread_mutex_unlock(&lock);
    pthread_cond_broadcast(&changed);
}

#endif

/* Returns when the word may hold something else. */
static void sleep_while(atomic_uint *word, unsigned value)
{
    for (int i = 0; i < SPINS; i++) {
        if (atomic_load(word) != value) return;
        pause_a_little();
    }
    atomic_fetch_add(&sleepers, 1);
    wait_while(word, value);
    atomic_fetch_sub(&sleepers, 1);
}

static void wake(atomic_uint *word)
{
    if (atomic_load(&sleepers)) notify(word);
}

/* ---- a job ----------------------------------------------------------------------------------- */

static void share_out(int tasks)
{
    for (int i = 0; i < count; i++) {
        atomic_store(&share[i].next, (int)((int64_t)tasks * i / count));
        share[i].end = (int)((int64_t)tasks * (i + 1) / count);
    }
}

static void take_tasks(int thread)
{
    busy = thread;
    for (int i = 0; i < count; i++) {
        const int whose = (thread + i) % count;

        for (int task; (task = atomic_fetch_add(&share[whose].next, 1)) < share[whose].end;)
            job.run(job.context, task, thread);
    }
    busy = -1;
}

static int enter(void)
{
    unsigned seen = atomic_load(&gate);

    while (seen & OPEN)
        if (atomic_compare_exchange_weak(&gate, &seen, seen + 1)) return 1;
    return 0;
}

static void leave(void)
{
    if (atomic_fetch_sub(&gate, 1) == 1) wake(&gate);
}

static void work(int thread)
{
    unsigned seen = 0;

    for (;;) {
        sleep_while(&generation, seen);
        seen = atomic_load(&generation);
        if (atomic_load(&quit)) return;
        if (!enter()) continue;
        if (thread < count) take_tasks(thread);
        leave();
    }
}

static void announce(void)
{
    atomic_fetch_add(&generation, 1);
    wake(&generation);
}

static void check_workers(void);

void kiln_parallel(int tasks, kiln_task *run, void *context)
{
    if (busy >= 0 || count == 1 || tasks <= 1) {
        run_alone(tasks, run, context, busy < 0 ? 0 : busy);
        return;
    }
    job.run = run;
    job.context = context;
    share_out(tasks);
    atomic_store(&gate, OPEN);
    announce();
    take_tasks(0);

    atomic_fetch_and(&gate, ~OPEN);
    for (unsigned inside; (inside = atomic_load(&gate)) != 0;) sleep_while(&gate, inside);
    check_workers();
}

/* ---- starting and ending --------------------------------------------------------------------- */

#ifdef __wasm__

static atomic_int failed;

int kiln_threads_set(int threads)
{
    if (threads < 1 || threads > KILN_THREADS_MAX) return refuse_number(threads);
    return count = threads;
}

int kiln_threads_work(int thread)
{
    if (thread < 1 || thread >= KILN_THREADS_MAX) return refuse_number(thread);
    work(thread);
    return KILN_OK;
}

int kiln_threads_fail(void)
{
    atomic_store(&failed, 1);
    leave();
    return KILN_OK;
}

/* What the worker left undone is lost: the caller's instance breaks down with it. */
static void check_workers(void)
{
    if (atomic_load(&failed)) __builtin_trap();
}

#else

static pthread_t workers[KILN_THREADS_MAX]; /* 1 .. count - 1 */

static void *start(void *thread)
{
    work((int)(intptr_t)thread);
    return NULL;
}

static void check_workers(void) {}

int kiln_threads_set(int threads)
{
    int running = count;

    if (threads < 1 || threads > KILN_THREADS_MAX) return refuse_number(threads);
    if (threads == count) return count;

    atomic_store(&quit, 1);
    announce();
    while (running > 1) pthread_join(workers[--running], NULL);
    atomic_store(&quit, 0);
    atomic_store(&generation, 0);
    count = threads;
    for (running = 1; running < threads; running++)
        if (pthread_create(&workers[running], NULL, start, (void *)(intptr_t)running) != 0) break;
    return count = running;
}

#endif

#else

void kiln_parallel(int tasks, kiln_task *run, void *context)
{
    run_alone(tasks, run, context, 0);
}

int kiln_threads_set(int threads)
{
    return threads < 1 || threads > KILN_THREADS_MAX ? refuse_number(threads) : count;
}

#endif

#if !defined(__wasm__) || !HAVE_THREADS

int kiln_threads_work(int thread)
{
    (void)thread;
    return kiln_fail(KILN_E_STATE, "threads: this build takes none from outside");
}

int kiln_threads_fail(void)
{
    return kiln_threads_work(0);
}

#endif
