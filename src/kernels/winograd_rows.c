/*
 * F(4, HH) down the columns: strips of four output rows.
 *
 *   V[q] (columns, C)   = (Bᵀ d)[q]       d: the HH + 3 rows of x under a strip, with their border
 *   U[q] (WW·C, F)      = (G g)[q]        g: the filters' rows, once per call, in panels
 *   M[q] (OW, F)        = V[q] ∗ U[q]     a convolution along the row: patches of WW·C floats in
 *                                         place, as in conv.c
 *   out (4 rows, OW, F) = Aᵀ M            bias and relu on the way out
 *
 * for each of HH + 3 points q. The sums run over WW·C, so three channels are enough to keep the
 * tile busy, where the two-dimensional algorithm would have sums of three. Transforms are a few
 * multiply-adds for each float of x and of out: 5 to 10 % of the time.
 *
 *   for a block of strips                       V: read by every panel of filters, in L1 and L2
 *     for a point                               U[q]: WW·C x F floats, 10 KB, in L1
 *       for a panel of filters, a tile of pixels
 *     out                                       M: 128 KB, written and read once, in L2
 *
 * dx is the same with filters turned by half a circle, channels and filters exchanged, and
 * pads HH - 1 - pad_h, WW - 1 - pad_w.
 */
#include "kernels/winograd_rows.h"

#include <string.h>

#include "base/threads.h"
#include "kernels/tile.h"
#include "kernels/winograd_rows_tile.h"

#define BLOCK_FLOATS 32768 /* of M: pixels enough for full tiles */
#define PIXELS 128

typedef struct {
    kiln_toom_cook t;
    kiln_strips strips;
    const float *w;
    int strip_count, block; /* strips: all, and of one task */
    float *result;
    int RH, RW, F, WW;
    int turned; /* w read as for dx */
    const float *bias;
    int relu;
    size_t v_step, m_step, u_step; /* floats from one point's matrix to the next */
    float *u, *room;
    const float *zeros; /* W · C */
    size_t room_each;
} pass;

static pass make_pass(const kiln_conv_shape *s, int turned)
{
    pass p = {.t = kiln_toom_cook_make(s->HH), .WW = s->WW, .turned = turned};
    kiln_strips *from = &p.strips;

    from->H = turned ? s->OH : s->H;
    from->W = turned ? s->OW : s->W;
    from->C = turned ? s->F : s->C;
    p.RH = turned ? s->H : s->OH;
    p.RW = turned ? s->W : s->OW;
    p.F = turned ? s->C : s->F;
    from->top = turned ? s->HH - 1 - s->pad_h : s->pad_h;
    from->left = turned ? s->WW - 1 - s->pad_w : s->pad_w;
    from->columns = p.RW + s->WW - 1;
    from->down = kiln_strips_down(p.RH);
    p.strip_count = s->N * from->down;

    const int f = vf_whole(p.F), block = BLOCK_FLOATS / (p.t.points * f * p.RW);

    p.block = block < 1 ? 1 : block;
    p.v_step = (size_t)p.block * from->columns * from->C + 16;
    p.m_step = (size_t)p.block * p.RW * f + 16;
    p.u_step = (size_t)s->WW * from->C * f + 16;
    p.room_each = p.t.points * (p.v_step + p.m_step);
    return p;
}

static size_t zero_floats(const pass *p)
{
    return (size_t)vf_whole(p->strips.W * p->strips.C);
}

static size_t pass_floats(const pass *p)
{
    return p->t.points * p->u_step + zero_floats(p) + (size_t)kiln_threads() * p->room_each;
}

static size_t rows_work(const kiln_conv_shape *s)
{
    const pass forward = make_pass(s, 0), dx = make_pass(s, 1);
    const size_t floats = pass_floats(&forward), more = pass_floats(&dx);

    return floats > more ? floats : more;
}

int kiln_winograd_rows_fits(const kiln_conv_shape *s)
{
    return (s->HH == 3 || s->HH == 5 || s->HH == 7) && s->stride == 1 && s->pad_h < s->HH &&
           s->pad_w < s->WW && s->WW * s->C >= 9 && s->F >= 8 && s->OH >= TOOM_OUT;
}

/* ---- filters --------------------------------------------------------------------------------- */

typedef double vd __attribute__((vector_size(8 * KILN_LANES)));

/* Tap k of KILN_LANES filters, `apart` floats from one to the next, of which `left` exist. */
static vd load_taps(const float *w, ptrdiff_t apart, int left)
{
    double lane[KILN_LANES];
    vd taps;

    for (int i = 0; i < KILN_LANES; i++) lane[i] = i < left ? (double)w[i * apart] : 0;
    memcpy(&taps, lane, sizeof taps);
    return taps;
}

/* U for one panel of filters and one of their columns: u[q][panel][(x, c), f], rounded once from
 * double. */
