/*
 * Numeric gradients in double, and buffers for the tests of layers.
 *
 * Buffers come from a list that numeric_done() checks (guards) and frees, so that a test over many
 * shapes reads as the formula it tests. Random values are in [-1, 1) and depend on the seed and on
 * the order of the calls.
 */
#ifndef KILN_TESTS_NUMERIC_H
#define KILN_TESTS_NUMERIC_H

#include <float.h>

#include "check.h"

enum { NUMERIC_BUFFERS = 64 };

static float *numeric_floats[NUMERIC_BUFFERS];
static double *numeric_doubles[NUMERIC_BUFFERS];
static int numeric_float_count, numeric_double_count;
static uint32_t numeric_stream;

/* ---- buffers --------------------------------------------------------------------------------- */

/* n floats of the guard's NaN, `offset` floats past a 64-byte boundary. */
static inline float *blank_at(size_t n, size_t offset)
{
    CHECK(numeric_float_count < NUMERIC_BUFFERS);
    return numeric_floats[numeric_float_count++] = check_floats_at(n, offset);
}

static inline float *blank(size_t n)
{
    return blank_at(n, 0);
}

static inline float *randoms_at(size_t n, size_t offset)
{
    float *p = blank_at(n, offset);

    check_random(p, n, ++numeric_stream);
    return p;
}

static inline float *randoms(size_t n)
{
    return randoms_at(n, 0);
}

static inline double *doubles(size_t n)
{
    double *p = calloc(n + 1, sizeof *p);

    CHECK(p && numeric_double_count < NUMERIC_BUFFERS);
    return numeric_doubles[numeric_double_count++] = p;
}

static inline double *widened(const float *x, size_t n)
{
    double *p = doubles(n);

    for (size_t i = 0; i < n; i++) p[i] = x[i];
    return p;
}

static inline double *magnitudes(const float *x, size_t n)
{
    double *p = doubles(n);

    for (size_t i = 0; i < n; i++) p[i] = fabs((double)x[i]);
    return p;
}

static inline double *random_doubles(size_t n)
{
    float *x = check_floats(n);
    double *p;

    check_random(x, n, ++numeric_stream);
    p = widened(x, n);
    check_free(x);
    return p;
}

/* Checks every guard, frees everything, and starts the random numbers again. */
static inline void numeric_done(void)
{
    while (numeric_float_count) check_free(numeric_floats[--numeric_float_count]);
    while (numeric_double_count) free(numeric_doubles[--numeric_double_count]);
    numeric_stream = 0;
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static inline double largest(const double *x, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++) most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* |actual - expected| <= tolerance · the largest |expected|. */
#define CHECK_RELATIVE(actual, expected, n, tolerance)                                             \
    check_relative(actual, expected, n, tolerance, #actual, __FILE__, __LINE__)
static inline void check_relative(const float *actual, const double *expected, size_t n,
                                  double tolerance, const char *what, const char *file, int line)
{
    const double bound = tolerance * largest(expected, n);

    for (size_t i = 0; i < n; i++)
        if (!(fabs(actual[i] - expected[i]) <= bound))
            check_fail(file, line, "%s[%zu] of %zu is %.9g, expected %.9g within %.3g", what, i, n,
                       (double)actual[i], expected[i], bound);
}

/* Sums of k terms: |actual - expected| <= (k + 4) · FLT_EPSILON · Σ|terms|. */
#define CHECK_SUMS(actual, expected, magnitude, n, k)                                              \
    check_sums(actual, expected, magnitude, n, k, #actual, __FILE__, __LINE__)
static inline void check_sums(const float *actual, const double *expected, const double *magnitude,
                              size_t n, double k, const char *what, const char *file, int line)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(actual[i] - expected[i]) <= (k + 4) * FLT_EPSILON * magnitude[i]))
            check_fail(file, line, "%s[%zu] of %zu is %.9g, expected %.9g, magnitude %.3g", what, i,
                       n, (double)actual[i], expected[i], magnitude[i]);
}

/* The same value after rounding to float. */
#define CHECK_EXACT(actual, expected, n)                                                           \
    check_exact(actual, expected, n, #actual, __FILE__, __LINE__)
static inline void check_exact(const float *actual, const double *expected, size_t n,
                               const char *what, const char *file, int line)
{
    for (size_t i = 0; i < n; i++)
        if (!(actual[i] == (float)expected[i]))
            check_fail(file, line, "%s[%zu] of %zu is %.9g, expected %.9g", what, i, n,
                       (double)actual[i], expected[i]);
}

/* ---- numeric gradients ----------------------------------------------------------------------- */

/* Runs a layer forward; the arrays it reads are in the context, and one of them is perturbed. */
typedef void numeric_forward(double *out, const void *context);

/*
 * dx against (L(x + h) - L(x - h)) / 2h for every x[i], where L = Σ out · dout and h = 1e-5. The
 * error is relative to the largest gradient of the array. dout NULL: out is one number, the loss
 * itself.
 */
#define CHECK_GRADIENT(dx, x, n, forward, context, dout, outputs, tolerance)                       \
    check_gradient(dx, x, n, forward, context, dout, outputs, tolerance, #dx, __FILE__, __LINE__)
static inline void check_gradient(const double *dx, double *x, size_t n, numeric_forward *forward,
                                  const void *context, const double *dout, size_t outputs,
                                  double tolerance, const char *what, const char *file, int line)
{
    const double h = 1e-5;
    double *out = calloc(2 * outputs, sizeof *out), *low = out + outputs, most = 0;
    double *numeric = calloc(n, sizeof *numeric);

    CHECK(out && numeric);
    for (size_t i = 0; i < n; i++) {
        const double centre = x[i];

        x[i] = centre + h;
        forward(out, context);
        x[i] = centre - h;
        forward(low, context);
        x[i] = centre;
        for (size_t j = 0; j < outputs; j++)
            numeric[i] += (out[j] - low[j]) * (dout ? dout[j] : 1) / (2 * h);
        most = fabs(numeric[i]) > most ? fabs(numeric[i]) : most;
    }
    for (size_t i = 0; i < n; i++)
        if (!(fabs(dx[i] - numeric[i]) <= tolerance * most))
            check_fail(file, line, "%s[%zu] of %zu is %.12g, numerically %.12g (relative %.2g)",
                       what, i, n, dx[i], numeric[i], fabs(dx[i] - numeric[i]) / most);
    free(out);
    free(numeric);
}

#endif
