/*
 * Gradient of a convolution with respect to its filters: for each filter row y a product of two
 * matrices that lie in memory already.
 *
 *   part[(y, x, c), f]
 *     = sum over output pixels of xpad[(i·stride + y, j·stride + x), c] · dout[(i, j), f]
 *
 * At a fixed y the index (x, c) runs over WW·C contiguous floats of the padded image, from one
 * pixel to the next it moves by stride·C: rows that are adjacent, the second kind of tile in
 * tile.h, with dout in place.
 *
 *   for a group of images, in turn                 its own part: the only thing written
 *     for a band of output rows, BAND pixels       x and dout of the band stay in L1 and L2
 *       for a panel of filters                     packed when dout's pixels are far apart
 *         for y, for a tile of (x, c)              part += sums over the band
 *
 * Order of a sum: the pixels of a band from zero, bands and images of a group in order, groups in
 * order; bands and groups come from the shape alone. The groups are what threads take.
 */
#include "kernels/conv_dw.h"

#include "base/threads.h"
#include "kernels/tile.h"
#include "kernels/window.h"

#include <string.h>

#define BAND 128
#define NARROW 32 /* filters up to which the pixels of dout are near enough to read in place */

/* The scratch of a thread: a padded band of x, then a panel of dout. */
static size_t window_floats(const kiln_conv_plan *p)
{
    const kiln_conv_shape *s = &p->shape;

    return (size_t)((p->dw.block - 1) * s->stride + s->HH) * ((s->OW - 1) * s->stride + s->WW) *
           s->C;
}

void kiln_conv_dw_plan(kiln_conv_plan *p)
{
    const kiln_conv_shape *s = &p->shape;
    const int rows = BAND / s->OW > 0 ? BAND / s->OW : 1;

    p->dw.block = rows < s->OH ? rows : s->OH;
    p->dw.sums = p->dw.group_floats = (size_t)s->F * s->C * s->HH * s->WW;
    p->dw.padded = window_floats(p) + (size_t)p->dw.block * s->OW * TILE_COLUMNS;
}

/* One panel of dout, pixel after pixel, padded to `width`. */
static void pack_panel(float *panel, const float *dout, int pixels, int F, int columns, int width)
{
    for (int p = 0; p < pixels; p++, dout += F, panel += width) {
        if (columns == width) {
            for (int f = 0; f < width; f += KILN_LANES) vf_store(panel + f, vf_load(dout + f));
        } else {
            for (int f = 0; f < width; f++) panel[f] = f < columns ? dout[f] : 0.0f;
        }
    }
}

/* part += what output rows i0 .. i1 of one image give. */
static void add_band(const kiln_conv_plan *p, float *part, const float *dout, const float *image,
                     int i0, int i1, float *padded)
{
    const kiln_conv_shape *s = &p->shape;
    const int M = s->WW * s->C;
    const kiln_window window = {i0 * s->stride - s->pad_h, -s->pad_w,
                                (i1 - 1 - i0) * s->stride + s->HH, (s->OW - 1) * s->stride + s->WW};
    float *const packed = padded + window_floats(p);
    ptrdiff_t pitch;
    const float *x = kiln_window_open(image, s->H, s->W, s->C, &window, padded, &pitch);
    const tile_depth depth = {i1 - i0, s->OW, s->stride * pitch};
    const tile_runs deal = tile_deal(M);

    for (int f = 0; f < s->F; f += TILE_COLUMNS) {
        const int columns = s->F - f < TILE_COLUMNS ? s->F - f : TILE_COLUMNS;
        const int vectors = tile_vectors(columns), width = vectors * KILN_LANES;
        const tile_end end = {columns, 1, NULL, 0};
        const float *b = dout + (size_t)i0 * s->OW * s->F + f;
        ptrdiff_t b_step = s->F;

        if (columns < width || s->F > NARROW) {
            pack_panel(packed, b, (i1 - i0) * s->OW, s->F, columns, width);
            b = packed;
            b_step = width;
        }
        for (int y = 0; y < s->HH; y++)
            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                /* part[(y, m ..), f ..] += xpad[(.. + y, ..), m ..]ᵀ · dout[(.., ..), f ..] */
                kiln_tile_adjacent[vectors - 1][run.rows - 1](
                    run.tiles, part + (size_t)(y * M + run.first) * s->F + f, s->F,
                    x + y * pitch + run.first,
                    (ptrdiff_t)s->stride * s->C, depth, b, b_step, &end);
            }
    }
}

void kiln_conv_dw_images(const float *dout, const float *x, const kiln_conv_plan *p, int n,
                         int group, int first, int last, int thread, float *work)
{
    const kiln_conv_shape *s = &p->shape;
    float *const part = work + (size_t)group * p->dw.sums;
    float *const padded = work + p->dw.groups * p->dw.sums + (size_t)thread * p->dw.padded;
    const size_t x_image = (size_t)s->H * s->W * s->C, out_image = (size_t)s->OH * s->OW * s->F;

    if (first == kiln_conv_group(n, kiln_conv_groups(p, n), group))
        memset(part, 0, p->dw.sums * sizeof *part);
    for (int image = first; image < last; image++, x += x_image, dout += out_image)
        for (int i = 0; i < s->OH; i += p->dw.block) {
            const int end = i + p->dw.block < s->OH ? i + p->dw.block : s->OH;

            add_band(p, part, dout, x, i, end, padded);
        }
}

typedef struct {
    const kiln_conv_plan *p;
    float *dw;
    const float *parts;
    int groups;
} join_job;

/* dw[:, c, y, x] = the groups' parts in order. */
static void gather(void *context, int c, int thread)
{
    const join_job *j = context;
    const kiln_conv_shape *s = &j->p->shape;
    const int taps = s->HH * s->WW;

    (void)thread;
    for (int tap = 0; tap < taps; tap++)
        for (int f = 0; f < s->F; f++) {
            const float *part = j->parts + ((size_t)tap * s->C + c) * s->F + f;
            float sum = part[0];

            for (int g = 1; g < j->groups; g++) sum += part[g * j->p->dw.sums];
            j->dw[((size_t)f * s->C + c) * taps + tap] = sum;
        }
}

void kiln_conv_dw_join(float *dw, const kiln_conv_plan *p, int n, float *work)
{
    kiln_parallel(p->shape.C, gather,
                  &(join_job){.p = p, .dw = dw, .parts = work, .groups = kiln_conv_groups(p, n)});
}
