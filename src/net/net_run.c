/*
 * Forward and backward through the plan, layer by layer, on the buffers that net_memory.c gave out.
 *
 * A gradient with several writers is their sum, the highest layer first: an order that the notation
 * alone fixes. A relu behind a convolution, an affine or a batchnorm is done while that stores its
 * output (node.relu). Its backward pass is done by the maxpool that takes it or the batchnorm that
 * made it, where there is one (node.relu_back), else in place on the same gradient. Same bits
 * either way, which a test proves.
 */
#include <time.h>

#include "kernels/vec.h"
#include "net/net_internal.h"

/* Dropout of layer l at step t draws from stream 256 t + l. */
kiln_rng kiln_net_dropout_rng(const kiln_net *net, int l)
{
    const uint64_t stream = (uint64_t)net->step * KILN_LAYERS_MAX + (uint64_t)l;

    return (kiln_rng){net->options.seed, KILN_RNG_DROPOUT, stream};
}

float kiln_net_dropout_rate(const kiln_net *net, int l)
{
    return net->dropout < 0 ? net->plan.layer[l].u.rate : net->dropout;
}

const float *kiln_net_output(const kiln_net *net, int l)
{
    return l < 0 ? net->input : net->node[l].out;
}

size_t kiln_net_elements(const kiln_net *net, int l)
{
    const kiln_plan *p = &net->plan;

    if (l < 0) return (size_t)p->C * (size_t)p->H * (size_t)p->W;
    return (size_t)p->layer[l].C * (size_t)p->layer[l].H * (size_t)p->layer[l].W;
}

/* ---- forward --------------------------------------------------------------------------------- */

static void copy(float *out, const float *x, int count)
{
    if (out != x) kiln_vec_copy(out, x, count);
}

static void forward_batchnorm(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *learned = &net->tensor[node->learned];
    const kiln_tensor *running = &net->tensor[node->statistics];
    const float *x = kiln_net_output(net, layer->from), *gamma = learned[0].data,
                *beta = learned[1].data;
    float *mean = observing ? net->spare : running[0].data;
    float *var = observing ? net->spare + net->spare_floats / 2 : running[1].data;
    const int R = n * layer->H * layer->W;

    if (train)
        kiln_batchnorm_forward(node->out, node->mean, node->inv_std, mean, var, x, gamma, beta, R,
                               layer->C, KILN_NORM_EPS, KILN_NORM_MOMENTUM, node->relu, net->work);
    else
        kiln_batchnorm_test(node->out, x, gamma, beta, running[0].data, running[1].data, R,
                            layer->C, KILN_NORM_EPS, node->relu);
}

/* layernorm of an image is groupnorm of one group. */
static void forward_groups(kiln_net *net, int l, int n)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = &net->tensor[node->learned];
    const float *x = kiln_net_output(net, layer->from);
    const int G = layer->kind == KILN_GROUPNORM ? layer->u.groups : 1;

    if (layer->kind == KILN_LAYERNORM && !layer->spatial)
        kiln_layernorm_forward(node->out, node->mean, node->inv_std, x, t[0].data, t[1].data, n,
                               layer->C, KILN_NORM_EPS);
    else
        kiln_groupnorm_forward(node->out, node->mean, node->inv_std, x, t[0].data, t[1].data, n,
                               layer->H * layer->W, layer->C, G, KILN_NORM_EPS, net->work);
}

static void forward_dropout(kiln_net *net, int l, int count, int train)
{
    const float *x = kiln_net_output(net, net->plan.layer[l].from);
    const float rate = kiln_net_dropout_rate(net, l);

    if (train && rate > 0)
        kiln_dropout(net->node[l].out, x, count, rate, kiln_net_dropout_rng(net, l), 0);
    else
        copy(net->node[l].out, x, count);
}

static void forward_flatten(const kiln_layer *layer, float *out, const float *x, int n)
{
    if (layer->in_H * layer->in_W == 1)
        copy(out, x, n * layer->C);
    else
        kiln_flatten_forward(out, x, n, layer->in_H * layer->in_W, layer->in_C);
}

