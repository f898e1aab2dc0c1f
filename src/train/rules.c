/*
 * The rows of the elementwise update rules (optim.h has their formulas), and the step of any rule.
 * Elementwise rules take the whole block at once where one rate is for all: any cut gives the same
 * bits, and the padding between tensors is zero in w and dw, and stays zero.
 */
#include "train/rules.h"

#include "train/optim.h"

static void sgd(const kiln_update *u)
{
    kiln_sgd(u->w, u->dw, u->floats, u->lr);
}

static void momentum(const kiln_update *u)
{
    kiln_sgd_momentum(u->w, u->dw, u->state[0], u->floats, u->lr, (float)u->o->momentum);
}

static void nesterov(const kiln_update *u)
{
    kiln_nesterov(u->w, u->dw, u->state[0], u->floats, u->lr, (float)u->o->momentum);
}

static void rmsprop(const kiln_update *u)
{
    kiln_rmsprop(u->w, u->dw, u->state[0], u->floats, u->lr, u->o->decay_rate, (float)u->o->eps);
}

static void adam(const kiln_update *u)
{
    kiln_adam(u->w, u->dw, u->state[0], u->state[1], u->floats, u->lr, u->o->beta1, u->o->beta2,
              (float)u->o->eps, (long)u->step);
}

const kiln_rule kiln_rule_sgd = {
    .name = "sgd", .help = "w -= lr dw", .update = sgd};
const kiln_rule kiln_rule_momentum = {
    .name = "momentum",
    .help = "gradient descent with a velocity",
    .state = {"v"},
    .options = {"momentum"},
    .update = momentum};
const kiln_rule kiln_rule_nesterov = {
    .name = "nesterov",
    .help = "momentum that looks a step ahead",
    .state = {"v"},
    .options = {"momentum"},
    .update = nesterov};
const kiln_rule kiln_rule_rmsprop = {
    .name = "rmsprop",
    .help = "steps divided by the root of mean squared gradients",
    .state = {"cache"},
    .options = {"decay-rate", "eps"},
    .update = rmsprop};
const kiln_rule kiln_rule_adam = {
    .name = "adam",
    .help = "rmsprop with momentum and bias correction; weight decay in the gradient (L2)",
    .state = {"m", "v"},
    .options = {"beta1", "beta2", "eps"},
    .decay = KILN_DECAY_GRADIENT,
    .update = adam};
const kiln_rule kiln_rule_adamw = {
    .name = "adamw",
    .help = "adam with decoupled weight decay",
    .state = {"m", "v"},
    .options = {"beta1", "beta2", "eps"},
    .update = adam};

#define X(name) &kiln_rule_##name,
const kiln_rule *const kiln_rule_table[KILN_RULE_COUNT] = {KILN_RULES(X)};
#undef X

/* A tensor's rate, times lr, and its decay, times weight-decay. */
typedef struct {
    double lr, decay;
} share;

const char *kiln_rule_group(const kiln_tensor *t)
{
    if (t->shift) return "bias";
    if (t->head) return "head";
    return t->regularised && t->dims == 4 ? "filter" : NULL;
}

static share share_of(const kiln_tensor *t, const kiln_train_options *o)
{
    if (t->shift) return (share){o->bias_lr, o->bias_decay};
    if (t->head) return (share){o->head_lr, o->head_decay};
    if (t->regularised && t->dims == 4) return (share){o->filter_lr, o->filter_decay};
    return (share){1, t->regularised};
}

static float rate_of(const kiln_tensor *t, const kiln_update *u)
{
    return (float)((double)u->lr * share_of(t, u->o).lr);
}

static int one_rate_for_all(const kiln_update *u)
{
    const kiln_train_options *o = u->o;

    for (int i = 0; i < kiln_net_tensor_count(u->net); i++)
        if (kiln_net_tensor_at(u->net, i)->held) return 0;
    return o->bias_lr == 1 && o->head_lr == 1 && o->filter_lr == 1;
}

static void decay_weights(const kiln_update *u, enum kiln_rule_decay how)
{
    const int tensors = kiln_net_tensor_count(u->net);

    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(u->net, i);
        const float decay = (float)(u->o->weight_decay * share_of(t, u->o).decay);

        if (!t->gradient || t->held || decay == 0) continue;
        if (how == KILN_DECAY_DECOUPLED)
            kiln_decay(t->data, (size_t)t->size, rate_of(t, u), decay);
        else
            kiln_sgd(t->gradient, t->data, (size_t)t->size, -decay); /* dw += decay·w */
    }
}

void kiln_rule_step(const kiln_update *u)
{
    const kiln_rule *rule = kiln_rule_table[u->o->optimizer];
    const int tensors = kiln_net_tensor_count(u->net);

    if (u->o->weight_decay > 0) decay_weights(u, rule->decay);
    if (!rule->by_tensor && one_rate_for_all(u)) {
        rule->update(u);
        return;
    }
    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(u->net, i);
        kiln_update one = *u;

        if (!t->gradient || t->held) continue;
        one.tensor = t;
        one.w = t->data, one.dw = t->gradient, one.floats = (size_t)t->size;
        for (int k = 0; k < KILN_RULE_STATES; k++)
            if (u->state[k]) one.state[k] += t->data - u->w;
        one.lr = rate_of(t, u);
        rule->update(&one);
    }
}

int kiln_rule_states(const kiln_rule *rule)
{
    int count = 0;

    while (count < KILN_RULE_STATES && rule->state[count]) count++;
    return count;
}

int kiln_rule_matrix(const kiln_tensor *t, int *rows, int *columns)
{
    if (!t->trained || !t->regularised || t->dims < 2) return 0;
    *rows = t->shape[0];
    *columns = t->size / t->shape[0];
    return 1;
}
