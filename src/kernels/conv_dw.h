/* The filter gradient of the direct algorithm, in the steps of kernels/conv.h. */
#ifndef KILN_KERNELS_CONV_DW_H
#define KILN_KERNELS_CONV_DW_H

#include "kernels/conv.h"

void kiln_conv_dw_plan(kiln_conv_plan *p);
void kiln_conv_dw_images(const float *dout, const float *x, const kiln_conv_plan *p, int n,
                         int group, int first, int last, int thread, float *work);
void kiln_conv_dw_join(float *dw, const kiln_conv_plan *p, int n, float *work);

#endif
