/* conv2d: shapes, strides, paddings and tails against the double twin; the choice of kernel; bias
 * gradient. */
#include "conv_shapes.h"
#include "kernels/winograd.h"
#include "kernels/winograd_rows.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

/* Winograd's transforms mix a tile, so its error is measured by the largest sum, and may be ten
 * times direct's. */
static void check_conv(const float *actual, const double *expected, const double *magnitude,
                       size_t n, double terms, const kiln_conv_algorithm *algorithm)
{
    const double spread = largest(magnitude, n);
    const int winograd = algorithm != &kiln_conv_direct;

    for (size_t i = 0; i < n; i++)
        CHECK_NEAR(actual[i], expected[i],
                   (terms + 4) * FLT_EPSILON * (winograd ? 10 * spread : magnitude[i]));
}

static void check_shape(kiln_conv_shape s, size_t offset)
{
    kiln_conv2d_plan plan;

    kiln_conv2d_plan_make(&plan, &s);

    const kiln_conv_algorithm *algorithm = plan.conv.algorithm;
    const size_t nx = (size_t)s.N * s.H * s.W * s.C, nw = (size_t)s.F * s.C * s.HH * s.WW;
    const size_t nout = (size_t)s.N * s.OH * s.OW * s.F;
    float *x = randoms_at(nx, offset), *w = randoms_at(nw, offset), *b = randoms_at(s.F, offset);
    float *dout = randoms_at(nout, offset), *out = blank_at(nout, offset),
          *dx = blank_at(nx, offset);
    float *dw = blank_at(nw, offset), *db = blank_at(s.F, offset), *rectified = blank(nout);
    float *work = blank(plan.work);
    double *ref = doubles(nout), *mag = doubles(nout), *rdx = doubles(nx), *rdw = doubles(nw);
    double *rdb = doubles(s.F), *mdx = doubles(nx), *mdw = doubles(nw), *mdb = doubles(s.F);
    const double patch = s.C * s.HH * s.WW, pixels = (double)s.N * s.OH * s.OW;

    ref_conv2d_forward(ref, widened(x, nx), widened(w, nw), widened(b, s.F), &s);
    ref_conv2d_forward(mag, magnitudes(x, nx), magnitudes(w, nw), magnitudes(b, s.F), &s);
    kiln_conv_forward(out, x, w, b, &plan.conv, s.N, 0, work);
    check_conv(out, ref, mag, nout, patch + 1, algorithm);
    kiln_conv_forward(rectified, x, w, b, &plan.conv, s.N, 1, work);
    for (size_t i = 0; i < nout; i++) CHECK(rectified[i] == (out[i] > 0 ? out[i] : 0));

    ref_conv2d_backward(rdx, rdw, rdb, widened(dout, nout), widened(x, nx), widened(w, nw), &s);
    ref_conv2d_backward(mdx, mdw, mdb, magnitudes(dout, nout), magnitudes(x, nx), magnitudes(w, nw),
                        &s);
    kiln_conv2d_backward(dx, dw, db, dout, x, w, &plan, s.N, work);
    check_conv(dx, rdx, mdx, nx, s.F * s.HH * s.WW, algorithm);
    check_conv(dw, rdw, mdw, nw, pixels, algorithm);
    CHECK_SUMS(db, rdb, mdb, s.F, pixels);
    /* the first layer needs no dx */
    kiln_conv2d_backward(NULL, dw, db, dout, x, w, &plan, s.N, work);
    check_conv(dw, rdw, mdw, nw, pixels, algorithm);
    numeric_done();
}

static void channel_and_filter_tails(void **state)
{
    (void)state;
    for (int C = 1; C <= 17; C++)
        check_shape(conv_shape(2, C, 6, 5, 3, 3, 3, 1, 1), C % 4);
    for (int F = 1; F <= 17; F++)
        check_shape(conv_shape(1, 3, 5, 7, F, 3, 3, 1, 1), F % 4);
}

static void windows_strides_paddings(void **state)
{
    (void)state;
    for (int HH = 1; HH <= 5; HH += 2)
        for (int WW = 1; WW <= 4; WW++)
            for (int stride = 1; stride <= 3; stride++)
                for (int pad = 0; pad <= 3; pad++)
                    check_shape(conv_shape(2, 2, 7, 6, 5, HH, WW, stride, pad), 0);
    check_shape(conv_shape_padded(2, 3, 7, 6, 9, 3, 5, 1, 1, 2), 0);
    check_shape(conv_shape_padded(2, 16, 7, 6, 16, 3, 3, 1, 0, 2), 0);
    check_shape(conv_shape_padded(2, 3, 7, 6, 4, 2, 5, 2, 0, 2), 0);
    check_shape(conv_shape(1, 1, 1, 1, 1, 1, 1, 1, 0), 0);
    check_shape(conv_shape(1, 3, 12, 12, 4, 7, 7, 1, 3), 1);
}

/* Wide enough for Winograd's kernel, with image sizes that do not divide into its tiles. */
static void many_channels(void **state)
{
    (void)state;
    for (int size = 3; size <= 9; size++)
        check_shape(conv_shape(2, 32, size, 13 - size, 36, 3, 3, 1, 1), 0);
    check_shape(conv_shape(3, 64, 8, 8, 64, 3, 3, 1, 1), 0);
}

static void algorithm_depends_on_the_shape_alone(void **state)
{
    const kiln_conv_shape wide = conv_shape(64, 64, 16, 16, 64, 3, 3, 1, 1),
                          first = conv_shape(64, 3, 32, 32, 32, 3, 3, 1, 1),
                          five = conv_shape(64, 16, 16, 16, 20, 5, 5, 1, 2),
                          strided = conv_shape(64, 16, 16, 16, 20, 5, 5, 2, 2);

    (void)state;
    CHECK(kiln_conv2d_algorithm(&wide) == &kiln_winograd);
    CHECK(kiln_conv2d_algorithm(&first) == &kiln_winograd_rows);
    CHECK(kiln_conv2d_algorithm(&five) == &kiln_winograd_rows);
    CHECK(kiln_conv2d_algorithm(&strided) == &kiln_conv_direct);
    assert_string_equal(kiln_winograd.name, "winograd");
    assert_string_equal(kiln_winograd_rows.name, "winograd rows");
    assert_string_equal(kiln_conv_direct.name, "direct");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_and_filter_tails),
        cmocka_unit_test(windows_strides_paddings),
        cmocka_unit_test(many_channels),
        cmocka_unit_test(algorithm_depends_on_the_shape_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
