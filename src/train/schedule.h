/*
 * Learning-rate schedules: what the rate is multiplied by at a step. A pure function of step, steps
 * an epoch and steps, in double without libm, so that a resumed run sees the rates an unbroken one
 * would have seen.
 */
#ifndef KILN_TRAIN_SCHEDULE_H
#define KILN_TRAIN_SCHEDULE_H

#include <stdint.h>

/* By the names of the option `schedule`:
 *   step         times `decay` every `every` epochs
 *   exponential  times `decay` every epoch: the course's lr_decay
 *   cosine       from 1 to `final` along half a cosine
 *   onecycle     from `start` up to 1 and down to `final`, along cosines
 *   linear       the same along straight lines */
#define KILN_SCHEDULES(X) X(constant) X(step) X(exponential) X(cosine) X(onecycle) X(linear)

#define X(name) KILN_SCHEDULE_##name,
enum { KILN_SCHEDULES(X) KILN_SCHEDULE_COUNT };
#undef X

typedef struct {
    int kind;
    double warmup; /* epochs in which the factor rises to 1; one-cycle takes 0.3 of the run where it
                      is 0 */
    double decay; /* factor of step and exponential */
    int every; /* epochs between the drops of step, >= 1 */
    double start; /* first factor of one-cycle, and of linear where it has a warm-up */
    double final; /* last factor of cosine, one-cycle and linear */
} kiln_schedule;

/* The factor of step 0, 1, ... of `steps`; later ones have the last one's. */
double kiln_schedule_factor(const kiln_schedule *s, int64_t step, int64_t steps_per_epoch,
                            int64_t steps);

#endif
