/*
 * Rows of the pools: layers/pool.c. A window of K by K, K apart or as `stride` says; an avgpool
 * without K has one window, the whole image.
 */
#include <stdio.h>

#include "base/status.h"
#include "net/kinds.h"
#include "ref/ref_layers.h"

enum { WINDOW, STRIDE };

static double stride_of(const double *value)
{
    return value[WINDOW];
}

/* FLOPs: the window for each output. */
static int infer(kiln_layer *l)
{
    kiln_pool_shape *s = &l->u.pool;
    const int window = (int)l->value[WINDOW];
    char sentence[120];

    *s = (kiln_pool_shape){.N = 1, .C = l->in_C, .H = l->in_H, .W = l->in_W};
    s->HH = s->WW = window;
    s->stride = l->value[STRIDE] > 0 ? (int)l->value[STRIDE] : window; /* an avgpool names none */
    if (!window) s->HH = s->H, s->WW = s->W, s->stride = 1; /* global */
    if (!kiln_pool_shape_finish(s)) {
        snprintf(sentence, sizeof sentence,
                 "does not fit the %dx%d image it gets; use a smaller window, or drop a pool above",
                 s->H, s->W);
        return kiln_misfit(l, sentence);
    }
    l->H = s->OH, l->W = s->OW;
    l->unread = kiln_unread(s->H, s->HH, s->stride, 0, s->OH) +
                kiln_unread(s->W, s->WW, s->stride, 0, s->OW);
    l->flops = (double)s->C * s->OH * s->OW * s->HH * s->WW;
    return KILN_OK;
}

static kiln_pool_shape shape_of(const kiln_layer *l, int n)
{
    kiln_pool_shape s = l->u.pool;

    s.N = n;
    return s;
}

static void maxpool_forward(const kiln_pass *p)
{
    const kiln_pool_shape s = shape_of(p->layer, p->n);

    kiln_maxpool_forward(p->out, p->place, p->x, &s, p->relu_backward);
}

static void maxpool_backward(const kiln_pass *p)
{
    const kiln_pool_shape s = shape_of(p->layer, p->n);

    kiln_maxpool_backward(p->dx, p->dout, p->place, &s);
}

static void maxpool_twin(const kiln_twin *t)
{
    const kiln_pool_shape s = shape_of(t->layer, t->n);

    ref_maxpool_forward(t->out, t->x, &s);
}

static void avgpool_forward(const kiln_pass *p)
{
    const kiln_pool_shape s = shape_of(p->layer, p->n);

    kiln_avgpool_forward(p->out, p->x, &s);
}

static void avgpool_backward(const kiln_pass *p)
{
    const kiln_pool_shape s = shape_of(p->layer, p->n);

    kiln_avgpool_backward(p->dx, p->dout, &s);
}

static void avgpool_twin(const kiln_twin *t)
{
    const kiln_pool_shape s = shape_of(t->layer, t->n);

    ref_avgpool_forward(t->out, t->x, &s);
}

static const kiln_attribute maxpool_attributes[] = {
    [WINDOW] = {.name = "window", .what = "the size of the window, as in maxpool 2", .min = 1,
                .max = KILN_DIM_MAX},
    [STRIDE] = {.name = "stride", .word = "stride", .what = "the stride", .min = 1,
                .max = KILN_DIM_MAX, .derive = stride_of},
    {0}};

static const kiln_attribute avgpool_attributes[] = {
    [WINDOW] = {.name = "window", .optional = 1,
                .what = "the size of the window, as in avgpool 2", .min = 1, .max = KILN_DIM_MAX},
    {0}};

const kiln_layer_kind kiln_kinds_pool[] = {
    {
        .name = "maxpool",
        .notation = "maxpool",
        .aliases = {"pool"},
        .example = "maxpool 2",
        .attribute = maxpool_attributes,
        .takes = KILN_TAKES_IMAGES,
        .infer = infer,
        .reads = KILN_READS_PLACE,
        .relu_backward = KILN_RELU_BEFORE,
        .pools = 1,
        .corners = 1,
        .by_image = 1,
        .forward = maxpool_forward,
        .backward = maxpool_backward,
        .twin = maxpool_twin,
    },
    {
        .name = "avgpool",
        .notation = "avgpool",
        .aliases = {"gap", "meanpool"},
        .attribute = avgpool_attributes,
        .takes = KILN_TAKES_IMAGES,
        .infer = infer,
        .pools = 1,
        .by_image = 1,
        .forward = avgpool_forward,
        .backward = avgpool_backward,
        .twin = avgpool_twin,
    },
    {0},
};
