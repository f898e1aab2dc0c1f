/*
 * A training run: what cs231n's Solver does and more. One call is one step; pause, single step and
 * resume are the caller's loop. A step allocates nothing.
 *
 * Steps an epoch: max(images / batch, 1), as the course has it. A shuffled epoch leaves out the
 * images % batch last ones of its order (another order comes next epoch), so that every step has
 * the same size and costs the same. An epoch ends when less than a batch is left, so what a batch
 * raised on the way finds is never less than the batch before it: no step has a single image where
 * a batch of one was refused.
 */
#ifndef KILN_TRAIN_TRAINER_H
#define KILN_TRAIN_TRAINER_H

#include "train/evaluate.h"
#include "train/history.h"
#include "train/kept.h"
#include "train/learner.h"
#include "train/options.h"
#include "train/place.h"

/* The flags a step returns: the values of kiln.h. */
enum {
    KILN_RUN_STEPPED = 1,
    KILN_RUN_EPOCH = 2,
    KILN_RUN_DONE = 4,
    KILN_RUN_BEST = 8,
    KILN_RUN_CHECKING = 16,
    KILN_RUN_RECOVERED = 32
};

typedef struct {
    double loss, data_loss, reg_loss; /* of the last step; loss is their sum */
    double accuracy; /* of its batch */
    double lr, gradient_norm; /* before clipping */
    double update_ratio; /* |change of w| / |w|, measured every KILN_RUN_RATIO_EVERY steps; -1
                            before */
    /* As the history keeps them: */
    float train_loss; /* mean over the steps of the last epoch that was checked; NaN before */
    float train_accuracy, val_accuracy; /* of the last check; -1 before */
    int measured; /* 1 once a step was taken */
} kiln_run_metrics;

#define KILN_RUN_RATIO_EVERY 16

/* What the option `recover` multiplies lr by, and the lr below which it gives up. */
#define KILN_RECOVER_FACTOR 0.1
#define KILN_RECOVER_LR_MIN 1e-12

/* The net of the best validation accuracy. */
typedef struct {
    double accuracy; /* -1: none yet */
    int epoch;
    kiln_snapshot state;
} kiln_best;

/* Other data than a run was trained on, named and normalised as its training data were. */
typedef struct {
    kiln_dataset data;
    char name[KILN_OPTION_TEXT], class_name[KILN_CLASSES_MAX][KILN_OPTION_TEXT];
} kiln_seen;

/* Each part is changed by the functions of its own header; the place and what is left, by trainer.c
 * alone. */
typedef struct {
    kiln_train_options o;
    const kiln_dataset *data; /* borrowed, or seen.data */
    int images, validation; /* training images used; validation images, at most the option's */

    kiln_learner learner;
    kiln_place place;
    kiln_history history;
    kiln_kept kept;
    kiln_best best;
    kiln_evaluator test; /* of learner.net and data */
    kiln_net *inspector; /* NULL until asked for */

    /* A step's own. */
    int *order, order_epoch; /* the shuffled order, and the epoch it is of */
    int *index, *label; /* of its batch */
    float *before; /* parameters before a step whose update ratio is measured */
    kiln_run_metrics metrics;

    /* The check that ends an epoch. */
    int slice; /* images of it in one kiln_run_step; 0: all */
    kiln_check check;
    int check_epoch, check_flags; /* the line of the history, and the flags of the step it ends */
    int told_late; /* flags of a check that kiln_run_settle finished; 0: none */

    int evaluated; /* 1: made to be evaluated, perhaps on other data; it takes no steps */
    kiln_seen seen; /* then */
    kiln_arena self, arena, batch_arena; /* the run; its arrays; those that grow with the batch */
} kiln_run;

/* The data set must be finished and outlive the run. */
int kiln_run_make(kiln_run **run, const kiln_dataset *data, const kiln_train_options *o);
void kiln_run_free(kiln_run *r);

/* One step, or the next slice of the check that follows one: flags, or KILN_E_STATE when the run
 * is over, or KILN_E_DIVERGED: then the run is back at its last sane state, from which it can go
 * on with a smaller lr. With the option `recover` it
 * does that by itself: lr becomes a tenth, the rule's state zero, and KILN_RUN_RECOVERED alone is
 * returned; kiln_error() says from where to where. */
int kiln_run_step(kiln_run *r);
/* Takes a check that is under way to its end; its flags come with the next kiln_run_step.
 * KILN_E_DIVERGED as there. */
int kiln_run_settle(kiln_run *r);
int kiln_run_over(const kiln_run *r);
int64_t kiln_run_steps_per_epoch(const kiln_run *r);
int64_t kiln_run_steps(const kiln_run *r); /* of the whole run */

/* Live options as key=value lines. On failure nothing changes. */
int kiln_run_set(kiln_run *r, const char *text);
int kiln_run_restore_best(kiln_run *r); /* KILN_E_STATE when there is none */

/* The check of an epoch's end as options say, to be done by kiln_check_on. */
void kiln_run_begin_check(kiln_run *r);
/* kiln_inspect in r->inspector. */
int kiln_run_inspect(kiln_run *r, int split, int i);

/* The object of kiln.h: kiln_trainer_metrics. */
void kiln_run_metrics_json(const kiln_run *r, kiln_json *j);

#endif
