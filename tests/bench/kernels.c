/*
 * Speed of the kernels against the register peak of the same core in the same run.
 *
 *   kernels SHAPES [THREADS] [FILTER]
 *
 * Each line of the shapes file (see there) is timed as the fastest of 15 runs: other work on the
 * machine only ever adds to a run. GFLOP/s counts the multiply-adds of the direct algorithm, twice,
 * whatever algorithm runs; transforms and packing are in the time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __EMSCRIPTEN__
#include <emscripten.h>
#else
#include <time.h>
#endif

#include "base/rng.h"
#include "base/simd.h"
#include "base/threads.h"
#include "kernels/conv.h"
#include "kernels/gemm.h"
#include "kernels/winograd.h"

enum { RUNS = 15 };
#define RUN_SECONDS 0.01 /* of one run, so that the clock is fine enough */

static double now(void)
{
#ifdef __EMSCRIPTEN__
    return emscripten_get_now() * 1e-3;
#else
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
#endif
}

typedef void action(void *context);

/* Seconds of one call: warmed up (engines compile twice), then the fastest run. */
static double seconds(action *act, void *context)
{
    double start = now(), best = 0;
    int calls = 0;

    do {
        act(context);
        calls++;
    } while (now() - start < 5 * RUN_SECONDS);
    calls = (int)(RUN_SECONDS * calls / (now() - start)) + 1;
    for (int run = 0; run < RUNS; run++) {
        start = now();
        for (int i = 0; i < calls; i++) act(context);

        const double each = (now() - start) / calls;

        if (run == 0 || each < best) best = each;
    }
    return best;
}

/* ---- the peak: twelve independent sums in registers ------------------------------------------ */

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

enum { CHAINS = 12, STEPS = 100000 };
static volatile float sink, source = 0.999f;

static void spin(void *context)
{
    const vf x = vf_set1(source), y = vf_set1(source * 1e-6f);
    vf sum[CHAINS], total = y;
    float lane[KILN_LANES];

    (void)context;
    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = vf_set1(source * (float)i);
    for (int step = 0; step < STEPS; step++) {
        UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = vf_madd(sum[i], x, y);
    }
    UNROLL for (int i = 0; i < CHAINS; i++) total += sum[i];
    vf_store(lane, total);
    sink = lane[0];
}

/* ---- the shapes ------------------------------------------------------------------------------ */

static double peak;

static void report(const char *what, double products, double time)
{
    const double rate = 2e-9 * products / time;

    printf("%-44s %8.2f GFLOP/s  %5.1f %% of peak  %9.1f us\n", what, rate, 100 * rate / peak,
           1e6 * time);
    fflush(stdout);
}

static float *random_floats(size_t n)
{
    float *x = aligned_alloc(64, (n * sizeof *x + 63) / 64 * 64);

    if (!x) {
        fprintf(stderr, "no memory for %zu floats\n", n);
        exit(1);
    }
    for (size_t i = 0; i < n; i += 1 << 20)
        kiln_rng_fill_uniform(x + i, (int)(n - i < 1 << 20 ? n - i : 1 << 20),
                              (kiln_rng){1, KILN_RNG_USER, i}, 0);
    for (size_t i = 0; i < n; i++) x[i] -= 0.5f;
    return x;
}

typedef struct {
    int op, m, n, k;
    float *a, *b, *c, *work;
} gemm_job;

static void run_gemm(void *context)
{
    const gemm_job *j = context;

    kiln_gemm(j->op, j->m, j->n, j->k, j->a, j->op == KILN_TN ? j->m : j->k, j->b,
              j->op == KILN_NT ? j->k : j->n, 0, j->c, j->n, j->work);
}

static void bench_gemm(const char *line)
{
    char op[3], what[80];
    gemm_job j;

    if (sscanf(line, "gemm %2s %d %d %d", op, &j.m, &j.n, &j.k) != 4) return;
    j.op = op[0] == 'T' ? KILN_TN : op[1] == 'T' ? KILN_NT : KILN_NN;
    j.a = random_floats((size_t)j.m * j.k);
    j.b = random_floats((size_t)j.k * j.n);
    j.c = random_floats((size_t)j.m * j.n);
    j.work = random_floats(kiln_gemm_work(j.m, j.n, j.k));
    snprintf(what, sizeof what, "gemm %s %dx%dx%d", op, j.m, j.n, j.k);
    report(what, (double)j.m * j.n * j.k, seconds(run_gemm, &j));
    free(j.a);
    free(j.b);
    free(j.c);
    free(j.work);
}

