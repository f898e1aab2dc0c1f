/* kernels/winograd_rows by conv_twin.h: every size, tail and pad, the shapes of nets, threads. */
#include "check.h"
#include "conv_shapes.h"
#include "conv_twin.h"
#include "kernels/tile.h"
#include "kernels/winograd_rows.h"

static double check_shape(kiln_conv_shape s, int bias, int relu, double limit)
{
    return check_conv(&kiln_winograd_rows, s, bias, relu, limit);
}

/* 3, 5 and 7 filter rows by 1 to 7 columns, every pad below both. */
static void every_filter_and_pad(void **state)
{
    (void)state;
    for (int HH = 3; HH <= 7; HH += 2)
        for (int WW = 1; WW <= 7; WW++)
            for (int pad = 0; pad < HH && pad < WW; pad++)
                check_shape(conv_shape(2, 3, 9, 8, 5, HH, WW, 1, pad), pad % 2,
                            WW % 2, 0);
}

/* Rows and columns padded apart. */
static void a_pad_for_each_side(void **state)
{
    (void)state;
    for (int pad_h = 0; pad_h < 5; pad_h++)
        for (int pad_w = 0; pad_w < 3; pad_w++)
            check_shape(conv_shape_padded(2, 3, 9, 8, 5, 5, 3, 1, pad_h, pad_w), 1, 0, 0);
}

static void every_size_of_image(void **state)
{
    (void)state;
    for (int HH = 3; HH <= 7; HH += 2)
        for (int size = HH - 2; size <= 13; size++)
            check_shape(conv_shape(3, 2, size, 14 - size, 4, HH, 3, 1, 1), 1, size % 2,
                        0);
}

static void every_number_of_channels(void **state)
{
    (void)state;
    for (int k = 1; k <= 2 * TILE_COLUMNS + 1; k++) {
        check_shape(conv_shape(1, k, 6, 7, 4, 5, 5, 1, 2), k % 2, 0, 0);
        check_shape(conv_shape(1, 3, 6, 7, k, 5, 5, 1, 2), 1, k % 2, 0);
    }
}

/* More strips than a block has. Of direct's error at most ten times; with 7 taps the 16 times that
 * their points foretell (toom_cook.h). */
static void shapes_of_the_nets(void **state)
{
    const kiln_conv_shape shapes[] = {
        conv_shape(6, 3, 32, 32, 16, 5, 5, 1, 2),
        conv_shape(8, 16, 16, 16, 20, 5, 5, 1, 2),
        conv_shape(17, 20, 8, 8, 20, 5, 5, 1, 2),
        conv_shape(5, 3, 32, 32, 32, 7, 7, 1, 3),
        conv_shape(50, 3, 32, 32, 32, 7, 7, 1, 3),
        conv_shape(4, 3, 32, 32, 32, 3, 3, 1, 1),
    };
    double worst = 0;

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const double ratio = check_shape(shapes[i], i % 2, i < 2, shapes[i].HH < 7 ? 10 : 16);

        if (ratio > worst) worst = ratio;
    }
    print_message("worst error, as a multiple of the direct kernel's: ratio %.2f\n", worst);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    check_conv_threads(&kiln_winograd_rows, conv_shape(17, 5, 11, 9, 20, 5, 3, 1, 2));
    check_conv_threads(&kiln_winograd_rows, conv_shape(9, 3, 18, 20, 10, 7, 7, 1, 3));
}

static void threads_have_scratch_of_their_own(void **state)
{
    (void)state;
    check_conv_scratch(&kiln_winograd_rows, conv_shape(2, 5, 11, 9, 20, 5, 3, 1, 2));
}

static void a_plan_serves_fewer_images(void **state)
{
    (void)state;
    check_conv_fewer(&kiln_winograd_rows, conv_shape(9, 5, 11, 9, 20, 5, 3, 1, 2));
}

static void where_it_fits(void **state)
{
    kiln_conv_shape s = conv_shape(1, 3, 32, 32, 16, 5, 5, 1, 2);

    (void)state;
    CHECK(kiln_winograd_rows.fits(&s));
    s.stride = 2;
    CHECK(!kiln_winograd_rows.fits(&s));
    s.stride = 1;
    s.pad_h = 5;
    CHECK(!kiln_winograd_rows.fits(&s));
    s.pad_h = 2, s.pad_w = 5;
    CHECK(!kiln_winograd_rows.fits(&s));
    s.pad_w = 2;
    s.HH = 4;
    CHECK(!kiln_winograd_rows.fits(&s));
    s.HH = 9;
    CHECK(!kiln_winograd_rows.fits(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_and_pad),
        cmocka_unit_test(a_pad_for_each_side),
        cmocka_unit_test(every_size_of_image),
        cmocka_unit_test(every_number_of_channels),
        cmocka_unit_test(shapes_of_the_nets),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(threads_have_scratch_of_their_own),
        cmocka_unit_test(a_plan_serves_fewer_images),
        cmocka_unit_test(where_it_fits),
    };
    return cmocka_run_group_tests_name("winograd_rows", tests, NULL, NULL);
}
