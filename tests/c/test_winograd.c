/* kernels/winograd by conv_twin.h: every size, tail and pad, the shapes of nets, threads. */
#include "check.h"
#include "conv_shapes.h"
#include "conv_twin.h"
#include "kernels/tile.h"
#include "kernels/winograd.h"

static double check_shape(kiln_conv_shape s, int bias, int relu, double limit)
{
    return check_conv(&kiln_winograd, s, bias, relu, limit);
}

static void every_size_of_image(void **state)
{
    (void)state;
    for (int size = 1; size <= 13; size++)
        for (int pad = 0; pad <= 2; pad++)
            if (size + 2 * pad >= 3 && 14 - size + 2 * pad >= 3)
                check_shape(conv_shape(2, 5, size, 14 - size, 6, 3, 3, 1, pad), 1,
                            size % 2, 0);
}

/* Rows and columns padded apart. */
static void a_pad_for_each_side(void **state)
{
    (void)state;
    for (int pad_h = 0; pad_h <= 2; pad_h++)
        for (int pad_w = 0; pad_w <= 2; pad_w++)
            check_shape(conv_shape_padded(2, 5, 6, 7, 6, 3, 3, 1, pad_h, pad_w), 1, 0, 0);
}

static void every_number_of_channels(void **state)
{
    (void)state;
    for (int k = 1; k <= 2 * TILE_COLUMNS + 1; k++) {
        check_shape(conv_shape(1, k, 6, 7, 4, 3, 3, 1, 1), k % 2, 0, 0);
        check_shape(conv_shape(1, 3, 6, 7, k, 3, 3, 1, 1), 1, k % 2, 0);
    }
}

/* More tiles than a block has. */
static void shapes_of_the_nets(void **state)
{
    const kiln_conv_shape shapes[] = {
        conv_shape(3, 32, 32, 32, 32, 3, 3, 1, 1),
        conv_shape(5, 32, 16, 16, 64, 3, 3, 1, 1),
        conv_shape(20, 64, 8, 8, 48, 3, 3, 1, 1),
        conv_shape(70, 40, 3, 3, 40, 3, 3, 1, 1),
    };
    double worst = 0;

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const double ratio = check_shape(shapes[i], i < 2, i == 0, 10);

        if (ratio > worst) worst = ratio;
    }
    print_message("worst error, as a multiple of the direct kernel's: ratio %.2f\n", worst);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    check_conv_threads(&kiln_winograd, conv_shape(17, 17, 11, 9, 20, 3, 3, 1, 1));
}

static void threads_have_scratch_of_their_own(void **state)
{
    (void)state;
    check_conv_scratch(&kiln_winograd, conv_shape(2, 17, 11, 9, 20, 3, 3, 1, 1));
}

static void a_plan_serves_fewer_images(void **state)
{
    (void)state;
    check_conv_fewer(&kiln_winograd, conv_shape(9, 17, 11, 9, 20, 3, 3, 1, 1));
}

static void where_it_fits(void **state)
{
    kiln_conv_shape s = conv_shape(1, 64, 16, 16, 64, 3, 3, 1, 1);

    (void)state;
    CHECK(kiln_winograd.fits(&s));
    s.stride = 2;
    CHECK(!kiln_winograd.fits(&s));
    s.stride = 1;
    s.C = 3;
    CHECK(!kiln_winograd.fits(&s));
    s.C = 64;
    s.HH = 5;
    CHECK(!kiln_winograd.fits(&s));
    s.HH = 3;
    s.pad_h = 3;
    CHECK(!kiln_winograd.fits(&s));
    s.pad_h = 1, s.pad_w = 3;
    CHECK(!kiln_winograd.fits(&s));
    s = conv_shape(1, 64, 3, 3, 64, 3, 3, 1, 1);
    CHECK(kiln_winograd.fits(&s));
    s = conv_shape(1, 64, 3, 2, 64, 3, 3, 1, 1);
    CHECK(!kiln_winograd.fits(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_of_image),
        cmocka_unit_test(a_pad_for_each_side),
        cmocka_unit_test(every_number_of_channels),
        cmocka_unit_test(shapes_of_the_nets),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(threads_have_scratch_of_their_own),
        cmocka_unit_test(a_plan_serves_fewer_images),
        cmocka_unit_test(where_it_fits),
    };
    return cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
}
