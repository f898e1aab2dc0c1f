/* pool: sizes, windows, strides and channel tails against the double twins; ties and NaN. */
#include "base/threads.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

/* Gone with numeric_done(). */
static int32_t *places(size_t n)
{
    return (int32_t *)blank(n);
}

static void check_shape(kiln_pool_shape s, size_t offset)
{
    CHECK(kiln_pool_shape_finish(&s));

    const size_t nx = (size_t)s.N * s.H * s.W * s.C, nout = (size_t)s.N * s.OH * s.OW * s.C;
    float *x = randoms_at(nx, offset), *dout = randoms_at(nout, offset);
    float *out = blank_at(nout, offset), *dx = blank_at(nx, offset);
    int32_t *place = places(nout);
    double *ref = doubles(nout), *rdx = doubles(nx), *mag = doubles(nout), *mdx = doubles(nx);
    const int area = s.HH * s.WW;

    for (size_t i = 0; i < nx; i++) x[i] = roundf(x[i] * 8); /* many ties */
    ref_maxpool_forward(ref, widened(x, nx), &s);
    ref_maxpool_backward(rdx, widened(dout, nout), widened(x, nx), &s);
    ref_avgpool_backward(mdx, magnitudes(dout, nout), &s); /* terms of a sum, divided by the area */
    kiln_maxpool_forward(out, place, x, &s, 0);
    kiln_maxpool_backward(dx, dout, place, &s);
    CHECK_EXACT(out, ref, nout);
    if (s.stride >= s.HH && s.stride >= s.WW)
        CHECK_EXACT(dx, rdx, nx);
    else
        for (size_t i = 0; i < nx; i++)
            CHECK_NEAR(dx[i], rdx[i], (area + 4) * FLT_EPSILON * area * mdx[i]);

    ref_avgpool_forward(ref, widened(x, nx), &s);
    ref_avgpool_forward(mag, magnitudes(x, nx), &s);
    ref_avgpool_backward(rdx, widened(dout, nout), &s);
    kiln_avgpool_forward(out, x, &s);
    kiln_avgpool_backward(dx, dout, &s);
    CHECK_SUMS(out, ref, mag, nout, area);
    CHECK_SUMS(dx, rdx, mdx, nx, area);
    numeric_done();
}

static void channel_tails(void **state)
{
    (void)state;
    for (int C = 1; C <= 35; C++) {
        check_shape((kiln_pool_shape){2, C, 6, 4, 2, 2, 2, 0, 0}, C % 3);
        check_shape((kiln_pool_shape){1, C, 5, 7, 3, 3, 2, 0, 0}, C % 3);
    }
}

static void windows_and_strides(void **state)
{
    (void)state;
    for (int HH = 1; HH <= 4; HH++)
        for (int WW = 1; WW <= 4; WW++)
            for (int stride = 1; stride <= 5; stride++)
                for (int H = 4; H <= 9; H += 2)
                    check_shape((kiln_pool_shape){2, 5, H, 13 - H, HH, WW, stride, 0, 0}, 0);
    check_shape((kiln_pool_shape){3, 20, 8, 8, 8, 8, 8, 0, 0}, 0); /* global */
    check_shape((kiln_pool_shape){1, 1, 1, 1, 1, 1, 1, 0, 0}, 0);
}

static void refuses_a_window_that_does_not_fit(void **state)
{
    kiln_pool_shape wide = {1, 1, 4, 4, 2, 5, 1, 0, 0}, high = {1, 1, 4, 4, 5, 2, 1, 0, 0};
    kiln_pool_shape still = {1, 1, 4, 4, 2, 2, 0, 0, 0}, odd = {1, 1, 7, 6, 2, 3, 2, 0, 0};

    (void)state;
    CHECK(!kiln_pool_shape_finish(&wide) && !kiln_pool_shape_finish(&high));
    CHECK(!kiln_pool_shape_finish(&still));
    CHECK(kiln_pool_shape_finish(&odd) && odd.OH == 3 && odd.OW == 2);
}

/* Equal values: the whole gradient goes to the first, row by row. */
static void a_tie_goes_to_the_first(void **state)
{
    kiln_pool_shape s = {1, 1, 2, 2, 2, 2, 2, 0, 0};
    const float x[4] = {-1, 3, 3, 3}, dout[1] = {5};
    float out[1], dx[4];
    int32_t place[1];

    (void)state;
    CHECK(kiln_pool_shape_finish(&s));
    kiln_maxpool_forward(out, place, x, &s, 0);
    kiln_maxpool_backward(dx, dout, place, &s);
    CHECK(out[0] == 3 && place[0] == 1);
    CHECK(dx[0] == 0 && dx[1] == 5 && dx[2] == 0 && dx[3] == 0);
}

/* Of a relu's output: the bits of the pool's backward pass, then relu's. */
static void backward_through_the_relu_before(void **state)
{
    (void)state;
    for (int C = 1; C <= 18; C++)
        for (int stride = 1; stride <= 3; stride++) {
            kiln_pool_shape s = {2, C, 7, 6, 2, 2, stride, 0, 0};

            CHECK(kiln_pool_shape_finish(&s));

            const int nx = s.N * s.H * s.W * C, nout = s.N * s.OH * s.OW * C;
            float *x = randoms(nx), *dout = randoms(nout), *out = blank(nout);
            float *apart = blank(nx), *fused = blank(nx);
            int32_t *place = places(nout);

            kiln_relu_forward(x, x, nx);
            kiln_maxpool_forward(out, place, x, &s, 0);
            kiln_maxpool_backward(apart, dout, place, &s);
            kiln_relu_backward(apart, apart, x, nx);
            kiln_maxpool_forward(out, place, x, &s, 1);
            kiln_maxpool_backward(fused, dout, place, &s);
            CHECK_SAME_BITS(fused, apart, (size_t)nx);
            numeric_done();
        }
}

