/*
 * A whole net in double: the plan of a net, run by the twins that its rows name on doubles of its
 * parameters. Its loss is what the numeric gradients of whole nets differentiate.
 */
#ifndef KILN_TESTS_NET_TWIN_H
#define KILN_TESTS_NET_TWIN_H

#include "net/net.h"

typedef struct {
    kiln_net *net;
    int n;
    const int *y;
    double *parameter[KILN_TENSORS_MAX]; /* by tensor */
    double *value[KILN_LAYERS_MAX];
    double *input, *work;
} net_twin;

void net_twin_make(net_twin *t, kiln_net *net, const int *y, int n);
void net_twin_free(net_twin *t);
double net_twin_loss(net_twin *t); /* train mode, mean over the batch */

#endif
