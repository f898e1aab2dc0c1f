/*
 * A checkpoint's tensors against what its metadata promise. The net is sketched and with it a run
 * of sizes alone, which lists its arrays as a real one does (tensor_list.c): so what is checked
 * here is what a reader will ask for.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "kernels/vec.h"
#include "train/checkpoint_head.h"
#include "train/tensor_list.h"

void kiln_checkpoint_take_place(kiln_run *r, const kiln_checkpoint_head *h)
{
    r->place.step = h->step;
    r->place.position = h->position;
    r->place.epoch = h->epoch;
    r->place.loss_sum = h->loss_sum;
    r->place.loss_count = h->loss_count;
    r->best.accuracy = h->best_accuracy;
    r->best.epoch = h->best_epoch;
    r->history.stride = h->stride;
    r->history.losses = h->losses;
    r->history.epochs = h->epochs;
    kiln_history_note_change(&r->history, h->changed);
}

/* The two notations as the parser prints them; plan is scratch. */
static int compare_nets(const kiln_checkpoint_head *h, const char *notation, kiln_plan *plan)
{
    char own[sizeof plan->notation];

    KILN_TRY(kiln_notation_parse(plan, h->o.net, h->channels, h->height, h->width));
    snprintf(own, sizeof own, "%s", plan->notation);
    KILN_TRY(kiln_notation_parse(plan, notation, h->channels, h->height, h->width));
    if (strcmp(own, plan->notation) == 0) return KILN_OK;
    return kiln_fail(KILN_E_ARG, "net: the weights are of another net, %.200s, not of %.200s", own,
                     plan->notation);
}

int kiln_checkpoint_same_net(const kiln_checkpoint_head *h, const char *notation)
{
    kiln_arena arena;
    int status;

    if (strcmp(notation, h->o.net) == 0) return KILN_OK;
    KILN_TRY(kiln_arena_create(&arena, sizeof(kiln_plan), "the plan of the net"));
    status = compare_nets(h, notation, (kiln_plan *)(void *)arena.base);
    kiln_arena_destroy(&arena);
    return status;
}

/* In pieces: a file's values may lie unaligned. */
static int all_finite(const kiln_safetensor *t)
{
    float piece[1024];

    for (size_t at = 0; at < t->bytes; at += sizeof piece) {
        const size_t size = t->bytes - at < sizeof piece ? t->bytes - at : sizeof piece;

        memcpy(piece, (const char *)t->data + at, size);
        if (!kiln_vec_all_finite(piece, (int)(size / sizeof *piece))) return 0;
    }
    return 1;
}

static int check_tensor(const kiln_safetensors *f, const kiln_safetensor *want)
{
    const kiln_safetensor *t = kiln_safetensors_find(f, want->name);

    if (!t) return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: tensor %s is missing", want->name);
    if (t->type != want->type || t->dims != want->dims ||
        memcmp(t->shape, want->shape, (size_t)want->dims * sizeof *t->shape))
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: tensor %s has another shape than its net",
                         want->name);
    if (t->type != KILN_F32 || all_finite(t)) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: tensor %s holds a value that is not finite",
                     want->name);
}

static int check_tensors(const kiln_safetensors *f, kiln_run *sketch, int has_run)
{
    kiln_tensor_list l;
    int status = KILN_OK;

    KILN_TRY(kiln_tensor_list_make(&l, sketch));
    if (has_run)
        kiln_tensor_list_run(&l, sketch);
    else
        kiln_tensor_list_net(&l, sketch);
    if (l.count != f->tensors)
        status = kiln_fail(KILN_E_CHECKPOINT, "checkpoint: it holds %d tensors, its %s has %d",
                           f->tensors, has_run ? "run" : "net", l.count);
    for (int i = 0; i < l.count && status >= 0; i++) status = check_tensor(f, &l.tensor[i]);
    kiln_arena_destroy(&l.arena);
    return status;
}

/* A net is no larger than its file: told before the net is planned. */
static int check_size(const kiln_safetensors *f, const kiln_plan *plan)
{
    double stored = 0;

    for (int i = 0; i < f->tensors; i++) stored += (double)f->tensor[i].bytes / sizeof(float);
    if (plan->parameters <= stored) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "its net has %.0f parameters, the file %.0f",
                     plan->parameters, stored);
}

static int smaller(int64_t a, int64_t b)
{
    return (int)(b >= 0 && b < a ? b : a);
}

/* That a run with this net can be: its scores are one a class, its batch can be trained on. */
static int check_net(const kiln_checkpoint_head *h, const kiln_net *net)
{
    if (h->class_count && kiln_net_plan(net)->classes != h->class_count)
        return kiln_fail(KILN_E_CHECKPOINT, "its net ends in %d scores, and it names %d classes",
                         kiln_net_plan(net)->classes, h->class_count);
    if (h->has_run && h->o.train == 0)
        return kiln_fail(KILN_E_CHECKPOINT, "train=0 leaves no images to train on");
    return h->has_run ? kiln_net_check_batch(net, smaller(h->o.batch, h->o.train)) : KILN_OK;
}

/* The net of a file, planned without memory, for one image: how many more is the reader's say. */
static int sketch_net(kiln_net **net, const kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    kiln_net_options n;
    kiln_arena arena;
    kiln_plan *plan;
    int status;

    kiln_net_options_default(&n);
    n.C = h->channels, n.H = h->height, n.W = h->width;
    strcpy(n.freeze, h->o.freeze);
    KILN_TRY(kiln_arena_create(&arena, sizeof *plan, "the plan of the net"));
    plan = (kiln_plan *)(void *)arena.base;
    status = kiln_notation_parse(plan, h->o.net, n.C, n.H, n.W);
    if (status >= 0) status = check_size(f, plan);
    if (status >= 0) status = kiln_net_sketch(net, h->o.net, &n);
    kiln_arena_destroy(&arena);
    return status;
}

static int open_file(kiln_checkpoint_head *h, const kiln_safetensors *f, kiln_run *sketch)
{
    kiln_net *net = NULL;
    int status = sketch_net(&net, h, f);

    if (status >= 0) status = check_net(h, net);
    if (status < 0) {
        if (status != KILN_E_MEMORY) status = kiln_checkpoint_refused();
    } else {
        sketch->o = h->o;
        sketch->learner.net = net;
        sketch->learner.states = kiln_rule_states(kiln_rule_table[h->o.optimizer]);
        kiln_checkpoint_take_place(sketch, h);
        status = check_tensors(f, sketch, h->has_run);
    }
    kiln_net_free(net);
    return status;
}

int kiln_checkpoint_open(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    kiln_arena arena;
    int status;

    KILN_TRY(kiln_checkpoint_head_read(h, f));
    KILN_TRY(kiln_arena_create(&arena, sizeof(kiln_run), "the sketch of a run"));
    status = open_file(h, f, (kiln_run *)(void *)arena.base);
    kiln_arena_destroy(&arena);
    return status;
}
