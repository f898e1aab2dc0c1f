/*
 * One layer of a pass, forward or backward, on the buffers that net_memory.c gave out: what must be
 * known of all images first (packed filters, batchnorm's statistics), then images, and what all
 * images give (gradients of filters).
 *
 * A gradient with several writers is their sum, the highest layer first: an order that the notation
 * alone fixes. A relu behind a convolution, an affine or a batchnorm is done while that stores its
 * output (node.relu). Its backward pass is done by the maxpool that takes it or the batchnorm that
 * made it, where there is one (node.relu_back), else in place on the same gradient. Same bits
 * either way, which a test proves.
 */
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

static size_t elements(const kiln_layer *layer)
{
    return (size_t)layer->C * (size_t)layer->H * (size_t)layer->W;
}

size_t kiln_net_elements(const kiln_net *net, int l)
{
    const kiln_plan *p = &net->plan;

    return l < 0 ? (size_t)p->C * (size_t)p->H * (size_t)p->W : elements(&p->layer[l]);
}

kiln_conv_shape kiln_net_conv_shape(const kiln_net *net, int l, int n)
{
    kiln_conv_shape s = net->plan.layer[l].u.conv;

    s.N = n;
    return s;
}

static const kiln_tensor *learned_of(const kiln_net *net, int l)
{
    return net->node[l].learned < 0 ? NULL : &net->tensor[net->node[l].learned];
}

int kiln_net_does_nothing(const kiln_net *net, int l)
{
    const kiln_node *node = &net->node[l];

    return net->plan.layer[l].kind == KILN_RELU && node->done;
}

int kiln_net_image_by_image(const kiln_net *net, int l)
{
    switch (net->plan.layer[l].kind) {
    case KILN_CONV:
    case KILN_MAXPOOL:
    case KILN_AVGPOOL:
    case KILN_FLATTEN:
    case KILN_RELU:
    case KILN_LEAKYRELU:
    case KILN_GELU:
    case KILN_TANH:
    case KILN_SIGMOID:
    case KILN_BATCHNORM:
    case KILN_ADD: return 1;
    case KILN_DROPOUT: return kiln_net_elements(net, l) % 4 == 0; /* as it draws */
    default: return 0;
    }
}

/* ---- values ---------------------------------------------------------------------------------- */

static float *room_of(const kiln_net *net, int thread)
{
    return net->rooms + (size_t)thread * net->room_floats;
}

float *kiln_net_out_at(const kiln_net *net, int l, int first, int thread, int backward)
{
    const kiln_node *node = l < 0 ? NULL : &net->node[l];

    if (node && node->fleeting) return room_of(net, thread) + node->out_room[backward];
    return (node ? node->out : net->input) + (size_t)first * kiln_net_elements(net, l);
}

static float *dout_at(const kiln_net *net, int l, int first, int thread)
{
    const kiln_node *node = &net->node[l];

    if (node->fleeting_dout) return room_of(net, thread) + node->dout_room;
    return node->dout + (size_t)first * elements(&net->plan.layer[l]);
}

/* Of a maxpool; NULL where there is no backward pass. */
static int32_t *place_at(const kiln_net *net, int l, int first)
{
    int32_t *place = net->node[l].place;

    return place ? place + (size_t)first * elements(&net->plan.layer[l]) : NULL;
}

/* ---- forward --------------------------------------------------------------------------------- */

static void copy(float *out, const float *x, int count)
{
    if (out != x) kiln_vec_copy(out, x, count);
}

void kiln_net_begin_forward(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);

    if (net->plan.layer[l].kind == KILN_CONV)
        kiln_conv2d_kernels(&conv)->filters(learned_of(net, l)->data, &conv, 0, net->work);
    else if (net->plan.layer[l].kind == KILN_BATCHNORM)
        kiln_net_begin_batchnorm(net, l, n, train, observing);
}

/* layernorm of an image is groupnorm of one group. */
static void forward_groups(kiln_net *net, int l, int n)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = learned_of(net, l);
    const float *x = kiln_net_output(net, layer->from);
    const int G = layer->kind == KILN_GROUPNORM ? layer->u.groups : 1;

    if (layer->kind == KILN_LAYERNORM && !layer->spatial)
        kiln_layernorm_forward(node->out, node->mean, node->inv_std, x, t[0].data, t[1].data, n,
                               layer->C, KILN_NORM_EPS);
    else
        kiln_groupnorm_forward(node->out, node->mean, node->inv_std, x, t[0].data, t[1].data, n,
                               layer->H * layer->W, layer->C, G, KILN_NORM_EPS, net->work);
}

static void flatten(const kiln_layer *layer, float *out, const float *x, int n)
{
    if (layer->in_H * layer->in_W == 1)
        copy(out, x, n * layer->C);
    else
        kiln_flatten_forward(out, x, n, layer->in_H * layer->in_W, layer->in_C);
}

