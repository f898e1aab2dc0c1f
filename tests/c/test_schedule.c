/* Learning-rate schedules: against their formulas with libm, at their joints, and past the end. */
#include "train/schedule.h"

#include "check.h"

#define PI 3.14159265358979323846
#define PER_EPOCH 10
#define EPOCHS 8
#define LAST (PER_EPOCH * EPOCHS - 1)

static double at(const kiln_schedule *s, int64_t step)
{
    return kiln_schedule_factor(s, step, PER_EPOCH, PER_EPOCH * EPOCHS);
}

static void constant(void **state)
{
    const kiln_schedule s = {.kind = KILN_SCHEDULE_constant, .every = 1};

    (void)state;
    for (int64_t step = 0; step <= 2 * LAST; step++) assert_true(at(&s, step) == 1.0);
}

static void step_decay(void **state)
{
    const kiln_schedule s = {.kind = KILN_SCHEDULE_step, .decay = 0.1, .every = 3};

    (void)state;
    for (int64_t step = 0; step <= LAST; step++)
        CHECK_NEAR(at(&s, step), pow(0.1, floor((double)(step / PER_EPOCH) / 3)), 1e-15);
    assert_true(at(&s, 29) == 1.0 && at(&s, 30) == 0.1);
}

/* The Solver multiplies the rate by lr_decay after each epoch. */
static void exponential(void **state)
{
    const kiln_schedule s = {.kind = KILN_SCHEDULE_exponential, .decay = 0.95, .every = 1};
    double rate = 1.0;

    (void)state;
    for (int epoch = 0; epoch < EPOCHS; epoch++, rate *= 0.95)
        for (int i = 0; i < PER_EPOCH; i++) CHECK_NEAR(at(&s, epoch * PER_EPOCH + i), rate, 1e-15);
}

static void cosine(void **state)
{
    const kiln_schedule s = {.kind = KILN_SCHEDULE_cosine, .final = 0.2, .every = 1};

    (void)state;
    for (int64_t step = 0; step <= LAST; step++)
        CHECK_NEAR(at(&s, step), 0.2 + 0.8 * 0.5 * (1 + cos(PI * (double)step / LAST)), 1e-13);
    assert_true(at(&s, 0) == 1.0);
    CHECK_NEAR(at(&s, LAST), 0.2, 1e-15);
    assert_true(at(&s, LAST + 1000) == at(&s, LAST));
}

static void warmup(void **state)
{
    const kiln_schedule s = {.kind = KILN_SCHEDULE_cosine, .warmup = 1.5, .every = 1};

    (void)state;
    for (int step = 0; step < 15; step++) CHECK_NEAR(at(&s, step), (step + 1) / 15.0, 1e-15);
    assert_true(at(&s, 15) == 1.0);
    for (int step = 16; step <= LAST; step++) CHECK(at(&s, step) < at(&s, step - 1));
    CHECK_NEAR(at(&s, LAST), 0.0, 1e-15);
}

static void onecycle(void **state)
{
    kiln_schedule s = {.kind = KILN_SCHEDULE_onecycle, .start = 0.04, .final = 0.001,
                        .every = 1};

    (void)state;
    CHECK_NEAR(at(&s, 0), 1.0 / 25, 1e-15);
    CHECK_NEAR(at(&s, 12), 0.04 + 0.96 * 0.5, 1e-13);
    assert_true(at(&s, 24) == 1.0); /* 0.3 of 80 steps */
    for (int step = 1; step <= 24; step++) CHECK(at(&s, step) > at(&s, step - 1));
    for (int step = 25; step <= LAST; step++) CHECK(at(&s, step) < at(&s, step - 1));
    CHECK_NEAR(at(&s, LAST), 0.001, 1e-15);
    s.warmup = 2; /* the rise, when named */
    assert_true(at(&s, 20) == 1.0 && at(&s, 19) < 1.0);
}

static void linear(void **state)
{
    kiln_schedule s = {.kind = KILN_SCHEDULE_linear, .start = 0.2, .final = 0.07, .every = 1};

    (void)state;
    for (int64_t step = 0; step <= LAST; step++)
        CHECK_NEAR(at(&s, step), 1 - 0.93 * (double)step / LAST, 1e-14);
    s.warmup = 2;
    for (int64_t step = 0; step <= 20; step++)
        CHECK_NEAR(at(&s, step), 0.2 + 0.8 * (double)step / 20, 1e-14);
    for (int64_t step = 20; step <= LAST; step++)
        CHECK_NEAR(at(&s, step), 1 - 0.93 * (double)(step - 20) / (LAST - 20), 1e-14);
    CHECK_NEAR(at(&s, LAST + 1000), 0.07, 1e-15);
}

/* Runs of a single step, and warm-ups longer than the run, stay within (0, 1]. */
static void small_runs(void **state)
{
    (void)state;
    for (int kind = KILN_SCHEDULE_constant; kind <= KILN_SCHEDULE_linear; kind++)
        for (int warm = 0; warm <= 3; warm++) {
            const kiln_schedule s = {kind, warm, 0.5, 1, 0.04, 0.1};
            const double factor = kiln_schedule_factor(&s, 0, 1, 1);

            CHECK(factor > 0 && factor <= 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant),   cmocka_unit_test(step_decay), cmocka_unit_test(exponential),
        cmocka_unit_test(cosine),     cmocka_unit_test(warmup),     cmocka_unit_test(onecycle),
        cmocka_unit_test(linear),     cmocka_unit_test(small_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
