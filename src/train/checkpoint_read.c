/*
 * Reading a checkpoint into a fresh run: whoever asks keeps his own until this one is whole. Order
 * of the checks: hash and structure (safetensors.c), format, options, data set, the size the net
 * asks for, then every tensor. A file either fits the run it describes, exactly, or is refused.
 */
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/simd.h"
#include "base/status.h"
#include "kernels/vec.h"
#include "train/checkpoint_head.h"
#include "train/kept.h"
#include "train/tensor_list.h"

#define HASH_SIZE 17
#define MEMORY_BASE 1e9 /* what a file may ask for, unless the reader's option memory says more */
#define MEMORY_PER_BYTE 4096.0

#define MODE (KILN_FUSED ? "fused" : "strict")

static int same_data(const kiln_checkpoint_head *h, const kiln_dataset *d, char ours[HASH_SIZE])
{
    snprintf(ours, HASH_SIZE, "%016llx", (unsigned long long)d->hash);
    return !strcmp(h->data, d->name) && !strcmp(h->data_hash, ours);
}

static int check_data(const kiln_checkpoint_head *h, const kiln_dataset *d)
{
    char ours[HASH_SIZE];

    if (same_data(h, d, ours)) return KILN_OK;
    return kiln_fail(
        KILN_E_CHECKPOINT,
        "checkpoint: it was trained on the data set %.40s (%.16s), not on this one, %s "
        "(%s); use the same files, sizes and data-seed",
        h->data, h->data_hash, d->name, ours);
}

/* Numbers of a JSON list; as many as `count`, or KILN_E_CHECKPOINT. */
static int read_numbers(float *out, int count, const char *list, const char *what)
{
    const int n = kiln_checkpoint_numbers(out, count, list, what);

    if (n < 0 || n == count) return n < 0 ? n : KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its list \"%s\" has %d numbers, not %d", what,
                     n, count);
}

static int read_classes(kiln_run *r, const char *list)
{
    kiln_json_reader j;
    int n = 0;

    kiln_json_read(&j, list, strlen(list), "classes", KILN_E_CHECKPOINT);
    KILN_TRY(kiln_json_enter_array(&j));
    while (kiln_json_next(&j, NULL, 0) > 0) {
        if (n == r->seen.data.classes)
            return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its classes are "
                                                   "more than the %d of this data set", n);
        KILN_TRY(kiln_json_read_string(&j, r->seen.class_name[n], sizeof r->seen.class_name[n]));
        r->seen.data.class_name[n] = r->seen.class_name[n];
        n++;
    }
    KILN_TRY(kiln_json_read_end(&j));
    if (n == r->seen.data.classes) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: it knows %d classes, this data set has %d", n,
                     r->seen.data.classes);
}

/* Other data as this net was taught to see it: named and normalised by what it was trained with. */
static int see_as_taught(kiln_run *r, const kiln_checkpoint_head *h)
{
    const kiln_dataset *d = r->data;
    char ours[HASH_SIZE];

    r->evaluated = 1;
    r->seen.data = *d;
    r->data = r->test.data = &r->seen.data;
    KILN_TRY(read_numbers(r->seen.data.mean, d->C, h->mean, "mean"));
    KILN_TRY(read_numbers(r->seen.data.std, d->C, h->std, "std"));
    KILN_TRY(read_classes(r, h->classes));
    if (same_data(h, d, ours)) return KILN_OK;
    snprintf(r->seen.name, sizeof r->seen.name, "%s", h->data);
    r->seen.data.name = r->seen.name;
    r->seen.data.hash = strtoull(h->data_hash, NULL, 16);
    r->seen.data.mean_image = NULL; /* not in the file */
    return KILN_OK;
}

/* Sizes are promises: the net asked for must not be larger than what the file holds, nor a batch of
 * it than what a file of this size may ask for. */
static int check_promise(const kiln_safetensors *f, size_t size, const kiln_train_options *o,
                         const kiln_dataset *d)
{
    const double most =
        o->memory ? 1e6 * (double)o->memory : MEMORY_BASE + MEMORY_PER_BYTE * (double)size;
    double stored = 0, bytes = 0;
    kiln_net_options n;
    kiln_arena arena;
    kiln_plan *plan;
    int status;

    for (int i = 0; i < f->tensors; i++) stored += (double)f->tensor[i].bytes / sizeof(float);
    KILN_TRY(kiln_arena_create(&arena, sizeof *plan, "the plan of the net"));
    plan = (kiln_plan *)(void *)arena.base;
    status = kiln_notation_parse(plan, o->net, d->C, d->H, d->W);
    if (status >= 0 && plan->parameters > stored)
        status = kiln_fail(KILN_E_CHECKPOINT, "its net has %.0f parameters, the file %.0f",
                           plan->parameters, stored);
    kiln_net_options_default(&n);
    n.C = d->C, n.H = d->H, n.W = d->W;
    n.batch = o->batch < d->count[0] ? (int)o->batch : d->count[0];
    if (status >= 0) status = kiln_net_measure(plan, &bytes, o->net, &n);
    if (status < 0)
        status = kiln_checkpoint_refused();
    else if (bytes > most)
        status = kiln_fail(KILN_E_CHECKPOINT,
                           "checkpoint: its net asks for %.0f MB with batch=%d, and a file of "
                           "%.0f kB may ask for %.0f; allow it with memory=%.0f, or take a smaller "
                           "batch", bytes / 1e6, n.batch, (double)size / 1e3, most / 1e6,
                           bytes / 1e6 + 1);
    kiln_arena_destroy(&arena);
    return status;
}

