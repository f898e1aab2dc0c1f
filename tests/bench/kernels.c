/*
 * Speed and errors of the kernels: a request a line, a line of JSON as the answer.
 *
 *   peak                        register peak and bandwidths of this core and build
 *   gemm OP M N K               as in the shapes file, timed; also OpenBLAS after --openblas
 *   conv N C H W F HH WW S P    timed: forward, dx, dw, direct and by Winograd's way
 *   errors conv ...             the same calls against double: largest error by largest value
 *
 * Natively a program that reads requests from stdin (--threads N: the peak is then that of N
 * cores); as WebAssembly a function that JavaScript calls. GFLOP/s are left to the reader: they are
 * of the direct algorithm's multiply-adds, whatever runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/simd.h"
#include "base/threads.h"
#include "bench.h"
#include "kernels/gemm.h"

const char *bench_ask(const char *line);

static int with_openblas, threads = 1;

/* ---- matrix products ------------------------------------------------------------------------- */

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

static void run_openblas(void *context)
{
    const gemm_job *j = context;

    bench_openblas_gemm(j->op, j->m, j->n, j->k, j->a, j->b, j->c);
}

int bench_gemm(const char *line, char *text, size_t size)
{
    static bench_action *const actions[] = {run_gemm, run_openblas};
    char op[3];
    gemm_job j;
    bench_times t;
    int length;

    if (sscanf(line, "gemm %2s %d %d %d", op, &j.m, &j.n, &j.k) != 4) return -1;
    j.op = op[0] == 'T' ? KILN_TN : op[1] == 'T' ? KILN_NT : KILN_NN;
    j.a = bench_floats((size_t)j.m * j.k);
    j.b = bench_floats((size_t)j.k * j.n);
    j.c = bench_floats((size_t)j.m * j.n);
    j.work = bench_floats(kiln_gemm_work(j.m, j.n, j.k));
    t = bench_measure(with_openblas ? 2 : 1, actions, &j);
    length = snprintf(text, size, "[{\"kernel\":\"gemm\",\"seconds\":%.9g,\"peak\":%.6g}",
                      t.seconds[0], t.peak);
    if (with_openblas)
        length += snprintf(text + length, size - (size_t)length,
                           ",{\"kernel\":\"openblas\",\"seconds\":%.9g,\"peak\":%.6g}",
                           t.seconds[1], t.peak);
    snprintf(text + length, size - (size_t)length, "]");
    free(j.a);
    free(j.b);
    free(j.c);
    free(j.work);
    return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void describe(char *text, size_t size)
{
    double peak = 0;

    for (int i = 0; i < 50; i++) {
        const double now = threads * bench_peak();

        if (now > peak) peak = now;
    }
    /* 32 MB an array is beyond any last-level cache's share of a core; 64 KB lies in L2. */
    snprintf(text, size, "{\"peak\":%.6g,\"lanes\":%d,\"mode\":\"%s\",\"memoryBandwidth\":%.6g,"
             "\"cacheBandwidth\":%.6g,\"openblas\":\"%s\"}", peak, KILN_LANES,
             KILN_FUSED ? "fused" : "strict", bench_bandwidth(8 << 20), bench_bandwidth(16 << 10),
             with_openblas ? bench_openblas_core() : "");
}

const char *bench_ask(const char *line)
{
    static char text[4096];
    int bad = 0;

    kiln_threads_set(threads);
    if (!strncmp(line, "peak", 4)) describe(text, sizeof text);
    else if (!strncmp(line, "gemm", 4)) bad = bench_gemm(line, text, sizeof text);
    else if (!strncmp(line, "conv", 4)) bad = bench_conv(line, text, sizeof text);
    else if (!strncmp(line, "errors ", 7)) bad = bench_conv_errors(line + 7, text, sizeof text);
    else bad = -1;
    return bad ? "{\"error\":\"what is asked is not understood\"}" : text;
}

#ifndef __EMSCRIPTEN__
int main(int argc, char **argv)
{
    char line[200];

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--openblas")) with_openblas = bench_openblas_core() != NULL;
        if (!strcmp(argv[i], "--threads") && i + 1 < argc) threads = atoi(argv[++i]);
    }
    while (fgets(line, sizeof line, stdin)) {
        puts(bench_ask(line));
        fflush(stdout);
    }
    return 0;
}
#else
const char *bench_openblas_core(void)
{
    return NULL;
}

void bench_openblas_gemm(int op, int m, int n, int k, const float *a, const float *b, float *c)
{
    (void)op, (void)m, (void)n, (void)k, (void)a, (void)b, (void)c;
}
#endif
