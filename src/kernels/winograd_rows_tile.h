/* What winograd_rows.c and winograd_rows_dw.c share: strips of four result rows, transformed. */
#ifndef KILN_KERNELS_WINOGRAD_ROWS_TILE_H
#define KILN_KERNELS_WINOGRAD_ROWS_TILE_H

#include "kernels/conv.h"
#include "kernels/toom_cook.h"

/* Where strips come from: images (N, H, W, C) with a border of zeros, columns -left .. -left +
 * columns. Strip s covers result rows 4 r .. 4 r + 3 of image n, s = n · down + r. */
typedef struct {
    const float *source;
    int H, W, C;
    int top, left, columns; /* zeros above and left of the image; columns of a strip */
    int down;               /* strips in an image */
} kiln_strips;

static inline int kiln_strips_down(int rows)
{
    return (rows + TOOM_OUT - 1) / TOOM_OUT;
}

/* v[q · v_step + i] = (Bᵀ d)[q], i < columns · C, d the points rows of strip `strip`. `zeros` are
 * W · C of them. */
void kiln_strip_transform(float *v, size_t v_step, const kiln_strips *s, const kiln_toom_cook *t,
                          int strip, const float *zeros);

/* The filter gradient, in the steps of kernels/conv.h. */
size_t kiln_winograd_rows_dw_work(const kiln_conv_shape *s);
int kiln_winograd_rows_dw_groups(const kiln_conv_shape *s);
int kiln_winograd_rows_dw_step(const kiln_conv_shape *s);
void kiln_winograd_rows_dw_images(const float *dout, const float *x, const kiln_conv_shape *s,
                                  int group, int first, int last, int thread, float *work);
void kiln_winograd_rows_dw_join(float *dw, const kiln_conv_shape *s, float *work);

#endif
