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

/* The images of a part. */
typedef struct {
    const kiln_conv_plan *plan;
    kiln_strips strips;
    const float *dout, *zeros;
} job;

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

/* A group's scratch: S. A thread's: V, D, S of a run, and a row of zeros. */
void kiln_winograd_rows_dw_plan(kiln_conv_plan *p)
{
    const kiln_conv_shape *s = &p->shape;
    kiln_conv_filter_gradient *g = &p->dw;
    const int points = p->transform.points, block = PIXELS(s->HH) / s->OW;
    const int x_row = s->W * s->C, out_row = s->OW * s->F;

    g->block = block < 1 ? 1 : block;
    /* the fewest images that are whole runs of blocks */
    while (g->step * kiln_strips_down(s->OH) % (RUN * g->block)) g->step++;
    g->f_step = vf_whole(s->F);
    g->v_step = (size_t)g->block * (s->OW + s->WW - 1) * s->C + 16;
    g->d_step = (size_t)g->block * s->OW * g->f_step + 16;
    g->s_step = (size_t)s->WW * s->C * g->f_step + 16;
    g->zeros = (size_t)vf_whole(x_row > out_row ? x_row : out_row);
    g->sums = points * g->s_step;
    g->padded = points * (g->v_step + g->d_step) + g->sums + g->zeros;
    g->group_floats = (size_t)points * s->WW * s->C * s->F;
}

/* D of a strip, pixels first .. first + OW of the block: d[q][panel][pixel, f]. */
TOOM_INLINE void transform_gradient(const job *j, float *d, int strip, int first, const int P)
{
    const kiln_conv_shape *s = &j->plan->shape;
    const kiln_conv_filter_gradient *g = &j->plan->dw;
    const kiln_toom_cook *t = &j->plan->transform;
    const int row = strip % j->strips.down * TOOM_OUT, pixels = g->block * s->OW;
    const size_t line = (size_t)s->OW * s->F;
    const float *rows[TOOM_OUT];

    for (int i = 0; i < TOOM_OUT; i++)
        rows[i] = row + i < s->OH
                      ? j->dout + ((size_t)(strip / j->strips.down) * s->OH + row + i) * line
                      : j->zeros;
    for (int x = 0; x < s->OW; x++)
        for (int f = 0; f < s->F; f += KILN_LANES) {
            const int f0 = f / TILE_COLUMNS * TILE_COLUMNS,
                      width = tile_vectors(g->f_step - f0) * KILN_LANES;
            const size_t at = (size_t)x * s->F + f;
            float *to = d + (size_t)f0 * pixels + (size_t)(first + x) * width + (f - f0);
            vf y[TOOM_OUT], out[2 * TOOM_PAIRS_MAX + 2];

            for (int i = 0; i < TOOM_OUT; i++) y[i] = vf_load_first(rows[i] + at, s->F - f);
            toom_gradient(out, y, t, P);
            for (int q = 0; q < 2 * P + 2; q++) vf_store(to + q * g->d_step, out[q]);
        }
}

/* S[q] += what pixels x .. x + count of the block's strips give; all pixels where strips > 1. */
static void add_products(const job *j, float *sums, const float *v, const float *d, int strips,
                         int x, int count)
{
    const kiln_conv_shape *s = &j->plan->shape;
    const kiln_conv_filter_gradient *g = &j->plan->dw;
    const int M = s->WW * s->C;
    const tile_depth depth = {strips, count, (ptrdiff_t)j->strips.columns * s->C};
    const tile_runs deal = tile_deal(M);

    for (int q = 0; q < j->plan->transform.points; q++)
        for (int f = 0; f < g->f_step; f += TILE_COLUMNS) {
            const int vectors = tile_vectors(g->f_step - f), width = vectors * KILN_LANES;
            const tile_end end = {width, 1, NULL, 0};
            const float *panel = d + q * g->d_step + (size_t)f * g->block * s->OW + x * width;

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                kiln_tile_adjacent[vectors - 1][run.rows - 1](
                    run.tiles, sums + q * g->s_step + (size_t)run.first * g->f_step + f, g->f_step,
                    v + q * g->v_step + x * s->C + run.first, s->C, depth, panel, width, &end);
            }
        }
}

