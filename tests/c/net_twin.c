/* A whole net in double, the twins of its layers one after the other; see net_twin.h. */
#include "net_twin.h"

#include <stdlib.h>

#include "net/kinds.h"

static size_t elements(const net_twin *t, int l)
{
    const kiln_plan *p = kiln_net_plan(t->net);

    if (l < 0) return (size_t)t->n * (size_t)(p->C * p->H * p->W);
    return (size_t)t->n * (size_t)(p->layer[l].C * p->layer[l].H * p->layer[l].W);
}

static double *doubles(const float *x, size_t count)
{
    double *out = malloc(count * sizeof *out);

    for (size_t i = 0; i < count && x; i++) out[i] = (double)x[i];
    return out;
}

void net_twin_make(net_twin *t, kiln_net *net, const int *y, int n)
{
    size_t most = 1;

    t->net = net;
    t->n = n;
    t->y = y;
    t->input = doubles(kiln_net_input(net), elements(t, -1));
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *p = kiln_net_tensor_at(net, i);

        t->parameter[i] = doubles(p->data, (size_t)p->size);
    }
    for (int l = 0; l < kiln_net_plan(net)->count; l++) {
        const kiln_layer *layer = &kiln_net_plan(net)->layer[l];

        t->value[l] = doubles(NULL, elements(t, l));
        if (layer->kind->twin_work && layer->kind->twin_work(layer, n) > most)
            most = layer->kind->twin_work(layer, n);
    }
    t->work = doubles(NULL, most);
}

void net_twin_free(net_twin *t)
{
    for (int i = 0; i < kiln_net_tensor_count(t->net); i++) free(t->parameter[i]);
    for (int l = 0; l < kiln_net_plan(t->net)->count; l++) free(t->value[l]);
    free(t->input);
    free(t->work);
}

static void run_layer(net_twin *t, int l)
{
    const kiln_layer *layer = &kiln_net_plan(t->net)->layer[l];
    kiln_twin twin = {.layer = layer, .n = t->n, .out = t->value[l], .work = t->work, .rate = -1};

    twin.x = layer->from < 0 ? t->input : t->value[layer->from];
    twin.x2 = layer->from2 < 0 ? t->input : t->value[layer->from2];
    twin.rng = (kiln_rng){kiln_net_made_with(t->net)->seed, KILN_RNG_DROPOUT, (uint64_t)l};
    for (int i = 0; i < KILN_LAYER_TENSORS_MAX; i++) {
        const int number = kiln_net_tensor_of(t->net, l, i);

        if (number >= 0) twin.data[i] = t->parameter[number];
    }
    layer->kind->twin(&twin);
}

double net_twin_loss(net_twin *t)
{
    const int last = kiln_net_plan(t->net)->count - 1;
    const kiln_layer *layer = &kiln_net_plan(t->net)->layer[last];
    const double *scores = t->value[layer->from];

    for (int l = 0; l < last; l++) run_layer(t, l);
    return layer->kind->twin_loss(layer, scores, t->y, t->n);
}
