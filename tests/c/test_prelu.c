/* prelu: rows, tails and channels against the formula in double; in place; what is not wanted. */
#include "layers/layers.h"
#include "numeric.h"

static void check(int R, int C, size_t offset)
{
    const int n = R * C;
    float *x = randoms_at(n, offset), *dout = randoms_at(n, offset), *slope = randoms_at(C, 0);
    float *out = blank_at(n, offset), *dx = blank_at(n, offset);
    float *dslope = blank_at(C, 0), *again = blank_at(C, 0), *work = blank_at(n, 0);

    kiln_prelu_forward(out, x, slope, R, C);
    kiln_prelu_backward(dx, dslope, dout, x, slope, R, C, work);
    for (int c = 0; c < C; c++) {
        double sum = 0, size = 0;

        for (int i = c; i < n; i += C) {
            const int below = x[i] < 0;
            const double share = below ? (double)dout[i] * (double)x[i] : 0;

            CHECK(out[i] == (below ? slope[c] * x[i] : x[i]));
            CHECK(dx[i] == (below ? slope[c] * dout[i] : dout[i]));
            sum += share;
            size += fabs(share);
        }
        CHECK_NEAR(dslope[c], sum, (R + 4) * FLT_EPSILON * size);
    }
    kiln_prelu_backward(NULL, again, dout, x, slope, R, C, work);
    CHECK_SAME_BITS(again, dslope, C);
    kiln_prelu_backward(dout, again, dout, x, slope, R, C, work); /* in place */
    CHECK_SAME_BITS(again, dslope, C);
    CHECK_SAME_BITS(dout, dx, n);
    kiln_prelu_forward(x, x, slope, R, C);
    CHECK_SAME_BITS(x, out, n);
    numeric_done();
}

static void matches_the_formula(void **state)
{
    (void)state;
    for (int C = 1; C <= 35; C++) check(7, C, (size_t)C % 4);
    for (int R = 255; R <= 258; R++) check(R, 5, 1); /* rows of a task: 256 */
    check(600, 17, 0);
    check(1, 1, 3);
}

static void nan_is_passed_on(void **state)
{
    const float x[2] = {NAN, -1}, slope[2] = {0.5f, 0.5f}, dout[2] = {1, NAN};
    float out[2], dslope[2], work[2];

    (void)state;
    kiln_prelu_forward(out, x, slope, 1, 2);
    CHECK(isnan(out[0]) && out[1] == -0.5f);
    kiln_prelu_backward(out, dslope, dout, x, slope, 1, 2, work);
    CHECK(out[0] == 1 && isnan(out[1]) && isnan(dslope[1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_the_formula),
        cmocka_unit_test(nan_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
