/*
 * Group normalisation of images.                  cs231n: spatial_groupnorm_forward,
 * spatial_groupnorm_backward
 *
 *   x̂ = (x - μ) / √(σ² + eps)   out = gamma x̂ + beta   μ, σ² over the m = S·C/G values of a group
 *   g = gamma dout    dx = inv_std (g - Σ g / m - x̂ Σ g x̂ / m)    sums over the group
 *   dgamma = Σ_{n, s} dout x̂      dbeta = Σ_{n, s} dout
 *
 * x, out (N, S, C), S = H·W, channels last; group g is channels g·C/G .. (g + 1)·C/G - 1; gamma,
 * beta (C); mean, inv_std (N, G).
 *
 * With channels last a group's values are no run of memory, so an image is first reduced to one
 * moment (or sum) per channel, as a matrix (S, C) of columns.h, and channels are then joined to
 * groups, in double. One image is one task. Traffic as in batchnorm.c, but an image is small enough
 * to be found in the second-level cache.
 * Source: Wu and He 2018; cs231n assignment 2.
 */
#include <assert.h>
#include <math.h>

#include "base/threads.h"
#include "layers/columns.h"
#include "layers/layers.h"

#define TABLES 4

typedef struct {
    kiln_columns k; /* one image, (S, C) */
    const float *x, *dout, *gamma, *beta;
    const float *mean, *inv_std; /* backward's cache */
    float *out;                  /* or dx */
    float *mean_out, *inv_std_out;
    int G;
    float eps;
    float *sums;    /* (N, 2, C): backward's share of dbeta and dgamma of each image */
    float *scratch; /* (threads, thread_floats) */
} pass;

/* The parts of one thread's scratch. */
typedef struct {
    float *table[TABLES]; /* (period) */
    float *partial;       /* (blocks, 2, C) */
    float *scratch;       /* (2, period) */
} parts;

static size_t thread_floats(const kiln_columns *k)
{
    return (size_t)(TABLES + 2) * k->period + (size_t)k->blocks * 2 * k->C;
}

size_t kiln_groupnorm_work(int N, int S, int C, int G)
{
    const kiln_columns k = kiln_columns_plan(S, C);

    (void)G;
    return (size_t)N * 2 * C + kiln_threads() * thread_floats(&k);
}

static parts parts_of(const pass *t, int thread)
{
    float *p = t->scratch + thread * thread_floats(&t->k);
    parts q;

    for (int i = 0; i < TABLES; i++, p += t->k.period) q.table[i] = p;
    q.scratch = p;
    q.partial = p + 2 * t->k.period;
    return q;
}

/* ---- forward --------------------------------------------------------------------------------- */

/* Mean and variance of each channel of an image, to mean (C) and var (C), packed. */
static void channel_moments(float *mean, float *var, const float *x, const kiln_columns *k,
                            const parts *q)
{
    for (int b = 0; b < k->blocks; b++) {
        float *partial = q->partial + (size_t)b * 2 * k->C;

        kiln_columns_moments(partial, partial + k->C, x + (size_t)b * k->block_rows * k->C,
                             kiln_columns_rows(k, b), k->C, q->scratch);
    }
    for (int first = 0; first < k->C; first += 16) {
        const int n = k->C - first < 16 ? k->C - first : 16;
        double mu[16], v[16];

        kiln_columns_merge_moments(mu, v, q->partial, k, first, n);
        for (int j = 0; j < n; j++) {
            mean[first + j] = (float)mu[j];
            var[first + j] = kiln_columns_pack(v[j]);
        }
    }
}

/* Joins `size` channels of equal weight: the mean of means, and the mean of var + (mean - group
 * mean)². */
static void join_channels(float *group_mean, float *inv_std, const float *mean, const float *var,
                          int size, float eps)
{
    double mu = 0, v = 0;

    for (int c = 0; c < size; c++) mu += mean[c];
    mu /= size;
    for (int c = 0; c < size; c++)
        v += kiln_columns_unpack(var[c]) + (mean[c] - mu) * (mean[c] - mu);
    *group_mean = (float)mu;
    *inv_std = (float)(1 / sqrt(v / size + (double)eps));
}

static void forward_task(void *context, int n, int thread)
{
    const pass *t = context;
    const parts q = parts_of(t, thread);
    const int C = t->k.C, size = C / t->G;
    const size_t image = (size_t)n * t->k.R * C;

    channel_moments(q.table[0], q.table[1], t->x + image, &t->k, &q);
    for (int g = 0; g < t->G; g++) {
        const int at = n * t->G + g;

        join_channels(t->mean_out + at, t->inv_std_out + at, q.table[0] + g * size,
                      q.table[1] + g * size, size, t->eps);
        for (int c = g * size; c < (g + 1) * size; c++) {
            q.table[0][c] = t->mean_out[at];
            q.table[1][c] = t->gamma[c] * t->inv_std_out[at];
            q.table[2][c] = t->beta[c];
        }
    }
    for (int i = 0; i < 3; i++) kiln_columns_spread(q.table[i], q.table[i], C);
    kiln_columns_normalise(t->out + image, t->x + image, t->k.R * C, t->k.period, q.table[0],
                           q.table[1], q.table[2], 0);
}

