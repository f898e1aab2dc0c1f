/* dropout: the twin's elements, the course's statistics, and a mask that does not depend on how it
 * is drawn. */
#include "base/threads.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static const kiln_rng RNG = {7, KILN_RNG_USER, 3};

static void matches_twin(void **state)
{
    static const int sizes[] = {1, 3, 4, 5, 15, 16, 17, 511, 512, 513, 16384, 16385, 33000};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (float rate = 0; rate < 0.9f; rate += 0.25f) {
            const int n = sizes[i];
            float *x = randoms_at(n, i % 4), *out = blank_at(n, i % 4);
            double *ref = doubles(n);

            ref_dropout(ref, widened(x, n), n, rate, RNG, 12);
            kiln_dropout(out, x, n, rate, RNG, 12);
            for (int k = 0; k < n; k++) CHECK_NEAR(out[k], ref[k], 2 * FLT_EPSILON * fabs(ref[k]));
            kiln_dropout(x, x, n, rate, RNG, 12);
            CHECK_SAME_BITS(x, out, n);
            numeric_done();
        }
}

/* cs231n assignment 2, Dropout: keep 0.25, 0.4, 0.7 of 500 x 500 values about 10. */
static void course_statistics(void **state)
{
    static const double keep[] = {0.25, 0.4, 0.7};
    const int n = 500 * 500;
    float *x = randoms(n), *out = blank(n);
    double mean_in = 0;

    (void)state;
    for (int i = 0; i < n; i++) mean_in += (x[i] += 10) / (double)n;
    for (int k = 0; k < 3; k++) {
        double mean_out = 0, zeros = 0;

        kiln_dropout(out, x, n, (float)(1 - keep[k]), RNG, 0);
        for (int i = 0; i < n; i++) {
            mean_out += out[i] / (double)n;
            zeros += (out[i] == 0) / (double)n;
        }
        CHECK_NEAR(mean_out, mean_in, 0.2); /* six deviations of the mean at keep 0.25 */
        CHECK_NEAR(zeros, 1 - keep[k], 6 * sqrt(keep[k] * (1 - keep[k]) / n));
    }
    numeric_done();
}

static void rate_zero_is_the_identity(void **state)
{
    float *x = randoms(100), *out = blank(100);

    (void)state;
    kiln_dropout(out, x, 100, 0, RNG, 0);
    CHECK_SAME_BITS(out, x, 100);
    numeric_done();
}

static void parts_and_threads_draw_the_same(void **state)
{
    const int n = 40000;
    float *x = randoms(n), *whole = blank(n), *parts = blank(n);

    (void)state;
    kiln_dropout(whole, x, n, 0.5f, RNG, 400);
    kiln_threads_set(3);
    kiln_dropout(parts, x, 20000, 0.5f, RNG, 400);
    kiln_dropout(parts + 20000, x + 20000, 20000, 0.5f, RNG, 20400);
    kiln_threads_set(1);
    CHECK_SAME_BITS(whole, parts, n);
    numeric_done();
}

static void nan_is_passed_on(void **state)
{
    float x[40], out[40];

    (void)state;
    for (int i = 0; i < 40; i++) x[i] = NAN;
    kiln_dropout(out, x, 40, 0.5f, RNG, 0);
    for (int i = 0; i < 40; i++) CHECK(isnan(out[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(course_statistics),
        cmocka_unit_test(rate_zero_is_the_identity),
        cmocka_unit_test(parts_and_threads_draw_the_same),
        cmocka_unit_test(nan_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
