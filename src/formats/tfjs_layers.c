/*
 * How each kind of layer is said in Keras's layers, as far as TensorFlow.js has them: a row a kind,
 * found by its name. Of images, which are channels last there:
 *
 *   conv        ZeroPadding2D, which pads both sides alike, then Conv2D; w as (HH, WW, C, F)
 *   flatten     Permute to (C, H, W), in which order the weights of an affine layer lie, then
 *               Flatten
 *   layernorm   LayerNormalization over all of an image; its scale and shift, one a channel here,
 *               are one a value there
 *   prelu       PReLU with a slope for each channel
 *   scale       Rescaling
 *   losses      nothing: the model gives scores
 */
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/status.h"
#include "formats/tfjs.h"
#include "net/kinds.h"

/* "conv1_pad": a layer that stands before this one. */
static const char *beside(char out[KILN_TFJS_NAME], const kiln_tfjs *g, const char *what)
{
    snprintf(out, KILN_TFJS_NAME, "%s_%s", g->layer->name, what);
    return out;
}

static const kiln_tensor *tensor(const kiln_tfjs *g, int i, const char **value)
{
    const void *data = NULL;
    const kiln_tensor *t = kiln_model_tensor(g->m, g->l, i, &data);

    *value = data;
    return t;
}

/* Tensor i as it is. */
static void plain_weight(kiln_tfjs *g, int i, const char *weight)
{
    const char *value;
    const kiln_tensor *t = tensor(g, i, &value);

    if (!t) return;
    kiln_tfjs_weight(g, g->layer->name, weight, t->shape, t->dims);
    kiln_bytes_put(&g->weights, value, (size_t)t->size * sizeof(float));
}

