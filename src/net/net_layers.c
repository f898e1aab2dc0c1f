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
#include "base/threads.h"
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

/* ---- sums of batchnorm ----------------------------------------------------------------------- */

static int rows_of_image(const kiln_net *net, int l)
{
    return net->plan.layer[l].H * net->plan.layer[l].W;
}

int kiln_net_sums_by_image(const kiln_net *net, int l)
{
    return rows_of_image(net, l) % kiln_batchnorm_block(net->plan.layer[l].C) == 0;
}

void kiln_net_moments(kiln_net *net, int l, int n, int first, int count, int thread)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const int S = rows_of_image(net, l);

    kiln_batchnorm_moments(net->sums, kiln_net_output(net, layer->from), first * S,
                           (first + count) * S, n * S, layer->C, thread);
}

void kiln_net_dots(kiln_net *net, int l, int n, int first, int count, int thread)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const int S = rows_of_image(net, l);

    kiln_batchnorm_dots(net->sums, node->dout, kiln_net_output(net, layer->from), node->tables,
                        first * S, (first + count) * S, n * S, layer->C, node->relu_back, thread);
}

typedef struct {
    kiln_net *net;
    int l, n, backward;
} sums_job;

/* A block of rows is a task here. */
static void sums_task(void *context, int block, int thread)
{
    const sums_job *j = context;
    const kiln_layer *layer = &j->net->plan.layer[j->l];
    const kiln_node *node = &j->net->node[j->l];
    const float *x = kiln_net_output(j->net, layer->from);
    const int first = block * kiln_batchnorm_block(layer->C);
    const int R = j->n * rows_of_image(j->net, j->l);

    if (j->backward)
        kiln_batchnorm_dots(j->net->sums, node->dout, x, node->tables, first, first + 1, R,
                            layer->C, node->relu_back, thread);
    else
        kiln_batchnorm_moments(j->net->sums, x, first, first + 1, R, layer->C, thread);
}

/* Unless the stretch before has done it. */
static void take_sums(kiln_net *net, int l, int n, int backward)
{
    const int rows = n * rows_of_image(net, l), block = kiln_batchnorm_block(net->plan.layer[l].C);
    sums_job j = {net, l, n, backward};

    if (net->summed != l) kiln_parallel((rows + block - 1) / block, sums_task, &j);
    net->summed = -1;
}

/* ---- forward --------------------------------------------------------------------------------- */

static void copy(float *out, const float *x, int count)
{
    if (out != x) kiln_vec_copy(out, x, count);
}

static void begin_batchnorm(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = learned_of(net, l), *running = &net->tensor[node->statistics];
    float *mean = observing ? net->spare : running[0].data;
    float *var = observing ? net->spare + net->spare_floats / 2 : running[1].data;

    if (!train) {
        kiln_batchnorm_begin_test(node->tables, t[0].data, t[1].data, running[0].data,
                                  running[1].data, layer->C, KILN_NORM_EPS);
        return;
    }
    take_sums(net, l, n, 0);
    kiln_batchnorm_begin(node->tables, node->mean, node->inv_std, mean, var, net->sums, t[0].data,
                         t[1].data, n * rows_of_image(net, l), layer->C, KILN_NORM_EPS,
                         KILN_NORM_MOMENTUM);
}

void kiln_net_begin_forward(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);

    if (net->plan.layer[l].kind == KILN_CONV)
        kiln_conv2d_kernels(&conv)->filters(learned_of(net, l)->data, &conv, 0, net->work);
    else if (net->plan.layer[l].kind == KILN_BATCHNORM)
        begin_batchnorm(net, l, n, train, observing);
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

void kiln_net_forward_images(kiln_net *net, int l, int first, int n, int train)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = learned_of(net, l);
    const size_t at = (size_t)first * kiln_net_elements(net, l);
    const float *x = kiln_net_output(net, layer->from) +
                     (size_t)first * kiln_net_elements(net, layer->from);
    float *out = node->out + at;
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
    case KILN_MAXPOOL: kiln_maxpool_forward(out, x, &pool); break;
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
        kiln_batchnorm_rows(out, x, node->tables, n * rows_of_image(net, l), layer->C, node->relu);
        break;
    case KILN_LAYERNORM:
    case KILN_GROUPNORM: forward_groups(net, l, n); break;
    case KILN_DROPOUT: drop(net, l, out, x, count, at, train); break;
    case KILN_ADD:
        kiln_residual_add(out, x, kiln_net_output(net, layer->from2) + at, count);
        break;
    default: break; /* a loss: kiln_net_data_loss */
    }
}

