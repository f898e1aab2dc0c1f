/* What a run learns, and copies of it; see learner.h. */
#include "train/learner.h"

#include <string.h>

#include "kernels/vec.h"

void kiln_learner_take_net(kiln_learner *l, kiln_net *net)
{
    const int tensors = kiln_net_tensor_count(net);

    l->net = net;
    l->floats = kiln_net_parameters(net, &l->w, &l->dw);
    l->statistics = 0;
    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (!t->trained) l->statistics += (size_t)t->size;
    }
}

void kiln_learner_lay_out(kiln_learner *l, const kiln_rule *rule, kiln_arena *a)
{
    l->states = kiln_rule_states(rule);
    for (int i = 0; i < l->states; i++) l->state[i] = kiln_arena_take(a, l->floats, sizeof(float));
    l->scratch = rule->scratch ? kiln_arena_take(a, rule->scratch(l->net), sizeof(float)) : NULL;
}

void kiln_learner_step(const kiln_learner *l, const kiln_train_options *o, float lr, int64_t step)
{
    kiln_rule_step(&(kiln_update){.net = l->net,
                                  .w = l->w,
                                  .dw = l->dw,
                                  .state = {l->state[0], l->state[1]},
                                  .floats = l->floats,
                                  .scratch = l->scratch,
                                  .o = o,
                                  .lr = lr,
                                  .step = step});
}

void kiln_learner_forget_state(kiln_learner *l)
{
    for (int i = 0; i < l->states; i++) memset(l->state[i], 0, l->floats * sizeof(float));
}

/* ---- copies ---------------------------------------------------------------------------------- */

void kiln_snapshot_lay_out(kiln_snapshot *s, const kiln_learner *l, int states, kiln_arena *a)
{
    s->w = kiln_arena_take(a, l->floats, sizeof(float));
    s->statistics = kiln_arena_take(a, l->statistics, sizeof(float));
    s->states = states;
    for (int i = 0; i < states; i++) s->state[i] = kiln_arena_take(a, l->floats, sizeof(float));
}

void kiln_snapshot_take(kiln_snapshot *s, const kiln_learner *l)
{
    memcpy(s->w, l->w, l->floats * sizeof(float));
    kiln_statistics_get(l->net, s->statistics);
    for (int i = 0; i < s->states; i++)
        memcpy(s->state[i], l->state[i], l->floats * sizeof(float));
}

void kiln_snapshot_put_back(const kiln_snapshot *s, kiln_learner *l)
{
    memcpy(l->w, s->w, l->floats * sizeof(float));
    kiln_statistics_set(l->net, s->statistics);
    for (int i = 0; i < s->states; i++)
        memcpy(l->state[i], s->state[i], l->floats * sizeof(float));
}

/* ---- running statistics ---------------------------------------------------------------------- */

void kiln_statistics_get(kiln_net *net, float *out)
{
    const int tensors = kiln_net_tensor_count(net);

    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->trained) continue;
        memcpy(out, t->data, (size_t)t->size * sizeof *out);
        out += t->size;
    }
}

void kiln_statistics_set(kiln_net *net, const float *in)
{
    const int tensors = kiln_net_tensor_count(net);

    for (int i = 0; i < tensors; i++) {
        kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->trained) continue;
        memcpy(t->data, in, (size_t)t->size * sizeof *in);
        in += t->size;
    }
}

void kiln_statistics_copy(kiln_net *to, kiln_net *from)
{
    const int tensors = kiln_net_tensor_count(from);

    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(from, i);

        if (t->trained) continue;
        memcpy(kiln_net_tensor_at(to, i)->data, t->data, (size_t)t->size * sizeof(float));
    }
}

int kiln_statistics_finite(kiln_net *net)
{
    const int tensors = kiln_net_tensor_count(net);

    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (!t->parameter && !kiln_vec_all_finite(t->data, t->size)) return 0;
    }
    return 1;
}
