/*
 * Per-column moments, sums and affine maps of a row-major matrix (rows, C); see columns.h for the
 * idea.
 *
 *   mean = f + Σ (x - f) / rows      f the block's first row, as |mean| may be >> deviation
 *   m2   = Σ (x - mean)²             a second pass over the block, still in the first-level cache
 *   blocks b of n_b rows join to     mean = Σ n_b mean_b / R    m2 = Σ m2_b + n_b (mean_b - mean)²
 *
 * Sums walk down one strip of 16 floats at a time with the partial sums in registers. Maps walk
 * along the rows, because they stream to memory.
 * Source: Chan, Golub, LeVeque, "Algorithms for computing the sample variance", Am. Stat. 37(3),
 * 1983.
 */
#include "layers/columns.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/simd.h"

#define BLOCK_FLOATS 8192 /* 32 KiB */

#define INLINE __attribute__((always_inline)) static inline

/* 16 / gcd(C, 16): rows after which channels and sixteens line up again. */
static int fold_of(int C)
{
    const int gcd = (C & -C) > 16 ? 16 : C & -C;

    return 16 / gcd;
}

int kiln_columns_period(int C)
{
    return C * fold_of(C);
}

kiln_columns kiln_columns_plan(int R, int C)
{
    const int whole = BLOCK_FLOATS / C / 16 * 16, rows = whole < 16 ? 16 : whole;

    return (kiln_columns){R, C, kiln_columns_period(C), rows, R / rows + (R % rows != 0)};
}

int kiln_columns_rows(const kiln_columns *k, int block)
{
    const int left = k->R - block * k->block_rows;

    return left < k->block_rows ? left : k->block_rows;
}

