/*
 * Naive twins of the kernels in double, written as the formulas read. Each sum also gives
 * `magnitude`, the sum of the absolute values of its terms, which is what a float sum's error is
 * measured by; NULL to leave it out. Images are channels last, filters (F, C, HH, WW), as in
 * kernels/conv.h.
 */
#ifndef KILN_REF_REF_KERNELS_H
#define KILN_REF_REF_KERNELS_H

#include "kernels/conv.h"

/* c (m, n), tight; op, a, lda, b, ldb as in kernels/gemm.h; not accumulating. */
void ref_gemm(double *c, double *magnitude, int op, int m, int n, int k, const float *a, int lda,
              const float *b, int ldb);

/* b may be NULL. */
void ref_conv_forward(double *out, double *magnitude, const float *x, const float *w,
                      const float *b, const kiln_conv_shape *s);
void ref_conv_dx(double *dx, double *magnitude, const float *dout, const float *w,
                 const kiln_conv_shape *s);
void ref_conv_dw(double *dw, double *magnitude, const float *dout, const float *x,
                 const kiln_conv_shape *s);

/* One image, planes first, as in kernels/im2col.h. */
void ref_im2col(double *col, const float *x, int C, int H, int W, int HH, int WW, int stride,
                int pad_h, int pad_w);

#endif
