/*
 * 3x3 convolution of stride 1 with fewer multiplications: F(4x4, 3x3) of Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", CVPR 2016 (after Winograd 1980). A 6x6 tile of
 * input gives a 4x4 tile of output with 36 products instead of 144. Same arguments and layouts as
 * kernels/conv.h.
 */
#ifndef KILN_KERNELS_WINOGRAD_H
#define KILN_KERNELS_WINOGRAD_H

#include "kernels/conv.h"

/* 1 where the algorithm applies and pays, by shape alone (3x3, stride 1, pad 1, enough channels).
 * */
int kiln_winograd_fits(const kiln_conv_shape *s);

size_t kiln_winograd_work(const kiln_conv_shape *s);

void kiln_winograd_forward(float *out, const float *x, const float *w, const float *b,
                           const kiln_conv_shape *s, int relu, float *work);
void kiln_winograd_dx(float *dx, const float *dout, const float *w, const kiln_conv_shape *s,
                      float *work);
void kiln_winograd_dw(float *dw, const float *dout, const float *x, const kiln_conv_shape *s,
                      float *work);

#endif
