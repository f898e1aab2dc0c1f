/*
 * Convolution without a column matrix, channels last: the patch under one output pixel is HH runs
 * of WW·C contiguous floats in a zero-padded image, so the inner kernel of a matrix product reads
 * it in place (implicit GEMM). Filters come as the course stores them, (F, C, HH, WW), and are
 * packed once per call.
 *
 *   forward    out[n, i, j, f] = b[f]
 *                + Σ_{y, x, c} xpad[n, i·stride + y, j·stride + x, c] · w[f, c, y, x]
 *   dx         the adjoint with respect to x; at stride 1 a forward pass with flipped filters
 *   dw         dw[f, c, y, x]
 *                = Σ_{n, i, j} xpad[n, i·stride + y, j·stride + x, c] · dout[n, i, j, f]
 *
 * Sums: forward and dx add over (filter row, filter column, channel) in order, from zero, bias
 * last; dw adds bands of pixels, images, and groups of images, each in order, all cut by the shape
 * alone. See conv.c and conv_dw.c for the tiles and the traffic. All run on the pool.
 */
#ifndef KILN_KERNELS_CONV_H
#define KILN_KERNELS_CONV_H

#include <stddef.h>

typedef struct {
    int N, C, H, W; /* x (N, H, W, C) */
    int F, HH, WW;  /* w (F, C, HH, WW), b (F) */
    int stride, pad;
    int OH, OW;     /* out (N, OH, OW, F); OH = (H + 2 pad - HH) / stride + 1, rounded down */
} kiln_conv_shape;

/* Fills OH and OW. Returns 0 when the filter does not fit the padded image. */
int kiln_conv_shape_finish(kiln_conv_shape *s);

size_t kiln_conv_work(const kiln_conv_shape *s); /* floats, enough for any of the three */

/* b may be NULL (no bias); relu != 0 stores max(0, out). */
void kiln_conv_forward(float *out, const float *x, const float *w, const float *b,
                       const kiln_conv_shape *s, int relu, float *work);
void kiln_conv_dx(float *dx, const float *dout, const float *w, const kiln_conv_shape *s,
                  float *work);
void kiln_conv_dw(float *dw, const float *dout, const float *x, const kiln_conv_shape *s,
                  float *work);

#endif
