/*
 * Convolution, channels last, by several algorithms that have the same arguments and layouts.
 * Filters come as the course stores them, (F, C, HH, WW).
 *
 *   forward    out[n, i, j, f] = b[f]
 *                + Σ_{y, x, c} xpad[n, i·stride + y, j·stride + x, c] · w[f, c, y, x]
 *   dx         the adjoint with respect to x; at stride 1 a forward pass with flipped filters
 *   dw         dw[f, c, y, x]
 *                = Σ_{n, i, j} xpad[n, i·stride + y, j·stride + x, c] · dout[n, i, j, f]
 *
 * The direct algorithm needs no column matrix: the patch under one output pixel is HH runs of WW·C
 * contiguous floats in a zero-padded image, so the inner kernel of a matrix product reads it in
 * place (implicit GEMM). Its forward and dx add over (filter row, filter column, channel) in order,
 * from zero, bias last; its dw adds bands of pixels, images, and groups of images, each in order,
 * all cut by the shape alone. See conv.c and conv_dw.c for the tiles and the traffic, winograd.h
 * and winograd_rows.h for algorithms with fewer products. All run on the pool.
 */
#ifndef KILN_KERNELS_CONV_H
#define KILN_KERNELS_CONV_H

#include <stddef.h>

typedef struct {
    int N, C, H, W; /* x (N, H, W, C) */
    int F, HH, WW;  /* w (F, C, HH, WW), b (F) */
    int stride;
    int pad_h, pad_w; /* rows of zeros above and below x, columns left and right of it */
    int OH, OW; /* out (N, OH, OW, F); OH = (H + 2 pad_h - HH) / stride + 1, rounded down */
} kiln_conv_shape;

/* Fills OH and OW. Returns 0 when the filter does not fit the padded image. */
int kiln_conv_shape_finish(kiln_conv_shape *s);

/* One algorithm in steps, so that a caller can take a batch in parts and do other work on a part
 * while the caches have it. `turned` is the gradient with respect to x: source is dout, result dx.
 * The order of every sum is that of the whole batch, whatever the parts. */
typedef struct {
    /* Forward and dx. Filters once, into work; then images: s->N of them from result and source on,
     * in as many calls as wanted, from tasks of the pool too. bias may be NULL; relu != 0 stores
     * max(0, result). */
    size_t (*work)(const kiln_conv_shape *s); /* floats, either way */
    void (*filters)(const float *w, const kiln_conv_shape *s, int turned, float *work);
    void (*images)(float *result, const float *source, const float *bias, const kiln_conv_shape *s,
                   int turned, int relu, float *work);
    /* dw. The s->N images are cut into groups (kiln_conv_group), each summed by one thread at a
     * time: parts of its images in order, first .. last - 1, cut at multiples of dw_step from the
     * group's first. dout and x begin with image `first`. Then all groups are joined. */
    size_t (*dw_work)(const kiln_conv_shape *s);
    int (*dw_groups)(const kiln_conv_shape *s);
    int (*dw_step)(const kiln_conv_shape *s); /* images */
    void (*dw_images)(const float *dout, const float *x, const kiln_conv_shape *s, int group,
                      int first, int last, int thread, float *work);
    void (*dw_join)(float *dw, const kiln_conv_shape *s, float *work);
} kiln_conv_algorithm;

extern const kiln_conv_algorithm kiln_conv_direct; /* conv.c, conv_dw.c */

/* First image of a group; of the number of groups: N. */
int kiln_conv_group(const kiln_conv_shape *s, int groups, int group);

/* The three passes over a whole batch. work: kiln_conv_work floats, enough for any of them. */
size_t kiln_conv_work(const kiln_conv_algorithm *a, const kiln_conv_shape *s);
void kiln_conv_forward(const kiln_conv_algorithm *a, float *out, const float *x, const float *w,
                       const float *b, const kiln_conv_shape *s, int relu, float *work);
void kiln_conv_dx(const kiln_conv_algorithm *a, float *dx, const float *dout, const float *w,
                  const kiln_conv_shape *s, float *work);
void kiln_conv_dw(const kiln_conv_algorithm *a, float *dw, const float *dout, const float *x,
                  const kiln_conv_shape *s, float *work);

#endif
