/*
 * Image to column matrix: row (c, y, x) of col is plane c shifted by (y, x), sampled at the stride.
 * Each row is made of OH runs; where the shift leaves the image the run has zeros. Reads x HH·WW
 * times, writes col once: this is what the direct convolution (conv.c) saves, and what the course's
 * notes show.
 */
#include "kernels/im2col.h"

#include <stddef.h>
#include <string.h>

static int outputs(int size, int taps, int stride, int pad)
{
    return (size + 2 * pad - taps) / stride + 1;
}

void kiln_im2col(float *col, const float *x, int C, int H, int W, int HH, int WW, int stride,
                 int pad_h, int pad_w)
{
    const int OH = outputs(H, HH, stride, pad_h), OW = outputs(W, WW, stride, pad_w);

    for (int c = 0; c < C; c++)
        for (int y = 0; y < HH; y++)
            for (int k = 0; k < WW; k++)
                for (int i = 0; i < OH; i++, col += OW) {
                    const int h = i * stride + y - pad_h;
                    const float *row =
                        x + ((ptrdiff_t)c * H + h) * W; /* x[c, h, :] where h exists */

                    if (h < 0 || h >= H) {
                        memset(col, 0, (size_t)OW * sizeof *col);
                        continue;
                    }
                    for (int j = 0; j < OW; j++) {
                        const int w = j * stride + k - pad_w;

                        col[j] = w >= 0 && w < W ? row[w] : 0.0f;
                    }
                }
}

void kiln_col2im(float *x, const float *col, int C, int H, int W, int HH, int WW, int stride,
                 int pad_h, int pad_w)
{
    const int OH = outputs(H, HH, stride, pad_h), OW = outputs(W, WW, stride, pad_w);

    memset(x, 0, (size_t)C * H * W * sizeof *x);
    for (int c = 0; c < C; c++)
        for (int y = 0; y < HH; y++)
            for (int k = 0; k < WW; k++)
                for (int i = 0; i < OH; i++, col += OW) {
                    const int h = i * stride + y - pad_h;

                    if (h < 0 || h >= H) continue;
                    for (int j = 0; j < OW; j++) {
                        const int w = j * stride + k - pad_w;

                        if (w >= 0 && w < W) x[((ptrdiff_t)c * H + h) * W + w] += col[j];
                    }
                }
}
