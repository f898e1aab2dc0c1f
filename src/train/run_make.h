/* The parts of making a run that its steps need too. */
#ifndef KILN_TRAIN_RUN_MAKE_H
#define KILN_TRAIN_RUN_MAKE_H

#include "train/trainer.h"

/* `wanted` of `count`: -1 is all, more than there are is all. */
int kiln_run_limited(int64_t wanted, int count);

/* A net for `batch` images in place of the run's, with what that has learned, and the arrays that
 * go with it. Where memory does not do for both nets the old one goes first, and is made again
 * on failure; if not even that can be had, learner.net is NULL. */
int kiln_run_fit_batch(kiln_run *r, int batch);

/* A run that takes no steps (r->evaluated): its data set may have no training images. */
int kiln_run_make_untrained(kiln_run **run, const kiln_dataset *data, const kiln_train_options *o);

#endif
