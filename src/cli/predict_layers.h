/*
 * The layers' view of a picture, as files: what the net sees, and of each layer the outputs and the
 * gradients of the loss by them, the picture being taken for its likeliest class. It is what the
 * page draws of a picture (web/layer-view.ts), with all channels.
 */
#ifndef KILN_CLI_PREDICT_LAYERS_H
#define KILN_CLI_PREDICT_LAYERS_H

#include <stdint.h>

#include "pictures.h"

/* Files are DIR/NAME-00-input.png, DIR/NAME-01-conv1-output.png, DIR/NAME-01-conv1-gradient.png ..,
 * NAME being the picture's without its folder and ending. */
typedef struct {
    const char *folder; /* DIR */
    const char *net;    /* the model's notation */
    cli_form form;      /* of its input */
    int as_json;        /* a line a layer on stdout, instead of a line in all */
} cli_layer_views;

/* 0, or 2 with a sentence where the files of two of the pictures would have the same names. */
int cli_layers_check(const cli_layer_views *v, char *const *pictures, int count);
/* Writes the files of the picture at `path`, which is test image 0 of the trainer's data and whose
 * planes are (C, H, W). 0 or an exit code with a sentence. */
int cli_layers_write(const cli_layer_views *v, int trainer, const char *path,
                     const uint8_t *planes);

#endif
