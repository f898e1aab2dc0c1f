/*
 * The last sane state of a run: what it goes back to when it diverges. Parameters, the rule's
 * state, running statistics and the place of a step whose loss was within reason: no higher than
 * chance or than where the run started, with weights that had not exploded. A state from just
 * before a loss that is not finite is no use: its next step diverges again.
 */
#ifndef KILN_TRAIN_KEPT_H
#define KILN_TRAIN_KEPT_H

#include "train/trainer.h"

/* Lays out k's arrays for the sizes of r. */
void kiln_kept_lay_out(kiln_kept *k, const kiln_run *r, kiln_arena *a);

/* Keeps the run as it is now, between two steps; it is where the run starts from. */
void kiln_kept_start(kiln_run *r);

/* In a step, before its update: keeps the state that it began with if that is sane. `statistics`
 * are those of before the forward pass, w_squares is Σw². */
void kiln_kept_offer(kiln_run *r, double data_loss, double w_squares, const float *statistics);

/* 1: a loss so far above reason that a run with the option recover does not wait for infinity. */
int kiln_kept_lost(const kiln_run *r, double data_loss);

/* Puts the kept state back; the history ends there. Best parameters stay. */
void kiln_kept_restore(kiln_run *r);

#endif
