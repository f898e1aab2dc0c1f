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
 * dx is the same with filters turned by half a circle, channels and filters exchanged, and pads 2 -
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

typedef struct {
    const float *source, *w;
    int N, H, W, C;   /* source */
    float *result;
    int RH, RW, F;    /* result */
    int top, left;    /* zeros above and left of the source */
    int turned;       /* w read as for dx */
    const float *bias;
    int relu;
    int block;        /* tiles */
    size_t v_step, m_step, u_step; /* floats from one point's matrix to the next */
    float *u, *room;
    size_t room_each;
} pass;

static int tiles_across(int size)
{
    return (size + WINO_OUT - 1) / WINO_OUT;
}

static pass make_pass(const kiln_conv_shape *s, int turned)
{
    pass p = {0};

    p.N = s->N;
    p.H = turned ? s->OH : s->H;
    p.W = turned ? s->OW : s->W;
    p.C = turned ? s->F : s->C;
    p.RH = turned ? s->H : s->OH;
    p.RW = turned ? s->W : s->OW;
    p.F = turned ? s->C : s->F;
    p.top = turned ? WINO_TAPS - 1 - s->pad_h : s->pad_h;
    p.left = turned ? WINO_TAPS - 1 - s->pad_w : s->pad_w;
    p.turned = turned;

    const int c = vf_whole(p.C), f = vf_whole(p.F);
    int block = BLOCK_FLOATS / (WINO_POINTS * (c + f));

    block = block < MIN_BLOCK ? MIN_BLOCK : block > MAX_BLOCK ? MAX_BLOCK : block;
    p.block = block / TILE_ROWS * TILE_ROWS;
    p.v_step = (size_t)p.block * c + 16;
    p.m_step = (size_t)p.block * f + 16;
    p.u_step = (size_t)p.C * f + 16;
    p.room_each = WINO_POINTS * (p.v_step + p.m_step + c);
    return p;
}

static size_t pass_floats(const pass *p)
{
    return WINO_POINTS * p->u_step + (size_t)kiln_threads() * p->room_each;
}

static size_t winograd_work(const kiln_conv_shape *s)
{
    const pass forward = make_pass(s, 0), dx = make_pass(s, 1);
    const size_t floats = pass_floats(&forward), more = pass_floats(&dx);

    return floats > more ? floats : more;
}

int kiln_winograd_fits(const kiln_conv_shape *s)
{
    return s->HH == 3 && s->WW == 3 && s->stride == 1 && s->pad_h <= 2 && s->pad_w <= 2 &&
           s->C >= 16 && s->F >= 16 && s->OH >= 4 && s->OW >= 4;
}

/* ---- filters --------------------------------------------------------------------------------- */

/* U for one panel of filters: u[p][panel][c, f]. */
static void transform_filters(void *context, int panel, int thread)
{
    const pass *p = context;
    const int f0 = panel * TILE_COLUMNS, left = p->F - f0;
    const int width = (left > KILN_LANES ? 2 : 1) * KILN_LANES;
    /* w (F, C, 3, 3) of the layer: distances of result and source channels */
    const ptrdiff_t per_result = p->turned ? 9 : (ptrdiff_t)p->C * 9;
    const ptrdiff_t per_source = p->turned ? (ptrdiff_t)p->F * 9 : 9;
    float *const first = p->u + (size_t)p->C * f0;

    (void)thread;
    for (int c = 0; c < p->C; c++)
        for (int f = 0; f < width; f += KILN_LANES) {
            const float *w = p->w + c * per_source + (f0 + f) * per_result;
            float lanes[9][KILN_LANES];
            vf g[9], half[WINO_IN * WINO_TAPS]; /* half: 6 rows of 3, then each row to 6 */

            for (int lane = 0; lane < KILN_LANES; lane++)
                for (int tap = 0; tap < 9; tap++)
                    lanes[p->turned ? 8 - tap : tap][lane] =
                        f + lane < left ? w[lane * per_result + tap] : 0.0f;
            for (int tap = 0; tap < 9; tap++) g[tap] = vf_load(lanes[tap]);
            KEEP_ROLLED for (int x = 0; x < WINO_TAPS; x++)
                wino_filter(half + x, WINO_TAPS, g + x, WINO_TAPS);
            KEEP_ROLLED for (int y = 0; y < WINO_IN; y++)
            {
                float *u = first + y * WINO_IN * p->u_step + (size_t)c * width + f;
                vf point[WINO_IN];

                wino_filter(point, 1, half + y * WINO_TAPS, 1);
                UNROLL for (int q = 0; q < WINO_IN; q++, u += p->u_step) vf_store(u, point[q]);
            }
        }
}

/* ---- tiles ----------------------------------------------------------------------------------- */

typedef struct {
    int n, row, column; /* image; first row and column of the tile's result */
} position;

