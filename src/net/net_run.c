/*
 * Forward and backward through the plan, a stretch of layers at a time.
 *
 * Layer by layer, a big value goes out to memory and comes back for each layer that reads it. So
 * layers in a row are taken together, image by image: a few images go through all of them while the
 * second-level cache has them, then the next few. That ends where a layer needs all images at once:
 * a batchnorm its statistics, an affine its product. In the usual nets a stretch is a convolution
 * with what surrounds it,
 *
 *   forward    batchnorm's map, relu, maxpool, [conv], and the sums of the batchnorm behind it
 *   backward   batchnorm's map, [conv: dx, dw, db], and the sums of the batchnorm before it
 *
 * or, without batchnorm, [conv], relu, maxpool both ways. There is one convolution in a stretch,
 * since its packed filters take the scratch. Values that only a stretch needs never reach memory; a
 * batchnorm's output is made again backward, of what its sums are taken from anyway.
 *
 * Nothing of this changes a bit: what an image gets does not depend on its neighbours, and sums
 * over images have blocks and groups of their own, fixed by the shape. The pool's tasks are some
 * images forward, and a group of a convolution's filter gradient backward.
 */
#include <time.h>

#include "base/threads.h"
#include "net/net_internal.h"

/* Of all values of a stretch, for the images taken at a time: 512 KB. */
#define CHUNK_FLOATS 131072

/* ---- stretches ------------------------------------------------------------------------------- */

/* A net that keeps every value has no stretches: a test compares the two. A convolution whose
 * filters outweigh its image goes alone backward: dx and dw in turn, a few images each, would drive
 * each other's filters out of the cache. */
static int joins(const kiln_net *net, int l, int backward)
{
    if (backward && kiln_net_kind(net, l)->groups &&
        (size_t)net->tensor[net->node[l].tensor[0]].size > kiln_net_elements(net, l))
        return 0;
    return !net->options.keep && kiln_net_image_by_image(net, l);
}

/* Layer l begins a stretch, whose layers before it in this direction have a convolution or not. A
 * pool goes with the convolution on its larger side. */
static int begins(const kiln_net *net, int l, int before, int has_conv, int backward)
{
    const kiln_layer_kind *kind = kiln_net_kind(net, l);

    return !joins(net, l, backward) || !joins(net, before, backward) ||
           kind->moments || (has_conv && (kind->groups || (backward && kind->pools)));
}

void kiln_net_plan_stretches(kiln_net *net)
{
    const int last = net->plan.count - 1;
    int has_conv = 0;

    for (int l = 0, first = 0; l <= last; l++) {
        if (l == 0 || begins(net, l, l - 1, has_conv, 0)) {
            first = l;
            has_conv = 0;
        }
        has_conv |= kiln_net_kind(net, l)->groups != NULL;
        for (int i = first; i <= l; i++) net->node[i].forward = (kiln_stretch){first, l};
    }
    for (int l = last, end = last; l >= 0; l--) {
        if (l == last || begins(net, l, l + 1, has_conv, 1)) {
            end = l;
            has_conv = 0;
        }
        has_conv |= kiln_net_kind(net, l)->groups != NULL;
        for (int i = l; i <= end; i++) net->node[i].backward = (kiln_stretch){l, end};
    }
}

/* ---- times ----------------------------------------------------------------------------------- */

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* A pass that measures accuracy would only blur the times of a step. */
static int profiled(const kiln_net *net)
{
    return net->profiling && net->last_train;
}

/* Adds the seconds since *since to *to, and begins anew. */
static void lap(const kiln_net *net, double *to, double *since)
{
    if (profiled(net)) {
        const double then = *since;

        *since = now();
        if (to) *to += *since - then;
    }
}

/* ---- a stretch ------------------------------------------------------------------------------- */

typedef struct {
    kiln_net *net;
    kiln_stretch layers;
    int n, train;
    int conv;   /* its convolution, or -1 */
    int sums;   /* the batchnorm whose sums are taken as well, or -1 */
    int again;  /* backward: the fleeting batchnorm before it that is made again, or -1 */
    int chunk;  /* images at a time */
    int groups; /* backward: of the convolution */
    /* Seconds of each layer on the calling thread, which stand for all threads' shares. */
    double own[KILN_LAYERS_MAX];
} stretch;

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

