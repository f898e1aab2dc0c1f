/* What winograd.c and winograd_dw.c share. */
#ifndef KILN_KERNELS_WINOGRAD_DW_H
#define KILN_KERNELS_WINOGRAD_DW_H

#include <stddef.h>

#include "kernels/conv.h"

/* The filter gradient, in the steps of kernels/conv.h. */
void kiln_winograd_dw_plan(kiln_conv_plan *p);
void kiln_winograd_dw_images(const float *dout, const float *x, const kiln_conv_plan *p, int n,
                             int group, int first, int last, int thread, float *work);
void kiln_winograd_dw_join(float *dw, const kiln_conv_plan *p, int n, float *work);

/* v[q · v_step + c] = (Bᵀ d B)[q] for the 6x6 window of the image (H, W, C) at (row, column); the
 * last vector of c is filled up with zeros. `window` holds 36 C floats. */
void kiln_winograd_transform_input(float *v, size_t v_step, const float *image, int H, int W, int C,
                                   int row, int column, float *window);

#endif