typedef struct {
    kiln_conv_shape s;
    float *x, *w, *b, *out, *work;
} conv_job;

static void run_forward(void *context)
{
    const conv_job *j = context;

    kiln_conv_forward(j->out, j->x, j->w, j->b, &j->s, 1, j->work);
}

static void run_dx(void *context)
{
    const conv_job *j = context;

    kiln_conv_dx(j->x, j->out, j->w, &j->s, j->work);
}

static void run_dw(void *context)
{
    const conv_job *j = context;

    kiln_conv_dw(j->w, j->out, j->x, &j->s, j->work);
}

static void run_winograd_forward(void *context)
{
    const conv_job *j = context;

    kiln_winograd_forward(j->out, j->x, j->w, j->b, &j->s, 1, j->work);
}

static void run_winograd_dx(void *context)
{
    const conv_job *j = context;

    kiln_winograd_dx(j->x, j->out, j->w, &j->s, j->work);
}

static void run_winograd_dw(void *context)
{
    const conv_job *j = context;

    kiln_winograd_dw(j->w, j->out, j->x, &j->s, j->work);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void bench_conv(const char *line)
{
    static const struct {
        const char *name;
        action *act;
        int winograd;
    } kinds[] = {{"direct forward", run_forward, 0},
                 {"direct dx", run_dx, 0},
                 {"direct dw", run_dw, 0},
                 {"winograd forward", run_winograd_forward, 1},
                 {"winograd dx", run_winograd_dx, 1},
                 {"winograd dw", run_winograd_dw, 1}};
    conv_job j = {0};
    kiln_conv_shape *s = &j.s;
    double products;
    size_t work;

    if (sscanf(line, "conv %d %d %d %d %d %d %d %d %d", &s->N, &s->C, &s->H, &s->W, &s->F, &s->HH,
               &s->WW, &s->stride, &s->pad) != 9 ||
        !kiln_conv_shape_finish(s))
        return;
    products = (double)s->N * s->OH * s->OW * s->F * s->C * s->HH * s->WW;
    const int winograd = s->HH == 3 && s->WW == 3 && s->stride == 1 && s->pad == 1;

    work = kiln_conv_work(s);
    if (winograd) work = larger(work, kiln_winograd_work(s));
    j.x = random_floats((size_t)s->N * s->H * s->W * s->C);
    j.w = random_floats((size_t)s->F * s->C * s->HH * s->WW);
    j.b = random_floats((size_t)s->F);
    j.out = random_floats((size_t)s->N * s->OH * s->OW * s->F);
    j.work = random_floats(work);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        char what[80];

        if (kinds[i].winograd && !winograd) continue;
        snprintf(what, sizeof what, "%dx%d %d->%d /%d %dx%d N %d %s%s", s->HH, s->WW, s->C, s->F,
                 s->stride, s->H, s->W, s->N, kinds[i].name,
                 kinds[i].winograd && kiln_winograd_fits(s) ? " *" : "");
        report(what, products, seconds(kinds[i].act, &j));
    }
    free(j.x);
    free(j.w);
    free(j.b);
    free(j.out);
    free(j.work);
}

int main(int argc, char **argv)
{
    FILE *file = argc > 1 ? fopen(argv[1], "r") : NULL;
    char line[200];

    if (!file) {
        fprintf(stderr, "usage: kernels SHAPES [THREADS] [FILTER]\n");
        return 2;
    }
    const int threads = kiln_threads_set(argc > 2 ? atoi(argv[2]) : 1);

    peak = 2e-9 * KILN_LANES * CHAINS * STEPS / seconds(spin, NULL);
    printf("peak of one core: %.1f GFLOP/s, %d lanes, %s; %d threads\n", peak, KILN_LANES,
           KILN_FUSED ? "fused" : "strict", threads);
    while (fgets(line, sizeof line, file)) {
        if (argc > 3 && !strstr(line, argv[3])) continue;
        if (!strncmp(line, "gemm", 4)) bench_gemm(line);
        if (!strncmp(line, "conv", 4)) bench_conv(line);
    }
    fclose(file);
    return 0;
}