int kiln_net_chunk(const kiln_net *net, kiln_stretch layers, int n, int backward)
{
    size_t floats = kiln_net_elements(net, net->plan.layer[layers.first].from);
    int chunk, step = 1;

    for (int l = layers.first; l <= layers.last; l++) {
        if (!kiln_net_does_nothing(net, l)) floats += kiln_net_elements(net, l);
        if (backward && kiln_net_kind(net, l)->groups)
            step = kiln_net_kind(net, l)->group_step(net->node[l].made);
    }
    chunk = floats < CHUNK_FLOATS ? (int)(CHUNK_FLOATS / floats) : 1;
    return at_most((chunk + step - 1) / step * step, n);
}

static stretch make_stretch(kiln_net *net, kiln_stretch layers, int n, int train, int backward)
{
    stretch s = {.net = net, .layers = layers, .n = n, .train = train, .conv = -1, .sums = -1,
                 .again = -1};

    for (int l = layers.first; l <= layers.last; l++)
        if (kiln_net_kind(net, l)->groups) s.conv = l;
    s.chunk = kiln_net_chunk(net, layers, n, backward);
    return s;
}

/* So that every thread gets some chunks. */
static int spread(int chunk, int n)
{
    return kiln_threads() == 1 ? chunk : at_most(chunk, (n - 1) / (4 * kiln_threads()) + 1);
}

/* Layers that do something, and the sums. */
static int parts(const stretch *s)
{
    int count = s->sums >= 0;

    for (int l = s->layers.first; l <= s->layers.last; l++)
        count += !kiln_net_does_nothing(s->net, l);
    return count;
}

/* `seconds` went by while all images were taken: each layer's share is as the caller's was. */
static void share_time(const stretch *s, double seconds, double *of_layer)
{
    double all = 0;

    for (int l = 0; l < s->net->plan.count; l++) all += s->own[l];
    for (int l = 0; l < s->net->plan.count && all > 0; l++)
        of_layer[l] += seconds * s->own[l] / all;
}

/* ---- forward --------------------------------------------------------------------------------- */

static void forward_images(stretch *s, int first, int count, int thread)
{
    double since = thread == 0 && profiled(s->net) ? now() : 0;

    for (int l = s->layers.first; l <= s->layers.last; l++) {
        kiln_net_forward_images(s->net, l, first, count, s->train, thread);
        if (thread == 0) lap(s->net, &s->own[l], &since);
    }
    if (s->sums < 0) return;
    kiln_net_moments(s->net, s->sums, s->n, first, count);
    if (thread == 0) lap(s->net, &s->own[s->sums], &since);
}

static void forward_task(void *context, int task, int thread)
{
    stretch *s = context;
    const int first = task * s->chunk;

    forward_images(s, first, at_most(s->chunk, s->n - first), thread);
}

/* The batchnorm behind the stretch, where it takes a value of it. */
static int sums_behind(const stretch *s)
{
    const kiln_plan *plan = &s->net->plan;
    const int l = s->layers.last + 1;

    if (!s->train) return -1;
    return plan->layer[l].from >= s->layers.first && kiln_net_sums_by_image(s->net, l) ? l : -1;
}

static void forward_stretch(kiln_net *net, kiln_stretch layers, int n, int train)
{
    stretch s = make_stretch(net, layers, n, train, 0);
    double since = profiled(net) ? now() : 0, taken = 0;

    s.sums = sums_behind(&s);
    for (int l = layers.first; l <= layers.last; l++) {
        kiln_net_begin_forward(net, l, n, train, 0);
        lap(net, &net->forward_seconds[l], &since);
    }
    if (parts(&s) == 1) {
        forward_images(&s, 0, n, 0); /* its own tasks are finer */
    } else {
        s.chunk = spread(s.chunk, n);
        kiln_parallel((n + s.chunk - 1) / s.chunk, forward_task, &s);
    }
    net->summed = s.sums;
    lap(net, &taken, &since);
    share_time(&s, taken, net->forward_seconds);
}

const float *kiln_net_forward(kiln_net *net, int n, int train)
{
    const int loss = net->plan.count - 1;

    net->last_n = n;
    net->last_train = train;
    net->summed = -1;
    net->calls += profiled(net);
    for (int l = 0; l < loss; l = net->node[l].forward.last + 1)
        forward_stretch(net, net->node[l].forward, n, train);
    return kiln_net_output(net, net->plan.layer[loss].from);
}

