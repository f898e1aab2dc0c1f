/*
 * The public functions of training: kiln.h, "training". Arguments are checked here; src/train only
 * asserts.
 *
 * A trainer keeps the handle of its data set, not only the pointer, so a data set destroyed too
 * early is an error and never a wild pointer. Its nets are lent: kiln_net_destroy refuses them.
 */
#include <limits.h>
#include <string.h>

#include "api/api_text.h"
#include "api/api_trainer.h"
#include "api/handles.h"
#include "base/keyvalue.h"
#include "base/status.h"
#include "kiln.h"
#include "train/checkpoint.h"
#include "train/presets.h"

typedef struct {
    kiln_run *run;
    int data; /* handle */
    int net, inspector; /* lent handles; 0: none yet */
    kiln_arena saved; /* the last kiln_trainer_save or _export */
    kiln_arena self;
} trainer;

_Static_assert((int)KILN_STEPPED == KILN_RUN_STEPPED && (int)KILN_EPOCH == KILN_RUN_EPOCH &&
                   (int)KILN_DONE == KILN_RUN_DONE && (int)KILN_BEST == KILN_RUN_BEST &&
                   (int)KILN_CHECKING == KILN_RUN_CHECKING &&
                   (int)KILN_RECOVERED == KILN_RUN_RECOVERED,
               "the flags of a step are those of kiln.h");

/* The trainer, while its data set is alive; NULL with the error set. */
static trainer *get(int handle)
{
    trainer *t = kiln_handle_get(KILN_KIND_TRAINER, handle);

    if (t && !t->run->learner.net) { /* a change of batch took it, and the machine gave none back */
        kiln_fail(KILN_E_MEMORY, "the net of trainer %d could not be made again", handle);
        return NULL;
    }
    if (!t || kiln_handle_get(KILN_KIND_DATA, t->data)) return t;
    kiln_fail(KILN_E_HANDLE, "the data set of trainer %d was destroyed", handle);
    return NULL;
}

/* A handle for a run, which is freed when there is none to be had. */
static int put(kiln_run *run, int data)
{
    kiln_arena self;
    trainer *t;
    int handle = kiln_arena_create(&self, sizeof *t, "the trainer");

    if (handle < 0) {
        kiln_run_free(run);
        return handle;
    }
    t = (trainer *)(void *)self.base;
    t->run = run;
    t->data = data;
    t->self = self;
    handle = kiln_handle_put(KILN_KIND_TRAINER, t);
    if (handle >= 0) return handle;
    kiln_run_free(run);
    kiln_arena_destroy(&self);
    return handle;
}

kiln_run *kiln_trainer_run(int handle)
{
    trainer *t = get(handle);

    return t ? t->run : NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

int kiln_trainer_create(int data, const char *options)
{
    const kiln_dataset *d = kiln_handle_get(KILN_KIND_DATA, data);
    kiln_train_options o;
    kiln_run *run;

    if (!d) return KILN_E_HANDLE;
    KILN_TRY(kiln_preset_read(&o, options));
    kiln_preset_fit(&o, d->classes);
    KILN_TRY(kiln_train_options_check(&o));
    KILN_TRY(kiln_run_make(&run, d, &o));
    return put(run, data);
}

typedef int reader(kiln_run **run, const kiln_dataset *data, const uint8_t *bytes, size_t size,
                   const char *options);

static int read_checkpoint(int data, const uint8_t *bytes, int size, const char *options,
                           reader *read)
{
    const kiln_dataset *d = kiln_handle_get(KILN_KIND_DATA, data);
    kiln_run *run;

    if (!d) return KILN_E_HANDLE;
    if (!bytes || size < 0) return kiln_fail(KILN_E_ARG, "there is no checkpoint");
    if (!d->finished) return kiln_fail(KILN_E_STATE, "the data set is not finished yet");
    KILN_TRY(read(&run, d, bytes, (size_t)size, options));
    return put(run, data);
}

int kiln_trainer_resume(int data, const uint8_t *bytes, int size, const char *options)
{
    return read_checkpoint(data, bytes, size, options, kiln_checkpoint_read);
}

int kiln_trainer_load(int data, const uint8_t *bytes, int size, const char *options)
{
    return read_checkpoint(data, bytes, size, options, kiln_checkpoint_load);
}

int kiln_trainer_begin(int data, const uint8_t *bytes, int size, const char *options)
{
    return read_checkpoint(data, bytes, size, options, kiln_checkpoint_begin);
}

int kiln_trainer_destroy(int handle)
{
    trainer *t = kiln_handle_take(KILN_KIND_TRAINER, handle);
    kiln_arena self;

    if (!t) return KILN_E_HANDLE;
    kiln_handle_recall(KILN_KIND_NET, t->net);
    kiln_handle_recall(KILN_KIND_NET, t->inspector);
    kiln_arena_destroy(&t->saved);
    kiln_run_free(t->run);
    self = t->self;
    kiln_arena_destroy(&self);
    return KILN_OK;
}

int kiln_trainer_set(int handle, const char *key, const char *value)
{
    static char text[KILN_KEY_MAX + KILN_VALUE_MAX];
    trainer *t = get(handle);
    const kiln_net *before;
    int status;

    if (!t) return KILN_E_HANDLE;
    if (!key || !value || strpbrk(key, "=\n") || strchr(value, '\n') ||
        strlen(key) + strlen(value) + 2 > sizeof text)
        return kiln_fail(KILN_E_ARG, "set: a key and a value, each one line, are wanted");
    before = t->run->learner.net;
    strcpy(text, key);
    strcat(text, "=");
    strcat(text, value);
    status = kiln_run_set(t->run, text);
    if (t->run->learner.net != before) { /* made anew for a larger batch */
        kiln_handle_recall(KILN_KIND_NET, t->net);
        t->net = 0;
    }
    return status;
}

int kiln_trainer_step(int handle)
{
    trainer *t = get(handle);

    return t ? kiln_run_step(t->run) : KILN_E_HANDLE;
}

int kiln_trainer_check_in_slices(int handle, int images)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    if (images < 0)
        return kiln_fail(KILN_E_ARG, "slices of %d images: 1 or more, or 0 for all", images);
    t->run->slice = images;
    return KILN_OK;
}