static void transform_filters(void *context, int task, int thread)
{
    const pass *p = context;
    const int C = p->strips.C, taps = p->t.taps, plane = taps * p->WW, x = task % p->WW;
    const int f0 = task / p->WW * TILE_COLUMNS, left = p->F - f0;
    const int width = tile_vectors(left) * KILN_LANES;
    /* w (F, C, HH, WW) of the layer: distances of result and source channels, and of taps */
    const ptrdiff_t per_result = p->turned ? plane : (ptrdiff_t)C * plane;
    const ptrdiff_t per_source = p->turned ? (ptrdiff_t)p->F * plane : plane;
    const ptrdiff_t per_tap = p->turned ? -p->WW : p->WW;
    const float *first = p->w + f0 * per_result + (p->turned ? plane - 1 - x : x);

    (void)thread;
    for (int c = 0; c < C; c++)
        for (int f = 0; f < width; f += KILN_LANES) {
            float *u = p->u + (size_t)p->WW * C * f0 + (size_t)(x * C + c) * width + f;
            const float *w = first + c * per_source + f * per_result;
            vd g[TOOM_TAPS_MAX];

            for (int k = 0; k < taps; k++) g[k] = load_taps(w + k * per_tap, per_result, left - f);
            for (int q = 0; q < p->t.points; q++) {
                vd sum = {0};

                for (int k = 0; k < taps; k++) sum += p->t.g[q][k] * g[k];
                vf_store(u + q * p->u_step, __builtin_convertvector(sum, vf));
            }
        }
}

/* ---- strips ---------------------------------------------------------------------------------- */

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

TOOM_INLINE void combine_rows(float *v, size_t v_step, const float *const *rows, int n,
                              const kiln_toom_cook *t, const int P)
{
    vf d[2 * TOOM_PAIRS_MAX + 2], out[2 * TOOM_PAIRS_MAX + 2];
    int i = 0;

    for (; i + KILN_LANES <= n; i += KILN_LANES) {
        UNROLL for (int r = 0; r < 2 * P + 2; r++) d[r] = vf_load(rows[r] + i);
        toom_input(out, d, t, P);
        UNROLL for (int q = 0; q < 2 * P + 2; q++) vf_store(v + q * v_step + i, out[q]);
    }
    if (i == n) return;
    UNROLL for (int r = 0; r < 2 * P + 2; r++) d[r] = vf_load_part(rows[r] + i, n - i, 0.0f);
    toom_input(out, d, t, P);
    UNROLL for (int q = 0; q < 2 * P + 2; q++) vf_store_part(v + q * v_step + i, out[q], n - i);
}

void kiln_strip_transform(float *v, size_t v_step, const kiln_strips *s, const kiln_toom_cook *t,
                          int strip, const float *zeros)
{
    const float *image = s->source + (size_t)(strip / s->down) * s->H * s->W * s->C;
    const int top = strip % s->down * TOOM_OUT - s->top;
    const int exist = clamp(s->columns - s->left, 0, s->W), /* columns of the image in the strip */
        before = s->left * s->C, after = (s->columns - s->left - exist) * s->C;
    const float *rows[TOOM_POINTS_MAX];

    for (int r = 0; r < t->points; r++) {
        const int h = top + r;

        rows[r] = h < 0 || h >= s->H ? zeros : image + (size_t)h * s->W * s->C;
    }
    for (int q = 0; q < t->points; q++) {
        memset(v + q * v_step, 0, (size_t)before * sizeof *v);
        memset(v + q * v_step + before + exist * s->C, 0, (size_t)after * sizeof *v);
    }
    if (t->pairs == 2)
        combine_rows(v + before, v_step, rows, exist * s->C, t, 2);
    else if (t->pairs == 3)
        combine_rows(v + before, v_step, rows, exist * s->C, t, 3);
    else
        combine_rows(v + before, v_step, rows, exist * s->C, t, 4);
}

/* M[q] of up to PIXELS pixels, whose patches and results at the first point are given. */
static void multiply(const pass *p, int pixels, const float *const *patch, float *const *place)
{
    const int C = p->strips.C, f_step = vf_whole(p->F);
    const tile_depth depth = {1, p->WW * C, 0};
    const tile_runs deal = tile_deal(pixels);

    for (int q = 0; q < p->t.points; q++)
        for (int f = 0; f < f_step; f += TILE_COLUMNS) {
            const int vectors = tile_vectors(f_step - f);
            const tile_end end = {vectors * KILN_LANES, 0, NULL, 0};
            const float *panel = p->u + q * p->u_step + (size_t)p->WW * C * f;

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                kiln_tile_apart[vectors - 1][run.rows - 1](
                    run.tiles, place + run.first, (ptrdiff_t)(q * p->m_step) + f, patch + run.first,
                    (ptrdiff_t)(q * p->v_step), depth, panel, vectors * KILN_LANES, &end);
            }
        }
}

