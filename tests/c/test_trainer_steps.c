/* The trainer's steps against the same steps taken by hand: which images they see, in which form,
 * what is dropped, and how every update rule is called. */
#include "base/simd.h"
#include "base/arena.h"
#include "base/status.h"
#include "count_malloc.h"
#include "runs.h"
#include "train/optim.h"

#define TRAIN 100
#define BATCH 30 /* three steps an epoch */
#define STEPS 7  /* two epochs, and the first step of the third */
#define NORMED "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.3 - affine 10 - softmax\n"
#define COMMON NORMED "seed=5\nbatch=30\nschedule=constant\nlr=0.02\nvalidation=0\ncheck-train=0\n"

/* The images of a step into the net's input. */
static void draw_by_hand(kiln_run *r, int step, int *y)
{
    const uint32_t seed = (uint32_t)r->o.seed;
    int order[TRAIN], first = step % 3 * BATCH;

    if (r->o.draw == KILN_DRAW_REPLACEMENT)
        kiln_batch_sample(order, BATCH, TRAIN, seed, step), first = 0;
    else
        kiln_batch_shuffle(order, TRAIN, seed, step / 3);
    kiln_batch_decode(kiln_net_input(r->learner.net), y, &data, 0, order + first, 0, BATCH,
                      (int)r->o.normalize, r->o.augmented ? &r->o.augment : NULL, seed, step);
}

static void update_by_hand(kiln_run *r, int step)
{
    float *w = r->learner.w, *dw = r->learner.dw;
    float *s = r->learner.state[0], *t = r->learner.state[1];
    const size_t n = r->learner.floats;
    const float decay = (float)r->o.weight_decay;

    for (int i = 0; i < kiln_net_tensor_count(r->learner.net) && decay > 0; i++) {
        const kiln_tensor *k = kiln_net_tensor_at(r->learner.net, i);

        if (!k->regularised) continue;
        for (int j = 0; j < k->size; j++)
            if (r->o.optimizer == KILN_RULE_adam) /* L2: a part of the gradient */
                k->gradient[j] = sf_madd(decay, k->data[j], k->gradient[j]);
            else
                k->data[j] = sf_madd(-(0.02f * decay), k->data[j], k->data[j]);
    }
    switch (r->o.optimizer) {
    case KILN_RULE_sgd: kiln_sgd(w, dw, n, 0.02f); break;
    case KILN_RULE_momentum: kiln_sgd_momentum(w, dw, s, n, 0.02f, 0.8f); break;
    case KILN_RULE_nesterov: kiln_nesterov(w, dw, s, n, 0.02f, 0.8f); break;
    case KILN_RULE_rmsprop: kiln_rmsprop(w, dw, s, n, 0.02f, 0.7, 1e-3f); break;
    default: kiln_adam(w, dw, s, t, n, 0.02f, 0.6, 0.9, 1e-3f, step + 1); break;
    }
}

/* The bits of a run of COMMON and `text` are those of the steps by hand. */
static void check_by_hand(const char *text)
{
    char options[600];
    kiln_run *a, *b;
    int y[BATCH];

    snprintf(options, sizeof options, COMMON "%s", text);
    a = make_run(options), b = make_run(options);
    for (int step = 0; step < STEPS; step++) {
        double loss;

        draw_by_hand(b, step, y);
        kiln_net_set_step(b->learner.net, step); /* what is dropped depends on it */
        kiln_net_forward(b->learner.net, BATCH, 1);
        loss = kiln_net_data_loss(b->learner.net, y, BATCH);
        kiln_net_backward(b->learner.net, BATCH);
        update_by_hand(b, step);
        must_step(a);
        if (!(a->metrics.data_loss == loss))
            CHECK_FAIL("%sstep %d: loss %.9g, by hand %.9g", text, step, a->metrics.data_loss,
                       loss);
        CHECK_SAME_BITS(a->learner.w, b->learner.w, a->learner.floats);
    }
    kiln_run_free(a), kiln_run_free(b);
}

static void every_rule_by_hand(void **state)
{
    (void)state;
    check_by_hand("optimizer=sgd\n");
    check_by_hand("optimizer=momentum\nmomentum=0.8\n");
    check_by_hand("optimizer=nesterov\nmomentum=0.8\n");
    check_by_hand("optimizer=rmsprop\ndecay-rate=0.7\neps=0.001\n");
    check_by_hand("optimizer=adam\nbeta1=0.6\nbeta2=0.9\neps=0.001\n");
    check_by_hand("optimizer=adamw\nbeta1=0.6\nbeta2=0.9\neps=0.001\n");
}

/* Decay is decoupled in every rule but adam, whose decay is L2. */
static void every_decay_by_hand(void **state)
{
    (void)state;
    check_by_hand("optimizer=sgd\nweight-decay=0.5\n");
    check_by_hand("optimizer=nesterov\nmomentum=0.8\nweight-decay=0.5\n");
    check_by_hand("optimizer=rmsprop\ndecay-rate=0.7\neps=0.001\nweight-decay=0.5\n");
    check_by_hand("optimizer=adam\nbeta1=0.6\nbeta2=0.9\neps=0.001\nweight-decay=0.5\n");
    check_by_hand("optimizer=adamw\nbeta1=0.6\nbeta2=0.9\neps=0.001\nweight-decay=0.5\n");
}

static void every_draw_by_hand(void **state)
{
    (void)state;
    check_by_hand("optimizer=sgd\ndraw=replacement\n");
    check_by_hand("optimizer=sgd\naugment=flip,crop4,cutout8\nnormalize=mean-image\n");
    check_by_hand("optimizer=sgd\ndraw=replacement\naugment=flip,crop2,reflect\n");
}

