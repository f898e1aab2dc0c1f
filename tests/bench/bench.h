/*
 * Measuring kernels against the register peak of the same core at the same moment.
 *
 * The clock of a machine moves and others share it, so no time stands alone: each slice of a
 * kernel is followed by a slice of the peak loop, and what is compared is two neighbours.
 */
#ifndef KILN_BENCH_H
#define KILN_BENCH_H

#include <stddef.h>

typedef void bench_action(void *context);

double bench_now(void); /* seconds */

/* ---- roof.c: what the machine could do ------------------------------------------------------- */

double bench_peak(void);                  /* GFLOP/s of multiply-adds that stay in registers */
double bench_bandwidth(size_t floats);    /* GB/s of a[i] = b[i] + s c[i], three arrays so long */

/* ---- timing.c -------------------------------------------------------------------------------- */

enum { BENCH_ACTIONS = 2 };

/* Seconds of one call of each of n actions, taken in turn with the peak; GFLOP/s of the peak, times
 * the threads. Both are those of the fastest slice: other work on the machine only ever adds. */
typedef struct {
    double seconds[BENCH_ACTIONS], peak;
} bench_times;

bench_times bench_measure(int n, bench_action *const *actions, void *context);

/* ---- the two kinds of lines of the shapes file; text gets a JSON array of results ------------ */

float *bench_floats(size_t n);            /* aligned, random in -0.5..0.5; ends the program */
int bench_gemm(const char *line, char *text, size_t size);
int bench_conv(const char *line, char *text, size_t size);
int bench_conv_errors(const char *line, char *text, size_t size);

/* ---- peers/openblas.c: present natively where the library is --------------------------------- */

const char *bench_openblas_core(void);    /* the kernels it picked, NULL without it */
void bench_openblas_gemm(int op, int m, int n, int k, const float *a, const float *b, float *c);

#endif
