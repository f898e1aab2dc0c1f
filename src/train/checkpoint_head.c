/* The metadata of a checkpoint; see checkpoint_head.h. */
#include "train/checkpoint_head.h"

#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"
#include "train/checkpoint.h"
#include "train/rules.h"

#define STEPS_MAX 2000000000 /* the largest max-steps */
#define EPOCHS_MAX 10000

/* Puts the last error's sentence behind "checkpoint: ", with its status. */
int kiln_checkpoint_refused(void)
{
    char sentence[400];

    snprintf(sentence, sizeof sentence, "%s", kiln_error());
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: %s", sentence);
}

int kiln_checkpoint_text(const kiln_safetensors *f, const char *key, const char **value)
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

    KILN_TRY(kiln_checkpoint_text(f, key, &value));
    snprintf(pair.key, sizeof pair.key, "%s", key);
    snprintf(pair.value, sizeof pair.value, "%s", value);
    return kiln_value_double(&pair, min, max, out) < 0 ? kiln_checkpoint_refused() : KILN_OK;
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

/* A list that is JSON, as it claims, and not empty. */
static int list_entry(const kiln_safetensors *f, const char *key, const char **value)
{
    kiln_json_reader r;
    int count = 0;

    KILN_TRY(kiln_checkpoint_text(f, key, value));
    kiln_json_read(&r, *value, strlen(*value), key, KILN_E_CHECKPOINT);
    if (kiln_json_enter_array(&r) >= 0)
        while (kiln_json_next(&r, NULL, 0) > 0 && kiln_json_skip(&r) >= 0) count++;
    if (kiln_json_read_end(&r) < 0) return kiln_checkpoint_refused();
    if (count) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its list \"%s\" is empty", key);
}

int kiln_checkpoint_numbers(float *out, int most, const char *list, const char *what)
{
    kiln_json_reader j;
    double value;
    int n = 0;

    kiln_json_read(&j, list, strlen(list), what, KILN_E_CHECKPOINT);
    KILN_TRY(kiln_json_enter_array(&j));
    while (kiln_json_next(&j, NULL, 0) > 0) {
        KILN_TRY(kiln_json_read_number(&j, &value));
        if (n < most) out[n] = (float)value;
        n++;
    }
    KILN_TRY(kiln_json_read_end(&j));
    return n;
}

int kiln_checkpoint_origin(const kiln_safetensors *f, const char **format_version)
{
    const char *format = kiln_safetensors_metadata(f, "format");

    if (!format || strcmp(format, KILN_CHECKPOINT_FORMAT) || !f->hashed)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: a safetensors file, but none that kiln wrote");
    KILN_TRY(kiln_checkpoint_text(f, "format_version", format_version));
    if (!strcmp(*format_version, KILN_CHECKPOINT_VERSION) || !strcmp(*format_version, "1"))
        return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT,
                     "checkpoint: its format is %.20s, this program reads 1 to %s", *format_version,
                     KILN_CHECKPOINT_VERSION);
}

/* The options of a file that holds a run. */
static int read_options(const kiln_safetensors *f, kiln_train_options *o)
{
    const char *version, *text, *net;

    KILN_TRY(kiln_checkpoint_origin(f, &version));
    if (!kiln_safetensors_metadata(f, "options"))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: an export holds the net alone; a run cannot go on from it");
    KILN_TRY(kiln_checkpoint_text(f, "options", &text));
    KILN_TRY(kiln_checkpoint_text(f, "net", &net));
    kiln_train_options_default(o);
    if (kiln_train_options_read(o, text, KILN_OPTIONS_ALL) < 0) return kiln_checkpoint_refused();
    if (!strcmp(version, "1") && o->optimizer == KILN_RULE_adam && o->weight_decay > 0)
        o->optimizer = KILN_RULE_adamw;
    if (strcmp(o->net, net))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: its options and its metadata name two nets");
    return KILN_OK;
}

