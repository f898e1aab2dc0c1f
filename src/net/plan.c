/*
 * Plans: layers one after another, with their shapes and costs.
 *
 *   windows     OH = (H + 2 P - HH) / S + 1, rounded down (cs231n: convolutional-networks)
 *   parameters  those of the tensors that the layer's row lists
 *   flops       of one image forward, a multiply-add counted as two, as the row says
 *
 * Sizes are at most 65536 and their products are taken in double, which is exact far beyond the
 * limits they are compared with; only then do they become ints.
 */
#include "net/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "net/kinds.h"

/* "32x16x16" (C, H, W), or "100" for a row. */
static void value_text(char out[48], const kiln_value *value)
{
    if (value->spatial)
        snprintf(out, 48, "%dx%dx%d", value->C, value->H, value->W);
    else
        snprintf(out, 48, "%d", value->C);
}

int kiln_unread(int size, int window, int stride, int pad, int windows)
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

/* ---- adding ---------------------------------------------------------------------------------- */

static double count_parameters(const kiln_layer *l)
{
    kiln_tensor_row t[KILN_LAYER_TENSORS_MAX];
    const int tensors = l->kind->tensors ? l->kind->tensors(l, t) : 0;
    double sum = 0;

    for (int i = 0; i < tensors; i++) {
        double size = !t[i].statistic && !t[i].frozen;

        for (int d = 0; d < 4 && t[i].shape[d]; d++) size *= t[i].shape[d];
        sum += size;
    }
    return sum;
}

/* Shapes and costs of a layer whose input, kind and values are set. */
static int infer(kiln_layer *l)
{
    l->C = l->in_C, l->H = l->in_H, l->W = l->in_W;
    l->in_place = (int)l->kind->in_place;
    l->unread = 0;
    l->largest = (double)l->in_C * l->in_H * l->in_W;
    l->flops = l->kind->flops * l->C * l->H * l->W;
    if (l->kind->infer) KILN_TRY(l->kind->infer(l));
    l->parameters = count_parameters(l);
    return KILN_OK;
}

static void name_layer(const kiln_plan *plan, kiln_layer *l)
{
    int number = 1;

    for (int i = 0; i < plan->count; i++) number += plan->layer[i].kind == l->kind;
    snprintf(l->name, sizeof l->name, "%s%d", l->kind->name, number);
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
    KILN_TRY(infer(l));
    elements = (double)l->C * l->H * l->W;
    if (l->H > KILN_DIM_MAX || l->W > KILN_DIM_MAX || elements > KILN_ELEMENTS_MAX)
        return kiln_misfit(l, "gives more than 2^28 values, or a side beyond 65536");
    if (plan->parameters + l->parameters > KILN_PARAMETERS_MAX) {
        char sentence[120];

        snprintf(sentence, sizeof sentence, "brings the net to %.0f parameters, more than %d",
                 plan->parameters + l->parameters, KILN_PARAMETERS_MAX);
        return kiln_misfit(l, sentence);
    }
    if (l->largest < elements) l->largest = elements;
    l->bytes = 4 * (elements + l->parameters);
    name_layer(plan, l);
    if (l->kind->loss) plan->classes = l->C;
    plan->parameters += l->parameters;
    plan->flops += l->flops;
    plan->bytes += l->bytes;
    *value = (kiln_value){plan->count, l->spatial, l->C, l->H, l->W};
    plan->layer[plan->count++] = *l;
    return KILN_OK;
}

/* An image becomes a row where *l wants one. */
static int flatten(kiln_plan *plan, const kiln_layer *l, kiln_value *value)
{
    kiln_layer layer = {.kind = kiln_kind_named("flatten"), .column = l->column, .end = l->end};
    char shape[48], sentence[200];

    value_text(shape, value);
    if (l->kind->loss && (value->H > 1 || value->W > 1)) {
        snprintf(sentence, sizeof sentence,
                 "takes a row of scores, but gets the %s image; put affine 10 before it", shape);
        return kiln_misfit(l, sentence);
    }
    layer.from = value->layer;
    layer.from2 = -1;
    return append(plan, &layer, value);
}

int kiln_plan_add(kiln_plan *plan, const kiln_layer *layer, kiln_value *value)
{
    kiln_layer l = *layer;

    if (l.kind->takes == KILN_TAKES_IMAGES && !value->spatial) {
        char sentence[120];

        snprintf(sentence, sizeof sentence,
                 "works on images, but gets a row of %d values; put it before the first affine",
                 value->C);
        return kiln_misfit(&l, sentence);
    }
    if (value->spatial && l.kind->takes == KILN_TAKES_ROWS)
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
    kiln_layer layer = {.kind = kiln_kind_named("add"), .column = column, .end = end};
    const int same = value->spatial == shortcut->spatial && value->C == shortcut->C &&
                     value->H == shortcut->H && value->W == shortcut->W;
    char chain_text[48], shortcut_text[48], advice[96];

    if (!same) {
        value_text(chain_text, value);
        value_text(shortcut_text, shortcut);
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
