/*
 * Reading a checkpoint into a fresh run: whoever asks keeps his own until this one is whole. Order
 * of the checks: hash and structure (safetensors.c), format, options, data set, the size the net
 * asks for, then every tensor. A file either fits the run it describes, exactly, or is refused.
 */
#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/simd.h"
#include "base/status.h"
#include "kernels/vec.h"
#include "train/kept.h"
#include "train/tensor_list.h"

#define HASH_SIZE 17

#define MODE (KILN_FUSED ? "fused" : "strict")

/* Puts the last error's sentence behind "checkpoint: ", with its status. */
static int refused(void)
{
    char sentence[400];

    snprintf(sentence, sizeof sentence, "%s", kiln_error());
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: %s", sentence);
}

static int text_entry(const kiln_safetensors *f, const char *key, const char **value)
{
    *value = kiln_safetensors_metadata(f, key);
    if (*value) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its metadata has no \"%s\"", key);
}

static int number_entry(const kiln_safetensors *f, const char *key, double min, double max,
                        double *out)
{
    kiln_keyvalue pair;
    const char *value;

    KILN_TRY(text_entry(f, key, &value));
    snprintf(pair.key, sizeof pair.key, "%s", key);
    snprintf(pair.value, sizeof pair.value, "%s", value);
    return kiln_value_double(&pair, min, max, out) < 0 ? refused() : KILN_OK;
}

static int whole_entry(const kiln_safetensors *f, const char *key, int64_t min, int64_t max,
                       int64_t *out)
{
    double value;

    KILN_TRY(number_entry(f, key, (double)min, (double)max, &value));
    *out = (int64_t)value;
    if ((double)*out == value) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: %s: %g is not a whole number", key, value);
}

static const char *const lists[] = {"classes", "mean", "std"};

/* A list that is JSON, as it claims, and not empty. */
static int list_entry(const kiln_safetensors *f, const char *key, const char **value)
{
    kiln_json_reader r;
    int count = 0;

    KILN_TRY(text_entry(f, key, value));
    kiln_json_read(&r, *value, strlen(*value), key, KILN_E_CHECKPOINT);
    if (kiln_json_enter_array(&r) >= 0)
        while (kiln_json_next(&r, NULL, 0) > 0 && kiln_json_skip(&r) >= 0) count++;
    if (kiln_json_read_end(&r) < 0) return refused();
    if (count) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its list \"%s\" is empty", key);
}

/* A file of this library, and its options. */
static int read_options(const kiln_safetensors *f, kiln_train_options *o)
{
    const char *format = kiln_safetensors_metadata(f, "format"), *version, *text, *net;

    if (!format || strcmp(format, KILN_CHECKPOINT_FORMAT) || !f->hashed)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: a safetensors file, but none that kiln wrote");
    KILN_TRY(text_entry(f, "format_version", &version));
    if (strcmp(version, KILN_CHECKPOINT_VERSION) && strcmp(version, "1"))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: its format is %.20s, this program reads 1 to %s", version,
                         KILN_CHECKPOINT_VERSION);
    if (!kiln_safetensors_metadata(f, "options"))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: an export holds the net alone; a run cannot go on from it");
    KILN_TRY(text_entry(f, "options", &text));
    KILN_TRY(text_entry(f, "net", &net));
    kiln_train_options_default(o);
    if (kiln_train_options_read(o, text, KILN_OPTIONS_ALL) < 0) return refused();
    if (!strcmp(version, "1") && o->optimizer == KILN_RULE_adam && o->weight_decay > 0)
        o->optimizer = KILN_RULE_adamw;
    if (strcmp(o->net, net))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: its options and its metadata name two nets");
    for (int i = 0; i < 3; i++) KILN_TRY(list_entry(f, lists[i], &text));
    return KILN_OK;
}

static int check_data(const kiln_safetensors *f, const kiln_dataset *d)
{
    const char *name, *hash;
    char ours[HASH_SIZE];

    KILN_TRY(text_entry(f, "data", &name));
    KILN_TRY(text_entry(f, "data_hash", &hash));
    snprintf(ours, sizeof ours, "%016llx", (unsigned long long)d->hash);
    if (!strcmp(name, d->name) && !strcmp(hash, ours)) return KILN_OK;
    return kiln_fail(
        KILN_E_CHECKPOINT,
        "checkpoint: it was trained on the data set %.40s (%.16s), not on this one, %s "
        "(%s); use the same files, sizes and data-seed",
        name, hash, d->name, ours);
}

/* Sizes are promises: the net asked for must not be larger than what the file holds. */
static int check_promise(const kiln_safetensors *f, const kiln_train_options *o,
                         const kiln_dataset *d)
{
    double stored = 0;
    kiln_arena arena;
    kiln_plan *plan;
    int status;

    for (int i = 0; i < f->tensors; i++) stored += (double)f->tensor[i].bytes / sizeof(float);
    KILN_TRY(kiln_arena_create(&arena, sizeof *plan, "the plan of the net"));
    plan = (kiln_plan *)(void *)arena.base;
    status = kiln_notation_parse(plan, o->net, d->C, d->H, d->W);
    if (status < 0)
        status = refused();
    else if (plan->parameters > stored)
        status =
            kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its net has %.0f parameters, the file %.0f",
                      plan->parameters, stored);
    kiln_arena_destroy(&arena);
    return status;
}

