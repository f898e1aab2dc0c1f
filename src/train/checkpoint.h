/*
 * A run as one safetensors file, from which it goes on bit for bit (src/README.md, Checkpoints).
 *
 * Tensors are those of tensor_list.h. Metadata, all of it text: format, format_version, version,
 * net, options (key=value lines), seed, mode, data, data_hash, classes, normalize, mean, std, and
 * where the run stands.
 *
 * Format 1 had one rule under the names adam and adamw, with decoupled weight decay; an adam with
 * weight decay is read as the adamw that it was.
 */
#ifndef KILN_TRAIN_CHECKPOINT_H
#define KILN_TRAIN_CHECKPOINT_H

#include "train/trainer.h"

#define KILN_CHECKPOINT_FORMAT "kiln"
#define KILN_CHECKPOINT_VERSION "2"

/* The whole file in a fresh arena: out->base, *size bytes. `version` is the library's. */
int kiln_checkpoint_write(kiln_run *r, const char *version, kiln_arena *out, size_t *size);
/* The net alone. */
int kiln_checkpoint_export(kiln_run *r, const char *version, kiln_arena *out, size_t *size);

/* A run that goes on where the file ended. `options` (may be NULL) may change live options.
 * KILN_E_CHECKPOINT with a sentence for a file that is damaged, foreign, or of another data set;
 * nothing is kept then. */
int kiln_checkpoint_read(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options);

/* The same for evaluating it, or an export: on any data of its shape and classes, normalised as its
 * training data were; no training images are needed. Such a run takes no steps. */
int kiln_checkpoint_load(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options);

/* A new run at step 0 whose first weights and running statistics are those of a checkpoint or an
 * export. `options` are those of a new run; net and normalize are the file's where they are left
 * out, and KILN_E_ARG where net is another one. With other classes than the file's the head begins
 * anew (checkpoint_fit.c). */
int kiln_checkpoint_begin(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                          size_t size, const char *options);

/* The weights and running statistics of a checkpoint or an export into a net of its notation and
 * input; KILN_E_ARG, KILN_E_SHAPE for another, and the net is as it was. */
int kiln_checkpoint_fill(kiln_net *net, const uint8_t *bytes, size_t size);

/* The object of kiln.h: kiln_checkpoint_info. What it describes can be gone on with on its data,
 * but for a batch, or memory, that this reader does not grant. */
int kiln_checkpoint_json(const uint8_t *bytes, size_t size, kiln_json *j);

#endif
