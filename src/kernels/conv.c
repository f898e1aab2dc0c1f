/*
 * Convolution as a matrix product whose left matrix is never written out.
 *
 *   out[pixel, f] = sum over k = (y, x, c) of patch[pixel, k] · w[k, f]
 *
 * Channels last, the patch under an output pixel is HH runs of WW·C floats, so a row of the
 * register tile (tile.h) is a pointer into the padded image, and neighbouring patches share their
 * floats in L1. Filters are packed once per pass into panels of two vectors' width, k by k.
 *
 *   for an image, for a band of its output rows      padded copy of the band: at most 128 KB, in L2
 *     for up to PIXELS of its output pixels
 *       for a panel of filters                       K x 8 floats (4 lanes): 18 KB at 3x3x64, in L1
 *         for a tile of pixels                       out = max(0, sums + bias), stored once
 *
 * Traffic: x read once and written once (the padded copy), out written once, panels read once per
 * PIXELS.
 *
 * The gradient with respect to x is the same pass over dout: output row h of it takes filter rows y
 * with (h + pad - y) a multiple of the stride. The rows h with the same remainder of h + pad form a
 * class, in which y = remainder + stride · t for t in 0..T-1, and dout row q0 + u - t meets row u
 * of the class: a convolution of stride 1 with the class's filter rows flipped. At stride 1 there
 * is one class; at strides beyond the filter only classes with taps are passes, the rest is zeros.
 * A pass is a few additions to write down, so the plan holds no list of them, only what they need
 * at most.
 */
#include "kernels/conv.h"

#include <string.h>

#include "base/threads.h"
#include "kernels/conv_dw.h"
#include "kernels/tile.h"
#include "kernels/window.h"

#define PIXELS 128
#define BAND_FLOATS 32768

/* One direction: how many taps, how many results, where they lie. */
typedef struct {
    int taps, count;    /* taps of the filter; results */
    int stride;         /* of the taps' window from one result to the next */
    int before;         /* zeros before the source begins; negative: so much of it is skipped */
    int first, step;    /* result u is written at first + u · step */
    int tap, tap_step;  /* tap t is filter row tap + t · tap_step */
} axis;

/* One pass: source (N, H, W, C) to result (N, RH, RW, F). */
/* One pass: source (H, W, C) to result (RH, RW, F), n images. */
typedef struct {
    const kiln_conv_direction *d;
    axis y, x;
    int band;      /* result rows of a task */
    size_t padded; /* floats of a band's padded copy */
    const float *source, *panels, *bias;
    float *result, *threads; /* threads: their padded bands */
    int n, relu;
} pass;

/* ---- sizes ----------------------------------------------------------------------------------- */

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static int window_columns(const pass *p)
{
    return (p->x.count - 1) * p->x.stride + p->x.taps;
}

static int window_rows(const pass *p, int results)
{
    return (results - 1) * p->y.stride + p->y.taps;
}

/* There may be no result at all in a class. */
static int is_empty(const pass *p)
{
    return p->y.count <= 0 || p->x.count <= 0;
}

/* Result rows of a band, and the size of its padded copy. */
static void choose_band(pass *p)
{
    if (is_empty(p)) return;

    const size_t line = (size_t)window_columns(p) * p->d->C * p->y.stride;
    const int rows = (int)(BAND_FLOATS / line);

    p->band = at_most(rows > 0 ? rows : 1, p->y.count);
    p->padded = (size_t)window_rows(p, p->band) * window_columns(p) * p->d->C;
}

static size_t panel_floats(const pass *p)
{
    return is_empty(p) ? 0 : (size_t)vf_whole(p->d->F) * p->y.taps * p->x.taps * p->d->C;
}

/* ---- filters --------------------------------------------------------------------------------- */

/* Where w (F, C, HH, WW) has the weight from source channel to result channel: the distances. */
typedef struct {
    const float *w;
    ptrdiff_t result, source;
    int WW;
} weights;

/* panel[(t, u, c), f]: one panel after the other. */
static void pack_filters(float *panel, const pass *p, const weights *from)
{
    for (int f0 = 0; f0 < p->d->F; f0 += TILE_COLUMNS) {
        const int columns = at_most(p->d->F - f0, TILE_COLUMNS),
                  width = tile_vectors(columns) * KILN_LANES;

        for (int t = 0; t < p->y.taps; t++)
            for (int u = 0; u < p->x.taps; u++) {
                const int y = p->y.tap + t * p->y.tap_step, x = p->x.tap + u * p->x.tap_step;
                const float *w = from->w + f0 * from->result + y * from->WW + x;

                for (int c = 0; c < p->d->C; c++, w += from->source, panel += width)
                    for (int f = 0; f < width; f++)
                        panel[f] = f < columns ? w[f * from->result] : 0.0f;
            }
    }
}

