/*
 * Winograd convolution F(4x4, 3x3): transforms to and from 36 points, and 36 matrix products
 * between them.
 *
 *   V[p] (tiles, C) = (Bᵀ d B)[p]     d: the 6x6 windows of x, 4 apart: they overlap by two
 *   U[p] (C, F)     = (G g Gᵀ)[p]     g: the 3x3 filters, once per call, in panels
 *   M[p] (tiles, F) = V[p] · U[p]     for each point p of 36
 *   out             = Aᵀ M A          4x4 outputs a tile, bias and relu on the way out
 *
 * 36 products for 16 outputs where the direct sum takes 144: four times fewer, and the transforms
 * cost some 20 additions for each float of x and of out. They are vectors over channels, so every
 * load and store is of neighbouring floats.
 *
 * Tiles are taken in blocks whose V and M stay in L2; U streams past once per block, V[p] and a
 * panel of U[p] stay in L1 for the product. The 36 matrices begin 64 bytes off a power of two
 * apart, or their stores would fight for one set of L1.
 *
 * dx is the same with flipped filters, channels and filters exchanged, and pads 2 -
 * pad_h, 2 - pad_w.
 */
#include "kernels/winograd.h"

#include "base/threads.h"
#include "kernels/tile.h"
#include "kernels/window.h"
#include "kernels/winograd_dw.h"
#include "kernels/winograd_tile.h"

#ifndef BLOCK_FLOATS
#define BLOCK_FLOATS 32768 /* of V and M together: 128 KB */
#endif
#define MIN_BLOCK 12
#define MAX_BLOCK 96

/* A pass over images. Scratch: U, then for each thread V, M, and the window of one tile. */
typedef struct {
    const kiln_conv_direction *d;
    const float *source, *u, *bias;
    float *result, *threads; /* threads: their scratch */
    int n, relu;
} pass;

static int tiles_across(int size)
{
    return (size + WINO_OUT - 1) / WINO_OUT;
}

static void plan_direction(kiln_conv_direction *d)
{
    const int c = vf_whole(d->C), f = vf_whole(d->F);
    int block = BLOCK_FLOATS / (WINO_POINTS * (c + f));

    block = block < MIN_BLOCK ? MIN_BLOCK : block > MAX_BLOCK ? MAX_BLOCK : block;
    d->block = block / TILE_ROWS * TILE_ROWS;
    d->v_step = (size_t)d->block * c + 16;
    d->m_step = (size_t)d->block * f + 16;
    d->u_step = (size_t)d->C * f + 16;
    d->filters = WINO_POINTS * d->u_step;
    d->padded = WINO_POINTS * (d->v_step + d->m_step + c);
}

static void winograd_plan(kiln_conv_plan *p)
{
    plan_direction(&p->forward);
    plan_direction(&p->dx);
    kiln_winograd_dw_plan(p);
}

/* Of a tile that covers a result of 3x3 a part goes to waste, and 36 products still are fewer than
 * the direct sum's 81; of 2x2 they are not. */
static int winograd_fits(const kiln_conv_shape *s)
{
    return s->HH == 3 && s->WW == 3 && s->stride == 1 && s->pad_h <= 2 && s->pad_w <= 2 &&
           s->C >= 16 && s->F >= 16 && s->OH >= 3 && s->OW >= 3;
}

/* ---- filters --------------------------------------------------------------------------------- */

typedef struct {
    const kiln_conv_direction *d;
    const float *w;
    float *u;
} filters_job;

