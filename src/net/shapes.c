/*
 * Shapes and costs of layers.
 *
 *   windows     OH = (H + 2 P - HH) / S + 1, rounded down (cs231n: convolutional-networks)
 *   parameters  conv F (C HH WW + 1), affine (D + 1) M, normalisation 2 C
 *   flops       of one image forward, a multiply-add counted as two: conv 2 C HH WW F OH OW, affine
 *               2 D M, a window HH WW each output; for each element 1 (relu, leakyrelu, dropout,
 *               add), 8 (normalisation with its statistics) or 20 (gelu, tanh, sigmoid, losses)
 *
 * Sizes are at most 65536 and their products are taken in double, which is exact far beyond the
 * limits they are compared with; only then do they become ints.
 */
#include "net/shapes.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"

void kiln_value_text(char out[48], const kiln_value *value)
{
    if (value->spatial)
        snprintf(out, 48, "%dx%dx%d", value->C, value->H, value->W);
    else
        snprintf(out, 48, "%d", value->C);
}

/* A layer that cannot take what it gets: "net: column 9: conv 3x3x8 ...". */
static int misfit(const kiln_layer *layer, const char *sentence)
{
    char text[96];

    kiln_layer_text(text, sizeof text, layer);
    return kiln_fail_at(KILN_E_SHAPE, layer->column, "net: column %d: %s %s", layer->column, text,
                        sentence);
}

int kiln_default_pad(int HH, int WW)
{
    return HH == WW && HH % 2 ? (HH - 1) / 2 : 0;
}

/* ---- windows --------------------------------------------------------------------------------- */

/* How many of the `size` rows no window of `window` rows, `stride` apart, covers. */
static int unread(int size, int window, int stride, int pad, int windows)
{
    int covered = 0, next = 0; /* rows below `next` are counted */

    for (int i = 0; i < windows; i++) {
        int from = i * stride - pad, to = from + window;

        if (from < next) from = next;
        if (to > size) to = size;
        if (to <= from) continue;
        covered += to - from;
        next = to;
    }
    return size - covered;
}

static int infer_conv(kiln_layer *l)
{
    kiln_conv_shape *s = &l->u.conv;
    const double padded = (l->in_H + 2.0 * s->pad_h) * (l->in_W + 2.0 * s->pad_w) * l->in_C;
    char sentence[200];

    s->N = 1, s->C = l->in_C, s->H = l->in_H, s->W = l->in_W;
    if (padded > KILN_ELEMENTS_MAX) return misfit(l, "pads its image beyond 2^28 values");
    if (!kiln_conv_shape_finish(s)) {
        const int rows = s->HH - s->H, columns = s->WW - s->W;
        const int missing = rows > columns ? rows : columns;

        snprintf(sentence, sizeof sentence,
                 "pad %d does not fit the %dx%d image it gets; drop a pool above, or use pad %d or "
                 "more",
                 s->pad_h, s->H, s->W, (missing + 1) / 2);
        kiln_layer shown = *l;

        shown.u.conv.pad_h = kiln_default_pad(s->HH, s->WW); /* the pad is in the sentence */
        return misfit(&shown, sentence);
    }
    l->C = s->F, l->H = s->OH, l->W = s->OW;
    l->unread = unread(s->H, s->HH, s->stride, s->pad_h, s->OH) +
                unread(s->W, s->WW, s->stride, s->pad_w, s->OW);
    l->parameters = ((double)s->C * s->HH * s->WW + 1) * s->F;
    l->flops = 2.0 * s->C * s->HH * s->WW * s->F * s->OH * s->OW;
    return KILN_OK;
}

static int infer_pool(kiln_layer *l)
{
    kiln_pool_shape *s = &l->u.pool;
    char sentence[120];

    s->N = 1, s->C = l->in_C, s->H = l->in_H, s->W = l->in_W;
    if (l->global) s->HH = s->H, s->WW = s->W, s->stride = 1;
    if (!kiln_pool_shape_finish(s)) {
        snprintf(sentence, sizeof sentence,
                 "does not fit the %dx%d image it gets; use a smaller window, or drop a pool above",
                 s->H, s->W);
        return misfit(l, sentence);
    }
    l->H = s->OH, l->W = s->OW;
    l->unread = unread(s->H, s->HH, s->stride, 0, s->OH) + unread(s->W, s->WW, s->stride, 0, s->OW);
    l->flops = (double)s->C * s->OH * s->OW * s->HH * s->WW;
    return KILN_OK;
}

