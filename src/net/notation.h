/*
 * The arrow notation: text to a plan of layers with shapes and costs, and back. Words and arguments
 * of layers stand in their rows (kinds.h); this is the grammar.
 *
 *   chain = item { "-" item }
 *   item  = layer | "[" chain "]" [ "x" count ] | "residual(" chain [ "|" chain ] ")"
 *
 *   layer = word { argument }, as its row says (kind_<family>.c; a table stands in README.md):
 *           conv HxWxF [stride S] [pad P], maxpool K, affine M, relu, dropout P, ..
 *   The last layer is a loss, and no other is: softmax [smoothing E] or svm.
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
