/*
 * What all data sets share: statistics of the training images, identity, and the end.
 *
 *   mean image[c, h, w] = Σ_n x[n, c, h, w] / N
 *   mean[c] = Σ x / (N·H·W)         std[c] = sqrt(Σ x² / (N·H·W) - mean²)      x in 0..255
 *
 * Sums are of integers, so they are exact and their order does not matter.
 */
#include "data/dataset.h"

#include <assert.h>
#include <string.h>

#define FNV_START 14695981039346656037u
#define FNV_PRIME 1099511628211u

#define PIXELS_MAX 4096    /* of one image, all channels */
#define BLOCK_IMAGES 65536 /* x² of one pixel over so many images stays below 2^32 */

void kiln_dataset_destroy(kiln_dataset *d)
{
    kiln_arena_destroy(&d->arena);
    for (int i = 0; i < KILN_DATASET_STORES; i++) kiln_arena_destroy(&d->store[i]);
    memset(d, 0, sizeof *d);
}

/* FNV-1a over words of eight bytes, low byte first; the last word is filled up with zeros. */
static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;

        for (size_t i = 0; i < 8 && at + i < size; i++) word |= (uint64_t)bytes[at + i] << 8 * i;
        hash = (hash ^ word) * FNV_PRIME;
    }
    return hash;
}

/* sum[p] and squares[p]: of pixel p over some images. */
static void add_images(uint32_t *sum, uint32_t *squares, const uint8_t *image, int count, int D)
{
    for (int n = 0; n < count; n++, image += D)
        for (int p = 0; p < D; p++) {
            const uint32_t v = image[p];

            sum[p] += v;
            squares[p] += v * v;
        }
}

static void measure_training(kiln_dataset *d)
{
    static uint32_t block_sum[PIXELS_MAX], block_squares[PIXELS_MAX];
    const int S = d->H * d->W, D = d->C * S, N = d->count[0];
    uint64_t pixel[PIXELS_MAX] = {0}, squares[KILN_CHANNELS_MAX] = {0};

    assert(D <= PIXELS_MAX && d->C <= KILN_CHANNELS_MAX);
    for (int c = 0; c < d->C; c++) d->std[c] = 1.0f;
    if (N == 0) return; /* means 0: normalising changes nothing, and no run is made of this */
    for (int first = 0; first < N; first += BLOCK_IMAGES) {
        const int count = N - first < BLOCK_IMAGES ? N - first : BLOCK_IMAGES;

        memset(block_sum, 0, sizeof block_sum);
        memset(block_squares, 0, sizeof block_squares);
        add_images(block_sum, block_squares, d->image[0] + (size_t)first * (size_t)D, count, D);
        for (int p = 0; p < D; p++) {
            pixel[p] += block_sum[p];
            squares[p / S] += block_squares[p];
        }
    }
    for (int c = 0; c < d->C; c++) {
        const double count = (double)N * S;
        uint64_t sum = 0;

        for (int p = c * S; p < (c + 1) * S; p++) {
            d->mean_image[p] = (float)((double)pixel[p] / N);
            sum += pixel[p];
        }
        const double mean = (double)sum / count;
        const double variance = (double)squares[c] / count - mean * mean;

        d->mean[c] = (float)mean;
        d->std[c] = variance > 1e-6 ? (float)__builtin_sqrt(variance) : 1.0f; /* 1: all one value */
    }
}

void kiln_dataset_measure(kiln_dataset *d)
{
    const size_t D = (size_t)d->C * (size_t)d->H * (size_t)d->W;

    measure_training(d);
    d->hash = FNV_START;
    for (int i = 0; i < KILN_SPLITS; i++) {
        d->hash = hash_bytes(d->hash, d->label[i], (size_t)d->count[i]);
        d->hash = hash_bytes(d->hash, d->image[i], (size_t)d->count[i] * D);
    }
    d->finished = 1;
}
