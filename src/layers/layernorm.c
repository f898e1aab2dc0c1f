/*
 * Layer normalisation.                            cs231n: layernorm_forward, layernorm_backward
 *
 *   μ = Σ_d x / D     σ² = Σ_d (x - μ)² / D    x̂ = (x - μ) / √(σ² + eps)    out = gamma x̂ + beta
 *   g = gamma dout    dx = inv_std (g - Σ_d g / D - x̂ Σ_d g x̂ / D)
 *   dgamma = Σ_n dout x̂      dbeta = Σ_n dout
 *
 * x, out (N, D): statistics of each row; gamma, beta (D); mean, inv_std (N).
 *
 * A row's sums are those of a matrix (D, 1): columns.h with C = 1 is the 16-way split. dgamma and
 * dbeta are summed over rows in order within fixed blocks of 16, blocks in order. A row stays in
 * the cache, so the traffic is x in and out out; backward: x and dout in, dx out.
 * Source: Ba, Kiros, Hinton 2016; cs231n assignment 2.
 */
#include <math.h>

#include "base/simd.h"
#include "base/threads.h"
#include "layers/columns.h"
#include "layers/layers.h"

enum { ROWS = 16 }; /* in a task */

typedef struct {
    float *out, *mean, *inv_std;
    const float *x, *gamma, *beta;
    int N, D;
    float eps;
} forward_job;

typedef struct {
    float *dx, *partial; /* partial (blocks, 2, D): dbeta, dgamma of a block of rows */
    const float *dout, *x, *gamma, *mean, *inv_std;
    int D;
    kiln_columns k; /* rows in blocks of ROWS, for the merge */
} backward_job;

/* ---- forward --------------------------------------------------------------------------------- */

static vf scale_row(vf x, vf mean, vf inv_std, vf gamma, vf beta)
{
    return vf_madd((x - mean) * inv_std, gamma, beta);
}

static void forward_row(const forward_job *t, int row)
{
    const float *x = t->x + (size_t)row * t->D;
    float *out = t->out + (size_t)row * t->D;
    float scratch[32], m2;
    int d = 0;

    kiln_columns_moments(t->mean + row, &m2, x, t->D, 1, scratch);
    t->inv_std[row] = (float)(1 / sqrt(kiln_columns_unpack(m2) / t->D + (double)t->eps));

    const vf mean = vf_set1(t->mean[row]), inv_std = vf_set1(t->inv_std[row]);

    for (; d + KILN_LANES <= t->D; d += KILN_LANES)
        vf_store(out + d, scale_row(vf_load(x + d), mean, inv_std, vf_load(t->gamma + d),
                                    vf_load(t->beta + d)));
    if (d < t->D) {
        const int n = t->D - d;

        vf_store_part(out + d,
                      scale_row(vf_load_part(x + d, n, 0), mean, inv_std,
                                vf_load_part(t->gamma + d, n, 0), vf_load_part(t->beta + d, n, 0)),
                      n);
    }
}

static void forward_task(void *context, int task, int thread)
{
    const forward_job *t = context;

    (void)thread;
    for (int row = task * ROWS; row < t->N && row < (task + 1) * ROWS; row++) forward_row(t, row);
}

void kiln_layernorm_forward(float *out, float *mean, float *inv_std, const float *x,
                            const float *gamma, const float *beta, int N, int D, float eps)
{
    forward_job t = {out, mean, inv_std, x, gamma, beta, N, D, eps};

    kiln_parallel((N + ROWS - 1) / ROWS, forward_task, &t);
}

/* ---- backward -------------------------------------------------------------------------------- */

static kiln_columns row_blocks(int N, int D)
{
    return (kiln_columns){.R = N, .C = D, .block_rows = ROWS, .blocks = (N + ROWS - 1) / ROWS};
}

size_t kiln_layernorm_work(int N, int D)
{
    return (size_t)row_blocks(N, D).blocks * 2 * D;
}

/* g = gamma dout; dbeta += dout; dgamma += dout x̂: elementwise over one row. */
static void weigh_row(float *g, float *dbeta, float *dgamma, const float *dout, const float *x,
                      const float *gamma, float mean, float inv_std, int D)
{
    int d = 0;

    for (; d + KILN_LANES <= D; d += KILN_LANES) {
        const vf go = vf_load(dout + d), xhat = (vf_load(x + d) - mean) * inv_std;

        vf_store(dbeta + d, vf_load(dbeta + d) + go);
        vf_store(dgamma + d, vf_madd(go, xhat, vf_load(dgamma + d)));
        vf_store(g + d, go * vf_load(gamma + d));
    }
    for (; d < D; d++) {
        const float go = dout[d], xhat = (x[d] - mean) * inv_std;

        dbeta[d] += go;
        dgamma[d] = sf_madd(go, xhat, dgamma[d]);
        g[d] = go * gamma[d];
    }
}

static void fill16(float *table, double value)
{
    for (int i = 0; i < 16; i++) table[i] = (float)value;
}

/* dx = inv_std (g - Σg / D - x̂ Σg x̂ / D), with g in dx. */
static void backward_row(float *dx, const float *x, float mean, float inv_std, int D)
{
    float scratch[32], table[4][16], sum, dot;
    const float squeeze = kiln_columns_squeeze(inv_std);
    const double inv = inv_std;

    fill16(table[0], mean);
    kiln_columns_dots(&sum, &dot, dx, x, table[0], NULL, D, 1, scratch);
    fill16(table[1], inv);
    fill16(table[2], -inv * inv * inv * dot / D / squeeze);
    fill16(table[3], -inv * sum / D);
    kiln_columns_unnormalise(dx, dx, x, D, 16, table[0], table[1], table[2], table[3], squeeze,
                             NULL);
}

static void backward_task(void *context, int task, int thread)
{
    const backward_job *t = context;
    const int D = t->D, first = task * ROWS, rows = kiln_columns_rows(&t->k, task);
    float *dbeta = t->partial + (size_t)task * 2 * D, *dgamma = dbeta + D;

    (void)thread;
    for (int d = 0; d < 2 * D; d++) dbeta[d] = 0;
    for (int row = first; row < first + rows; row++) {
        const size_t at = (size_t)row * D;

        weigh_row(t->dx + at, dbeta, dgamma, t->dout + at, t->x + at, t->gamma, t->mean[row],
                  t->inv_std[row], D);
        backward_row(t->dx + at, t->x + at, t->mean[row], t->inv_std[row], D);
    }
}

void kiln_layernorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                             const float *x, const float *gamma, const float *mean,
                             const float *inv_std, int N, int D, float *work)
{
    backward_job t = {dx, work, dout, x, gamma, mean, inv_std, D, row_blocks(N, D)};

    kiln_parallel(t.k.blocks, backward_task, &t);
    for (int first = 0; first < D; first += 16) {
        const int n = D - first < 16 ? D - first : 16;
        double sum[16], dot[16];

        kiln_columns_merge_sums(sum, dot, work, &t.k, first, n);
        for (int j = 0; j < n; j++) {
            if (dbeta) dbeta[first + j] = (float)sum[j];
            if (dgamma) dgamma[first + j] = (float)dot[j];
        }
    }
}
