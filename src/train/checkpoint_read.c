/*
 * Reading a checkpoint into a fresh run: whoever asks keeps his own until this one is whole. Order
 * of the checks: hash and structure (safetensors.c), all that the file alone decides
 * (checkpoint_open.c), then what it is read for: the data set, options, and the size the net asks
 * for.
 */
#include "train/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/simd.h"
#include "base/status.h"
#include "train/checkpoint_head.h"
#include "train/kept.h"
#include "train/run_make.h"
#include "train/tensor_list.h"

#define HASH_SIZE 17
#define MEMORY_BASE 1e9 /* what a file may ask for, unless the reader's option memory says more */
#define MEMORY_PER_BYTE 4096.0

/* What is read, and with what. */
typedef struct {
    const kiln_safetensors *file;
    size_t size; /* of the file, in bytes */
    const kiln_dataset *data;
    const char *options; /* may be NULL */
} source;

#define MODE (KILN_FUSED ? "fused" : "strict")

static int same_data(const kiln_checkpoint_head *h, const kiln_dataset *d, char ours[HASH_SIZE])
{
    snprintf(ours, HASH_SIZE, "%016llx", (unsigned long long)d->hash);
    return !strcmp(h->data, d->name) && !strcmp(h->data_hash, ours);
}

/* Going on wants the very images that the run began with; the sentence tells what differs. */
static int check_data(const kiln_checkpoint_head *h, const kiln_dataset *d)
{
    char ours[HASH_SIZE];

    if (strcmp(h->data, d->name) != 0)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: it was trained on the data set %.40s, this data set is %s; "
                         "only evaluating, and a new run with its weights, take other data",
                         h->data, d->name);
    if (!same_data(h, d, ours))
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: it was trained on other images of the data set %.40s: its "
                         "options were train=%d, validation=%d, test=%d, data-seed=%.0f, and this "
                         "data set has %d, %d and %d images (identity %.16s, here %s)", h->data,
                         (int)h->o.train, (int)h->o.validation, (int)h->o.test,
                         (double)h->o.data_seed, d->count[0], d->count[1], d->count[2],
                         h->data_hash, ours);
    if (h->position < d->count[0]) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT,
                     "checkpoint: it stands at image %lld of an epoch, and this data set has %d",
                     (long long)h->position, d->count[0]);
}

static int check_shape(const kiln_checkpoint_head *h, const kiln_dataset *d)
{
    if (d->C == h->channels && d->H == h->height && d->W == h->width) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT,
                     "checkpoint: its net takes images of %dx%dx%d, this data set has %dx%dx%d",
                     h->channels, h->height, h->width, d->C, d->H, d->W);
}

/* Images of the size, and as many classes, as the net was made for. */
static int check_fit(const kiln_checkpoint_head *h, const kiln_dataset *d)
{
    KILN_TRY(check_shape(h, d));
    if (d->classes == h->class_count || !h->class_count) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "checkpoint: it knows %d classes, this data set has %d",
                     h->class_count, d->classes);
}

/* Numbers and names of lists that are checked: as many as this data set has of them. */
static int read_classes(kiln_run *r, const kiln_checkpoint_head *h)
{
    kiln_json_reader j;

    kiln_json_read(&j, h->classes, strlen(h->classes), "classes", KILN_E_CHECKPOINT);
    KILN_TRY(kiln_json_enter_array(&j));
    for (int n = 0; kiln_json_next(&j, NULL, 0) > 0; n++) {
        KILN_TRY(kiln_json_read_string(&j, r->seen.class_name[n], sizeof r->seen.class_name[n]));
        r->seen.data.class_name[n] = r->seen.class_name[n];
    }
    return kiln_json_read_end(&j);
}

/* Means, deviations and names of classes, as far as the file has them. */
static int read_taught(kiln_run *r, const kiln_checkpoint_head *h)
{
    kiln_dataset *d = &r->seen.data;

    if (h->classes) KILN_TRY(read_classes(r, h));
    if (!h->mean && !d->count[0] && h->o.normalize != KILN_NORMALIZE_NONE)
        return kiln_fail(KILN_E_DATA, "these weights do not say by what pixels are normalised, and "
                                      "this data set has no training images to measure");
    if (!h->mean) return KILN_OK;
    KILN_TRY(kiln_checkpoint_numbers(d->mean, d->C, h->mean, "mean"));
    return kiln_checkpoint_numbers(d->std, d->C, h->std, "std");
}

/* Other data as this net was taught to see it: named and normalised by what it was trained with. */
static int see_as_taught(kiln_run *r, const kiln_checkpoint_head *h)
{
    const kiln_dataset *d = r->data;
    char ours[HASH_SIZE];

    r->seen.data = *d;
    r->data = r->test.data = &r->seen.data;
    KILN_TRY(read_taught(r, h));
    if (!h->data || same_data(h, d, ours)) return KILN_OK;
    snprintf(r->seen.name, sizeof r->seen.name, "%s", h->data);
    r->seen.data.name = r->seen.name;
    r->seen.data.hash = strtoull(h->data_hash, NULL, 16);
    r->seen.data.mean_image = NULL; /* not in the file */
    return KILN_OK;
}

