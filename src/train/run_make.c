/*
 * Making a run: its net, what is laid out beside it, and another net where the batch grows.
 */
#include "train/run_make.h"

#include <math.h>
#include <string.h>

#include "base/status.h"
#include "train/kept.h"
#include "train/rules.h"

int kiln_run_limited(int64_t wanted, int count)
{
    return wanted >= 0 && wanted < count ? (int)wanted : count;
}

static int make_net(kiln_net **net, const kiln_run *r, int batch)
{
    kiln_net_options n;

    kiln_net_options_default(&n);
    n.C = r->data->C, n.H = r->data->H, n.W = r->data->W;
    n.batch = batch;
    n.seed = (uint32_t)r->o.seed;
    n.init = r->o.init;
    n.init_scale = r->o.init_scale;
    return kiln_net_make(net, r->o.net, &n);
}

static void lay_out(kiln_run *r, kiln_arena *a)
{
    const kiln_rule *rule = kiln_rule_table[r->o.optimizer];

    r->order = kiln_arena_take(a, (size_t)r->images, sizeof(int));
    for (int i = 0; i < r->states; i++) r->state[i] = kiln_arena_take(a, r->floats, sizeof(float));
    r->rule_scratch =
        rule->scratch ? kiln_arena_take(a, rule->scratch(r->net), sizeof(float)) : NULL;
    r->best = kiln_arena_take(a, r->floats, sizeof(float));
    r->before = kiln_arena_take(a, r->floats, sizeof(float));
    r->best_statistics = kiln_arena_take(a, r->statistics, sizeof(float));
    r->statistics_before = kiln_arena_take(a, r->statistics, sizeof(float));
    kiln_kept_lay_out(&r->kept, r, a);
}

static void lay_out_batch(kiln_run *r, kiln_arena *a, int batch, int classes)
{
    const size_t scores = (size_t)batch * (size_t)classes;

    r->index = kiln_arena_take(a, (size_t)batch, sizeof(int));
    r->label = kiln_arena_take(a, (size_t)batch, sizeof(int));
    r->prediction = kiln_arena_take(a, (size_t)batch, sizeof(int));
    r->probability = kiln_arena_take(a, scores, sizeof(float));
    r->view = kiln_arena_take(a, scores, sizeof(float));
}

/* A net for `batch` images in place of r->net, with its parameters and statistics, and the arrays
 * that go with it. */
static int replace_net(kiln_run *r, int batch)
{
    kiln_arena plan = {0}, arena;
    kiln_run next = *r;
    float *w;
    int status;

    KILN_TRY(make_net(&next.net, r, batch));
    status = kiln_net_check_batch(next.net, batch);
    if (status < 0) {
        kiln_net_free(next.net);
        return status;
    }
    lay_out_batch(&next, &plan, batch, r->data->classes);
    status = kiln_arena_create(&arena, plan.used, "the batch's labels and scores");
    if (status < 0) {
        kiln_net_free(next.net);
        return status;
    }
    lay_out_batch(&next, &arena, batch, r->data->classes);
    next.floats = kiln_net_parameters(next.net, &w, &next.dw);
    if (r->net) {
        memcpy(w, r->w, r->floats * sizeof *w);
        kiln_statistics_get(r->net, r->statistics_before);
        kiln_statistics_set(next.net, r->statistics_before);
        kiln_net_free(r->net);
        kiln_arena_destroy(&r->batch_arena);
    }
    next.w = w;
    next.batch_arena = arena;
    *r = next;
    kiln_net_set_dropout(r->net, (float)r->o.dropout);
    return KILN_OK;
}

/* Would a net for `batch` images be within the limit of one block, whatever the machine has? */
static int within_limit(const kiln_run *r, int batch)
{
    kiln_net_options n = *kiln_net_made_with(r->net);
    kiln_arena arena;
    double bytes;
    int status;

    n.batch = batch;
    if (kiln_arena_create(&arena, sizeof(kiln_plan), "the plan of the net") < 0) return 0;
    status = kiln_net_measure((kiln_plan *)(void *)arena.base, &bytes, r->o.net, &n);
    kiln_arena_destroy(&arena);
    return status >= 0 && bytes <= (double)kiln_memory_limit();
}

