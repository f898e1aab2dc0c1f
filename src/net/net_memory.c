/*
 * The memory plan of a net: values and gradients get buffers, and buffers get places in one pool so
 * that those whose lives overlap do not. Decided once, when the net is made, by the notation and
 * the batch alone.
 *
 * A value lives from the layer that makes it to its last reader: the layers that take it, its own
 * layer's backward pass where that reads the output (relu, tanh, sigmoid), and the backward pass of
 * a taker that reads its input (conv, affine, leakyrelu, gelu, normalisations). Dropout redraws its
 * mask and a maxpool keeps the places of its maxima, so they need neither. An elementwise layer
 * works in place on a value that nobody else reads. A gradient lives from its first writer, the
 * highest consumer, to its own layer.
 *
 * A value that one stretch makes and takes is fleeting and has no buffer at all, only a place in
 * the room of a thread: a batchnorm's output behind which a convolution or a pool comes, a
 * convolution's behind which a pool comes, and the gradient of a convolution's output that a
 * batchnorm or a pool gives. For a big image that is half of all traffic, and of all memory.
 *
 * With keep, everything has a buffer of its own for ever; with inference there is no backward pass.
 *
 * Places: buffers in order of size, largest first, each at the lowest offset that is free for its
 * life ("greedy by size", Pisarchyk and Lee, "Efficient memory management for deep neural net
 * inference", 2020).
 */
#include <stdlib.h>

#include "net/net_internal.h"

/* When the stretch of layer l begins and ends, in either direction. */
static int forward_begins(const kiln_net *net, int l)
{
    return net->node[l].forward.first;
}

static int forward_ends(const kiln_net *net, int l)
{
    return net->node[l].forward.last;
}

static int backward_begins(const kiln_net *net, int l)
{
    return 2 * net->plan.count - 2 - net->node[l].backward.last;
}

static int backward_ends(const kiln_net *net, int l)
{
    return 2 * net->plan.count - 2 - net->node[l].backward.first;
}

/* ---- what a layer reads going backward ------------------------------------------------------- */

static int reads(const kiln_net *net, int l, int what)
{
    return !net->options.inference && ((int)kiln_net_kind(net, l)->reads & what);
}

static int reads_input(const kiln_net *net, int l)
{
    return reads(net, l, KILN_READS_X);
}

static int reads_output(const kiln_net *net, int l)
{
    return reads(net, l, KILN_READS_OUT);
}

/* Takes windows of an image: never in place. */
static int takes_windows(const kiln_layer_kind *kind)
{
    return kind->groups || kind->pools;
}

/* ---- buffers --------------------------------------------------------------------------------- */

static int new_buffer(kiln_net *net, size_t elements, int from, int to)
{
    const size_t floats = elements * (size_t)net->options.batch;
    kiln_buffer *b = &net->buffer[net->buffers];

    b->floats = (floats + KILN_ALIGN_FLOATS - 1) / KILN_ALIGN_FLOATS * KILN_ALIGN_FLOATS;
    b->from = from;
    b->to = to;
    return net->buffers++;
}

static void live_until(kiln_net *net, int buffer, int time)
{
    if (buffer >= 0 && net->buffer[buffer].to < time) net->buffer[buffer].to = time;
}

static void find_consumers(kiln_net *net)
{
    const kiln_plan *plan = &net->plan;

    for (int l = 0; l < plan->count; l++) {
        const int sources[2] = {plan->layer[l].from, plan->layer[l].from2};
        kiln_node *node = &net->node[l];

        node->consumers = 0;
        node->last_consumer = -1;
        node->wants_gradient = net->options.keep || node->trained > 0;
        for (int i = 0; i < 2; i++) {
            if (sources[i] < 0) continue;
            net->node[sources[i]].consumers++;
            net->node[sources[i]].last_consumer = l;
            node->wants_gradient |= net->node[sources[i]].wants_gradient;
        }
        if (net->options.inference) node->wants_gradient = 0;
    }
}

/* Layer l may write its output over its input: nobody reads that later. */
static int in_place(const kiln_net *net, int l)
{
    const int from = net->plan.layer[l].from;

    return !net->options.keep && from >= 0 && net->plan.layer[l].in_place &&
           net->node[from].consumers == 1 && !reads_output(net, from) && !reads_input(net, l);
}

/* The backward pass of relu l, which the layer before it fused, goes into a neighbour's: a maxpool
 * that takes it, else a batchnorm that made it. */
static void fuse_back(kiln_net *net, int l)
{
    const int from = net->plan.layer[l].from, taker = net->node[l].last_consumer;
    int neighbour = -1;

    if (net->node[l].consumers == 1 &&
        kiln_net_kind(net, taker)->relu_backward == KILN_RELU_BEFORE)
        neighbour = taker;
    else if (kiln_net_kind(net, from)->relu_backward == KILN_RELU_BEHIND)
        neighbour = from;
    if (neighbour < 0) return;
    net->node[neighbour].relu_back = net->node[l].done_back = 1;
}

