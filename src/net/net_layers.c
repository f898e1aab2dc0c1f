/*
 * One layer of a pass, forward or backward, on the buffers that net_memory.c gave out: what must be
 * known of all images first (packed filters, sums over the batch), then images, and what all images
 * give (gradients of filters). The arithmetic is that of the layer's row (kinds.h).
 *
 * A gradient with several writers is their sum, the highest layer first: an order that the notation
 * alone fixes. A relu behind a convolution, an affine or a batchnorm is done while that stores its
 * output (node.relu). Its backward pass is done by the maxpool that takes it or the batchnorm that
 * made it, where there is one (node.relu_backward), else in place on the same gradient. Same bits
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

const kiln_layer_kind *kiln_net_kind(const kiln_net *net, int l)
{
    return net->plan.layer[l].kind;
}

const float *kiln_net_output(const kiln_net *net, int l)
{
    return l < 0 ? net->input : net->node[l].out;
}

size_t kiln_net_elements(const kiln_net *net, int l)
{
    const kiln_plan *p = &net->plan;

    return l < 0 ? (size_t)p->C * (size_t)p->H * (size_t)p->W : kiln_layer_elements(&p->layer[l]);
}

int kiln_net_image_by_image(const kiln_net *net, int l)
{
    const int multiple = kiln_net_kind(net, l)->by_image;

    return multiple && kiln_net_elements(net, l) % (size_t)multiple == 0;
}

/* ---- values ---------------------------------------------------------------------------------- */

static float *scratch_of(const kiln_net *net, int thread)
{
    return net->threads + (size_t)thread * net->thread_floats;
}

float *kiln_net_out_at(const kiln_net *net, int l, int first, int thread, int backward)
{
    const kiln_node *node = l < 0 ? NULL : &net->node[l];

    if (node && node->transient) return scratch_of(net, thread) + node->transient_at[backward];
    return (node ? node->out : net->input) + (size_t)first * kiln_net_elements(net, l);
}

static float *dout_at(const kiln_net *net, int l, int first, int thread)
{
    const kiln_node *node = &net->node[l];

    if (node->transient_gradient)
        return scratch_of(net, thread) + node->transient_gradient_at;
    return node->dout + (size_t)first * kiln_net_elements(net, l);
}

/* NULL where there is no backward pass. */
static int32_t *place_at(const kiln_net *net, int l, int first)
{
    int32_t *place = net->node[l].place;

    return place ? place + (size_t)first * kiln_net_elements(net, l) : NULL;
}

/* ---- gradients of inputs --------------------------------------------------------------------- */

/* Where layer l writes the gradient of its input from an image on; NULL where nobody wants it. */
static float *dx_at(const kiln_net *net, int l, int first, int thread)
{
    const int from = net->plan.layer[l].from;

    if (!kiln_net_kind(net, l)->always_dx && (from < 0 || !net->node[from].wants_gradient))
        return NULL;
    if (net->node[l].temp) return net->node[l].temp + (size_t)first * kiln_net_elements(net, from);
    return dout_at(net, from, first, thread);
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

/* Both ends of an add get its gradient. */
static void backward_add(kiln_net *net, int l, size_t at, int count)
{
    const int ends[2] = {net->plan.layer[l].from2, net->plan.layer[l].from};
    const float *dout = net->node[l].dout + at;

    for (int i = 0; i < 2; i++) {
        kiln_node *end = ends[i] < 0 ? NULL : &net->node[ends[i]];

        if (!end || !end->wants_gradient) continue;
        if (end->last_consumer == l)
            kiln_copy_values(end->dout + at, dout, count);
        else
            kiln_residual_add(end->dout + at, end->dout + at, dout, count);
    }
}

/* ---- passes ---------------------------------------------------------------------------------- */

static int has_gradient(const kiln_node *node)
{
    return node->dout != NULL || node->transient_gradient;
}

/* Images first .. first + n - 1 of `all`, in a forward or a backward pass. */
static kiln_pass make_pass(const kiln_net *net, int l, int all, int first, int n, int thread,
                           int backward)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    kiln_pass p = {.layer = layer, .n = n, .first = first, .all = all, .thread = thread};

    for (int i = 0; i < node->tensors; i++) {
        p.data[i] = net->tensor[node->tensor[i]].data;
        p.gradient[i] = net->tensor[node->tensor[i]].gradient;
    }
    p.plan = node->made;
    p.cache = node->cache;
    p.sums = net->sums;
    p.work = net->work;
    p.x = kiln_net_out_at(net, layer->from, first, thread, backward);
    p.out = kiln_net_out_at(net, l, first, thread, backward);
    if (layer->from2 >= 0 || kiln_net_kind(net, l)->joins)
        p.x2 = kiln_net_out_at(net, layer->from2, first, thread, backward);
    if (backward) {
        p.dout = has_gradient(node) ? dout_at(net, l, first, thread) : NULL;
        p.dx = dx_at(net, l, first, thread);
    }
    p.place = place_at(net, l, first);
    p.train = 1;
    p.relu = node->relu;
    p.relu_backward = node->relu_backward;
    p.rate = net->dropout;
    p.rng = kiln_net_dropout_rng(net, l);
    return p;
}

