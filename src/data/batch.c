/*
 * Batches: indices, then bytes to floats.
 *
 *   channel       x = (v - mean[c]) / std[c]           v in 0..255: a table of 256 floats a channel
 *   mean image    x = v - mean_image[c, h, w]
 *
 * Augmentation is a choice of source pixel for every output pixel, rows and columns apart:
 *
 *   out[n, h, w, c] = x[c, row[h], column[w]]          row or column -1: zero
 *   column[w] = flip ? W - 1 - w' : w'                 w' = w + shift, or mirrored at the borders
 *
 * Alternating flips (Jordan 2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU", section 3.6):
 * an image is seen both ways in every two epochs, where chance shows it the same way twice to half
 * of them.
 *
 * then brightness and contrast change all of them but those zeros,
 *
 *   out = (out + b)·(1 + c)                            b, c drawn for each image
 *
 * then cutout zeroes a square (DeVries and Taylor, "Improved Regularization of Convolutional Neural
 * Networks with Cutout", 2017: the centre is anywhere in the image, the square may hang over its
 * border). Batches are cut into tasks of a few images; every image is written by one task, so
 * threads do not show.
 */
#include "data/batch.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/rng.h"
#include "base/threads.h"

#define TASK_IMAGES 16
#define FLIP_STREAM UINT64_MAX /* no step has this number */

/* What becomes of one image. */
typedef struct {
    int flip, shift_x, shift_y; /* source = output + shift, before the flip */
    int reflect;
    int jitter; /* 1: out = (out + add)·times */
    float add, times;
    int cut, cut_x, cut_y; /* side and centre of the square of zeros */
} change;

typedef struct {
    float *x;
    int *y;
    const kiln_dataset *d;
    const uint8_t *image;
    const uint16_t *label;
    const int *index;
    int first, n, normalize;
    const kiln_augment *augment;
    kiln_rng rng;
    change view; /* without augment: the same for all images */
    float table[KILN_CHANNELS_MAX][256];
} job;

void kiln_batch_shuffle(int *order, int count, uint32_t seed, int epoch)
{
    const kiln_rng rng = {seed, KILN_RNG_SHUFFLE, (uint64_t)epoch};

    kiln_rng_permutation(order, count, rng);
}

void kiln_batch_sample(int *index, int n, int count, uint32_t seed, int64_t step)
{
    const kiln_rng rng = {seed, KILN_RNG_SAMPLE, (uint64_t)step};

    for (int i = 0; i < n; i++) index[i] = (int)kiln_rng_below(rng, (uint64_t)i, (uint32_t)count);
}

const char *const kiln_normalize_names[KILN_NORMALIZE_COUNT + 1] = {
    [KILN_NORMALIZE_NONE] = "none",
    [KILN_NORMALIZE_CHANNEL] = "channel",
    [KILN_NORMALIZE_MEAN_IMAGE] = "mean-image",
};

/* ---- one image ------------------------------------------------------------------------------- */

static int below(uint32_t bits16, int n)
{
    return (int)((bits16 & 0xffff) * (uint32_t)n >> 16);
}

/* Whether image `image` of the split is mirrored in an epoch: each epoch the other way. */
static int flips(const job *j, int image)
{
    const kiln_rng rng = {j->rng.seed, KILN_RNG_AUGMENT, FLIP_STREAM};
    uint32_t words[4];

    kiln_rng_words(words, rng, (uint64_t)image);
    return (int)((words[0] >> 31) + (uint32_t)j->augment->epoch) % 2;
}

/* A number from -1 to 1. */
static float either_way(uint32_t bits16)
{
    return (float)(bits16 & 0xffff) / 32767.5f - 1;
}

/* What brightness is a share of: a deviation of normalised pixels, or the channels' mean one. */
static float deviation(const job *j)
{
    float sum = 0;

    if (j->normalize == KILN_NORMALIZE_CHANNEL) return 1;
    for (int c = 0; c < j->d->C; c++) sum += j->d->std[c];
    return sum / (float)j->d->C;
}

static void draw_jitter(change *c, const job *j, uint32_t word)
{
    const float b = 0.01f * (float)j->augment->brightness, k = 0.01f * (float)j->augment->contrast;

    c->jitter = 1;
    c->add = b * deviation(j) * either_way(word >> 16);
    c->times = 1 + k * either_way(word);
}

static change draw_change(const job *j, int position, int image)
{
    const kiln_augment *a = j->augment;
    const int range = 2 * a->crop + 1;
    uint32_t words[4];
    change c = {0};

    kiln_rng_words(words, j->rng, (uint64_t)position);
    c.flip = a->flip == KILN_FLIP_ALTERNATING ? flips(j, image) : a->flip && words[0] >> 31;
    if (a->crop) {
        c.shift_y = below(words[1] >> 16, range) - a->crop;
        c.shift_x = below(words[1], range) - a->crop;
        c.reflect = a->crop_pad == KILN_PAD_REFLECT;
    }
    if (a->brightness || a->contrast) draw_jitter(&c, j, words[3]);
    c.cut = a->cutout;
    c.cut_y = below(words[2] >> 16, j->d->H);
    c.cut_x = below(words[2], j->d->W);
    return c;
}

