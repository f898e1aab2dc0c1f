/* What winograd_rows.c and winograd_rows_dw.c share: strips of four result rows, transformed. */
#ifndef KILN_KERNELS_WINOGRAD_ROWS_TILE_H
#define KILN_KERNELS_WINOGRAD_ROWS_TILE_H

#include "kernels/conv.h"
#include "kernels/toom_cook_tile.h"

/* Where strips come from: images (N, H, W, C) with a border of zeros, columns -left .. -left +
 * columns. Strip s covers result rows 4 r .. 4 r + 3 of image n, s = n · down + r. */
typedef struct {
    const float *source, *zeros; /* zeros: a row of them, W · C */
    int H, W, C;
    int top, left, columns; /* zeros above and left of the image; columns of a strip */
    int down;               /* strips in an image */
} kiln_strips;

static inline int kiln_strips_down(int rows)
{
    return (rows + TOOM_OUT - 1) / TOOM_OUT;
}

/* v[q · v_step + i] = (Bᵀ d)[q], i < columns · C, d the points rows of strip `strip`. */
void kiln_strip_transform(float *v, size_t v_step, const kiln_strips *s, const kiln_toom_cook *t,
                          int strip);

/* The filter gradient, in the steps of kernels/conv.h. */
void kiln_winograd_rows_dw_plan(kiln_conv_plan *p);
void kiln_winograd_rows_dw_images(const float *dout, const float *x, const kiln_conv_plan *p,
                                  int n, int group, int first, int last, int thread, float *work);
void kiln_winograd_rows_dw_join(float *dw, const kiln_conv_plan *p, int n, float *work);

#endif
