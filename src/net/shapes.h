/* Shape inference: one layer after another is added to a plan. Used by the parser of the notation.
 */
#ifndef KILN_NET_SHAPES_H
#define KILN_NET_SHAPES_H

#include "net/notation.h"

/* What flows between layers: the output of `layer` (-1: the input). */
typedef struct {
    int layer, spatial, C, H, W;
} kiln_value;

/* Fills shapes, name and costs of *layer (kind, u, column and end are given), appends it, and makes
 * *value its output. A flatten goes before it where one is needed. */
int kiln_plan_add(kiln_plan *plan, const kiln_layer *layer, kiln_value *value);
/* The ADD that ends the residual( ) at columns column..end-1: *value + *shortcut, where *shortcut
 * is *input if the residual has none. */
int kiln_plan_join(kiln_plan *plan, int column, int end, const kiln_value *input,
                   const kiln_value *shortcut, kiln_value *value);
/* The pad a convolution has where the notation names none. */
int kiln_default_pad(int HH, int WW);
/* "32x16x16" (C, H, W), or "100" for a row. */
void kiln_value_text(char out[48], const kiln_value *value);

#endif