/* Images in a batch of a run of these options; where no training images are, none trains. */
static int batch_of(const kiln_train_options *o, const kiln_dataset *d)
{
    return d->count[0] && o->batch > d->count[0] ? d->count[0] : (int)o->batch;
}

/* What a batch of its net takes is no more than a file of this size may ask for. */
static int check_promise(size_t size, const kiln_train_options *o, const kiln_dataset *d)
{
    const double most =
        o->memory ? 1e6 * (double)o->memory : MEMORY_BASE + MEMORY_PER_BYTE * (double)size;
    double bytes = 0;
    kiln_net_options n;
    kiln_arena arena;
    int status;

    kiln_net_options_default(&n);
    n.C = d->C, n.H = d->H, n.W = d->W;
    n.batch = batch_of(o, d);
    strcpy(n.freeze, o->freeze);
    KILN_TRY(kiln_arena_create(&arena, sizeof(kiln_plan), "the plan of the net"));
    status = kiln_net_measure((kiln_plan *)(void *)arena.base, &bytes, o->net, &n);
    kiln_arena_destroy(&arena);
    if (status == KILN_E_MEMORY || status == KILN_E_ARG) return status; /* the reader's options */
    if (status < 0) return kiln_checkpoint_refused();
    if (bytes <= most) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT,
                     "checkpoint: its net asks for %.0f MB with batch=%d, and a file of %.0f kB "
                     "may ask for %.0f; allow it with memory=%.0f, or take a smaller batch",
                     bytes / 1e6, n.batch, (double)size / 1e3, most / 1e6, bytes / 1e6 + 1);
}

/* ---- what a file is read for ----------------------------------------------------------------- */

/* The whole run of the file into a fresh one of its options; the tensors are checked. */
static int fill_run(const kiln_safetensors *f, const kiln_checkpoint_head *h, kiln_run *r)
{
    const float *last;
    kiln_tensor_list l;

    kiln_checkpoint_take_place(r, h);
    KILN_TRY(kiln_tensor_list_make(&l, r));
    kiln_tensor_list_run(&l, r);
    for (int i = 0; i < l.count; i++) {
        const kiln_safetensor *t = kiln_safetensors_find(f, l.tensor[i].name);

        memcpy((void *)l.tensor[i].data, t->data, t->bytes);
    }
    kiln_arena_destroy(&l.arena);
    kiln_kept_start(&r->kept, &r->learner, &r->place, r->data->classes);
    if (!r->history.epochs) return KILN_OK;
    last = r->history.epoch_value[r->history.epochs - 1];
    r->metrics.train_loss = last[0];
    r->metrics.train_accuracy = last[1];
    r->metrics.val_accuracy = last[2];
    return KILN_OK;
}

/* The weights and statistics of the first layers; what lies behind keeps its start values. */
static void read_layers(const kiln_safetensors *f, kiln_net *net, int layers)
{
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->layer >= layers) continue;
        memcpy(t->data, kiln_safetensors_find(f, t->name)->data, (size_t)t->size * sizeof(float));
    }
}

static int fill_weights(const kiln_safetensors *f, kiln_run *r, int layers)
{
    read_layers(f, r->learner.net, layers);
    kiln_learner_start_average(&r->learner);
    kiln_kept_start(&r->kept, &r->learner, &r->place, r->data->classes);
    return KILN_OK;
}

static int go_on(kiln_run **run, const source *s)
{
    kiln_train_options saved;
    kiln_checkpoint_head h;

    KILN_TRY(kiln_checkpoint_open(&h, s->file));
    if (!h.has_run)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "checkpoint: this is an export, the net alone, with no run to go on with; "
                         "a new run can begin with its weights, and it can be evaluated");
    KILN_TRY(check_data(&h, s->data));
    KILN_TRY(check_fit(&h, s->data));
    saved = h.o;
    KILN_TRY(kiln_train_options_read(&h.o, s->options, KILN_OPTIONS_LIVE));
    KILN_TRY(check_promise(s->size, &h.o, s->data));
    KILN_TRY(kiln_run_make(run, s->data, &h.o));
    KILN_TRY(fill_run(s->file, &h, *run));
    if (h.step && strcmp(h.mode, MODE)) kiln_history_note_change(&(*run)->history, "mode");
    if (h.step)
        kiln_history_note_change(&(*run)->history, kiln_train_options_changed(&saved, &h.o));
    return KILN_OK;
}

static int evaluate(kiln_run **run, const source *s)
{
    kiln_checkpoint_head h;

    KILN_TRY(kiln_checkpoint_open(&h, s->file));
    KILN_TRY(check_fit(&h, s->data));
    KILN_TRY(kiln_train_options_read(&h.o, s->options, KILN_OPTIONS_LIVE));
    KILN_TRY(check_promise(s->size, &h.o, s->data));
    KILN_TRY(kiln_run_make_untrained(run, s->data, &h.o));
    KILN_TRY(see_as_taught(*run, &h));
    if (h.has_run) return fill_run(s->file, &h, *run);
    return fill_weights(s->file, *run, KILN_LAYERS_MAX);
}

