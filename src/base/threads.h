/*
 * A pool of threads that runs numbered tasks. Tasks never decide an order of summation: the caller
 * cuts its work into pieces that write to separate places, by the problem's shape alone, so that
 * results have the same bits for any number of threads.
 *
 * Where there are no threads (plain WASM) the tasks run one after the other on the caller.
 */
#ifndef KILN_BASE_THREADS_H
#define KILN_BASE_THREADS_H

#define KILN_THREADS_MAX 16

/* Sets the number of threads, 1..KILN_THREADS_MAX, and starts or ends them. Returns the number in
 * use (1 where the build has none) or a status. Scratch is sized by kiln_threads() when a net is
 * made, so call it before. */
int kiln_threads_set(int threads);
int kiln_threads(void);

/* Calls run(context, task, thread) for each task in 0..tasks-1; thread in 0..kiln_threads()-1 names
 * a private piece of scratch. Returns when all are done. Called by a task, it runs its own tasks
 * one after the other on the thread that called: so a layer on the pool can be part of a task. */
typedef void kiln_task(void *context, int task, int thread);
void kiln_parallel(int tasks, kiln_task *run, void *context);

/* The threaded WebAssembly build gets its threads from outside. _work: the calling worker is
 * thread 1..KILN_THREADS_MAX-1 from now on, for as long as it lives. _fail: it trapped; called in
 * its stead, so that the caller of kiln_parallel traps as well instead of waiting for it. Other
 * builds: KILN_E_STATE. */
int kiln_threads_work(int thread);
int kiln_threads_fail(void);

#endif
