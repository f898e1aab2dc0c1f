/*
 * The list of steps that a training pass takes, written when the net is made.
 *
 * Layer by layer, a big value goes out to memory and comes back for each layer that reads it. So
 * layers in a row are fused to a group that is taken image by image: a few images go through all of
 * them while the second-level cache has them, then the next few. A group ends where a layer needs
 * all images at once: a batchnorm its sums, an affine its product. In the usual nets it is a
 * convolution with what surrounds it,
 *
 *   forward    batchnorm's map, relu, maxpool, [conv], and the sums of the batchnorm behind it
 *   backward   batchnorm's map, [conv: dx, dw, db], and the sums of the batchnorm before it
 *
 * or, without batchnorm, [conv], relu, maxpool both ways. There is one convolution in a group,
 * since its packed filters take the scratch.
 *
 * A value that one group makes and takes is transient: it never reaches memory, only the scratch of
 * a thread, for the images at hand. Such are a batchnorm's output behind which a convolution or a
 * pool comes, a convolution's behind which a pool comes, and the gradient of a convolution's output
 * that a batchnorm or a pool gives. A transient output that the backward pass reads is made again
 * there, from its input.
 *
 * Nothing of this changes a bit: what an image gets does not depend on its neighbours, and sums
 * over images have blocks and groups of their own, fixed by the shape.
 */
#include "net/net_internal.h"

/* Of all values of a group, for the images taken at a time: 512 KB. */
#define CHUNK_FLOATS 131072

/* Layers first .. last. */
typedef struct {
    int first, last;
} span;

/* What decides on the list, for each layer. */
typedef struct {
    span forward[KILN_LAYERS_MAX], backward[KILN_LAYERS_MAX]; /* that run together with it */
    unsigned char relu_is_back[KILN_LAYERS_MAX]; /* a neighbour does this relu's backward pass */
    unsigned char again[KILN_LAYERS_MAX];        /* its transient output is made again */
} schedule;

/* ---- what a layer reads ---------------------------------------------------------------------- */

static int reads(const kiln_net *net, int l, int what)
{
    return !net->options.inference && ((int)kiln_net_kind(net, l)->reads & what);
}

int kiln_net_reads_input(const kiln_net *net, int l)
{
    return reads(net, l, KILN_READS_X);
}

int kiln_net_reads_output(const kiln_net *net, int l)
{
    return reads(net, l, KILN_READS_OUT);
}

/* Takes windows of an image: never in place. */
static int takes_windows(const kiln_layer_kind *kind)
{
    return kind->groups || kind->pools;
}

static void find_consumers(kiln_net *net)
{
    const kiln_plan *plan = &net->plan;

    for (int l = 0; l < plan->count; l++) {
        const int sources[2] = {plan->layer[l].from, plan->layer[l].from2};
        kiln_node *node = &net->node[l];

        node->consumers = 0;
        node->last_consumer = -1;
        for (int i = 0; i < 2; i++) {
            if (sources[i] < 0) continue;
            net->node[sources[i]].consumers++;
            net->node[sources[i]].last_consumer = l;
        }
    }
}

int kiln_net_in_place(const kiln_net *net, int l)
{
    const int from = net->plan.layer[l].from;

    return !net->options.keep && from >= 0 && net->plan.layer[l].in_place &&
           net->node[from].consumers == 1 && !kiln_net_reads_output(net, from) &&
           !kiln_net_reads_input(net, l);
}

int kiln_net_is_fused_relu(const kiln_net *net, int l)
{
    const int from = net->plan.layer[l].from;

    return from >= 0 && kiln_net_kind(net, l)->relu && net->node[from].relu;
}

/* ---- relus ----------------------------------------------------------------------------------- */

/* A relu behind a layer that can stores max(0, out) there. Its backward pass goes into a
 * neighbour's: a maxpool that takes it, else a batchnorm that made it. */
