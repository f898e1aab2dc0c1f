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
#define GROUPS 8
#define GROUP_FLOATS ((size_t)1 << 21)
#define NARROW 32 /* filters up to which the pixels of dout are near enough to read in place */

typedef struct {
    const kiln_conv_shape *s;
    const float *x, *dout;
    float *dw;
    const float *parts;
    int groups, band; /* band: output rows */
    size_t part_floats, window_floats, panel_floats;
} job;

int kiln_conv_groups(int N, size_t floats)
{
    int groups = 1;

    while (groups < GROUPS && 2 * groups <= N &&
           (groups == 1 || 2 * groups * floats <= GROUP_FLOATS))
        groups *= 2;
    return groups;
}

static job make_job(const kiln_conv_shape *s)
{
    job j = {0};
    const int rows = BAND / s->OW > 0 ? BAND / s->OW : 1;

    j.s = s;
    j.band = rows < s->OH ? rows : s->OH;
    j.part_floats = (size_t)s->F * s->C * s->HH * s->WW;
    j.groups = kiln_conv_groups(s->N, j.part_floats);
    j.window_floats =
        (size_t)((j.band - 1) * s->stride + s->HH) * ((s->OW - 1) * s->stride + s->WW) * s->C;
    j.panel_floats = (size_t)j.band * s->OW * TILE_COLUMNS;
    return j;
}

size_t kiln_conv_dw_work(const kiln_conv_shape *s)
{
    const job j = make_job(s);

    return j.groups * j.part_floats + (size_t)kiln_threads() * (j.window_floats + j.panel_floats);
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

/* part += what output rows i0 .. i1 of image n give. */
static void add_band(const job *j, float *part, int n, int i0, int i1, float *room)
{
    const kiln_conv_shape *s = j->s;
    const int M = s->WW * s->C;
    const kiln_window window = {i0 * s->stride - s->pad_h, -s->pad_w,
                                (i1 - 1 - i0) * s->stride + s->HH, (s->OW - 1) * s->stride + s->WW};
    const float *dout = j->dout + ((size_t)n * s->OH + i0) * s->OW * s->F;
    float *const packed = room + j->window_floats;
    ptrdiff_t pitch;
    const float *x = kiln_window_open(j->x + (size_t)n * s->H * s->W * s->C, s->H, s->W, s->C,
                                      &window, room, &pitch);
    const tile_depth depth = {i1 - i0, s->OW, s->stride * pitch};
    const tile_runs deal = tile_deal(M);

    for (int f = 0; f < s->F; f += TILE_COLUMNS) {
        const int columns = s->F - f < TILE_COLUMNS ? s->F - f : TILE_COLUMNS;
        const int vectors = tile_vectors(columns), width = vectors * KILN_LANES;
        const tile_end end = {columns, 1, NULL, 0};
        const float *b = dout + f;
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

int kiln_conv_dw_groups(const kiln_conv_shape *s)
{
    return make_job(s).groups;
}

int kiln_conv_dw_step(const kiln_conv_shape *s)
{
    (void)s;
    return 1;
}

void kiln_conv_dw_images(const float *dout, const float *x, const kiln_conv_shape *s, int group,
                         int first, int last, int thread, float *work)
{
    job j = make_job(s);
    float *const part = work + (size_t)group * j.part_floats;
    float *const room = work + j.groups * j.part_floats +
                        (size_t)thread * (j.window_floats + j.panel_floats);

    j.x = x;
    j.dout = dout;
    if (first == kiln_conv_group(s, j.groups, group)) memset(part, 0, j.part_floats * sizeof *part);
    for (int n = 0; n < last - first; n++)
        for (int i = 0; i < s->OH; i += j.band)
            add_band(&j, part, n, i, i + j.band < s->OH ? i + j.band : s->OH, room);
}

/* dw[:, c, y, x] = the groups' parts in order. */
static void gather(void *context, int c, int thread)
{
    const job *j = context;
    const kiln_conv_shape *s = j->s;
    const int taps = s->HH * s->WW;

    (void)thread;
    for (int tap = 0; tap < taps; tap++)
        for (int f = 0; f < s->F; f++) {
            const float *part = j->parts + ((size_t)tap * s->C + c) * s->F + f;
            float sum = part[0];

            for (int g = 1; g < j->groups; g++) sum += part[g * j->part_floats];
            j->dw[((size_t)f * s->C + c) * taps + tap] = sum;
        }
}

void kiln_conv_dw_join(float *dw, const kiln_conv_shape *s, float *work)
{
    job j = make_job(s);

    j.dw = dw;
    j.parts = work;
    kiln_parallel(s->C, gather, &j);
}