void kiln_net_forward_layer(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = node->learned < 0 ? NULL : &net->tensor[node->learned];
    const float *x = kiln_net_output(net, layer->from);
    const int count = n * (int)kiln_net_elements(net, l);
    kiln_conv_shape conv = layer->u.conv;
    kiln_pool_shape pool = layer->u.pool;

    conv.N = pool.N = n;
    switch (layer->kind) {
    case KILN_CONV:
        kiln_conv2d_forward(node->out, x, t[0].data, t[1].data, &conv, node->relu, net->work);
        break;
    case KILN_AFFINE:
        kiln_affine_forward(node->out, x, t[0].data, t[1].data, n, layer->in_C, layer->C,
                            node->relu, net->work);
        break;
    case KILN_MAXPOOL: kiln_maxpool_forward(node->out, x, &pool); break;
    case KILN_AVGPOOL: kiln_avgpool_forward(node->out, x, &pool); break;
    case KILN_FLATTEN: forward_flatten(layer, node->out, x, n); break;
    case KILN_RELU:
        if (!node->done) kiln_relu_forward(node->out, x, count);
        break;
    case KILN_LEAKYRELU: kiln_leaky_relu_forward(node->out, x, count, layer->u.slope); break;
    case KILN_GELU: kiln_gelu_forward(node->out, x, count); break;
    case KILN_TANH: kiln_tanh_forward(node->out, x, count); break;
    case KILN_SIGMOID: kiln_sigmoid_forward(node->out, x, count); break;
    case KILN_BATCHNORM: forward_batchnorm(net, l, n, train, observing); break;
    case KILN_LAYERNORM:
    case KILN_GROUPNORM: forward_groups(net, l, n); break;
    case KILN_DROPOUT: forward_dropout(net, l, count, train); break;
    case KILN_ADD:
        kiln_residual_add(node->out, x, kiln_net_output(net, layer->from2), count);
        break;
    default: break; /* a loss: kiln_net_data_loss */
    }
}

/* ---- backward -------------------------------------------------------------------------------- */

/* Where layer l writes the gradient of value `from`; NULL where nobody wants it. */
static float *gradient_place(kiln_net *net, int l, int from)
{
    if (net->node[l].temp) return net->node[l].temp;
    return from >= 0 && net->node[from].wants_gradient ? net->node[from].dout : NULL;
}

/* After it was written: a second writer's share is added to what stands there. */
static void gradient_join(kiln_net *net, int l, int from, int count)
{
    if (from < 0 || !net->node[from].wants_gradient || !net->node[l].temp) return;
    kiln_residual_add(net->node[from].dout, net->node[from].dout, net->node[l].temp, count);
}

/* Both ends of an ADD get its gradient. */
static void backward_add(kiln_net *net, int l, int count)
{
    const int ends[2] = {net->plan.layer[l].from2, net->plan.layer[l].from};
    const float *dout = net->node[l].dout;

    for (int i = 0; i < 2; i++) {
        kiln_node *end = ends[i] < 0 ? NULL : &net->node[ends[i]];

        if (!end || !end->wants_gradient) continue;
        if (end->last_consumer == l)
            copy(end->dout, dout, count);
        else
            kiln_residual_add(end->dout, end->dout, dout, count);
    }
}

static void backward_norm(kiln_net *net, int l, int n, float *dx)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const kiln_tensor *t = &net->tensor[node->learned];
    const float *x = kiln_net_output(net, layer->from), *gamma = t[0].data, *dout = node->dout;
    float *dgamma = t[0].gradient, *dbeta = t[1].gradient;
    const int S = layer->H * layer->W, C = layer->C;
    const int G = layer->kind == KILN_GROUPNORM ? layer->u.groups : 1;

    if (layer->kind == KILN_BATCHNORM)
        kiln_batchnorm_backward_alt(dx, dgamma, dbeta, dout, x, gamma,
                                    node->relu_back ? t[1].data : NULL, node->mean, node->inv_std,
                                    n * S, C, net->work);
    else if (layer->kind == KILN_LAYERNORM && !layer->spatial)
        kiln_layernorm_backward(dx, dgamma, dbeta, dout, x, gamma, node->mean, node->inv_std, n, C,
                                net->work);
    else
        kiln_groupnorm_backward(dx, dgamma, dbeta, dout, x, gamma, node->mean, node->inv_std, n, S,
                                C, G, net->work);
}