static void take_place(kiln_run *r, const kiln_checkpoint_head *h)
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
}

/* One array of the run from the tensor of its name. */
static int read_tensor(const kiln_safetensors *f, const kiln_safetensor *want)
{
    const kiln_safetensor *t = kiln_safetensors_find(f, want->name);
    size_t count = 1;

    if (!t) return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: tensor %s is missing", want->name);
    if (t->type != want->type || t->dims != want->dims ||
        memcmp(t->shape, want->shape, (size_t)want->dims * sizeof *t->shape))
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: tensor %s has another shape than its net",
                         want->name);
    for (int i = 0; i < want->dims; i++) count *= (size_t)want->shape[i];
    memcpy((void *)want->data, t->data, count * sizeof(float));
    if (t->type == KILN_F32 && !kiln_vec_all_finite(want->data, (int)count))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: tensor %s holds a value that is not finite", want->name);
    return KILN_OK;
}

static int fill(const kiln_safetensors *f, const kiln_checkpoint_head *h, kiln_run *r)
{
    kiln_tensor_list l;
    int status;

    if (!r->evaluated && h->position >= r->images)
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: position %lld of %d training images",
                         (long long)h->position, r->images);
    take_place(r, h);
    KILN_TRY(kiln_tensor_list_make(&l, r));
    kiln_tensor_list_run(&l, r);
    status = l.count == f->tensors
                 ? KILN_OK
                 : kiln_fail(KILN_E_CHECKPOINT, "checkpoint: it holds %d tensors, its run has %d",
                             f->tensors, l.count);
    for (int i = 0; i < l.count && status >= 0; i++) status = read_tensor(f, &l.tensor[i]);
    kiln_arena_destroy(&l.arena);
    if (status >= 0) kiln_kept_start(&r->kept, &r->learner, &r->place, r->data->classes);
    if (status >= 0 && r->history.epochs) {
        const float *last = r->history.epoch_value[r->history.epochs - 1];

        r->metrics.train_loss = last[0];
        r->metrics.train_accuracy = last[1];
        r->metrics.val_accuracy = last[2];
    }
    return status;
}

static int read_run(const kiln_safetensors *f, size_t size, kiln_run **run,
                    const kiln_dataset *data, const char *options, int evaluate)
{
    kiln_checkpoint_head h;
    kiln_run *r;
    int status;

    KILN_TRY(kiln_checkpoint_head_read(&h, f));
    if (!evaluate) KILN_TRY(check_data(&h, data));
    KILN_TRY(kiln_train_options_read(&h.o, options, KILN_OPTIONS_LIVE));
    KILN_TRY(check_promise(f, size, &h.o, data));
    KILN_TRY(kiln_run_make(&r, data, &h.o));
    status = evaluate ? see_as_taught(r, &h) : KILN_OK;
    if (status >= 0) status = fill(f, &h, r);
    if (status < 0)
        kiln_run_free(r);
    else
        *run = r;
    return status;
}

static int read_file(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes, size_t size,
                     const char *options, int evaluate)
{
    kiln_safetensors f;
    int status;

    KILN_TRY(kiln_safetensors_read(&f, bytes, size, "checkpoint"));
    status = read_run(&f, size, run, data, options, evaluate);
    kiln_safetensors_free(&f);
    return status;
}

int kiln_checkpoint_read(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options)
{
    return read_file(run, data, bytes, size, options, 0);
}

int kiln_checkpoint_load(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options)
{
    return read_file(run, data, bytes, size, options, 1);
}

/* ---- describing ------------------------------------------------------------------------------ */

static int describe(const kiln_safetensors *f, kiln_json *j)
{
    kiln_checkpoint_head h;

    KILN_TRY(kiln_checkpoint_head_read(&h, f));
    kiln_json_object(j, NULL);
    kiln_json_string(j, "version", h.version);
    kiln_json_string(j, "net", h.o.net);
    kiln_json_string(j, "mode", h.mode);
    kiln_json_string(j, "data", h.data);
    kiln_json_string(j, "dataHash", h.data_hash);
    kiln_json_string(j, "normalize", h.normalize);
    kiln_json_bool(j, "sameMode", !strcmp(h.mode, MODE));
    kiln_json_raw(j, "classes", h.classes);
    kiln_json_raw(j, "mean", h.mean);
    kiln_json_raw(j, "std", h.std);
    kiln_json_int(j, "seed", h.o.seed);
    kiln_json_int(j, "step", h.step);
    kiln_json_int(j, "epoch", h.epoch);
    kiln_json_int(j, "bestEpoch", h.best_epoch);
    if (h.best_accuracy < 0)
        kiln_json_null(j, "bestValAccuracy");
    else
        kiln_json_number(j, "bestValAccuracy", h.best_accuracy);
    kiln_json_object(j, "options");
    kiln_train_options_json(&h.o, j);
    kiln_json_close(j);
    kiln_json_close(j);
    return KILN_OK;
}

int kiln_checkpoint_json(const uint8_t *bytes, size_t size, kiln_json *j)
{
    kiln_safetensors f;
    int status;

    KILN_TRY(kiln_safetensors_read(&f, bytes, size, "checkpoint"));
    status = describe(&f, j);
    kiln_safetensors_free(&f);
    return status;
}
