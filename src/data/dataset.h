/*
 * A data set in memory: images as planes of uint8, as CIFAR-10 stores them, and their labels, split
 * into train, validation and test, with the statistics of its training images.
 */
#ifndef KILN_DATA_DATASET_H
#define KILN_DATA_DATASET_H

#include <stdint.h>

#include "base/arena.h"

#define KILN_CLASSES_MAX 1000
#define KILN_SIDE_MAX 64 /* pixels, high or wide */
#define KILN_CHANNELS_MAX 4
#define KILN_SPLITS 3 /* train, validation, test: the values of kiln.h */
#define KILN_SPLIT_BY_NAME (-1) /* of a file: as its name says */
#define KILN_DATASET_STORES 4

typedef struct kiln_dataset kiln_dataset;

struct kiln_dataset {
    int C, H, W, classes;
    const char *name;                        /* "builtin", "cifar10", "mnist", ... */
    const char *class_name[KILN_CLASSES_MAX];
    int count[KILN_SPLITS];                  /* images in each split, once finished */
    const uint8_t *image[KILN_SPLITS];       /* count x (C, H, W) bytes */
    const uint16_t *label[KILN_SPLITS];      /* count */
    float mean[KILN_CHANNELS_MAX], std[KILN_CHANNELS_MAX]; /* of the training images, 0..255 */
    float *mean_image;                       /* (C, H, W), 0..255; the course's mean image */
    uint64_t hash;                           /* FNV-1a over the records used: their identity */
    int finished;
    kiln_arena arena;                        /* what the pointers above point into, and ... */
    kiln_arena store[KILN_DATASET_STORES];   /* ... images (and labels) of files: see reader.h */
    void *reader;                            /* state of reading files; NULL once finished */
    struct kiln_builtin *builtin;            /* what of the built-in set is drawn; else NULL */
    /* What draws images, or their mean, that are still to be drawn; NULL: all are there. */
    void (*draw)(const kiln_dataset *d, int split, const int *index, int first, int n);
    void (*draw_mean_image)(const kiln_dataset *d);
};

void kiln_dataset_destroy(kiln_dataset *d); /* any number of times */
/* Sets mean, std, mean_image, hash and finished from counts, images and labels. */
void kiln_dataset_measure(kiln_dataset *d);
/* mean_image alone. */
void kiln_dataset_average(const kiln_dataset *d);

/* To be called before images index[0..n-1] of a split (index NULL: first .. first + n - 1) or their
 * labels are read, and before the mean image is: those of the built-in set are drawn now, on the
 * pool, if they are not yet. */
void kiln_dataset_want(const kiln_dataset *d, int split, const int *index, int first, int n);
void kiln_dataset_want_mean_image(const kiln_dataset *d);

/* builtin.c: ten classes drawn in C. Image i of a split depends on (seed, split, i) alone. */
int kiln_builtin_create(kiln_dataset *d, uint32_t seed, int train, int validation, int test);
/* The same in pieces: takes the memory; then draws the next n images, counted through the splits,
 * and returns how many come after them. With the last one the set is finished. The standard set,
 * 8000, 1000 and 1000 images of seed 1, is so from the beginning: its statistics are known. */
int kiln_builtin_begin(kiln_dataset *d, uint32_t seed, int train, int validation, int test);
int kiln_builtin_draw(kiln_dataset *d, int n);

/* fileset.c: a set from files or an archive; see kiln.h for what each does and its errors. */
int kiln_fileset_create(kiln_dataset *d);
int kiln_fileset_add_file(kiln_dataset *d, const char *name, const uint8_t *bytes, int size,
                          int split);
int kiln_fileset_feed_tar(kiln_dataset *d, const uint8_t *bytes, int size);
/* train, validation, test: numbers of images wanted; -1 the standard: 1,000 for validation, or a
 * tenth where there are few, and all others. A set that is not split is split by `seed`: a tenth
 * each for validation and test, of every class its share. */
int kiln_fileset_finish(kiln_dataset *d, int train, int validation, int test, uint32_t seed);

#endif
