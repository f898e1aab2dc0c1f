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
 * A transient value (net_schedule.c) has no buffer at all, only a place in the scratch of a thread.
 * For a big image that is half of all traffic, and of all memory.
 *
 * With keep, everything has a buffer of its own for ever; with inference there is no backward pass.
 *
 * Places: buffers in order of size, largest first, each at the lowest offset that is free for its
 * life ("greedy by size", Pisarchyk and Lee, "Efficient memory management for deep neural net
 * inference", 2020).
 */
#include <stdlib.h>

#include "net/net_internal.h"

/* When layer l runs: as the number of a step, one later behind the loss. */
static int forward_time(const kiln_net *net, int l)
{
    return net->node[l].step[0];
}

static int backward_time(const kiln_net *net, int l)
{
    return l == net->plan.count - 1 ? forward_time(net, l) : net->node[l].step[1] + 1;
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

/* Transient outputs have no buffer; neither has a relu that the layer before it does, there. */
static void make_output(kiln_net *net, int l)
{
    kiln_node *node = &net->node[l];

    if (node->transient) return;
    if (kiln_net_in_place(net, l))
        node->out_buffer = net->node[net->plan.layer[l].from].out_buffer;
    else
        node->out_buffer = new_buffer(net, kiln_net_elements(net, l), forward_time(net, l),
                                      forward_time(net, l));
    live_until(net, node->out_buffer, forward_time(net, l));
    if (kiln_net_reads_output(net, l)) live_until(net, node->out_buffer, backward_time(net, l));
    if (net->options.keep) live_until(net, node->out_buffer, KILN_FOREVER);
}

static void plan_outputs(kiln_net *net)
{
    const int loss = net->plan.count - 1;

    for (int l = 0; l < loss; l++) make_output(net, l);
    for (int l = 0; l <= loss; l++) {
        const int sources[2] = {net->plan.layer[l].from, net->plan.layer[l].from2};

        for (int i = 0; i < 2; i++) {
            if (sources[i] < 0) continue;
            live_until(net, net->node[sources[i]].out_buffer, forward_time(net, l));
            if (kiln_net_reads_input(net, l))
                live_until(net, net->node[sources[i]].out_buffer, backward_time(net, l));
            if (l == loss) live_until(net, net->node[sources[i]].out_buffer, KILN_FOREVER);
        }
    }
}

/* The gradient of value `from`, written by layer l; `shared`: it may be layer l's own gradient,
 * changed in place. */
static void plan_gradient(kiln_net *net, int l, int from, int shared)
{
    kiln_node *node = &net->node[l], *source = from < 0 ? NULL : &net->node[from];
    const kiln_layer_kind *kind = kiln_net_kind(net, l);
    const int now = backward_time(net, l);

    if (!source || !source->wants_gradient) {
        if (kind->always_dx)
            node->temp_buffer = new_buffer(net, kiln_net_elements(net, from), now, now);
    } else if (source->last_consumer != l) {
        if (!kind->joins)
            node->temp_buffer = new_buffer(net, kiln_net_elements(net, from), now, now);
    } else if (source->transient_gradient) {
        return;
    } else if (shared && source->consumers == 1 && !net->options.keep) {
        source->dout_buffer = node->dout_buffer;
        live_until(net, node->dout_buffer, backward_time(net, from));
    } else {
        source->dout_buffer = new_buffer(net, kiln_net_elements(net, from), now,
                                         backward_time(net, from));
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
                net, kiln_net_elements(net, l), forward_time(net, l),
                net->options.keep ? KILN_FOREVER : backward_time(net, l));
    }
}

/* ---- transient values ------------------------------------------------------------------------ */

/* A place in a thread's scratch for layer l's values of `images`. */
static size_t take_scratch(const kiln_net *net, size_t *used, int l, int images)
{
    const size_t at = *used, floats = kiln_net_elements(net, l) * (size_t)images;

    *used += (floats + KILN_ALIGN_FLOATS - 1) / KILN_ALIGN_FLOATS * KILN_ALIGN_FLOATS;
    return at;
}

/* The output of layer l, and of the relu that is done with it. */
static void place_output(kiln_net *net, size_t *used, int l, int images, int backward)
{
    const size_t at = take_scratch(net, used, l, images);

    net->node[l].transient_at[backward] = at;
    if (net->node[l].relu) net->node[l + 1].transient_at[backward] = at;
}

static void place_gradient(kiln_net *net, size_t *used, int l, int images)
{
    const size_t at = take_scratch(net, used, l, images);

    net->node[l].transient_gradient_at = at;
    if (net->node[l].relu) net->node[l + 1].transient_gradient_at = at;
}

/* What is transient in one step; returns the floats. */
static size_t plan_scratch(kiln_net *net, const kiln_step *step)
{
    size_t used = 0;

    for (int i = step->first; i < step->first + step->count; i++) {
        const int l = net->action[i].layer;
        const enum kiln_act what = (enum kiln_act)net->action[i].what;
        const kiln_node *node = &net->node[l];

        if (what == KILN_DO_AGAIN || (what == KILN_DO_FORWARD && node->transient))
            place_output(net, &used, l, step->chunk, step->backward);
        if (what == KILN_DO_BACKWARD && node->transient_gradient &&
            !kiln_net_is_fused_relu(net, l))
            place_gradient(net, &used, l, step->chunk);
    }
    return used;
}

/* One step runs at a time, so they share the scratch. */
static void plan_threads(kiln_net *net)
{
    net->thread_floats = 0;
    for (int s = 0; s < net->steps; s++) {
        const size_t floats = plan_scratch(net, &net->step_list[s]);

        if (net->thread_floats < floats) net->thread_floats = floats;
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
    kiln_buffer buffer[KILN_BUFFERS_MAX], *order[KILN_BUFFERS_MAX], *placed[KILN_BUFFERS_MAX];

    net->buffer = buffer;
    net->buffers = 0;
    for (int l = 0; l < net->plan.count; l++) {
        kiln_node *node = &net->node[l];

        node->out_buffer = node->dout_buffer = node->temp_buffer = node->place_buffer = -1;
    }
    plan_outputs(net);
    plan_gradients(net);
    plan_threads(net);
    for (int i = 0; i < net->buffers; i++) order[i] = &net->buffer[i];
    qsort(order, (size_t)net->buffers, sizeof *order, by_size);
    net->pool_floats = 0;
    for (int i = 0; i < net->buffers; i++) {
        place(placed, i, order[i]);
        if (net->pool_floats < order[i]->offset + order[i]->floats)
            net->pool_floats = order[i]->offset + order[i]->floats;
    }
    for (int i = 0; i < net->buffers; i++) net->buffer_at[i] = buffer[i].offset;
    net->buffer = NULL;
}
