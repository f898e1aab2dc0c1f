/*
 * The self-check of a PyTorch folder: what kiln computes, for train.py --check to compare with.
 *
 * The file that is exported holds no images, so the check makes its own, of the shape and with the
 * means and deviations of those that the net was taught on: a slope of colour and noise, drawn from
 * the generator. Each is labelled as the net sees it, but every fourth as what the net holds for
 * the next best, so that losses are neither nothing nor huge. A run on these images then takes
 * KILN_TORCH_CHECK_STEPS steps, through the whole schedule, with the file's augmentation, rule and
 * the rule's state: dropout alone is off, as PyTorch draws its own. Where these images are too
 * strange for the run's rate, so that losses grow, a hundredth of it is taken: from steps that blow
 * up, two sums in different orders part at once.
 */
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/rng.h"
#include "base/status.h"
#include "formats/pytorch.h"
#include "net/kinds.h"
#include "train/tensor_list.h"

#define BATCH_MAX 64
#define STEPS_AN_EPOCH 2
#define NEXT_BEST_EVERY 4
#define LOSS_GROWS 2.0 /* times the first */
#define LESS_LR 0.01
#define TRIES 3
#define EPOCHS (KILN_TORCH_CHECK_STEPS / STEPS_AN_EPOCH)
/* What train.py is told, and the rate; the batch is half of the images. */
#define TOLD "epochs=10\nmax-steps=0\ntrain=-1\nvalidation=0\ntest=0\ncheck-first=0\n" \
             "check-train=0\ncheck-val=0\npatience=0\nrecover=0\ndropout=0\n"
_Static_assert(EPOCHS == 10, "TOLD says the epochs");

typedef struct {
    kiln_dataset data;
    kiln_train_options o;
    kiln_run *run;
    uint8_t *image;
    uint16_t *label;
    int32_t *answer; /* the labels, as the file has them */
    float *scores; /* (count, classes) */
    double lr, loss[KILN_TORCH_CHECK_STEPS];
    int count;
    kiln_arena arena;
} check;

static uint8_t to_pixel(double value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value + 0.5);
}

/* Image i: mean + deviation · (slope across + slope down + noise), by channel. */
static void draw_image(uint8_t *out, const kiln_model *m, const kiln_dataset *d, int i)
{
    const kiln_rng rng = {1, KILN_RNG_USER, (uint64_t)i};
    uint64_t at = 0;

    for (int c = 0; c < d->C; c++) {
        const double across = 4 * (double)kiln_rng_uniform(rng, at) - 2;
        const double down = 4 * (double)kiln_rng_uniform(rng, at + 1) - 2;

        at += 2;
        for (int y = 0; y < d->H; y++)
            for (int x = 0; x < d->W; x++)
                *out++ = to_pixel((double)m->mean[c] +
                                  (double)m->std[c] *
                                      (across * ((double)x / d->W - 0.5) +
                                       down * ((double)y / d->H - 0.5) +
                                       (double)kiln_rng_uniform(rng, at++) - 0.5));
    }
}

static int make_data(check *k, const kiln_model *m, const kiln_checkpoint_head *h)
{
    const kiln_plan *plan = kiln_net_plan(m->net);
    const size_t D = (size_t)plan->C * (size_t)plan->H * (size_t)plan->W;
    const int batch = h->o.batch < BATCH_MAX ? (int)h->o.batch : BATCH_MAX;
    kiln_dataset *d = &k->data;

    k->count = STEPS_AN_EPOCH * batch;
    *d = (kiln_dataset){.C = plan->C, .H = plan->H, .W = plan->W, .classes = plan->classes,
                        .name = "check", .count = {k->count}};
    for (int pass = 0; pass < 2; pass++) {
        kiln_arena *a = &k->arena;

        if (pass) KILN_TRY(kiln_arena_create(a, a->used, "the images of the check"));
        k->image = kiln_arena_take(a, (size_t)k->count, D);
        k->label = kiln_arena_take(a, (size_t)k->count, sizeof *k->label);
        k->answer = kiln_arena_take(a, (size_t)k->count, sizeof *k->answer);
        k->scores = kiln_arena_take(a, (size_t)(k->count * d->classes), sizeof *k->scores);
        d->mean_image = kiln_arena_take(a, D, sizeof *d->mean_image);
    }
    for (int i = 0; i < k->count; i++) draw_image(k->image + (size_t)i * D, m, d, i);
    for (int i = 0; i < d->classes; i++) d->class_name[i] = "";
    d->image[0] = k->image;
    d->label[0] = k->label;
    kiln_dataset_measure(d);
    memcpy(d->mean, m->mean, sizeof m->mean);
    memcpy(d->std, m->std, sizeof m->std);
    return KILN_OK;
}

