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
#include <float.h>
#include <math.h>

#include "base/threads.h"
#include "kernels/vec.h"
#include "layers/columns.h"
#include "layers/layers.h"

/* Of one period each: out = (x - MEAN) SCALE + SHIFT, dx = dout SCALE + ((x - MEAN) s SLOPE +
 * OFFSET). Behind them the one float s, columns.h's squeeze. */
enum { MEAN, SCALE, SHIFT, SLOPE, OFFSET, TABLES };

size_t kiln_batchnorm_tables(int C)
{
    return (size_t)TABLES * kiln_columns_period(C) + 1;
}

static float *table(float *tables, int which, int C)
{
    return tables + (size_t)which * kiln_columns_period(C);
}

static const float *read_table(const float *tables, int which, int C)
{
    return tables + (size_t)which * kiln_columns_period(C);
}

/* ---- sums of blocks of rows: (blocks, 2, C), then scratch for each thread -------------------- */

size_t kiln_batchnorm_sums(int R, int C)
{
    const kiln_columns k = kiln_columns_plan(R, C);

    return (size_t)k.blocks * 2 * C + (size_t)kiln_threads() * 2 * k.period;
}

int kiln_batchnorm_block(int C)
{
    return kiln_columns_plan(1, C).block_rows;
}

static kiln_columns_relu relu_behind(const float *tables, int C)
{
    return (kiln_columns_relu){read_table(tables, SCALE, C), read_table(tables, SHIFT, C)};
}

typedef struct {
    float *sums;
    const float *dout, *x, *tables; /* dout NULL: moments */
    kiln_columns k;
    int first, relu; /* first: block */
} sums_job;

static void sums_task(void *context, int task, int thread)
{
    const sums_job *j = context;
    const int C = j->k.C, block = j->first + task, rows = kiln_columns_rows(&j->k, block);
    const size_t start = (size_t)block * j->k.block_rows * C;
    float *sum = j->sums + (size_t)block * 2 * C;
    float *scratch = j->sums + ((size_t)j->k.blocks * C + (size_t)thread * j->k.period) * 2;

    if (j->dout) {
        const kiln_columns_relu behind = relu_behind(j->tables, C);

        kiln_columns_dots(sum, sum + C, j->dout + start, j->x + start,
                          read_table(j->tables, MEAN, C), j->relu ? &behind : NULL, rows, C,
                          scratch);
    } else {
        kiln_columns_moments(sum, sum + C, j->x + start, rows, C, scratch);
    }
}

static void take_sums(sums_job j, int first, int last)
{
    j.first = first / j.k.block_rows;
    kiln_parallel((last - 1) / j.k.block_rows + 1 - j.first, sums_task, &j);
}

void kiln_batchnorm_moments(float *sums, const float *x, int first, int last, int R, int C)
{
    take_sums((sums_job){sums, NULL, x, NULL, kiln_columns_plan(R, C), 0, 0}, first, last);
}

