/*
 * How each kind of layer is said in ONNX: a row a kind, found by its name. What has no operator of
 * its own is said by several:
 *
 *   gelu        x · (0.5 + 0.5 erf(x / √2))
 *   silu        x · sigmoid(x)
 *   groupnorm   (N, C, ..) as (N, G, the rest), InstanceNormalization, back, · gamma + beta;
 *               ONNX's own GroupNormalization has changed its meaning between opsets 18 and 21
 *   layernorm   of rows LayerNormalization, of an image a groupnorm of one group
 *   dropout     Identity: it drops nothing when a net is used
 *   losses      the scores as they are; behind a softmax the probabilities as well
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "formats/onnx.h"
#include "net/kinds.h"

/* ---- names and small nodes ------------------------------------------------------------------- */

/* "conv1.w": a value or constant of this layer. */
static const char *own(char out[KILN_ONNX_NAME], const kiln_onnx *g, const char *what)
{
    snprintf(out, KILN_ONNX_NAME, "%s.%s", g->layer->name, what);
    return out;
}

/* A node without attributes of one input or, b not NULL, two. */
static void node(kiln_onnx *g, const char *op, const char *y, const char *a, const char *b)
{
    kiln_onnx_end(g, kiln_onnx_node(g, op, y, KILN_ONNX_IN(a, b)));
}

/* Tensor i of the layer under its name, with its own shape or, dims > 0, with another one; NULL
 * where the layer has none. */
static const char *tensor(kiln_onnx *g, int i, const int *shape, int dims)
{
    const void *value;
    const kiln_tensor *t = kiln_model_tensor(g->m, g->l, i, &value);

    if (!t) return NULL;
    if (dims)
        kiln_onnx_floats(g, t->name, shape, dims, value);
    else
        kiln_onnx_floats(g, t->name, t->shape, t->dims, value);
    return t->name;
}

/* A tensor of one value a channel, such that it broadcasts over an image. */
static const char *channels(kiln_onnx *g, int i)
{
    const int shape[3] = {g->layer->C, 1, 1};

    return tensor(g, i, shape, g->layer->spatial ? 3 : 1);
}

