/* The families of layer kinds, in the order in which messages list their names. */
#include "net/kinds.h"

const kiln_layer_kind *const kiln_kind_families[] = {
    kiln_kinds_conv, kiln_kinds_pool,    kiln_kinds_affine, kiln_kinds_activation,
    kiln_kinds_norm, kiln_kinds_dropout, kiln_kinds_join,   kiln_kinds_loss,
    NULL};