/* The options of a new run: net and normalisation are the file's where they are not given; the head
 * of the net has as many outputs as there are classes. */
static int begin_options(kiln_train_options *o, const kiln_checkpoint_head *h, const source *s,
                         int *layers)
{
    kiln_train_options_default(o);
    strcpy(o->net, h->o.net);
    o->normalize = h->o.normalize;
    KILN_TRY(kiln_train_options_read(o, s->options, KILN_OPTIONS_ALL));
    KILN_TRY(kiln_checkpoint_fit(h, o->net, s->data->classes, layers));
    return kiln_train_options_check(o);
}

static int begin(kiln_run **run, const source *s)
{
    kiln_checkpoint_head h;
    kiln_train_options o;
    int layers;

    KILN_TRY(kiln_checkpoint_open(&h, s->file));
    KILN_TRY(check_shape(&h, s->data));
    KILN_TRY(begin_options(&o, &h, s, &layers));
    KILN_TRY(check_promise(s->size, &o, s->data));
    KILN_TRY(kiln_run_make(run, s->data, &o));
    kiln_history_note_change(&(*run)->history, "weights");
    return fill_weights(s->file, *run, layers);
}

static int read_file(kiln_run **run, int (*read)(kiln_run **run, const source *s),
                     const kiln_dataset *data, const uint8_t *bytes, size_t size,
                     const char *options)
{
    kiln_safetensors f;
    kiln_run *r = NULL;
    int status;

    KILN_TRY(kiln_safetensors_read(&f, bytes, size, "checkpoint"));
    status = read(&r, &(source){&f, size, data, options});
    kiln_safetensors_free(&f);
    if (status < 0)
        kiln_run_free(r);
    else
        *run = r;
    return status;
}

int kiln_checkpoint_read(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options)
{
    return read_file(run, go_on, data, bytes, size, options);
}

int kiln_checkpoint_load(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                         size_t size, const char *options)
{
    return read_file(run, evaluate, data, bytes, size, options);
}

int kiln_checkpoint_begin(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes,
                          size_t size, const char *options)
{
    return read_file(run, begin, data, bytes, size, options);
}

static int fill_net(kiln_net *net, const kiln_safetensors *f)
{
    const kiln_net_options *made = kiln_net_made_with(net);
    kiln_checkpoint_head h;

    KILN_TRY(kiln_checkpoint_open(&h, f));
    if (made->C != h.channels || made->H != h.height || made->W != h.width)
        return kiln_fail(KILN_E_SHAPE, "the weights are of a net for images of %dx%dx%d, not of "
                                       "%dx%dx%d", h.channels, h.height, h.width, made->C, made->H,
                         made->W);
    KILN_TRY(kiln_checkpoint_same_net(&h, kiln_net_plan(net)->notation));
    read_layers(f, net, KILN_LAYERS_MAX);
    return KILN_OK;
}

int kiln_checkpoint_fill(kiln_net *net, const uint8_t *bytes, size_t size)
{
    kiln_safetensors f;
    int status;

    KILN_TRY(kiln_safetensors_read(&f, bytes, size, "checkpoint"));
    status = fill_net(net, &f);
    kiln_safetensors_free(&f);
    return status;
}

/* ---- describing ------------------------------------------------------------------------------ */

static void describe_run(const kiln_checkpoint_head *h, kiln_json *j)
{
    kiln_json_int(j, "seed", h->o.seed);
    kiln_json_int(j, "step", h->step);
    kiln_json_int(j, "epoch", h->epoch);
    kiln_json_int(j, "bestEpoch", h->best_epoch);
    if (h->best_accuracy < 0)
        kiln_json_null(j, "bestValAccuracy");
    else
        kiln_json_number(j, "bestValAccuracy", h->best_accuracy);
    kiln_json_object(j, "options");
    kiln_train_options_json(&h->o, j);
    kiln_json_close(j);
}

static int describe(const kiln_safetensors *f, kiln_json *j)
{
    kiln_checkpoint_head h;

    KILN_TRY(kiln_checkpoint_open(&h, f));
    kiln_json_object(j, NULL);
    kiln_json_bool(j, "hasRun", h.has_run);
    kiln_json_string(j, "version", h.version);
    kiln_json_string(j, "net", h.o.net);
    kiln_json_string(j, "mode", h.mode);
    if (h.data) kiln_json_string(j, "data", h.data);
    if (h.data) kiln_json_string(j, "dataHash", h.data_hash);
    kiln_json_string(j, "normalize", h.normalize);
    kiln_json_bool(j, "sameMode", !strcmp(h.mode, MODE));
    if (h.classes) kiln_json_raw(j, "classes", h.classes);
    kiln_json_array(j, "input");
    kiln_json_int(j, NULL, h.channels);
    kiln_json_int(j, NULL, h.height);
    kiln_json_int(j, NULL, h.width);
    kiln_json_close(j);
    if (h.mean) kiln_json_raw(j, "mean", h.mean);
    if (h.mean) kiln_json_raw(j, "std", h.std);
    if (h.has_run) describe_run(&h, j);
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
