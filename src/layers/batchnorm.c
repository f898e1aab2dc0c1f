/*
 * Batch normalisation.    cs231n: batchnorm_forward, _backward, _backward_alt, spatial_batchnorm_*
 *
 *   μ = Σ_r x / R     σ² = Σ_r (x - μ)² / R    x̂ = (x - μ) / √(σ² + eps)    out = gamma x̂ + beta
 *   dbeta = Σ dout    dgamma = Σ dout x̂    dx = gamma inv_std (dout - dbeta / R - x̂ dgamma / R)
 *
 * x, out (R, C): R = N, or N·H·W for images (channels last), so the spatial form is this one.
 * gamma, beta, mean, inv_std, running_* (C). Sums are per column, in fixed blocks of rows
 * (columns.h).
 *
 * Traffic: forward reads x twice and writes out; backward reads x and dout twice and writes dx. In
 * both the statistics must be whole before the first value can be written.
 * Source: Ioffe and Szegedy 2015, algorithm 1; cs231n assignment 2 and the staged graph of its
 * notes.
 */
#include <math.h>

#include "base/threads.h"
#include "kernels/vec.h"
#include "layers/columns.h"
#include "layers/layers.h"

#define TABLES 5        /* per-channel tables of one period that a pass uses at most */
#define TEST_STRIP 1024 /* channels (or a period of few) at a time in test mode, on the stack */

/* The matrix of a pass and the parts of `work`. */
typedef struct {
    kiln_columns k;
    const float *x, *dout;
    float *out; /* or dx */
    int relu;
    const kiln_columns_relu *behind; /* backward: the relu behind, or NULL */
    float *partial;       /* (blocks, 2, C) */
    float *table[TABLES]; /* (period) */
    float *scratch;       /* (threads, 2, period) */
} pass;

static pass make_pass(float *out, const float *dout, const float *x, int R, int C, int relu,
                      float *work)
{
    pass t = {kiln_columns_plan(R, C), x, dout, out, relu, NULL, NULL, {NULL}, NULL};

    for (int i = 0; i < TABLES; i++, work += t.k.period) t.table[i] = work;
    t.scratch = work;
    t.partial = work + (size_t)kiln_threads() * 2 * t.k.period;
    return t;
}

size_t kiln_batchnorm_work(int R, int C)
{
    const kiln_columns k = kiln_columns_plan(R, C);

    return (size_t)(TABLES + 2 * kiln_threads()) * k.period + (size_t)k.blocks * 2 * C;
}

/* First float of a block in x, out, dout. */
static size_t block_start(const pass *t, int block)
{
    return (size_t)block * t->k.block_rows * t->k.C;
}

/* ---- forward --------------------------------------------------------------------------------- */

static void moments_task(void *context, int block, int thread)
{
    const pass *t = context;
    const int C = t->k.C;
    float *mean = t->partial + (size_t)block * 2 * C;

    kiln_columns_moments(mean, mean + C, t->x + block_start(t, block),
                         kiln_columns_rows(&t->k, block), C,
                         t->scratch + (size_t)thread * 2 * t->k.period);
}

static void normalise_task(void *context, int block, int thread)
{
    const pass *t = context;
    const size_t start = block_start(t, block);

    (void)thread;
    kiln_columns_normalise(t->out + start, t->x + start, kiln_columns_rows(&t->k, block) * t->k.C,
                           t->k.period, t->table[0], t->table[1], t->table[2], t->relu);
}

