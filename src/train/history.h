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
#define KILN_HISTORY_CHANGED 24

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
    /* What keeps the run from being had again by training anew with its options: the name of one
     * that was changed on the way; "mode", for it was saved in the other; "weights", for it began
     * with those of a file; "best", for it went back to them. The first of these; "" for none. */
    char changed[KILN_HISTORY_CHANGED];
} kiln_history;

void kiln_history_clear(kiln_history *h);
/* `step` counts from 1. */
void kiln_history_add_loss(kiln_history *h, int64_t step, double loss);
/* NULL: nothing changed. */
void kiln_history_note_change(kiln_history *h, const char *what);
void kiln_history_add_epoch(kiln_history *h, const kiln_epoch_record *record);
/* The object of kiln.h: kiln_trainer_history. */
void kiln_history_json(const kiln_history *h, kiln_json *j);

#endif
