/* The metadata of a checkpoint; see checkpoint_head.h. */
#include "train/checkpoint_head.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A list of 1 to `most` numbers from min to max; returns how many. */
static int numbers_entry(const kiln_safetensors *f, const char *key, int most, double min,
                         double max, const char **list)
{
    float value[KILN_CHANNELS_MAX];
    int n;

    KILN_TRY(kiln_checkpoint_text(f, key, list));
    n = kiln_checkpoint_numbers(value, most, *list, key);
    if (n < 0) return kiln_checkpoint_refused();
    if (n < 1 || n > most)
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its list \"%s\" %s", key,
                         n ? "is of more channels than an image has" : "is empty");
    for (int i = 0; i < n; i++)
        if (!(value[i] >= min && value[i] <= max))
            return kiln_fail(KILN_E_CHECKPOINT,
                             "checkpoint: \"%s\" holds %g, which is none of pixels", key,
                             (double)value[i]);
    return n;
}

/* The names of the classes; returns how many. */
static int classes_entry(const kiln_safetensors *f, const char **list)
{
    char name[KILN_OPTION_TEXT];
    kiln_json_reader r;
    int count = 0;

    KILN_TRY(kiln_checkpoint_text(f, "classes", list));
    kiln_json_read(&r, *list, strlen(*list), "classes", KILN_E_CHECKPOINT);
    if (kiln_json_enter_array(&r) >= 0)
        while (kiln_json_next(&r, NULL, 0) > 0 &&
               kiln_json_read_string(&r, name, sizeof name) >= 0)
            count++;
    if (kiln_json_read_end(&r) < 0) return kiln_checkpoint_refused();
    if (count >= 1 && count <= KILN_CLASSES_MAX) return count;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its list \"classes\" %s",
                     count ? "is longer than 1000" : "is empty");
}

/* What identifies the data set: a name, and sixteen digits. */
static int data_entries(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    KILN_TRY(kiln_checkpoint_text(f, "data", &h->data));
    KILN_TRY(kiln_checkpoint_text(f, "data_hash", &h->data_hash));
    if (strlen(h->data) >= KILN_OPTION_TEXT)
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: the name of its data set is longer than "
                                            "%d characters", KILN_OPTION_TEXT - 1);
    if (strlen(h->data_hash) == 16 && strspn(h->data_hash, "0123456789abcdef") == 16)
        return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its data_hash is not of sixteen digits");
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

/* One or two digits, a side from 1 to KILN_SIDE_MAX. */
static int read_side(const char **text, int *side)
{
    const char *at = *text;

    *side = 0;
    for (; at < *text + 2 && *at >= '0' && *at <= '9'; at++) *side = 10 * *side + (*at - '0');
    if (at == *text || **text == '0' || *side > KILN_SIDE_MAX) return 0;
    *text = at;
    return 1;
}

int kiln_checkpoint_input(const kiln_safetensors *f, int *channels, int *height, int *width)
{
    const char *input = kiln_safetensors_metadata(f, "input");
    const char *at = input;

    *channels = KILN_CHECKPOINT_CHANNELS;
    *height = *width = KILN_CHECKPOINT_SIDE;
    if (!input) return KILN_OK;
    if (*at >= '1' && *at <= '0' + KILN_CHANNELS_MAX && at[1] == 'x' && strchr(at + 2, 'x')) {
        *channels = *at - '0';
        at += 2;
    }
    if (read_side(&at, height) && *at++ == 'x' && read_side(&at, width) && !*at) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its input, %.20s, is no size of images",
                     input);
}

/* The options of a run; of an export, those that its net was taught with. */
static int read_options(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    kiln_train_options *o = &h->o;
    const char *version, *net, *options = kiln_safetensors_metadata(f, "options");
    char taught[KILN_OPTION_TEXT];

    KILN_TRY(kiln_checkpoint_origin(f, &version));
    KILN_TRY(kiln_checkpoint_text(f, "net", &net));
    KILN_TRY(kiln_checkpoint_text(f, "normalize", &h->normalize));
    h->has_run = options != NULL;
    kiln_train_options_default(o);
    snprintf(taught, sizeof taught, "normalize=%.40s", h->normalize);
    if (strchr(h->normalize, '\n'))
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its normalize is more than one line");
    if (strlen(net) >= sizeof o->net)
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: its net is longer than %d characters",
                         KILN_NOTATION_MAX - 1);
    strcpy(o->net, net);
    if (kiln_train_options_read(o, options ? options : taught, KILN_OPTIONS_ALL) < 0)
        return kiln_checkpoint_refused();
    if (!strcmp(version, "1") && o->optimizer == KILN_RULE_adam && o->weight_decay > 0)
        o->optimizer = KILN_RULE_adamw;
    if (strcmp(o->net, net))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: its options and its metadata name two nets");
    if (kiln_train_options_read(o, taught, KILN_OPTIONS_LIVE) < 0)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: its options and its metadata name two ways to normalize");
    return KILN_OK;
}

/* Where the run stands. */
static int read_place(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    int64_t epoch, best_epoch, stride, losses, epochs, seed;

    h->changed = kiln_safetensors_metadata(f, "changed");
    if (!h->changed) h->changed = "";
    if (strspn(h->changed, "abcdefghijklmnopqrstuvwxyz-") != strlen(h->changed) ||
        strlen(h->changed) >= KILN_HISTORY_CHANGED)
        return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: \"changed\" names nothing of a run");
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
    else if (h->o.train >= 0 && h->position >= h->o.train)
        what = "position, and train of its options";
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

/* Is this entry there, or has it to be: imported weights alone may leave it out. */
static int wanted(const kiln_checkpoint_head *h, const kiln_safetensors *f, const char *key)
{
    return h->has_run || kiln_safetensors_metadata(f, key);
}

/* What the net was taught on, and how it saw it. */
static int read_taught(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    int deviations;

    KILN_TRY(kiln_checkpoint_text(f, "version", &h->version));
    KILN_TRY(kiln_checkpoint_text(f, "mode", &h->mode));
    KILN_TRY(kiln_checkpoint_input(f, &h->channels, &h->height, &h->width));
    if (wanted(h, f, "data")) KILN_TRY(data_entries(h, f));
    if (wanted(h, f, "classes")) KILN_TRY(h->class_count = classes_entry(f, &h->classes));
    if (!wanted(h, f, "mean") && !wanted(h, f, "std")) return KILN_OK;
    KILN_TRY(h->channels = numbers_entry(f, "mean", KILN_CHANNELS_MAX, 0, 255, &h->mean));
    KILN_TRY(deviations = numbers_entry(f, "std", KILN_CHANNELS_MAX, KILN_STD_MIN, 255, &h->std));
    if (deviations == h->channels) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: it has %d means and %d deviations",
                     h->channels, deviations);
}

int kiln_checkpoint_head_read(kiln_checkpoint_head *h, const kiln_safetensors *f)
{
    memset(h, 0, sizeof *h);
    h->best_accuracy = -1;
    h->stride = 1;
    h->changed = "";
    KILN_TRY(read_options(h, f));
    h->o.memory = 0; /* what may be taken is the reader's to say */
    KILN_TRY(read_taught(h, f));
    if (!h->has_run) return KILN_OK;
    KILN_TRY(read_place(h, f));
    KILN_TRY(check_place(h));
    return check_history(h, f);
}
