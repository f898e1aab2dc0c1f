/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). A draw is a pure function of (seed, purpose, stream,
 * position): there is no state to save, and a resumed run draws exactly what an unbroken one would
 * have drawn.
 */
#ifndef KILN_BASE_RNG_H
#define KILN_BASE_RNG_H

#include <stdint.h>

/* What a draw is for. Values are part of the checkpoint format: only ever append. */
enum {
    KILN_RNG_INIT = 1,    /* stream: parameter number */
    KILN_RNG_SHUFFLE = 2, /* stream: epoch */
    KILN_RNG_SAMPLE = 3,  /* stream: step (drawing with replacement) */
    KILN_RNG_AUGMENT = 4, /* stream: step; position: image in the batch */
    KILN_RNG_DROPOUT = 5, /* stream: step and layer */
    KILN_RNG_CHECK = 6,   /* subsets for accuracy checks; gradient check entries */
    KILN_RNG_BUILTIN = 7, /* the built-in set; stream: image */
    KILN_RNG_USER = 8,    /* layer functions of the public API, tests, benchmarks */
    KILN_RNG_SPLIT = 9    /* a set of images that is not split yet; stream: class */
};

typedef struct {
    uint32_t seed, purpose;
    uint64_t stream;
} kiln_rng;

/* Four 32-bit words for block number `position`. */
void kiln_rng_words(uint32_t out[4], kiln_rng rng, uint64_t position);

/* Draw number `position`, uniform in [0, 1) on a grid of 2^-24. Draws 4i..4i+3 come from block i.
 * */
float kiln_rng_uniform(kiln_rng rng, uint64_t position);
/* Uniform integer in [0, n), n >= 1, without modulo bias worth a name (multiply-shift, bias < n /
 * 2^32). */
uint32_t kiln_rng_below(kiln_rng rng, uint64_t position, uint32_t n);

/* out[i] = draw number first + i. `first` must be a multiple of 4. */
void kiln_rng_fill_uniform(float *out, int n, kiln_rng rng, uint64_t first);
/* Standard normal by Box-Muller with our own log, sin and cos (base/scalar.h). `first` as above. */
void kiln_rng_fill_normal(float *out, int n, kiln_rng rng, uint64_t first);

/* Fisher-Yates: out becomes a permutation of 0..n-1. */
void kiln_rng_permutation(int *out, int n, kiln_rng rng);

#endif
