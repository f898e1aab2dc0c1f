/*
 * Convolution of stride 1 with 3, 5 or 7 filter rows by the one-dimensional algorithm F(4, HH) down
 * the columns (toom_cook.h): HH + 3 products for each four output rows instead of 4 HH, 2 to 2.8
 * times fewer. Same arguments and layouts as kernels/conv.h. Transforms combine whole rows, so any
 * number of channels will do, three too; winograd.h saves more where there are many.
 */
#ifndef KILN_KERNELS_WINOGRAD_ROWS_H
#define KILN_KERNELS_WINOGRAD_ROWS_H

#include "kernels/conv.h"

/* 1 where the algorithm applies and pays, by shape alone. */
int kiln_winograd_rows_fits(const kiln_conv_shape *s);

size_t kiln_winograd_rows_work(const kiln_conv_shape *s);

void kiln_winograd_rows_forward(float *out, const float *x, const float *w, const float *b,
                                const kiln_conv_shape *s, int relu, float *work);
void kiln_winograd_rows_dx(float *dx, const float *dout, const float *w, const kiln_conv_shape *s,
                           float *work);
void kiln_winograd_rows_dw(float *dw, const float *dout, const float *x, const kiln_conv_shape *s,
                           float *work);

#endif