/* S of the block's strips, from number `at` on, is added to sums. */
static void add_block(const job *j, float *sums, int at, int strips, float *v, float *d)
{
    const kiln_conv_shape *s = &j->plan->shape;
    const kiln_toom_cook *t = &j->plan->transform;
    const size_t v_strip = (size_t)j->strips.columns * s->C;

    for (int i = 0; i < strips; i++) {
        kiln_strip_transform(v + i * v_strip, j->plan->dw.v_step, &j->strips, t, at + i);
        if (t->pairs == 2)
            transform_gradient(j, d, at + i, i * s->OW, 2);
        else if (t->pairs == 3)
            transform_gradient(j, d, at + i, i * s->OW, 3);
        else
            transform_gradient(j, d, at + i, i * s->OW, 4);
    }
    for (int x = 0; x < s->OW; x += PIXELS(s->HH))
        add_products(j, sums, v, d, strips, x, at_most(s->OW - x, PIXELS(s->HH)));
}

void kiln_winograd_rows_dw_images(const float *dout, const float *x, const kiln_conv_plan *p,
                                  int n, int group, int first, int last, int thread, float *work)
{
    const kiln_conv_shape *s = &p->shape;
    const kiln_conv_filter_gradient *g = &p->dw;
    float *const sums = work + group * g->sums;
    float *const v = work + g->groups * g->sums + thread * g->padded;
    float *const d = v + p->transform.points * g->v_step;
    float *const run_sums = d + p->transform.points * g->d_step, *const zeros = run_sums + g->sums;
    const job j = {.plan = p, .dout = dout, .zeros = zeros,
                   .strips = {.source = x, .zeros = zeros, .H = s->H, .W = s->W, .C = s->C,
                              .top = s->pad_h, .left = s->pad_w, .columns = s->OW + s->WW - 1,
                              .down = kiln_strips_down(s->OH)}};
    const int end = (last - first) * j.strips.down;

    memset(zeros, 0, g->zeros * sizeof *zeros);
    if (first == kiln_conv_group(n, kiln_conv_groups(p, n), group))
        memset(sums, 0, g->sums * sizeof *sums);
    for (int run = 0; run < end; run += RUN * g->block) {
        const int run_end = at_most(run + RUN * g->block, end);

        memset(run_sums, 0, g->sums * sizeof *run_sums);
        for (int at = run; at < run_end; at += g->block)
            add_block(&j, run_sums, at, at_most(run_end - at, g->block), v, d);
        kiln_vec_add(sums, sums, run_sums, (int)g->sums);
    }
}

typedef struct {
    const kiln_conv_plan *p;
    float *dw;
    const float *sums;
    int groups;
} join_job;

/* dw[:, c] = Gᵀ S, S the groups' sums in order. */
static void gather(void *context, int c, int thread)
{
    const join_job *j = context;
    const kiln_conv_shape *s = &j->p->shape;
    const kiln_conv_filter_gradient *g = &j->p->dw;
    const kiln_toom_cook *t = &j->p->transform;

    (void)thread;
    for (int x = 0; x < s->WW; x++)
        for (int f = 0; f < s->F; f++) {
            float *dw = j->dw + ((size_t)f * s->C + c) * s->HH * s->WW + x;
            double sum[TOOM_TAPS_MAX] = {0};

            for (int q = 0; q < t->points; q++) {
                const float *from =
                    j->sums + q * g->s_step + (size_t)(x * s->C + c) * g->f_step + f;
                double point = 0;

                for (int i = 0; i < j->groups; i++) point += (double)from[i * g->sums];
                for (int k = 0; k < s->HH; k++) sum[k] += t->g[q][k] * point;
            }
            for (int k = 0; k < s->HH; k++) dw[k * s->WW] = (float)sum[k];
        }
}

void kiln_winograd_rows_dw_join(float *dw, const kiln_conv_plan *p, int n, float *work)
{
    kiln_parallel(p->shape.C, gather,
                  &(join_job){.p = p, .dw = dw, .sums = work, .groups = kiln_conv_groups(p, n)});
}
