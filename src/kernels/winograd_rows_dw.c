/*
 * Gradient of a convolution with respect to its filters, the adjoint of winograd_rows.c.
 *
 *   V[q] (columns, C) = (Bᵀ d)[q]          d: the HH + 3 rows of x under a strip
 *   D[q] (OW, F)      = (A dy)[q]          dy: four rows of dout, zeros below its last
 *   S[q] (WW·C, F)   += Σ_j V[q][j .. j + WW - 1, :]ᵀ D[q][j, :]      over the pixels j of strips
 *   dw                = Gᵀ S               HH rows for each (x, c, f), once at the end, in double
 *
 * HH + 3 products for 4 HH direct ones. Rows (x, c) of V are adjacent floats, the second kind of
 * tile in tile.h; D is written in panels. S, (HH + 3) WW C F floats, is read and written once per
 * block of strips.
 *
 * Order of a sum: the pixels of a block, or of a piece of a long row, from zero; the blocks of a
 * run, the runs of a group of images, and the groups, each in order; all fixed by the shape.
 * Threads take groups.
 */
#include <string.h>

#include "base/threads.h"
#include "kernels/conv_dw.h"
#include "kernels/tile.h"
#include "kernels/vec.h"
#include "kernels/winograd_rows.h"
#include "kernels/winograd_rows_tile.h"

/* Pixels of one sum from zero, and blocks of one run. A chain of n additions loses about
 * sqrt(n / 2) roundings; the points of F(4, 7) cost four bits, short chains win two back. */
#define PIXELS(taps) ((taps) < 7 ? 128 : 32)
#define RUN 8

typedef struct {
    kiln_toom_cook t;
    kiln_strips strips;
    const kiln_conv_shape *s;
    const float *dout, *zeros, *sums;
    float *dw;
    int groups, block, f_step;
    size_t v_step, d_step, s_step; /* floats from one point's matrix to the next */
    size_t zero_floats, room_each;
} job;

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static job make_job(const kiln_conv_shape *s)
{
    job j = {.t = kiln_toom_cook_make(s->HH), .s = s, .f_step = vf_whole(s->F)};
    const int block = PIXELS(s->HH) / s->OW;

    j.strips = (kiln_strips){NULL,   s->H,   s->W,           s->C,
                             s->pad_h, s->pad_w, s->OW + s->WW - 1, kiln_strips_down(s->OH)};
    j.block = block < 1 ? 1 : block;
    j.groups = kiln_conv_groups(s->N, (size_t)j.t.points * s->WW * s->C * s->F);
    j.v_step = (size_t)j.block * j.strips.columns * s->C + 16;
    j.d_step = (size_t)j.block * s->OW * j.f_step + 16;
    j.s_step = (size_t)s->WW * s->C * j.f_step + 16;
    j.zero_floats = (size_t)vf_whole((s->W * s->C > s->OW * s->F ? s->W * s->C
                                                                      : s->OW * s->F));
    j.room_each = j.t.points * (j.v_step + j.d_step + j.s_step) + j.zero_floats;
    return j;
}

size_t kiln_winograd_rows_dw_work(const kiln_conv_shape *s)
{
    const job j = make_job(s);

    return j.groups * j.t.points * j.s_step + (size_t)kiln_threads() * j.room_each;
}

/* D of a strip, pixels first .. first + OW of the block: d[q][panel][pixel, f]. */
TOOM_INLINE void transform_gradient(const job *j, float *d, int strip, int first, const int P)
{
    const kiln_conv_shape *s = j->s;
    const int row = strip % j->strips.down * TOOM_OUT, pixels = j->block * s->OW;
    const size_t line = (size_t)s->OW * s->F;
    const float *rows[TOOM_OUT];

    for (int i = 0; i < TOOM_OUT; i++)
        rows[i] = row + i < s->OH
                      ? j->dout + ((size_t)(strip / j->strips.down) * s->OH + row + i) * line
                      : j->zeros;
    for (int x = 0; x < s->OW; x++)
        for (int f = 0; f < s->F; f += KILN_LANES) {
            const int f0 = f / TILE_COLUMNS * TILE_COLUMNS,
                      width = tile_vectors(j->f_step - f0) * KILN_LANES;
            const size_t at = (size_t)x * s->F + f;
            float *to = d + (size_t)f0 * pixels + (size_t)(first + x) * width + (f - f0);
            vf y[TOOM_OUT], out[2 * TOOM_PAIRS_MAX + 2];

            for (int i = 0; i < TOOM_OUT; i++) y[i] = vf_load_first(rows[i] + at, s->F - f);
            toom_gradient(out, y, &j->t, P);
            for (int q = 0; q < 2 * P + 2; q++) vf_store(to + q * j->d_step, out[q]);
        }
}