/* U for one panel of filters: u[p][panel][c, f]. */
static void transform_filters(void *context, int panel, int thread)
{
    const filters_job *j = context;
    const kiln_conv_direction *d = j->d;
    const int f0 = panel * TILE_COLUMNS, left = d->F - f0;
    const int width = (left > KILN_LANES ? 2 : 1) * KILN_LANES;
    /* w (F, C, 3, 3) of the layer: distances of result and source channels */
    const ptrdiff_t per_result = d->transposed ? 9 : (ptrdiff_t)d->C * 9;
    const ptrdiff_t per_source = d->transposed ? (ptrdiff_t)d->F * 9 : 9;
    float *const first = j->u + (size_t)d->C * f0;

    (void)thread;
    for (int c = 0; c < d->C; c++)
        for (int f = 0; f < width; f += KILN_LANES) {
            const float *w = j->w + c * per_source + (f0 + f) * per_result;
            float lanes[9][KILN_LANES];
            vf g[9], half[WINO_IN * WINO_TAPS]; /* half: 6 rows of 3, then each row to 6 */

            for (int lane = 0; lane < KILN_LANES; lane++)
                for (int tap = 0; tap < 9; tap++)
                    lanes[d->transposed ? 8 - tap : tap][lane] =
                        f + lane < left ? w[lane * per_result + tap] : 0.0f;
            for (int tap = 0; tap < 9; tap++) g[tap] = vf_load(lanes[tap]);
            KEEP_ROLLED for (int x = 0; x < WINO_TAPS; x++)
                wino_filter(half + x, WINO_TAPS, g + x, WINO_TAPS);
            KEEP_ROLLED for (int y = 0; y < WINO_IN; y++)
            {
                float *u = first + y * WINO_IN * d->u_step + (size_t)c * width + f;
                vf point[WINO_IN];

                wino_filter(point, 1, half + y * WINO_TAPS, 1);
                UNROLL for (int q = 0; q < WINO_IN; q++, u += d->u_step) vf_store(u, point[q]);
            }
        }
}

/* ---- tiles ----------------------------------------------------------------------------------- */

typedef struct {
    int n, row, column; /* image; first row and column of the tile's result */
} position;

static position tile_position(const kiln_conv_direction *d, int tile)
{
    const int across = tiles_across(d->RW), down = tiles_across(d->RH);

    return (position){tile / (across * down), tile / across % down * WINO_OUT,
                      tile % across * WINO_OUT};
}

/* A row of max(floor, Aᵀ M A + bias), from that of Aᵀ M. */
WINO_INLINE void output_row(vf *y, const vf *half, vf bias, vf floor)
{
    wino_output(y, 1, half, 1);
    UNROLL for (int j = 0; j < WINO_OUT; j++) y[j] = vf_max(floor, y[j] + bias); /* a NaN stays */
}

/* out = max(floor, Aᵀ M A + bias) of one tile, cut at the edges of the result. */
static void transform_output(const pass *p, position at, const float *m)
{
    const kiln_conv_direction *d = p->d;
    float *const corner = p->result + (((size_t)at.n * d->RH + at.row) * d->RW + at.column) * d->F;
    const int rows = d->RH - at.row < WINO_OUT ? d->RH - at.row : WINO_OUT;
    const int columns = d->RW - at.column < WINO_OUT ? d->RW - at.column : WINO_OUT;
    const size_t line = (size_t)d->RW * d->F;
    const vf floor = vf_set1(p->relu ? 0.0f : -__builtin_inff());

    for (int f = 0; f < d->F; f += KILN_LANES) {
        const int part = d->F - f < KILN_LANES ? d->F - f : KILN_LANES;
        vf half[WINO_OUT * WINO_IN], bias = vf_set1(0.0f);
        float *out = corner + f;

        if (p->bias) bias = vf_load_first(p->bias + f, part);
        KEEP_ROLLED for (int x = 0; x < WINO_IN; x++)
        {
            const float *from = m + x * d->m_step + f;
            vf in[WINO_IN];

            UNROLL for (int i = 0; i < WINO_IN; i++, from += WINO_IN * d->m_step)
                in[i] = vf_load(from);
            wino_output(half + x, WINO_IN, in, 1);
        }
        if (rows == WINO_OUT && columns == WINO_OUT && part == KILN_LANES) {
            KEEP_ROLLED for (int i = 0; i < WINO_OUT; i++, out += line)
            {
                vf y[WINO_OUT];

                output_row(y, half + i * WINO_IN, bias, floor);
                UNROLL for (int j = 0; j < WINO_OUT; j++) vf_store(out + j * d->F, y[j]);
            }
            continue;
        }
        for (int i = 0; i < rows; i++, out += line) {
            vf y[WINO_OUT];

            output_row(y, half + i * WINO_IN, bias, floor);
            for (int j = 0; j < columns; j++) vf_store_part(out + j * d->F, y[j], part);
        }
    }
}