/* ---- the others ------------------------------------------------------------------------------ */

static int infer_groupnorm(kiln_layer *l)
{
    const int G = l->u.groups;
    char sentence[200], list[80] = "";

    if (l->in_C % G == 0) return KILN_OK;
    for (int g = 1, listed = 0; g <= l->in_C && listed < 8; g++) {
        if (l->in_C % g) continue;
        const size_t used = strlen(list);

        snprintf(list + used, sizeof list - used, "%s%d", listed++ ? ", " : "", g);
    }
    snprintf(sentence, sizeof sentence, "does not divide the %d channels it gets; use %s", l->in_C,
             list);
    return misfit(l, sentence);
}

static int infer_loss(kiln_plan *plan, kiln_layer *l)
{
    if (l->in_C < 2) return misfit(l, "needs two scores or more; use affine 10 before it");
    plan->classes = l->in_C;
    return KILN_OK;
}

/* Output shape, parameters and flops; both are the input's and none unless said here. */
static int infer(kiln_plan *plan, kiln_layer *l)
{
    const double n = (double)l->in_C * l->in_H * l->in_W;

    l->C = l->in_C, l->H = l->in_H, l->W = l->in_W;
    l->flops = n;
    switch (l->kind) {
    case KILN_CONV: return infer_conv(l);
    case KILN_MAXPOOL:
    case KILN_AVGPOOL: return infer_pool(l);
    case KILN_AFFINE:
        l->C = l->u.features;
        l->parameters = (n + 1) * l->C;
        l->flops = 2 * n * l->C;
        return KILN_OK;
    case KILN_FLATTEN:
        l->C = (int)n, l->H = l->W = 1;
        l->spatial = 0;
        l->flops = 0;
        return KILN_OK;
    case KILN_BATCHNORM:
    case KILN_LAYERNORM:
    case KILN_GROUPNORM:
        l->parameters = 2.0 * l->C;
        l->flops = 8 * n;
        return l->kind == KILN_GROUPNORM ? infer_groupnorm(l) : KILN_OK;
    case KILN_GELU:
    case KILN_TANH:
    case KILN_SIGMOID: l->flops = 20 * n; return KILN_OK;
    case KILN_SOFTMAX:
    case KILN_SVM: l->flops = 20 * n; return infer_loss(plan, l);
    default: return KILN_OK;
    }
}

/* ---- adding ---------------------------------------------------------------------------------- */

static void name_layer(const kiln_plan *plan, kiln_layer *l)
{
    int number = 1;

    for (int i = 0; i < plan->count; i++) number += plan->layer[i].kind == l->kind;
    snprintf(l->name, sizeof l->name, "%s%d", kiln_layer_kind_name(l->kind), number);
}

/* Appends a layer whose kind, u, columns and from are set. */
static int append(kiln_plan *plan, kiln_layer *l, kiln_value *value)
{
    double elements;

    if (plan->count == KILN_LAYERS_MAX)
        return kiln_fail_at(KILN_E_NOTATION, l->column,
                            "net: column %d: more than %d layers; use fewer or smaller repetitions",
                            l->column, KILN_LAYERS_MAX);
    l->in_C = value->C, l->in_H = value->H, l->in_W = value->W;
    l->spatial = value->spatial;
    l->parameters = l->flops = 0;
    l->unread = 0;
    KILN_TRY(infer(plan, l));
    elements = (double)l->C * l->H * l->W;
    if (l->H > KILN_DIM_MAX || l->W > KILN_DIM_MAX || elements > KILN_ELEMENTS_MAX)
        return misfit(l, "gives more than 2^28 values, or a side beyond 65536");
    if (plan->parameters + l->parameters > KILN_PARAMETERS_MAX) {
        char sentence[120];

        snprintf(sentence, sizeof sentence, "brings the net to %.0f parameters, more than %d",
                 plan->parameters + l->parameters, KILN_PARAMETERS_MAX);
        return misfit(l, sentence);
    }
    l->bytes = 4 * (elements + l->parameters);
    name_layer(plan, l);
    plan->parameters += l->parameters;
    plan->flops += l->flops;
    plan->bytes += l->bytes;
    *value = (kiln_value){plan->count, l->spatial, l->C, l->H, l->W};
    plan->layer[plan->count++] = *l;
    return KILN_OK;
}

