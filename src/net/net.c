/*
 * A net is made in three steps: the notation becomes a plan, the plan a list of tensors and
 * buffers, and these are laid out twice by the same function: on nothing, to learn the size, then
 * on one block of that size.
 */
#include "net/net.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "base/threads.h"
#include "kernels/vec.h"
#include "net/net_internal.h"
#include "net/notation.h"

void kiln_net_options_default(kiln_net_options *o)
{
    *o = (kiln_net_options){.C = 3, .H = 32, .W = 32, .batch = 1, .seed = 1, .init = KILN_INIT_HE};
}

static int check_options(const kiln_net_options *o)
{
    if (o->batch < 1 || o->batch > KILN_BATCH_MAX)
        return kiln_fail(KILN_E_ARG, "batch: %d is not from 1 to %d", o->batch, KILN_BATCH_MAX);
    if (o->init < KILN_INIT_HE || o->init > KILN_INIT_GAUSSIAN)
        return kiln_fail(KILN_E_ARG, "init: %d is no initialiser", o->init);
    if (!(o->init_scale >= 0 && o->init_scale <= 1e6))
        return kiln_fail(KILN_E_ARG, "init: the scale %g is not from 0 to 1e6", o->init_scale);
    return KILN_OK;
}

/* The layers count values in ints, and their scratch in size_t: refused here, in double, before
 * either overflows. */
static int check_sizes(const kiln_net *net)
{
    const double most = fmin(4.0 * 0x7fffffff, (double)kiln_memory_limit()); /* bytes of a layer */

    for (int l = 0; l < net->plan.count; l++) {
        const kiln_layer *layer = &net->plan.layer[l];
        const double bytes = 4 * layer->largest * net->options.batch;

        if (bytes > most)
            return kiln_fail(KILN_E_MEMORY,
                             "net: %s needs %.0f MB for a batch of %d, more than the limit of %.0f "
                             "MB; use a smaller batch or image",
                             layer->name, bytes / 1e6, net->options.batch, most / 1e6);
    }
    return KILN_OK;
}

/* What layers know before they see values. */
static int plan_layers(kiln_net *net)
{
    size_t bytes = 0;

    for (int l = 0; l < net->plan.count; l++)
        bytes += (kiln_net_kind(net, l)->plan_bytes + KILN_ALIGN - 1) / KILN_ALIGN * KILN_ALIGN;
    KILN_TRY(kiln_arena_create(&net->plans, bytes, "the net"));
    for (int l = 0; l < net->plan.count; l++) {
        const kiln_layer *layer = &net->plan.layer[l];
        void *plan;

        if (!layer->kind->plan) continue;
        plan = kiln_arena_take(&net->plans, 1, layer->kind->plan_bytes);
        layer->kind->plan(plan, layer, net->options.batch);
        net->node[l].made = plan;
    }
    return KILN_OK;
}

/* A smaller batch may ask for more than the largest, where it makes a layer choose another
 * algorithm. */
static void measure_work(kiln_net *net)
{
    net->work_floats = net->sums_floats = 0;
    for (int l = 0; l < net->plan.count; l++) {
        const kiln_layer *layer = &net->plan.layer[l];

        if (layer->kind->sums) {
            const size_t floats = layer->kind->sums(layer, net->options.batch);

            if (net->sums_floats < floats) net->sums_floats = floats;
        }
        for (int n = net->options.batch; n && layer->kind->work; n /= 2) {
            const size_t floats = layer->kind->work(layer, n);

            if (net->work_floats < floats) net->work_floats = floats;
        }
    }
}

/* A step that would take minutes is refused before anything is made: a backward pass takes twice
 * what a forward pass does. Too little memory is told first, by the arena. */
static int check_work(const kiln_net *net)
{
    const double steps = net->options.inference ? 1.0 : 3.0;
    const double flops = steps * net->plan.flops * net->options.batch;
    const kiln_layer *most = &net->plan.layer[0];

    if (flops <= KILN_STEP_FLOPS_MAX || net->arena.used > kiln_memory_limit()) return KILN_OK;
    for (int l = 1; l < net->plan.count; l++)
        if (net->plan.layer[l].flops > most->flops) most = &net->plan.layer[l];
    return kiln_fail_at(KILN_E_SHAPE, most->column,
                        "net: a step of %d images takes %.2g operations, more than the limit of "
                        "%.2g; most of them in %s (column %d): use fewer filters or outputs there, "
                        "a stride or pool before it, or a smaller batch",
                        net->options.batch, flops, KILN_STEP_FLOPS_MAX, most->name, most->column);
}

static float *take(kiln_net *net, size_t floats)
{
    return kiln_arena_take(&net->arena, floats, sizeof(float));
}

static void lay_out(kiln_net *net)
{
    net->parameters = take(net, net->parameter_floats);
    net->gradients = net->options.inference ? NULL : take(net, net->parameter_floats);
    net->statistics = take(net, net->statistic_floats);
    net->spare = take(net, net->spare_floats);
    net->input = take(net, kiln_net_elements(net, -1) * (size_t)net->options.batch);
    net->pool = take(net, net->pool_floats);
    net->work = take(net, net->work_floats);
    net->sums = take(net, net->sums_floats);
    net->threads = take(net, net->thread_floats * (size_t)kiln_threads());
    for (int l = 0; l < net->plan.count; l++) {
        const kiln_layer *layer = &net->plan.layer[l];
        if (layer->kind->cache)
            net->node[l].cache = take(net, layer->kind->cache(layer, net->options.batch));
    }
}