void kiln_columns_spread(float *table, const float *v, int C)
{
    for (int i = table == v; i < fold_of(C); i++) memcpy(table + i * C, v, (size_t)C * sizeof *v);
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* Sixteen floats at x[i], of which those past n are taken from `idle` instead. */
static vf16 load16_part(const float *x, int i, int n, const float *idle)
{
    float lane[16];

    for (int j = 0; j < 16; j++) lane[j] = i + j < n ? x[i + j] : idle[j];
    return vf16_load(lane);
}

INLINE void add_difference(vf16 *sum, vf16 x, vf16 table)
{
    for (int j = 0; j < KILN_VF16; j++) sum->v[j] += x.v[j] - table.v[j];
}

INLINE void add_square(vf16 *sum, vf16 x, vf16 table)
{
    for (int j = 0; j < KILN_VF16; j++) {
        const vf d = x.v[j] - table.v[j];

        sum->v[j] = vf_madd(d, d, sum->v[j]);
    }
}

/* acc[p] = Σ_i of what `add` makes of x[i·period + p] and table[p], over n floats. */
INLINE void sum_strips(float *acc, const float *x, int n, int period, const float *table,
                       void add(vf16 *sum, vf16 x, vf16 table))
{
    const int whole = n / period * period;

    for (int p = 0; p < period; p += 16) {
        const vf16 t = vf16_load(table + p);
        vf16 sum = vf16_set1(0);

        for (int i = p; i < whole; i += period) add(&sum, vf16_load(x + i), t);
        if (whole + p < n) add(&sum, load16_part(x, whole + p, n, table + p), t);
        vf16_store(acc + p, sum);
    }
}

/* out[c] = acc[c] + acc[C + c] + ..., `fold` of them, in halves. Spoils acc. */
static void fold(float *out, float *acc, int C)
{
    for (int half = fold_of(C) / 2; half; half /= 2)
        for (int i = 0; i < half * C; i++) acc[i] += acc[half * C + i];
    memcpy(out, acc, (size_t)C * sizeof *out);
}

float kiln_columns_pack(double squares)
{
    return squares > FLT_MAX ? (float)-sqrt(squares) : (float)squares;
}

double kiln_columns_unpack(float packed)
{
    return packed < 0 ? (double)packed * packed : packed;
}

/* The moments of column c, whose squares no float holds. */
static void moments_in_double(float *mean, float *m2, const float *x, int rows, int C, int c)
{
    double sum = 0, squares = 0;

    for (int r = 0; r < rows; r++) sum += x[(size_t)r * C + c];
    sum /= rows;
    for (int r = 0; r < rows; r++) {
        const double d = x[(size_t)r * C + c] - sum;

        squares += d * d;
    }
    mean[c] = (float)sum;
    m2[c] = kiln_columns_pack(squares);
}

void kiln_columns_moments(float *mean, float *m2, const float *x, int rows, int C, float *scratch)
{
    const int period = kiln_columns_period(C), n = rows * C;
    float *table = scratch, *acc = scratch + period;

    kiln_columns_spread(table, x, C); /* the first row */
    sum_strips(acc, x, n, period, table, add_difference);
    fold(mean, acc, C);
    for (int c = 0; c < C; c++) mean[c] = x[c] + mean[c] / (float)rows;
    kiln_columns_spread(table, mean, C);
    sum_strips(acc, x, n, period, table, add_square);
    fold(m2, acc, C);
    for (int c = 0; c < C; c++)
        if (!(m2[c] <= FLT_MAX)) moments_in_double(mean, m2, x, rows, C, c);
}

/* dout where the relu behind let x through. */
static inline vf pass_relu(vf dout, vf difference, vf scale, vf shift)
{
    return (vf)((vm)dout & (vf_madd(difference, scale, shift) > vf_set1(0)));
}

/* The tables of a relu at sixteen columns. */
typedef struct {
    vf16 scale, shift;
} strip_relu;

INLINE void add_dots(vf16 *sum, vf16 *dot, vf16 dout, vf16 x, vf16 mean, const strip_relu *relu,
                     const int rectified)
{
    for (int j = 0; j < KILN_VF16; j++) {
        const vf off = x.v[j] - mean.v[j];
        const vf dy = rectified ? pass_relu(dout.v[j], off, relu->scale.v[j], relu->shift.v[j])
                                : dout.v[j];

        sum->v[j] += dy;
        dot->v[j] = vf_madd(dy, off, dot->v[j]);
    }
}

INLINE void dots(float *sums, float *products, const float *dout, const float *x,
                 const float *mean, const kiln_columns_relu *relu, int n, int period,
                 const int rectified)
{
    static const float zeros[16];
    const int whole = n / period * period;

    for (int p = 0; p < period; p += 16) {
        const vf16 m = vf16_load(mean + p);
        vf16 s = vf16_set1(0), d = vf16_set1(0);
        strip_relu r = {s, s};

        if (rectified) r = (strip_relu){vf16_load(relu->scale + p), vf16_load(relu->shift + p)};
        for (int i = p; i < whole; i += period)
            add_dots(&s, &d, vf16_load(dout + i), vf16_load(x + i), m, &r, rectified);
        if (whole + p < n)
            add_dots(&s, &d, load16_part(dout, whole + p, n, zeros),
                     load16_part(x, whole + p, n, mean + p), m, &r, rectified);
        vf16_store(sums + p, s);
        vf16_store(products + p, d);
    }
}

void kiln_columns_dots(float *sum, float *dot, const float *dout, const float *x, const float *mean,
                       const kiln_columns_relu *relu, int rows, int C, float *scratch)
{
    const int period = kiln_columns_period(C), n = rows * C;
    float *sums = scratch, *products = scratch + period;

    if (relu)
        dots(sums, products, dout, x, mean, relu, n, period, 1);
    else
        dots(sums, products, dout, x, mean, NULL, n, period, 0);
    fold(sum, sums, C);
    fold(dot, products, C);
}

/* ---- maps ------------------------------------------------------------------------------------ */

static inline vf normalise(vf x, vf mean, vf scale, vf shift, int relu)
{
    const vf v = vf_madd(x - mean, scale, shift);

    return relu ? vf_max(vf_set1(0), v) : v;
}

void kiln_columns_normalise(float *out, const float *x, int n, int period, const float *mean,
                            const float *scale, const float *shift, int relu)
{
    for (int start = 0; start < n; start += period) {
        const int m = n - start < period ? n - start : period;
        const float *px = x + start;
        float *po = out + start;
        int p = 0;

        for (; p + KILN_LANES <= m; p += KILN_LANES)
            vf_store(po + p, normalise(vf_load(px + p), vf_load(mean + p), vf_load(scale + p),
                                       vf_load(shift + p), relu));
        if (p < m)
            vf_store_part(po + p,
                          normalise(vf_load_part(px + p, m - p, 0), vf_load(mean + p),
                                    vf_load(scale + p), vf_load(shift + p), relu),
                          m - p);
    }
}

/* The tables at one vector. */
typedef struct {
    const float *mean, *scale, *slope, *shift;
    vf squeeze;
    const kiln_columns_relu *relu;
} unnormalise_tables;

INLINE vf unnormalise(vf dout, vf x, const unnormalise_tables *t, int p, const int rectified)
{
    const vf off = x - vf_load(t->mean + p);
    const vf rest = vf_madd(off * t->squeeze, vf_load(t->slope + p), vf_load(t->shift + p));

    if (rectified)
        dout = pass_relu(dout, off, vf_load(t->relu->scale + p), vf_load(t->relu->shift + p));
    return vf_madd(dout, vf_load(t->scale + p), rest);
}

INLINE void unnormalise_rows(float *dx, const float *dout, const float *x, int n, int period,
                             const unnormalise_tables *t, const int rectified)
{
    for (int start = 0; start < n; start += period) {
        const int m = n - start < period ? n - start : period;
        const float *px = x + start, *pg = dout + start;
        float *po = dx + start;
        int p = 0;

        for (; p + KILN_LANES <= m; p += KILN_LANES)
            vf_store(po + p, unnormalise(vf_load(pg + p), vf_load(px + p), t, p, rectified));
        if (p < m)
            vf_store_part(po + p,
                          unnormalise(vf_load_part(pg + p, m - p, 0),
                                      vf_load_part(px + p, m - p, 0), t, p, rectified),
                          m - p);
    }
}

void kiln_columns_unnormalise(float *dx, const float *dout, const float *x, int n, int period,
                              const float *mean, const float *scale, const float *slope,
                              const float *shift, float squeeze, const kiln_columns_relu *relu)
{
    const unnormalise_tables t = {mean, scale, slope, shift, vf_set1(squeeze), relu};

    if (relu)
        unnormalise_rows(dx, dout, x, n, period, &t, 1);
    else
        unnormalise_rows(dx, dout, x, n, period, &t, 0);
}

float kiln_columns_squeeze(float least_inv_std)
{
    return least_inv_std < 0x1p-50f ? 0x1p-90f : 1;
}

/* ---- blocks to the whole --------------------------------------------------------------------- */

/* sum[j] = Σ_blocks partial[block][first + j], in double throughout. */
static void merge(double *sum, const float *partial, const kiln_columns *k, int first, int n)
{
    for (int j = 0; j < n; j++) sum[j] = 0;
    for (int b = 0; b < k->blocks; b++)
        for (int j = 0; j < n; j++) sum[j] += partial[(size_t)b * 2 * k->C + first + j];
}

void kiln_columns_merge_sums(double *sum, double *dot, const float *partial, const kiln_columns *k,
                             int first, int n)
{
    merge(sum, partial, k, first, n);
    merge(dot, partial + k->C, k, first, n);
}

void kiln_columns_merge_moments(double *mean, double *var, const float *partial,
                                const kiln_columns *k, int first, int n)
{
    for (int j = 0; j < n; j++) mean[j] = var[j] = 0;
    for (int b = 0; b < k->blocks; b++) {
        const float *p = partial + (size_t)b * 2 * k->C + first;

        for (int j = 0; j < n; j++) {
            mean[j] += (double)kiln_columns_rows(k, b) * p[j];
            var[j] += kiln_columns_unpack(p[k->C + j]);
        }
    }
    for (int j = 0; j < n; j++) mean[j] /= k->R;
    for (int b = 0; b < k->blocks; b++) {
        const float *p = partial + (size_t)b * 2 * k->C + first;

        for (int j = 0; j < n; j++) {
            const double d = p[j] - mean[j];

            var[j] += kiln_columns_rows(k, b) * d * d;
        }
    }
    for (int j = 0; j < n; j++) var[j] /= k->R;
}