/* Batchnorm or convolution l, with the relu behind it: the output is taken in l's own stretch by
 * layers that do not overwrite it; and backward by none, or by one in a stretch that can make it
 * again: that behind a batchnorm. */
static void plan_fleeting(kiln_net *net, int l)
{
    const kiln_plan *plan = &net->plan;
    kiln_node *node = &net->node[l];
    const int value = node->relu ? l + 1 : l, is_conv = plan->layer[l].kind->groups != NULL;
    int again = 0;

    if (net->options.keep || net->options.inference || node->consumers == 0) return;
    if (node->relu && !net->node[value].done_back) return;
    for (int c = l + 1; c < plan->count; c++) {
        if (c == value || (plan->layer[c].from != value && plan->layer[c].from2 != value)) continue;
        if (!takes_windows(plan->layer[c].kind)) return;
        if (c > node->forward.last) return;
        if (reads_input(net, c) && (is_conv || net->node[c].backward.first != l + 1)) return;
        again |= reads_input(net, c);
    }
    node->again = again;
    node->fleeting = net->node[value].fleeting = 1;
    net->buffer[node->out_buffer].floats = 0;
    node->out_buffer = net->node[value].out_buffer = -1;
}

static void plan_outputs(kiln_net *net)
{
    const int loss = net->plan.count - 1;

    for (int l = 0; l < loss; l++) {
        const kiln_layer *layer = &net->plan.layer[l];
        kiln_node *node = &net->node[l];

        if (in_place(net, l)) {
            kiln_node *before = &net->node[layer->from];

            node->out_buffer = before->out_buffer;
            if (layer->kind->relu && kiln_net_kind(net, layer->from)->fuses_relu) {
                before->relu = node->done = 1;
                fuse_back(net, l);
            }
        } else {
            node->out_buffer = new_buffer(net, kiln_net_elements(net, l), forward_begins(net, l),
                                          forward_ends(net, l));
        }
        live_until(net, node->out_buffer, forward_ends(net, l));
        if (reads_output(net, l)) live_until(net, node->out_buffer, backward_ends(net, l));
        if (net->options.keep) live_until(net, node->out_buffer, KILN_FOREVER);
    }
    for (int l = 0; l <= loss; l++) {
        const int sources[2] = {net->plan.layer[l].from, net->plan.layer[l].from2};

        for (int i = 0; i < 2; i++) {
            if (sources[i] < 0) continue;
            live_until(net, net->node[sources[i]].out_buffer, forward_ends(net, l));
            if (reads_input(net, l))
                live_until(net, net->node[sources[i]].out_buffer, backward_ends(net, l));
            if (l == loss) live_until(net, net->node[sources[i]].out_buffer, KILN_FOREVER);
        }
    }
    for (int l = 0; l < loss; l++)
        if (kiln_net_kind(net, l)->fuses_relu && kiln_net_image_by_image(net, l))
            plan_fleeting(net, l);
}

/* Batchnorm or pool l gives the convolution before it, in its stretch, the gradient that nobody
 * else wants; through relu `from` where the convolution has done that. */
static int gives_at_once(const kiln_net *net, int l, int from)
{
    const int conv = kiln_net_does_nothing(net, from) ? net->plan.layer[from].from : from;

    return !net->options.keep && kiln_net_kind(net, conv)->groups &&
           (kiln_net_kind(net, l)->moments || kiln_net_kind(net, l)->pools) &&
           net->node[from].consumers == 1 &&
           net->node[conv].backward.first == net->node[l].backward.first;
}

/* The gradient of value `from`, written by layer l; `shared`: it may be layer l's own gradient,
 * changed in place. */
static void plan_gradient(kiln_net *net, int l, int from, int shared)
{
    kiln_node *node = &net->node[l], *source = from < 0 ? NULL : &net->node[from];
    const kiln_layer_kind *kind = kiln_net_kind(net, l);
    const int now = backward_begins(net, l), then = backward_ends(net, l);

    if (!source || !source->wants_gradient) {
        if (kind->always_dx)
            node->temp_buffer = new_buffer(net, kiln_net_elements(net, from), now, then);
    } else if (source->last_consumer != l) {
        if (!kind->joins)
            node->temp_buffer = new_buffer(net, kiln_net_elements(net, from), now, then);
    } else if (gives_at_once(net, l, from)) {
        source->fleeting_dout = 1;
    } else if (shared && source->consumers == 1 && !net->options.keep) {
        source->fleeting_dout = node->fleeting_dout;
        source->dout_buffer = node->dout_buffer;
        live_until(net, node->dout_buffer, backward_ends(net, from));
    } else {
        source->dout_buffer = new_buffer(net, kiln_net_elements(net, from), now,
                                         backward_ends(net, from));
        if (net->options.keep) live_until(net, source->dout_buffer, KILN_FOREVER);
    }
}