/* Elements from `at` on of what dropout l takes, forward or backward. */
static void drop(const kiln_net *net, int l, float *out, const float *x, int count, size_t at,
                 int train)
{
    const float rate = kiln_net_dropout_rate(net, l);

    if (train && rate > 0)
        kiln_dropout(out, x, count, rate, kiln_net_dropout_rng(net, l), at);
    else
        copy(out, x, count);
}

void kiln_net_forward_images(kiln_net *net, int l, int first, int n, int train, int thread)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = learned_of(net, l);
    const float *x = kiln_net_out_at(net, layer->from, first, thread, 0);
    float *out = kiln_net_out_at(net, l, first, thread, 0);
    const size_t at = (size_t)first * kiln_net_elements(net, l);
    const int count = n * (int)kiln_net_elements(net, l);
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);
    kiln_pool_shape pool = layer->u.pool;

    pool.N = n;
    switch (layer->kind) {
    case KILN_CONV:
        kiln_conv2d_kernels(&conv)->images(out, x, t[1].data, &conv, 0, node->relu, net->work);
        break;
    case KILN_AFFINE:
        kiln_affine_forward(out, x, t[0].data, t[1].data, n, layer->in_C, layer->C, node->relu,
                            net->work);
        break;
    case KILN_MAXPOOL:
        kiln_maxpool_forward(out, place_at(net, l, first), x, &pool, node->relu_back);
        break;
    case KILN_AVGPOOL: kiln_avgpool_forward(out, x, &pool); break;
    case KILN_FLATTEN: flatten(layer, out, x, n); break;
    case KILN_RELU:
        if (!node->done) kiln_relu_forward(out, x, count);
        break;
    case KILN_LEAKYRELU: kiln_leaky_relu_forward(out, x, count, layer->u.slope); break;
    case KILN_GELU: kiln_gelu_forward(out, x, count); break;
    case KILN_TANH: kiln_tanh_forward(out, x, count); break;
    case KILN_SIGMOID: kiln_sigmoid_forward(out, x, count); break;
    case KILN_BATCHNORM:
        kiln_batchnorm_rows(out, x, node->tables, n * layer->H * layer->W, layer->C, node->relu);
        break;
    case KILN_LAYERNORM:
    case KILN_GROUPNORM: forward_groups(net, l, n); break;
    case KILN_DROPOUT: drop(net, l, out, x, count, at, train); break;
    case KILN_ADD:
        kiln_residual_add(out, x, kiln_net_out_at(net, layer->from2, first, thread, 0), count);
        break;
    default: break; /* a loss: kiln_net_data_loss */
    }
}

/* ---- backward -------------------------------------------------------------------------------- */

/* Where layer l writes the gradient of its input from an image on; NULL where nobody wants it. */
static float *dx_at(const kiln_net *net, int l, int first, int thread)
{
    const int from = net->plan.layer[l].from;

    if (net->node[l].temp) return net->node[l].temp + (size_t)first * kiln_net_elements(net, from);
    return from >= 0 && net->node[from].wants_gradient ? dout_at(net, from, first, thread) : NULL;
}

/* After it was written: a second writer's share is added to what stands there. */
static void gradient_join(kiln_net *net, int l, int first, int n)
{
    const int from = net->plan.layer[l].from;
    const size_t size = kiln_net_elements(net, from), at = (size_t)first * size;
    float *dout;

    if (from < 0 || !net->node[from].wants_gradient || !net->node[l].temp) return;
    dout = net->node[from].dout + at;
    kiln_residual_add(dout, dout, net->node[l].temp + at, n * (int)size);
}

/* Both ends of an ADD get its gradient. */
static void backward_add(kiln_net *net, int l, size_t at, int count)
{
    const int ends[2] = {net->plan.layer[l].from2, net->plan.layer[l].from};
    const float *dout = net->node[l].dout + at;

    for (int i = 0; i < 2; i++) {
        kiln_node *end = ends[i] < 0 ? NULL : &net->node[ends[i]];

        if (!end || !end->wants_gradient) continue;
        if (end->last_consumer == l)
            copy(end->dout + at, dout, count);
        else
            kiln_residual_add(end->dout + at, end->dout + at, dout, count);
    }
}

static void backward_groups(kiln_net *net, int l, int n, float *dx)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const kiln_tensor *t = learned_of(net, l);
    const float *x = kiln_net_output(net, layer->from);
    const int G = layer->kind == KILN_GROUPNORM ? layer->u.groups : 1;

    if (layer->kind == KILN_LAYERNORM && !layer->spatial)
        kiln_layernorm_backward(dx, t[0].gradient, t[1].gradient, node->dout, x, t[0].data,
                                node->mean, node->inv_std, n, layer->C, net->work);
    else
        kiln_groupnorm_backward(dx, t[0].gradient, t[1].gradient, node->dout, x, t[0].data,
                                node->mean, node->inv_std, n, layer->H * layer->W, layer->C, G,
                                net->work);
}