static void number(kiln_tfjs *g, const char *key, double value)
{
    char digits[KILN_DIGITS];

    kiln_tfjs_argument(g, key, "%s", kiln_digits_float(digits, (float)value));
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static void filters(kiln_tfjs *g, const kiln_conv_shape *s)
{
    const int shape[4] = {s->HH, s->WW, s->C, s->F};
    const char *value;
    const int size = s->HH * s->WW;

    tensor(g, 0, &value);
    kiln_tfjs_weight(g, g->layer->name, "kernel", shape, 4);
    for (int at = 0; at < size; at++)
        for (int c = 0; c < s->C; c++)
            for (int f = 0; f < s->F; f++) /* w[f, c, at] */
                kiln_bytes_put(&g->weights,
                               value + ((size_t)(f * s->C + c) * (size_t)size + (size_t)at) *
                                           sizeof(float), sizeof(float));
}

static void conv(kiln_tfjs *g)
{
    const kiln_conv_shape *s = &g->layer->u.conv;
    char name[KILN_TFJS_NAME];

    if (s->pad_h || s->pad_w) {
        kiln_tfjs_open(g, "ZeroPadding2D", beside(name, g, "pad"));
        kiln_tfjs_argument(g, "padding", "[[%d, %d], [%d, %d]]", s->pad_h, s->pad_h, s->pad_w,
                           s->pad_w);
        kiln_tfjs_end(g, name, NULL);
    }
    kiln_tfjs_open(g, "Conv2D", g->layer->name);
    kiln_tfjs_argument(g, "filters", "%d", s->F);
    kiln_tfjs_argument(g, "kernel_size", "[%d, %d]", s->HH, s->WW);
    kiln_tfjs_argument(g, "strides", "[%d, %d]", s->stride, s->stride);
    kiln_tfjs_argument(g, "padding", "\"valid\"");
    kiln_tfjs_flag(g, "use_bias", kiln_net_tensor_of(g->m->net, g->l, 1) >= 0);
    kiln_tfjs_end(g, g->layer->name, NULL);
    filters(g, s);
    plain_weight(g, 1, "bias");
}

static void pool(kiln_tfjs *g, const char *type)
{
    const kiln_pool_shape *s = &g->layer->u.pool;

    kiln_tfjs_open(g, type, g->layer->name);
    kiln_tfjs_argument(g, "pool_size", "[%d, %d]", s->HH, s->WW);
    kiln_tfjs_argument(g, "strides", "[%d, %d]", s->stride, s->stride);
    kiln_tfjs_argument(g, "padding", "\"valid\"");
    kiln_tfjs_end(g, g->layer->name, NULL);
}

static void maxpool(kiln_tfjs *g)
{
    pool(g, "MaxPooling2D");
}

static void avgpool(kiln_tfjs *g)
{
    pool(g, "AveragePooling2D");
}

static void affine(kiln_tfjs *g)
{
    kiln_tfjs_open(g, "Dense", g->layer->name);
    kiln_tfjs_argument(g, "units", "%d", g->layer->C);
    kiln_tfjs_flag(g, "use_bias", kiln_net_tensor_of(g->m->net, g->l, 1) >= 0);
    kiln_tfjs_end(g, g->layer->name, NULL);
    plain_weight(g, 0, "kernel");
    plain_weight(g, 1, "bias");
}

static void flatten(kiln_tfjs *g)
{
    char name[KILN_TFJS_NAME];

    kiln_tfjs_open(g, "Permute", beside(name, g, "order"));
    kiln_tfjs_argument(g, "dims", "[3, 1, 2]");
    kiln_tfjs_end(g, name, NULL);
    kiln_tfjs_open(g, "Flatten", g->layer->name);
    kiln_tfjs_end(g, g->layer->name, NULL);
}

static void activation_named(kiln_tfjs *g, const char *name)
{
    kiln_tfjs_open(g, "Activation", g->layer->name);
    kiln_tfjs_argument(g, "activation", "\"%s\"", name);
    kiln_tfjs_end(g, g->layer->name, NULL);
}

static void activation(kiln_tfjs *g) /* of kiln's own name */
{
    activation_named(g, g->layer->kind->name);
}

static void silu(kiln_tfjs *g)
{
    activation_named(g, "swish");
}

static void leakyrelu(kiln_tfjs *g)
{
    kiln_tfjs_open(g, "LeakyReLU", g->layer->name);
    number(g, "alpha", g->layer->value[0]);
    kiln_tfjs_end(g, g->layer->name, NULL);
}

static void prelu(kiln_tfjs *g)
{
    const int shape[3] = {1, 1, g->layer->C};
    const char *value;
    const kiln_tensor *t = tensor(g, 0, &value);

    kiln_tfjs_open(g, "PReLU", g->layer->name);
    if (g->layer->spatial) kiln_tfjs_argument(g, "shared_axes", "[1, 2]");
    kiln_tfjs_end(g, g->layer->name, NULL);
    kiln_tfjs_weight(g, g->layer->name, "alpha", g->layer->spatial ? shape : shape + 2,
                     g->layer->spatial ? 3 : 1);
    kiln_bytes_put(&g->weights, value, (size_t)t->size * sizeof(float));
}

static void scale(kiln_tfjs *g)
{
    kiln_tfjs_open(g, "Rescaling", g->layer->name);
    number(g, "scale", g->layer->value[0]);
    kiln_tfjs_argument(g, "offset", "0");
    kiln_tfjs_end(g, g->layer->name, NULL);
}

static void batchnorm(kiln_tfjs *g)
{
    static const char *const weight[] = {"gamma", "beta", "moving_mean", "moving_variance"};

    kiln_tfjs_open(g, "BatchNormalization", g->layer->name);
    kiln_tfjs_argument(g, "axis", "-1");
    number(g, "momentum", g->layer->u.norm.momentum);
    number(g, "epsilon", (double)g->layer->u.norm.eps);
    kiln_tfjs_end(g, g->layer->name, NULL);
    for (int i = 0; i < 4; i++) plain_weight(g, i, weight[i]);
}

/* One value a channel as one a value of the image. */
static void spread_weight(kiln_tfjs *g, int i, const char *weight)
{
    const kiln_layer *l = g->layer;
    const int shape[3] = {l->H, l->W, l->C};
    const char *value;

    tensor(g, i, &value);
    kiln_tfjs_weight(g, l->name, weight, shape, 3);
    for (int at = 0; at < l->H * l->W; at++)
        kiln_bytes_put(&g->weights, value, (size_t)l->C * sizeof(float));
}

static void layernorm(kiln_tfjs *g)
{
    static const char *const weight[] = {"gamma", "beta"};

    kiln_tfjs_open(g, "LayerNormalization", g->layer->name);
    kiln_tfjs_argument(g, "axis", g->layer->spatial ? "[1, 2, 3]" : "[1]");
    number(g, "epsilon", (double)KILN_NORM_EPS);
    kiln_tfjs_end(g, g->layer->name, NULL);
    for (int i = 0; i < 2; i++) {
        if (g->layer->spatial)
            spread_weight(g, i, weight[i]);
        else
            plain_weight(g, i, weight[i]);
    }
}

static void dropout(kiln_tfjs *g)
{
    kiln_tfjs_open(g, "Dropout", g->layer->name);
    number(g, "rate", g->layer->value[0]);
    kiln_tfjs_end(g, g->layer->name, NULL);
}

static void add(kiln_tfjs *g)
{
    const kiln_plan *plan = kiln_net_plan(g->m->net);
    const int from2 = g->layer->from2;

    kiln_tfjs_open(g, "Add", g->layer->name);
    kiln_tfjs_end(g, g->layer->name, from2 < 0 ? "x" : plan->layer[from2].name);
}

static void loss(kiln_tfjs *g)
{
    (void)g;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const struct {
    const char *kind;
    void (*write)(kiln_tfjs *g);
} table[] = {
    {"conv", conv},          {"whiten", conv},        {"maxpool", maxpool},
    {"avgpool", avgpool},    {"affine", affine},      {"flatten", flatten},
    {"relu", activation},    {"gelu", activation},    {"tanh", activation},
    {"sigmoid", activation}, {"silu", silu},          {"leakyrelu", leakyrelu},
    {"prelu", prelu},        {"scale", scale},        {"batchnorm", batchnorm},
    {"dropout", dropout},    {"layernorm", layernorm}, {"add", add},
    {"softmax", loss},       {"svm", loss},
};

int kiln_tfjs_row(const kiln_layer *l)
{
    const char *kind = l->kind->name;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].kind, kind) == 0) return (int)i;
    return kiln_fail(KILN_E_ARG, "tfjs: %s cannot leave: TensorFlow.js has no layer for %s",
                     l->name, kind);
}

int kiln_tfjs_layer(kiln_tfjs *g)
{
    const int row = kiln_tfjs_row(g->layer);

    if (row < 0) return row;
    table[row].write(g);
    return KILN_OK;
}