int kiln_trainer_restore_best(int handle)
{
    trainer *t = get(handle);

    return t ? kiln_run_restore_best(t->run) : KILN_E_HANDLE;
}

/* ---- what it tells --------------------------------------------------------------------------- */

int kiln_trainer_options(int handle)
{
    trainer *t = get(handle);
    kiln_json *j;

    if (!t) return KILN_E_HANDLE;
    j = kiln_text_begin();
    kiln_json_object(j, NULL);
    kiln_train_options_json(&t->run->o, j);
    kiln_json_close(j);
    return kiln_text_end();
}

int kiln_trainer_metrics(int handle)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    kiln_run_metrics_json(t->run, kiln_text_begin());
    return kiln_text_end();
}

int kiln_trainer_history(int handle)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    kiln_history_json(&t->run->history, kiln_text_begin());
    return kiln_text_end();
}

/* ---- test mode ------------------------------------------------------------------------------- */

int kiln_check_views(int views)
{
    for (int i = 0; i < kiln_views_count; i++)
        if (views == kiln_views[i]) return KILN_OK;
    return kiln_fail(KILN_E_ARG, "views: %d is none of 1, 2, 6, 10", views);
}

int kiln_check_range(const kiln_dataset *d, int split, int first, int n)
{
    static const char *const name[] = {"training", "validation", "test"};

    if (split < 0 || split >= KILN_SPLITS)
        return kiln_fail(KILN_E_ARG, "split: %d is none of 0 (train), 1 (validation), 2 (test)",
                         split);
    if (first >= 0 && n >= 0 && n <= d->count[split] && first <= d->count[split] - n)
        return KILN_OK;
    return kiln_fail(KILN_E_ARG, "images %d to %lld are not all among the %d %s images", first,
                     (long long)first + n - 1, d->count[split], name[split]);
}

int kiln_trainer_evaluate(int handle, int split, int first, int n, int views, double *loss_sum,
                          int *confusion)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    KILN_TRY(kiln_check_range(t->run->data, split, first, n));
    KILN_TRY(kiln_check_views(views));
    return kiln_evaluate(&t->run->test, split, first, n, views, loss_sum, confusion);
}

int kiln_trainer_predict(int handle, const uint8_t *images, int n, int views, float *probabilities)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    KILN_TRY(kiln_check_views(views));
    if (n < 0 || (n && (!images || !probabilities)))
        return kiln_fail(KILN_E_ARG, "predict: there are no images, or no room for the answer");
    return kiln_predict(&t->run->test, images, n, views, probabilities);
}

int kiln_trainer_inspect(int handle, int split, int i)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    KILN_TRY(kiln_check_range(t->run->data, split, i, 1));
    KILN_TRY(kiln_run_inspect(t->run, split, i));
    if (!t->inspector) {
        const int lent = kiln_handle_lend(KILN_KIND_NET, t->run->inspector);

        KILN_TRY(lent);
        t->inspector = lent;
    }
    return t->inspector;
}

int kiln_trainer_net(int handle)
{
    trainer *t = get(handle);

    if (!t) return KILN_E_HANDLE;
    if (!t->net) {
        const int lent = kiln_handle_lend(KILN_KIND_NET, t->run->learner.net);

        KILN_TRY(lent);
        t->net = lent;
    }
    return t->net;
}

/* ---- files ----------------------------------------------------------------------------------- */

typedef int writer(kiln_run *r, const char *version, kiln_arena *out, size_t *size);

static int save(int handle, writer *write)
{
    trainer *t = get(handle);
    kiln_arena next;
    size_t size;

    if (!t) return KILN_E_HANDLE;
    KILN_TRY(kiln_run_settle(t->run));
    KILN_TRY(write(t->run, kiln_version(), &next, &size));
    if (size > INT_MAX) {
        kiln_arena_destroy(&next);
        return kiln_fail(KILN_E_MEMORY, "the checkpoint has %zu bytes, more than a file here may",
                         size);
    }
    kiln_arena_destroy(&t->saved);
    t->saved = next;
    return (int)size;
}

int kiln_trainer_save(int handle)
{
    return save(handle, kiln_checkpoint_write);
}

int kiln_trainer_export(int handle)
{
    return save(handle, kiln_checkpoint_export);
}

const uint8_t *kiln_trainer_saved(int handle)
{
    trainer *t = get(handle);

    return t ? (const uint8_t *)t->saved.base : NULL;
}

int kiln_net_fill(int net, const uint8_t *bytes, int size)
{
    kiln_net *n = kiln_handle_get(KILN_KIND_NET, net);

    if (!n) return KILN_E_HANDLE;
    if (!bytes || size < 0) return kiln_fail(KILN_E_ARG, "there is no checkpoint");
    return kiln_checkpoint_fill(n, bytes, (size_t)size);
}

int kiln_checkpoint_info(const uint8_t *bytes, int size)
{
    if (!bytes || size < 0) return kiln_fail(KILN_E_ARG, "there is no checkpoint");
    KILN_TRY(kiln_checkpoint_json(bytes, (size_t)size, kiln_text_begin()));
    return kiln_text_end();
}
