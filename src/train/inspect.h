/*
 * One image through a net of its own that keeps all it computes: outputs, and gradients of the
 * loss.
 */
#ifndef KILN_TRAIN_INSPECT_H
#define KILN_TRAIN_INSPECT_H

#include "train/evaluate.h"
#include "train/learner.h"

/* Forward and backward of image i of a split, with what l has learned, in *inspector, which is made
 * where it is NULL, and is the caller's. `notation` is that of l's net. KILN_E_MEMORY, or what
 * kiln_evaluator_check finds. */
int kiln_inspect(kiln_net **inspector, const kiln_learner *l, const char *notation,
                 const kiln_evaluator *e, int split, int i);

#endif
