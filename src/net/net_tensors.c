/*
 * Parameters and running statistics: the course's shapes, names such as "conv1.w", start values.
 *
 *   he        N(0, 2 / fan_in)              He, Zhang, Ren, Sun, ICCV 2015, equation 10
 *   xavier    N(0, 2 / (fan_in + fan_out))  Glorot, Bengio, AISTATS 2010, equation 12
 *   gaussian  N(0, scale²)                  the course's weight_scale
 *   dirac     of convolutions with at least as many filters as channels, filter f < C is 1 at the
 *             centre of channel f and 0 elsewhere: it passes that channel on (Zagoruyko and
 *             Komodakis 2017, DiracNets; the others are drawn as above)
 *
 * fan_in of a convolution is C HH WW, fan_out F HH WW. Draws come from (seed, KILN_RNG_INIT, number
 * of the tensor). Which tensors a layer has, and which of them are drawn, its row says. Those that
 * rows train come first; what of them is frozen keeps its number and its draws, but has its place
 * in the second block, with the running statistics.
 */
#include <string.h>

#include "base/rng.h"
#include "kernels/vec.h"
#include "net/net_internal.h"

static size_t aligned(size_t floats)
{
    return (floats + KILN_ALIGN_FLOATS - 1) / KILN_ALIGN_FLOATS * KILN_ALIGN_FLOATS;
}

/* Appends a tensor of layer l. */
static kiln_tensor *add(kiln_net *net, int l, const kiln_tensor_row *row)
{
    kiln_tensor *t = &net->tensor[net->tensors++];

    memset(t, 0, sizeof *t);
    strcpy(t->name, net->plan.layer[l].name);
    strcat(strcat(t->name, "."), row->name);
    t->layer = l;
    t->size = 1;
    t->parameter = !row->statistic;
    t->trained = !row->statistic && !row->frozen;
    t->regularised = row->regularised;
    t->shift = row->shift;
    t->early = t->trained && row->early;
    t->random = row->random;
    t->start = row->start;
    for (; t->dims < 4 && row->shape[t->dims]; t->dims++) {
        t->shape[t->dims] = row->shape[t->dims];
        t->size *= row->shape[t->dims];
    }
    return t;
}

/* The tensors of layer l that its row trains, or those that it does not. */
static void add_tensors(kiln_net *net, int l, int trained)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_tensor_row row[KILN_LAYER_TENSORS_MAX];
    kiln_node *node = &net->node[l];

    node->tensors = layer->kind->tensors ? layer->kind->tensors(layer, row) : 0;
    for (int i = 0; i < node->tensors; i++) {
        if ((!row[i].statistic && !row[i].frozen) != trained) continue;
        node->tensor[i] = net->tensors;
        add(net, l, &row[i]);
    }
}

void kiln_net_list_tensors(kiln_net *net)
{
    net->tensors = 0;
    for (int l = 0; l < net->plan.count; l++) add_tensors(net, l, 1);
    net->learned = net->tensors;
    for (int i = net->learned - 1; i >= 0; i--) {
        if (!net->tensor[i].regularised) continue;
        net->tensor[i].head = 1;
        break;
    }
    for (int l = 0; l < net->plan.count; l++) add_tensors(net, l, 0);
}

void kiln_net_place_tensors(kiln_net *net)
{
    net->parameter_floats = net->statistic_floats = net->spare_floats = 0;
    for (int l = 0; l < net->plan.count; l++) {
        kiln_node *node = &net->node[l];
        size_t statistics = 0;

        node->trained = 0;
        for (int i = 0; i < node->tensors; i++) {
            const kiln_tensor *t = &net->tensor[node->tensor[i]];
            const size_t floats = aligned((size_t)t->size);

            node->trained += t->trained;
            *(t->trained ? &net->parameter_floats : &net->statistic_floats) += floats;
            if (!t->parameter) statistics += floats;
        }
        if (net->spare_floats < statistics) net->spare_floats = statistics;
    }
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

static void start_as_identity(kiln_tensor *t)
{
    const int F = t->shape[0], C = t->shape[1], window = t->shape[2] * t->shape[3];
    const int centre = t->shape[2] / 2 * t->shape[3] + t->shape[3] / 2;

    if (F < C) return;
    kiln_vec_fill(t->data, C * C * window, 0.0f);
    for (int c = 0; c < C; c++) t->data[(c * C + c) * window + centre] = 1;
}

void kiln_net_initialise(kiln_net *net)
{
    float *parameter = net->parameters, *gradient = net->gradients, *statistic = net->statistics;

    for (int i = 0; i < net->tensors; i++) {
        kiln_tensor *t = &net->tensor[i];
        const kiln_rng rng = {net->options.seed, KILN_RNG_INIT, (uint64_t)i};
        const size_t floats = aligned((size_t)t->size);
        float **block = t->trained ? &parameter : &statistic;

        t->data = *block;
        *block += floats;
        t->gradient = t->trained ? gradient : NULL;
        if (t->gradient) gradient += floats;
        if (t->random) {
            kiln_rng_fill_normal(t->data, t->size, rng, 0);
            kiln_vec_scale(t->data, t->data, t->size, (float)standard_deviation(net, t));
            if (net->options.dirac && t->dims == 4) start_as_identity(t);
        } else if (t->start != 0) {
            kiln_vec_fill(t->data, t->size, t->start);
        }
    }
}
