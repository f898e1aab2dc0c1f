/*
 * kernels/winograd against naive loops in double. A transform mixes the outputs of a tile, so an
 * output's error is measured by the largest magnitude around, not by its own: (k + 4) epsilon of it
 * for every size and tail. For shapes of nets also the bound: at most ten times the worst
 * error of direct float convolution.
 */
#include <float.h>

#include "base/threads.h"
#include "check.h"
#include "kernels/tile.h"
#include "kernels/winograd.h"
#include "ref/ref_kernels.h"

typedef struct {
    size_t x, w, out;
} sizes;

static sizes sizes_of(const kiln_conv_shape *s)
{
    return (sizes){(size_t)s->N * s->H * s->W * s->C, (size_t)s->F * s->C * s->HH * s->WW,
                   (size_t)s->N * s->OH * s->OW * s->F};
}

static double worst_error(const float *actual, const double *expected, size_t n)
{
    double worst = 0;

    for (size_t i = 0; i < n; i++) {
        const double off = fabs(actual[i] - expected[i]);

        if (!(off <= worst)) worst = off; /* a NaN too */
    }
    return worst;
}

typedef struct {
    kiln_conv_shape s;
    float *x, *w, *b, *dout, *work, *direct;
    double *expected, *magnitude;
} problem;

static problem make(kiln_conv_shape s)
{
    problem p = {.s = s};

    CHECK(kiln_conv_shape_finish(&p.s));

    const sizes n = sizes_of(&p.s);
    const size_t most = n.x > n.out ? (n.x > n.w ? n.x : n.w) : (n.out > n.w ? n.out : n.w);
    const size_t direct = kiln_conv_work(&p.s), winograd = kiln_winograd_work(&p.s);

    p.x = check_floats_at(n.x, 1);
    p.w = check_floats_at(n.w, 3);
    p.b = check_floats_at((size_t)s.F, 1);
    p.dout = check_floats_at(n.out, 2);
    p.work = check_floats(direct > winograd ? direct : winograd);
    p.direct = check_floats(most);
    p.expected = malloc(most * sizeof *p.expected);
    p.magnitude = malloc(most * sizeof *p.magnitude);
    check_random(p.x, n.x, 1);
    check_random(p.w, n.w, 2);
    check_random(p.b, (size_t)s.F, 3);
    check_random(p.dout, n.out, 4);
    return p;
}

static void release(problem *p)
{
    check_free(p->x);
    check_free(p->w);
    check_free(p->b);
    check_free(p->dout);
    check_free(p->work);
    check_free(p->direct);
    free(p->expected);
    free(p->magnitude);
}

static double worst_ratio;

/* `terms` were added for each of n results; `direct` too has them. */
static void compare(const problem *p, const float *actual, size_t n, double terms, int of_a_net,
                    const char *what)
{
    const double ours = worst_error(actual, p->expected, n),
                 direct = worst_error(p->direct, p->expected, n);
    double largest = 0;

    for (size_t i = 0; i < n; i++)
        if (p->magnitude[i] > largest) largest = p->magnitude[i];
    if (!(ours <= (terms + 4) * FLT_EPSILON * largest) || (of_a_net && !(ours <= 10 * direct)))
        CHECK_FAIL("%s of (%d, %d, %d, %d), %d filters, pad %d: worst error %.3g, direct %.3g",
                   what, p->s.N, p->s.H, p->s.W, p->s.C, p->s.F, p->s.pad, ours, direct);
    if (of_a_net && ours / direct > worst_ratio) worst_ratio = ours / direct;
}

