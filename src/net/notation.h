/*
 * The arrow notation: text to a plan of layers with shapes and costs, and back. Names and arguments
 * of layers stand in their rows (kinds.h); this is the grammar, with what rows say today.
 *
 *   chain = item { "-" item }
 *   item  = layer | "[" chain "]" [ "x" count ] | "residual(" chain [ "|" chain ] ")"
 *
 *   conv HxWxF [stride S] [pad P]   S: 1. P: (H - 1) / 2 for H = W odd, which keeps the size,
 *                                   else 0
 *   maxpool K [stride S]            S: K
 *   avgpool [K]                     stride K; no K: global, one pixel is left
 *   affine M                        an image is flattened first, in the order (c, h, w)
 *   relu   leakyrelu [A]   gelu   tanh   sigmoid      A: 0.01
 *   batchnorm   layernorm   groupnorm G               of channels where the value is an image
 *   dropout P                       P is the share dropped
 *   softmax [smoothing E] | svm     last, once
 *
 * Spaces are free, case does not matter; "->" and the arrows and dashes of Unicode count as "-",
 * the multiplication sign as "x". A repeated chain unrolls into its copies; a residual into the
 * layers of its chain, those of its shortcut, and one add that takes both ends.
 */
#ifndef KILN_NET_NOTATION_H
#define KILN_NET_NOTATION_H

#include <stddef.h>

#include "net/plan.h"

#define KILN_NESTING_MAX 16 /* brackets and residuals */

/* KILN_E_NOTATION or KILN_E_SHAPE with the column, what was found, what was expected and what would
 * work; KILN_E_ARG for an input outside the limits. */
int kiln_notation_parse(kiln_plan *plan, const char *notation, int C, int H, int W);

/* As the notation writes it: "conv 3x3x32 stride 2"; what is default is left out. */
void kiln_layer_text(char *out, size_t size, const kiln_layer *layer);

#endif
