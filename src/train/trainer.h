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

#include "data/dataset.h"
#include "net/net.h"
#include "train/history.h"
#include "train/options.h"
#include "train/rules.h"

/* The flags a step returns: the values of kiln.h. */
enum {
    KILN_RUN_STEPPED = 1,
    KILN_RUN_EPOCH = 2,
    KILN_RUN_DONE = 4,
    KILN_RUN_BEST = 8,
    KILN_RUN_CHECKING = 16,
    KILN_RUN_RECOVERED = 32
};

/* The check that ends an epoch, under way: of so many images, so many are done, so many right. */
typedef struct {
    int active;
    int epoch; /* that the line of the history is of */
    int flags; /* of the step that it ends */
    int train, train_done, train_right;
    int validation, validation_done, validation_right;
} kiln_run_checking;

typedef struct {
    double loss, data_loss, reg_loss; /* of the last step; loss is their sum */
    double accuracy; /* of its batch */
    double lr, gradient_norm; /* before clipping */
    double update_ratio; /* |change of w| / |w|, measured every KILN_RUN_RATIO_EVERY steps; -1
                            before */
    double train_loss; /* mean over the steps of the last epoch that was checked; NaN before */
    double train_accuracy, val_accuracy; /* of the last check; -1 before */
    int measured; /* 1 once a step was taken */
} kiln_run_metrics;

#define KILN_RUN_RATIO_EVERY 16

/* What the option `recover` multiplies lr by, and the lr below which it gives up. */
#define KILN_RECOVER_FACTOR 0.1
#define KILN_RECOVER_LR_MIN 1e-12

/* The state a diverged run goes back to (kept.h). */
typedef struct {
    float *w, *statistics, *state[KILN_RULE_STATES];
    int64_t step, position, loss_count;
    int epoch;
    double loss_sum;
    double start_loss, start_squares; /* of the first step since the run was made or read; loss -1:
                                         none yet */
} kiln_kept;

typedef struct {
    kiln_train_options o;
    const kiln_dataset *data; /* borrowed, or `seen` */
    int evaluated; /* 1: read to be evaluated, perhaps on other data; it takes no steps */
    kiln_dataset seen; /* then: the data set, named and normalised as the training data were */
    char seen_name[KILN_OPTION_TEXT], seen_class[KILN_CLASSES_MAX][KILN_OPTION_TEXT];
    kiln_net *net;
    kiln_net *inspector; /* keep = 1, one image; NULL until asked for */
    int images; /* training images used */
    int validation; /* validation images there are, at most the option's */
    int slice; /* images of a check in one kiln_run_step; 0: all */
    kiln_run_checking check;
    int told_late; /* flags of a check that kiln_run_settle finished; 0: none */

    /* Where the run stands; with the seed, these and the arrays below decide all that follows. */
    int64_t step; /* steps taken */
    int64_t position; /* images of the present epoch already seen */
    int epoch; /* epochs done */
    double loss_sum; /* of the present epoch's steps */
    int64_t loss_count;
    double best_accuracy; /* best validation accuracy; -1: none yet */
    int best_epoch;

    size_t floats, statistics; /* floats of the parameter block, of all running statistics */
    float *w, *dw; /* the net's blocks */
    int states; /* of the update rule: 0..KILN_RULE_STATES */
    float *state[KILN_RULE_STATES], *rule_scratch;
    float *best, *best_statistics;
    float *before; /* parameters before a step whose update ratio is measured */
    float *statistics_before; /* the step's own */
    kiln_kept kept;
    int *order, order_epoch; /* the shuffled order, and the epoch it is of */
    kiln_run_metrics metrics;
    kiln_history history;
    kiln_arena self, arena; /* the run itself; what is laid out above */

    /* What grows with the batch. */
    int *index, *label, *prediction;
    float *probability, *view; /* (batch, classes) */
    kiln_arena batch_arena;
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

/* ---- evaluate.c: all in test mode, leaving the run as it was ------------------------------------
 */

#define KILN_VIEWS_MAX 10
/* 1, 2 (with mirror image) or 10 (both, moved by two pixels in four directions) views averaged.
 * KILN_E_DIVERGED where a score is not finite. */
int kiln_run_evaluate(kiln_run *r, int split, int first, int n, int views, double *loss_sum,
                      int *confusion);
int kiln_run_predict(kiln_run *r, const uint8_t *images, int n, int views, float *probabilities);
/* The check of an epoch's end: begun, then done for so many images a call, 0 for all. Returns 1
 * when metrics.train_accuracy and .val_accuracy are filled, 0 before, or KILN_E_DIVERGED. */
void kiln_run_check_begin(kiln_run *r);
int kiln_run_check(kiln_run *r, int images);
/* Forward and backward of one image in r->inspector. */
int kiln_run_inspect(kiln_run *r, int split, int i);

/* Running statistics of a net to and from one array. */
void kiln_statistics_get(kiln_net *net, float *out);
void kiln_statistics_set(kiln_net *net, const float *in);
int kiln_statistics_finite(kiln_net *net); /* 1 or 0 */

#endif