/* All pixels of the block's strips. */
static void multiply_strips(const pass *p, const float *v, float *m, int strips)
{
    const float *patch[PIXELS];
    float *place[PIXELS];
    int pixels = 0;

    for (int strip = 0; strip < strips; strip++)
        for (int x = 0; x < p->RW; x++) {
            patch[pixels] = v + ((size_t)strip * p->strips.columns + x) * p->strips.C;
            place[pixels++] = m + ((size_t)strip * p->RW + x) * vf_whole(p->F);
            if (pixels == PIXELS || (strip == strips - 1 && x == p->RW - 1)) {
                multiply(p, pixels, patch, place);
                pixels = 0;
            }
        }
}

/* y[i] at out[i · line], `rows` of them and `part` of each: at an edge of the result. */
static __attribute__((noinline)) void store_edge(float *out, size_t line, const vf *y, int rows,
                                                 int part)
{
    for (int i = 0; i < rows; i++) vf_store_part(out + i * line, y[i], part);
}

/* The strip's result rows, those that exist, from M. */
TOOM_INLINE void store_strip(const pass *p, int strip, const float *m, const int P)
{
    const int f_step = vf_whole(p->F), row = strip % p->strips.down * TOOM_OUT;
    const int rows = p->RH - row < TOOM_OUT ? p->RH - row : TOOM_OUT;
    const size_t line = (size_t)p->RW * p->F;
    float *out = p->result + ((size_t)(strip / p->strips.down) * p->RH + row) * line;
    const vf floor = vf_set1(p->relu ? 0.0f : -__builtin_inff());

    for (int x = 0; x < p->RW; x++, out += p->F, m += f_step)
        for (int f = 0; f < p->F; f += KILN_LANES) {
            const int part = p->F - f < KILN_LANES ? p->F - f : KILN_LANES;
            vf in[2 * TOOM_PAIRS_MAX + 2], y[TOOM_OUT], edge[TOOM_OUT], bias = vf_set1(0.0f);

            UNROLL for (int q = 0; q < 2 * P + 2; q++) in[q] = vf_load(m + q * p->m_step + f);
            toom_output(y, in, &p->t, P);
            if (p->bias) bias = vf_load_first(p->bias + f, part);
            for (int i = 0; i < TOOM_OUT; i++) y[i] = vf_max(floor, y[i] + bias); /* a NaN stays */
            if (rows == TOOM_OUT && part == KILN_LANES) {
                for (int i = 0; i < TOOM_OUT; i++) vf_store(out + i * line + f, y[i]);
            } else {
                for (int i = 0; i < TOOM_OUT; i++) edge[i] = y[i]; /* y stays in registers */
                store_edge(out + f, line, edge, rows, part);
            }
        }
}

static void run_block(void *context, int task, int thread)
{
    const pass *p = context;
    const int first = task * p->block, left = p->strip_count - first;
    const int strips = left < p->block ? left : p->block;
    const size_t v_strip = (size_t)p->strips.columns * p->strips.C,
                 m_strip = (size_t)p->RW * vf_whole(p->F);
    float *const v = p->room + thread * p->room_each, *const m = v + p->t.points * p->v_step;

    for (int i = 0; i < strips; i++)
        kiln_strip_transform(v + i * v_strip, p->v_step, &p->strips, &p->t, first + i, p->zeros);
    multiply_strips(p, v, m, strips);
    for (int i = 0; i < strips; i++) {
        if (p->t.pairs == 2)
            store_strip(p, first + i, m + i * m_strip, 2);
        else if (p->t.pairs == 3)
            store_strip(p, first + i, m + i * m_strip, 3);
        else
            store_strip(p, first + i, m + i * m_strip, 4);
    }
}

/* U, and a row of zeros behind it. */
static void rows_filters(const float *w, const kiln_conv_shape *s, int turned, float *work)
{
    pass p = make_pass(s, turned);

    p.w = w;
    p.u = work;
    memset(work + p.t.points * p.u_step, 0, zero_floats(&p) * sizeof *work);
    kiln_parallel((p.F + TILE_COLUMNS - 1) / TILE_COLUMNS * p.WW, transform_filters, &p);
}

static void rows_images(float *result, const float *source, const float *bias,
                        const kiln_conv_shape *s, int turned, int relu, float *work)
{
    pass p = make_pass(s, turned);

    p.strips.source = source;
    p.bias = bias;
    p.relu = relu;
    p.result = result;
    p.u = work;
    p.zeros = work + p.t.points * p.u_step;
    p.room = work + p.t.points * p.u_step + zero_floats(&p);
    kiln_parallel((p.strip_count + p.block - 1) / p.block, run_block, &p);
}

const kiln_conv_algorithm kiln_winograd_rows = {
    rows_work,
    rows_filters,
    rows_images,
    kiln_winograd_rows_dw_work,
    kiln_winograd_rows_dw_groups,
    kiln_winograd_rows_dw_step,
    kiln_winograd_rows_dw_images,
    kiln_winograd_rows_dw_join,
};
