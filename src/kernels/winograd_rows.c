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
 * dx is the same with flipped filters, channels and filters exchanged, and
 * pads HH - 1 - pad_h, WW - 1 - pad_w.
 */
#include "kernels/winograd_rows.h"

#include "base/threads.h"
#include "kernels/tile.h"
#include "kernels/winograd_rows_tile.h"

#define BLOCK_FLOATS 32768 /* of M: pixels enough for full tiles */
#define PIXELS 128

/* A pass over images. Scratch: U and a row of zeros, then for each thread V and M. */
typedef struct {
    const kiln_conv_plan *plan;
    const kiln_conv_direction *d;
    kiln_strips strips;
    const float *u, *bias;
    float *result, *threads; /* threads: their scratch */
    int strip_count, relu;
} pass;

static int strip_columns(const kiln_conv_plan *p, const kiln_conv_direction *d)
{
    return d->RW + p->shape.WW - 1;
}

static void plan_direction(const kiln_conv_plan *p, kiln_conv_direction *d)
{
    const int points = p->transform.points, f = vf_whole(d->F);
    const int block = BLOCK_FLOATS / (points * f * d->RW);

    d->block = block < 1 ? 1 : block;
    d->v_step = (size_t)d->block * strip_columns(p, d) * d->C + 16;
    d->m_step = (size_t)d->block * d->RW * f + 16;
    d->u_step = (size_t)p->shape.WW * d->C * f + 16;
    d->zeros = points * d->u_step;
    d->filters = d->zeros + (size_t)vf_whole(d->W * d->C);
    d->padded = points * (d->v_step + d->m_step);
}

static void rows_plan(kiln_conv_plan *p)
{
    p->transform = kiln_toom_cook_make(p->shape.HH);
    plan_direction(p, &p->forward);
    plan_direction(p, &p->dx);
    kiln_winograd_rows_dw_plan(p);
}

static int rows_fits(const kiln_conv_shape *s)
{
    return (s->HH == 3 || s->HH == 5 || s->HH == 7) && s->stride == 1 && s->pad_h < s->HH &&
           s->pad_w < s->WW && s->WW * s->C >= 9 && s->F >= 8 && s->OH >= TOOM_OUT;
}

/* ---- filters --------------------------------------------------------------------------------- */

typedef struct {
    const kiln_conv_plan *plan;
    const kiln_conv_direction *d;
    const float *w;
    float *u;
} filters_job;

/* U for one panel of filters and one of their columns: u[q][panel][(x, c), f], rounded once from
 * double. */
