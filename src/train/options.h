/*
 * Every option of a training run: one table (options.c) that the trainer reads, the command line
 * turns into --flags and help, and the page into controls.
 *
 * Values come as text, `key=value` a line (base/keyvalue.h), and are printed back the same way, so
 * a checkpoint keeps them as they are.
 */
#ifndef KILN_TRAIN_OPTIONS_H
#define KILN_TRAIN_OPTIONS_H

#include <stdint.h>

#include "base/json.h"
#include "data/batch.h"
#include "net/net.h"
#include "net/notation.h"
#include "train/schedule.h"

/* The update rules by the names of the option `optimizer`; rules.h has their rows. */
#define KILN_RULES(X) X(sgd) X(momentum) X(nesterov) X(rmsprop) X(adam) X(adamw) X(muon)

#define X(name) KILN_RULE_##name,
enum { KILN_RULES(X) KILN_RULE_COUNT };
#undef X
enum { KILN_DRAW_SHUFFLE, KILN_DRAW_REPLACEMENT };

#define KILN_OPTION_TEXT 64 /* characters of the short texts */

/* Whole numbers and choices are int64_t, as the table reads them all alike. */
typedef struct {
    char net[KILN_NOTATION_MAX];
    char init_text[KILN_OPTION_TEXT], augment_text[KILN_OPTION_TEXT];
    char freeze[KILN_FREEZE_TEXT];
    int64_t seed, data_seed, train, validation, test, normalize, draw;
    int64_t batch, max_steps, optimizer, schedule_kind, decay_every, lookahead;
    int64_t eval_views; /* number of the choice: kiln_views[eval_views] */
    int64_t check_first, check_train, check_val, patience, recover, memory;
    double epochs, whiten_epochs, lr, bias_lr, head_lr, filter_lr;
    double momentum, decay_rate, beta1, beta2, eps;
    double warmup, lr_decay, start_lr, final_lr, lookahead_decay;
    double reg, weight_decay, bias_decay, head_decay, filter_decay, clip, dropout, eval_share;

    /* What kiln_train_options_read derives from the above. */
    int init, dirac; /* KILN_INIT_*, and the identity on top of it */
    double init_scale;
    kiln_augment augment;
    int augmented; /* 0: no augmentation at all */
    kiln_schedule schedule;
} kiln_train_options;

void kiln_train_options_default(kiln_train_options *o);

/* Which keys a text may hold. */
enum { KILN_OPTIONS_ALL, KILN_OPTIONS_LIVE /* others only where they repeat the present value */ };

/* Reads pairs over what *o holds. KILN_E_ARG with a sentence, and *o as it was. */
int kiln_train_options_read(kiln_train_options *o, const char *text, int which);

/* The name of the first option that is not the same in both, but for those of a run's end alone and
 * memory: what training anew would not bear. NULL for none. */
const char *kiln_train_options_changed(const kiln_train_options *a, const kiln_train_options *b);

/* KILN_E_ARG, naming both, where two options contradict each other: asked when a run is made and
 * when one changes, not of what a checkpoint holds. */
int kiln_train_options_check(const kiln_train_options *o);

/* All options as key=value lines, in the order of the table, at most `size` bytes;
 * KILN_TRAIN_OPTIONS_TEXT is enough. */
#define KILN_TRAIN_OPTIONS_TEXT (KILN_NOTATION_MAX + 2048)
void kiln_train_options_print(const kiln_train_options *o, char *text, int size);

/* The members of an object of all values, and the array that describes the table (kiln.h:
 * kiln_options). */
void kiln_train_options_json(const kiln_train_options *o, kiln_json *j);
void kiln_train_options_table(kiln_json *j);

#endif
