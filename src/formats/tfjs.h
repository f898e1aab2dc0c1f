/*
 * A model of TensorFlow.js's layers format while it is written (tfjs-layers, "Model and layers",
 * models saved by Keras): a list of layers as JSON, the same as Python for Keras, the list of
 * weights, and their values. Images are (N, H, W, C) there.
 */
#ifndef KILN_FORMATS_TFJS_H
#define KILN_FORMATS_TFJS_H

#include "formats/bytes.h"
#include "formats/model.h"

#define KILN_TFJS_NAME 40

typedef struct {
    kiln_bytes topology, python, manifest, weights;
    const kiln_model *m;
    int l;
    const kiln_layer *layer;
    char x[KILN_TFJS_NAME]; /* the layer whose output comes next */
    int arguments;          /* of the layer that is open */
} kiln_tfjs;

/* tfjs.c. A layer of Keras's class `type` and of this name, up to _end, which makes it take
 * g->x (and x2, not NULL, as a second input) and makes it g->x. Between them its arguments: `key`
 * and a value that reads the same in JSON and Python. */
void kiln_tfjs_open(kiln_tfjs *g, const char *type, const char *name);
__attribute__((format(printf, 3, 4))) void kiln_tfjs_argument(kiln_tfjs *g, const char *key,
                                                              const char *format, ...);
void kiln_tfjs_flag(kiln_tfjs *g, const char *key, int value);
void kiln_tfjs_end(kiln_tfjs *g, const char *name, const char *x2);
/* A weight of that layer; its values go into g->weights, in the same order. */
void kiln_tfjs_weight(kiln_tfjs *g, const char *layer, const char *weight, const int *shape,
                      int dims);

/* tfjs_layers.c. A layer's row, by its kind; KILN_E_ARG with the layer's name for a kind that
 * TensorFlow.js has no layer for. _layer writes g->layer. */
int kiln_tfjs_row(const kiln_layer *l);
int kiln_tfjs_layer(kiln_tfjs *g);

#endif
