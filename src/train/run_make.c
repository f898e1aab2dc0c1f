/*
 * Making a run: its net, what is laid out beside it, and another net where the batch grows.
 */
#include "train/run_make.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "net/kinds.h"
#include "train/rules.h"

#define START_IMAGES 1000 /* enough for a covariance; hiverge takes 960 */
#define BESIDE_RUN 32e6   /* bytes: images to start from, a net that evaluates, a file to save */

int kiln_run_limited(int64_t wanted, int count)
{
    return wanted >= 0 && wanted < count ? (int)wanted : count;
}

static kiln_net_options net_options(const kiln_run *r, int batch)
{
    kiln_net_options n;

    kiln_net_options_default(&n);
    n.C = r->data->C, n.H = r->data->H, n.W = r->data->W;
    n.batch = batch;
    n.seed = (uint32_t)r->o.seed;
    n.init = r->o.init;
    n.init_scale = r->o.init_scale;
    n.dirac = r->o.dirac;
    strcpy(n.freeze, r->o.freeze);
    return n;
}

static int make_net(kiln_net **net, const kiln_run *r, int batch)
{
    const kiln_net_options n = net_options(r, batch);

    return kiln_net_make(net, r->o.net, &n);
}

static void lay_out(kiln_run *r, kiln_arena *a)
{
    kiln_learner *l = &r->learner;

    r->order = kiln_arena_take(a, (size_t)r->images, sizeof(int));
    r->before = kiln_arena_take(a, l->floats, sizeof(float));
    kiln_learner_lay_out(l, &r->o, a);
    kiln_snapshot_lay_out(&r->best.state, l, KILN_SNAPSHOT_NET, a);
    kiln_kept_lay_out(&r->kept, l, a);
}

/* ---- what would fit -------------------------------------------------------------------------- */

/* Whether batches of so many images would fit into the memory that is left; where there is no net
 * yet, with the arrays of a run. */
static int batch_fits(void *run, int batch)
{
    kiln_run *r = run;
    const kiln_net_options n = net_options(r, batch);
    kiln_arena plan = {0};
    kiln_net *sketch;
    double bytes;

    if (kiln_net_sketch(&sketch, r->o.net, &n) < 0) return 0;
    if (!r->learner.net) {
        kiln_learner_take_net(&r->learner, sketch);
        lay_out(r, &plan);
        r->learner.net = NULL;
    }
    bytes = kiln_net_planned_bytes(sketch) + (double)plan.used;
    kiln_net_free(sketch);
    return kiln_arena_would_fit(bytes + BESIDE_RUN);
}

/* Adds to the sentence of a refusal a batch that would fit, nearly the largest. `fits` is one, 0
 * where none is known. KILN_E_MEMORY. */
static int say_what_fits(kiln_run *r, int fits, int batch)
{
    char sentence[768];

    snprintf(sentence, sizeof sentence, "%s", kiln_error());
    fits = kiln_arena_largest(fits, batch, batch_fits, r);
    if (fits)
        return kiln_fail(KILN_E_MEMORY, "%s; a batch of %d would fit", sentence, fits);
    return kiln_fail(KILN_E_MEMORY, "%s; no batch of this net would fit", sentence);
}

/* ---- another batch --------------------------------------------------------------------------- */

/* What a net for another batch brings with it. */
typedef struct {
    kiln_net *net;
    kiln_evaluator test;
    kiln_arena arena;
    int *index, *label;
} fitted;

static void lay_out_batch(fitted *f, kiln_arena *a, int batch)
{
    f->index = kiln_arena_take(a, (size_t)batch, sizeof(int));
    f->label = kiln_arena_take(a, (size_t)batch, sizeof(int));
}

static void free_fitted(fitted *f)
{
    kiln_evaluator_free(&f->test);
    kiln_arena_destroy(&f->arena);
    kiln_net_free(f->net);
}

/* On failure the caller frees what there is. */
static int make_fitted(fitted *f, const kiln_run *r, int batch)
{
    kiln_arena plan = {0};

    KILN_TRY(make_net(&f->net, r, batch));
    if (!r->evaluated) KILN_TRY(kiln_net_check_batch(f->net, batch));
    lay_out_batch(f, &plan, batch);
    KILN_TRY(kiln_arena_create(&f->arena, plan.used, "the images of a batch"));
    lay_out_batch(f, &f->arena, batch);
    return kiln_evaluator_make(&f->test, f->net, r->data, (int)r->o.normalize);
}