/* ---- the pass -------------------------------------------------------------------------------- */

/* All filters of up to PIXELS results whose patches and places are given. */
static void multiply(const pass *p, int pixels, const float *const *patch, float *const *place,
                     ptrdiff_t pitch)
{
    const int F = p->d->F;
    const tile_depth depth = {p->y.taps, p->x.taps * p->d->C, pitch};
    const size_t K = (size_t)p->y.taps * p->x.taps * p->d->C;
    const tile_runs deal = tile_deal(pixels);

    for (int f = 0; f < F; f += TILE_COLUMNS) {
        const int columns = at_most(F - f, TILE_COLUMNS), vectors = tile_vectors(columns);
        const tile_end end = {columns, 0, p->bias ? p->bias + f : NULL, p->relu};
        const float *panel = p->panels + K * f;

        for (int r = 0; r < deal.count; r++) {
            const tile_run run = deal.run[r];

            kiln_tile_apart[vectors - 1][run.rows - 1](run.tiles, place + run.first, f,
                                                       patch + run.first, 0, depth, panel,
                                                       vectors * KILN_LANES, &end);
        }
    }
}

static void run_band(void *context, int task, int thread)
{
    const pass *p = context;
    const kiln_conv_direction *d = p->d;
    const int bands = (p->y.count + p->band - 1) / p->band, n = task / bands;
    const int u0 = task % bands * p->band, u1 = at_most(u0 + p->band, p->y.count);
    const kiln_window window = {u0 * p->y.stride - p->y.before, -p->x.before,
                                window_rows(p, u1 - u0), window_columns(p)};
    float *const image = p->result + (size_t)n * d->RH * d->RW * d->F;
    const float *patch[PIXELS];
    float *place[PIXELS];
    ptrdiff_t pitch;
    const float *source =
        kiln_window_open(p->source + (size_t)n * d->H * d->W * d->C, d->H, d->W, d->C, &window,
                         p->threads + (size_t)thread * d->padded, &pitch);
    int pixels = 0;

    for (int u = u0; u < u1; u++)
        for (int v = 0; v < p->x.count; v++) {
            const size_t h = (size_t)(p->y.first + u * p->y.step),
                         w = (size_t)(p->x.first + v * p->x.step);

            patch[pixels] = source + (u - u0) * p->y.stride * pitch + v * p->x.stride * d->C;
            place[pixels++] = image + (h * d->RW + w) * d->F;
            if (pixels == PIXELS || (u == u1 - 1 && v == p->x.count - 1)) {
                multiply(p, pixels, patch, place, pitch);
                pixels = 0;
            }
        }
}

static void run_pass(pass *p)
{
    if (!is_empty(p)) kiln_parallel(p->n * ((p->y.count + p->band - 1) / p->band), run_band, p);
}

/* ---- forward --------------------------------------------------------------------------------- */

static axis forward_axis(int taps, int count, int stride, int pad)
{
    return (axis){.taps = taps, .count = count, .stride = stride, .before = pad, .step = 1,
                  .tap_step = 1};
}

static pass forward_pass(const kiln_conv_plan *plan)
{
    const kiln_conv_shape *s = &plan->shape;

    return (pass){.d = &plan->forward, .y = forward_axis(s->HH, s->OH, s->stride, s->pad_h),
                  .x = forward_axis(s->WW, s->OW, s->stride, s->pad_w)};
}

/* ---- gradient with respect to x -------------------------------------------------------------- */

/* The class of results h with (h + pad) % stride == remainder < taps; `taps` of the whole filter,
 * `count` of x. */
static axis dx_axis(int taps, int count, int remainder, int stride, int pad)
{
    const int mine = (taps - remainder - 1) / stride + 1;
    const int first = ((remainder - pad) % stride + stride) % stride;
    const int q0 = (first + pad - remainder) / stride;

    return (axis){.taps = mine,
                  .count = first < count ? (count - first - 1) / stride + 1 : 0,
                  .stride = 1,
                  .before = mine - 1 - q0,
                  .first = first,
                  .step = stride,
                  .tap = remainder + (mine - 1) * stride,
                  .tap_step = -stride};
}

