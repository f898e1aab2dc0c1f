/* svm_loss: against the double twin, the course's sanity value, the notes' example, NaN. */
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static void matches_twin(void **state)
{
    (void)state;
    for (int C = 1; C <= 40; C++)
        for (int N = 1; N <= 21; N += 5) {
            const size_t n = (size_t)N * C;
            float *s = randoms_at(n, C % 4), *ds = blank_at(n, C % 4);
            double *rds = doubles(n);
            int y[21];

            for (size_t i = 0; i < n; i++) s[i] *= 3;
            for (int i = 0; i < N; i++) y[i] = i * 5 % C;

            const double expected = ref_svm_loss(rds, widened(s, n), y, N, C);

            CHECK_NEAR(kiln_svm_loss(ds, s, y, N, C), expected, 1e-6 * (C + expected));
            CHECK_NEAR(kiln_svm_loss(NULL, s, y, N, C), expected, 1e-6 * (C + expected));
            for (size_t i = 0; i < n; i++) CHECK_NEAR(ds[i], rds[i], 4 * FLT_EPSILON * C / N);
            numeric_done();
        }
}

/* Small scores: every wrong class misses the margin by all of it, loss C - 1; the course's 9. */
static void first_loss_is_wrong_classes(void **state)
{
    float *s = randoms(500);
    int y[50];

    (void)state;
    for (int i = 0; i < 500; i++) s[i] *= 0.001f;
    for (int i = 0; i < 50; i++) y[i] = i % 10;
    CHECK_NEAR(kiln_svm_loss(NULL, s, y, 50, 10), 9, 0.02);
    numeric_done();
}

/* cs231n notes, linear-classify: scores 13, -7, 11 of label 0 (there with margin 10): here 0; of
 * label 2: 3. */
static void by_hand(void **state)
{
    const float s[3] = {13, -7, 11};
    float ds[3];

    (void)state;
    CHECK(kiln_svm_loss(ds, s, (int[]){0}, 1, 3) == 0);
    CHECK(ds[0] == 0 && ds[1] == 0 && ds[2] == 0);
    CHECK(kiln_svm_loss(ds, s, (int[]){2}, 1, 3) == 3);
    CHECK(ds[0] == 1 && ds[1] == 0 && ds[2] == -1);
}

static void nan_is_passed_on(void **state)
{
    (void)state;
    for (int at = 0; at < 5; at++) {
        float s[5] = {0};

        s[at] = NAN;
        CHECK(isnan(kiln_svm_loss(NULL, s, (int[]){2}, 1, 5)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(first_loss_is_wrong_classes),
        cmocka_unit_test(by_hand),
        cmocka_unit_test(nan_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