static void free_batch(kiln_run *r)
{
    kiln_net_free(r->learner.net);
    kiln_evaluator_free(&r->test);
    kiln_arena_destroy(&r->batch_arena);
    r->learner.net = NULL;
}

/* A net for `batch` images in place of the run's, with its parameters and statistics, and the
 * arrays that go with it. */
static int replace_net(kiln_run *r, int batch)
{
    kiln_learner next = r->learner;
    fitted f = {0};
    const int status = make_fitted(&f, r, batch);

    if (status < 0) {
        free_fitted(&f);
        return status;
    }
    kiln_learner_take_net(&next, f.net);
    if (r->learner.net) {
        memcpy(next.w, r->learner.w, next.floats * sizeof *next.w);
        kiln_statistics_copy(f.net, r->learner.net);
        free_batch(r);
    }
    r->learner = next;
    r->test = f.test;
    r->index = f.index;
    r->label = f.label;
    r->batch_arena = f.arena;
    kiln_net_set_dropout(f.net, (float)r->o.dropout);
    return KILN_OK;
}

/* Would a net for `batch` images be within the limit of one block, whatever the machine has? */
static int within_limit(const kiln_run *r, int batch)
{
    kiln_net_options n = *kiln_net_made_with(r->learner.net);
    kiln_arena arena;
    double bytes;
    int status;

    n.batch = batch;
    if (kiln_arena_create(&arena, sizeof(kiln_plan), "the plan of the net") < 0) return 0;
    status = kiln_net_measure((kiln_plan *)(void *)arena.base, &bytes, r->o.net, &n);
    kiln_arena_destroy(&arena);
    return status >= 0 && bytes <= (double)kiln_memory_limit();
}

/* The same where the machine cannot hold both nets: the old one goes first, what it learned put
 * aside, and is made again where the new one is refused all the same. */
static int replace_net_freed(kiln_run *r, int batch)
{
    const int before = kiln_net_made_with(r->learner.net)->batch;
    kiln_arena plan = {0}, aside;
    kiln_snapshot learned;
    int status;

    kiln_snapshot_lay_out(&learned, &r->learner, KILN_SNAPSHOT_NET, &plan);
    KILN_TRY(kiln_arena_create(&aside, plan.used, "the parameters, put aside"));
    kiln_snapshot_lay_out(&learned, &r->learner, KILN_SNAPSHOT_NET, &aside);
    kiln_snapshot_take(&learned, &r->learner);
    free_batch(r);
    status = replace_net(r, batch);
    if (status < 0 && replace_net(r, before) < 0) /* nobody gave the memory back */
        r->learner.net = NULL;
    if (r->learner.net) kiln_snapshot_put_back(&learned, &r->learner);
    kiln_arena_destroy(&aside);
    return status;
}

int kiln_run_fit_batch(kiln_run *r, int batch)
{
    const int before = r->learner.net ? kiln_net_made_with(r->learner.net)->batch : 0;
    int status = replace_net(r, batch);

    if (status == KILN_E_MEMORY && before && within_limit(r, batch))
        status = replace_net_freed(r, batch);
    return status == KILN_E_MEMORY && r->learner.net ? say_what_fits(r, before, batch) : status;
}

static int check_data(const kiln_dataset *d, const kiln_train_options *o, int trained)
{
    if (!d->finished) return kiln_fail(KILN_E_STATE, "the data set is not finished yet");
    if (trained && kiln_run_limited(o->train, d->count[0]) < 1)
        return kiln_fail(KILN_E_DATA,
                         "%s has no training images; add data_batch_1.bin or the whole "
                         "cifar-10-binary.tar.gz", d->name);
    return KILN_OK;
}

static int check_classes(const kiln_run *r)
{
    const int classes = kiln_net_plan(r->learner.net)->classes, wanted = r->data->classes;

    if (classes == wanted) return KILN_OK;
    return kiln_fail(KILN_E_SHAPE,
                     "net: it ends in %d scores, but %s has %d classes; end it in affine %d",
                     classes, r->data->name, wanted, wanted);
}