void kiln_batchnorm_forward(float *out, float *mean, float *inv_std, float *running_mean,
                            float *running_var, const float *x, const float *gamma,
                            const float *beta, int R, int C, float eps, float momentum, int relu,
                            float *work)
{
    pass t = make_pass(out, NULL, x, R, C, relu, work);

    kiln_parallel(t.k.blocks, moments_task, &t);
    for (int first = 0; first < C; first += 16) {
        const int n = C - first < 16 ? C - first : 16;
        double mu[16], var[16];

        kiln_columns_merge_moments(mu, var, t.partial, &t.k, first, n);
        for (int j = 0, c = first; j < n; j++, c++) {
            mean[c] = (float)mu[j];
            inv_std[c] = (float)(1 / sqrt(var[j] + (double)eps));
            running_mean[c] = momentum * running_mean[c] + (1 - momentum) * mean[c];
            running_var[c] = momentum * running_var[c] + (1 - momentum) * (float)var[j];
        }
    }
    for (int c = 0; c < C; c++) t.table[1][c] = gamma[c] * inv_std[c];
    kiln_columns_spread(t.table[0], mean, C);
    kiln_columns_spread(t.table[1], t.table[1], C);
    kiln_columns_spread(t.table[2], beta, C);
    kiln_parallel(t.k.blocks, normalise_task, &t);
}

/* ---- test mode: running statistics, no work -------------------------------------------------- */

/* Channels first .. first + C - 1 of a matrix of `stride` channels; the tables hold one period or
 * one row. */
typedef struct {
    float *out;
    const float *x;
    float mean[TEST_STRIP], scale[TEST_STRIP], shift[TEST_STRIP];
    int R, C, first, stride, period, relu;
} test_strip;

enum { TEST_ROWS = 256 }; /* rows in a task */

static void test_task(void *context, int task, int thread)
{
    const test_strip *t = context;
    const int from = task * TEST_ROWS, to = t->R - from < TEST_ROWS ? t->R : from + TEST_ROWS;
    const int whole = t->C == t->stride; /* rows of the strip follow each other */

    (void)thread;
    for (int r = from; r < to; r += whole ? TEST_ROWS : 1) {
        const size_t start = (size_t)r * t->stride + t->first;

        kiln_columns_normalise(t->out + start, t->x + start, (whole ? to - from : 1) * t->C,
                               t->period, t->mean, t->scale, t->shift, t->relu);
    }
}

void kiln_batchnorm_test(float *out, const float *x, const float *gamma, const float *beta,
                         const float *running_mean, const float *running_var, int R, int C,
                         float eps, int relu)
{
    const int fits = kiln_columns_period(C) <= TEST_STRIP;
    test_strip t = {.out = out, .x = x, .R = R, .stride = C, .relu = relu};

    for (t.first = 0; t.first < C; t.first += TEST_STRIP) {
        t.C = C - t.first < TEST_STRIP ? C - t.first : TEST_STRIP;
        t.period = fits ? kiln_columns_period(C) : t.C;
        for (int i = 0; i < t.period; i++) {
            const int c = t.first + i % t.C;

            t.mean[i] = running_mean[c];
            t.scale[i] = gamma[c] * (float)(1 / sqrt((double)running_var[c] + (double)eps));
            t.shift[i] = beta[c];
        }
        kiln_parallel(R / TEST_ROWS + (R % TEST_ROWS != 0), test_task, &t);
    }
}

/* ---- backward, closed form ------------------------------------------------------------------- */

static void dots_task(void *context, int block, int thread)
{
    const pass *t = context;
    const size_t start = block_start(t, block);
    float *sum = t->partial + (size_t)block * 2 * t->k.C;

    kiln_columns_dots(sum, sum + t->k.C, t->dout + start, t->x + start, t->table[0], t->behind,
                      kiln_columns_rows(&t->k, block), t->k.C,
                      t->scratch + (size_t)thread * 2 * t->k.period);
}

static void unnormalise_task(void *context, int block, int thread)
{
    const pass *t = context;
    const size_t start = block_start(t, block);

    (void)thread;
    kiln_columns_unnormalise(t->out + start, t->dout + start, t->x + start,
                             kiln_columns_rows(&t->k, block) * t->k.C, t->k.period, t->table[0],
                             t->table[1], t->table[2], t->table[3], t->behind);
}