/* M[q] = V[q] · U[q] for the block's tiles. */
static void multiply(const pass *p, const float *v, float *m, int tiles)
{
    const kiln_conv_direction *d = p->d;
    const int c_step = vf_whole(d->C), f_step = vf_whole(d->F);
    const tile_depth depth = {1, d->C, 0};
    const float *a[MAX_BLOCK];
    float *c[MAX_BLOCK];
    const tile_runs deal = tile_deal(tiles);

    for (int t = 0; t < tiles; t++) {
        a[t] = v + (size_t)t * c_step;
        c[t] = m + (size_t)t * f_step;
    }
    for (int q = 0; q < WINO_POINTS; q++)
        for (int f = 0; f < f_step; f += TILE_COLUMNS) {
            const int vectors = tile_vectors(f_step - f);
            const tile_end end = {vectors * KILN_LANES, 0, NULL, 0};
            const float *panel = p->u + q * d->u_step + (size_t)d->C * f;

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                kiln_tile_apart[vectors - 1][run.rows - 1](
                    run.tiles, c + run.first, (ptrdiff_t)(q * d->m_step) + f, a + run.first,
                    (ptrdiff_t)(q * d->v_step), depth, panel, vectors * KILN_LANES, &end);
            }
        }
}

static int tile_total(const pass *p)
{
    return p->n * tiles_across(p->d->RH) * tiles_across(p->d->RW);
}

static void run_block(void *context, int task, int thread)
{
    const pass *p = context;
    const kiln_conv_direction *d = p->d;
    const int first = task * d->block, left = tile_total(p) - first;
    const int tiles = left < d->block ? left : d->block;
    float *const v = p->threads + thread * d->padded, *const m = v + WINO_POINTS * d->v_step;
    float *const window = m + WINO_POINTS * d->m_step;

    for (int t = 0; t < tiles; t++) {
        const position at = tile_position(d, first + t);

        kiln_winograd_transform_input(v + (size_t)t * vf_whole(d->C), d->v_step,
                                      p->source + (size_t)at.n * d->H * d->W * d->C, d->H, d->W,
                                      d->C, at.row - d->top, at.column - d->left, window);
    }
    multiply(p, v, m, tiles);
    for (int t = 0; t < tiles; t++)
        transform_output(p, tile_position(d, first + t), m + (size_t)t * vf_whole(d->F));
}

static void winograd_filters(const float *w, const kiln_conv_plan *p, const kiln_conv_direction *d,
                             float *work)
{
    (void)p;
    kiln_parallel((d->F + TILE_COLUMNS - 1) / TILE_COLUMNS, transform_filters,
                  &(filters_job){.d = d, .w = w, .u = work});
}

static void winograd_images(float *result, const float *source, const float *bias,
                            const kiln_conv_plan *plan, const kiln_conv_direction *d, int n,
                            int relu, float *work)
{
    pass p = {.d = d, .source = source, .u = work, .bias = bias, .result = result,
              .threads = work + d->filters, .n = n, .relu = relu};

    (void)plan;
    kiln_parallel((tile_total(&p) + d->block - 1) / d->block, run_block, &p);
}

const kiln_conv_algorithm kiln_winograd = {
    .name = "winograd",
    .fits = winograd_fits,
    .plan = winograd_plan,
    .filters = winograd_filters,
    .images = winograd_images,
    .dw_images = kiln_winograd_dw_images,
    .dw_join = kiln_winograd_dw_join,
};
