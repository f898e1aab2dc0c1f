/*
 * A rectangle of an image (H, W, C) that may reach over its edges, where it reads zeros. It is used
 * in place when it lies inside, else copied with its border of zeros.
 */
#ifndef KILN_KERNELS_WINDOW_H
#define KILN_KERNELS_WINDOW_H

#include <stddef.h>

typedef struct {
    int row, column;   /* of the image, at the window's first pixel; negative: outside, zeros */
    int rows, columns; /* of the window */
} kiln_window;

/* The window's first pixel; *pitch becomes the floats from one of its rows to the next. `padded`
 * holds rows · columns · C floats. */
const float *kiln_window_open(const float *image, int H, int W, int C, const kiln_window *window,
                              float *padded, ptrdiff_t *pitch);

#endif