static void plan_gradients(kiln_net *net)
{
    if (net->options.inference) return;
    for (int l = net->plan.count - 1; l >= 0; l--) {
        const kiln_layer *layer = &net->plan.layer[l];

        if (l < net->plan.count - 1 && !net->node[l].wants_gradient) continue;
        if (layer->kind->joins) plan_gradient(net, l, layer->from2, 0);
        plan_gradient(net, l, layer->from, layer->in_place || layer->kind->in_place_backward);
        if (layer->kind->reads & KILN_READS_PLACE)
            net->node[l].place_buffer = new_buffer(
                net, kiln_net_elements(net, l), forward_begins(net, l),
                net->options.keep ? KILN_FOREVER : backward_ends(net, l));
    }
}

/* ---- rooms ----------------------------------------------------------------------------------- */

/* Room for layer l's values of `images`; returns where it begins. */
static size_t take_room(const kiln_net *net, size_t *used, int l, int images)
{
    const size_t at = *used, floats = kiln_net_elements(net, l) * (size_t)images;

    *used += (floats + KILN_ALIGN_FLOATS - 1) / KILN_ALIGN_FLOATS * KILN_ALIGN_FLOATS;
    return at;
}

static void place_out(kiln_net *net, size_t *used, int l, int images, int backward)
{
    const size_t at = take_room(net, used, l, images);

    net->node[l].out_room[backward] = at;
    if (net->node[l].relu) net->node[l + 1].out_room[backward] = at;
}

/* What is fleeting in one stretch. */
static size_t plan_room(kiln_net *net, kiln_stretch layers, int backward)
{
    const int images = kiln_net_chunk(net, layers, net->options.batch, backward);
    size_t used = 0;

    if (backward && layers.first > 0 && net->node[layers.first - 1].again)
        place_out(net, &used, layers.first - 1, images, 1);
    for (int l = layers.first; l <= layers.last; l++) {
        kiln_node *node = &net->node[l];

        const int follows = kiln_net_does_nothing(net, l); /* lies where the value before it does */

        if (!backward && node->fleeting && !follows) place_out(net, &used, l, images, 0);
        if (backward && node->fleeting_dout)
            node->dout_room = follows ? net->node[l - 1].dout_room
                                      : take_room(net, &used, l, images);
    }
    return used;
}

/* One stretch runs at a time, so they share the room. */
static void plan_rooms(kiln_net *net)
{
    net->room_floats = 0;
    for (int l = 0; l < net->plan.count; l++)
        for (int backward = 0; backward < 2; backward++) {
            const kiln_stretch layers = backward ? net->node[l].backward : net->node[l].forward;
            const size_t floats = layers.first == l ? plan_room(net, layers, backward) : 0;

            if (net->room_floats < floats) net->room_floats = floats;
        }
}

/* ---- places ---------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const kiln_buffer *p = *(kiln_buffer *const *)a, *q = *(kiln_buffer *const *)b;

    if (p->floats != q->floats) return p->floats < q->floats ? 1 : -1;
    return p < q ? -1 : p > q; /* a fixed order: qsort is not stable */
}

static int overlap(const kiln_buffer *p, const kiln_buffer *q)
{
    return p->from <= q->to && q->from <= p->to;
}

/* placed[0..count-1] are in order of offset; b gets the lowest that is free, and joins them. */
static void place(kiln_buffer **placed, int count, kiln_buffer *b)
{
    int i;

    b->offset = 0;
    for (i = 0; i < count; i++) {
        const size_t end = placed[i]->offset + placed[i]->floats;

        if (!overlap(placed[i], b)) continue;
        if (placed[i]->offset >= b->offset + b->floats) break;
        if (end > b->offset) b->offset = end;
    }
    for (i = count; i > 0 && placed[i - 1]->offset > b->offset; i--) placed[i] = placed[i - 1];
    placed[i] = b;
}

void kiln_net_plan_memory(kiln_net *net)
{
    kiln_buffer *order[KILN_BUFFERS_MAX], *placed[KILN_BUFFERS_MAX];

    net->buffers = 0;
    for (int l = 0; l < net->plan.count; l++) {
        kiln_node *node = &net->node[l];

        node->out_buffer = node->dout_buffer = node->temp_buffer = node->place_buffer = -1;
        node->relu = node->done = node->relu_back = node->done_back = 0;
        node->fleeting = node->fleeting_dout = node->again = 0;
    }
    find_consumers(net);
    plan_outputs(net);
    plan_gradients(net);
    plan_rooms(net);
    for (int i = 0; i < net->buffers; i++) order[i] = &net->buffer[i];
    qsort(order, (size_t)net->buffers, sizeof *order, by_size);
    net->pool_floats = 0;
    for (int i = 0; i < net->buffers; i++) {
        place(placed, i, order[i]);
        if (net->pool_floats < order[i]->offset + order[i]->floats)
            net->pool_floats = order[i]->offset + order[i]->floats;
    }
}
