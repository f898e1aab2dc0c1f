/* kernels/conv: forward, dx and dw against naive loops in double; the same bits for any number of
 * threads. */
#include <float.h>
#include <time.h>

#include "check.h"
#include "conv_shapes.h"
#include "conv_twin.h"
#include "kernels/conv.h"
#include "kernels/tile.h"
#include "ref/ref_kernels.h"

typedef struct {
    size_t x, w, out;
} sizes;

static sizes sizes_of(const kiln_conv_shape *s)
{
    return (sizes){(size_t)s->N * s->H * s->W * s->C, (size_t)s->F * s->C * s->HH * s->WW,
                   (size_t)s->N * s->OH * s->OW * s->F};
}

/* Each of n sums within (terms + 4) epsilon of its magnitude. */
static void compare(const float *actual, const double *expected, const double *magnitude, size_t n,
                    double terms, const char *what, const kiln_conv_shape *s)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(actual[i] - expected[i]) <= (terms + 4) * FLT_EPSILON * magnitude[i]))
            CHECK_FAIL(
                "%s of (%d, %d, %d, %d), %d filters %dx%d, stride %d, pads %d, %d: [%zu] is %.9g, "
                "not %.9g",
                what, s->N, s->H, s->W, s->C, s->F, s->HH, s->WW, s->stride, s->pad_h,
                s->pad_w, i, (double)actual[i], expected[i]);
}

static void check_shape(kiln_conv_shape s, int bias, int relu)
{
    kiln_conv_plan plan;

    kiln_conv_plan_make(&plan, &kiln_conv_direct, &s);

    const sizes n = sizes_of(&s);
    const size_t most = n.x > n.out ? (n.x > n.w ? n.x : n.w) : (n.out > n.w ? n.out : n.w);
    const double terms = (double)s.C * s.HH * s.WW;
    float *x = check_floats_at(n.x, 1), *w = check_floats_at(n.w, 3),
          *b = check_floats_at((size_t)s.F, 1);
    float *dout = check_floats_at(n.out, 2),
          *work = check_floats(kiln_conv_work(&plan));
    float *out = check_floats_at(n.out, 1), *dx = check_floats_at(n.x, 2), *dw = check_floats(n.w);
    double *expected = malloc(most * sizeof *expected),
           *magnitude = malloc(most * sizeof *magnitude);

    check_random(x, n.x, 1);
    check_random(w, n.w, 2);
    check_random(b, (size_t)s.F, 3);
    check_random(dout, n.out, 4);

    ref_conv_forward(expected, magnitude, x, w, bias ? b : NULL, &s);
    kiln_conv_forward(out, x, w, bias ? b : NULL, &plan, s.N, relu, work);
    for (size_t i = 0; relu && i < n.out; i++)
        if (expected[i] < 0) expected[i] = 0;
    compare(out, expected, magnitude, n.out, terms + 1, "forward", &s);

    ref_conv_dx(expected, magnitude, dout, w, &s);
    kiln_conv_dx(dx, dout, w, &plan, s.N, work);
    compare(dx, expected, magnitude, n.x, (double)s.F * s.HH * s.WW, "dx", &s);

    ref_conv_dw(expected, magnitude, dout, x, &s);
    kiln_conv_dw(dw, dout, x, &plan, s.N, work);
    compare(dw, expected, magnitude, n.w, (double)s.N * s.OH * s.OW, "dw", &s);

    free(expected);
    free(magnitude);
    check_free(x);
    check_free(w);
    check_free(b);
    check_free(dout);
    check_free(work);
    check_free(out);
    check_free(dx);
    check_free(dw);
}

static void every_number_of_filters(void **state)
{
    (void)state;
    for (int F = 1; F <= 2 * TILE_COLUMNS + 1; F++)
        check_shape(conv_shape(2, 3, 5, 6, F, 3, 3, 1, 1), F % 2, F % 3 == 0);
}

static void every_number_of_channels(void **state)
{
    (void)state;
    for (int C = 1; C <= 20; C++)
        check_shape(conv_shape(1, C, 4, 5, 5, 3, 2, 1, 1), C % 2, 0);
}

static void every_width_of_image(void **state)
{
    (void)state;
    for (int W = 1; W <= 2 * TILE_ROWS + 2; W++)
        check_shape(conv_shape(1, 5, 3, W, 9, 3, 3, 1, 1), 1, W % 2);
}

