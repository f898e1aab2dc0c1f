/* Slices of kernels and of the peak in turn. */
#include <stdio.h>
#include <stdlib.h>

#ifdef __EMSCRIPTEN__
#include <emscripten.h>
#else
#include <time.h>
#endif

#include "base/threads.h"
#include "bench.h"

#define SLICE_SECONDS 0.003 /* clocks of browsers tick every 5 us at best */
#define TOTAL_SECONDS 0.05  /* of one action ... */
enum { SLICES_MIN = 3, SLICES_MAX = 12 }; /* ... within these */

double bench_now(void)
{
#ifdef __EMSCRIPTEN__
    return emscripten_get_now() * 1e-3;
#else
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#endif
}

bench_times bench_measure(int n, bench_action *const *actions, void *context)
{
    int calls[BENCH_ACTIONS], slices = SLICES_MAX;
    bench_times times = {{0}, 0};

    for (int a = 0; a < n; a++) { /* warm up, and see how long a call takes */
        const double start = bench_now();
        double each;

        calls[a] = 0;
        do {
            actions[a](context);
            calls[a]++;
        } while (bench_now() - start < 2 * SLICE_SECONDS);
        each = (bench_now() - start) / calls[a];
        calls[a] = (int)(SLICE_SECONDS / each) + 1;

        const int fit = (int)(TOTAL_SECONDS / (each * calls[a]));

        if (fit < slices) slices = fit < SLICES_MIN ? SLICES_MIN : fit;
    }
    for (int slice = 0; slice < slices; slice++) {
        for (int a = 0; a < n; a++) {
            const double start = bench_now();

            for (int i = 0; i < calls[a]; i++) actions[a](context);

            const double each = (bench_now() - start) / calls[a];

            if (slice == 0 || each < times.seconds[a]) times.seconds[a] = each;
        }
        const double peak = kiln_threads() * bench_peak();

        if (peak > times.peak) times.peak = peak;
    }
    return times;
}

float *bench_floats(size_t n)
{
    float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);
    unsigned state = 1;

    if (!x) {
        fprintf(stderr, "no memory for %zu floats\n", n);
        exit(1);
    }
    for (size_t i = 0; i < n; i++) { /* Numerical Recipes' generator: any numbers will do */
        state = state * 1664525u + 1013904223u;
        x[i] = (float)(state >> 8) * 0x1p-24f - 0.5f;
    }
    return x;
}
