/*
 * Which images a step sees, and how they become floats: order, normalisation, augmentation.
 * Everything drawn comes from the counter-based generator, so (seed, epoch, step) alone decide it.
 */
#ifndef KILN_DATA_BATCH_H
#define KILN_DATA_BATCH_H

#include <stdint.h>

#include "data/dataset.h"

enum { KILN_NORMALIZE_NONE, KILN_NORMALIZE_CHANNEL, KILN_NORMALIZE_MEAN_IMAGE,
       KILN_NORMALIZE_COUNT };
/* Their names, in options, checkpoints and calls; NULL behind the last. */
extern const char *const kiln_normalize_names[KILN_NORMALIZE_COUNT + 1];
enum { KILN_PAD_ZERO, KILN_PAD_REFLECT };
enum { KILN_FLIP_NEVER, KILN_FLIP_RANDOM, KILN_FLIP_ALTERNATING };

typedef struct {
    int flip;     /* KILN_FLIP_*: mirrored left-right with probability 1/2, or, alternating, a
                     random half of the images in even epochs and the others in odd ones */
    int epoch;    /* of this batch, for alternating flips */
    int crop;     /* pixels of padding for a random crop back to H x W; 0: off; at most 8 */
    int crop_pad; /* KILN_PAD_ZERO (zero after normalisation) or KILN_PAD_REFLECT */
    int brightness, contrast; /* per cent, up to 100; 0: off. All values of an image: plus up to
                 that share of a deviation, then times 1 plus or minus up to that share */
    int cutout;   /* side of a square set to zero after normalisation at a random centre; 0: off */
} kiln_augment;

/* The order of an epoch: a permutation of the training images (KILN_RNG_SHUFFLE, stream epoch). */
void kiln_batch_shuffle(int *order, int count, uint32_t seed, int epoch);
/* n indices drawn with replacement (KILN_RNG_SAMPLE, stream = step), as the course's Solver draws
 * them. */
void kiln_batch_sample(int *index, int n, int count, uint32_t seed, int64_t step);

/* Images index[0..n-1] of a split to x, channels last (n, H, W, C), and labels to y. index NULL
 * means first, first + 1, ... channel: (pixel - mean) / std; mean image: pixel - mean image
 * (0..255, as the course). augment NULL: none; draws come from (seed, KILN_RNG_AUGMENT, step,
 * position in the batch). Runs on the pool. */
void kiln_batch_decode(float *x, int *y, const kiln_dataset *d, int split, const int *index,
                       int first, int n, int normalize, const kiln_augment *augment, uint32_t seed,
                       int64_t step);
/* n raw images (C, H, W) bytes, normalised by the statistics of d; each mirrored if flip, then
 * moved by (dx, dy) pixels (right, down), for test-time views; what comes in at the borders is
 * zero, or the mirror image where reflect. */
void kiln_batch_decode_raw(float *x, const uint8_t *images, const kiln_dataset *d, int n,
                           int normalize, int flip, int dx, int dy, int reflect);

#endif
