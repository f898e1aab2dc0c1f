/* kernels/im2col: exact against the naive loops, and col2im is the adjoint. */
#include <float.h>

#include "check.h"
#include "kernels/im2col.h"
#include "ref/ref_kernels.h"

static void check_shape(int C, int H, int W, int HH, int WW, int stride, int pad_h, int pad_w)
{
    const int OH = (H + 2 * pad_h - HH) / stride + 1, OW = (W + 2 * pad_w - WW) / stride + 1;
    const size_t image = (size_t)C * H * W, n = (size_t)C * HH * WW * OH * OW;
    float *x = check_floats_at(image, 1), *col = check_floats_at(n, 3);
    float *g = check_floats(n), *back = check_floats_at(image, 2);
    double *expected = malloc(n * sizeof *expected), left = 0, right = 0, magnitude = 0;

    check_random(x, image, 1);
    check_random(g, n, 2);
    ref_im2col(expected, x, C, H, W, HH, WW, stride, pad_h, pad_w);
    kiln_im2col(col, x, C, H, W, HH, WW, stride, pad_h, pad_w);
    for (size_t i = 0; i < n; i++) CHECK_NEAR(col[i], expected[i], 0);

    /* <im2col(x), g> = <x, col2im(g)> */
    kiln_col2im(back, g, C, H, W, HH, WW, stride, pad_h, pad_w);
    for (size_t i = 0; i < n; i++) left += (double)col[i] * g[i];
    for (size_t i = 0; i < image; i++) right += (double)x[i] * back[i];
    for (size_t i = 0; i < n; i++) magnitude += fabs((double)col[i] * g[i]);
    CHECK_NEAR(right, left, (HH * WW + 4) * FLT_EPSILON * magnitude);
    free(expected);
    check_free(x);
    check_free(col);
    check_free(g);
    check_free(back);
}

static void shapes(void **state)
{
    (void)state;
    for (int stride = 1; stride <= 3; stride++)
        for (int pad = 0; pad <= 3; pad++)
            for (int taps = 1; taps <= 5; taps += 2) {
                check_shape(3, 8, 7, taps, taps, stride, pad, pad);
                check_shape(2, 5, 9, taps, 1, stride, pad, pad % 2);
            }
}

static void alexnets_column_matrix(void **state)
{
    (void)state;
    CHECK(3 * 11 * 11 == 363 && ((227 - 11) / 4 + 1) * ((227 - 11) / 4 + 1) == 3025);
    check_shape(3, 227, 227, 11, 11, 4, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(alexnets_column_matrix),
    };
    return cmocka_run_group_tests_name("im2col", tests, NULL, NULL);
}
