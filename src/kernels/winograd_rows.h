/*
 * Convolution of stride 1 with 3, 5 or 7 filter rows by the one-dimensional algorithm F(4, HH) down
 * the columns (toom_cook.h): HH + 3 products for each four output rows instead of 4 HH, 2 to 2.8
 * times fewer. An algorithm of kernels/conv.h. Transforms combine whole rows, so any
 * number of channels will do, three too; winograd.h saves more where there are many.
 */
#ifndef KILN_KERNELS_WINOGRAD_ROWS_H
#define KILN_KERNELS_WINOGRAD_ROWS_H

#include "kernels/conv.h"

/* Fits stride 1 and pads smaller than the filter. */
extern const kiln_conv_algorithm kiln_winograd_rows;

#endif
