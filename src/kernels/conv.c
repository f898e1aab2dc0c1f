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
 * of the class: a convolution of stride 1 with the class's filter rows turned over. At stride 1
 * there is one class.
 */
#include "kernels/conv.h"

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
typedef struct {
    const float *source;
    int N, H, W, C;
    float *result;
    int RH, RW, F;
    axis y, x;
    const float *panels, *bias;
    int relu, band;
    float *room;
    size_t room_each;
} pass;

/* ---- sizes ----------------------------------------------------------------------------------- */

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

static int window_columns(const pass *p)
{
    return p->x.count > 0 && p->x.taps > 0 ? (p->x.count - 1) * p->x.stride + p->x.taps : 0;
}

static int window_rows(const pass *p, int results)
{
    return p->y.taps > 0 ? (results - 1) * p->y.stride + p->y.taps : 0;
}

/* Result rows of a band, and the room that its padded copy takes. */
static void choose_band(pass *p)
{
    const size_t line = (size_t)window_columns(p) * p->C * p->y.stride;
    const int rows = line ? (int)(BAND_FLOATS / line) : p->y.count;

    p->band = at_most(rows > 0 ? rows : 1, p->y.count > 0 ? p->y.count : 1);
    p->room_each = (size_t)window_rows(p, p->band) * window_columns(p) * p->C;
}

