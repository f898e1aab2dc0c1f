/*
 * Numeric gradient checks of a net by layers (cs231n: eval_numerical_gradient_array, rel_error).
 *
 * The net runs forward on three random images. For each layer the gradient of its output is set to
 * random numbers, and what the library's backward pass makes of it is compared with centred
 * differences, h = 1e-5, of the layer's double-precision twin (src/ref) at up to ten random entries
 * a tensor.
 */
#ifndef KILN_NET_GRADCHECK_H
#define KILN_NET_GRADCHECK_H

#include "net/kinds.h"
#include "net/net.h"

#define KILN_GRADCHECK_ENTRIES 10
#define KILN_GRADCHECK_BATCH 3
#define KILN_GRADCHECK_ROWS (2 + KILN_LAYER_TENSORS_MAX) /* of a layer at most */

typedef struct {
    char tensor[24];    /* "dx", "dshortcut" of an add, or a tensor's: "dw", "db", "dgamma" */
    double error;       /* max |a - n| / max(1e-8, |a| + |n|) */
    double share;       /* max |a - n| / max |a| of the tensor: what float rounding leaves is small
                           here, even where a gradient that is nearly 0 makes `error` large */
    int entries;        /* compared */
    int kinks;          /* drawn, but at a corner: there is no derivative */
} kiln_gradcheck_row;

/* A net that keeps everything, after a pass over random images. o->batch is not used. */
int kiln_gradcheck_make(kiln_net **net, const char *notation, const kiln_net_options *o);
/* Layer l: the number of rows. None for what is not computed, such as the first layer's dx. */
int kiln_gradcheck_layer(kiln_net *net, int l, kiln_gradcheck_row rows[KILN_GRADCHECK_ROWS]);

#endif
