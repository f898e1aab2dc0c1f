/*
 * The tensors of a checkpoint, by name: see tensor_list.h. The list points into the run; it copies
 * nothing.
 */
#include "train/tensor_list.h"

#include <stdio.h>

#include "base/status.h"

int kiln_tensor_list_make(kiln_tensor_list *l, const kiln_run *r)
{
    const size_t most = (size_t)kiln_net_tensor_count(r->learner.net) * (3 + KILN_RULE_STATES) + 4;
    kiln_arena plan = {0};

    l->count = 0;
    for (int pass = 0; pass < 2; pass++) {
        kiln_arena *a = pass ? &l->arena : &plan;

        if (pass) KILN_TRY(kiln_arena_create(a, plan.used, "the checkpoint's names"));
        l->tensor = kiln_arena_take(a, most, sizeof *l->tensor);
        l->name = kiln_arena_take(a, most, KILN_TENSOR_LIST_NAME);
    }
    return KILN_OK;
}

static void add(kiln_tensor_list *l, const char *prefix, const char *name,
                enum kiln_safetensors_type type, const int *shape, int dims, const void *data)
{
    kiln_safetensor *t = &l->tensor[l->count];

    snprintf(l->name[l->count], KILN_TENSOR_LIST_NAME, "%s%s", prefix, name);
    t->name = l->name[l->count++];
    t->type = type;
    t->dims = dims;
    t->data = data;
    for (int i = 0; i < dims; i++) t->shape[i] = shape[i];
}

/* The net's tensors under a prefix: parameters from a block laid out as the net's own, and, where
 * asked for, statistics one after the other. Of a sketch both are NULL. */
static void add_block(kiln_tensor_list *l, kiln_run *r, const char *prefix, const float *w,
                      const float *statistics, int with_statistics)
{
    for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);
        const float *data = t->trained ? w : statistics;

        if (!t->trained && !with_statistics) continue;
        if (data && t->trained) data += t->data - r->learner.w;
        add(l, prefix, t->name, KILN_F32, t->shape, t->dims, data);
        if (statistics && !t->trained) statistics += t->size;
    }
}

void kiln_tensor_list_net(kiln_tensor_list *l, kiln_run *r)
{
    for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);

        add(l, "", t->name, KILN_F32, t->shape, t->dims, t->data);
    }
}

void kiln_tensor_list_run(kiln_tensor_list *l, kiln_run *r)
{
    const kiln_rule *rule = kiln_rule_table[r->o.optimizer];
    const kiln_history *h = &r->history;
    const int epoch_at[2] = {h->epochs, 2}, epoch_value[2] = {h->epochs, 4};
    char prefix[24];

    kiln_tensor_list_net(l, r);
    for (int i = 0; i < r->learner.states; i++) {
        snprintf(prefix, sizeof prefix, "optimizer.%s.", rule->state[i]);
        add_block(l, r, prefix, r->learner.state[i], NULL, 0);
    }
    if (r->o.lookahead)
        add_block(l, r, "average.", r->learner.average.w, r->learner.average.statistics, 1);
    if (r->best.accuracy >= 0)
        add_block(l, r, "best.", r->best.state.w, r->best.state.statistics, 1);
    if (h->losses) {
        add(l, "history.", "loss", KILN_F32, &h->losses, 1, h->loss);
        add(l, "history.", "loss_step", KILN_I32, &h->losses, 1, h->loss_step);
    }
    if (h->epochs) {
        add(l, "history.", "epoch", KILN_I32, epoch_at, 2, h->epoch_at);
        add(l, "history.", "epoch_values", KILN_F32, epoch_value, 2, h->epoch_value);
    }
}
