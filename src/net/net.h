/*
 * A net from its notation: shapes, one memory plan, parameters, forward and backward.
 *
 * A net is a list of layers in the order they run (residual branches are unrolled: notation.h). All
 * its memory is one arena, laid out when the net is made: parameters, gradients, activations
 * (buffers shared by lifetime unless `keep`), scratch. The parameters lie in one flat array, so
 * update rules see (count, floats) and a mask.
 */
#ifndef KILN_NET_NET_H
#define KILN_NET_NET_H

#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "net/plan.h"

#define KILN_TENSORS_MAX 1024
#define KILN_BATCH_MAX 65536
#define KILN_FREEZE_TEXT 256 /* characters of the list of frozen parameters */

typedef struct {
    char name[48];          /* "conv1.w", "batchnorm2.running_mean" */
    int shape[4], dims;     /* the course's shape */
    int size;               /* floats */
    int layer;              /* number in the plan */
    int parameter;          /* 1 parameter, 0 running statistic */
    int trained;            /* 1 for a parameter that has a gradient */
    int frozen;             /* 1 for one that would have, were it not for the option freeze */
    int regularised;        /* 1 for w of conv and affine */
    int shift;              /* 1 for biases and betas */
    int head;               /* 1 for the last w, which makes the scores */
    int early;              /* 1 for one that kiln_net_hold holds */
    int held;               /* 1 at present: it is not trained, and its gradient is 0 */
    int random;             /* drawn at the start; else every value is `start` */
    float start;
    float *data, *gradient; /* gradient NULL for what is not trained */
} kiln_tensor;

typedef struct kiln_net kiln_net;

typedef struct {
    int C, H, W; /* input */
    int batch;   /* largest batch */
    uint32_t seed;
    int init;          /* KILN_INIT_* */
    double init_scale; /* of KILN_INIT_GAUSSIAN */
    int dirac;         /* 1: the first filters of convolutions start as the identity */
    int keep;          /* 1: every activation and gradient stays readable (kiln_net_value) */
    int steps;         /* 1: a summary shows the list of steps */
    int inference;     /* 1: forward only: no gradients, activations shared freely */
    /* Layers and parameters that are not trained: names between commas, * for any characters, as
     * freeze.c reads them; "" or "none": all are trained. */
    char freeze[KILN_FREEZE_TEXT];
} kiln_net_options;

enum { KILN_INIT_HE, KILN_INIT_XAVIER, KILN_INIT_GAUSSIAN };

void kiln_net_options_default(kiln_net_options *o); /* 3x32x32, batch 1, seed 1, he */

int kiln_net_make(kiln_net **net, const char *notation, const kiln_net_options *o);
void kiln_net_free(kiln_net *net); /* NULL is allowed */
/* A net without memory: everything is known of it, nothing can be run. */
int kiln_net_sketch(kiln_net **net, const char *notation, const kiln_net_options *o);
/* An array of the steps that a training pass takes, each with its pass, its layers in order, the
 * images taken at a time, groups of a filter gradient, and the values that have no buffer. */
void kiln_net_write_steps(kiln_json *j, const char *key, const kiln_net *net);
/* The plan, and the bytes a net of these options would take, without taking them. */
int kiln_net_measure(kiln_plan *plan, double *bytes, const char *notation,
                     const kiln_net_options *o);
double kiln_net_planned_bytes(const kiln_net *net); /* of a sketch: what it would take */

const kiln_plan *kiln_net_plan(const kiln_net *net); /* layers, shapes, counts: plan.h */
const kiln_net_options *kiln_net_made_with(const kiln_net *net);
size_t kiln_net_bytes(const kiln_net *net);

int kiln_net_tensor_count(const kiln_net *net);
kiln_tensor *kiln_net_tensor_at(kiln_net *net, int i);
/* The number of layer l's tensor i, in the order of its row (kinds.h), or -1. */
int kiln_net_tensor_of(const kiln_net *net, int l, int i);
/* All trained parameters, one flat block in the order of the tensors (others are left out),
 * 16-float aligned each with zero padding between; gradients lie in a block of the same layout.
 * Returns the floats in the block. */
size_t kiln_net_parameters(kiln_net *net, float **data, float **gradient);

/* KILN_E_SHAPE with the layer and the cure where a pass of n images in train mode makes no sense: a
 * batchnorm over one value a channel gives only its beta. Passes in test mode take any n. */
int kiln_net_check_batch(const kiln_net *net, int n);
/* Where the batch goes in: (n, H, W, C), channels last, batch images at most. */
float *kiln_net_input(kiln_net *net);

/* Dropout in layer l at step t draws from (seed, KILN_RNG_DROPOUT, stream (t, l)). */
void kiln_net_set_step(kiln_net *net, int64_t step);
/* From the next pass on, until told otherwise, the tensors that are `early` are not trained: their
 * gradients are zero, and what nobody but they wanted is not computed. No other bit changes. */
void kiln_net_hold(kiln_net *net, int held);
/* rate < 0 gives back the notation's rates; otherwise all dropout layers use `rate`. */
void kiln_net_set_dropout(kiln_net *net, float rate);

/* Scores (n, classes) of the n images in the input. train != 0: batch statistics, running averages,
 * dropout. */
const float *kiln_net_forward(kiln_net *net, int n, int train);
/* Mean data loss of the scores of the last forward; its gradient waits for backward; labels y. */
double kiln_net_data_loss(kiln_net *net, const int *y, int n);
/* Gradients of all parameters (data loss only); overwrites. After a forward in train mode and
 * data_loss. */
void kiln_net_backward(kiln_net *net, int n);
/* FLOPs of one image's backward pass as it is at present: those of a layer's forward pass for the
 * gradient of its input, where somebody wants it, and again for that of its weights. */
double kiln_net_backward_flops(const kiln_net *net);
/* 0.5·reg·ΣW² over regularised tensors; adds reg·W to their gradients when gradients != 0. Then
 * *dw_squares (NULL: not wanted) is Σdw² over the gradients of all parameters. */
double kiln_net_regularise(kiln_net *net, double reg, int gradients, double *dw_squares);
double kiln_net_parameter_squares(kiln_net *net); /* Σw² over all trained parameters */

/* keep nets: output (what 0) or gradient (what 1) of layer l for `image`, as (C, H, W); returns
 * floats, out may be NULL. */
int kiln_net_value(kiln_net *net, int layer, int what, int image, float *out);
/* First layer of the last pass whose output (or gradient) is not finite, or has squares that are
 * not, as a sentence fragment "layer 3 (conv2), tensor w"; used when a loss diverges. */
void kiln_net_find_nonfinite(kiln_net *net, char *out, int size);

/* Seconds by layer of the training passes since profiling was switched on: forward[l], backward[l];
 * returns how many. The last layer is the loss. Layers that run together share their time as the
 * calling thread's images did. */
void kiln_net_profile_on(kiln_net *net, int on);
int kiln_net_profile_read(kiln_net *net, const double **forward, const double **backward);

uint64_t kiln_net_hash64(const kiln_net *net); /* FNV-1a over the bits of all tensors */

#endif
