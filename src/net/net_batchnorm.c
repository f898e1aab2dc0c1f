/*
 * Batchnorm in a net: its sums, some images at a time in the stretch before it or of all when it
 * begins, and what follows from them.
 */
#include "net/net_internal.h"

static int rows_of_image(const kiln_net *net, int l)
{
    return net->plan.layer[l].H * net->plan.layer[l].W;
}

int kiln_net_sums_by_image(const kiln_net *net, int l)
{
    return rows_of_image(net, l) % kiln_batchnorm_block(net->plan.layer[l].C) == 0;
}

void kiln_net_moments(kiln_net *net, int l, int n, int first, int count)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const int S = rows_of_image(net, l);

    kiln_batchnorm_moments(net->sums, kiln_net_output(net, layer->from), first * S,
                           (first + count) * S, n * S, layer->C);
}

void kiln_net_dots(kiln_net *net, int l, int n, int first, int count)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const int S = rows_of_image(net, l);

    kiln_batchnorm_dots(net->sums, node->dout, kiln_net_output(net, layer->from), node->tables,
                        first * S, (first + count) * S, n * S, layer->C, node->relu_back);
}

void kiln_net_begin_batchnorm(kiln_net *net, int l, int n, int train, int observing)
{
    const kiln_layer *layer = &net->plan.layer[l];
    kiln_node *node = &net->node[l];
    const kiln_tensor *t = &net->tensor[node->learned], *running = &net->tensor[node->statistics];
    float *mean = observing ? net->spare : running[0].data;
    float *var = observing ? net->spare + net->spare_floats / 2 : running[1].data;

    if (!train) {
        kiln_batchnorm_begin_test(node->tables, t[0].data, t[1].data, running[0].data,
                                  running[1].data, layer->C, KILN_NORM_EPS);
        return;
    }
    if (net->summed != l) kiln_net_moments(net, l, n, 0, n);
    net->summed = -1;
    kiln_batchnorm_begin(node->tables, node->mean, node->inv_std, mean, var, net->sums, t[0].data,
                         t[1].data, n * rows_of_image(net, l), layer->C, KILN_NORM_EPS,
                         KILN_NORM_MOMENTUM);
}

void kiln_net_begin_batchnorm_backward(kiln_net *net, int l, int n)
{
    const kiln_layer *layer = &net->plan.layer[l];
    const kiln_node *node = &net->node[l];
    const kiln_tensor *t = &net->tensor[node->learned];

    if (net->summed != l) kiln_net_dots(net, l, n, 0, n);
    net->summed = -1;
    kiln_batchnorm_begin_backward(node->tables, t[0].gradient, t[1].gradient, net->sums, t[0].data,
                                  node->inv_std, n * rows_of_image(net, l), layer->C);
}

void kiln_net_make_again(kiln_net *net, int l, int first, int n, int thread)
{
    const kiln_layer *layer = &net->plan.layer[l];

    kiln_batchnorm_rows(kiln_net_out_at(net, l, first, thread, 1),
                        kiln_net_out_at(net, layer->from, first, thread, 1), net->node[l].tables,
                        n * rows_of_image(net, l), layer->C, net->node[l].relu);
}