static float *buffer_at(const kiln_net *net, int buffer)
{
    return buffer < 0 ? NULL : net->pool + net->buffer_at[buffer];
}

/* All but the memory. */
static int prepare(kiln_net *net, const char *notation, const kiln_net_options *o)
{
    net->options = *o;
    net->dropout = -1;
    KILN_TRY(kiln_notation_parse(&net->plan, notation, o->C, o->H, o->W));
    KILN_TRY(check_sizes(net));
    KILN_TRY(plan_layers(net));
    kiln_net_list_tensors(net);
    KILN_TRY(kiln_net_freeze(net));
    kiln_net_place_tensors(net);
    kiln_net_plan_steps(net);
    kiln_net_plan_memory(net);
    measure_work(net);
    lay_out(net);
    return check_work(net);
}

static int allocate(kiln_net *net)
{
    KILN_TRY(kiln_arena_create(&net->arena, net->arena.used, "the net"));
    lay_out(net);
    for (int l = 0; l < net->plan.count; l++) {
        kiln_node *node = &net->node[l];

        node->out = buffer_at(net, node->out_buffer);
        node->dout = buffer_at(net, node->dout_buffer);
        node->temp = buffer_at(net, node->temp_buffer);
        node->place = (int32_t *)buffer_at(net, node->place_buffer);
    }
    kiln_net_initialise(net);
    return KILN_OK;
}

int kiln_net_sketch(kiln_net **out, const char *notation, const kiln_net_options *o)
{
    kiln_arena self;
    kiln_net *net;
    int status;

    KILN_TRY(check_options(o));
    KILN_TRY(kiln_arena_create(&self, sizeof *net, "the net"));
    net = (kiln_net *)self.base;
    net->self = self;
    status = prepare(net, notation, o);
    if (status < 0)
        kiln_net_free(net);
    else
        *out = net;
    return status;
}

int kiln_net_make(kiln_net **out, const char *notation, const kiln_net_options *o)
{
    kiln_net *net = NULL;
    int status;

    KILN_TRY(kiln_net_sketch(&net, notation, o));
    status = allocate(net);
    if (status < 0)
        kiln_net_free(net);
    else
        *out = net;
    return status;
}

double kiln_net_planned_bytes(const kiln_net *net)
{
    return (double)net->arena.used + (double)net->plans.used + (double)sizeof *net;
}

int kiln_net_measure(kiln_plan *plan, double *bytes, const char *notation,
                     const kiln_net_options *o)
{
    kiln_net *net = NULL;

    KILN_TRY(kiln_net_sketch(&net, notation, o));
    *plan = net->plan;
    *bytes = kiln_net_planned_bytes(net);
    kiln_net_free(net);
    return KILN_OK;
}

void kiln_net_free(kiln_net *net)
{
    kiln_arena self;

    if (!net) return;
    kiln_arena_destroy(&net->arena);
    kiln_arena_destroy(&net->plans);
    self = net->self;
    kiln_arena_destroy(&self);
}

const kiln_plan *kiln_net_plan(const kiln_net *net)
{
    return &net->plan;
}

const kiln_net_options *kiln_net_made_with(const kiln_net *net)
{
    return &net->options;
}

size_t kiln_net_bytes(const kiln_net *net)
{
    return net->self.size + net->plans.size + net->arena.size;
}

int kiln_net_check_batch(const kiln_net *net, int n)
{
    for (int l = 0; l < net->plan.count; l++) {
        const kiln_layer *layer = &net->plan.layer[l];
        const int least = layer->kind->least_batch ? layer->kind->least_batch(layer) : 1;

        if (n < least)
            return kiln_fail_at(KILN_E_SHAPE, layer->column,
                                "net: column %d: %s cannot be trained on a batch of %d: it would "
                                "normalise one value alone; use a batch of %d or more, "
                                "or layernorm",
                                layer->column, layer->name, n, least);
    }
    return KILN_OK;
}

int kiln_net_tensor_count(const kiln_net *net)
{
    return net->tensors;
}

kiln_tensor *kiln_net_tensor_at(kiln_net *net, int i)
{
    return &net->tensor[i];
}

int kiln_net_tensor_of(const kiln_net *net, int l, int i)
{
    return i < net->node[l].tensors ? net->node[l].tensor[i] : -1;
}

size_t kiln_net_parameters(kiln_net *net, float **data, float **gradient)
{
    *data = net->parameters;
    *gradient = net->gradients;
    return net->parameter_floats;
}

float *kiln_net_input(kiln_net *net)
{
    return net->input;
}

void kiln_net_set_step(kiln_net *net, int64_t step)
{
    net->step = step;
}

void kiln_net_set_dropout(kiln_net *net, float rate)
{
    net->dropout = rate;
}
