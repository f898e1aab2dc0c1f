/* softmax_loss: against the double twin, the course's sanity values, extreme scores, accuracy
 * counts. */
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static void check_shape(int N, int C, float spread, float smoothing, size_t offset)
{
    const size_t n = (size_t)N * C;
    float *s = randoms_at(n, offset), *ds = blank_at(n, offset), *p = blank_at(n, offset);
    double *rds = doubles(n), *rp = doubles(n);
    int y[64];

    for (size_t i = 0; i < n; i++) s[i] *= spread;
    for (int i = 0; i < N; i++) y[i] = i * 7 % C;

    const double expected = ref_softmax_loss(rds, widened(s, n), y, N, C, smoothing);

    ref_softmax(rp, widened(s, n), N, C);
    kiln_softmax(p, s, N, C);
    CHECK_NEAR(kiln_softmax_loss(ds, s, y, N, C, smoothing), expected, 1e-5 * expected + 1e-6);
    CHECK_NEAR(kiln_softmax_loss(NULL, s, y, N, C, smoothing), expected, 1e-5 * expected + 1e-6);
    for (size_t i = 0; i < n; i++) {
        CHECK_NEAR(ds[i], rds[i], 1e-6 / N);
        CHECK_NEAR(p[i], rp[i], 1e-5 * rp[i]);
    }
    numeric_done();
}

static void matches_twin(void **state)
{
    (void)state;
    for (int C = 1; C <= 50; C++)
        for (float smoothing = 0; smoothing < 0.3f; smoothing += 0.1f) {
            check_shape(5, C, 1, smoothing, C % 4);
            check_shape(3, C, 20, smoothing, C % 4);
        }
    for (int N = 1; N <= 64; N += 7) check_shape(N, 10, 3, 0.1f, 1);
    check_shape(2, 1000, 5, 0, 0);
}

/* Small scores: every class equally likely, loss ln C; the course's 2.3. */
static void first_loss_is_log_of_classes(void **state)
{
    float *s = randoms(500);
    int y[50];

    (void)state;
    for (int i = 0; i < 500; i++) s[i] *= 0.001f;
    for (int i = 0; i < 50; i++) y[i] = i % 10;
    CHECK_NEAR(kiln_softmax_loss(NULL, s, y, 50, 10, 0), log(10), 0.002);
    numeric_done();
}

static void extreme_scores(void **state)
{
    float s[6] = {1e30f, -1e30f, 0, -1e30f, 1e30f, 1e30f}, ds[6], p[6];

    (void)state;
    CHECK_NEAR(kiln_softmax_loss(ds, s, (int[]){0, 1}, 2, 3, 0), log(2) / 2, 1e-6);
    for (int i = 0; i < 6; i++) CHECK(isfinite(ds[i]));
    CHECK_NEAR(ds[0], 0, 1e-7);
    CHECK_NEAR(ds[4], -0.25, 1e-7);
    CHECK_NEAR(ds[5], 0.25, 1e-7);
    CHECK_NEAR(kiln_softmax_loss(ds, s, (int[]){1, 0}, 2, 3, 0) / 2e30, 1, 1e-6);
    CHECK_NEAR(ds[1], -0.5, 1e-7);
    CHECK(isfinite(kiln_softmax_loss(ds, s, (int[]){1, 0}, 2, 3, 0.1f)));
    kiln_softmax(p, s, 2, 3);
    CHECK(p[0] == 1 && p[1] == 0 && p[2] == 0 && p[3] == 0 && p[4] == 0.5f && p[5] == 0.5f);
}

static void nan_is_passed_on(void **state)
{
    (void)state;
    for (int at = 0; at < 20; at++) {
        float s[20] = {0}, ds[20];

        s[at] = at % 2 ? NAN : INFINITY;
        CHECK(isnan(kiln_softmax_loss(ds, s, (int[]){3}, 1, 20, 0)));
        CHECK(isnan(ds[at]));
    }
}

static void counts_right_answers(void **state)
{
    const float s[12] = {1, 5, 5, 3, 2, 1, -1, -3, -2, 0, 0, 0};
    int predictions[4];

    (void)state;
    CHECK(kiln_correct(predictions, s, (int[]){1, 0, 0, 2}, 4, 3) == 3); /* ties to the first */
    CHECK(predictions[0] == 1 && predictions[1] == 0 && predictions[2] == 0 && predictions[3] == 0);
    CHECK(kiln_correct(NULL, s, (int[]){2, 1, 1, 1}, 4, 3) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),         cmocka_unit_test(first_loss_is_log_of_classes),
        cmocka_unit_test(extreme_scores),       cmocka_unit_test(nan_is_passed_on),
        cmocka_unit_test(counts_right_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
