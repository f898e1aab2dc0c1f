/*
 * 3x3 convolution of stride 1 with fewer multiplications: F(4x4, 3x3) of Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", CVPR 2016 (after Winograd 1980). A 6x6 tile of
 * input gives a 4x4 tile of output with 36 products instead of 144. An algorithm of
 * kernels/conv.h.
 */
#ifndef KILN_KERNELS_WINOGRAD_H
#define KILN_KERNELS_WINOGRAD_H

#include "kernels/conv.h"

/* 1 where the algorithm applies and pays, by shape alone (3x3, stride 1, pad 1, enough channels).
 * */
int kiln_winograd_fits(const kiln_conv_shape *s);

extern const kiln_conv_algorithm kiln_winograd;

#endif
