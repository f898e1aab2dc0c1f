/*
 * Padding an image: rows of zeros above and below, zeros left and right of each row that exists.
 * One read and one write for each float, against HH · WW · F / stride^2 multiply-adds that will use
 * it.
 */
#include "kernels/window.h"

#include <string.h>

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

const float *kiln_window_open(const float *image, int H, int W, int C, const kiln_window *w,
                              float *padded, ptrdiff_t *pitch)
{
    const size_t line = (size_t)w->columns * C;
    /* the window's columns that exist: first .. end */
    const int first = clamp(-w->column, 0, w->columns),
              end = clamp(W - w->column, first, w->columns);

    if (w->row >= 0 && w->column >= 0 && w->row + w->rows <= H && w->column + w->columns <= W) {
        *pitch = (ptrdiff_t)W * C;
        return image + ((size_t)w->row * W + w->column) * C;
    }
    for (int r = 0; r < w->rows; r++) {
        float *to = padded + r * line;
        const int h = w->row + r;

        if (h < 0 || h >= H || first == end) {
            memset(to, 0, line * sizeof *to);
            continue;
        }
        memset(to, 0, (size_t)first * C * sizeof *to);
        memcpy(to + (size_t)first * C, image + ((size_t)h * W + w->column + first) * C,
               (size_t)(end - first) * C * sizeof *to);
        memset(to + (size_t)end * C, 0, (size_t)(w->columns - end) * C * sizeof *to);
    }
    *pitch = (ptrdiff_t)line;
    return padded;
}