/* Running statistics of the pass are written where nobody reads them. */
static void divert_statistics(const kiln_net *net, int l, kiln_pass *p)
{
    float *spare = net->spare;

    for (int i = 0; i < net->node[l].tensors; i++) {
        const kiln_tensor *t = &net->tensor[net->node[l].tensor[i]];

        if (t->parameter) continue;
        p->data[i] = spare;
        spare += (t->size + KILN_ALIGN_FLOATS - 1) / KILN_ALIGN_FLOATS * KILN_ALIGN_FLOATS;
    }
}

void kiln_net_begin_forward(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_layer_kind *kind = kiln_net_kind(net, l);
    kiln_pass p = make_pass(net, l, n, 0, n, 0, 0);

    if (!kind->begin_forward) return;
    p.train = train;
    if (train && observing) divert_statistics(net, l, &p);
    kind->begin_forward(&p);
}

void kiln_net_forward_images(kiln_net *net, int l, int first, int n, int train, int thread)
{
    kiln_pass p = make_pass(net, l, n, first, n, thread, 0);

    p.train = train;
    kiln_net_kind(net, l)->forward(&p);
}

void kiln_net_begin_backward(kiln_net *net, int l, int n)
{
    const kiln_layer_kind *kind = kiln_net_kind(net, l);
    const kiln_pass p = make_pass(net, l, n, 0, n, 0, 1);

    if (kind->begin_backward) kind->begin_backward(&p);
}

void kiln_net_end_backward(kiln_net *net, int l, int n)
{
    const kiln_pass p = make_pass(net, l, n, 0, n, 0, 1);

    if (kiln_net_kind(net, l)->end_backward) kiln_net_kind(net, l)->end_backward(&p);
}

void kiln_net_backward_images(kiln_net *net, int l, int all, int group, int first, int n,
                              int thread)
{
    const kiln_layer_kind *kind = kiln_net_kind(net, l);
    const size_t size = kiln_net_elements(net, l);
    kiln_pass p = make_pass(net, l, all, first, n, thread, 1);

    p.group = group;
    if (kind->joins)
        backward_add(net, l, (size_t)first * size, n * (int)size);
    else if (!p.dx && !net->node[l].trained)
        return; /* nobody wants anything of it */
    else
        kind->backward(&p);
    gradient_join(net, l, first, n);
}

/* ---- sums over the batch --------------------------------------------------------------------- */

int kiln_net_sums_by_image(const kiln_net *net, int l)
{
    const kiln_layer *layer = &net->plan.layer[l];

    return layer->kind->sums_by_image && layer->kind->sums_by_image(layer);
}

void kiln_net_moments(kiln_net *net, int l, int n, int first, int count)
{
    kiln_pass p = make_pass(net, l, n, 0, n, 0, 0);

    p.first = first, p.n = count;
    kiln_net_kind(net, l)->moments(&p);
}

void kiln_net_dots(kiln_net *net, int l, int n, int first, int count)
{
    kiln_pass p = make_pass(net, l, n, 0, n, 0, 1);

    p.first = first, p.n = count;
    kiln_net_kind(net, l)->dots(&p);
}

void kiln_net_make_again(kiln_net *net, int l, int first, int n, int thread)
{
    const kiln_pass p = make_pass(net, l, n, first, n, thread, 1);

    kiln_net_kind(net, l)->forward(&p);
}

/* ---- all images at once ---------------------------------------------------------------------- */

void kiln_net_backward_whole(kiln_net *net, int l, int n)
{
    const kiln_pass p = make_pass(net, l, n, 0, n, 0, 1);

    if (kiln_net_kind(net, l)->backward_all) {
        kiln_net_kind(net, l)->backward_all(&p);
        gradient_join(net, l, 0, n);
        return;
    }
    kiln_net_begin_backward(net, l, n);
    kiln_net_backward_images(net, l, n, 0, 0, n, 0);
    kiln_net_end_backward(net, l, n);
}

void kiln_net_backward_layer(kiln_net *net, int l, int n)
{
    if (kiln_net_kind(net, l)->dots) kiln_net_dots(net, l, n, 0, n);
    kiln_net_backward_whole(net, l, n);
}