/* A run on these images, with what the file holds of net and rule; at step h->step of epoch 0. */
static int make_run(check *k, const kiln_model *m, const kiln_checkpoint_head *h)
{
    kiln_tensor_list l;

    k->o = h->o;
    KILN_TRY(kiln_train_options_read(&k->o, TOLD, KILN_OPTIONS_ALL));
    k->o.batch = k->count / STEPS_AN_EPOCH;
    k->o.lr = k->lr;
    if (k->o.warmup > EPOCHS) k->o.warmup = k->o.schedule.warmup = EPOCHS;
    KILN_TRY(kiln_run_make(&k->run, &k->data, &k->o));
    KILN_TRY(kiln_tensor_list_make(&l, k->run));
    kiln_tensor_list_run(&l, k->run);
    for (int i = 0; i < l.count; i++) {
        const kiln_safetensor *t = kiln_safetensors_find(&m->file, l.tensor[i].name);

        memcpy((void *)l.tensor[i].data, t->data, t->bytes);
    }
    kiln_arena_destroy(&l.arena);
    k->run->place.step = h->step;
    return KILN_OK;
}

static void score(check *k)
{
    kiln_net *net = k->run->learner.net;
    const int batch = (int)k->o.batch, classes = k->data.classes;

    for (int first = 0; first < k->count; first += batch) {
        kiln_batch_decode(kiln_net_input(net), NULL, &k->data, 0, NULL, first, batch,
                          (int)k->o.normalize, NULL, 0, 0);
        memcpy(k->scores + first * classes, kiln_net_forward(net, batch, 0),
               (size_t)(batch * classes) * sizeof *k->scores);
    }
    for (int i = 0; i < k->count; i++) {
        const float *s = k->scores + i * classes;
        int best = 0, next = -1;

        for (int c = 1; c < classes; c++)
            if (s[c] > s[best]) best = c;
        for (int c = 0; c < classes; c++)
            if (c != best && (next < 0 || s[c] > s[next])) next = c;
        k->answer[i] = i % NEXT_BEST_EVERY == 0 ? next : best;
        k->label[i] = (uint16_t)k->answer[i];
    }
}

static int put_file(kiln_bytes *out, const check *k)
{
    const kiln_dataset *d = &k->data;
    const kiln_safetensor list[] = {
        {.name = "losses", .type = KILN_F64, .dims = 1, .shape = {KILN_TORCH_CHECK_STEPS},
         .data = k->loss},
        {.name = "scores", .type = KILN_F32, .dims = 2, .shape = {k->count, d->classes},
         .data = k->scores},
        {.name = "labels", .type = KILN_I32, .dims = 1, .shape = {k->count}, .data = k->answer},
        {.name = "images", .type = KILN_U8, .dims = 4, .shape = {k->count, d->C, d->H, d->W},
         .data = k->image},
    };

    return kiln_safetensors_write(&out->arena, &out->size, list, 4, NULL, 0);
}

/* The steps from the start: 1, or 0 where losses grow. */
static int take_steps(check *k, const kiln_model *m, const kiln_checkpoint_head *h)
{
    kiln_run_free(k->run);
    k->run = NULL;
    KILN_TRY(make_run(k, m, h));
    score(k);
    for (int i = 0; i < KILN_TORCH_CHECK_STEPS; i++) {
        const int flags = kiln_run_step(k->run);

        if (flags == KILN_E_DIVERGED) return 0;
        if (flags < 0) return flags;
        k->loss[i] = k->run->metrics.loss;
        if (k->loss[i] > LOSS_GROWS * k->loss[0] + 1) return 0;
    }
    return 1;
}

static int run_check(kiln_bytes *out, char told[KILN_TORCH_TOLD], check *k, const kiln_model *m,
                     const kiln_checkpoint_head *h)
{
    char digits[KILN_DIGITS];
    int sane = 0;

    k->lr = h->o.lr;
    KILN_TRY(make_data(k, m, h));
    for (int i = 0; i < TRIES && !sane; i++) {
        if (i) k->lr *= LESS_LR;
        KILN_TRY(sane = take_steps(k, m, h));
    }
    if (!sane)
        return kiln_fail(KILN_E_ARG, "pytorch: this net's loss grows at every learning rate, so "
                                     "that there is nothing to compare by; export an earlier one");
    snprintf(told, KILN_TORCH_TOLD, "%slr=%s\n", TOLD, kiln_digits(digits, k->lr));
    return put_file(out, k);
}

int kiln_torch_check(kiln_bytes *out, char told[KILN_TORCH_TOLD], const kiln_model *m,
                     const kiln_checkpoint_head *h)
{
    kiln_arena arena;
    check *k;
    int status;

    KILN_TRY(kiln_arena_create(&arena, sizeof *k, "the check"));
    k = (check *)(void *)arena.base;
    status = run_check(out, told, k, m, h);
    kiln_run_free(k->run);
    kiln_arena_destroy(&k->arena);
    kiln_arena_destroy(&arena);
    return status;
}