/* The same where the machine has no room for both nets: the old one goes first, its parameters put
 * aside, and is made again where the new one is refused all the same. */
static int replace_net_freed(kiln_run *r, int batch)
{
    const int before = kiln_net_made_with(r->net)->batch;
    kiln_arena aside;
    float *w, *statistics;
    int status;

    KILN_TRY(kiln_arena_create(&aside, (r->floats + r->statistics + 32) * sizeof *w,
                               "the parameters, put aside"));
    w = kiln_arena_take(&aside, r->floats, sizeof *w);
    statistics = kiln_arena_take(&aside, r->statistics, sizeof *w);
    memcpy(w, r->w, r->floats * sizeof *w);
    kiln_statistics_get(r->net, statistics);
    kiln_net_free(r->net);
    kiln_arena_destroy(&r->batch_arena);
    r->net = NULL;
    status = replace_net(r, batch);
    if (status < 0 && replace_net(r, before) < 0) r->net = NULL; /* nobody gave the memory back */
    if (r->net) {
        memcpy(r->w, w, r->floats * sizeof *w);
        kiln_statistics_set(r->net, statistics);
    }
    kiln_arena_destroy(&aside);
    return status;
}

int kiln_run_fit_batch(kiln_run *r, int batch)
{
    const int status = replace_net(r, batch);

    if (status != KILN_E_MEMORY || !r->net || !within_limit(r, batch)) return status;
    return replace_net_freed(r, batch);
}

static int check_data(const kiln_dataset *d, const kiln_train_options *o)
{
    if (!d->finished) return kiln_fail(KILN_E_STATE, "the data set is not finished yet");
    if (kiln_run_limited(o->train, d->count[0]) < 1)
        return kiln_fail(KILN_E_DATA, "%s has no training images", d->name);
    return KILN_OK;
}

static int check_classes(const kiln_run *r)
{
    const int classes = kiln_net_plan(r->net)->classes, wanted = r->data->classes;

    if (classes == wanted) return KILN_OK;
    return kiln_fail(KILN_E_SHAPE,
                     "net: it ends in %d scores, but %s has %d classes; end it in affine %d",
                     classes, r->data->name, wanted, wanted);
}

/* The rest of a run whose net is made. */
static int fill(kiln_run *r)
{
    kiln_arena plan = {0};
    const int tensors = kiln_net_tensor_count(r->net);

    KILN_TRY(check_classes(r));
    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(r->net, i);

        if (!t->trained) r->statistics += (size_t)t->size;
    }
    r->states = kiln_rule_states(kiln_rule_table[r->o.optimizer]);
    lay_out(r, &plan);
    KILN_TRY(kiln_arena_create(&r->arena, plan.used, "the optimizer's state"));
    lay_out(r, &r->arena);
    r->order_epoch = -1;
    r->best_accuracy = -1;
    r->metrics.train_accuracy = r->metrics.val_accuracy = r->metrics.update_ratio = -1;
    r->metrics.train_loss = NAN;
    kiln_history_clear(&r->history);
    kiln_kept_start(r);
    return KILN_OK;
}

int kiln_run_make(kiln_run **run, const kiln_dataset *data, const kiln_train_options *o)
{
    kiln_arena self;
    kiln_run *r;
    int status;

    KILN_TRY(check_data(data, o));
    KILN_TRY(kiln_arena_create(&self, sizeof *r, "the trainer"));
    r = (kiln_run *)(void *)self.base;
    r->self = self;
    r->o = *o;
    r->data = data;
    r->images = kiln_run_limited(o->train, data->count[0]);
    r->validation = kiln_run_limited(o->validation, data->count[1]);
    status = kiln_run_fit_batch(r, kiln_run_limited(o->batch, r->images));
    if (status >= 0) status = fill(r);
    if (status < 0) {
        kiln_run_free(r);
        return status;
    }
    *run = r;
    return KILN_OK;
}

void kiln_run_free(kiln_run *r)
{
    kiln_arena self;

    if (!r) return;
    self = r->self;
    if (r->net) kiln_net_free(r->net);
    if (r->inspector) kiln_net_free(r->inspector);
    kiln_arena_destroy(&r->batch_arena);
    kiln_arena_destroy(&r->arena);
    kiln_arena_destroy(&self);
}