/* The start values of layer l from images x (n, H, W, C). */
static int start_layer(kiln_run *r, int l, const float *x, int n)
{
    const kiln_layer *layer = &kiln_net_plan(r->learner.net)->layer[l];
    float *data[KILN_LAYER_TENSORS_MAX] = {0};

    for (int i = 0, at; i < KILN_LAYER_TENSORS_MAX; i++)
        if ((at = kiln_net_tensor_of(r->learner.net, l, i)) >= 0)
            data[i] = kiln_net_tensor_at(r->learner.net, at)->data;
    return layer->kind->start(layer, data, x, n);
}

/* Layers whose start values come from the training images get them. */
static int start_from_images(kiln_run *r)
{
    const kiln_plan *plan = kiln_net_plan(r->learner.net);
    const int n = kiln_run_limited(START_IMAGES, r->images);
    const size_t size = (size_t)(plan->C * plan->H * plan->W) * sizeof(float);
    kiln_arena images = {0};
    int status = KILN_OK;

    for (int l = 0; l < plan->count && status >= 0; l++) {
        if (!plan->layer[l].kind->start) continue;
        if (!images.base) {
            KILN_TRY(kiln_arena_create(&images, (size_t)n * size, "images to start from"));
            kiln_batch_decode((float *)(void *)images.base, NULL, r->data, 0, NULL, 0, n,
                              (int)r->o.normalize, NULL, 0, 0);
        }
        status = start_layer(r, l, (const float *)(void *)images.base, n);
    }
    kiln_arena_destroy(&images);
    return status;
}

/* The rest of a run whose net is made. */
static int fill(kiln_run *r)
{
    kiln_arena plan = {0};

    KILN_TRY(check_classes(r));
    if (!r->evaluated) KILN_TRY(start_from_images(r));
    lay_out(r, &plan);
    KILN_TRY(kiln_arena_create(&r->arena, plan.used, "the optimizer's state"));
    lay_out(r, &r->arena);
    r->order_epoch = -1;
    r->best.accuracy = -1;
    r->metrics.train_accuracy = r->metrics.val_accuracy = r->metrics.update_ratio = -1;
    r->metrics.train_loss = NAN;
    kiln_history_clear(&r->history);
    kiln_learner_start_average(&r->learner);
    kiln_kept_start(&r->kept, &r->learner, &r->place, r->data->classes);
    return KILN_OK;
}

static int make(kiln_run **run, const kiln_dataset *data, const kiln_train_options *o, int trained)
{
    kiln_arena self;
    kiln_run *r;
    int status, batch;

    KILN_TRY(check_data(data, o, trained));
    KILN_TRY(kiln_arena_create(&self, sizeof *r, "the trainer"));
    r = (kiln_run *)(void *)self.base;
    r->self = self;
    r->o = *o;
    r->data = data;
    r->images = kiln_run_limited(o->train, data->count[0]);
    r->validation = kiln_run_limited(o->validation, data->count[1]);
    r->evaluated = !trained;
    batch = r->images ? kiln_run_limited(o->batch, r->images) : (int)o->batch;
    status = kiln_run_fit_batch(r, batch);
    if (status >= 0) status = fill(r);
    if (status == KILN_E_MEMORY) {
        free_batch(r);
        kiln_arena_destroy(&r->arena);
        say_what_fits(r, 0, batch);
    }
    if (status < 0) {
        kiln_run_free(r);
        return status;
    }
    *run = r;
    return KILN_OK;
}

int kiln_run_make(kiln_run **run, const kiln_dataset *data, const kiln_train_options *o)
{
    return make(run, data, o, 1);
}

int kiln_run_make_untrained(kiln_run **run, const kiln_dataset *data, const kiln_train_options *o)
{
    return make(run, data, o, 0);
}

void kiln_run_free(kiln_run *r)
{
    kiln_arena self;

    if (!r) return;
    self = r->self;
    free_batch(r);
    kiln_net_free(r->inspector);
    kiln_arena_destroy(&r->arena);
    kiln_arena_destroy(&self);
}
