/*
 * The arrow notation (DESIGN.md section 3): text to a plan of layers with shapes and costs, and
 * back.
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
 * layers of its chain, those of its shortcut, and one ADD that takes both ends.
 */
#ifndef KILN_NET_NOTATION_H
#define KILN_NET_NOTATION_H

#include <stddef.h>

#include "kernels/conv.h"
#include "layers/layers.h"

#define KILN_LAYERS_MAX 256
#define KILN_NOTATION_MAX 8192        /* characters */
#define KILN_SLOPE 0.01f              /* of leakyrelu where none is named */
#define KILN_NESTING_MAX 16           /* brackets and residuals */
#define KILN_DIM_MAX 65536            /* any one size */
#define KILN_ELEMENTS_MAX (1 << 28)   /* floats of one image's value */
#define KILN_PARAMETERS_MAX (1 << 26) /* floats of a net: 64 Mi */

enum kiln_layer_kind {
    KILN_CONV, KILN_MAXPOOL, KILN_AVGPOOL, KILN_AFFINE, KILN_FLATTEN, KILN_RELU, KILN_LEAKYRELU,
    KILN_GELU, KILN_TANH, KILN_SIGMOID, KILN_BATCHNORM, KILN_LAYERNORM, KILN_GROUPNORM,
    KILN_DROPOUT, KILN_ADD, KILN_SOFTMAX, KILN_SVM, KILN_LAYER_KINDS
};

typedef struct {
    enum kiln_layer_kind kind;
    char name[24];        /* kind and number: "conv1"; numbers count from 1 in order of running */
    int column, end;      /* where it stands in the notation: columns column..end-1, from 1 */
    int from, from2;      /* layer whose output it takes (-1: the input); from2: ADD's shortcut */
    int spatial;          /* 1: the output is (C, H, W), 0: a row of D = C (H = W = 1) */
    int in_C, in_H, in_W; /* shapes of one image */
    int C, H, W;
    union {
        kiln_conv_shape conv; /* N is set when the net is made */
        kiln_pool_shape pool;
        int features; /* affine: M */
        int groups;
        float rate;      /* dropout */
        float slope;     /* leakyrelu */
        float smoothing; /* softmax */
    } u;
    int global;                      /* avgpool over the whole image */
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

/* KILN_E_NOTATION or KILN_E_SHAPE with the column, what was found, what was expected and what would
 * work; KILN_E_ARG for an input outside the limits. */
int kiln_notation_parse(kiln_plan *plan, const char *notation, int C, int H, int W);

const char *kiln_layer_kind_name(enum kiln_layer_kind kind); /* "conv" */
/* As the notation writes it: "conv 3x3x32 stride 2"; what is default is left out. */
void kiln_layer_text(char *out, size_t size, const kiln_layer *layer);

#endif