static int takes_images_only(enum kiln_layer_kind kind)
{
    return kind == KILN_CONV || kind == KILN_MAXPOOL || kind == KILN_AVGPOOL;
}

static int is_loss(enum kiln_layer_kind kind)
{
    return kind == KILN_SOFTMAX || kind == KILN_SVM;
}

/* An image becomes a row where *l wants one. */
static int flatten(kiln_plan *plan, const kiln_layer *l, kiln_value *value)
{
    kiln_layer layer = {.kind = KILN_FLATTEN, .column = l->column, .end = l->end};
    char shape[48], sentence[200];

    kiln_value_text(shape, value);
    if (is_loss(l->kind) && (value->H > 1 || value->W > 1)) {
        snprintf(sentence, sizeof sentence,
                 "takes a row of scores, but gets the %s image; put affine 10 before it", shape);
        return misfit(l, sentence);
    }
    layer.from = value->layer;
    layer.from2 = -1;
    return append(plan, &layer, value);
}

int kiln_plan_add(kiln_plan *plan, const kiln_layer *layer, kiln_value *value)
{
    kiln_layer l = *layer;

    if (takes_images_only(l.kind) && !value->spatial) {
        char sentence[120];

        snprintf(sentence, sizeof sentence,
                 "works on images, but gets a row of %d values; put it before the first affine",
                 value->C);
        return misfit(&l, sentence);
    }
    if (value->spatial && (l.kind == KILN_AFFINE || is_loss(l.kind)))
        KILN_TRY(flatten(plan, &l, value));
    l.from = value->layer;
    l.from2 = -1;
    return append(plan, &l, value);
}

/* The stride at which a 1x1 convolution takes `size` rows to `wanted`, or 0. */
static int stride_between(int size, int wanted)
{
    for (int stride = 1; stride <= size; stride++)
        if ((size - 1) / stride + 1 == wanted) return stride;
    return 0;
}

/* What would make the ends of a residual equal: "; use residual(... | conv 1x1x32 stride 2)". */
static void advise(char *out, size_t size, const kiln_value *input, const kiln_value *wanted)
{
    const int stride = stride_between(input->H, wanted->H);
    char text[32] = "";

    if (!input->spatial || !wanted->spatial || !stride ||
        stride != stride_between(input->W, wanted->W)) {
        snprintf(out, size, "make them equal");
        return;
    }
    if (stride > 1) snprintf(text, sizeof text, " stride %d", stride);
    snprintf(out, size, "use a shortcut, residual(... | conv 1x1x%d%s)", wanted->C, text);
}

int kiln_plan_join(kiln_plan *plan, int column, int end, const kiln_value *input,
                   const kiln_value *shortcut, kiln_value *value)
{
    kiln_layer layer = {.kind = KILN_ADD, .column = column, .end = end};
    const int same = value->spatial == shortcut->spatial && value->C == shortcut->C &&
                     value->H == shortcut->H && value->W == shortcut->W;
    char chain_text[48], shortcut_text[48], advice[96];

    if (!same) {
        kiln_value_text(chain_text, value);
        kiln_value_text(shortcut_text, shortcut);
        advise(advice, sizeof advice, input, value);
        return kiln_fail_at(KILN_E_SHAPE, column,
                            "net: column %d: residual: its chain gives %s%s, but its %s %s; %s",
                            column, value->spatial ? "" : "a row of ", chain_text,
                            shortcut->layer == input->layer ? "input is" : "shortcut gives",
                            shortcut_text, advice);
    }
    layer.from = value->layer;
    layer.from2 = shortcut->layer;
    return append(plan, &layer, value);
}
