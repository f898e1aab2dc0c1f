/*
 * Parameters and running statistics: the course's shapes, names such as "conv1.w", start values.
 *
 *   he        N(0, 2 / fan_in)              He, Zhang, Ren, Sun, ICCV 2015, equation 10
 *   xavier    N(0, 2 / (fan_in + fan_out))  Glorot, Bengio, AISTATS 2010, equation 12
 *   gaussian  N(0, scale²)                  the course's weight_scale
 *
 * fan_in of a convolution is C HH WW, fan_out F HH WW. Biases and beta start at 0, gamma at 1. The
 * running mean starts at 0 as in the course, the running variance at 1: with the course's 0 a net
 * that was not trained yet blows its input up 316-fold at each batchnorm of a test pass. Draws come
 * from (seed, KILN_RNG_INIT, number of the tensor).
 */
#include <string.h>

#include "base/rng.h"
#include "kernels/vec.h"
#include "net/net_internal.h"

#define ALIGN_FLOATS 16

static size_t aligned(size_t floats)
{
    return (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

/* Appends a tensor of layer l; a size of 0 ends the shape. */
static kiln_tensor *add(kiln_net *net, int l, const char *name, int a, int b, int c, int d)
{
    const int shape[4] = {a, b, c, d};
    kiln_tensor *t = &net->tensor[net->tensors++];

    memset(t, 0, sizeof *t);
    strcpy(t->name, net->plan.layer[l].name);
    strcat(strcat(t->name, "."), name);
    t->layer = l;
    t->size = 1;
    for (; t->dims < 4 && shape[t->dims]; t->dims++) {
        t->shape[t->dims] = shape[t->dims];
        t->size *= shape[t->dims];
    }
    return t;
}

static void add_learned(kiln_net *net, int l)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_conv_shape *s = &layer->u.conv;
    const int first = net->tensors;

    switch (layer->kind) {
    case KILN_CONV:
        add(net, l, "w", s->F, s->C, s->HH, s->WW)->regularised = 1;
        add(net, l, "b", s->F, 0, 0, 0);
        break;
    case KILN_AFFINE:
        add(net, l, "w", layer->in_C, layer->C, 0, 0)->regularised = 1;
        add(net, l, "b", layer->C, 0, 0, 0);
        break;
    case KILN_BATCHNORM:
    case KILN_LAYERNORM:
    case KILN_GROUPNORM:
        add(net, l, "gamma", layer->C, 0, 0, 0);
        add(net, l, "beta", layer->C, 0, 0, 0);
        break;
    default: break;
    }
    net->node[l].learned = net->tensors > first ? first : -1;
    for (int i = first; i < net->tensors; i++) {
        net->tensor[i].parameter = 1;
        net->parameter_floats += aligned((size_t)net->tensor[i].size);
    }
}

static void add_statistics(kiln_net *net, int l)
{
    const kiln_layer *layer = &net->plan.layer[l];

    net->node[l].statistics = -1;
    if (layer->kind != KILN_BATCHNORM) return;
    net->node[l].statistics = net->tensors;
    add(net, l, "running_mean", layer->C, 0, 0, 0);
    add(net, l, "running_var", layer->C, 0, 0, 0);
    net->statistic_floats += 2 * aligned((size_t)layer->C);
    if (net->spare_floats < 2 * aligned((size_t)layer->C))
        net->spare_floats = 2 * aligned((size_t)layer->C);
}

void kiln_net_list_tensors(kiln_net *net)
{
    net->tensors = 0;
    net->parameter_floats = net->statistic_floats = net->spare_floats = 0;
    for (int l = 0; l < net->plan.count; l++) add_learned(net, l);
    net->learned = net->tensors;
    for (int l = 0; l < net->plan.count; l++) add_statistics(net, l);
}

static double standard_deviation(const kiln_net *net, const kiln_tensor *t)
{
    const double window = t->dims == 4 ? (double)t->shape[2] * t->shape[3] : 1;
    const double in = window * (t->dims == 4 ? t->shape[1] : t->shape[0]);
    const double out = window * (t->dims == 4 ? t->shape[0] : t->shape[1]);

    switch (net->options.init) {
    case KILN_INIT_XAVIER: return __builtin_sqrt(2 / (in + out));
    case KILN_INIT_GAUSSIAN: return net->options.init_scale;
    default: return __builtin_sqrt(2 / in);
    }
}

void kiln_net_initialise(kiln_net *net)
{
    float *data = net->parameters, *gradient = net->gradients;

    for (int i = 0; i < net->tensors; i++) {
        kiln_tensor *t = &net->tensor[i];
        const kiln_rng rng = {net->options.seed, KILN_RNG_INIT, (uint64_t)i};

        if (i == net->learned) data = net->statistics;
        t->data = data;
        t->gradient = t->parameter && gradient ? gradient : NULL;
        data += aligned((size_t)t->size);
        if (t->gradient) gradient += aligned((size_t)t->size);
        if (t->regularised) {
            kiln_rng_fill_normal(t->data, t->size, rng, 0);
            kiln_vec_scale(t->data, t->data, t->size, (float)standard_deviation(net, t));
        } else if (strstr(t->name, ".gamma") || strstr(t->name, ".running_var")) {
            kiln_vec_fill(t->data, t->size, 1);
        }
    }
}