void kiln_batchnorm_dots(float *sums, const float *dout, const float *x, const float *tables,
                         int first, int last, int R, int C, int relu)
{
    take_sums((sums_job){sums, dout, x, tables, kiln_columns_plan(R, C), 0, relu}, first, last);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void fill_tables(float *tables, const float *mean, const float *inv_std, const float *gamma,
                        const float *beta, int C)
{
    float *scale = table(tables, SCALE, C);

    for (int c = 0; c < C; c++) scale[c] = gamma[c] * inv_std[c];
    kiln_columns_spread(table(tables, MEAN, C), mean, C);
    kiln_columns_spread(scale, scale, C);
    kiln_columns_spread(table(tables, SHIFT, C), beta, C);
}

/* A variance beyond what a float holds, of deviations beyond 1.8e19, is kept as the largest. */
static float to_float(double variance)
{
    return variance > FLT_MAX ? FLT_MAX : (float)variance;
}

void kiln_batchnorm_begin(float *tables, float *mean, float *inv_std, float *running_mean,
                          float *running_var, const float *sums, const float *gamma,
                          const float *beta, int R, int C, float eps, double momentum)
{
    const kiln_columns k = kiln_columns_plan(R, C);

    for (int first = 0; first < C; first += 16) {
        const int n = C - first < 16 ? C - first : 16;
        double mu[16], var[16];

        kiln_columns_merge_moments(mu, var, sums, &k, first, n);
        for (int j = 0, c = first; j < n; j++, c++) {
            mean[c] = (float)mu[j];
            inv_std[c] = (float)(1 / sqrt(var[j] + (double)eps));
            running_mean[c] = (float)(momentum * running_mean[c] + (1 - momentum) * mu[j]);
            running_var[c] = to_float(momentum * running_var[c] + (1 - momentum) * var[j]);
        }
    }
    fill_tables(tables, mean, inv_std, gamma, beta, C);
}

void kiln_batchnorm_begin_test(float *tables, const float *gamma, const float *beta,
                               const float *running_mean, const float *running_var, int C,
                               float eps)
{
    float *inv_std = table(tables, SLOPE, C); /* not needed forward */

    for (int c = 0; c < C; c++)
        inv_std[c] = (float)(1 / sqrt((double)running_var[c] + (double)eps));
    fill_tables(tables, running_mean, inv_std, gamma, beta, C);
}

void kiln_batchnorm_begin_backward(float *tables, float *dgamma, float *dbeta, const float *sums,
                                   const float *gamma, const float *inv_std, int R, int C)
{
    const kiln_columns k = kiln_columns_plan(R, C);
    float *slope = table(tables, SLOPE, C), *offset = table(tables, OFFSET, C);
    float *squeeze = table(tables, TABLES, C), least = 1;

    for (int c = 0; c < C; c++)
        if (inv_std[c] < least) least = inv_std[c];
    *squeeze = kiln_columns_squeeze(least);
    for (int first = 0; first < C; first += 16) {
        const int n = C - first < 16 ? C - first : 16;
        double sum[16], dot[16];

        kiln_columns_merge_sums(sum, dot, sums, &k, first, n);
        for (int j = 0, c = first; j < n; j++, c++) {
            const double scale = (double)gamma[c] * inv_std[c];

            if (dbeta) dbeta[c] = (float)sum[j];
            if (dgamma) dgamma[c] = (float)(dot[j] * inv_std[c]);
            slope[c] = (float)(-scale * inv_std[c] * inv_std[c] * dot[j] / R / *squeeze);
            offset[c] = (float)(-scale * sum[j] / R);
        }
    }
    kiln_columns_spread(slope, slope, C);
    kiln_columns_spread(offset, offset, C);
}

/* ---- maps of rows ---------------------------------------------------------------------------- */

typedef struct {
    float *out; /* or dx */
    const float *dout, *x;
    kiln_columns k;
    const float *tables;
    int relu;
} map;

static void map_task(void *context, int block, int thread)
{
    const map *m = context;
    const int C = m->k.C, floats = kiln_columns_rows(&m->k, block) * C;
    const size_t start = (size_t)block * m->k.block_rows * C;
    const float *mean = read_table(m->tables, MEAN, C), *scale = read_table(m->tables, SCALE, C);
    const kiln_columns_relu behind = relu_behind(m->tables, C);

    (void)thread;
    if (m->dout)
        kiln_columns_unnormalise(m->out + start, m->dout + start, m->x + start, floats, m->k.period,
                                 mean, scale, read_table(m->tables, SLOPE, C),
                                 read_table(m->tables, OFFSET, C),
                                 *read_table(m->tables, TABLES, C), m->relu ? &behind : NULL);
    else
        kiln_columns_normalise(m->out + start, m->x + start, floats, m->k.period, mean, scale,
                               read_table(m->tables, SHIFT, C), m->relu);
}

void kiln_batchnorm_rows(float *out, const float *x, const float *tables, int rows, int C, int relu)
{
    map m = {out, NULL, x, kiln_columns_plan(rows, C), tables, relu};

    kiln_parallel(m.k.blocks, map_task, &m);
}

void kiln_batchnorm_rows_backward(float *dx, const float *dout, const float *x, const float *tables,
                                  int rows, int C, int relu)
{
    map m = {dx, dout, x, kiln_columns_plan(rows, C), tables, relu};

    kiln_parallel(m.k.blocks, map_task, &m);
}

/* ---- whole passes ---------------------------------------------------------------------------- */

/* work: tables, then sums. */
size_t kiln_batchnorm_work(int R, int C)
{
    return kiln_batchnorm_tables(C) + kiln_batchnorm_sums(R, C);
}

void kiln_batchnorm_forward(float *out, float *mean, float *inv_std, float *running_mean,
                            float *running_var, const float *x, const float *gamma,
                            const float *beta, int R, int C, float eps, double momentum, int relu,
                            float *work)
{
    float *tables = work, *sums = work + kiln_batchnorm_tables(C);

    kiln_batchnorm_moments(sums, x, 0, R, R, C);
    kiln_batchnorm_begin(tables, mean, inv_std, running_mean, running_var, sums, gamma, beta, R, C,
                         eps, momentum);
    kiln_batchnorm_rows(out, x, tables, R, C, relu);
}

void kiln_batchnorm_test(float *out, const float *x, const float *gamma, const float *beta,
                         const float *running_mean, const float *running_var, int R, int C,
                         float eps, int relu, float *tables)
{
    kiln_batchnorm_begin_test(tables, gamma, beta, running_mean, running_var, C, eps);
    kiln_batchnorm_rows(out, x, tables, R, C, relu);
}

/* The closed form. */
void kiln_batchnorm_backward_alt(float *dx, float *dgamma, float *dbeta, const float *dout,
                                 const float *x, const float *gamma, const float *relu_beta,
                                 const float *mean, const float *inv_std, int R, int C,
                                 float *work)
{
    float *tables = work, *sums = work + kiln_batchnorm_tables(C);
    const int relu = relu_beta != NULL;

    fill_tables(tables, mean, inv_std, gamma, relu ? relu_beta : gamma, C);
    kiln_batchnorm_dots(sums, dout, x, tables, 0, R, R, C, relu);
    kiln_batchnorm_begin_backward(tables, dgamma, dbeta, sums, gamma, inv_std, R, C);
    kiln_batchnorm_rows_backward(dx, dout, x, tables, R, C, relu);
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
        const double ivar = inv_std[c];                /* its cube leaves float's range */
        const float dxmu1 = dxhat[i] * inv_std[c];     /* 7: xmu as a factor of x̂ */
        const double dstd = -ivar * ivar * divar[c];   /* 6: (1/s)' = -1/s² */
        const double dvar = 0.5 * ivar * dstd;         /* 5: (√v)' = 1/(2√v) */
        const double dsq = dvar / R;                   /* 4: every row has its share */
        const float dxmu2 = (float)(2 * xmu[i] * dsq); /* 3: (u²)' = 2u */

        dx1[i] = dxmu1 + dxmu2; /* 2: x in xmu, both ways */
    }
    kiln_vec_column_sums(dmu, dx1, R, C); /* 2: μ in xmu: -Σ */
    for (size_t i = 0; i < size; i++) dx[i] = dx1[i] - dmu[i % C] / (float)R; /* 1: and x in μ */
}