/* The length of a first step of plain gradient descent with rate 1. */
static double step_length(const char *clip, double *gradient_norm)
{
    char options[600];
    double squares = 0;
    kiln_run *r;
    float *w;

    snprintf(options, sizeof options, COMMON "lr=1\noptimizer=sgd\n%s", clip);
    r = make_run(options);
    w = malloc(r->learner.floats * sizeof *w);
    memcpy(w, r->learner.w, r->learner.floats * sizeof *w);
    must_step(r);
    for (size_t i = 0; i < r->learner.floats; i++) {
        const double way = (double)r->learner.w[i] - w[i];

        squares += way * way;
    }
    *gradient_norm = r->metrics.gradient_norm;
    free(w);
    kiln_run_free(r);
    return sqrt(squares);
}

/* A gradient longer than clip is cut to it, one that is shorter stays. */
static void clip_cuts_just_what_is_longer(void **state)
{
    char clip[60];
    double norm, told, length;

    (void)state;
    length = step_length("", &norm);
    CHECK_NEAR(length, norm, 1e-5 * norm);
    for (double share = 0.9; share < 1.2; share += 0.2) {
        snprintf(clip, sizeof clip, "clip=%.9g\n", share * norm);
        length = step_length(clip, &told);
        CHECK_NEAR(length, (share < 1 ? share : 1) * norm, 1e-5 * norm);
        assert_true(told == norm); /* before clipping */
    }
}

/* The rest of an epoch, at a larger batch than it began with, is still of that epoch. */
static void rate_at_the_end_of_an_epoch(void **state)
{
    kiln_run *r = make_run(COMMON "batch=7\nschedule=exponential\nlr-decay=0.5\n");

    (void)state;
    for (int step = 0; step < 13; step++) must_step(r); /* 91 of 100 images */
    assert_int_equal(kiln_run_set(r, "batch=30\n"), KILN_OK);
    must_step(r);
    assert_int_equal(r->place.epoch, 1);
    assert_true(r->metrics.lr == 0.02);
    must_step(r);
    assert_true(r->metrics.lr == 0.01);
    kiln_run_free(r);
}

/* The history's loss of an epoch is the mean of its steps' losses, regularisation included. */
static void loss_of_an_epoch(void **state)
{
    kiln_run *r = make_run(COMMON "reg=0.5\n");

    (void)state;
    for (int epoch = 0; epoch < 2; epoch++) {
        double sum = 0;

        for (int step = 0; step < 3; step++) {
            must_step(r);
            sum += r->metrics.loss;
            CHECK(r->metrics.reg_loss > 0);
        }
        CHECK_NEAR(r->history.epoch_value[epoch][0], sum / 3, 1e-6 * sum);
    }
    kiln_run_free(r);
}

/* Neither the arena nor anybody else: whole steps, checks at the ends of epochs among them. */
static void steps_allocate_nothing(void **state)
{
    kiln_run *r;

    (void)state;
    count_malloc();
    const long none = malloc_count;

    r = make_run(COMMON "augment=flip,crop4,cutout8\ncheck-train=50\ncheck-first=1\nclip=1\n"
                            "reg=0.1\n"
                    "weight-decay=0.1\n");
    const long arenas = kiln_arena_allocations(), mallocs = malloc_count;

    CHECK(mallocs > none); /* the counter counts */
    for (int step = 0; step < STEPS; step++) must_step(r);
    assert_int_equal(malloc_count, mallocs);
    assert_int_equal(kiln_arena_allocations(), arenas);
    kiln_run_free(r);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), TRAIN, 0, 0);
}

/* Batches of one value a channel are refused when the run is made, and when the batch changes; the
 * inspector, a batch of one, goes on. */
static void one_value_a_channel(void **state)
{
    static const char text[] = "net=affine 6 - batchnorm - affine 10 - softmax\nbatch=1\n";
    kiln_train_options o;
    kiln_run *r = NULL;

    (void)state;
    kiln_train_options_default(&o);
    CHECK(kiln_train_options_read(&o, text, KILN_OPTIONS_ALL) >= 0);
    assert_int_equal(kiln_run_make(&r, &data, &o), KILN_E_SHAPE);
    assert_non_null(strstr(kiln_error(), "batchnorm1 cannot be trained on a batch of 1"));
    assert_null(r);
    r = make_run("net=conv 3x3x4 - batchnorm - relu - maxpool 4 - affine 10 - softmax\nbatch=1\n");
    CHECK(kiln_run_step(r) >= 0);
    kiln_run_free(r);
    r = make_run("net=affine 6 - batchnorm - affine 10 - softmax\nbatch=20\n");
    CHECK(kiln_run_step(r) >= 0);
    assert_int_equal(kiln_run_set(r, "batch=1"), KILN_E_SHAPE);
    CHECK(kiln_run_step(r) >= 0 && r->o.batch == 20);
    CHECK(kiln_run_inspect(r, 0, 0) >= 0);
    kiln_run_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_a_channel),
        cmocka_unit_test(every_rule_by_hand),
        cmocka_unit_test(every_decay_by_hand),
        cmocka_unit_test(every_draw_by_hand),
        cmocka_unit_test(clip_cuts_just_what_is_longer),
        cmocka_unit_test(rate_at_the_end_of_an_epoch),
        cmocka_unit_test(loss_of_an_epoch),
        cmocka_unit_test(steps_allocate_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