void kiln_groupnorm_forward(float *out, float *mean, float *inv_std, const float *x,
                            const float *gamma, const float *beta, int N, int S, int C, int G,
                            float eps, float *work)
{
    pass t = {.k = kiln_columns_plan(S, C),
              .x = x,
              .gamma = gamma,
              .beta = beta,
              .out = out,
              .mean_out = mean,
              .inv_std_out = inv_std,
              .G = G,
              .eps = eps};

    assert(G > 0 && C % G == 0);
    t.scratch = work + (size_t)N * 2 * C;
    kiln_parallel(N, forward_task, &t);
}

/* ---- backward -------------------------------------------------------------------------------- */

/* Σ_s dout and Σ_s dout (x - mean) of each channel, to sum (C) and dot (C); mean is a table. */
static void channel_dots(float *sum, float *dot, const float *dout, const float *x,
                         const float *mean, const kiln_columns *k, const parts *q)
{
    for (int b = 0; b < k->blocks; b++) {
        float *partial = q->partial + (size_t)b * 2 * k->C;
        const size_t start = (size_t)b * k->block_rows * k->C;

        kiln_columns_dots(partial, partial + k->C, dout + start, x + start, mean, NULL,
                          kiln_columns_rows(k, b), k->C, q->scratch);
    }
    for (int first = 0; first < k->C; first += 16) {
        const int n = k->C - first < 16 ? k->C - first : 16;
        double s[16], d[16];

        kiln_columns_merge_sums(s, d, q->partial, k, first, n);
        for (int j = 0; j < n; j++) {
            sum[first + j] = (float)s[j];
            dot[first + j] = (float)d[j];
        }
    }
}

static void backward_task(void *context, int n, int thread)
{
    const pass *t = context;
    const parts q = parts_of(t, thread);
    const int C = t->k.C, size = C / t->G;
    const size_t image = (size_t)n * t->k.R * C;
    const double m = (double)t->k.R * size;
    float *sum = t->sums + (size_t)n * 2 * C, *dot = sum + C, squeeze, least = 1;

    for (int g = 0; g < t->G; g++)
        if (t->inv_std[n * t->G + g] < least) least = t->inv_std[n * t->G + g];
    squeeze = kiln_columns_squeeze(least);
    for (int c = 0; c < C; c++) q.table[0][c] = t->mean[n * t->G + c / size];
    kiln_columns_spread(q.table[0], q.table[0], C);
    channel_dots(sum, dot, t->dout + image, t->x + image, q.table[0], &t->k, &q);
    for (int g = 0; g < t->G; g++) {
        const double inv = t->inv_std[n * t->G + g];
        double group_sum = 0, group_dot = 0;

        for (int c = g * size; c < (g + 1) * size; c++) {
            group_sum += (double)t->gamma[c] * sum[c];
            group_dot += (double)t->gamma[c] * dot[c];
        }
        for (int c = g * size; c < (g + 1) * size; c++) {
            q.table[1][c] = (float)(inv * t->gamma[c]);
            q.table[2][c] = (float)(-inv * inv * inv * group_dot / m / squeeze);
            q.table[3][c] = (float)(-inv * group_sum / m);
            dot[c] = (float)(inv * dot[c]); /* Σ_s dout x̂ */
        }
    }
    for (int i = 1; i < TABLES; i++) kiln_columns_spread(q.table[i], q.table[i], C);
    kiln_columns_unnormalise(t->out + image, t->dout + image, t->x + image, t->k.R * C, t->k.period,
                             q.table[0], q.table[1], q.table[2], q.table[3], squeeze, NULL);
}

void kiln_groupnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                             const float *x, const float *gamma, const float *mean,
                             const float *inv_std, int N, int S, int C, int G, float *work)
{
    const kiln_columns images = {.R = N, .C = C, .block_rows = 1, .blocks = N};
    pass t = {.k = kiln_columns_plan(S, C),
              .x = x,
              .dout = dout,
              .gamma = gamma,
              .out = dx,
              .mean = mean,
              .inv_std = inv_std,
              .G = G,
              .sums = work};

    assert(G > 0 && C % G == 0);
    t.scratch = work + (size_t)N * 2 * C;
    kiln_parallel(N, backward_task, &t);
    for (int first = 0; first < C; first += 16) {
        const int n = C - first < 16 ? C - first : 16;
        double sum[16], dot[16];

        kiln_columns_merge_sums(sum, dot, work, &images, first, n);
        for (int j = 0; j < n; j++) {
            if (dbeta) dbeta[first + j] = (float)sum[j];
            if (dgamma) dgamma[first + j] = (float)dot[j];
        }
    }
}