static const char *scalar(char name[KILN_ONNX_NAME], kiln_onnx *g, const char *what, float value)
{
    own(name, g, what);
    kiln_onnx_floats(g, name, NULL, 0, &value);
    return name;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static void conv(kiln_onnx *g)
{
    const kiln_conv_shape *s = &g->layer->u.conv;
    const int window[2] = {s->HH, s->WW}, strides[2] = {s->stride, s->stride};
    const int pads[4] = {s->pad_h, s->pad_w, s->pad_h, s->pad_w};
    const char *w = tensor(g, 0, NULL, 0), *b = tensor(g, 1, NULL, 0);
    const size_t n = kiln_onnx_node(g, "Conv", g->y, KILN_ONNX_IN(g->x, w, b));

    kiln_onnx_ints(g, "kernel_shape", window, 2);
    kiln_onnx_ints(g, "strides", strides, 2);
    kiln_onnx_ints(g, "pads", pads, 4);
    kiln_onnx_end(g, n);
}

static void pool(kiln_onnx *g, const char *op)
{
    const kiln_pool_shape *s = &g->layer->u.pool;
    const int window[2] = {s->HH, s->WW}, strides[2] = {s->stride, s->stride};
    const size_t n = kiln_onnx_node(g, op, g->y, KILN_ONNX_IN(g->x));

    kiln_onnx_ints(g, "kernel_shape", window, 2);
    kiln_onnx_ints(g, "strides", strides, 2);
    kiln_onnx_end(g, n);
}

static void maxpool(kiln_onnx *g)
{
    pool(g, "MaxPool");
}

static void avgpool(kiln_onnx *g)
{
    pool(g, "AveragePool");
}

static void affine(kiln_onnx *g) /* x (N, D), w (D, M), b (M) */
{
    const char *w = tensor(g, 0, NULL, 0), *b = tensor(g, 1, NULL, 0);

    kiln_onnx_end(g, kiln_onnx_node(g, "Gemm", g->y, KILN_ONNX_IN(g->x, w, b)));
}

static void flatten(kiln_onnx *g) /* in the order (c, h, w), as ONNX has it */
{
    const size_t n = kiln_onnx_node(g, "Flatten", g->y, KILN_ONNX_IN(g->x));

    kiln_onnx_int(g, "axis", 1);
    kiln_onnx_end(g, n);
}

static void relu(kiln_onnx *g)
{
    node(g, "Relu", g->y, g->x, NULL);
}

static void leakyrelu(kiln_onnx *g)
{
    const size_t n = kiln_onnx_node(g, "LeakyRelu", g->y, KILN_ONNX_IN(g->x));

    kiln_onnx_float(g, "alpha", (float)g->layer->value[0]);
    kiln_onnx_end(g, n);
}

static void gelu(kiln_onnx *g)
{
    char root[KILN_ONNX_NAME], half[KILN_ONNX_NAME], a[KILN_ONNX_NAME], b[KILN_ONNX_NAME];
    char c[KILN_ONNX_NAME], d[KILN_ONNX_NAME];

    scalar(root, g, "root", 0.70710678f); /* 1/√2 */
    scalar(half, g, "half", 0.5f);
    node(g, "Mul", own(a, g, "scaled"), g->x, root);
    node(g, "Erf", own(b, g, "erf"), a, NULL);
    node(g, "Mul", own(c, g, "halved"), b, half);
    node(g, "Add", own(d, g, "cdf"), c, half);
    node(g, "Mul", g->y, g->x, d);
}

static void hyperbolic_tangent(kiln_onnx *g)
{
    node(g, "Tanh", g->y, g->x, NULL);
}

static void sigmoid(kiln_onnx *g)
{
    node(g, "Sigmoid", g->y, g->x, NULL);
}

static void silu(kiln_onnx *g)
{
    char a[KILN_ONNX_NAME];

    node(g, "Sigmoid", own(a, g, "sigmoid"), g->x, NULL);
    node(g, "Mul", g->y, g->x, a);
}

static void prelu(kiln_onnx *g)
{
    node(g, "PRelu", g->y, g->x, channels(g, 0));
}

static void scale(kiln_onnx *g)
{
    char factor[KILN_ONNX_NAME];

    node(g, "Mul", g->y, g->x, scalar(factor, g, "factor", (float)g->layer->value[0]));
}

static void batchnorm(kiln_onnx *g) /* gamma, beta, mean, variance: in ONNX's order, too */
{
    const char *in[6] = {g->x};
    size_t n;

    for (int i = 0; i < 4; i++) in[1 + i] = tensor(g, i, NULL, 0);
    n = kiln_onnx_node(g, "BatchNormalization", g->y, in);
    kiln_onnx_float(g, "epsilon", g->layer->u.norm.eps);
    kiln_onnx_end(g, n);
}

/* Each of G groups of channels by its own mean and deviation, then a scale and shift a channel. */
static void normalise_groups(kiln_onnx *g, int G)
{
    const kiln_layer *l = g->layer;
    const int grouped[3] = {0, G, -1}, back[4] = {0, l->C, l->H, l->W}; /* 0: as it is */
    char a[KILN_ONNX_NAME], b[KILN_ONNX_NAME], c[KILN_ONNX_NAME], d[KILN_ONNX_NAME];
    char to[KILN_ONNX_NAME], from[KILN_ONNX_NAME], one[KILN_ONNX_NAME], zero[KILN_ONNX_NAME];
    size_t n;

    kiln_onnx_shape(g, own(to, g, "grouped_shape"), grouped, 3);
    kiln_onnx_shape(g, own(from, g, "shape"), back, l->spatial ? 4 : 2);
    kiln_onnx_fill(g, own(one, g, "ones"), G, 1);
    kiln_onnx_fill(g, own(zero, g, "zeros"), G, 0);
    node(g, "Reshape", own(a, g, "grouped"), g->x, to);
    n = kiln_onnx_node(g, "InstanceNormalization", own(b, g, "normalised"),
                       KILN_ONNX_IN(a, one, zero));
    kiln_onnx_float(g, "epsilon", KILN_NORM_EPS);
    kiln_onnx_end(g, n);
    node(g, "Reshape", own(c, g, "ungrouped"), b, from);
    node(g, "Mul", own(d, g, "scaled"), c, channels(g, 0));
    node(g, "Add", g->y, d, channels(g, 1));
}

static void groupnorm(kiln_onnx *g)
{
    normalise_groups(g, (int)g->layer->value[0]);
}

static void layernorm(kiln_onnx *g)
{
    const char *gamma, *beta;
    size_t n;

    if (g->layer->spatial) {
        normalise_groups(g, 1);
        return;
    }
    gamma = tensor(g, 0, NULL, 0), beta = tensor(g, 1, NULL, 0);
    n = kiln_onnx_node(g, "LayerNormalization", g->y, KILN_ONNX_IN(g->x, gamma, beta));
    kiln_onnx_int(g, "axis", -1);
    kiln_onnx_float(g, "epsilon", KILN_NORM_EPS);
    kiln_onnx_end(g, n);
}

static void dropout(kiln_onnx *g)
{
    node(g, "Identity", g->y, g->x, NULL);
}

static void add(kiln_onnx *g)
{
    node(g, "Add", g->y, g->x, g->x2);
}

static void loss(kiln_onnx *g)
{
    size_t n;

    node(g, "Identity", "scores", g->x, NULL);
    if (!g->layer->kind->probabilities) return;
    n = kiln_onnx_node(g, "Softmax", "probabilities", KILN_ONNX_IN("scores"));
    kiln_onnx_int(g, "axis", -1);
    kiln_onnx_end(g, n);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const struct {
    const char *kind;
    void (*write)(kiln_onnx *g);
} table[] = {
    {"conv", conv},           {"whiten", conv},         {"maxpool", maxpool},
    {"avgpool", avgpool},     {"affine", affine},       {"flatten", flatten},
    {"relu", relu},           {"leakyrelu", leakyrelu}, {"gelu", gelu},
    {"tanh", hyperbolic_tangent},
    {"sigmoid", sigmoid},     {"silu", silu},           {"prelu", prelu},
    {"scale", scale},         {"batchnorm", batchnorm}, {"layernorm", layernorm},
    {"groupnorm", groupnorm}, {"dropout", dropout},     {"add", add},
    {"softmax", loss},        {"svm", loss},
};

int kiln_onnx_row(const kiln_layer *l)
{
    const char *kind = l->kind->name;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].kind, kind) == 0) return (int)i;
    return kiln_fail(KILN_E_ARG, "onnx: %s cannot leave: there is no ONNX form of %s here", l->name,
                     kind);
}

int kiln_onnx_layer(kiln_onnx *g)
{
    const int row = kiln_onnx_row(g->layer);

    if (row < 0) return row;
    table[row].write(g);
    return KILN_OK;
}