double kiln_net_data_loss(kiln_net *net, const int *y, int n)
{
    const kiln_layer *layer = &net->plan.layer[net->plan.count - 1];
    const float *scores = kiln_net_output(net, layer->from);
    float *dscores = layer->from < 0 ? NULL : net->node[layer->from].dout;
    const double start = profiled(net) ? now() : 0;
    const double loss = layer->kind->loss(layer, dscores, scores, y, n);

    if (profiled(net)) net->forward_seconds[net->plan.count - 1] += now() - start;
    return loss;
}

/* ---- backward -------------------------------------------------------------------------------- */

static void backward_images(stretch *s, int group, int first, int count, int thread)
{
    double since = thread == 0 && profiled(s->net) ? now() : 0;

    if (s->again >= 0) {
        kiln_net_make_again(s->net, s->again, first, count, thread);
        if (thread == 0) lap(s->net, &s->own[s->again], &since);
    }
    for (int l = s->layers.last; l >= s->layers.first; l--) {
        if (!s->net->node[l].wants_gradient) continue;
        kiln_net_backward_images(s->net, l, s->n, group, first, count, thread);
        if (thread == 0) lap(s->net, &s->own[l], &since);
    }
    if (s->sums < 0) return;
    kiln_net_dots(s->net, s->sums, s->n, first, count);
    if (thread == 0) lap(s->net, &s->own[s->sums], &since);
}

/* A group of the convolution's filter gradient, or a chunk where there is no convolution. */
static void backward_task(void *context, int task, int thread)
{
    stretch *s = context;
    int first = task * s->chunk, end = at_most(first + s->chunk, s->n);

    if (s->conv >= 0) {
        const kiln_layer_kind *kind = kiln_net_kind(s->net, s->conv);

        first = kind->group_first(s->n, s->groups, task);
        end = kind->group_first(s->n, s->groups, task + 1);
    }
    for (; first < end; first += s->chunk)
        backward_images(s, task, first, at_most(s->chunk, end - first), thread);
}

/* The batchnorm before the stretch, whose gradient the stretch makes whole. */
static int sums_before(const stretch *s)
{
    const int l = s->layers.first - 1;

    if (l < 0) return -1;
    return s->net->node[l].wants_gradient && kiln_net_sums_by_image(s->net, l) ? l : -1;
}

static void backward_layers(kiln_net *net, kiln_stretch layers, int n)
{
    double since = profiled(net) ? now() : 0;

    for (int l = layers.last; l >= layers.first; l--) {
        if (!net->node[l].wants_gradient) continue;
        kiln_net_backward_layer(net, l, n);
        lap(net, &net->backward_seconds[l], &since);
    }
}

static void backward_stretch(kiln_net *net, kiln_stretch layers, int n)
{
    stretch s = make_stretch(net, layers, n, 1, 1);
    double since = profiled(net) ? now() : 0, taken = 0;
    int tasks;

    s.sums = sums_before(&s);
    if (layers.first > 0 && net->node[layers.first - 1].again) s.again = layers.first - 1;
    if (s.again < 0 && parts(&s) == 1) {
        backward_layers(net, layers, n);
        return;
    }
    if (s.conv >= 0) {
        tasks = s.groups = kiln_net_kind(net, s.conv)->groups(net->node[s.conv].made, n);
    } else {
        s.chunk = spread(s.chunk, n);
        tasks = (n + s.chunk - 1) / s.chunk;
    }
    for (int l = layers.last; l >= layers.first; l--) {
        if (!net->node[l].wants_gradient) continue;
        kiln_net_begin_backward(net, l, n);
        lap(net, &net->backward_seconds[l], &since);
    }
    kiln_parallel(tasks, backward_task, &s);
    net->summed = s.sums;
    lap(net, &taken, &since);
    share_time(&s, taken, net->backward_seconds);
    if (s.conv < 0) return;
    kiln_net_end_backward(net, s.conv, n);
    lap(net, &net->backward_seconds[s.conv], &since);
}

void kiln_net_backward(kiln_net *net, int n)
{
    net->summed = -1;
    for (int l = net->plan.count - 2; l >= 0; l = net->node[l].backward.first - 1)
        backward_stretch(net, net->node[l].backward, n);
}