static void backward_elementwise(kiln_net *net, int l, int count, float *dx)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const float *x = kiln_net_output(net, layer->from), *dout = node->dout;
    const float rate = layer->kind == KILN_DROPOUT ? kiln_net_dropout_rate(net, l) : 0;

    switch (layer->kind) {
    case KILN_RELU:
        if (node->done_back)
            copy(dx, dout, count);
        else
            kiln_relu_backward(dx, dout, node->out, count);
        break;
    case KILN_LEAKYRELU: kiln_leaky_relu_backward(dx, dout, x, count, layer->u.slope); break;
    case KILN_GELU: kiln_gelu_backward(dx, dout, x, count); break;
    case KILN_TANH: kiln_tanh_backward(dx, dout, node->out, count); break;
    case KILN_SIGMOID: kiln_sigmoid_backward(dx, dout, node->out, count); break;
    default: /* dropout */
        if (rate > 0)
            kiln_dropout(dx, dout, count, rate, kiln_net_dropout_rng(net, l), 0);
        else
            copy(dx, dout, count);
    }
}

static void backward_flatten(const kiln_layer *layer, float *dx, const float *dout, int n)
{
    if (layer->in_H * layer->in_W == 1)
        copy(dx, dout, n * layer->C);
    else
        kiln_flatten_backward(dx, dout, n, layer->in_H * layer->in_W, layer->in_C);
}

void kiln_net_backward_layer(kiln_net *net, int l, int n)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const kiln_tensor *t = node->learned < 0 ? NULL : &net->tensor[node->learned];
    const float *x = kiln_net_output(net, layer->from), *dout = node->dout;
    const int count = n * (int)kiln_net_elements(net, l);
    float *dx = gradient_place(net, l, layer->from);
    kiln_conv_shape conv = layer->u.conv;
    kiln_pool_shape pool = layer->u.pool;

    conv.N = pool.N = n;
    if (!dx && !t && layer->kind != KILN_ADD) return; /* nobody wants anything of it */
    switch (layer->kind) {
    case KILN_CONV:
        kiln_conv2d_backward(dx, t[0].gradient, t[1].gradient, dout, x, t[0].data, &conv,
                             net->work);
        break;
    case KILN_AFFINE:
        kiln_affine_backward(dx, t[0].gradient, t[1].gradient, dout, x, t[0].data, n, layer->in_C,
                             layer->C, net->work);
        break;
    case KILN_MAXPOOL:
        kiln_maxpool_backward(dx, dout, x, node->out, &pool, node->relu_back);
        break;
    case KILN_AVGPOOL: kiln_avgpool_backward(dx, dout, &pool); break;
    case KILN_FLATTEN: backward_flatten(layer, dx, dout, n); break;
    case KILN_BATCHNORM:
    case KILN_LAYERNORM:
    case KILN_GROUPNORM: backward_norm(net, l, n, dx); break;
    case KILN_ADD: backward_add(net, l, count); break;
    default: backward_elementwise(net, l, count, dx);
    }
    gradient_join(net, l, layer->from, n * (int)kiln_net_elements(net, layer->from));
}

/* ---- passes ---------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A pass that measures accuracy would only blur the times of a step. */
static int profiled(const kiln_net *net)
{
    return net->profiling && net->last_train;
}

const float *kiln_net_forward(kiln_net *net, int n, int train)
{
    const int loss = net->plan.count - 1;

    net->last_n = n;
    net->last_train = train;
    net->calls += profiled(net);
    for (int l = 0; l < loss; l++) {
        const double start = profiled(net) ? seconds() : 0;

        kiln_net_forward_layer(net, l, n, train, 0);
        if (profiled(net)) net->forward_seconds[l] += seconds() - start;
    }
    return kiln_net_output(net, net->plan.layer[loss].from);
}

double kiln_net_data_loss(kiln_net *net, const int *y, int n)
{
    const kiln_layer *layer = &net->plan.layer[net->plan.count - 1];
    const float *scores = kiln_net_output(net, layer->from);
    float *dscores = layer->from < 0 ? NULL : net->node[layer->from].dout;
    const double start = profiled(net) ? seconds() : 0;
    const double loss = layer->kind == KILN_SVM ? kiln_svm_loss(dscores, scores, y, n, layer->C)
                                                : kiln_softmax_loss(dscores, scores, y, n, layer->C,
                                                                    layer->u.smoothing);

    if (profiled(net)) net->forward_seconds[net->plan.count - 1] += seconds() - start;
    return loss;
}

void kiln_net_backward(kiln_net *net, int n)
{
    for (int l = net->plan.count - 2; l >= 0; l--) {
        const double start = profiled(net) ? seconds() : 0;

        if (!net->node[l].wants_gradient) continue;
        kiln_net_backward_layer(net, l, n);
        if (profiled(net)) net->backward_seconds[l] += seconds() - start;
    }
}
