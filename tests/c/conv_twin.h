/*
 * A fast convolution against naive loops in double and against the direct float kernel. A transform
 * mixes the outputs of a tile, so an output's error is measured by the largest magnitude around,
 * not by its own: (k + 4) epsilon of it for every size and tail. For shapes of nets also a bound by
 * what direct float convolution loses.
 */
#ifndef KILN_TESTS_CONV_TWIN_H
#define KILN_TESTS_CONV_TWIN_H

#include "kernels/conv.h"

/* All three passes of one shape. Returns the worst of their errors as a multiple of the direct
 * kernel's, which must be at most `limit` where that is not 0. */
double check_conv(const kiln_conv_algorithm *a, kiln_conv_shape s, int bias, int relu,
                  double limit);

/* The same bits with 1, 2, 4 and 8 threads, and in parts of the batch. */
void check_conv_threads(const kiln_conv_algorithm *a, kiln_conv_shape s);

/* dx on one thread leaves the scratch of another alone. */
void check_conv_scratch(const kiln_conv_algorithm *a, kiln_conv_shape s);

/* A plan gives fewer images than it was made for the bits of a plan of their own. */
void check_conv_fewer(const kiln_conv_algorithm *a, kiln_conv_shape s);

#endif
