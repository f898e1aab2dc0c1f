/*
 * Update rules, a row each: what a rule is called, what it keeps between steps, which options it
 * reads, how weight decay comes in, and how it moves the parameters. A new rule is a file that
 * defines its row, and its name in KILN_RULES; nothing else asks which rule it is.
 */
#ifndef KILN_TRAIN_RULES_H
#define KILN_TRAIN_RULES_H

#include "net/net.h"
#include "train/options.h"

#define KILN_RULE_STATES 2

/* One step as a rule sees it. w, dw and state[k] are flat blocks of `floats` floats in one layout:
 * of one tensor, or, for a rule that is elementwise and has one rate for all, of the whole net. A
 * rule may write dw. */
typedef struct {
    kiln_net *net;
    const kiln_tensor *tensor; /* NULL: all of them */
    float *w, *dw;
    float *state[KILN_RULE_STATES]; /* zero before the first step */
    size_t floats;
    float *scratch; /* as many floats as the row asks for */
    const kiln_train_options *o;
    float lr; /* of this step and these parameters, the schedule included */
    int64_t step; /* counts from 1 */
} kiln_update;

enum kiln_rule_decay {
    KILN_DECAY_DECOUPLED, /* w -= lr·decay·w before the step (Loshchilov and Hutter 2019) */
    KILN_DECAY_GRADIENT /* dw += decay·w: L2, as adam's authors meant it */
};

typedef struct {
    const char *name;
    const char *help;
    const char *state[KILN_RULE_STATES]; /* names in a checkpoint: "optimizer.v.conv1.w" */
    const char *options[6]; /* what it reads besides lr, schedule and weight-decay */
    enum kiln_rule_decay decay;
    int by_tensor; /* 1: a step depends on the tensor's shape; 0: elementwise */
    size_t (*scratch)(kiln_net *net); /* NULL: none */
    void (*update)(const kiln_update *u);
} kiln_rule;

extern const kiln_rule *const kiln_rule_table[KILN_RULE_COUNT]; /* by KILN_RULE_* of options.h */

#define X(name) extern const kiln_rule kiln_rule_##name;
KILN_RULES(X)
#undef X

/* The step of rule u->o->optimizer: weight decay, then the rule. */
void kiln_rule_step(const kiln_update *u);

int kiln_rule_states(const kiln_rule *rule); /* 0 .. KILN_RULE_STATES */

/* The group of parameters that have options of their own: "bias" (bias-lr, bias-decay), "head",
 * "filter", or NULL. */
const char *kiln_rule_group(const kiln_tensor *t);

/* The weights of convolutions and affine layers are matrices, *rows by *columns, row-major: (F,
 * C·HH·WW) or (D, M). 1, or 0 for every other tensor. */
int kiln_rule_matrix(const kiln_tensor *t, int *rows, int *columns);

#endif
