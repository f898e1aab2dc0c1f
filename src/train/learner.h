/*
 * What a run learns: the parameters and running statistics of a net, and the state of its update
 * rule; and copies of it, as the best net and the state that a diverged run goes back to are.
 */
#ifndef KILN_TRAIN_LEARNER_H
#define KILN_TRAIN_LEARNER_H

#include "base/arena.h"
#include "net/net.h"
#include "train/rules.h"

/* A moving average of parameters and running statistics. */
typedef struct {
    float *w, *statistics;
} kiln_average;

typedef struct {
    kiln_net *net; /* owned */
    size_t floats, statistics; /* floats of the parameter block, of all running statistics */
    float *w, *dw; /* the net's blocks */
    int states; /* of the update rule: 0..KILN_RULE_STATES */
    float *state[KILN_RULE_STATES], *scratch;
    int averaged; /* 1: there is an average, of Lookahead */
    kiln_average average;
} kiln_learner;

/* Takes the net: its blocks and sizes. The rule's arrays are laid out apart, once. */
void kiln_learner_take_net(kiln_learner *l, kiln_net *net);
/* Lays out the state and scratch of a rule, zero before the first step, and the average where
 * options ask for one. */
void kiln_learner_lay_out(kiln_learner *l, const kiln_train_options *o, kiln_arena *a);

/* One step of rule o->optimizer, which counts from 1, by the gradient that lies in dw. */
void kiln_learner_step(const kiln_learner *l, const kiln_train_options *o, float lr, int64_t step);
/* The rule's state as before the first step. */
void kiln_learner_forget_state(kiln_learner *l);

/* Lookahead (Zhang, Lucas, Hinton and Ba 2019, with the decay of Jordan 2024, section 3.4):
 * average = share·average + (1 - share)·net, and the net goes on from the average. */
void kiln_learner_look_ahead(kiln_learner *l, double share);
/* The average starts at the net as it is. Without one nothing happens. */
void kiln_learner_start_average(kiln_learner *l);

/* A copy: of the net alone, or of all that a learner holds. */
enum { KILN_SNAPSHOT_NET, KILN_SNAPSHOT_WHOLE };

typedef struct {
    float *w, *statistics;
    int states; /* 0: the net alone */
    float *state[KILN_RULE_STATES];
    int averaged;
    kiln_average average;
} kiln_snapshot;

void kiln_snapshot_lay_out(kiln_snapshot *s, const kiln_learner *l, int what, kiln_arena *a);
void kiln_snapshot_take(kiln_snapshot *s, const kiln_learner *l);
void kiln_snapshot_put_back(const kiln_snapshot *s, kiln_learner *l);

/* Running statistics of a net to and from one array, or to another net of the same notation. */
void kiln_statistics_get(kiln_net *net, float *out);
void kiln_statistics_set(kiln_net *net, const float *in);
void kiln_statistics_copy(kiln_net *to, kiln_net *from);
int kiln_statistics_finite(kiln_net *net); /* 1 or 0 */

#endif