static size_t panel_floats(const pass *p)
{
    return (size_t)vf_whole(p->F) * p->y.taps * p->x.taps * p->C;
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
    for (int f0 = 0; f0 < p->F; f0 += TILE_COLUMNS) {
        const int columns = at_most(p->F - f0, TILE_COLUMNS),
                  width = tile_vectors(columns) * KILN_LANES;

        for (int t = 0; t < p->y.taps; t++)
            for (int u = 0; u < p->x.taps; u++) {
                const int y = p->y.tap + t * p->y.tap_step, x = p->x.tap + u * p->x.tap_step;
                const float *w = from->w + f0 * from->result + y * from->WW + x;

                for (int c = 0; c < p->C; c++, w += from->source, panel += width)
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
    const tile_depth depth = {p->y.taps, p->x.taps * p->C, pitch};
    const size_t K = (size_t)p->y.taps * p->x.taps * p->C;
    const tile_runs deal = tile_deal(pixels);

    for (int f = 0; f < p->F; f += TILE_COLUMNS) {
        const int columns = at_most(p->F - f, TILE_COLUMNS), vectors = tile_vectors(columns);
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
    const int bands = (p->y.count + p->band - 1) / p->band, n = task / bands;
    const int u0 = task % bands * p->band, u1 = at_most(u0 + p->band, p->y.count);
    const kiln_window window = {u0 * p->y.stride - p->y.before, -p->x.before,
                                window_rows(p, u1 - u0), window_columns(p)};
    float *const image = p->result + (size_t)n * p->RH * p->RW * p->F;
    const float *patch[PIXELS];
    float *place[PIXELS];
    ptrdiff_t pitch;
    const float *source =
        kiln_window_open(p->source + (size_t)n * p->H * p->W * p->C, p->H, p->W, p->C, &window,
                         p->room + (size_t)thread * p->room_each, &pitch);
    int pixels = 0;

    for (int u = u0; u < u1; u++)
        for (int v = 0; v < p->x.count; v++) {
            const size_t h = (size_t)(p->y.first + u * p->y.step),
                         w = (size_t)(p->x.first + v * p->x.step);

            patch[pixels] = source + (u - u0) * p->y.stride * pitch + v * p->x.stride * p->C;
            place[pixels++] = image + (h * p->RW + w) * p->F;
            if (pixels == PIXELS || (u == u1 - 1 && v == p->x.count - 1)) {
                multiply(p, pixels, patch, place, pitch);
                pixels = 0;
            }
        }
}

static void run_pass(pass *p)
{
    if (p->y.count <= 0 || p->x.count <= 0) return;
    kiln_parallel(p->N * ((p->y.count + p->band - 1) / p->band), run_band, p);
}

/* ---- forward --------------------------------------------------------------------------------- */

static axis forward_axis(int taps, int count, int stride, int pad)
{
    return (axis){taps, count, stride, pad, 0, 1, 0, 1};
}

static pass forward_pass(const kiln_conv_shape *s)
{
    pass p = {0};

    p.N = s->N;
    p.H = s->H;
    p.W = s->W;
    p.C = s->C;
    p.RH = s->OH;
    p.RW = s->OW;
    p.F = s->F;
    p.y = forward_axis(s->HH, s->OH, s->stride, s->pad_h);
    p.x = forward_axis(s->WW, s->OW, s->stride, s->pad_w);
    return p;
}

/* ---- gradient with respect to x -------------------------------------------------------------- */

/* The class of results h with (h + pad) % stride == remainder; `taps` of the whole filter, `count`
 * of x. */
static axis dx_axis(int taps, int count, int remainder, int stride, int pad)
{
    const int mine = remainder < taps ? (taps - remainder + stride - 1) / stride : 0;
    const int first = ((remainder - pad) % stride + stride) % stride;
    const int q0 = (first + pad - remainder) / stride;
    const int results = first < count ? (count - first + stride - 1) / stride : 0;

    return (axis){
        mine,      results, 1, mine - 1 - q0, first, stride, remainder + (mine - 1) * stride,
        -stride};
}

static pass dx_pass(const kiln_conv_shape *s, int row_class, int column_class)
{
    pass p = {0};

    p.N = s->N;
    p.H = s->OH;
    p.W = s->OW;
    p.C = s->F;
    p.RH = s->H;
    p.RW = s->W;
    p.F = s->C;
    p.y = dx_axis(s->HH, s->H, row_class, s->stride, s->pad_h);
    p.x = dx_axis(s->WW, s->W, column_class, s->stride, s->pad_w);
    return p;
}

/* ---- either way ------------------------------------------------------------------------------ */

/* Pass `number` of the direction: forward is one, dx one for each pair of classes. */
static pass make_pass(const kiln_conv_shape *s, int turned, int number)
{
    pass p = turned ? dx_pass(s, number / s->stride, number % s->stride) : forward_pass(s);

    choose_band(&p);
    return p;
}

static int pass_count(const kiln_conv_shape *s, int turned)
{
    return turned ? s->stride * s->stride : 1;
}

/* Scratch: the panels of all passes, then a room for each thread, as large as the largest. */
static size_t panels_floats(const kiln_conv_shape *s, int turned)
{
    size_t floats = 0;

    for (int i = 0; i < pass_count(s, turned); i++) {
        const pass p = make_pass(s, turned, i);

        floats += panel_floats(&p);
    }
    return (floats + 15) / 16 * 16;
}

static size_t direct_work_turned(const kiln_conv_shape *s, int turned)
{
    size_t room = 0;

    for (int i = 0; i < pass_count(s, turned); i++) {
        const pass p = make_pass(s, turned, i);

        if (p.room_each > room) room = p.room_each;
    }
    return panels_floats(s, turned) + (size_t)kiln_threads() * room;
}

static size_t direct_work(const kiln_conv_shape *s)
{
    const size_t forward = direct_work_turned(s, 0), dx = direct_work_turned(s, 1);

    return forward > dx ? forward : dx;
}

static void direct_filters(const float *w, const kiln_conv_shape *s, int turned, float *work)
{
    const ptrdiff_t per_filter = (ptrdiff_t)s->C * s->HH * s->WW,
                    per_channel = (ptrdiff_t)s->HH * s->WW;
    const weights from = turned ? (weights){w, per_channel, per_filter, s->WW}
                                : (weights){w, per_filter, per_channel, s->WW};

    for (int i = 0; i < pass_count(s, turned); i++) {
        const pass p = make_pass(s, turned, i);

        pack_filters(work, &p, &from);
        work += panel_floats(&p);
    }
}

static void direct_images(float *result, const float *source, const float *bias,
                          const kiln_conv_shape *s, int turned, int relu, float *work)
{
    float *const room = work + panels_floats(s, turned);

    for (int i = 0; i < pass_count(s, turned); i++) {
        pass p = make_pass(s, turned, i);

        p.source = source;
        p.result = result;
        p.bias = bias;
        p.relu = relu;
        p.panels = work;
        p.room = room;
        run_pass(&p);
        work += panel_floats(&p);
    }
}

const kiln_conv_algorithm kiln_conv_direct = {
    direct_work,         direct_filters,    direct_images,       kiln_conv_dw_work,
    kiln_conv_dw_groups, kiln_conv_dw_step, kiln_conv_dw_images, kiln_conv_dw_join,
};
