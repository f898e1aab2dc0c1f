/*
 * The parts of a PyTorch folder: the module, the program that trains it on, and a check of both by
 * what kiln computes. pytorch.c puts them together.
 */
#ifndef KILN_FORMATS_PYTORCH_H
#define KILN_FORMATS_PYTORCH_H

#include "formats/bytes.h"
#include "formats/model.h"
#include "train/checkpoint_head.h"

#define KILN_TORCH_NAME 80
#define KILN_TORCH_TOLD 400 /* characters of options */
#define KILN_TORCH_CHECK_STEPS 20

/* pytorch_layers.c. The module's source. KILN_E_ARG with the layer's name for a kind that has no
 * row there. */
int kiln_torch_model(kiln_bytes *out, const kiln_model *m);
/* A layer's row, by its kind; KILN_E_ARG with the layer's name where there is none. */
int kiln_torch_row(const kiln_layer *l);
/* A tensor as the module names it, "conv1.weight" of "conv1.w", behind a prefix. */
void kiln_torch_name(char out[KILN_TORCH_NAME], const char *prefix, const kiln_tensor *t);
/* 1: the module holds the transpose, (M, D) of an affine layer's (D, M). */
int kiln_torch_is_transposed(const kiln_tensor *t);

/* pytorch_train.c, pytorch_kiln.c, pytorch_data.c. train.py, kiln.py and data.py, the same for
 * every run. */
void kiln_torch_train(kiln_bytes *out);
void kiln_torch_kiln(kiln_bytes *out);
void kiln_torch_data(kiln_bytes *out);

/* pytorch_check.c. Images that are made for it, with labels; the scores of the net as it is, and
 * the losses of KILN_TORCH_CHECK_STEPS steps of a run on these images alone that begins with the
 * weights and the rule's state of the file: a safetensors file. Its options are those of the file
 * with the lines of `told`, which are set, over them. */
int kiln_torch_check(kiln_bytes *out, char told[KILN_TORCH_TOLD], const kiln_model *m,
                     const kiln_checkpoint_head *h);

#endif