/* ---- backward -------------------------------------------------------------------------------- */

/* Where layer l writes the gradient of value `from`; NULL where nobody wants it. */
static float *gradient_place(const kiln_net *net, int l, int from)
{
    if (net->node[l].temp) return net->node[l].temp;
    return from >= 0 && net->node[from].wants_gradient ? net->node[from].dout : NULL;
}

static float *from_image(float *values, int image, size_t elements)
{
    return values ? values + (size_t)image * elements : NULL;
}

/* After it was written: a second writer's share is added to what stands there. */
static void gradient_join(kiln_net *net, int l, int first, int n)
{
    const int from = net->plan.layer[l].from;
    const size_t size = kiln_net_elements(net, from);
    float *dout;

    if (from < 0 || !net->node[from].wants_gradient || !net->node[l].temp) return;
    dout = from_image(net->node[from].dout, first, size);
    kiln_residual_add(dout, dout, from_image(net->node[l].temp, first, size), n * (int)size);
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

static void backward_elementwise(kiln_net *net, int l, size_t at, int count, float *dx)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const float *x = kiln_net_output(net, layer->from) + at, *out = node->out + at;
    const float *dout = node->dout + at;

    switch (layer->kind) {
    case KILN_RELU:
        if (node->done_back)
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
    const kiln_node *node = &net->node[l];
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);

    if (layer->kind == KILN_CONV)
        kiln_conv2d_begin_backward(t[0].data, &conv, gradient_place(net, l, layer->from) != NULL,
                                   net->work);
    if (layer->kind != KILN_BATCHNORM) return;
    take_sums(net, l, n, 1);
    kiln_batchnorm_begin_backward(node->tables, t[0].gradient, t[1].gradient, net->sums, t[0].data,
                                  node->inv_std, n * rows_of_image(net, l), layer->C);
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
    const size_t in = kiln_net_elements(net, layer->from), out = kiln_net_elements(net, l);
    const size_t at = (size_t)first * out;
    const float *x = kiln_net_output(net, layer->from), *dout = node->dout + at;
    float *const all_dx = gradient_place(net, l, layer->from);
    float *const dx = from_image(all_dx, first, in);
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, all);
    kiln_pool_shape pool = layer->u.pool;

    pool.N = n;
    if (!dx && !t && layer->kind != KILN_ADD) return; /* nobody wants anything of it */
    switch (layer->kind) {
    case KILN_CONV:
        kiln_conv2d_backward_images(all_dx, node->dout, x, &conv, group, first, first + n, thread,
                                    net->work);
        break;
    case KILN_AFFINE:
        kiln_affine_backward(dx, t[0].gradient, t[1].gradient, dout, x, t[0].data, n, layer->in_C,
                             layer->C, net->work);
        break;
    case KILN_MAXPOOL:
        kiln_maxpool_backward(dx, dout, x + (size_t)first * in, node->out + at, &pool,
                              node->relu_back);
        break;
    case KILN_AVGPOOL: kiln_avgpool_backward(dx, dout, &pool); break;
    case KILN_FLATTEN: unflatten(layer, dx, dout, n); break;
    case KILN_BATCHNORM:
        kiln_batchnorm_rows_backward(dx, dout, x + at, node->tables, n * rows_of_image(net, l),
                                     layer->C, node->relu_back);
        break;
    case KILN_LAYERNORM:
    case KILN_GROUPNORM: backward_groups(net, l, n, dx); break;
    case KILN_ADD: backward_add(net, l, at, n * (int)out); break;
    default: backward_elementwise(net, l, at, n * (int)out, dx);
    }
    gradient_join(net, l, first, n);
}

/* ---- all images at once ---------------------------------------------------------------------- */

void kiln_net_forward_layer(kiln_net *net, int l, int n, int train, int observing)
{
    kiln_net_begin_forward(net, l, n, train, observing);
    kiln_net_forward_images(net, l, 0, n, train);
}

void kiln_net_backward_layer(kiln_net *net, int l, int n)
{
    const kiln_conv_shape conv = kiln_net_conv_shape(net, l, n);
    const kiln_tensor *t = learned_of(net, l);
    const int from = net->plan.layer[l].from;

    if (net->plan.layer[l].kind == KILN_CONV) {
        kiln_conv2d_backward(gradient_place(net, l, from), t[0].gradient, t[1].gradient,
                             net->node[l].dout, kiln_net_output(net, from), t[0].data, &conv,
                             net->work);
        gradient_join(net, l, 0, n);
        return;
    }
    kiln_net_begin_backward(net, l, n);
    kiln_net_backward_images(net, l, n, 0, 0, n, 0);
}
