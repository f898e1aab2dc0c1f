/* Layers as the notation writes them: names of kinds, and the canonical text of one layer. */
#include <stdio.h>
#include <stdlib.h>

#include "net/notation.h"
#include "net/shapes.h"

const char *kiln_layer_kind_name(enum kiln_layer_kind kind)
{
    static const char *const names[KILN_LAYER_KINDS] = {[KILN_CONV] = "conv",
                                                        [KILN_MAXPOOL] = "maxpool",
                                                        [KILN_AVGPOOL] = "avgpool",
                                                        [KILN_AFFINE] = "affine",
                                                        [KILN_FLATTEN] = "flatten",
                                                        [KILN_RELU] = "relu",
                                                        [KILN_LEAKYRELU] = "leakyrelu",
                                                        [KILN_GELU] = "gelu",
                                                        [KILN_TANH] = "tanh",
                                                        [KILN_SIGMOID] = "sigmoid",
                                                        [KILN_BATCHNORM] = "batchnorm",
                                                        [KILN_LAYERNORM] = "layernorm",
                                                        [KILN_GROUPNORM] = "groupnorm",
                                                        [KILN_DROPOUT] = "dropout",
                                                        [KILN_ADD] = "add",
                                                        [KILN_SOFTMAX] = "softmax",
                                                        [KILN_SVM] = "svm"};

    return names[kind];
}

/* "name value", the fewest digits that read back to the same float. */
static void number_text(char *out, size_t size, const char *name, float value)
{
    for (int precision = 1; precision <= 9; precision++) {
        char digits[24];

        snprintf(digits, sizeof digits, "%.*g", precision, (double)value);
        snprintf(out, size, "%s %s", name, digits);
        if ((float)strtod(digits, NULL) == value) return;
    }
}

static void conv_text(char *out, size_t size, const kiln_conv_shape *s)
{
    char stride[24] = "", pad[24] = "";

    if (s->stride != 1) snprintf(stride, sizeof stride, " stride %d", s->stride);
    if (s->pad_h != kiln_default_pad(s->HH, s->WW))
        snprintf(pad, sizeof pad, " pad %d", s->pad_h);
    snprintf(out, size, "conv %dx%dx%d%s%s", s->HH, s->WW, s->F, stride, pad);
}

/* The window of a global pool is the whole image, or none yet; as text it has no number. */
static void pool_text(char *out, size_t size, const kiln_layer *l)
{
    const kiln_pool_shape *s = &l->u.pool;
    const char *name = kiln_layer_kind_name(l->kind);

    if (l->global)
        snprintf(out, size, "%s", name);
    else if (s->stride != s->HH)
        snprintf(out, size, "%s %d stride %d", name, s->HH, s->stride);
    else
        snprintf(out, size, "%s %d", name, s->HH);
}

void kiln_layer_text(char *out, size_t size, const kiln_layer *layer)
{
    const char *name = kiln_layer_kind_name(layer->kind);

    switch (layer->kind) {
    case KILN_CONV: conv_text(out, size, &layer->u.conv); break;
    case KILN_MAXPOOL:
    case KILN_AVGPOOL: pool_text(out, size, layer); break;
    case KILN_AFFINE: snprintf(out, size, "%s %d", name, layer->u.features); break;
    case KILN_GROUPNORM: snprintf(out, size, "%s %d", name, layer->u.groups); break;
    case KILN_DROPOUT: number_text(out, size, name, layer->u.rate); break;
    case KILN_LEAKYRELU:
        if (layer->u.slope == KILN_SLOPE)
            snprintf(out, size, "%s", name);
        else
            number_text(out, size, name, layer->u.slope);
        break;
    case KILN_SOFTMAX:
        if (layer->u.smoothing == 0)
            snprintf(out, size, "%s", name);
        else
            number_text(out, size, "softmax smoothing", layer->u.smoothing);
        break;
    default: snprintf(out, size, "%s", name);
    }
}
