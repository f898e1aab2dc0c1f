/*
 * The last sane state of a run: what it goes back to when it diverges. Parameters, the rule's
 * state, running statistics and the place of a step whose loss was within reason: no higher than
 * chance or than where the run started, with weights that had not exploded. A state from just
 * before a loss that is not finite is no use: its next step diverges again.
 */
#ifndef KILN_TRAIN_KEPT_H
#define KILN_TRAIN_KEPT_H

#include "train/history.h"
#include "train/learner.h"
#include "train/place.h"

typedef struct {
    kiln_snapshot state;
    kiln_place place;
    float *statistics; /* of before the forward pass of a step that may be kept */
    double chance; /* the loss of a net that knows nothing: the log of the classes */
    double start_loss, start_squares; /* of the first step since the run was made or read; loss -1:
                                         none yet */
} kiln_kept;

void kiln_kept_lay_out(kiln_kept *k, const kiln_learner *l, kiln_arena *a);

/* Keeps the run as it is now, between two steps; it is where the run starts from. */
void kiln_kept_start(kiln_kept *k, const kiln_learner *l, const kiln_place *place, int classes);

/* Before the forward pass of a step that will be offered: it moves running statistics. */
void kiln_kept_before(kiln_kept *k, const kiln_learner *l);
/* In that step, before its update: keeps the state that it began with if that is sane. w_squares
 * is Σw². */
void kiln_kept_offer(kiln_kept *k, const kiln_learner *l, const kiln_place *place,
                     double data_loss, double w_squares);

/* 1: a loss so far above reason that a run with the option recover does not wait for infinity. */
int kiln_kept_lost(const kiln_kept *k, double data_loss);

/* Puts the kept state back; the history ends there. The best net stays. */
void kiln_kept_restore(const kiln_kept *k, kiln_learner *l, kiln_place *place, kiln_history *h);

#endif
