/*
 * Convolution, channels last, by several algorithms that have the same arguments and layouts.
 * Filters come as the course stores them, (F, C, HH, WW).
 *
 *   forward    out[n, i, j, f] = b[f]
 *                + Σ_{y, x, c} xpad[n, i·stride + y, j·stride + x, c] · w[f, c, y, x]
 *   dx         the adjoint with respect to x, a transposed convolution; at stride 1 a forward pass
 *              with flipped filters
 *   dw         dw[f, c, y, x]
 *                = Σ_{n, i, j} xpad[n, i·stride + y, j·stride + x, c] · dout[n, i, j, f]
 *
 * The direct algorithm needs no column matrix: the patch under one output pixel is HH runs of WW·C
 * contiguous floats in a padded image, so the inner kernel of a matrix product reads it in place
 * (implicit GEMM). Its forward and dx add over (filter row, filter column, channel) in order, from
 * zero, bias last; its dw adds bands of pixels, images, and groups of images, each in order, all
 * cut by the shape alone. See conv.c and conv_dw.c for the tiles and the traffic, winograd.h and
 * winograd_rows.h for algorithms with fewer products. All run on the pool.
 */
#ifndef KILN_KERNELS_CONV_H
#define KILN_KERNELS_CONV_H

#include <stddef.h>

#include "kernels/toom_cook.h"

typedef struct {
    int N, C, H, W; /* x (N, H, W, C) */
    int F, HH, WW;  /* w (F, C, HH, WW), b (F) */
    int stride;
    int pad_h, pad_w; /* rows of zeros above and below x, columns left and right of it */
    int OH, OW; /* out (N, OH, OW, F); OH = (H + 2 pad_h - HH) / stride + 1, rounded down */
} kiln_conv_shape;

/* Fills OH and OW. Returns 0 when the filter does not fit the padded image. */
int kiln_conv_shape_finish(kiln_conv_shape *s);

/* ---- the plan -------------------------------------------------------------------------------- */

/* One direction, forward or transposed (dx): source (H, W, C) to result (RH, RW, F). */
typedef struct {
    int transposed;
    int H, W, C, RH, RW, F;
    int top, left; /* zeros before the source's first row and column; not of the direct algorithm */
    int block;     /* tiles or strips of a task */
    size_t v_step, m_step, u_step; /* floats from one point's matrix to the next */
    size_t zeros;   /* floats before a row of zeros, in the filters' scratch */
    size_t filters; /* floats of scratch for filters as the algorithm wants them, .. */
    size_t padded;  /* .. and behind them for each thread: padded and transformed images */
} kiln_conv_direction;

/* The filter gradient. Groups of images have sums of their own. */
typedef struct {
    int groups;                    /* of shape.N images: the most there are */
    int step;                      /* parts of a group are cut at multiples of it: images */
    int block;                     /* rows, tiles or strips that are summed from zero */
    int c_step, f_step;            /* floats from one row of a matrix to the next */
    size_t v_step, d_step, s_step; /* floats from one point's matrix to the next */
    size_t sums;                   /* floats of scratch for each group, .. */
    size_t padded;                 /* .. and behind them for each thread */
    size_t group_floats;           /* of a group's sums without padding: decides on the groups */
    size_t zeros;                  /* floats of a row of zeros */
} kiln_conv_filter_gradient;

typedef struct kiln_conv_algorithm kiln_conv_algorithm;

/* All that a convolution knows before it sees values: made once for a shape and the present number
 * of threads, then read by every pass over at most shape.N images. */
typedef struct {
    kiln_conv_shape shape;
    const kiln_conv_algorithm *algorithm;
    kiln_conv_direction forward, dx;
    kiln_conv_filter_gradient dw;
    kiln_toom_cook transform; /* of winograd rows */
    size_t work, dw_work;     /* floats of scratch: forward or dx; dw */
} kiln_conv_plan;

void kiln_conv_plan_make(kiln_conv_plan *p, const kiln_conv_algorithm *a,
                         const kiln_conv_shape *s);

/* Into how many groups dw cuts n images: 1, 2, 4 or 8, by the shape alone, at most 8 MB of sums
 * together where that leaves two. */
int kiln_conv_groups(const kiln_conv_plan *p, int n);
/* First image of a group of n images; of the number of groups: n. */
int kiln_conv_group(int n, int groups, int group);

/* ---- algorithms ------------------------------------------------------------------------------ */

/* An algorithm in steps, so that a caller can take a batch in parts and do other work on a part
 * while the caches have it. The order of every sum is that of the whole batch, whatever the parts.
 * `d` is &p->forward, where source is x and result out, or &p->dx, where they are dout and dx. */
struct kiln_conv_algorithm {
    const char *name;
    int (*fits)(const kiln_conv_shape *s); /* 1 where it applies and pays, by shape alone */
    void (*plan)(kiln_conv_plan *p);       /* fills forward, dx, dw and transform */
    /* Filters once, into work; then images: n of them from result and source on, in as many calls
     * as wanted, from tasks of the pool too. bias may be NULL; relu != 0 stores max(0, result). */
    void (*filters)(const float *w, const kiln_conv_plan *p, const kiln_conv_direction *d,
                    float *work);
    void (*images)(float *result, const float *source, const float *bias, const kiln_conv_plan *p,
                   const kiln_conv_direction *d, int n, int relu, float *work);
    /* dw of n images in kiln_conv_groups, each summed by one thread at a time: parts of its images
     * in order, first .. last - 1, cut at multiples of dw.step from the group's first. dout and x
     * begin with image `first`. Then all groups are joined. */
    void (*dw_images)(const float *dout, const float *x, const kiln_conv_plan *p, int n, int group,
                      int first, int last, int thread, float *work);
    void (*dw_join)(float *dw, const kiln_conv_plan *p, int n, float *work);
};

extern const kiln_conv_algorithm kiln_conv_direct; /* conv.c, conv_dw.c */

/* The three passes over n images. work: kiln_conv_work floats, enough for any of them. */
size_t kiln_conv_work(const kiln_conv_plan *p);
void kiln_conv_forward(float *out, const float *x, const float *w, const float *b,
                       const kiln_conv_plan *p, int n, int relu, float *work);
void kiln_conv_dx(float *dx, const float *dout, const float *w, const kiln_conv_plan *p, int n,
                  float *work);
void kiln_conv_dw(float *dw, const float *dout, const float *x, const kiln_conv_plan *p, int n,
                  float *work);

#endif
