/* What is left of a run that diverged: a state from before the blow-up, which trains on, after a
 * resume as well; and the option recover, which goes on by itself. */
#include "runs.h"
#include "train/kept.h"

#include "base/status.h"
#include "train/checkpoint.h"

#define TRAIN 120
#define PATIENCE 1000 /* steps in which every one of these has blown up */
#define PLAIN "net=conv 4x4x4 stride 4 - relu - affine 10 - softmax\nbatch=20\nepochs=10000\n" \
              "check-train=20\n"
#define DEEP "net=conv 4x4x4 stride 4 - [relu - conv 3x3x4]x9 - affine 10 - softmax\nbatch=20\n" \
             "epochs=10000\ncheck-train=20\n"
#define NORMED "net=conv 4x4x4 stride 4 - batchnorm - relu - affine 10 - softmax\nbatch=20\n" \
               "epochs=10000\ncheck-train=20\n"
#define SVM "net=conv 4x4x4 stride 4 - relu - affine 10 - svm\nbatch=20\nepochs=10000\n" \
            "check-train=20\n"
#define RESIDUAL "net=conv 4x4x4 stride 4 - [residual(conv 3x3x4 - relu - conv 3x3x4)]x3 - " \
                 "avgpool - affine 10 - softmax\nbatch=20\nepochs=10000\ncheck-train=20\n"

static const char *const blow_ups[] = {
    PLAIN "optimizer=sgd\nschedule=constant\nlr=1000\n",
    PLAIN "optimizer=momentum\nschedule=constant\nlr=10\n",
    NORMED "optimizer=nesterov\nschedule=constant\nlr=1000\nreg=1\n",
    DEEP "optimizer=rmsprop\nschedule=constant\nlr=1000\nreg=100\n",
    DEEP "optimizer=adam\nschedule=constant\nlr=1000\n",
    PLAIN "optimizer=sgd\nschedule=constant\nlr=1\nreg=5\n",
    PLAIN "optimizer=adamw\nschedule=constant\nlr=10\nweight-decay=1\n",
    SVM "optimizer=momentum\nschedule=constant\nlr=1\n",
    RESIDUAL "optimizer=nesterov\nschedule=exponential\nlr-decay=1\nwarmup=30\nlr=10\n",
};
enum { BLOW_UPS = sizeof blow_ups / sizeof *blow_ups };

/* Steps until the loss is not finite; returns how many were taken. */
static int64_t blow_up(kiln_run *r, int which)
{
    for (int i = 0; i < PATIENCE; i++) {
        const int64_t step = r->place.step;
        const int flags = kiln_run_step(r);

        if (flags == KILN_E_DIVERGED) return step;
        if (flags < 0) CHECK_FAIL("%s", kiln_error());
    }
    CHECK_FAIL("blow-up %d: %d steps, and the loss is still %g", which, PATIENCE, r->metrics.loss);
    return 0;
}

static void check_sane(kiln_run *r, int which)
{
    double loss = 0;

    for (size_t i = 0; i < r->learner.floats; i++) CHECK(isfinite(r->learner.w[i]));
    if (kiln_evaluate(&r->test, 2, 0, data.count[2], 1, &loss, NULL) < 0)
        CHECK_FAIL("blow-up %d: %s", which, kiln_error());
    loss /= data.count[2];
    if (!(loss < 100)) CHECK_FAIL("blow-up %d leaves a loss of %g", which, loss);
}

/* The file of the state after a divergence, read again. */
static kiln_run *saved_and_read(kiln_run *r, const char *options)
{
    kiln_arena file;
    kiln_run *next;
    size_t size;

    if (kiln_checkpoint_write(r, "1", &file, &size) < 0 ||
        kiln_checkpoint_read(&next, &data, (const uint8_t *)file.base, size, options) < 0)
        CHECK_FAIL("%s", kiln_error());
    kiln_arena_destroy(&file);
    return next;
}

static void each_trains_on(void **state)
{
    (void)state;
    for (int i = 0; i < BLOW_UPS; i++) {
        kiln_run *r = make_run(blow_ups[i]), *plain, *recovering;
        const int64_t at = blow_up(r, i);

        CHECK(r->place.step < at && r->history.losses <= r->place.step);
        check_sane(r, i);
        plain = saved_and_read(r, NULL);
        if (kiln_run_step(plain) < 0) CHECK_FAIL("blow-up %d: %s", i, kiln_error());
        recovering = saved_and_read(r, "recover=1");
        for (int64_t steps = 0; recovering->place.step < at + 200; steps++)
            if (kiln_run_step(recovering) < 0 || steps > 50 * PATIENCE)
                CHECK_FAIL("blow-up %d, step %d: %s", i, (int)recovering->place.step, kiln_error());
        check_sane(recovering, i);
        CHECK(recovering->o.lr < r->o.lr);
        kiln_run_free(r), kiln_run_free(plain), kiln_run_free(recovering);
    }
}

