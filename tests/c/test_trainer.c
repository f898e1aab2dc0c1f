/* The trainer: what a step does, where a run ends, what may change on the way, and what must not.
 */
#include "runs.h"

#include "base/status.h"
#include "base/threads.h"
#include "train/optim.h"

#define TRAIN 100
#define VALIDATION 40
#define TEST 30
#define SMALL "net=conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax\n"
#define NORMED "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.3 - affine 10 - softmax\n"

/* Takes `steps` steps; returns the flags of all. */
static int advance(kiln_run *r, int steps)
{
    int flags = 0;

    while (steps--) flags |= must_step(r);
    return flags;
}

/* ---- the length of a run -----------------------------------------------------------------------
 */

static void steps_and_epochs(void **state)
{
    kiln_run *r = make_run(SMALL "batch=30\nepochs=2\ncheck-train=20\n");

    (void)state;
    assert_int_equal(kiln_run_steps_per_epoch(r), 3); /* max(100 / 30, 1) */
    assert_int_equal(kiln_run_steps(r), 6);
    assert_int_equal(advance(r, 2), KILN_RUN_STEPPED);
    assert_true(must_step(r) & KILN_RUN_EPOCH);
    assert_int_equal(r->place.epoch, 1);
    assert_int_equal(advance(r, 2) & (KILN_RUN_EPOCH | KILN_RUN_DONE), 0);
    assert_int_equal(must_step(r) & (KILN_RUN_EPOCH | KILN_RUN_DONE),
                     KILN_RUN_EPOCH | KILN_RUN_DONE);
    assert_int_equal(kiln_run_step(r), KILN_E_STATE);
    assert_int_equal(r->place.step, 6);
    assert_int_equal(kiln_run_set(r, "epochs=3"), KILN_OK); /* and on */
    assert_int_equal(must_step(r), KILN_RUN_STEPPED);
    assert_int_equal(r->history.losses, 7);
    assert_int_equal(r->history.epochs, 2);
    kiln_run_free(r);
}

/* The length that is told is the number of steps the run then takes, whatever was changed on the
 * way, and never less than those behind. */