static void fuse_relus(kiln_net *net, schedule *s)
{
    for (int l = 0; l < net->plan.count - 1; l++) {
        const int from = net->plan.layer[l].from, taker = net->node[l].last_consumer;

        if (!kiln_net_in_place(net, l) || !kiln_net_kind(net, l)->relu ||
            !kiln_net_kind(net, from)->fuses_relu)
            continue;
        net->node[from].relu = 1;
        if (net->node[l].consumers == 1 &&
            kiln_net_kind(net, taker)->relu_backward == KILN_RELU_BEFORE)
            net->node[taker].relu_backward = s->relu_is_back[l] = 1;
        else if (kiln_net_kind(net, from)->relu_backward == KILN_RELU_BEHIND)
            net->node[from].relu_backward = s->relu_is_back[l] = 1;
    }
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* A net that keeps every value has no groups: a test compares the two. A convolution whose filters
 * outweigh its image goes alone backward: dx and dw in turn, a few images each, would drive each
 * other's filters out of the cache. */
static int joins(const kiln_net *net, int l, int backward)
{
    if (backward && kiln_net_kind(net, l)->groups &&
        (size_t)net->tensor[net->node[l].tensor[0]].size > kiln_net_elements(net, l))
        return 0;
    return !net->options.keep && kiln_net_image_by_image(net, l);
}

/* Layer l begins a group, whose layers before it in this direction have a convolution or not. A
 * pool goes with the convolution on its larger side. */
static int begins(const kiln_net *net, int l, int before, int has_conv, int backward)
{
    const kiln_layer_kind *kind = kiln_net_kind(net, l);

    return !joins(net, l, backward) || !joins(net, before, backward) || kind->moments ||
           (has_conv && (kind->groups || (backward && kind->pools)));
}

static void find_groups(const kiln_net *net, schedule *s)
{
    const int last = net->plan.count - 1;
    int has_conv = 0;

    for (int l = 0, first = 0; l <= last; l++) {
        if (l == 0 || begins(net, l, l - 1, has_conv, 0)) {
            first = l;
            has_conv = 0;
        }
        has_conv |= kiln_net_kind(net, l)->groups != NULL;
        for (int i = first; i <= l; i++) s->forward[i] = (span){first, l};
    }
    for (int l = last, end = last; l >= 0; l--) {
        if (l == last || begins(net, l, l + 1, has_conv, 1)) {
            end = l;
            has_conv = 0;
        }
        has_conv |= kiln_net_kind(net, l)->groups != NULL;
        for (int i = l; i <= end; i++) s->backward[i] = (span){l, end};
    }
}

/* ---- transient values ------------------------------------------------------------------------ */

/* Batchnorm or convolution l, with the relu behind it: the output is taken in l's own group by
 * layers that do not overwrite it; and backward by none, or by one in a group that can make it
 * again: that behind a batchnorm. */
static void find_transient_output(kiln_net *net, schedule *s, int l)
{
    const kiln_plan *plan = &net->plan;
    kiln_node *node = &net->node[l];
    const int value = node->relu ? l + 1 : l, is_conv = plan->layer[l].kind->groups != NULL;
    int again = 0;

    if (net->options.keep || net->options.inference || node->consumers == 0) return;
    if (node->relu && !s->relu_is_back[value]) return;
    for (int c = l + 1; c < plan->count; c++) {
        const int reads_it = kiln_net_reads_input(net, c);

        if (c == value || (plan->layer[c].from != value && plan->layer[c].from2 != value)) continue;
        if (!takes_windows(plan->layer[c].kind)) return;
        if (c > s->forward[l].last) return;
        if (reads_it && (is_conv || s->backward[c].first != l + 1)) return;
        again |= reads_it;
    }
    s->again[l] = (unsigned char)again;
    node->transient = net->node[value].transient = 1;
}

/* Batchnorm or pool l gives the convolution before it, in its group, the gradient that nobody else
 * wants; through relu `from` where the convolution has done that. */
static int gives_at_once(const kiln_net *net, const schedule *s, int l, int from)
{
    const int conv = kiln_net_is_fused_relu(net, from) ? net->plan.layer[from].from : from;

    return !net->options.keep && kiln_net_kind(net, conv)->groups &&
           (kiln_net_kind(net, l)->moments || kiln_net_kind(net, l)->pools) &&
           net->node[from].consumers == 1 && s->backward[conv].first == s->backward[l].first;
}

static void find_transient_gradients(kiln_net *net, const schedule *s)
{
    for (int l = net->plan.count - 1; l >= 0; l--) {
        const int from = net->plan.layer[l].from;
        kiln_node *source = from < 0 ? NULL : &net->node[from];

        if (l < net->plan.count - 1 && !net->node[l].wants_gradient) continue;
        if (!source || !source->wants_gradient || source->last_consumer != l) continue;
        source->transient_gradient =
            gives_at_once(net, s, l, from) ||
            (kiln_net_is_fused_relu(net, l) && net->node[l].transient_gradient);
    }
}

static void find_transient_values(kiln_net *net, schedule *s)
{
    for (int l = 0; l < net->plan.count - 1; l++)
        if (kiln_net_kind(net, l)->fuses_relu && kiln_net_image_by_image(net, l))
            find_transient_output(net, s, l);
    if (!net->options.inference) find_transient_gradients(net, s);
}

/* ---- the list -------------------------------------------------------------------------------- */

static void act(kiln_net *net, enum kiln_act what, int layer)
{
    kiln_step *step = &net->step_list[net->steps];

    net->action[step->first + step->count++] =
        (kiln_action){.what = (unsigned char)what, .layer = (short)layer};
}

static kiln_step *begin_step(kiln_net *net, int backward)
{
    kiln_step *step = &net->step_list[net->steps];
    const kiln_step *before = net->steps ? step - 1 : NULL;

    *step = (kiln_step){.backward = (unsigned char)backward, .grouped = -1,
                        .chunk = net->options.batch};
    step->first = before ? before->first + before->count : 0;
    return step;
}

static void end_step(kiln_net *net)
{
    if (net->step_list[net->steps].count) net->steps++;
}

/* Images of a fused group at a time. */
static void choose_chunk(const kiln_net *net, kiln_step *step, span layers)
{
    size_t floats = kiln_net_elements(net, net->plan.layer[layers.first].from);
    int chunk, multiple = 1;

    for (int l = layers.first; l <= layers.last; l++) {
        if (!kiln_net_is_fused_relu(net, l)) floats += kiln_net_elements(net, l);
        if (!step->backward || !kiln_net_kind(net, l)->groups || !net->node[l].trained) continue;
        step->grouped = l;
        multiple = kiln_net_kind(net, l)->group_step(net->node[l].made);
    }
    chunk = floats < CHUNK_FLOATS ? (int)(CHUNK_FLOATS / floats) : 1;
    chunk = (chunk + multiple - 1) / multiple * multiple;
    step->chunk = chunk < net->options.batch ? chunk : net->options.batch;
}

/* Layers of a span that do something of their own, and what else the step does. */
static int is_fused(const kiln_net *net, span layers, int more)
{
    for (int l = layers.first; l <= layers.last; l++) more += !kiln_net_is_fused_relu(net, l);
    return more > 1;
}

/* Sums of layer l over the batch as a step of their own, where the step before has not taken them
 * image by image. */
static void sum_alone(kiln_net *net, int l, int backward, int summed)
{
    if (!kiln_net_kind(net, l)->moments || summed == l) return;
    begin_step(net, backward);
    act(net, KILN_DO_SUMS, l);
    end_step(net);
}

/* Layer l, next to the span, has sums that the span's images can give as they pass. */
static int sums_beside(const kiln_net *net, int l, span layers)
{
    return kiln_net_image_by_image(net, layers.first) && kiln_net_sums_by_image(net, l);
}

static void write_forward(kiln_net *net, const schedule *s)
{
    const int loss = net->plan.count - 1;

    for (int l = 0, summed = -1; l < loss; l = s->forward[l].last + 1) {
        const span layers = s->forward[l];
        const int behind = layers.last + 1;
        kiln_step *step;

        sum_alone(net, l, 0, summed);
        step = begin_step(net, 0);
        summed = net->plan.layer[behind].from >= layers.first && sums_beside(net, behind, layers)
                     ? behind
                     : -1;
        step->fused = (unsigned char)is_fused(net, layers, summed >= 0);
        choose_chunk(net, step, layers);
        for (int i = layers.first; i <= layers.last; i++) {
            net->node[i].step[0] = net->steps;
            if (!kiln_net_is_fused_relu(net, i)) act(net, KILN_DO_FORWARD, i);
        }
        if (summed >= 0) act(net, KILN_DO_SUMS, summed);
        end_step(net);
    }
}

static void write_backward(kiln_net *net, const schedule *s)
{
    for (int l = net->plan.count - 2, summed = -1; l >= 0; l = s->backward[l].first - 1) {
        const span layers = s->backward[l];
        const int before = layers.first - 1, again = before >= 0 && s->again[before];
        kiln_step *step;

        if (net->node[l].wants_gradient) sum_alone(net, l, 1, summed);
        step = begin_step(net, 1);
        summed = before >= 0 && net->node[before].wants_gradient &&
                         sums_beside(net, before, layers)
                     ? before
                     : -1;
        step->fused = (unsigned char)(again || is_fused(net, layers, summed >= 0));
        choose_chunk(net, step, layers);
        if (again) act(net, KILN_DO_AGAIN, before);
        for (int i = layers.last; i >= layers.first; i--) {
            net->node[i].step[1] = net->steps;
            if (kiln_net_is_wanted(net, i) && !s->relu_is_back[i])
                act(net, KILN_DO_BACKWARD, i);
        }
        if (summed >= 0) act(net, KILN_DO_SUMS, summed);
        end_step(net);
    }
}

void kiln_net_plan_steps(kiln_net *net)
{
    schedule s = {0};

    find_consumers(net);
    kiln_net_find_wanted(net);
    fuse_relus(net, &s);
    find_groups(net, &s);
    find_transient_values(net, &s);
    net->steps = 0;
    write_forward(net, &s);
    net->forward_steps = net->steps;
    net->node[net->plan.count - 1].step[0] = net->node[net->plan.count - 1].step[1] = net->steps;
    if (!net->options.inference) write_backward(net, &s);
}
