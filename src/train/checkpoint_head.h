/*
 * What a file says of itself, read and checked the same way for whoever asks: to describe it, to go
 * on with its run, to evaluate its net, or to begin a run with its weights. There are two kinds: a
 * checkpoint holds a run, an export the net alone.
 *
 * Everything that the file alone decides is decided here, so what is described can be gone on with.
 * Left to who goes on are the data set (is it the one it was trained on?), and how large a batch
 * and how much memory this reader grants.
 */
#ifndef KILN_TRAIN_CHECKPOINT_HEAD_H
#define KILN_TRAIN_CHECKPOINT_HEAD_H

#include "net/safetensors.h"
#include "train/trainer.h"

#define KILN_CHECKPOINT_SIDE 32 /* of the images that its net takes, where it does not say */
#define KILN_STD_MIN 1e-4 /* less than any deviation of whole numbers that are not all one */
#define KILN_CHECKPOINT_CHANNELS 3 /* of these, where neither input nor means say */

/* Texts point into the file's metadata; classes, mean and std are JSON. What an export does not
 * hold is as at the start of a run with the options' defaults. Weights that were imported may not
 * say what they were taught on: data, classes, and mean with std, are then NULL. */
typedef struct {
    int has_run; /* 0: an export */
    kiln_train_options o; /* of an export: net and normalize */
    const char *version, *mode, *data, *data_hash, *normalize, *classes, *mean, *std;
    int channels, height, width, class_count; /* 0: it names none */
    int64_t step, position, loss_count;
    int epoch, best_epoch;
    double loss_sum, best_accuracy; /* -1: none yet */
    int32_t stride; /* of the history */
    int losses, epochs;
    const char *changed; /* of the history; "" for none */
} kiln_checkpoint_head;

/* The whole check of a file: its metadata, then its tensors, which are those of its net and its
 * run by name, type and shape, finite, and no others. KILN_E_CHECKPOINT with a sentence,
 * KILN_E_MEMORY. */
int kiln_checkpoint_open(kiln_checkpoint_head *h, const kiln_safetensors *f);

/* Its metadata alone. */
int kiln_checkpoint_head_read(kiln_checkpoint_head *h, const kiln_safetensors *f);

/* Is this notation, whatever its spaces, that of the file's net? KILN_E_ARG names both. */
int kiln_checkpoint_same_net(const kiln_checkpoint_head *h, const char *notation);

/* The net of a new run that begins with the file's weights, for data of so many classes: `net` is
 * the file's, or what is asked for, and may differ from the file's in the outputs of its head
 * alone; where it is the file's and does not end in `classes` scores, its head gets as many.
 * *layers: how many of the first layers take the file's weights; the others begin anew. KILN_E_ARG
 * for another net. */
int kiln_checkpoint_fit(const kiln_checkpoint_head *h, char net[KILN_NOTATION_MAX], int classes,
                        int *layers);

/* Where the run stands, and what it has seen, as the file says. */
void kiln_checkpoint_take_place(kiln_run *r, const kiln_checkpoint_head *h);

/* The size of the images, from "input": "28x28", or "1x28x28" of a file that may have no means, of
 * which there is one a channel; without it, 3x32x32. */
int kiln_checkpoint_input(const kiln_safetensors *f, int *channels, int *height, int *width);

/* Parts of that: is it a file that kiln wrote, and of which version of its format; a text of its
 * metadata; the numbers of a JSON list, of which the first `most` go to out, and how many there are
 * is returned. KILN_E_CHECKPOINT as above. */
int kiln_checkpoint_origin(const kiln_safetensors *f, const char **format_version);
int kiln_checkpoint_text(const kiln_safetensors *f, const char *key, const char **value);
int kiln_checkpoint_numbers(float *out, int most, const char *list, const char *what);

/* Puts the last error's sentence behind "checkpoint: "; returns KILN_E_CHECKPOINT. */
int kiln_checkpoint_refused(void);

#endif
