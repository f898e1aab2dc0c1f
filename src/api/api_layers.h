/*
 * What the public layer functions share: checks at the door, each with a sentence, and scratch.
 * `layer` names the function in the sentence ("affine").
 */
#ifndef KILN_API_API_LAYERS_H
#define KILN_API_API_LAYERS_H

#include <stddef.h>

#include "base/arena.h"
#include "layers/layers.h"

#define KILN_ELEMENTS_MAX (1 << 28) /* of one array: 1 GiB of floats */

/* A size and its name; a list ends with name NULL. */
typedef struct {
    const char *name;
    int value;
} kiln_size;

/* Every size is at least 1. */
int kiln_check_sizes(const char *layer, const kiln_size *sizes);
/* The product of four sizes does not pass the limit of a tensor. */
int kiln_check_elements(const char *layer, const char *tensor, int a, int b, int c, int d);
/* None of n arrays is NULL. */
int kiln_check_arrays(const char *layer, const void *const *arrays, int n);
/* low <= value <= high, or value < high where `open`; a NaN is refused. */
int kiln_check_number(const char *layer, const char *name, double value, double low, double high,
                      int open);

#define KILN_ARRAYS(layer, ...)                                                                    \
    kiln_check_arrays(layer, (const void *const[]){__VA_ARGS__},                                   \
                      (int)(sizeof((const void *const[]){__VA_ARGS__}) / sizeof(void *)))
#define KILN_SIZES(layer, ...) kiln_check_sizes(layer, (const kiln_size[]){__VA_ARGS__, {NULL, 0}})

/* By layer: what its function of kiln.h says of sizes and numbers. conv and planes fill their shape
 * with OH and OW; a plane of (N, C, H, W) is an image of one channel. */
int kiln_check_affine(int N, int D, int M);
int kiln_check_length(const char *layer, int n);
int kiln_check_dropout(int n, double keep);
int kiln_check_conv(kiln_conv_shape *s);
int kiln_check_planes(kiln_pool_shape *s, int N, int C, int H, int W, int pool_height,
                      int pool_width, int stride);
int kiln_check_loss(const char *layer, const double *loss, const void *dx, const void *x,
                    const int *y, int N, int C);
int kiln_check_rule(const char *rule, int n, double lr);
int kiln_check_rmsprop(int n, double lr, double decay_rate, double eps);
int kiln_check_adam(int n, double lr, double beta1, double beta2, double eps, int t);
int kiln_check_batchnorm(int N, int C, int S, double eps, double momentum);
int kiln_check_layernorm(int N, int D, double eps);
int kiln_check_groupnorm(int N, int C, int S, int G, double eps);

/* One block with n <= 4 pieces of count[i] floats, to be given back by kiln_arena_destroy. */
int kiln_scratch(kiln_arena *arena, const char *layer, float **piece, const size_t *count, int n);

#endif