static void a_length_that_changes_on_the_way(void **state)
{
    static const struct {
        const char *change;
        int steps; /* of 100 images, after 12 steps with a batch of 10 */
    } cases[] = {
        {"batch=20", 12 + 4 + 5},
        {"batch=30", 12 + 2 + 3}, /* 80 are left of the second epoch, 20 of them dropped */
        {"batch=90", 12 + 1 + 1},
        {"batch=1000", 12 + 1 + 1},
        {"batch=5", 12 + 16 + 20},
        {"epochs=2", 20},
        {"epochs=1", 12},
        {"max-steps=15", 15},
        {"max-steps=5", 12},
        {"batch=20\nepochs=2", 12 + 4},
        {"epochs=1.5", 15},
        {"epochs=1.2", 12},
        {"batch=20\nepochs=2.4", 12 + 4 + 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        kiln_run *r = make_run(SMALL "batch=10\nepochs=3\ncheck-train=10\n");

        advance(r, 12);
        assert_int_equal(kiln_run_steps(r), 30);
        assert_int_equal(kiln_run_set(r, cases[i].change), KILN_OK);
        assert_int_equal(kiln_run_steps(r), cases[i].steps);
        while (!kiln_run_over(r)) must_step(r);
        assert_int_equal(r->place.step, cases[i].steps);
        kiln_run_free(r);
    }
}

/* A run of 2.3 epochs of 10 steps has 23, and its last check is one of epoch 3. */
static void parts_of_an_epoch(void **state)
{
    static const struct {
        const char *epochs;
        int steps, epoch;
    } cases[] = {{"2.3", 23, 3}, {"2.04", 20, 2}, {"2.96", 30, 3}, {"0.5", 5, 1}, {"0.01", 1, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[200];
        kiln_run *r;
        int flags = 0;

        snprintf(text, sizeof text, SMALL "batch=10\ncheck-train=10\nepochs=%s\n",
                 cases[i].epochs);
        r = make_run(text);
        for (int step = 0; step < cases[i].steps; step++) {
            assert_false(flags & KILN_RUN_DONE);
            assert_int_equal(kiln_run_steps(r), cases[i].steps);
            flags = must_step(r);
        }
        assert_int_equal(flags & (KILN_RUN_DONE | KILN_RUN_EPOCH), KILN_RUN_DONE | KILN_RUN_EPOCH);
        assert_int_equal(r->history.epoch_at[r->history.epochs - 1][0], cases[i].epoch);
        assert_int_equal(kiln_run_step(r), KILN_E_STATE);
        kiln_run_free(r);
    }
}

static void a_batch_larger_than_the_set(void **state)
{
    kiln_run *r = make_run(SMALL "batch=1000\nepochs=2\n");

    (void)state;
    assert_int_equal(kiln_net_made_with(r->learner.net)->batch, TRAIN);
    assert_int_equal(kiln_run_steps(r), 2);
    assert_true(must_step(r) & KILN_RUN_EPOCH);
    assert_true(must_step(r) & KILN_RUN_DONE);
    kiln_run_free(r);
}

static void max_steps(void **state)
{
    kiln_run *r = make_run(SMALL "batch=10\nmax-steps=4\ncheck-train=10\n");

    (void)state;
    assert_int_equal(kiln_run_steps(r), 4);
    assert_int_equal(advance(r, 3), KILN_RUN_STEPPED);
    assert_int_equal(must_step(r) & ~KILN_RUN_BEST,
                     KILN_RUN_STEPPED | KILN_RUN_EPOCH | KILN_RUN_DONE);
    assert_int_equal(kiln_run_step(r), KILN_E_STATE);
    kiln_run_free(r);
}

static void patience(void **state)
{
    kiln_run *r = make_run(SMALL "batch=50\nlr=1e-12\npatience=2\ncheck-train=0\n");
    int steps = 1;

    (void)state;
    while (!(must_step(r) & KILN_RUN_DONE)) steps++;
    assert_int_equal(steps, 6); /* best at epoch 1, two more without a better one */
    assert_int_equal(kiln_run_steps(r), 6);
    assert_int_equal(r->best.epoch, 1);
    assert_true(r->metrics.train_accuracy == -1 && r->metrics.val_accuracy >= 0);
    kiln_run_free(r);
}

/* The Solver also looks after the first step. */
static void check_first(void **state)
{
    kiln_run *r = make_run(SMALL "batch=10\ncheck-first=1\ncheck-train=50\n");

    (void)state;
    assert_int_equal(must_step(r), KILN_RUN_STEPPED | KILN_RUN_BEST);
    assert_int_equal(r->history.epochs, 1);
    assert_int_equal(r->history.epoch_at[0][0], 0);
    assert_true(r->metrics.train_accuracy >= 0);
    kiln_run_free(r);
}

/* ---- what a step does --------------------------------------------------------------------------
 */

/* One step of plain gradient descent, by hand from a net of the same seed. */
static void a_step_is_w_minus_lr_dw(void **state)
{
    kiln_run *a = make_run(SMALL "optimizer=sgd\nschedule=constant\nlr=0.1\nreg=0.5\nbatch=20\n");
    kiln_run *b = make_run(SMALL "optimizer=sgd\nschedule=constant\nlr=0.1\nreg=0.5\nbatch=20\n");
    int order[TRAIN], y[20];
    double loss, reg;

    (void)state;
    kiln_batch_shuffle(order, TRAIN, 1, 0);
    kiln_batch_decode(kiln_net_input(b->learner.net), y, &data, 0, order, 0, 20,
                      KILN_NORMALIZE_CHANNEL, NULL, 1, 0);
    kiln_net_forward(b->learner.net, 20, 1);
    loss = kiln_net_data_loss(b->learner.net, y, 20);
    kiln_net_backward(b->learner.net, 20);
    reg = kiln_net_regularise(b->learner.net, 0.5, 1, NULL);
    kiln_sgd(b->learner.w, b->learner.dw, b->learner.floats, 0.1f);
    must_step(a);
    CHECK_SAME_BITS(a->learner.w, b->learner.w, b->learner.floats);
    assert_true(a->metrics.data_loss == loss && a->metrics.reg_loss == reg && reg > 0);
    assert_true(a->metrics.loss == loss + reg);
    kiln_run_free(a);
    kiln_run_free(b);
}

static double distance(const float *a, const float *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum);
}

static void clip_and_update_ratio(void **state)
{
    kiln_run *r = make_run(SMALL "optimizer=sgd\nschedule=constant\nlr=1\nclip=0.01\nbatch=20\n");
    float *w = malloc(r->learner.floats * sizeof *w);
    float *zero = calloc(r->learner.floats, sizeof *zero);
    double far;

    (void)state;
    memcpy(w, r->learner.w, r->learner.floats * sizeof *w);
    must_step(r);
    far = distance(r->learner.w, w, r->learner.floats);
    CHECK(r->metrics.gradient_norm > 0.01); /* told before clipping */
    CHECK_NEAR(far, 0.01, 1e-6);
    CHECK_NEAR(r->metrics.update_ratio, far / distance(w, zero, r->learner.floats), 1e-6);
    free(w), free(zero);
    kiln_run_free(r);
}

/* Decoupled decay touches weights only, and is scaled by the rate. */
static void weight_decay(void **state)
{
    kiln_run *plain = make_run(SMALL "optimizer=sgd\nschedule=constant\nlr=0.1\nbatch=20\n");
    kiln_run *decayed =
        make_run(SMALL "optimizer=sgd\nschedule=constant\nlr=0.1\nbatch=20\nweight-decay=0.5\n");

    float *before = malloc(plain->learner.floats * sizeof *before);

    (void)state;
    for (size_t i = 0; i < plain->learner.floats; i++) /* biases start at 0, which decays to 0 */
        if (plain->learner.w[i] == 0) plain->learner.w[i] = decayed->learner.w[i] = 0.3f;
    memcpy(before, plain->learner.w, plain->learner.floats * sizeof *before);
    must_step(plain), must_step(decayed);
    for (int i = 0; i < kiln_net_tensor_count(plain->learner.net); i++) {
        const kiln_tensor *p = kiln_net_tensor_at(plain->learner.net, i),
                          *d = kiln_net_tensor_at(decayed->learner.net, i);
        const float *w = before + (p->data - plain->learner.w);
        const double share = p->regularised ? 0.05 : 0;

        for (int k = 0; k < p->size; k++) CHECK_NEAR(d->data[k], p->data[k] - share * w[k], 1e-6);
    }
    free(before);
    kiln_run_free(plain), kiln_run_free(decayed);
}

static void rate_follows_the_schedule(void **state)
{
    kiln_run *r = make_run(SMALL "lr=0.5\nschedule=exponential\nlr-decay=0.5\nbatch=50\n"
                                 "epochs=3\n");
    const double rates[] = {0.5, 0.5, 0.25, 0.25, 0.125, 0.125};

    (void)state;
    for (int i = 0; i < 6; i++) {
        must_step(r);
        assert_true(r->metrics.lr == rates[i]);
    }
    kiln_run_free(r);
}

static void every_rule_learns(void **state)
{
    static const char *const rules[] = {
        SMALL "batch=25\nepochs=12\noptimizer=sgd\nschedule=constant\nlr=0.05\n",
        SMALL "batch=25\nepochs=12\noptimizer=momentum\nlr=0.01\n",
        SMALL "batch=25\nepochs=12\noptimizer=nesterov\nlr=0.01\n",
        SMALL "batch=25\nepochs=12\noptimizer=rmsprop\nlr=0.002\ndecay-rate=0.9\n",
        SMALL "batch=25\nepochs=12\noptimizer=adam\nlr=0.005\n",
        SMALL "batch=25\nepochs=12\noptimizer=adamw\nlr=0.005\nweight-decay=0.01\n",
        SMALL "batch=25\nepochs=12\noptimizer=muon\nlr=0.01\nweight-decay=0.01\n",
    };
    _Static_assert(sizeof rules / sizeof *rules == KILN_RULE_COUNT, "a line for each rule");

    (void)state;
    for (int i = 0; i < KILN_RULE_COUNT; i++) {
        kiln_run *r = make_run(rules[i]);

        advance(r, 48);
        if (!(r->history.epoch_value[11][0] < 0.8f * r->history.epoch_value[0][0]))
            CHECK_FAIL("rule %d: loss %g after %g", i, (double)r->history.epoch_value[11][0],
                       (double)r->history.epoch_value[0][0]);
        kiln_run_free(r);
    }
}

static void a_step_allocates_nothing(void **state)
{
    kiln_run *r = make_run(NORMED "batch=20\naugment=flip,crop4,cutout8\n");
    const long before = kiln_arena_allocations();

    (void)state;
    advance(r, 12); /* two ends of epochs among them */
    assert_int_equal(kiln_arena_allocations(), before);
    kiln_run_free(r);
}

/* The same options give the same bits: twice, and on any number of threads. */
static void repeatable(void **state)
{
    const char *const text = NORMED "batch=20\naugment=flip,crop4\nepochs=3\n";
    uint64_t hash[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        kiln_threads_set(i == 2 ? 3 : 1);
        kiln_run *r = make_run(text);

        advance(r, 12);
        hash[i] = kiln_net_hash64(r->learner.net);
        kiln_run_free(r);
    }
    kiln_threads_set(1);
    assert_true(hash[0] == hash[1]);
    assert_true(hash[0] == hash[2]);
}

/* ---- divergence --------------------------------------------------------------------------------
 */

typedef struct {
    float *w, *v, *statistics;
} copy;

static copy copy_of(kiln_run *r)
{
    copy c = {malloc(r->learner.floats * sizeof(float)), malloc(r->learner.floats * sizeof(float)),
              malloc((r->learner.statistics + 1) * sizeof(float))};

    memcpy(c.w, r->learner.w, r->learner.floats * sizeof(float));
    memcpy(c.v, r->learner.state[0], r->learner.floats * sizeof(float));
    kiln_statistics_get(r->learner.net, c.statistics);
    return c;
}

static void check_copy(kiln_run *r, copy c)
{
    copy now = copy_of(r);

    CHECK_SAME_BITS(now.w, c.w, r->learner.floats);
    CHECK_SAME_BITS(now.v, c.v, r->learner.floats);
    CHECK_SAME_BITS(now.statistics, c.statistics, r->learner.statistics);
    free(now.w), free(now.v), free(now.statistics);
    free(c.w), free(c.v), free(c.statistics);
}

static void a_diverged_step_goes_back(void **state)
{
    kiln_run *r = make_run(NORMED "optimizer=momentum\nbatch=20\n");
    kiln_tensor *t = kiln_net_tensor_at(r->learner.net, 0);
    copy before = copy_of(r);

    (void)state;
    advance(r, 3);
    t->data[0] = 3e38f;
    t->data[1] = -3e38f;
    assert_int_equal(kiln_run_step(r), KILN_E_DIVERGED);
    assert_non_null(strstr(kiln_error(), "step 4"));
    assert_non_null(strstr(kiln_error(), "conv1"));
    assert_int_equal(r->place.step, 0);
    check_copy(r, before);
    assert_true(must_step(r) >= 0); /* and goes on */
    kiln_run_free(r);
}

/* However large the rate, what stays behind is finite. */
static void parameters_stay_finite(void **state)
{
    kiln_run *r = make_run(SMALL "optimizer=sgd\nschedule=constant\nlr=1000\nreg=1000\n"
                                 "weight-decay="
                             "1\nbatch=20\nepochs=50\n");
    int status = 0;

    (void)state;
    for (int i = 0; i < 200 && status >= 0; i++) status = kiln_run_step(r);
    assert_int_equal(status, KILN_E_DIVERGED);
    for (size_t i = 0; i < r->learner.floats; i++) CHECK(isfinite(r->learner.w[i]));
    kiln_run_free(r);
}

/* ---- changes on the way ------------------------------------------------------------------------
 */

static void a_larger_batch_keeps_the_net(void **state)
{
    kiln_run *r = make_run(NORMED "optimizer=momentum\nbatch=10\nepochs=4\n");
    const kiln_net *net = r->learner.net;
    copy before;

    (void)state;
    advance(r, 3);
    before = copy_of(r);
    assert_int_equal(kiln_run_set(r, "batch=5"), KILN_OK);
    assert_ptr_equal(r->learner.net, net);
    assert_int_equal(kiln_run_set(r, "batch=40"), KILN_OK);
    assert_int_equal(kiln_net_made_with(r->learner.net)->batch, 40);
    check_copy(r, before);
    assert_true(must_step(r) & KILN_RUN_EPOCH); /* 70 are seen: no room for 40 more */
    assert_int_equal(kiln_run_set(r, "batch=35"), KILN_OK);
    must_step(r);
    assert_int_equal(kiln_run_set(r, "batch=80"), KILN_OK);
    assert_true(must_step(r) & KILN_RUN_EPOCH); /* the 65 that are left */
    assert_true(r->place.epoch == 2 && r->place.position == 0 && r->place.loss_count == 0);
    kiln_run_free(r);
}

static void a_refused_change_changes_nothing(void **state)
{
    kiln_run *r = make_run(SMALL "batch=10\n");
    const size_t limit = kiln_memory_limit();

    (void)state;
    assert_int_equal(kiln_run_set(r, "lr=0.5\noptimizer=sgd"), KILN_E_ARG);
    assert_true(r->o.lr == 0.01);
    kiln_memory_limit_set(1000);
    assert_int_equal(kiln_run_set(r, "lr=0.5\nbatch=100"), KILN_E_MEMORY);
    kiln_memory_limit_set(limit);
    assert_true(r->o.lr == 0.01 && r->o.batch == 10);
    must_step(r);
    kiln_run_free(r);
}

static void live_dropout(void **state)
{
    kiln_run *a = make_run(NORMED "batch=20\ndropout=0\n"), *b = make_run(NORMED "batch=20\n");

    (void)state;
    must_step(a), must_step(b);
    assert_true(kiln_net_hash64(a->learner.net) != kiln_net_hash64(b->learner.net));
    kiln_run_free(b);
    b = make_run(NORMED "batch=20\n");
    assert_int_equal(kiln_run_set(b, "dropout=0"), KILN_OK);
    must_step(b);
    assert_true(kiln_net_hash64(a->learner.net) == kiln_net_hash64(b->learner.net));
    kiln_run_free(a), kiln_run_free(b);
}

static void best_is_kept_and_restored(void **state)
{
    kiln_run *r = make_run(NORMED "batch=25\nlr=0.01\nepochs=6\n");
    uint64_t best = 0;

    (void)state;
    assert_int_equal(kiln_run_restore_best(r), KILN_E_STATE);
    for (int i = 0; i < 24; i++)
        if (must_step(r) & KILN_RUN_BEST) best = kiln_net_hash64(r->learner.net);
    assert_int_equal(kiln_run_restore_best(r), KILN_OK);
    assert_true(kiln_net_hash64(r->learner.net) == best);
    assert_true(kiln_evaluate(&r->test, 1, 0, VALIDATION, 1, NULL, NULL) ==
                r->best.accuracy * VALIDATION);
    kiln_run_free(r);
}

/* ---- test mode ---------------------------------------------------------------------------------
 */

static void evaluation_by_parts(void **state)
{
    kiln_run *r = make_run(NORMED "batch=25\nlr=0.01\n");
    int confusion[100] = {0}, total = 0, diagonal = 0, parts;
    double loss = 0, loss_parts = 0;

    (void)state;
    advance(r, 8);
    const int correct = kiln_evaluate(&r->test, 2, 0, TEST, 1, &loss, confusion);

    parts = kiln_evaluate(&r->test, 2, 0, 7, 1, &loss_parts, NULL);
    parts += kiln_evaluate(&r->test, 2, 7, TEST - 7, 1, &loss_parts, NULL);
    assert_int_equal(parts, correct);
    CHECK_NEAR(loss_parts, loss, 1e-4);
    for (int i = 0; i < 100; i++) total += confusion[i], diagonal += i % 11 ? 0 : confusion[i];
    assert_int_equal(total, TEST);
    assert_int_equal(diagonal, correct);
    kiln_run_free(r);
}

/* Looking on the way leaves no trace in what follows. */
static void looking_changes_nothing(void **state)
{
    const char *const text = NORMED "batch=25\nlr=0.01\naugment=flip\n";
    kiln_run *a = make_run(text), *b = make_run(text);
    float p[10];

    (void)state;
    for (int i = 0; i < 6; i++) {
        must_step(a), must_step(b);
        kiln_evaluate(&b->test, 1, 0, VALIDATION, 10, NULL, NULL);
        kiln_predict(&b->test, data.image[2], 1, 2, p);
        assert_int_equal(kiln_run_inspect(b, 0, i), KILN_OK);
        assert_true(kiln_net_hash64(a->learner.net) == kiln_net_hash64(b->learner.net));
    }
    kiln_run_free(a), kiln_run_free(b);
}

static void predictions(void **state)
{
    kiln_run *r = make_run(SMALL "batch=7\n");
    float p[TEST][10], mirrored[10], both[10];
    uint8_t image[3072];
    int correct = 0;

    (void)state;
    kiln_predict(&r->test, data.image[2], TEST, 1, p[0]);
    for (int i = 0; i < TEST; i++) {
        double sum = 0;
        int best = 0;

        for (int c = 0; c < 10; c++) sum += p[i][c], best = p[i][c] > p[i][best] ? c : best;
        CHECK_NEAR(sum, 1, 1e-5);
        correct += best == data.label[2][i];
    }
    assert_int_equal(kiln_evaluate(&r->test, 2, 0, TEST, 1, NULL, NULL), correct);

    /* two views are the mean of the image and its mirror image */
    for (int i = 0; i < 3072; i++) image[i] = data.image[2][i / 32 * 32 + 31 - i % 32];
    kiln_predict(&r->test, image, 1, 1, mirrored);
    kiln_predict(&r->test, data.image[2], 1, 2, both);
    for (int c = 0; c < 10; c++) CHECK_NEAR(both[c], (p[0][c] + mirrored[c]) / 2, 1e-6);
    kiln_run_free(r);
}

static void inspection_is_what_the_net_answers(void **state)
{
    kiln_run *r = make_run(NORMED "batch=25\n");
    float p[10], scores[10];
    double sum = 0, total = 0;
    int loss_layer;

    (void)state;
    advance(r, 4);
    kiln_predict(&r->test, data.image[1] + 3 * 3072, 1, 1, p);
    assert_int_equal(kiln_run_inspect(r, 1, 3), KILN_OK);
    loss_layer = kiln_net_plan(r->inspector)->count - 1;
    assert_int_equal(kiln_net_value(r->inspector, loss_layer - 1, 0, 0, scores), 10);
    for (int c = 0; c < 10; c++) sum += exp(scores[c]);
    for (int c = 0; c < 10; c++) CHECK_NEAR(exp(scores[c]) / sum, p[c], 1e-5);
    const int n = kiln_net_value(r->inspector, 1, 1, 0, NULL);

    assert_int_equal(n, 4 * 32 * 32);
    float *dx = malloc((size_t)n * sizeof *dx);

    kiln_net_value(r->inspector, 1, 1, 0, dx);
    for (int i = 0; i < n; i++) total += fabs(dx[i]);
    CHECK(total > 0);
    free(dx);
    kiln_run_free(r);
}

/* ---- what cannot be made -----------------------------------------------------------------------
 */

static void refusals(void **state)
{
    kiln_dataset empty = data;
    kiln_train_options o;
    kiln_run *r = NULL;

    (void)state;
    kiln_train_options_default(&o);
    strcpy(o.net, "affine 7 - softmax");
    assert_int_equal(kiln_run_make(&r, &data, &o), KILN_E_SHAPE);
    assert_non_null(strstr(kiln_error(), "7 scores"));
    strcpy(o.net, "affine 10 - sofmax");
    assert_int_equal(kiln_run_make(&r, &data, &o), KILN_E_NOTATION);
    strcpy(o.net, "affine 10 - softmax");
    empty.count[0] = 0;
    assert_int_equal(kiln_run_make(&r, &empty, &o), KILN_E_DATA);
    empty = data;
    empty.finished = 0;
    assert_int_equal(kiln_run_make(&r, &empty, &o), KILN_E_STATE);
    assert_null(r);
}

/* Every allocation fails once: an error, nothing lost, and the next try works. */
static void out_of_memory(void **state)
{
    const size_t limit = kiln_memory_limit(), live = kiln_arena_live();
    kiln_train_options o;
    kiln_run *r = NULL;
    int status = KILN_E_MEMORY;

    (void)state;
    kiln_train_options_default(&o);
    for (size_t bytes = 64; status < 0; bytes *= 2) {
        kiln_memory_limit_set(bytes);
        status = kiln_run_make(&r, &data, &o);
        if (status >= 0) break;
        assert_int_equal(status, KILN_E_MEMORY);
        assert_true(kiln_arena_live() == live);
    }
    kiln_memory_limit_set(limit);
    kiln_run_free(r);
    assert_true(kiln_arena_live() == live);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), TRAIN, VALIDATION, TEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_and_epochs),
        cmocka_unit_test(a_length_that_changes_on_the_way),
        cmocka_unit_test(parts_of_an_epoch),
        cmocka_unit_test(a_batch_larger_than_the_set),
        cmocka_unit_test(max_steps),
        cmocka_unit_test(patience),
        cmocka_unit_test(check_first),
        cmocka_unit_test(a_step_is_w_minus_lr_dw),
        cmocka_unit_test(clip_and_update_ratio),
        cmocka_unit_test(weight_decay),
        cmocka_unit_test(rate_follows_the_schedule),
        cmocka_unit_test(every_rule_learns),
        cmocka_unit_test(a_step_allocates_nothing),
        cmocka_unit_test(repeatable),
        cmocka_unit_test(a_diverged_step_goes_back),
        cmocka_unit_test(parameters_stay_finite),
        cmocka_unit_test(a_larger_batch_keeps_the_net),
        cmocka_unit_test(a_refused_change_changes_nothing),
        cmocka_unit_test(live_dropout),
        cmocka_unit_test(best_is_kept_and_restored),
        cmocka_unit_test(evaluation_by_parts),
        cmocka_unit_test(looking_changes_nothing),
        cmocka_unit_test(predictions),
        cmocka_unit_test(inspection_is_what_the_net_answers),
        cmocka_unit_test(refusals),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
