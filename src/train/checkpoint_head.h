/*
 * What a checkpoint says of itself, read and checked the same way for whoever asks: to describe it
 * or to go on from it. Numbers are within their ranges and fit each other.
 */
#ifndef KILN_TRAIN_CHECKPOINT_HEAD_H
#define KILN_TRAIN_CHECKPOINT_HEAD_H

#include "net/safetensors.h"
#include "train/options.h"

/* Texts point into the file's metadata; classes, mean and std are JSON. */
typedef struct {
    kiln_train_options o;
    const char *version, *mode, *data, *data_hash, *normalize, *classes, *mean, *std;
    int64_t step, position, loss_count;
    int epoch, best_epoch;
    double loss_sum, best_accuracy; /* -1: none yet */
    int32_t stride; /* of the history */
    int losses, epochs;
} kiln_checkpoint_head;

/* KILN_E_CHECKPOINT with a sentence for a file that is foreign or contradicts itself. */
int kiln_checkpoint_head_read(kiln_checkpoint_head *h, const kiln_safetensors *f);

/* Parts of that: is it a file that kiln wrote, and of which version of its format; a text of its
 * metadata; the numbers of a JSON list, of which the first `most` go to out, and how many there are
 * is returned. KILN_E_CHECKPOINT as above. */
int kiln_checkpoint_origin(const kiln_safetensors *f, const char **format_version);
int kiln_checkpoint_text(const kiln_safetensors *f, const char *key, const char **value);
int kiln_checkpoint_numbers(float *out, int most, const char *list, const char *what);

/* Puts the last error's sentence behind "checkpoint: "; returns KILN_E_CHECKPOINT. */
int kiln_checkpoint_refused(void);

#endif