/* Back at the start of a run, it is the run that started there, bit for bit. */
static void back_is_where_it_was(void **state)
{
    kiln_run *r = make_run(blow_ups[0]), *fresh = make_run(blow_ups[0]);

    (void)state;
    blow_up(r, 0);
    assert_int_equal(r->place.step, 0);
    assert_true(kiln_net_hash64(r->learner.net) == kiln_net_hash64(fresh->learner.net));
    assert_int_equal(r->history.losses, 0);
    assert_int_equal(kiln_run_set(r, "lr=0.01"), KILN_OK);
    assert_int_equal(kiln_run_set(fresh, "lr=0.01"), KILN_OK);
    for (int i = 0; i < 14; i++) CHECK(kiln_run_step(r) >= 0 && kiln_run_step(fresh) >= 0);
    assert_true(kiln_net_hash64(r->learner.net) == kiln_net_hash64(fresh->learner.net));
    kiln_run_free(r), kiln_run_free(fresh);
}

/* A run that went well for a while loses little: a later state is kept, with its rule's state. */
static void late_blow_up_keeps_what_was_learned(void **state)
{
    kiln_run *r = make_run(NORMED "optimizer=momentum\nschedule=constant\nlr=0.01\n");
    kiln_run *same = make_run(NORMED "optimizer=momentum\nschedule=constant\nlr=0.01\n");

    (void)state;
    for (int i = 0; i < 40; i++) CHECK(kiln_run_step(r) >= 0);
    kiln_net_tensor_at(r->learner.net, 0)->data[0] = 3e38f;
    kiln_net_tensor_at(r->learner.net, 0)->data[1] = -3e38f;
    assert_int_equal(kiln_run_step(r), KILN_E_DIVERGED);
    assert_non_null(strstr(kiln_error(), "conv1"));
    assert_non_null(strstr(kiln_error(), "diverged at step 41"));
    assert_non_null(strstr(kiln_error(), "back at step 36"));
    assert_int_equal(r->place.step, 36); /* the start of its epoch */
    while (same->place.step < 36) CHECK(kiln_run_step(same) >= 0);
    CHECK_SAME_BITS(r->learner.w, same->learner.w, r->learner.floats);
    CHECK_SAME_BITS(r->learner.state[0], same->learner.state[0], r->learner.floats);
    for (int i = 0; i < 10; i++) CHECK(kiln_run_step(r) >= 0 && kiln_run_step(same) >= 0);
    assert_true(kiln_net_hash64(r->learner.net) == kiln_net_hash64(same->learner.net));
    kiln_run_free(r), kiln_run_free(same);
}

/* By itself: a tenth of the rate, the rule's state zero, and it says so. */
static void recovers_by_itself(void **state)
{
    kiln_run *r = make_run(PLAIN "optimizer=momentum\nschedule=constant\nlr=1000\nrecover=1\n");
    double lr = r->o.lr;
    int recovered = 0;

    (void)state;
    for (int i = 0; i < PATIENCE && (r->place.step < 400 || !recovered); i++) {
        const int flags = kiln_run_step(r);

        CHECK(flags >= 0);
        if (flags != KILN_RUN_RECOVERED) continue;
        recovered++;
        assert_non_null(strstr(kiln_error(), "goes on from step"));
        CHECK_NEAR(r->o.lr, lr * 0.1, 1e-12);
        lr = r->o.lr;
        for (size_t k = 0; k < r->learner.floats; k++) CHECK(r->learner.state[0][k] == 0);
    }
    CHECK(recovered > 0 && r->place.step == 400);
    kiln_run_free(r);
}

/* There is no way on from a state whose own loss is not finite. */
static void a_start_that_is_not_finite(void **state)
{
    kiln_run *r = make_run("net=[affine 100]x20 - affine 10 - softmax\ninit=gaussian 100\n"
                       "recover=1\n");

    (void)state;
    assert_int_equal(kiln_run_step(r), KILN_E_DIVERGED);
    assert_int_equal(kiln_run_step(r), KILN_E_DIVERGED);
    kiln_run_free(r);
}

/* An evaluation whose scores are not finite is a failure, not an accuracy. */
static void evaluations_that_are_not_finite(void **state)
{
    kiln_run *r = make_run(PLAIN);
    kiln_tensor *t = kiln_net_tensor_at(r->learner.net, 0);
    float p[10];

    (void)state;
    for (int i = 0; i < t->size; i++) t->data[i] = i % 2 ? 3e38f : -3e38f;
    assert_int_equal(kiln_evaluate(&r->test, 1, 0, 5, 1, NULL, NULL), KILN_E_DIVERGED);
    assert_non_null(strstr(kiln_error(), "conv1"));
    assert_int_equal(kiln_predict(&r->test, data.image[2], 1, 10, p), KILN_E_DIVERGED);
    kiln_run_begin_check(r);
    assert_int_equal(kiln_check_on(&r->check, &r->test, 0), KILN_E_DIVERGED);
    kiln_run_free(r);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), TRAIN, 30, 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_trains_on),
        cmocka_unit_test(back_is_where_it_was),
        cmocka_unit_test(late_blow_up_keeps_what_was_learned),
        cmocka_unit_test(recovers_by_itself),
        cmocka_unit_test(a_start_that_is_not_finite),
        cmocka_unit_test(evaluations_that_are_not_finite),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
