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

static void lay_out_average(kiln_average *average, const kiln_learner *l, kiln_arena *a)
{
    average->w = kiln_arena_take(a, l->floats, sizeof(float));
    average->statistics = kiln_arena_take(a, l->statistics, sizeof(float));
}

void kiln_learner_lay_out(kiln_learner *l, const kiln_train_options *o, kiln_arena *a)
{
    const kiln_rule *rule = kiln_rule_table[o->optimizer];

    l->states = kiln_rule_states(rule);
    for (int i = 0; i < l->states; i++) l->state[i] = kiln_arena_take(a, l->floats, sizeof(float));
    l->scratch = rule->scratch ? kiln_arena_take(a, rule->scratch(l->net), sizeof(float)) : NULL;
    l->averaged = o->lookahead > 0;
    if (l->averaged) lay_out_average(&l->average, l, a);
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

/* to = share·to + (1 - share)·from, then from = to. */
static void look_ahead(float *to, float *from, size_t n, double share)
{
    kiln_vec_scale(to, to, (int)n, (float)share);
    kiln_vec_axpy(to, from, (int)n, (float)(1 - share));
    kiln_vec_copy(from, to, (int)n);
}

void kiln_learner_look_ahead(kiln_learner *l, double share)
{
    float *statistics = l->average.statistics;

    look_ahead(l->average.w, l->w, l->floats, share);
    for (int i = 0; i < kiln_net_tensor_count(l->net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(l->net, i);

        if (t->trained) continue;
        if (!t->parameter) look_ahead(statistics, t->data, (size_t)t->size, share);
        statistics += t->size;
    }
}

void kiln_learner_start_average(kiln_learner *l)
{
    if (!l->averaged) return;
    memcpy(l->average.w, l->w, l->floats * sizeof(float));
    kiln_statistics_get(l->net, l->average.statistics);
}

/* ---- copies ---------------------------------------------------------------------------------- */

void kiln_snapshot_lay_out(kiln_snapshot *s, const kiln_learner *l, int what, kiln_arena *a)
{
    const int whole = what == KILN_SNAPSHOT_WHOLE;

    s->w = kiln_arena_take(a, l->floats, sizeof(float));
    s->statistics = kiln_arena_take(a, l->statistics, sizeof(float));
    s->states = whole ? l->states : 0;
    s->averaged = whole && l->averaged;
    if (s->averaged) lay_out_average(&s->average, l, a);
    for (int i = 0; i < s->states; i++) s->state[i] = kiln_arena_take(a, l->floats, sizeof(float));
}

static void copy_average(const kiln_average *to, const kiln_average *from, const kiln_learner *l)
{
    memcpy(to->w, from->w, l->floats * sizeof(float));
    memcpy(to->statistics, from->statistics, l->statistics * sizeof(float));
}

void kiln_snapshot_take(kiln_snapshot *s, const kiln_learner *l)
{
    memcpy(s->w, l->w, l->floats * sizeof(float));
    kiln_statistics_get(l->net, s->statistics);
    for (int i = 0; i < s->states; i++)
        memcpy(s->state[i], l->state[i], l->floats * sizeof(float));
    if (s->averaged) copy_average(&s->average, &l->average, l);
}

void kiln_snapshot_put_back(const kiln_snapshot *s, kiln_learner *l)
{
    memcpy(l->w, s->w, l->floats * sizeof(float));
    kiln_statistics_set(l->net, s->statistics);
    for (int i = 0; i < s->states; i++)
        memcpy(l->state[i], s->state[i], l->floats * sizeof(float));
    if (s->averaged) copy_average(&l->average, &s->average, l);
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
