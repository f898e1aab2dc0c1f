/*
 * Gradient of a 3x3 convolution with respect to its filters in Winograd's domain: the adjoint of
 * winograd.c.
 *
 *   V[q] (tiles, C) = (Bᵀ d B)[q]        d: 6x6 windows of x
 *   D[q] (tiles, F) = (A dy Aᵀ)[q]       dy: 4x4 tiles of dout, zeros beyond its edges
 *   S[q] (C, F)    += V[q]ᵀ · D[q]       over all tiles, for each of 36 points
 *   dw              = Gᵀ S G             3x3 for each (c, f), once at the end
 *
 * 36 products a tile for 144 direct ones. Both factors of the product have adjacent rows already,
 * so nothing is packed. A block's V and D stay in L2; S, 36 C F floats, is read and written once
 * per block, so a block is not small.
 *
 * Order of a sum: the tiles of a block from zero, the blocks of a group of images in order, groups
 * in order; all fixed by the shape. Threads take groups.
 */
#include "kernels/winograd_dw.h"

#include <string.h>

#include "base/threads.h"
#include "kernels/conv_dw.h"
#include "kernels/tile.h"
#include "kernels/window.h"
#include "kernels/winograd.h"
#include "kernels/winograd_tile.h"

#ifndef BLOCK
#define BLOCK 64 /* tiles; part of the order of the sums */
#endif

static int tiles_across(int size)
{
    return (size + WINO_OUT - 1) / WINO_OUT;
}

static int tiles_of_image(const kiln_conv_shape *s)
{
    return tiles_across(s->OH) * tiles_across(s->OW);
}

/* A group's scratch: S. A thread's: V, D, and the window of one tile. */
void kiln_winograd_dw_plan(kiln_conv_plan *p)
{
    const kiln_conv_shape *s = &p->shape;
    kiln_conv_filter_gradient *g = &p->dw;
    const int widest = s->C > s->F ? s->C : s->F;

    while (g->step * tiles_of_image(s) % BLOCK) g->step++; /* the fewest images, whole blocks */
    g->c_step = vf_whole(s->C);
    g->f_step = vf_whole(s->F);
    g->v_step = (size_t)BLOCK * g->c_step + 16;
    g->d_step = (size_t)BLOCK * g->f_step + 16;
    g->s_step = (size_t)s->C * g->f_step + 16;
    g->sums = WINO_POINTS * g->s_step;
    g->padded = WINO_POINTS * (g->v_step + g->d_step + (size_t)vf_whole(widest));
    g->group_floats = (size_t)WINO_POINTS * s->C * s->F;
}

/* v[q · v_step] = (Bᵀ d B)[q] of n <= KILN_LANES channels; d's rows are `pitch`, its pixels C
 * apart. */
WINO_INLINE void input_tile(float *v, size_t v_step, const float *d, ptrdiff_t pitch, int C,
                            const int n)
{
    vf half[WINO_POINTS];

    KEEP_ROLLED for (int x = 0; x < WINO_IN; x++)
    {
        const float *from = d + x * C;
        vf in[WINO_IN];

        UNROLL for (int y = 0; y < WINO_IN; y++, from += pitch)
            in[y] = vf_load_first(from, n);
        wino_input(half + x, WINO_IN, in, 1);
    }
    KEEP_ROLLED for (int y = 0; y < WINO_IN; y++)
    {
        vf out[WINO_IN];

        wino_input(out, 1, half + y * WINO_IN, 1);
        UNROLL for (int x = 0; x < WINO_IN; x++, v += v_step) vf_store(v, out[x]);
    }
}

void kiln_winograd_transform_input(float *v, size_t v_step, const float *image, int H, int W, int C,
                                   int row, int column, float *window)
{
    const kiln_window where = {row, column, WINO_IN, WINO_IN};
    ptrdiff_t pitch;
    const float *d = kiln_window_open(image, H, W, C, &where, window, &pitch);
    int c = 0;

    for (; c + KILN_LANES <= C; c += KILN_LANES)
        input_tile(v + c, v_step, d + c, pitch, C, KILN_LANES);
    if (c < C) input_tile(v + c, v_step, d + c, pitch, C, C - c);
}

/* d[q · d_step] = (A dy Aᵀ)[q] of n <= KILN_LANES filters, likewise. */
WINO_INLINE void gradient_tile(float *d, size_t d_step, const float *dy, ptrdiff_t pitch, int F,
                               const int n)
{
    vf half[WINO_IN * WINO_OUT];

    KEEP_ROLLED for (int x = 0; x < WINO_OUT; x++)
    {
        const float *from = dy + x * F;
        vf in[WINO_OUT];

        UNROLL for (int y = 0; y < WINO_OUT; y++, from += pitch)
            in[y] = vf_load_first(from, n);
        wino_gradient(half + x, WINO_OUT, in, 1);
    }
    KEEP_ROLLED for (int y = 0; y < WINO_IN; y++)
    {
        vf out[WINO_IN];

        wino_gradient(out, 1, half + y * WINO_OUT, 1);
        UNROLL for (int x = 0; x < WINO_IN; x++, d += d_step) vf_store(d, out[x]);
    }
}

