/* reshape: residual add and flatten, exactly, all tails. */
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static void residual_adds(void **state)
{
    (void)state;
    for (int n = 1; n <= 70; n++) {
        float *x = randoms_at(n, n % 4), *y = randoms(n), *out = blank(n);
        double *ref = doubles(n);

        ref_residual_add(ref, widened(x, n), widened(y, n), n);
        kiln_residual_add(out, x, y, n);
        CHECK_EXACT(out, ref, n);
        kiln_residual_add(x, x, y, n);
        CHECK_SAME_BITS(x, out, n);
        numeric_done();
    }
}

static void flatten_is_course_order_and_back(void **state)
{
    (void)state;
    for (int C = 1; C <= 19; C++)
        for (int S = 1; S <= 37; S += 4) {
            const int N = 3, n = N * S * C;
            float *x = randoms_at(n, C % 4), *out = blank_at(n, 1), *back = blank_at(n, 2);
            double *ref = doubles(n);

            ref_flatten_forward(ref, widened(x, n), N, S, C);
            kiln_flatten_forward(out, x, N, S, C);
            CHECK_EXACT(out, ref, n);
            kiln_flatten_backward(back, out, N, S, C);
            CHECK_SAME_BITS(back, x, n);
            numeric_done();
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_adds),
        cmocka_unit_test(flatten_is_course_order_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
