/*
 * Rows of the elementwise layers; formulas and sources in layers/activation.c.
 *
 * Costs: 1 FLOP an element for a comparison or a product, 20 for an exponential.
 */
#include "net/kinds.h"
#include "ref/ref_layers.h"

static int count(const kiln_pass *p)
{
    return p->n * (int)kiln_layer_elements(p->layer);
}

static int twin_count(const kiln_twin *t)
{
    return t->n * (int)kiln_layer_elements(t->layer);
}

/* ---- relu, leakyrelu ------------------------------------------------------------------------- */

static void relu_forward(const kiln_pass *p)
{
    kiln_relu_forward(p->out, p->x, count(p));
}

static void relu_backward(const kiln_pass *p)
{
    kiln_relu_backward(p->dx, p->dout, p->out, count(p));
}

static void relu_twin(const kiln_twin *t)
{
    ref_relu_forward(t->out, t->x, twin_count(t));
}

static void leakyrelu_forward(const kiln_pass *p)
{
    kiln_leaky_relu_forward(p->out, p->x, count(p), (float)p->layer->value[0]);
}

static void leakyrelu_backward(const kiln_pass *p)
{
    kiln_leaky_relu_backward(p->dx, p->dout, p->x, count(p), (float)p->layer->value[0]);
}

static void leakyrelu_twin(const kiln_twin *t)
{
    ref_leaky_relu_forward(t->out, t->x, twin_count(t), t->layer->value[0]);
}

/* ---- gelu, tanh, sigmoid, silu --------------------------------------------------------------- */

static void gelu_forward(const kiln_pass *p)
{
    kiln_gelu_forward(p->out, p->x, count(p));
}

static void gelu_backward(const kiln_pass *p)
{
    kiln_gelu_backward(p->dx, p->dout, p->x, count(p));
}

static void gelu_twin(const kiln_twin *t)
{
    ref_gelu_forward(t->out, t->x, twin_count(t));
}

static void tanh_forward(const kiln_pass *p)
{
    kiln_tanh_forward(p->out, p->x, count(p));
}

static void tanh_backward(const kiln_pass *p)
{
    kiln_tanh_backward(p->dx, p->dout, p->out, count(p));
}

static void tanh_twin(const kiln_twin *t)
{
    ref_tanh_forward(t->out, t->x, twin_count(t));
}

static void sigmoid_forward(const kiln_pass *p)
{
    kiln_sigmoid_forward(p->out, p->x, count(p));
}

static void sigmoid_backward(const kiln_pass *p)
{
    kiln_sigmoid_backward(p->dx, p->dout, p->out, count(p));
}

static void sigmoid_twin(const kiln_twin *t)
{
    ref_sigmoid_forward(t->out, t->x, twin_count(t));
}

static void silu_forward(const kiln_pass *p)
{
    kiln_silu_forward(p->out, p->x, count(p));
}

static void silu_backward(const kiln_pass *p)
{
    kiln_silu_backward(p->dx, p->dout, p->x, count(p));
}

static void silu_twin(const kiln_twin *t)
{
    ref_sigmoid_forward(t->out, t->x, twin_count(t));
    for (int i = 0; i < twin_count(t); i++) t->out[i] *= t->x[i];
}

/* ---- prelu ----------------------------------------------------------------------------------- */

/* The paper's start; its slopes do not decay, which would make them a relu. */
static int prelu_tensors(const kiln_layer *l, kiln_tensor_row *t)
{
    t[0] = (kiln_tensor_row){.name = "slope", .shape = {l->C}, .start = 0.25f};
    return 1;
}

static size_t prelu_work(const kiln_layer *l, int n)
{
    return (size_t)n * kiln_layer_elements(l);
}

static int rows(const kiln_pass *p)
{
    return p->n * p->layer->H * p->layer->W;
}

static void prelu_forward(const kiln_pass *p)
{
    kiln_prelu_forward(p->out, p->x, p->data[0], rows(p), p->layer->C);
}