/* The 4x4 tile of dout at (row, column). */
static void transform_gradient(const kiln_conv_plan *p, float *d, const float *image, int row,
                               int column, float *window)
{
    const kiln_conv_shape *s = &p->shape;
    const kiln_window where = {row, column, WINO_OUT, WINO_OUT};
    ptrdiff_t pitch;
    const float *dy = kiln_window_open(image, s->OH, s->OW, s->F, &where, window, &pitch);
    int f = 0;

    for (; f + KILN_LANES <= s->F; f += KILN_LANES)
        gradient_tile(d + f, p->dw.d_step, dy + f, pitch, s->F, KILN_LANES);
    if (f < s->F) gradient_tile(d + f, p->dw.d_step, dy + f, pitch, s->F, s->F - f);
}

/* S[q] += V[q]ᵀ · D[q] for the block's tiles. */
static void add_products(const kiln_conv_plan *p, float *sums, const float *v, const float *d,
                         int tiles)
{
    const kiln_conv_filter_gradient *g = &p->dw;
    const int C = p->shape.C;
    const tile_depth depth = {1, tiles, 0};
    const tile_runs deal = tile_deal(C);

    for (int q = 0; q < WINO_POINTS; q++)
        for (int f = 0; f < g->f_step; f += TILE_COLUMNS) {
            const int vectors = tile_vectors(g->f_step - f);
            const tile_end end = {vectors * KILN_LANES, 1, NULL, 0};

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];
                float *out = sums + q * g->s_step + (size_t)run.first * g->f_step + f;

                kiln_tile_adjacent[vectors - 1][run.rows - 1](
                    run.tiles, out, g->f_step, v + q * g->v_step + run.first, g->c_step, depth,
                    d + q * g->d_step + f, g->f_step, &end);
            }
        }
}

void kiln_winograd_dw_images(const float *dout, const float *x, const kiln_conv_plan *p, int n,
                             int group, int first, int last, int thread, float *work)
{
    const kiln_conv_shape *s = &p->shape;
    const kiln_conv_filter_gradient *g = &p->dw;
    const int across = tiles_across(s->OW), each = tiles_of_image(s);
    float *const sums = work + group * g->sums;
    float *const v = work + g->groups * g->sums + thread * g->padded;
    float *const d = v + WINO_POINTS * g->v_step, *const window = d + WINO_POINTS * g->d_step;

    if (first == kiln_conv_group(n, kiln_conv_groups(p, n), group))
        memset(sums, 0, g->sums * sizeof *sums);
    for (int t0 = 0; t0 < (last - first) * each; t0 += BLOCK) {
        const int left = (last - first) * each - t0, tiles = left < BLOCK ? left : BLOCK;

        for (int t = 0; t < tiles; t++) {
            const int image = (t0 + t) / each, row = (t0 + t) % each / across * WINO_OUT;
            const int column = (t0 + t) % across * WINO_OUT;

            kiln_winograd_transform_input(v + (size_t)t * g->c_step, g->v_step,
                                          x + (size_t)image * s->H * s->W * s->C, s->H, s->W, s->C,
                                          row - s->pad_h, column - s->pad_w, window);
            transform_gradient(p, d + (size_t)t * g->f_step,
                               dout + (size_t)image * s->OH * s->OW * s->F, row, column, window);
        }
        add_products(p, sums, v, d, tiles);
    }
}

typedef struct {
    const kiln_conv_plan *p;
    float *dw;
    const float *sums;
    int groups;
} join_job;

/* dw[:, c] = Gᵀ S G, S the groups' sums in order. */
static void gather(void *context, int c, int thread)
{
    const join_job *j = context;
    const kiln_conv_shape *s = &j->p->shape;
    const kiln_conv_filter_gradient *g = &j->p->dw;

    (void)thread;
    for (int f = 0; f < s->F; f += KILN_LANES) {
        vf half[WINO_TAPS * WINO_IN], dg[WINO_TAPS * WINO_TAPS];
        const int part = s->F - f < KILN_LANES ? s->F - f : KILN_LANES;

        KEEP_ROLLED for (int x = 0; x < WINO_IN; x++)
        {
            vf in[WINO_IN];

            UNROLL for (int y = 0; y < WINO_IN; y++)
            {
                const float *from =
                    j->sums + (y * WINO_IN + x) * g->s_step + (size_t)c * g->f_step + f;

                in[y] = vf_load(from);
                for (int group = 1; group < j->groups; group++)
                    in[y] += vf_load(from + group * g->sums);
            }
            wino_filter_gradient(half + x, WINO_IN, in, 1);
        }
        KEEP_ROLLED for (int y = 0; y < WINO_TAPS; y++)
            wino_filter_gradient(dg + y * WINO_TAPS, 1, half + y * WINO_IN, 1);
        for (int tap = 0; tap < 9; tap++) {
            float lane[KILN_LANES];

            vf_store(lane, dg[tap]);
            for (int i = 0; i < part; i++) j->dw[((size_t)(f + i) * s->C + c) * 9 + tap] = lane[i];
        }
    }
}

void kiln_winograd_dw_join(float *dw, const kiln_conv_plan *p, int n, float *work)
{
    kiln_parallel(p->shape.C, gather,
                  &(join_job){.p = p, .dw = dw, .sums = work, .groups = kiln_conv_groups(p, n)});
}
