/* The scratch of kiln_conv_dw (kernels/conv.h), in floats. */
#ifndef KILN_KERNELS_CONV_DW_H
#define KILN_KERNELS_CONV_DW_H

#include "kernels/conv.h"

size_t kiln_conv_dw_work(const kiln_conv_shape *s);

/* Into how many groups the images of a batch are cut, each with a gradient of `floats` of its own:
 * 1, 2, 4 or 8, by the shape alone, at most 8 MB together where that leaves two. */
int kiln_conv_groups(int N, size_t floats);

#endif
