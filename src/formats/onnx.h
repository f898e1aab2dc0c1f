/*
 * An ONNX graph while it is written: nodes, attributes and constants in the terms of onnx.proto
 * (onnx/onnx, IR version 8). Opset 17, which has LayerNormalization. Values are (N, C, H, W) or
 * (N, D), as ONNX has them.
 */
#ifndef KILN_FORMATS_ONNX_H
#define KILN_FORMATS_ONNX_H

#include "formats/bytes.h"
#include "formats/model.h"

#define KILN_ONNX_NAME 64

/* What the writer of a layer gets: the graph, open, and the names of the layer's values. */
typedef struct {
    kiln_bytes *out;
    const kiln_model *m;
    int l; /* number of the layer */
    const kiln_layer *layer;
    const char *x, *x2, *y; /* inputs (x2: an add's shortcut) and the output */
} kiln_onnx;

/* A node's inputs, in order, up to the first that is NULL. */
#define KILN_ONNX_IN(...) ((const char *const[]){__VA_ARGS__, NULL})

/* onnx.c. A node's fields: operator, output, inputs; then attributes, up to _end(g, node). */
size_t kiln_onnx_node(kiln_onnx *g, const char *op, const char *y, const char *const *in);
void kiln_onnx_end(kiln_onnx *g, size_t node);
void kiln_onnx_ints(kiln_onnx *g, const char *name, const int *value, int count);
void kiln_onnx_int(kiln_onnx *g, const char *name, int value);
void kiln_onnx_float(kiln_onnx *g, const char *name, float value);
/* Constants: floats, perhaps unaligned; `count` times the same; shapes for Reshape. */
void kiln_onnx_floats(kiln_onnx *g, const char *name, const int *shape, int dims, const void *data);
void kiln_onnx_fill(kiln_onnx *g, const char *name, int count, float value);
void kiln_onnx_shape(kiln_onnx *g, const char *name, const int *size, int count);

/* onnx_layers.c. The number of a layer's row there, by its kind; KILN_E_ARG with the layer's name
 * for a kind that has none. _layer writes g->layer; the output of a loss is the graph's. */
int kiln_onnx_row(const kiln_layer *l);
int kiln_onnx_layer(kiln_onnx *g);

#endif
