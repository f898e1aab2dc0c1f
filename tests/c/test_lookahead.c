/* Lookahead's average: each look against its formula, its end, and that it goes where a run
 * goes. */
#include "runs.h"

#define EVERY 3
#define DECAY 0.9
#define NET "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - affine 10 - softmax\n"
#define OPTIONS NET "optimizer=momentum\nlr=0.02\nbatch=20\nepochs=2.6\nvalidation=0\n" \
                "check-train=0\nlookahead-decay=0.9\n"
#define STEPS 13 /* 5 an epoch */

static double *doubles(const float *x, size_t n)
{
    double *out = malloc((n + 1) * sizeof *out);

    for (size_t i = 0; i < n; i++) out[i] = x[i];
    return out;
}

static float *statistics_of(kiln_run *r)
{
    float *out = malloc(r->learner.statistics * sizeof *out);

    kiln_statistics_get(r->learner.net, out);
    return out;
}

/* average is share·average + (1 - share)·x, and now is just that. */
static void check_look(const float *average, const double *before, const float *x,
                       const float *now, size_t n, double share)
{
    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(average[i], share * before[i] + (1 - share) * x[i], 1e-6);
    CHECK_SAME_BITS(now, average, n);
}

/* Step `step` of run a, beside run b, which takes it from the same state without looking. */
static void check_step(kiln_run *a, kiln_run *b, int step)
{
    const kiln_average *average = &a->learner.average;
    const size_t floats = a->learner.floats, statistics = a->learner.statistics;
    double *w = doubles(average->w, floats), *s = doubles(average->statistics, statistics);
    float *mine = statistics_of(a), *plain;
    const double progress = (double)step / STEPS;

    memcpy(b->learner.w, a->learner.w, floats * sizeof(float));
    memcpy(b->learner.state[0], a->learner.state[0], floats * sizeof(float));
    kiln_statistics_set(b->learner.net, mine);
    must_step(a), must_step(b);
    free(mine);
    mine = statistics_of(a), plain = statistics_of(b);
    if (step == STEPS || step % EVERY == 0) {
        const double share = step == STEPS ? 1 : pow(DECAY, EVERY) * pow(progress, 3);

        check_look(average->w, w, b->learner.w, a->learner.w, floats, share);
        check_look(average->statistics, s, plain, mine, statistics, share);
    } else {
        CHECK_SAME_BITS(a->learner.w, b->learner.w, floats);
        CHECK_SAME_BITS(mine, plain, statistics);
        for (size_t i = 0; i < floats; i++) CHECK_NEAR(average->w[i], w[i], 0);
    }
    free(w), free(s), free(mine), free(plain);
}

static void each_look_is_its_formula(void **state)
{
    kiln_run *a = make_run(OPTIONS "lookahead=3\n"), *b = make_run(OPTIONS);

    (void)state;
    CHECK_SAME_BITS(a->learner.average.w, a->learner.w, a->learner.floats);
    assert_null(b->learner.average.w);
    for (int step = 1; step <= STEPS; step++) check_step(a, b, step);
    assert_true(kiln_run_over(a));
    kiln_run_free(a), kiln_run_free(b);
}

static void a_diverged_run_takes_its_average_back(void **state)
{
    kiln_run *r = make_run(OPTIONS "lookahead=3\n");
    double *start = doubles(r->learner.average.w, r->learner.floats);

    (void)state;
    for (int i = 0; i < 4; i++) must_step(r);
    r->learner.w[0] = 3e38f, r->learner.w[1] = -3e38f;
    assert_int_equal(kiln_run_step(r), KILN_E_DIVERGED);
    assert_int_equal(r->place.step, 0);
    for (size_t i = 0; i < r->learner.floats; i++) CHECK_NEAR(r->learner.average.w[i], start[i], 0);
    free(start);
    kiln_run_free(r);
}

/* The best net is gone on from, not an average of what came behind it. */
static void the_best_net_starts_its_average_anew(void **state)
{
    kiln_run *r = make_run(OPTIONS "lookahead=3\nvalidation=20\n");

    (void)state;
    for (int i = 0; i < 8; i++) must_step(r);
    assert_int_equal(kiln_run_restore_best(r), KILN_OK);
    CHECK_SAME_BITS(r->learner.average.w, r->learner.w, r->learner.floats);
    kiln_run_free(r);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), 100, 20, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_look_is_its_formula),
        cmocka_unit_test(a_diverged_run_takes_its_average_back),
        cmocka_unit_test(the_best_net_starts_its_average_anew),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