static void backward_elementwise(kiln_net *net, int l, float *dx, const float *dout, const float *x,
                                 const float *out, int count, size_t at)
{
    const kiln_layer *layer = &net->plan.layer[l];

    switch (layer->kind) {
    case KILN_RELU:
        if (net->node[l].done_back)
            copy(dx, dout, count);
        else
            kiln_relu_backward(dx, dout, out, count);
        break;
    case KILN_LEAKYRELU: kiln_leaky_relu_backward(dx, dout, x, count, layer->u.slope); break;
    case KILN_GELU: kiln_gelu_backward(dx, dout, x, count); break;
    case KILN_TANH: kiln_tanh_backward(dx, dout, out, count); break;
    case KILN_SIGMOID: kiln_sigmoid_backward(dx, dout, out, count); break;
    default: drop(net, l, dx, dout, count, at, 1);
    }
}

static void unflatten(const kiln_layer *layer, float *dx, const float *dout, int n)
{
    if (layer->in_H * layer->in_W == 1)
        copy(dx, dout, n * layer->C);
    else
        kiln_flatten_backward(dx, dout, n, layer->in_H * layer->in_W, layer->in_C);
}

void kiln_net_begin_backward(kiln_net *net, int l, int n)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_tensor *t = learned_of(net, l);
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);

    if (layer->kind == KILN_CONV)
        kiln_conv2d_begin_backward(t[0].data, &conv, dx_at(net, l, 0, 0) != NULL, net->work);
    else if (layer->kind == KILN_BATCHNORM)
        kiln_net_begin_batchnorm_backward(net, l, n);
}

void kiln_net_end_backward(kiln_net *net, int l, int n)
{
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);
    const kiln_tensor *t = learned_of(net, l);

    if (net->plan.layer[l].kind == KILN_CONV)
        kiln_conv2d_end_backward(t[0].gradient, t[1].gradient, &conv, net->work);
}

void kiln_net_backward_images(kiln_net *net, int l, int all, int group, int first, int n,
                              int thread)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const kiln_tensor *t = learned_of(net, l);
    const size_t at = (size_t)first * kiln_net_elements(net, l);
    const int count = n * (int)kiln_net_elements(net, l);
    const float *x = kiln_net_out_at(net, layer->from, first, thread, 1);
    const float *out = kiln_net_out_at(net, l, first, thread, 1);
    const float *dout = dout_at(net, l, first, thread);
    float *dx = dx_at(net, l, first, thread);
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, all);
    kiln_pool_shape pool = layer->u.pool;

    pool.N = n;
    if (!dx && !t && layer->kind != KILN_ADD) return; /* nobody wants anything of it */
    switch (layer->kind) {
    case KILN_CONV:
        kiln_conv2d_backward_images(dx, dout, x, &conv, group, first, first + n, thread, net->work);
        break;
    case KILN_AFFINE:
        kiln_affine_backward(dx, t[0].gradient, t[1].gradient, dout, x, t[0].data, n, layer->in_C,
                             layer->C, net->work);
        break;
    case KILN_MAXPOOL: kiln_maxpool_backward(dx, dout, place_at(net, l, first), &pool); break;
    case KILN_AVGPOOL: kiln_avgpool_backward(dx, dout, &pool); break;
    case KILN_FLATTEN: unflatten(layer, dx, dout, n); break;
    case KILN_BATCHNORM:
        kiln_batchnorm_rows_backward(dx, dout, x, node->tables, n * layer->H * layer->W,
                                     layer->C, node->relu_back);
        break;
    case KILN_LAYERNORM:
    case KILN_GROUPNORM: backward_groups(net, l, n, dx); break;
    case KILN_ADD: backward_add(net, l, at, count); break;
    default: backward_elementwise(net, l, dx, dout, x, out, count, at);
    }
    gradient_join(net, l, first, n);
}

/* ---- all images at once ---------------------------------------------------------------------- */

void kiln_net_forward_layer(kiln_net *net, int l, int n, int train, int observing)
{
    kiln_net_begin_forward(net, l, n, train, observing);
    kiln_net_forward_images(net, l, 0, n, train, 0);
}

void kiln_net_backward_layer(kiln_net *net, int l, int n)
{
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);
    const kiln_tensor *t = learned_of(net, l);

    if (net->plan.layer[l].kind == KILN_CONV) {
        kiln_conv2d_backward(dx_at(net, l, 0, 0), t[0].gradient, t[1].gradient, net->node[l].dout,
                             kiln_net_output(net, net->plan.layer[l].from), t[0].data, &conv,
                             net->work);
        gradient_join(net, l, 0, n);
        return;
    }
    kiln_net_begin_backward(net, l, n);
    kiln_net_backward_images(net, l, n, 0, 0, n, 0);
}