static pass dx_pass(const kiln_conv_plan *plan, int row_class, int column_class)
{
    const kiln_conv_shape *s = &plan->shape;

    return (pass){.d = &plan->dx, .y = dx_axis(s->HH, s->H, row_class, s->stride, s->pad_h),
                  .x = dx_axis(s->WW, s->W, column_class, s->stride, s->pad_w)};
}

/* Classes that some filter row, or column, falls in: with a stride beyond the filter the others'
 * gradient is zero. */
static int classes(int taps, int stride)
{
    return at_most(taps, stride);
}

typedef struct {
    const kiln_conv_direction *d;
    float *result;
} clearing;

static void clear_image(void *context, int n, int thread)
{
    const clearing *c = context;
    const size_t floats = (size_t)c->d->RH * c->d->RW * c->d->F;

    (void)thread;
    memset(c->result + (size_t)n * floats, 0, floats * sizeof *c->result);
}

/* ---- either way ------------------------------------------------------------------------------ */

/* Pass `number` of the direction: forward is one, dx one for each pair of classes. */
static pass make_pass(const kiln_conv_plan *plan, const kiln_conv_direction *d, int number)
{
    const int columns = classes(plan->shape.WW, plan->shape.stride);
    pass p = d->transposed ? dx_pass(plan, number / columns, number % columns)
                           : forward_pass(plan);

    choose_band(&p);
    return p;
}

static int pass_count(const kiln_conv_plan *plan, const kiln_conv_direction *d)
{
    const kiln_conv_shape *s = &plan->shape;

    return d->transposed ? classes(s->HH, s->stride) * classes(s->WW, s->stride) : 1;
}

/* The panels of all passes, then for each thread a padded band, as large as the largest. */
static void plan_direction(const kiln_conv_plan *plan, kiln_conv_direction *d)
{
    for (int i = 0; i < pass_count(plan, d); i++) {
        const pass p = make_pass(plan, d, i);

        d->filters += panel_floats(&p);
        if (p.padded > d->padded) d->padded = p.padded;
    }
    d->filters = (d->filters + 15) / 16 * 16;
}

static void direct_plan(kiln_conv_plan *plan)
{
    plan_direction(plan, &plan->forward);
    plan_direction(plan, &plan->dx);
    kiln_conv_dw_plan(plan);
}

static int direct_fits(const kiln_conv_shape *s)
{
    (void)s;
    return 1;
}

static void direct_filters(const float *w, const kiln_conv_plan *plan,
                           const kiln_conv_direction *d, float *work)
{
    const kiln_conv_shape *s = &plan->shape;
    const ptrdiff_t per_filter = (ptrdiff_t)s->C * s->HH * s->WW,
                    per_channel = (ptrdiff_t)s->HH * s->WW;
    const weights from = {.w = w, .result = d->transposed ? per_channel : per_filter,
                          .source = d->transposed ? per_filter : per_channel, .WW = s->WW};

    for (int i = 0; i < pass_count(plan, d); i++) {
        const pass p = make_pass(plan, d, i);

        if (is_empty(&p)) continue;
        pack_filters(work, &p, &from);
        work += panel_floats(&p);
    }
}

static void direct_images(float *result, const float *source, const float *bias,
                          const kiln_conv_plan *plan, const kiln_conv_direction *d, int n, int relu,
                          float *work)
{
    const kiln_conv_shape *s = &plan->shape;
    float *const threads = work + d->filters;

    if (d->transposed && (s->stride > s->HH || s->stride > s->WW))
        kiln_parallel(n, clear_image, &(clearing){.d = d, .result = result});
    for (int i = 0; i < pass_count(plan, d); i++) {
        pass p = make_pass(plan, d, i);

        p.source = source;
        p.result = result;
        p.n = n;
        p.bias = bias;
        p.relu = relu;
        p.panels = work;
        p.threads = threads;
        run_pass(&p);
        work += panel_floats(&p);
    }
}

const kiln_conv_algorithm kiln_conv_direct = {
    .name = "direct",
    .fits = direct_fits,
    .plan = direct_plan,
    .filters = direct_filters,
    .images = direct_images,
    .dw_images = kiln_conv_dw_images,
    .dw_join = kiln_conv_dw_join,
};
