/*
 * 3x3 convolution of stride 1 with fewer multiplications: F(4x4, 3x3) of Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", CVPR 2016 (after Winograd 1980). A 6x6 tile of
 * input gives a 4x4 tile of output with 36 products instead of 144. An algorithm of
 * kernels/conv.h.
 */
#ifndef KILN_KERNELS_WINOGRAD_H
#define KILN_KERNELS_WINOGRAD_H

#include "kernels/conv.h"

/* Fits 3x3 filters of stride 1 and pads of at most 2, with enough channels. */
extern const kiln_conv_algorithm kiln_winograd;

#endif