void kiln_batchnorm_backward_alt(float *dx, float *dgamma, float *dbeta, const float *dout,
                                 const float *x, const float *gamma, const float *relu_beta,
                                 const float *mean, const float *inv_std, int R, int C,
                                 float *work)
{
    pass t = make_pass(dx, dout, x, R, C, 0, work);
    const kiln_columns_relu relu = {t.table[1], t.table[4]};

    for (int c = 0; c < C; c++) t.table[1][c] = gamma[c] * inv_std[c];
    kiln_columns_spread(t.table[0], mean, C);
    kiln_columns_spread(t.table[1], t.table[1], C);
    if (relu_beta) {
        kiln_columns_spread(t.table[4], relu_beta, C);
        t.behind = &relu;
    }
    kiln_parallel(t.k.blocks, dots_task, &t);
    for (int first = 0; first < C; first += 16) {
        const int n = C - first < 16 ? C - first : 16;
        double sum[16], dot[16];

        kiln_columns_merge_sums(sum, dot, t.partial, &t.k, first, n);
        for (int j = 0, c = first; j < n; j++, c++) {
            const double scale = (double)gamma[c] * inv_std[c];

            dbeta[c] = (float)sum[j];
            dgamma[c] = (float)(dot[j] * inv_std[c]);
            t.table[2][c] = (float)(-scale * inv_std[c] * inv_std[c] * dot[j] / R);
            t.table[3][c] = (float)(-scale * sum[j] / R);
        }
    }
    for (int i = 2; i < 4; i++) kiln_columns_spread(t.table[i], t.table[i], C);
    kiln_parallel(t.k.blocks, unnormalise_task, &t);
}

/* ---- backward, staged graph ------------------------------------------------------------------ */

/*
 * The nine steps of the forward graph, and below each its backward step from the last to the first:
 *   1 μ = Σx / R     2 xmu = x - μ    3 sq = xmu²        4 var = Σsq / R    5 std = √(var + eps)
 *   6 ivar = 1 / std  7 x̂ = xmu ivar    8 gammax = gamma x̂  9 out = gammax + beta
 */
void kiln_batchnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                             const float *x, const float *gamma, const float *mean,
                             const float *inv_std, int R, int C, float *work)
{
    const size_t size = (size_t)R * C;
    float *xmu = work, *dxhat = xmu + size, *product = dxhat + size, *dx1 = product + size;
    float *divar = dx1 + size, *dmu = divar + C;

    for (size_t i = 0; i < size; i++) xmu[i] = x[i] - mean[i % C];
    kiln_vec_column_sums(dbeta, dout, R, C); /* 9: dbeta, and dgammax = dout */
    for (size_t i = 0; i < size; i++) product[i] = dout[i] * (xmu[i] * inv_std[i % C]);
    kiln_vec_column_sums(dgamma, product, R, C); /* 8: dgamma = Σ dgammax x̂ */
    for (size_t i = 0; i < size; i++) dxhat[i] = dout[i] * gamma[i % C]; /* 8: by gamma */
    for (size_t i = 0; i < size; i++) product[i] = dxhat[i] * xmu[i];
    kiln_vec_column_sums(divar, product, R, C); /* 7: divar = Σ dx̂ xmu */
    for (size_t i = 0; i < size; i++) {
        const int c = (int)(i % C);
        const float dxmu1 = dxhat[i] * inv_std[c];              /* 7: xmu as a factor of x̂ */
        const float dstd = -inv_std[c] * inv_std[c] * divar[c]; /* 6: (1/s)' = -1/s² */
        const float dvar = 0.5f * inv_std[c] * dstd;            /* 5: (√v)' = 1/(2√v) */
        const float dsq = dvar / (float)R;                      /* 4: every row has its share */
        const float dxmu2 = 2 * xmu[i] * dsq;                   /* 3: (u²)' = 2u */

        dx1[i] = dxmu1 + dxmu2; /* 2: x in xmu, both ways */
    }
    kiln_vec_column_sums(dmu, dx1, R, C); /* 2: μ in xmu: -Σ */
    for (size_t i = 0; i < size; i++) dx[i] = dx1[i] - dmu[i % C] / (float)R; /* 1: and x in μ */
}
