/*
 * Vector maths: elementwise functions, and reductions with one fixed order.
 *
 * Elementwise functions may work in place (out == x). A reduction adds element i into partial sum i
 * mod 16, in order of i, then folds the sixteen as vf16_sum does: the bits depend on n alone.
 */
#ifndef KILN_KERNELS_VEC_H
#define KILN_KERNELS_VEC_H

#include "base/simd.h"

/* Our own elementary functions, one lane vector at a time; worst error in ulp, tested over their
 * range: see vec_math.h for each. Inputs outside the stated range saturate as the true function
 * does. */
#include "kernels/vec_math.h"

void kiln_vec_fill(float *out, int n, float value);
void kiln_vec_copy(float *out, const float *x, int n);
void kiln_vec_scale(float *out, const float *x, int n, float a);                 /* out = a x */
void kiln_vec_axpy(float *y, const float *x, int n, float a); /* y += a x (vf_madd) */
void kiln_vec_add(float *out, const float *x, const float *y, int n);            /* out = x + y */
void kiln_vec_mul(float *out, const float *x, const float *y, int n);            /* out = x y */

float kiln_vec_sum(const float *x, int n);
float kiln_vec_dot(const float *x, const float *y, int n);                       /* vf_madd */
float kiln_vec_max(const float *x, int n);                                       /* n >= 1 */
double kiln_vec_sum_squares(const float *x,
                            int n); /* blocks of 4096 in float, blocks added in double */
int kiln_vec_all_finite(const float *x, int n);     /* 1 or 0 */

/* Per column of a row-major (R, C): out[c] = sum over r of x[r, c], rows in order within blocks of
 * 64 rows, blocks in order. */
void kiln_vec_column_sums(float *out, const float *x, int R, int C);

/* out[c · out_step + r] = x[r · x_step + c] for r < R, c < C. */
void kiln_vec_transpose(float *out, size_t out_step, const float *x, size_t x_step, int R, int C);

/* x (N, C, S) to out (N, S, C) and back: one image's planes to channels last. Not in place. */
void kiln_vec_nchw_to_nhwc(float *out, const float *x, int N, int C, int S);
void kiln_vec_nhwc_to_nchw(float *out, const float *x, int N, int C, int S);

#endif
