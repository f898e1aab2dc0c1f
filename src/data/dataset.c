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

#define PIXELS 4096        /* summed at a time, of one image's, all channels */
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

/* One byte a label, or two, low first, where a byte does not hold them. */
static uint64_t hash_labels(uint64_t hash, const uint16_t *label, int count, int classes)
{
    const int step = classes > 256 ? 4 : 8; /* labels of a word */

    for (int at = 0; at < count; at += step) {
        uint64_t word = 0;

        for (int i = 0; i < step && at + i < count; i++)
            word |= (uint64_t)label[at + i] << 64 / step * i;
        hash = (hash ^ word) * FNV_PRIME;
    }
    return hash;
}

/* sum[p] and squares[p]: of pixel p of `pixels` over some images, which are D bytes apart. */
static void add_images(uint32_t *sum, uint32_t *squares, const uint8_t *image, int count, int D,
                       int pixels)
{
    for (int n = 0; n < count; n++, image += D)
        for (int p = 0; p < pixels; p++) {
            const uint32_t v = image[p];

            sum[p] += v;
            squares[p] += v * v;
        }
}

/* Pixels first .. first + pixels - 1 over all training images: their means, and what they add to
 * the sums of their channels. */
static void measure_pixels(const kiln_dataset *d, int first, int pixels, uint64_t *sum,
                           uint64_t *squares)
{
    static uint32_t block_sum[PIXELS], block_squares[PIXELS];
    static uint64_t pixel[PIXELS];
    const int S = d->H * d->W, D = d->C * S, N = d->count[0];

    memset(pixel, 0, sizeof pixel);
    for (int n = 0; n < N; n += BLOCK_IMAGES) {
        const int count = N - n < BLOCK_IMAGES ? N - n : BLOCK_IMAGES;

        memset(block_sum, 0, sizeof block_sum);
        memset(block_squares, 0, sizeof block_squares);
        add_images(block_sum, block_squares, d->image[0] + (size_t)n * (size_t)D + first, count, D,
                   pixels);
        for (int p = 0; p < pixels; p++) {
            pixel[p] += block_sum[p];
            squares[(first + p) / S] += block_squares[p];
        }
    }
    for (int p = 0; p < pixels; p++) {
        d->mean_image[first + p] = (float)((double)pixel[p] / N);
        sum[(first + p) / S] += pixel[p];
    }
}

/* The mean image, and sums over channels. */
static void measure_images(const kiln_dataset *d, uint64_t *sum, uint64_t *squares)
{
    const int D = d->C * d->H * d->W;

    for (int first = 0; first < D; first += PIXELS)
        measure_pixels(d, first, D - first < PIXELS ? D - first : PIXELS, sum, squares);
}

void kiln_dataset_average(const kiln_dataset *d)
{
    uint64_t sum[KILN_CHANNELS_MAX] = {0}, squares[KILN_CHANNELS_MAX] = {0};

    measure_images(d, sum, squares);
}

static void measure_training(kiln_dataset *d)
{
    const int S = d->H * d->W, N = d->count[0];
    uint64_t sum[KILN_CHANNELS_MAX] = {0}, squares[KILN_CHANNELS_MAX] = {0};

    assert(d->C <= KILN_CHANNELS_MAX);
    for (int c = 0; c < d->C; c++) d->std[c] = 1.0f;
    if (N == 0) return; /* means 0: normalising changes nothing, and no run is made of this */
    measure_images(d, sum, squares);
    for (int c = 0; c < d->C; c++) {
        const double count = (double)N * S;
        const double mean = (double)sum[c] / count;
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
        d->hash = hash_labels(d->hash, d->label[i], d->count[i], d->classes);
        d->hash = hash_bytes(d->hash, d->image[i], (size_t)d->count[i] * D);
    }
    d->finished = 1;
}

/* By pointers: a module that makes no data sets is not to link what draws. */
void kiln_dataset_want(const kiln_dataset *d, int split, const int *index, int first, int n)
{
    if (d->draw) d->draw(d, split, index, first, n);
}

void kiln_dataset_want_mean_image(const kiln_dataset *d)
{
    if (d->draw_mean_image && d->mean_image) d->draw_mean_image(d);
}