static int read_place(const kiln_safetensors *f, kiln_run *r)
{
    const int64_t whole = INT32_MAX;
    int64_t epoch, best_epoch, stride, losses, epochs;

    KILN_TRY(whole_entry(f, "step", 0, whole, &r->step));
    KILN_TRY(whole_entry(f, "epoch", 0, whole, &epoch));
    KILN_TRY(whole_entry(f, "position", 0, r->images - 1, &r->position));
    KILN_TRY(number_entry(f, "loss_sum", -1e300, 1e300, &r->loss_sum));
    KILN_TRY(whole_entry(f, "loss_count", 0, whole, &r->loss_count));
    KILN_TRY(number_entry(f, "best_accuracy", -1, 1, &r->best_accuracy));
    KILN_TRY(whole_entry(f, "best_epoch", 0, whole, &best_epoch));
    KILN_TRY(whole_entry(f, "history_stride", 1, 1 << 30, &stride));
    KILN_TRY(whole_entry(f, "history_losses", 0, KILN_HISTORY_LOSSES, &losses));
    KILN_TRY(whole_entry(f, "history_epochs", 0, KILN_HISTORY_EPOCHS, &epochs));
    r->epoch = (int)epoch;
    r->best_epoch = (int)best_epoch;
    r->history.stride = (int32_t)stride;
    r->history.losses = (int)losses;
    r->history.epochs = (int)epochs;
    return KILN_OK;
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

static int fill(const kiln_safetensors *f, kiln_run *r)
{
    kiln_tensor_list l;
    int status;

    KILN_TRY(read_place(f, r));
    KILN_TRY(kiln_tensor_list_make(&l, r));
    kiln_tensor_list_run(&l, r);
    status = l.count == f->tensors
                 ? KILN_OK
                 : kiln_fail(KILN_E_CHECKPOINT, "checkpoint: it holds %d tensors, its run has %d",
                             f->tensors, l.count);
    for (int i = 0; i < l.count && status >= 0; i++) status = read_tensor(f, &l.tensor[i]);
    kiln_arena_destroy(&l.arena);
    if (status >= 0) kiln_kept_start(r);
    if (status >= 0 && r->history.epochs) {
        const float *last = r->history.epoch_value[r->history.epochs - 1];

        r->metrics.train_loss = last[0];
        r->metrics.train_accuracy = last[1];
        r->metrics.val_accuracy = last[2];
    }
    return status;
}

static int read_run(const kiln_safetensors *f, kiln_run **run, const kiln_dataset *data,
                    const char *options)
{
    kiln_train_options o;
    kiln_run *r;
    int status;

    KILN_TRY(read_options(f, &o));
    KILN_TRY(check_data(f, data));
    KILN_TRY(check_promise(f, &o, data));
    KILN_TRY(kiln_train_options_read(&o, options, KILN_OPTIONS_LIVE));
    KILN_TRY(kiln_run_make(&r, data, &o));
    status = fill(f, r);
    if (status < 0)
        kiln_run_free(r);
    else
        *run = r;
    return status;
}

int kiln_checkpoint_read(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options)
{
    kiln_safetensors f;
    int status;

    KILN_TRY(kiln_safetensors_read(&f, bytes, size, "checkpoint"));
    status = read_run(&f, run, data, options);
    kiln_safetensors_free(&f);
    return status;
}

/* ---- describing ------------------------------------------------------------------------------ */

static int describe(const kiln_safetensors *f, kiln_json *j)
{
    static const char *const texts[] = {"version", "net", "mode", "data", "data_hash", "normalize"};
    static const char *const text_keys[] = {"version", "net",      "mode",
                                            "data",    "dataHash", "normalize"};
    static const char *const wholes[] = {"seed", "step", "epoch", "best_epoch"};
    static const char *const whole_keys[] = {"seed", "step", "epoch", "bestEpoch"};
    kiln_train_options o;
    const char *value;
    double best;
    int64_t whole;

    KILN_TRY(read_options(f, &o));
    kiln_json_object(j, NULL);
    for (int i = 0; i < 6; i++) {
        KILN_TRY(text_entry(f, texts[i], &value));
        kiln_json_string(j, text_keys[i], value);
    }
    kiln_json_bool(j, "sameMode", !strcmp(kiln_safetensors_metadata(f, "mode"), MODE));
    for (int i = 0; i < 3; i++) {
        KILN_TRY(list_entry(f, lists[i], &value));
        kiln_json_raw(j, lists[i], value);
    }
    for (int i = 0; i < 4; i++) {
        KILN_TRY(whole_entry(f, wholes[i], 0, UINT32_MAX, &whole));
        kiln_json_int(j, whole_keys[i], whole);
    }
    KILN_TRY(number_entry(f, "best_accuracy", -1, 1, &best));
    if (best < 0)
        kiln_json_null(j, "bestValAccuracy");
    else
        kiln_json_number(j, "bestValAccuracy", best);
    kiln_json_object(j, "options");
    kiln_train_options_json(&o, j);
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