/* A pass that has none behind it keeps no places, and gives the same. */
static void forward_without_places(void **state)
{
    (void)state;
    for (int C = 1; C <= 18; C++) {
        kiln_pool_shape s = {2, C, 7, 6, 2, 2, 2, 0, 0};

        CHECK(kiln_pool_shape_finish(&s));

        const int nout = s.N * s.OH * s.OW * C;
        float *x = randoms(s.N * s.H * s.W * C), *with = blank(nout), *without = blank(nout);

        kiln_maxpool_forward(with, places(nout), x, &s, 0);
        kiln_maxpool_forward(without, NULL, x, &s, 0);
        CHECK_SAME_BITS(with, without, (size_t)nout);
        numeric_done();
    }
}

static void nan_wins(void **state)
{
    (void)state;
    for (int C = 1; C <= 17; C += 4)
        for (int at = 0; at < 9; at++) {
            kiln_pool_shape s = {1, C, 3, 3, 3, 3, 3, 0, 0};
            float *x = randoms(9 * C), *out = blank(C), *dx = blank(9 * C), *dout = randoms(C);
            int32_t *place = places(C);

            CHECK(kiln_pool_shape_finish(&s));
            x[at * C] = NAN;
            x[0] = at ? INFINITY : NAN;
            kiln_maxpool_forward(out, place, x, &s, 0);
            kiln_maxpool_backward(dx, dout, place, &s);
            CHECK(isnan(out[0]));
            CHECK(dx[at * C] == dout[0]);
            for (int c = 1; c < C; c++) CHECK(!isnan(out[c]));
            numeric_done();
        }
}

/* A sum of no number is not yet a NaN in the window. */
static void infinities_of_both_signs(void **state)
{
    kiln_pool_shape s = {1, 18, 2, 2, 2, 2, 2, 0, 0};
    float *x = randoms(4 * 18), *out = blank(18), *dx = blank(4 * 18), *dout = randoms(18);
    int32_t *place = places(18);

    (void)state;
    CHECK(kiln_pool_shape_finish(&s));
    x[0 * 18 + 3] = -INFINITY;
    x[2 * 18 + 3] = INFINITY;
    x[1 * 18 + 17] = INFINITY;
    x[3 * 18 + 17] = -INFINITY;
    kiln_maxpool_forward(out, place, x, &s, 0);
    kiln_maxpool_backward(dx, dout, place, &s);
    CHECK(out[3] == INFINITY && out[17] == INFINITY);
    CHECK(dx[2 * 18 + 3] == dout[3] && dx[1 * 18 + 17] == dout[17]);
    for (int c = 0; c < 18; c++)
        CHECK(c == 3 || c == 17 ||
              out[c] == fmaxf(fmaxf(x[c], x[18 + c]), fmaxf(x[36 + c], x[54 + c])));
    numeric_done();
}

/* cs231n assignment 2, ConvolutionalNetworks: x (2, 3, 4, 4) from linspace(-0.3, 0.4), 2x2, stride
 * 2. */
static void course_numbers(void **state)
{
    static const double expected[] = {-0.26315789, -0.24842105, -0.20421053, -0.18947368,
                                      -0.14526316, -0.13052632, -0.08631579, -0.07157895,
                                      -0.02736842, -0.01263158, 0.03157895,  0.04631579,
                                      0.09052632,  0.10526316,  0.14947368,  0.16421053,
                                      0.20842105,  0.22315789,  0.26736842,  0.28210526,
                                      0.32631579,  0.34105263,  0.38526316,  0.4};
    kiln_pool_shape s = {6, 1, 4, 4, 2, 2, 2, 0, 0}; /* planes as images of one channel */
    float x[96], out[24];

    (void)state;
    CHECK(kiln_pool_shape_finish(&s));
    for (int i = 0; i < 96; i++) x[i] = (float)(-0.3 + 0.7 * i / 95);
    kiln_maxpool_forward(out, NULL, x, &s, 0);
    for (int i = 0; i < 24; i++) CHECK_NEAR(out[i], expected[i], 4e-8);
}

static void same_bits_for_any_threads(void **state)
{
    kiln_pool_shape s = {7, 6, 9, 9, 3, 3, 2, 0, 0};
    float *x = randoms(7 * 81 * 6), *dout = randoms(7 * 16 * 6), *out = blank(7 * 16 * 6);
    float *one = blank(7 * 81 * 6), *three = blank(7 * 81 * 6);
    int32_t *place = places(7 * 16 * 6);

    (void)state;
    CHECK(kiln_pool_shape_finish(&s) && s.OH == 4);
    kiln_maxpool_forward(out, place, x, &s, 0);
    kiln_maxpool_backward(one, dout, place, &s);
    kiln_threads_set(3);
    kiln_maxpool_forward(out, place, x, &s, 0);
    kiln_maxpool_backward(three, dout, place, &s);
    kiln_threads_set(1);
    CHECK_SAME_BITS(one, three, 7 * 81 * 6);
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channel_tails),
        cmocka_unit_test(windows_and_strides),
        cmocka_unit_test(refuses_a_window_that_does_not_fit),
        cmocka_unit_test(a_tie_goes_to_the_first),
        cmocka_unit_test(backward_through_the_relu_before),
        cmocka_unit_test(forward_without_places),
        cmocka_unit_test(nan_wins),
        cmocka_unit_test(infinities_of_both_signs),
        cmocka_unit_test(course_numbers),
        cmocka_unit_test(same_bits_for_any_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
