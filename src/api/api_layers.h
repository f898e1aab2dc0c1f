/*
 * What the public layer functions share: checks at the door, each with a sentence, and scratch.
 * `layer` names the function in the sentence ("affine").
 */
#ifndef KILN_API_API_LAYERS_H
#define KILN_API_API_LAYERS_H

#include <stddef.h>

#include "base/arena.h"

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

/* One block with n <= 4 pieces of count[i] floats, to be given back by kiln_arena_destroy. */
int kiln_scratch(kiln_arena *arena, const char *layer, float **piece, const size_t *count, int n);

#endif