/* Filters 1x1 to 7x7 (also not square), strides 1 to 4, pads 0 to one beyond the filter. */
static void strides_and_pads(void **state)
{
    static const int filters[][2] = {{1, 1}, {2, 2}, {3, 3}, {5, 5}, {7, 7}, {1, 3}, {4, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        for (int stride = 1; stride <= 4; stride++)
            for (int pad = 0; pad <= filters[i][0] + 1; pad++)
                check_shape(
                    conv_shape(2, 3, 9, 8, 6, filters[i][0], filters[i][1], stride, pad),
                    pad % 2, stride % 2);
}

/* Rows and columns padded apart, so that filters of any odd size keep the image's. */
static void a_pad_for_each_side(void **state)
{
    (void)state;
    for (int pad_h = 0; pad_h <= 3; pad_h++)
        for (int pad_w = 0; pad_w <= 3; pad_w++)
            for (int stride = 1; stride <= 3; stride++)
                check_shape(conv_shape_padded(2, 3, 7, 8, 5, 3, 5, stride, pad_h, pad_w), 1, 0);

    const kiln_conv_shape same = conv_shape_padded(1, 1, 7, 8, 1, 3, 5, 1, 1, 2);

    CHECK(same.OH == 7 && same.OW == 8);
}

static void a_filter_that_does_not_fit(void **state)
{
    kiln_conv_shape s = {.N = 1, .C = 1, .H = 4, .W = 4, .F = 1, .HH = 7, .WW = 7, .stride = 1,
                         .pad_h = 2, .pad_w = 1};

    (void)state;
    CHECK(!kiln_conv_shape_finish(&s));
    s.pad_h = 1, s.pad_w = 2;
    CHECK(!kiln_conv_shape_finish(&s));
    s.pad_h = 2;
    CHECK(kiln_conv_shape_finish(&s) && s.OH == 2 && s.OW == 2);
}

static void shapes_of_the_nets(void **state)
{
    (void)state;
    check_shape(conv_shape(3, 3, 32, 32, 16, 5, 5, 1, 2), 1, 1);
    check_shape(conv_shape(3, 16, 16, 16, 20, 5, 5, 1, 2), 1, 1);
    check_shape(conv_shape(9, 20, 8, 8, 20, 5, 5, 1, 2), 1, 1);
    check_shape(conv_shape(2, 3, 32, 32, 32, 7, 7, 1, 3), 1, 1);
    check_shape(conv_shape(1, 33, 12, 12, 40, 3, 3, 2, 1), 0, 0);
    check_shape(conv_shape(1, 64, 16, 16, 40, 1, 1, 1, 0), 0, 0);
}

/* 227x227x3 by 11x11 at stride 4 gives 55x55; eight of the 96 filters keep the test short. */
static void alexnets_first_layer(void **state)
{
    (void)state;
    kiln_conv_shape s = conv_shape(1, 3, 227, 227, 8, 11, 11, 4, 0);

    CHECK(s.OH == 55 && s.OW == 55);
    check_shape(s, 1, 1);
}

/* Strides far beyond the filter: only a few places of dx have a gradient, all others are zeros.
 * Beyond 46340 a stride's square is no int. */
static void strides_beyond_the_filter(void **state)
{
    static const int strides[] = {5, 8, 46340, 46341, 65536};

    (void)state;
    for (size_t i = 0; i < sizeof strides / sizeof *strides; i++)
        for (int pad = 0; pad <= 2; pad++) {
            check_shape(conv_shape(2, 3, 9, 8, 6, 3, 3, strides[i], pad), 1, 0);
            check_shape(conv_shape(2, 3, 3, 9, 6, 3, 2, strides[i], pad), 1, 1);
            check_shape(conv_shape(1, 4, 2, 2, 8, 3, 3, strides[i], 1), 0, 1);
            check_shape(conv_shape(1, 4, 7, 2, 8, 1, 2, strides[i], pad), 0, 0);
        }
}

/* Passes are of the classes that exist: as many as the stride allows would take minutes. */
static void a_large_stride_costs_nothing(void **state)
{
    kiln_conv_plan plan;
    const kiln_conv_shape s = conv_shape(1, 3, 32, 32, 8, 3, 3, 20000, 1);
    const clock_t start = clock();

    (void)state;
    for (int i = 0; i < 100; i++) kiln_conv_plan_make(&plan, &kiln_conv_direct, &s);
    CHECK(kiln_conv_work(&plan) < 10000);
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 1);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    check_conv_threads(&kiln_conv_direct, conv_shape(5, 3, 20, 18, 10, 5, 5, 1, 2));
    check_conv_threads(&kiln_conv_direct, conv_shape(9, 17, 7, 9, 20, 3, 3, 2, 1));
    check_conv_threads(&kiln_conv_direct, conv_shape(9, 3, 7, 9, 20, 1, 2, 3, 1));
}

/* The passes of a stride's classes differ in size, and threads are at different ones at a time. */
static void threads_have_scratch_of_their_own(void **state)
{
    (void)state;
    check_conv_scratch(&kiln_conv_direct, conv_shape(2, 4, 15, 17, 12, 3, 3, 2, 1));
    check_conv_scratch(&kiln_conv_direct, conv_shape(2, 4, 15, 17, 12, 5, 2, 3, 1));
    check_conv_scratch(&kiln_conv_direct, conv_shape(2, 4, 15, 17, 12, 3, 3, 1, 1));
}

static void a_plan_serves_fewer_images(void **state)
{
    (void)state;
    check_conv_fewer(&kiln_conv_direct, conv_shape(9, 3, 11, 9, 10, 5, 3, 1, 2));
    check_conv_fewer(&kiln_conv_direct, conv_shape(9, 3, 7, 9, 20, 1, 2, 3, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_filters),
        cmocka_unit_test(every_number_of_channels),
        cmocka_unit_test(every_width_of_image),
        cmocka_unit_test(strides_and_pads),
        cmocka_unit_test(a_pad_for_each_side),
        cmocka_unit_test(a_filter_that_does_not_fit),
        cmocka_unit_test(shapes_of_the_nets),
        cmocka_unit_test(alexnets_first_layer),
        cmocka_unit_test(strides_beyond_the_filter),
        cmocka_unit_test(a_large_stride_costs_nothing),
        cmocka_unit_test(threads_have_scratch_of_their_own),
        cmocka_unit_test(a_plan_serves_fewer_images),
        cmocka_unit_test(threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests_name("conv", tests, NULL, NULL);
}
