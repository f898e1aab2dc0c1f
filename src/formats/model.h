/*
 * A trained net as it leaves: its layers, its tensors and what it was taught, read from a
 * checkpoint or from an export of one. No data set is needed and nothing can be run.
 */
#ifndef KILN_FORMATS_MODEL_H
#define KILN_FORMATS_MODEL_H

#include "net/net.h"
#include "net/safetensors.h"

#define KILN_MODEL_CHANNELS 4

typedef struct {
    const uint8_t *bytes; /* the file, borrowed */
    size_t size;
    kiln_safetensors file;
    kiln_net *net; /* a sketch: its plan and its tensors, without their values */
    const void *value[KILN_TENSORS_MAX]; /* of the net's tensors, in the file, perhaps unaligned */
    const char *classes;                 /* a JSON list of names */
    const char *normalize;               /* "channel", "mean-image" or "none" */
    int channels;
    float mean[KILN_MODEL_CHANNELS], std[KILN_MODEL_CHANNELS]; /* of a channel, pixels 0..255 */
} kiln_model;

/* Borrows `bytes`, which must outlive the model. KILN_E_CHECKPOINT with a sentence for a file that
 * is damaged, foreign, or lacks a tensor of its net, KILN_E_MEMORY. On failure nothing is held. */
int kiln_model_read(kiln_model *m, const uint8_t *bytes, size_t size);
void kiln_model_free(kiln_model *m); /* any number of times */

/* Of layer l, in the order of its row in net/kinds.h; NULL where it has no tensor i. */
const kiln_tensor *kiln_model_tensor(const kiln_model *m, int l, int i, const void **value);

/* 1: the file holds the run as well (options, history), not the net alone. */
int kiln_model_has_run(const kiln_model *m);

#endif