/* Where the run stands. */
static int read_place(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    int64_t epoch, best_epoch, stride, losses, epochs, seed;

    KILN_TRY(whole_entry(f, "seed", 0, UINT32_MAX, &seed));
    KILN_TRY(whole_entry(f, "step", 0, STEPS_MAX, &h->step));
    KILN_TRY(whole_entry(f, "epoch", 0, EPOCHS_MAX, &epoch));
    KILN_TRY(whole_entry(f, "position", 0, INT32_MAX, &h->position));
    KILN_TRY(number_entry(f, "loss_sum", -1e300, 1e300, &h->loss_sum));
    KILN_TRY(whole_entry(f, "loss_count", 0, INT32_MAX, &h->loss_count));
    KILN_TRY(number_entry(f, "best_accuracy", -1, 1, &h->best_accuracy));
    KILN_TRY(whole_entry(f, "best_epoch", 0, EPOCHS_MAX + 1, &best_epoch));
    KILN_TRY(whole_entry(f, "history_stride", 1, 1 << 30, &stride));
    KILN_TRY(whole_entry(f, "history_losses", 0, KILN_HISTORY_LOSSES, &losses));
    KILN_TRY(whole_entry(f, "history_epochs", 0, KILN_HISTORY_EPOCHS, &epochs));
    h->epoch = (int)epoch;
    h->best_epoch = (int)best_epoch;
    h->stride = (int32_t)stride;
    h->losses = (int)losses;
    h->epochs = (int)epochs;
    if (seed == h->o.seed) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its options and its metadata name two seeds");
}

/* The numbers of the place against each other: an epoch has a step or more, a step an image or
 * more, and a loss is recorded every `stride` steps. */
static int check_place(const kiln_checkpoint_head *h)
{
    const char *what = NULL;

    if (h->epoch + h->loss_count > h->step)
        what = "epoch, loss_count and step";
    else if (h->loss_count > h->position || (h->position > 0) != (h->loss_count > 0))
        what = "position and loss_count";
    else if (h->stride & (h->stride - 1))
        what = "history_stride, which is no power of two";
    else if (h->losses > h->step / h->stride)
        what = "history_losses, history_stride and step";
    else if (h->epochs > h->step)
        what = "history_epochs and step";
    if (!what) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its place is no place of a run: %s", what);
}

/* The bytes of a tensor of whole numbers of the history, (count) or (count, 2), perhaps unaligned,
 * as files lie where callers have them; NULL where there are none. */
static const char *whole_tensor(const kiln_safetensors *f, const char *name, int count, int dims)
{
    const kiln_safetensor *t = kiln_safetensors_find(f, name);

    if (!t || t->type != KILN_I32 || t->dims != dims || t->shape[0] != count) return NULL;
    return dims == 2 && t->shape[1] != 2 ? NULL : (const char *)t->data;
}

static int32_t whole_at(const char *tensor, int i)
{
    int32_t value;

    memcpy(&value, tensor + (size_t)i * sizeof value, sizeof value);
    return value;
}

/* Steps and epochs of the history rise, and end where the run stands. */
static int check_history(const kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    const char *loss_step = whole_tensor(f, "history.loss_step", h->losses, 1);
    const char *epoch = whole_tensor(f, "history.epoch", h->epochs, 2);
    int64_t step = 0;

    if ((h->losses && !loss_step) || (h->epochs && !epoch))
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its history.loss has another shape than "
                                            "its metadata says");
    for (int i = 0; i < h->losses; i++) {
        const int32_t at = whole_at(loss_step, i);

        if (at <= step || at > h->step)
            return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its history's steps do not rise");
        step = at;
    }
    step = 0;
    for (int i = 0; i < h->epochs; i++) {
        const int32_t number = whole_at(epoch, 2 * i), at = whole_at(epoch, 2 * i + 1);

        if (number < 0 || number > EPOCHS_MAX + 1 || at < step || at > h->step)
            return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its history's epochs do not rise");
        step = at;
    }
    return KILN_OK;
}

int kiln_checkpoint_head_read(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    KILN_TRY(read_options(f, &h->o));
    h->o.memory = 0; /* what may be taken is the reader's to say */
    KILN_TRY(kiln_checkpoint_text(f, "version", &h->version));
    KILN_TRY(kiln_checkpoint_text(f, "mode", &h->mode));
    KILN_TRY(kiln_checkpoint_text(f, "data", &h->data));
    KILN_TRY(kiln_checkpoint_text(f, "data_hash", &h->data_hash));
    KILN_TRY(kiln_checkpoint_text(f, "normalize", &h->normalize));
    KILN_TRY(list_entry(f, "classes", &h->classes));
    KILN_TRY(list_entry(f, "mean", &h->mean));
    KILN_TRY(list_entry(f, "std", &h->std));
    KILN_TRY(read_place(h, f));
    KILN_TRY(check_place(h));
    return check_history(h, f);
}
