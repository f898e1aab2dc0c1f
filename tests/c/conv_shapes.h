/* The one way in which tests make the shape of a convolution: OH and OW are filled in. */
#ifndef KILN_TESTS_CONV_SHAPES_H
#define KILN_TESTS_CONV_SHAPES_H

#include "check.h"
#include "kernels/conv.h"

/* The filter fits the padded image, or the test fails. */
static inline kiln_conv_shape conv_shape_padded(int N, int C, int H, int W, int F, int HH, int WW,
                                                int stride, int pad_h, int pad_w)
{
    kiln_conv_shape s = {.N = N, .C = C, .H = H, .W = W, .F = F, .HH = HH, .WW = WW,
                         .stride = stride, .pad_h = pad_h, .pad_w = pad_w};

    CHECK(kiln_conv_shape_finish(&s));
    return s;
}

static inline kiln_conv_shape conv_shape(int N, int C, int H, int W, int F, int HH, int WW,
                                         int stride, int pad)
{
    return conv_shape_padded(N, C, H, W, F, HH, WW, stride, pad, pad);
}

#endif