static void check_shape(kiln_conv_shape s, int bias, int relu)
{
    problem p = make(s);
    const int net = kiln_winograd_fits(&p.s);
    const sizes n = sizes_of(&p.s);
    float *out = check_floats_at(n.out, 1), *dx = check_floats_at(n.x, 2),
          *dw = check_floats_at(n.w, 1);
    const float *b = bias ? p.b : NULL;

    ref_conv_forward(p.expected, p.magnitude, p.x, p.w, b, &p.s);
    for (size_t i = 0; relu && i < n.out; i++)
        if (p.expected[i] < 0) p.expected[i] = 0;
    kiln_conv_forward(p.direct, p.x, p.w, b, &p.s, relu, p.work);
    kiln_winograd_forward(out, p.x, p.w, b, &p.s, relu, p.work);
    compare(&p, out, n.out, 9.0 * s.C, net, "forward");

    ref_conv_dx(p.expected, p.magnitude, p.dout, p.w, &p.s);
    kiln_conv_dx(p.direct, p.dout, p.w, &p.s, p.work);
    kiln_winograd_dx(dx, p.dout, p.w, &p.s, p.work);
    compare(&p, dx, n.x, 9.0 * s.F, net, "dx");

    ref_conv_dw(p.expected, p.magnitude, p.dout, p.x, &p.s);
    kiln_conv_dw(p.direct, p.dout, p.x, &p.s, p.work);
    kiln_winograd_dw(dw, p.dout, p.x, &p.s, p.work);
    compare(&p, dw, n.w, (double)s.N * p.s.OH * p.s.OW, net, "dw");

    check_free(out);
    check_free(dx);
    check_free(dw);
    release(&p);
}

static void every_size_of_image(void **state)
{
    (void)state;
    for (int size = 1; size <= 13; size++)
        for (int pad = 0; pad <= 2; pad++)
            if (size + 2 * pad >= 3 && 14 - size + 2 * pad >= 3)
                check_shape((kiln_conv_shape){2, 5, size, 14 - size, 6, 3, 3, 1, pad, 0, 0}, 1,
                            size % 2);
}

static void every_number_of_channels(void **state)
{
    (void)state;
    for (int k = 1; k <= 2 * TILE_COLUMNS + 1; k++) {
        check_shape((kiln_conv_shape){1, k, 6, 7, 4, 3, 3, 1, 1, 0, 0}, k % 2, 0);
        check_shape((kiln_conv_shape){1, 3, 6, 7, k, 3, 3, 1, 1, 0, 0}, 1, k % 2);
    }
}

/* More tiles than a block has. */
static void shapes_of_the_nets(void **state)
{
    (void)state;
    check_shape((kiln_conv_shape){3, 32, 32, 32, 32, 3, 3, 1, 1, 0, 0}, 1, 1);
    check_shape((kiln_conv_shape){5, 32, 16, 16, 64, 3, 3, 1, 1, 0, 0}, 1, 0);
    check_shape((kiln_conv_shape){20, 64, 8, 8, 48, 3, 3, 1, 1, 0, 0}, 0, 0);
    print_message("worst error, as a multiple of the direct kernel's: ratio %.2f\n", worst_ratio);
}

static void threads_do_not_change_a_bit(void **state)
{
    problem p = make((kiln_conv_shape){17, 17, 11, 9, 20, 3, 3, 1, 1, 0, 0});
    const sizes n = sizes_of(&p.s);
    float *one = check_floats(n.out + n.x + n.w), *many = check_floats(n.out + n.x + n.w);

    (void)state;
    for (int threads = 1; threads <= 8; threads *= 2) {
        float *to = threads == 1 ? one : many;

        CHECK(kiln_threads_set(threads) >= 1);
        check_free(p.work);
        p.work = check_floats(kiln_winograd_work(&p.s));
        kiln_winograd_forward(to, p.x, p.w, p.b, &p.s, 1, p.work);
        kiln_winograd_dx(to + n.out, p.dout, p.w, &p.s, p.work);
        kiln_winograd_dw(to + n.out + n.x, p.dout, p.x, &p.s, p.work);
        if (threads > 1) CHECK_SAME_BITS(many, one, n.out + n.x + n.w);
    }
    CHECK(kiln_threads_set(1) == 1);
    check_free(one);
    check_free(many);
    release(&p);
}

static void where_it_fits(void **state)
{
    kiln_conv_shape s = {1, 64, 16, 16, 64, 3, 3, 1, 1, 16, 16};

    (void)state;
    CHECK(kiln_winograd_fits(&s));
    s.stride = 2;
    CHECK(!kiln_winograd_fits(&s));
    s.stride = 1;
    s.C = 3;
    CHECK(!kiln_winograd_fits(&s));
    s.C = 64;
    s.HH = 5;
    CHECK(!kiln_winograd_fits(&s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_of_image),
        cmocka_unit_test(every_number_of_channels),
        cmocka_unit_test(shapes_of_the_nets),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(where_it_fits),
    };
    return cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
}
