/* The nets of the course and of the page, each with options that train it well. */
#ifndef KILN_TRAIN_PRESETS_H
#define KILN_TRAIN_PRESETS_H

#include "base/json.h"
#include "train/options.h"

/* The net of the first preset, and the default of the option net. */
#define KILN_DEFAULT_NET \
    "conv 5x5x16 - batchnorm - relu - maxpool 2 - conv 3x3x16 - batchnorm - relu - maxpool 2 - " \
    "conv 3x3x32 - batchnorm - relu - avgpool - affine 10 - softmax"

typedef struct {
    const char *name, *title, *net;
    const char *options; /* key=value lines; what differs from the table's defaults */
    const char *note;
} kiln_preset;

extern const kiln_preset kiln_preset_table[];
extern const int kiln_preset_count;

/* The options of a new run: where `text` names no net, those of the first preset, as far as `text`
 * does not say otherwise. KILN_E_ARG as kiln_train_options_read. */
int kiln_preset_read(kiln_train_options *o, const char *text);

/* A preset's net, word for word, ends in as many scores as a data set has classes. */
void kiln_preset_fit(kiln_train_options *o, int classes);

/* The array of kiln.h: kiln_presets. */
int kiln_presets_json(kiln_json *j);

#endif