/* Where output i of a side of n pixels is read: -1 for zero. */
static int place(int i, int n, int flip, int reflect)
{
    if (reflect && n > 1)
        while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (n - 1) - i;
    if (i < 0 || i >= n) return -1;
    return flip ? n - 1 - i : i;
}

static void zero_square(float *out, const change *c, int H, int W, int C)
{
    const int top = c->cut_y - c->cut / 2, left = c->cut_x - c->cut / 2;

    for (int h = top < 0 ? 0 : top; h < top + c->cut && h < H; h++)
        for (int w = left < 0 ? 0 : left; w < left + c->cut && w < W; w++)
            memset(out + (h * W + w) * C, 0, (size_t)C * sizeof *out);
}

/* One row of one channel; out steps by C. */
static void decode_row(float *out, const uint8_t *row, const int *column, int W, int C,
                       const float *table, const float *mean)
{
    for (int w = 0; w < W; w++) {
        const int from = column[w];

        if (from < 0)
            out[w * C] = 0;
        else
            out[w * C] = mean ? (float)row[from] - mean[from] : table[row[from]];
    }
}

/* One row of all channels, but for the zeros beside the image. */
static void jitter_row(float *out, const int *column, int W, int C, const change *c)
{
    for (int i = 0; i < W * C; i++)
        if (column[i / C] >= 0) out[i] = (out[i] + c->add) * c->times;
}

static void decode_image(float *out, const uint8_t *image, const job *j, const change *c)
{
    const int C = j->d->C, H = j->d->H, W = j->d->W;
    const float *mean = j->normalize == KILN_NORMALIZE_MEAN_IMAGE ? j->d->mean_image : NULL;
    int column[KILN_SIDE_MAX];

    for (int w = 0; w < W; w++) column[w] = place(w + c->shift_x, W, c->flip, c->reflect);
    for (int h = 0; h < H; h++) {
        const int row = place(h + c->shift_y, H, 0, c->reflect);

        if (row < 0) {
            memset(out + h * W * C, 0, (size_t)(W * C) * sizeof *out);
            continue;
        }
        for (int k = 0; k < C; k++) {
            const int at = (k * H + row) * W; /* image[k, row, 0] */

            decode_row(out + h * W * C + k, image + at, column, W, C, j->table[k],
                       mean ? mean + at : NULL);
        }
        if (c->jitter) jitter_row(out + h * W * C, column, W, C, c);
    }
    if (c->cut > 0) zero_square(out, c, H, W, C);
}

/* ---- a batch --------------------------------------------------------------------------------- */

static void fill_tables(job *j)
{
    for (int c = 0; c < j->d->C; c++)
        for (int v = 0; v < 256; v++)
            j->table[c][v] = j->normalize == KILN_NORMALIZE_CHANNEL
                                 ? ((float)v - j->d->mean[c]) / j->d->std[c]
                                 : (float)v;
}

static void decode_some(void *context, int task, int thread)
{
    const job *j = context;
    const size_t D = (size_t)(j->d->C * j->d->H * j->d->W);
    const int last = (task + 1) * TASK_IMAGES < j->n ? (task + 1) * TASK_IMAGES : j->n;

    (void)thread;
    for (int i = task * TASK_IMAGES; i < last; i++) {
        const size_t from = (size_t)(j->index ? j->index[i] : j->first + i);
        const change c = j->augment ? draw_change(j, i, (int)from) : j->view;

        decode_image(j->x + (size_t)i * D, j->image + from * D, j, &c);
        if (j->y) j->y[i] = j->label[from];
    }
}

static void decode(job *j)
{
    assert(j->d->W <= KILN_SIDE_MAX && j->d->C <= KILN_CHANNELS_MAX);
    if (j->normalize == KILN_NORMALIZE_MEAN_IMAGE) kiln_dataset_want_mean_image(j->d);
    fill_tables(j);
    kiln_parallel((j->n + TASK_IMAGES - 1) / TASK_IMAGES, decode_some, j);
}

void kiln_batch_decode(float *x, int *y, const kiln_dataset *d, int split, const int *index,
                       int first, int n, int normalize, const kiln_augment *augment, uint32_t seed,
                       int64_t step)
{
    job j = {.x = x, .y = y, .d = d, .image = d->image[split], .label = d->label[split],
             .index = index, .first = first, .n = n, .normalize = normalize, .augment = augment,
             .rng = {seed, KILN_RNG_AUGMENT, (uint64_t)step}};

    kiln_dataset_want(d, split, index, first, n);
    decode(&j);
}

void kiln_batch_decode_raw(float *x, const uint8_t *images, const kiln_dataset *d, int n,
                           int normalize, int flip, int dx, int dy, int reflect)
{
    job j = {.x = x, .d = d, .image = images, .n = n, .normalize = normalize,
             .view = {.flip = flip, .shift_x = -dx, .shift_y = -dy, .reflect = reflect}};

    decode(&j);
}