static void prelu_backward(const kiln_pass *p)
{
    kiln_prelu_backward(p->dx, p->gradient[0], p->dout, p->x, p->data[0], rows(p), p->layer->C,
                        p->work);
}

static void prelu_twin(const kiln_twin *t)
{
    for (int i = 0; i < twin_count(t); i++)
        t->out[i] = t->x[i] < 0 ? t->data[0][i % t->layer->C] * t->x[i] : t->x[i];
}

/* ---- scale ----------------------------------------------------------------------------------- */

static void scale_forward(const kiln_pass *p)
{
    kiln_vec_scale(p->out, p->x, count(p), (float)p->layer->value[0]);
}

static void scale_backward(const kiln_pass *p)
{
    kiln_vec_scale(p->dx, p->dout, count(p), (float)p->layer->value[0]);
}

static void scale_twin(const kiln_twin *t)
{
    for (int i = 0; i < twin_count(t); i++) t->out[i] = t->layer->value[0] * t->x[i];
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const kiln_attribute leakyrelu_attributes[] = {
    {.name = "slope", .optional = 1, .type = KILN_SHARE, .what = "the slope", .standard = 0.01f},
    {0}};

static const kiln_attribute scale_attributes[] = {
    {.name = "factor", .type = KILN_NUMBER, .what = "the factor, as in scale 0.125",
     .max = 65536},
    {0}};

const kiln_layer_kind kiln_kinds_activation[] = {
    {
        .name = "relu",
        .notation = "relu",
        .flops = 1,
        .reads = KILN_READS_OUT,
        .in_place = 1,
        .relu = 1,
        .corners = 1,
        .by_image = 1,
        .forward = relu_forward,
        .backward = relu_backward,
        .twin = relu_twin,
    },
    {
        .name = "leakyrelu",
        .notation = "leakyrelu",
        .aliases = {"lrelu"},
        .attribute = leakyrelu_attributes,
        .flops = 1,
        .reads = KILN_READS_X,
        .in_place = 1,
        .corners = 1,
        .by_image = 1,
        .forward = leakyrelu_forward,
        .backward = leakyrelu_backward,
        .twin = leakyrelu_twin,
    },
    {
        .name = "gelu",
        .notation = "gelu",
        .flops = 20,
        .reads = KILN_READS_X,
        .in_place = 1,
        .by_image = 1,
        .forward = gelu_forward,
        .backward = gelu_backward,
        .twin = gelu_twin,
    },
    {
        .name = "tanh",
        .notation = "tanh",
        .flops = 20,
        .reads = KILN_READS_OUT,
        .in_place = 1,
        .by_image = 1,
        .forward = tanh_forward,
        .backward = tanh_backward,
        .twin = tanh_twin,
    },
    {
        .name = "sigmoid",
        .notation = "sigmoid",
        .aliases = {"logistic"},
        .flops = 20,
        .reads = KILN_READS_OUT,
        .in_place = 1,
        .by_image = 1,
        .forward = sigmoid_forward,
        .backward = sigmoid_backward,
        .twin = sigmoid_twin,
    },
    {
        .name = "silu",
        .notation = "silu",
        .aliases = {"swish"},
        .flops = 20,
        .reads = KILN_READS_X,
        .in_place = 1,
        .by_image = 1,
        .forward = silu_forward,
        .backward = silu_backward,
        .twin = silu_twin,
    },
    {
        .name = "prelu",
        .notation = "prelu",
        .flops = 1,
        .tensors = prelu_tensors,
        .work = prelu_work,
        .reads = KILN_READS_X,
        .in_place = 1,
        .corners = 1,
        .forward = prelu_forward,
        .backward = prelu_backward,
        .twin = prelu_twin,
    },
    {
        .name = "scale",
        .notation = "scale",
        .attribute = scale_attributes,
        .flops = 1,
        .in_place = 1,
        .by_image = 1,
        .forward = scale_forward,
        .backward = scale_backward,
        .twin = scale_twin,
    },
    {0},
};
