/*
 * Writing a checkpoint: the run's tensors (tensor_list.c) and its metadata (checkpoint.h) through
 * the safetensors writer.
 */
#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/simd.h"
#include "base/status.h"
#include "train/checkpoint_head.h"
#include "train/tensor_list.h"

#define ENTRIES 32

typedef struct {
    kiln_metadata entry[ENTRIES];
    char number[ENTRIES][KILN_DIGITS];
    int count;
    char options[KILN_TRAIN_OPTIONS_TEXT];
    kiln_json classes, mean, std;
    int status; /* of the first list that could not be written */
} notes;

static void note(notes *n, const char *key, const char *value)
{
    n->entry[n->count].key = key;
    n->entry[n->count++].value = value;
}

static void note_number(notes *n, const char *key, double value)
{
    note(n, key, kiln_digits(n->number[n->count], value));
}

/* Ends a text of JSON and notes it. */
static void note_json(notes *n, const char *key, kiln_json *j)
{
    const int status = kiln_json_end(j);

    if (status < 0 && n->status >= 0) n->status = status;
    note(n, key, kiln_json_text(j));
}

static void note_list(notes *n, const char *key, kiln_json *j, const float *value, int count)
{
    kiln_json_begin(j);
    kiln_json_array(j, NULL);
    for (int i = 0; i < count; i++) kiln_json_number(j, NULL, value[i]);
    kiln_json_close(j);
    note_json(n, key, j);
}

/* What the net is, and what it was taught. */
static void note_net(notes *n, const kiln_run *r, const char *version)
{
    const kiln_dataset *d = r->data;
    char *hash;

    note(n, "format", KILN_CHECKPOINT_FORMAT);
    note(n, "format_version", KILN_CHECKPOINT_VERSION);
    note(n, "version", version);
    note(n, "mode", KILN_FUSED ? "fused" : "strict");
    note(n, "net", r->o.net);
    note(n, "data", d->name);
    hash = n->number[n->count];
    snprintf(hash, KILN_DIGITS, "%016llx", (unsigned long long)d->hash);
    note(n, "data_hash", hash);
    kiln_json_begin(&n->classes);
    kiln_json_array(&n->classes, NULL);
    for (int i = 0; i < d->classes; i++) kiln_json_string(&n->classes, NULL, d->class_name[i]);
    kiln_json_close(&n->classes);
    note_json(n, "classes", &n->classes);
    note(n, "normalize", kiln_normalize_names[r->o.normalize]);
    note_list(n, "mean", &n->mean, d->mean, d->C);
    note_list(n, "std", &n->std, d->std, d->C);
    if (d->H == KILN_CHECKPOINT_SIDE && d->W == KILN_CHECKPOINT_SIDE) return;
    snprintf(n->number[n->count], KILN_DIGITS, "%dx%d", d->H, d->W);
    note(n, "input", n->number[n->count]);
}

/* Where the run stands. */
static void note_run(notes *n, const kiln_run *r)
{
    kiln_train_options_print(&r->o, n->options, sizeof n->options);
    note(n, "options", n->options);
    note_number(n, "seed", (double)r->o.seed);
    note_number(n, "step", (double)r->place.step);
    note_number(n, "epoch", r->place.epoch);
    note_number(n, "position", (double)r->place.position);
    note_number(n, "loss_sum", r->place.loss_sum);
    note_number(n, "loss_count", (double)r->place.loss_count);
    note_number(n, "best_accuracy", r->best.accuracy);
    note_number(n, "best_epoch", r->best.epoch);
    note_number(n, "history_stride", r->history.stride);
    note_number(n, "history_losses", r->history.losses);
    note_number(n, "history_epochs", r->history.epochs);
    if (*r->history.changed) note(n, "changed", r->history.changed);
}

static int write_file(kiln_run *r, const char *version, int whole, kiln_arena *out, size_t *size)
{
    kiln_arena arena;
    notes *n;
    kiln_tensor_list l;
    int status;

    KILN_TRY(kiln_arena_create(&arena, sizeof *n, "the checkpoint's metadata"));
    n = (notes *)(void *)arena.base;
    status = kiln_tensor_list_make(&l, r);
    if (status >= 0) {
        note_net(n, r, version);
        if (whole) note_run(n, r);
        if (whole)
            kiln_tensor_list_run(&l, r);
        else
            kiln_tensor_list_net(&l, r);
        status = n->status;
        if (status >= 0)
            status = kiln_safetensors_write(out, size, l.tensor, l.count, n->entry, n->count);
        kiln_arena_destroy(&l.arena);
    }
    kiln_json_free(&n->classes);
    kiln_json_free(&n->mean);
    kiln_json_free(&n->std);
    kiln_arena_destroy(&arena);
    return status;
}

int kiln_checkpoint_write(kiln_run *r, const char *version, kiln_arena *out, size_t *size)
{
    return write_file(r, version, 1, out, size);
}

int kiln_checkpoint_export(kiln_run *r, const char *version, kiln_arena *out, size_t *size)
{
    return write_file(r, version, 0, out, size);
}
