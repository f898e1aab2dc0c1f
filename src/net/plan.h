/*
 * A plan: the layers of a net in the order they run, with their shapes and costs. The parser of the
 * notation adds one layer after another; what a kind of layer makes of its input stands in its row
 * (kinds.h).
 */
#ifndef KILN_NET_PLAN_H
#define KILN_NET_PLAN_H

#include "kernels/conv.h"
#include "layers/layers.h"

#define KILN_LAYERS_MAX 256
#define KILN_NOTATION_MAX 8192        /* characters */
#define KILN_DIM_MAX 65536            /* any one size */
#define KILN_ELEMENTS_MAX (1 << 28)   /* floats of one image's value */
#define KILN_PARAMETERS_MAX (1 << 26) /* floats of a net: 64 Mi */
#define KILN_STEP_FLOPS_MAX 4e12      /* of a step: minutes in a browser, one core */
#define KILN_ATTRIBUTES_MAX 6         /* of a layer */

typedef struct kiln_layer_kind kiln_layer_kind; /* kinds.h */

typedef struct {
    const kiln_layer_kind *kind;
    char name[24];        /* kind and number: "conv1"; numbers count from 1 in order of running */
    double value[KILN_ATTRIBUTES_MAX]; /* of its attributes, in the order of its row */
    int column, end;      /* where it stands in the notation: columns column..end-1, from 1 */
    int from, from2;      /* layers whose outputs it takes (-1: the input); from2: a shortcut */
    int spatial;          /* 1: the output is (C, H, W), 0: a row of D = C (H = W = 1) */
    int in_C, in_H, in_W; /* shapes of one image */
    int C, H, W;
    union {
        kiln_conv_shape conv; /* N is set when the net is made */
        kiln_pool_shape pool;
        struct {
            float eps;
            double momentum; /* of the running statistics: what is kept of the old */
        } norm;
    } u;
    double largest;                  /* values of one image: input with its padding, or output */
    int in_place;                    /* its function may write over its input */
    int unread;                      /* rows and columns of the input that no window covers */
    double parameters, flops, bytes; /* flops: one image, forward; bytes: output and parameters */
} kiln_layer;

typedef struct {
    kiln_layer layer[KILN_LAYERS_MAX];
    int count, classes;
    int C, H, W; /* input */
    double parameters, flops, bytes;
    char notation[KILN_NOTATION_MAX + 1]; /* canonical text: it parses to the same plan */
} kiln_plan;

/* What flows between layers: the output of `layer` (-1: the input). */
typedef struct {
    int layer, spatial, C, H, W;
} kiln_value;

/* Fills shapes, name and costs of *layer (kind, value, column and end are given), appends it, and
 * makes *value its output. A flatten goes before it where one is needed. KILN_E_SHAPE with a
 * sentence where it does not fit; KILN_E_NOTATION where there are too many layers. */
int kiln_plan_add(kiln_plan *plan, const kiln_layer *layer, kiln_value *value);
/* The add that ends the residual( ) at columns column..end-1: *value + *shortcut, where *shortcut
 * is *input if the residual has none. */
int kiln_plan_join(kiln_plan *plan, int column, int end, const kiln_value *input,
                   const kiln_value *shortcut, kiln_value *value);

#endif