static void transform_filters(void *context, int task, int thread)
{
    const filters_job *j = context;
    const kiln_conv_direction *d = j->d;
    const kiln_toom_cook *t = &j->plan->transform;
    const int WW = j->plan->shape.WW, plane = t->taps * WW, x = task % WW;
    const int f0 = task / WW * TILE_COLUMNS, left = d->F - f0;
    const int width = tile_vectors(left) * KILN_LANES;
    /* w (F, C, HH, WW) of the layer: distances of result and source channels, and of taps */
    const ptrdiff_t per_result = d->transposed ? plane : (ptrdiff_t)d->C * plane;
    const ptrdiff_t per_source = d->transposed ? (ptrdiff_t)d->F * plane : plane;
    const ptrdiff_t per_tap = d->transposed ? -WW : WW;
    const float *first = j->w + f0 * per_result + (d->transposed ? plane - 1 - x : x);

    (void)thread;
    for (int c = 0; c < d->C; c++)
        for (int f = 0; f < width; f += KILN_LANES) {
            float *u = j->u + (size_t)WW * d->C * f0 + (size_t)(x * d->C + c) * width + f;
            const float *w = first + c * per_source + f * per_result;

            for (int q = 0; q < t->points; q++)
                for (int i = 0; i < KILN_LANES; i++) {
                    double sum = 0;

                    for (int k = 0; k < t->taps && f + i < left; k++)
                        sum += t->g[q][k] * (double)w[k * per_tap + i * per_result];
                    u[q * d->u_step + i] = (float)sum;
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
                          int strip)
{
    const float *image = s->source + (size_t)(strip / s->down) * s->H * s->W * s->C;
    const int top = strip % s->down * TOOM_OUT - s->top;
    const int exist = clamp(s->columns - s->left, 0, s->W), /* columns of the image in the strip */
        before = s->left * s->C, after = (s->columns - s->left - exist) * s->C;
    const float *rows[TOOM_POINTS_MAX];

    for (int r = 0; r < t->points; r++) {
        const int h = top + r;

        rows[r] = h < 0 || h >= s->H ? s->zeros : image + (size_t)h * s->W * s->C;
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
    const kiln_conv_direction *d = p->d;
    const int K = p->plan->shape.WW * d->C, f_step = vf_whole(d->F);
    const tile_depth depth = {1, K, 0};
    const tile_runs deal = tile_deal(pixels);

    for (int q = 0; q < p->plan->transform.points; q++)
        for (int f = 0; f < f_step; f += TILE_COLUMNS) {
            const int vectors = tile_vectors(f_step - f);
            const tile_end end = {vectors * KILN_LANES, 0, NULL, 0};
            const float *panel = p->u + q * d->u_step + (size_t)K * f;

            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                kiln_tile_apart[vectors - 1][run.rows - 1](
                    run.tiles, place + run.first, (ptrdiff_t)(q * d->m_step) + f, patch + run.first,
                    (ptrdiff_t)(q * d->v_step), depth, panel, vectors * KILN_LANES, &end);
            }
        }
}

/* All pixels of the block's strips. */
static void multiply_strips(const pass *p, const float *v, float *m, int strips)
{
    const kiln_conv_direction *d = p->d;
    const float *patch[PIXELS];
    float *place[PIXELS];
    int pixels = 0;

    for (int strip = 0; strip < strips; strip++)
        for (int x = 0; x < d->RW; x++) {
            patch[pixels] = v + ((size_t)strip * p->strips.columns + x) * d->C;
            place[pixels++] = m + ((size_t)strip * d->RW + x) * vf_whole(d->F);
            if (pixels == PIXELS || (strip == strips - 1 && x == d->RW - 1)) {
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
    const kiln_conv_direction *d = p->d;
    const kiln_toom_cook *t = &p->plan->transform;
    const int f_step = vf_whole(d->F), row = strip % p->strips.down * TOOM_OUT;
    const int rows = d->RH - row < TOOM_OUT ? d->RH - row : TOOM_OUT;
    const size_t line = (size_t)d->RW * d->F;
    float *out = p->result + ((size_t)(strip / p->strips.down) * d->RH + row) * line;
    const vf floor = vf_set1(p->relu ? 0.0f : -__builtin_inff());

    for (int x = 0; x < d->RW; x++, out += d->F, m += f_step)
        for (int f = 0; f < d->F; f += KILN_LANES) {
            const int part = d->F - f < KILN_LANES ? d->F - f : KILN_LANES;
            vf in[2 * TOOM_PAIRS_MAX + 2], y[TOOM_OUT], edge[TOOM_OUT], bias = vf_set1(0.0f);

            UNROLL for (int q = 0; q < 2 * P + 2; q++) in[q] = vf_load(m + q * d->m_step + f);
            toom_output(y, in, t, P);
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
    const kiln_conv_direction *d = p->d;
    const kiln_toom_cook *t = &p->plan->transform;
    const int first = task * d->block, left = p->strip_count - first;
    const int strips = left < d->block ? left : d->block;
    const size_t v_strip = (size_t)p->strips.columns * d->C,
                 m_strip = (size_t)d->RW * vf_whole(d->F);
    float *const v = p->threads + thread * d->padded, *const m = v + t->points * d->v_step;

    for (int i = 0; i < strips; i++)
        kiln_strip_transform(v + i * v_strip, d->v_step, &p->strips, t, first + i);
    multiply_strips(p, v, m, strips);
    for (int i = 0; i < strips; i++) {
        if (t->pairs == 2)
            store_strip(p, first + i, m + i * m_strip, 2);
        else if (t->pairs == 3)
            store_strip(p, first + i, m + i * m_strip, 3);
        else
            store_strip(p, first + i, m + i * m_strip, 4);
    }
}

/* U, and a row of zeros behind it. */
static void rows_filters(const float *w, const kiln_conv_plan *p, const kiln_conv_direction *d,
                         float *work)
{
    filters_job j = {.plan = p, .d = d, .w = w, .u = work};

    memset(work + d->zeros, 0, (d->filters - d->zeros) * sizeof *work);
    kiln_parallel((d->F + TILE_COLUMNS - 1) / TILE_COLUMNS * p->shape.WW, transform_filters, &j);
}

static void rows_images(float *result, const float *source, const float *bias,
                        const kiln_conv_plan *plan, const kiln_conv_direction *d, int n, int relu,
                        float *work)
{
    pass p = {.plan = plan, .d = d, .u = work, .bias = bias, .result = result,
              .threads = work + d->filters, .relu = relu};

    p.strips = (kiln_strips){.source = source, .zeros = work + d->zeros,
                             .H = d->H, .W = d->W, .C = d->C, .top = d->top, .left = d->left,
                             .columns = strip_columns(plan, d), .down = kiln_strips_down(d->RH)};
    p.strip_count = n * p.strips.down;
    kiln_parallel((p.strip_count + d->block - 1) / d->block, run_block, &p);
}

const kiln_conv_algorithm kiln_winograd_rows = {
    .name = "winograd rows",
    .fits = rows_fits,
    .plan = rows_plan,
    .filters = rows_filters,
    .images = rows_images,
    .dw_images = kiln_winograd_rows_dw_images,
    .dw_join = kiln_winograd_rows_dw_join,
};
