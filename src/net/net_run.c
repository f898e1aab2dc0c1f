/*
 * Running the list of steps (net_schedule.c), forward and backward.
 *
 * A step of one layer takes all images at once, in tasks of the layer's own. The tasks of a fused
 * group are some images forward, and a group of a convolution's filter gradient backward.
 */
#include <time.h>

#include "base/threads.h"
#include "net/net_internal.h"

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

/* ---- a step ---------------------------------------------------------------------------------- */

typedef struct {
    kiln_net *net;
    const kiln_step *step;
    const kiln_action *action; /* the step's */
    int n, train;
    int chunk;  /* images at a time */
    int groups; /* of step->grouped */
    /* Seconds of each layer on the calling thread, which stand for all threads' shares. */
    double own[KILN_LAYERS_MAX];
} run;

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

/* So that every thread gets some chunks. */
static int spread(int chunk, int n)
{
    return kiln_threads() == 1 ? chunk : at_most(chunk, (n - 1) / (4 * kiln_threads()) + 1);
}

/* `seconds` went by while all images were taken: each layer's share is as the caller's was. */
static void share_time(const run *r, double seconds, double *of_layer)
{
    double all = 0;

    for (int l = 0; l < r->net->plan.count; l++) all += r->own[l];
    for (int l = 0; l < r->net->plan.count && all > 0; l++)
        of_layer[l] += seconds * r->own[l] / all;
}

/* Test mode has no sums over the batch. */
static int is_done(const run *r, const kiln_action *action)
{
    return !action->idle && (r->train || action->what != KILN_DO_SUMS);
}

static int actions_done(const run *r)
{
    int count = 0;

    for (int i = 0; i < r->step->count; i++) count += is_done(r, &r->action[i]);
    return count;
}

static void take_images(const run *r, const kiln_action *action, int group, int first, int count,
                        int thread)
{
    kiln_net *net = r->net;
    const int l = action->layer;

    switch ((enum kiln_act)action->what) {
    case KILN_DO_FORWARD:
        kiln_net_forward_images(net, l, first, count, r->train, thread);
        break;
    case KILN_DO_SUMS:
        if (r->step->backward)
            kiln_net_dots(net, l, r->n, first, count);
        else
            kiln_net_moments(net, l, r->n, first, count);
        break;
    case KILN_DO_AGAIN: kiln_net_make_again(net, l, first, count, thread); break;
    case KILN_DO_BACKWARD:
        kiln_net_backward_images(net, l, r->n, group, first, count, thread);
        break;
    }
}

/* The whole step for some images. */
static void run_images(run *r, int group, int first, int count, int thread)
{
    double since = thread == 0 && profiled(r->net) ? now() : 0;

    for (int i = 0; i < r->step->count; i++) {
        if (!is_done(r, &r->action[i])) continue;
        take_images(r, &r->action[i], group, first, count, thread);
        if (thread == 0) lap(r->net, &r->own[r->action[i].layer], &since);
    }
}

/* A group of a filter gradient, or a chunk where there is none. */
static void run_task(void *context, int task, int thread)
{
    run *r = context;
    int first = task * r->chunk, end = at_most(first + r->chunk, r->n);

    if (r->step->grouped >= 0) {
        const kiln_layer_kind *kind = kiln_net_kind(r->net, r->step->grouped);

        first = kind->group_first(r->n, r->groups, task);
        end = kind->group_first(r->n, r->groups, task + 1);
    }
    for (; first < end; first += r->chunk)
        run_images(r, task, first, at_most(r->chunk, end - first), thread);
}

/* ---- forward --------------------------------------------------------------------------------- */

static void forward_step(kiln_net *net, const kiln_step *step, int n, int train)
{
    run r = {.net = net, .step = step, .action = &net->action[step->first], .n = n, .train = train};
    double since = profiled(net) ? now() : 0, taken = 0;

    for (int i = 0; i < step->count; i++) {
        const int l = r.action[i].layer;

        if (r.action[i].what != KILN_DO_FORWARD) continue;
        kiln_net_begin_forward(net, l, n, train, 0);
        lap(net, &net->forward_seconds[l], &since);
    }
    if (!step->fused || actions_done(&r) == 1) {
        run_images(&r, 0, 0, n, 0); /* a layer's own tasks are finer */
    } else {
        r.chunk = spread(at_most(step->chunk, n), n);
        kiln_parallel((n + r.chunk - 1) / r.chunk, run_task, &r);
    }
    lap(net, &taken, &since);
    share_time(&r, taken, net->forward_seconds);
}

const float *kiln_net_forward(kiln_net *net, int n, int train)
{
    const int loss = net->plan.count - 1;

    net->last_n = n;
    net->last_train = train;
    net->calls += profiled(net);
    for (int s = 0; s < net->forward_steps; s++) forward_step(net, &net->step_list[s], n, train);
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

/* Layer by layer, all images of each. */
static void backward_layers(const run *r)
{
    kiln_net *net = r->net;
    double since = profiled(net) ? now() : 0;

    for (int i = 0; i < r->step->count; i++) {
        const int l = r->action[i].layer;

        if (r->action[i].idle) continue;
        if (r->action[i].what == KILN_DO_SUMS)
            kiln_net_dots(net, l, r->n, 0, r->n);
        else
            kiln_net_backward_whole(net, l, r->n);
        lap(net, &net->backward_seconds[l], &since);
    }
}

/* A fused group, image by image. */
static void backward_group(run *r)
{
    kiln_net *net = r->net;
    const int grouped = r->step->grouped;
    double since = profiled(net) ? now() : 0, taken = 0;
    int tasks;

    r->chunk = at_most(r->step->chunk, r->n);
    if (grouped >= 0) {
        tasks = r->groups = kiln_net_kind(net, grouped)->groups(net->node[grouped].made, r->n);
    } else {
        r->chunk = spread(r->chunk, r->n);
        tasks = (r->n + r->chunk - 1) / r->chunk;
    }
    for (int i = 0; i < r->step->count; i++) {
        const int l = r->action[i].layer;

        if (r->action[i].what != KILN_DO_BACKWARD || r->action[i].idle) continue;
        kiln_net_begin_backward(net, l, r->n);
        lap(net, &net->backward_seconds[l], &since);
    }
    kiln_parallel(tasks, run_task, r);
    lap(net, &taken, &since);
    share_time(r, taken, net->backward_seconds);
    if (grouped < 0 || !kiln_net_is_wanted(net, grouped)) return;
    kiln_net_end_backward(net, grouped, r->n);
    lap(net, &net->backward_seconds[grouped], &since);
}

void kiln_net_backward(kiln_net *net, int n)
{
    for (int s = net->forward_steps; s < net->steps; s++) {
        const kiln_step *step = &net->step_list[s];
        run r = {.net = net, .step = step, .action = &net->action[step->first], .n = n,
                 .train = 1};

        if (step->idle) continue;
        if (step->fused)
            backward_group(&r);
        else
            backward_layers(&r);
    }
}