static position tile_position(const pass *p, int tile)
{
    const int across = tiles_across(p->RW), down = tiles_across(p->RH);

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
    float *const corner = p->result + (((size_t)at.n * p->RH + at.row) * p->RW + at.column) * p->F;
    const int rows = p->RH - at.row < WINO_OUT ? p->RH - at.row : WINO_OUT;
    const int columns = p->RW - at.column < WINO_OUT ? p->RW - at.column : WINO_OUT;
    const size_t line = (size_t)p->RW * p->F;
    const vf floor = vf_set1(p->relu ? 0.0f : -__builtin_inff());

    for (int f = 0; f < p->F; f += KILN_LANES) {
        const int part = p->F - f < KILN_LANES ? p->F - f : KILN_LANES;
        vf half[WINO_OUT * WINO_IN], bias = vf_set1(0.0f);
        float *out = corner + f;

        if (p->bias) bias = vf_load_first(p->bias + f, part);
        KEEP_ROLLED for (int x = 0; x < WINO_IN; x++)
        {
            const float *from = m + x * p->m_step + f;
            vf in[WINO_IN];

            UNROLL for (int i = 0; i < WINO_IN; i++, from += WINO_IN * p->m_step)
                in[i] = vf_load(from);
            wino_output(half + x, WINO_IN, in, 1);
        }
        if (rows == WINO_OUT && columns == WINO_OUT && part == KILN_LANES) {
            KEEP_ROLLED for (int i = 0; i < WINO_OUT; i++, out += line)
            {
                vf y[WINO_OUT];

                output_row(y, half + i * WINO_IN, bias, floor);
                UNROLL for (int j = 0; j < WINO_OUT; j++) vf_store(out + j * p->F, y[j]);
            }
            continue;
        }
        for (int i = 0; i < rows; i++, out += line) {
            vf y[WINO_OUT];

            output_row(y, half + i * WINO_IN, bias, floor);
            for (int j = 0; j < columns; j++) vf_store_part(out + j * p->F, y[j], part);
        }
    }
}

/* M[q] = V[q] · U[q] for the block's tiles. */
static void multiply(const pass *p, const float *v, float *m, int tiles)
{
    const int c_step = vf_whole(p->C), f_step = vf_whole(p->F);
    const tile_depth depth = {1, p->C, 0};
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
            const float *panel = p->u + q * p->u_step + (size_t)p->C * f;

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                kiln_tile_apart[vectors - 1][run.rows - 1](
                    run.tiles, c + run.first, (ptrdiff_t)(q * p->m_step) + f, a + run.first,
                    (ptrdiff_t)(q * p->v_step), depth, panel, vectors * KILN_LANES, &end);
            }
        }
}

static void run_block(void *context, int task, int thread)
{
    const pass *p = context;
    const int all = p->N * tiles_across(p->RH) * tiles_across(p->RW), first = task * p->block;
    const int tiles = all - first < p->block ? all - first : p->block;
    float *const v = p->room + thread * p->room_each, *const m = v + WINO_POINTS * p->v_step;
    float *const window = m + WINO_POINTS * p->m_step;

    for (int t = 0; t < tiles; t++) {
        const position at = tile_position(p, first + t);

        kiln_winograd_transform_input(v + (size_t)t * vf_whole(p->C), p->v_step,
                                      p->source + (size_t)at.n * p->H * p->W * p->C, p->H, p->W,
                                      p->C, at.row - p->top, at.column - p->left, window);
    }
    multiply(p, v, m, tiles);
    for (int t = 0; t < tiles; t++)
        transform_output(p, tile_position(p, first + t), m + (size_t)t * vf_whole(p->F));
}

static void winograd_filters(const float *w, const kiln_conv_shape *s, int turned, float *work)
{
    pass p = make_pass(s, turned);

    p.w = w;
    p.u = work;
    kiln_parallel((p.F + TILE_COLUMNS - 1) / TILE_COLUMNS, transform_filters, &p);
}

static void winograd_images(float *result, const float *source, const float *bias,
                            const kiln_conv_shape *s, int turned, int relu, float *work)
{
    pass p = make_pass(s, turned);
    const int tiles = p.N * tiles_across(p.RH) * tiles_across(p.RW);

    p.source = source;
    p.bias = bias;
    p.relu = relu;
    p.result = result;
    p.u = work;
    p.room = work + WINO_POINTS * p.u_step;
    kiln_parallel((tiles + p.block - 1) / p.block, run_block, &p);
}

const kiln_conv_algorithm kiln_winograd = {
    winograd_work,           winograd_filters,      winograd_images,         kiln_winograd_dw_work,
    kiln_winograd_dw_groups, kiln_winograd_dw_step, kiln_winograd_dw_images, kiln_winograd_dw_join,
};
