/*
 * What a run has seen, in bounded memory: when a list is full every second entry goes, the latest
 * stays. Losses are then recorded half as often.
 */
#ifndef KILN_TRAIN_HISTORY_H
#define KILN_TRAIN_HISTORY_H

#include <stdint.h>

#include "base/json.h"

#define KILN_HISTORY_LOSSES 4096 /* even */
#define KILN_HISTORY_EPOCHS 1024 /* even */

typedef struct {
    int32_t epoch, step;
    float train_loss; /* mean over the steps of the epoch */
    float train_accuracy, val_accuracy; /* -1: not checked */
    float lr; /* of the last step */
} kiln_epoch_record;

typedef struct {
    int losses, epochs;
    int32_t stride; /* a loss is recorded every so many steps, a power of two */
    int32_t loss_step[KILN_HISTORY_LOSSES];
    float loss[KILN_HISTORY_LOSSES];
    int32_t epoch_at[KILN_HISTORY_EPOCHS][2]; /* epoch, step */
    float epoch_value[KILN_HISTORY_EPOCHS][4]; /* the rest of a record, in its order */
} kiln_history;

void kiln_history_clear(kiln_history *h);
/* `step` counts from 1. */
void kiln_history_add_loss(kiln_history *h, int64_t step, double loss);
void kiln_history_add_epoch(kiln_history *h, const kiln_epoch_record *record);
/* The object of kiln.h: kiln_trainer_history. */
void kiln_history_json(const kiln_history *h, kiln_json *j);

#endif
