/* A whole net in double, layer by layer as plain calls of the twins; see net_twin.h. */
#include "net_twin.h"

#include <stdlib.h>

#include "ref/ref_layers.h"

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
    size_t most = 0;

    t->net = net;
    t->n = n;
    t->y = y;
    t->input = doubles(kiln_net_input(net), elements(t, -1));
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *p = kiln_net_tensor_at(net, i);

        t->parameter[i] = doubles(p->data, (size_t)p->size);
    }
    for (int l = 0; l < kiln_net_plan(net)->count; l++) {
        t->value[l] = doubles(NULL, elements(t, l));
        if (elements(t, l) > most) most = elements(t, l);
    }
    t->mean = doubles(NULL, most);
    t->inv_std = doubles(NULL, most);
}

void net_twin_free(net_twin *t)
{
    for (int i = 0; i < kiln_net_tensor_count(t->net); i++) free(t->parameter[i]);
    for (int l = 0; l < kiln_net_plan(t->net)->count; l++) free(t->value[l]);
    free(t->input);
    free(t->mean);
    free(t->inv_std);
}

/* The first parameter of layer l; the second one follows it. */
static double *const *parameters_of(const net_twin *t, int l)
{
    for (int i = 0; i < kiln_net_tensor_count(t->net); i++)
        if (kiln_net_tensor_at(t->net, i)->layer == l) return &t->parameter[i];
    return NULL;
}

static void run_layer(net_twin *t, int l)
{
    const kiln_layer *layer = &kiln_net_plan(t->net)->layer[l];
    const double *x = layer->from < 0 ? t->input : t->value[layer->from];
    double *out = t->value[l], *const *p = parameters_of(t, l);
    const int n = t->n, count = (int)elements(t, l), S = layer->H * layer->W, C = layer->C;
    const kiln_rng rng = {kiln_net_made_with(t->net)->seed, KILN_RNG_DROPOUT, (uint64_t)l};
    kiln_conv_shape conv = layer->u.conv;
    kiln_pool_shape pool = layer->u.pool;

    conv.N = pool.N = n;
    switch (layer->kind) {
    case KILN_CONV: ref_conv2d_forward(out, x, p[0], p[1], &conv); break;
    case KILN_AFFINE: ref_affine_forward(out, x, p[0], p[1], n, layer->in_C, C); break;
    case KILN_MAXPOOL: ref_maxpool_forward(out, x, &pool); break;
    case KILN_AVGPOOL: ref_avgpool_forward(out, x, &pool); break;
    case KILN_FLATTEN:
        ref_flatten_forward(out, x, n, layer->in_H * layer->in_W, layer->in_C);
        break;
    case KILN_RELU: ref_relu_forward(out, x, count); break;
    case KILN_LEAKYRELU: ref_leaky_relu_forward(out, x, count, (double)layer->u.slope); break;
    case KILN_GELU: ref_gelu_forward(out, x, count); break;
    case KILN_TANH: ref_tanh_forward(out, x, count); break;
    case KILN_SIGMOID: ref_sigmoid_forward(out, x, count); break;
    case KILN_BATCHNORM:
        ref_batchnorm_forward(out, t->mean, t->inv_std, x, p[0], p[1], n * S, C, 1e-5);
        break;
    case KILN_LAYERNORM:
        if (layer->spatial)
            ref_groupnorm_forward(out, t->mean, t->inv_std, x, p[0], p[1], n, S, C, 1, 1e-5);
        else
            ref_layernorm_forward(out, t->mean, t->inv_std, x, p[0], p[1], n, C, 1e-5);
        break;
    case KILN_GROUPNORM:
        ref_groupnorm_forward(out, t->mean, t->inv_std, x, p[0], p[1], n, S, C, layer->u.groups,
                              1e-5);
        break;
    case KILN_DROPOUT: ref_dropout(out, x, count, (double)layer->u.rate, rng, 0); break;
    case KILN_ADD:
        ref_residual_add(out, x, layer->from2 < 0 ? t->input : t->value[layer->from2], count);
        break;
    default: break;
    }
}

double net_twin_loss(net_twin *t)
{
    const int last = kiln_net_plan(t->net)->count - 1;
    const kiln_layer *layer = &kiln_net_plan(t->net)->layer[last];
    const double *scores = t->value[layer->from];

    for (int l = 0; l < last; l++) run_layer(t, l);
    return layer->kind == KILN_SVM
               ? ref_svm_loss(NULL, scores, t->y, t->n, layer->C)
               : ref_softmax_loss(NULL, scores, t->y, t->n, layer->C, (double)layer->u.smoothing);
}