/* S[q] += what pixels x .. x + count of the block's strips give; all pixels where strips > 1. */
static void add_products(const job *j, float *sums, const float *v, const float *d, int strips,
                         int x, int count)
{
    const kiln_conv_shape *s = j->s;
    const int M = s->WW * s->C;
    const tile_depth depth = {strips, count, (ptrdiff_t)j->strips.columns * s->C};
    const tile_runs deal = tile_deal(M);

    for (int q = 0; q < j->t.points; q++)
        for (int f = 0; f < j->f_step; f += TILE_COLUMNS) {
            const int vectors = tile_vectors(j->f_step - f), width = vectors * KILN_LANES;
            const tile_end end = {width, 1, NULL, 0};
            const float *panel = d + q * j->d_step + (size_t)f * j->block * s->OW + x * width;

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                kiln_tile_adjacent[vectors - 1][run.rows - 1](
                    run.tiles, sums + q * j->s_step + (size_t)run.first * j->f_step + f, j->f_step,
                    v + q * j->v_step + x * s->C + run.first, s->C, depth, panel, width, &end);
            }
        }
}

/* S of the block's strips, from number `at` on, is added to sums. */
static void add_block(const job *j, float *sums, int at, int strips, float *v, float *d)
{
    const kiln_conv_shape *s = j->s;
    const size_t v_strip = (size_t)j->strips.columns * s->C;

    for (int i = 0; i < strips; i++) {
        kiln_strip_transform(v + i * v_strip, j->v_step, &j->strips, &j->t, at + i, j->zeros);
        if (j->t.pairs == 2)
            transform_gradient(j, d, at + i, i * s->OW, 2);
        else if (j->t.pairs == 3)
            transform_gradient(j, d, at + i, i * s->OW, 3);
        else
            transform_gradient(j, d, at + i, i * s->OW, 4);
    }
    for (int x = 0; x < s->OW; x += PIXELS(s->HH))
        add_products(j, sums, v, d, strips, x, at_most(s->OW - x, PIXELS(s->HH)));
}

int kiln_winograd_rows_dw_groups(const kiln_conv_shape *s)
{
    return make_job(s).groups;
}

/* The fewest images that are whole runs of blocks. */
int kiln_winograd_rows_dw_step(const kiln_conv_shape *s)
{
    const job j = make_job(s);
    int images = 1;

    while (images * j.strips.down % (RUN * j.block)) images++;
    return images;
}

void kiln_winograd_rows_dw_images(const float *dout, const float *x, const kiln_conv_shape *s,
                                  int group, int first, int last, int thread, float *work)
{
    job j = make_job(s);
    const size_t size = j.t.points * j.s_step;
    float *const sums = work + group * size;
    float *const v = work + j.groups * size + thread * j.room_each;
    float *const d = v + j.t.points * j.v_step, *const run_sums = d + j.t.points * j.d_step;
    float *const zeros = run_sums + size;
    const int end = (last - first) * j.strips.down;

    j.strips.source = x;
    j.dout = dout;
    j.zeros = zeros;
    memset(zeros, 0, j.zero_floats * sizeof *zeros);
    if (first == kiln_conv_group(s, j.groups, group)) memset(sums, 0, size * sizeof *sums);
    for (int run = 0; run < end; run += RUN * j.block) {
        const int run_end = at_most(run + RUN * j.block, end);

        memset(run_sums, 0, size * sizeof *run_sums);
        for (int at = run; at < run_end; at += j.block)
            add_block(&j, run_sums, at, at_most(run_end - at, j.block), v, d);
        kiln_vec_add(sums, sums, run_sums, (int)size);
    }
}

/* dw[:, c] = Gᵀ S, S the groups' sums in order. */
static void gather(void *context, int c, int thread)
{
    const job *j = context;
    const kiln_conv_shape *s = j->s;

    (void)thread;
    for (int x = 0; x < s->WW; x++)
        for (int f = 0; f < s->F; f++) {
            float *dw = j->dw + ((size_t)f * s->C + c) * s->HH * s->WW + x;
            double sum[TOOM_TAPS_MAX] = {0};

            for (int q = 0; q < j->t.points; q++) {
                const float *from =
                    j->sums + q * j->s_step + (size_t)(x * s->C + c) * j->f_step + f;
                double point = 0;

                for (int g = 0; g < j->groups; g++)
                    point += (double)from[g * j->t.points * j->s_step];
                for (int k = 0; k < s->HH; k++) sum[k] += j->t.g[q][k] * point;
            }
            for (int k = 0; k < s->HH; k++) dw[k * s->WW] = (float)sum[k];
        }
}

void kiln_winograd_rows_dw_join(float *dw, const kiln_conv_shape *s, float *work)
{
    job j = make_job(s);

    j.dw = dw;
    j.sums = work;
    kiln_parallel(s->C, gather, &j);
}
