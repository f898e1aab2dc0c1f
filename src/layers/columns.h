/*
 * Per-column work on a row-major matrix (rows, C), for the normalisations: full vectors for any C.
 *
 * With channels last, a row has one value per channel, and C is often smaller than a vector or no
 * multiple of one (3, 10, 20). So the matrix is read as one flat array, in which channel values
 * repeat every
 *
 *   period = lcm(C, 16) floats = `fold` rows,      fold = 16 / gcd(C, 16), a power of two
 *
 * and anything per channel is first spread to a table of one period. A column sum then has `fold`
 * partial sums (row r goes to r mod fold, rows in order), folded in halves at the end. That order
 * depends on C and the number of rows alone. C = 1 is the 16-way split of kernels/vec.h, so a row
 * of layernorm is a column here.
 */
#ifndef KILN_LAYERS_COLUMNS_H
#define KILN_LAYERS_COLUMNS_H

#include <stddef.h>

typedef struct {
    int R, C;   /* the whole matrix */
    int period; /* floats */
    int block_rows; /* a multiple of 16; a block of about 32 KiB stays in the cache */
    int blocks; /* the last one may be shorter */
} kiln_columns;

kiln_columns kiln_columns_plan(int R, int C);
int kiln_columns_period(int C);
int kiln_columns_rows(const kiln_columns *k, int block); /* rows of that block */

/* table[i] = v[i mod C], i < period. v may be table itself, with C values in it. */
void kiln_columns_spread(float *table, const float *v, int C);

/* One block of rows: mean[c] of column c, m2[c] = Σ (x - mean)². scratch: 2 periods.
 *
 * Deviations of 1e19 have squares that no float holds: then m2[c] is minus the root of that sum.
 * kiln_columns_pack writes either form, kiln_columns_unpack reads it. */
float kiln_columns_pack(double squares);
double kiln_columns_unpack(float packed);
void kiln_columns_moments(float *mean, float *m2, const float *x, int rows, int C, float *scratch);
/* The relu behind a normalisation, for its way back: dout counts where (x - mean) scale + shift, in
 * the bits of kiln_columns_normalise, is more than 0. Tables. */
typedef struct {
    const float *scale, *shift;
} kiln_columns_relu;

/* sum[c] = Σ dout, dot[c] = Σ dout (x - mean); mean is a table, relu may be NULL. scratch: 2
 * periods. */
void kiln_columns_dots(float *sum, float *dot, const float *dout, const float *x, const float *mean,
                       const kiln_columns_relu *relu, int rows, int C, float *scratch);

/* out = (x - mean) scale + shift over n floats from the start of a row, with tables of `period`
 * floats; relu stores max(0, ·). in place allowed. */
void kiln_columns_normalise(float *out, const float *x, int n, int period, const float *mean,
                            const float *scale, const float *shift, int relu);
/* dx = dout scale + ((x - mean) squeeze slope + shift), likewise; relu may be NULL. dx may be dout
 * or x. slope goes as inv_std², which no float holds for deviations of 1e19: so slope is stored by
 * squeeze, a power of two, 1 where the smallest inv_std is nothing unusual. */
void kiln_columns_unnormalise(float *dx, const float *dout, const float *x, int n, int period,
                              const float *mean, const float *scale, const float *slope,
                              const float *shift, float squeeze, const kiln_columns_relu *relu);
float kiln_columns_squeeze(float least_inv_std);

/* Blocks' results to the whole, in double, blocks in order: partial[block] holds mean (C), then m2
 * (C) as kiln_columns_moments left it, or two sums (C). moments (Chan, Golub, LeVeque 1983): var is
 * m2 / R, biased. c in [first, first + n), n <= 16. */
void kiln_columns_merge_moments(double *mean, double *var, const float *partial,
                                const kiln_columns *k, int first, int n);
void kiln_columns_merge_sums(double *sum, double *dot, const float *partial, const kiln_columns *k,
                             int first, int n);

#endif
