/* The filter gradient of the direct algorithm, in the steps of kernels/conv.h. */
#ifndef KILN_KERNELS_CONV_DW_H
#define KILN_KERNELS_CONV_DW_H

#include "kernels/conv.h"

size_t kiln_conv_dw_work(const kiln_conv_shape *s);
int kiln_conv_dw_groups(const kiln_conv_shape *s);
int kiln_conv_dw_step(const kiln_conv_shape *s);
void kiln_conv_dw_images(const float *dout, const float *x, const kiln_conv_shape *s, int group,
                         int first, int last, int thread, float *work);
void kiln_conv_dw_join(float *dw, const kiln_conv_shape *s, float *work);

/* Into how many groups the images of a batch are cut, each with a gradient of `floats` of its own:
 * 1, 2, 4 or 8, by the shape alone, at most 8 MB together where that leaves two. */
int kiln_conv_groups(int N, size_t floats);

#endif
