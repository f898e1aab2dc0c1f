/*
 * api_layers: the course's functions in the course's layout against the twins, its fixed numbers
 * for the update rules, and a sentence for everything that does not fit.
 */
#include "base/arena.h"
#include "conv_shapes.h"
#include "kiln.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

#define OK(call) CHECK((call) == KILN_OK)
#define REFUSED(call, status, part)                                                                \
    do {                                                                                           \
        CHECK((call) == (status));                                                                 \
        if (!strstr(kiln_error(), part)) CHECK_FAIL("says: %s", kiln_error());                     \
    } while (0)

/* n values evenly from a to b, as numpy's linspace. */
static float *linspace(double a, double b, int n)
{
    float *x = blank(n);

    for (int i = 0; i < n; i++) x[i] = (float)(a + (b - a) * i / (n - 1));
    return x;
}

/* (N, C, S) to (N, S, C), or back with C and S exchanged. */
static double *transposed(const double *x, int N, int C, int S)
{
    double *out = doubles((size_t)N * C * S);

    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) out[(n * S + s) * C + c] = x[(n * C + c) * S + s];
    return out;
}

/* ---- layers ---------------------------------------------------------------------------------- */

static void affine_and_relu(void **state)
{
    float *x = linspace(-0.1, 0.5, 240), *w = linspace(-0.2, 0.3, 360), *b = linspace(-0.3, 0.1, 3);
    float *out = blank(6), *dx = blank(240), *dw = blank(360), *db = blank(3), *dout = randoms(6);
    double *rdx = doubles(240), *rdw = doubles(360), *rdb = doubles(3);

    (void)state;
    OK(kiln_layer_affine_forward(out, x, w, b, 2, 120, 3));
    CHECK_NEAR(out[0], 1.49834967, 2e-6);
    CHECK_NEAR(out[5], 3.77273342, 4e-6);
    ref_affine_backward(rdx, rdw, rdb, widened(dout, 6), widened(x, 240), widened(w, 360), 2, 120,
                        3);
    OK(kiln_layer_affine_backward(dx, dw, db, dout, x, w, 2, 120, 3));
    CHECK_RELATIVE(dx, rdx, 240, 1e-6);
    CHECK_RELATIVE(dw, rdw, 360, 1e-6);
    CHECK_RELATIVE(db, rdb, 3, 1e-6);
    OK(kiln_layer_relu_forward(dx, x, 240));
    CHECK(dx[0] == 0 && dx[239] == 0.5f);
    OK(kiln_layer_relu_backward(dx, w, x, 240));
    CHECK(dx[0] == 0 && dx[239] == w[239]);
    numeric_done();
}

static void conv_is_the_course_s(void **state)
{
    float *x = linspace(-0.1, 0.5, 96), *w = linspace(-0.2, 0.3, 144), *b = linspace(-0.1, 0.2, 3);
    float *out = blank(24), *dx = blank(96), *dw = blank(144), *db = blank(3), *dout = randoms(24);
    const kiln_conv_shape s = conv_shape(2, 3, 4, 4, 3, 4, 4, 2, 1);
    double *rdx = doubles(96), *rdw = doubles(144), *rdb = doubles(3);

    (void)state;
    OK(kiln_layer_conv_forward(out, x, w, b, 2, 3, 4, 4, 3, 4, 4, 2, 1));
    CHECK_NEAR(out[0], -0.08759809, 1e-6);
    CHECK_NEAR(out[23], 2.38247847, 1e-6);
    ref_conv2d_backward(rdx, rdw, rdb, transposed(widened(dout, 24), 2, 3, 4),
                        transposed(widened(x, 96), 2, 3, 16), widened(w, 144), &s);
    OK(kiln_layer_conv_backward(dx, dw, db, dout, x, w, 2, 3, 4, 4, 3, 4, 4, 2, 1));
    CHECK_RELATIVE(dx, transposed(rdx, 2, 16, 3), 96, 1e-6);
    CHECK_RELATIVE(dw, rdw, 144, 1e-6);
    CHECK_RELATIVE(db, rdb, 3, 1e-6);
    numeric_done();
}

static void max_pool_is_the_course_s(void **state)
{
    float *x = linspace(-0.3, 0.4, 96), *out = blank(24), *dout = randoms(24), *dx = blank(96);
    double sum = 0;

    (void)state;
    OK(kiln_layer_max_pool_forward(out, x, 2, 3, 4, 4, 2, 2, 2));
    CHECK_NEAR(out[0], -0.26315789, 4e-8);
    CHECK_NEAR(out[23], 0.4, 4e-8);
    OK(kiln_layer_max_pool_backward(dx, dout, x, 2, 3, 4, 4, 2, 2, 2));
    CHECK(dx[5] == dout[0] && dx[95] == dout[23] && dx[0] == 0);
    for (int i = 0; i < 96; i++) sum += dx[i];
    for (int i = 0; i < 24; i++) sum -= dout[i];
    CHECK_NEAR(sum, 0, 1e-6);
    numeric_done();
}

/* Spatial, and plain with S = 1: the same function of the same numbers in two layouts. */
static void batchnorm_both_ways(void **state)
{
    enum { N = 3, C = 4, S = 6, SIZE = N * C * S };
    float *x = randoms(SIZE), *gamma = randoms(C), *beta = randoms(C), *dout = randoms(SIZE);
    float *out = blank(SIZE), *dx = blank(SIZE), *dgamma = blank(C), *dbeta = blank(C);
    float *mean = blank(C), *inv_std = blank(C), *running_mean = blank(C), *running_var = blank(C);
    double *ref = doubles(SIZE), *rdx = doubles(SIZE), *rmean = doubles(C), *rinv = doubles(C);
    double *rdgamma = doubles(C), *rdbeta = doubles(C);

    (void)state;
    for (int plain = 0; plain < 2; plain++) {
        const int rows = plain ? N * S : N, positions = plain ? 1 : S;
        double *xs = widened(x, SIZE), *douts = widened(dout, SIZE);

        if (!plain) xs = transposed(xs, N, C, S), douts = transposed(douts, N, C, S);
        ref_batchnorm_forward(ref, rmean, rinv, xs, widened(gamma, C), widened(beta, C), N * S, C,
                              1e-5);
        ref_batchnorm_backward(rdx, rdgamma, rdbeta, douts, xs, widened(gamma, C), rmean, rinv,
                               N * S, C);
        for (int c = 0; c < C; c++) running_mean[c] = 0, running_var[c] = 0;
        OK(kiln_layer_batchnorm_forward(out, mean, inv_std, running_mean, running_var, x, gamma,
                                        beta, rows, C, positions, 1e-5f, 0.9f, 1));
        CHECK_RELATIVE(out, plain ? ref : transposed(ref, N, S, C), SIZE, 1e-5);
        for (int c = 0; c < C; c++) CHECK_NEAR(running_mean[c], 0.1 * rmean[c], 1e-6);
        for (int alt = 0; alt < 2; alt++) {
            OK(kiln_layer_batchnorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, rows,
                                             C, positions, alt));
            CHECK_RELATIVE(dx, plain ? rdx : transposed(rdx, N, S, C), SIZE, 1e-4);
            CHECK_RELATIVE(dgamma, rdgamma, C, 1e-4);
            CHECK_RELATIVE(dbeta, rdbeta, C, 1e-4);
        }
        for (int c = 0; c < C; c++) running_mean[c] = (float)rmean[c], running_var[c] = 0.25f;
        OK(kiln_layer_batchnorm_forward(out, mean, inv_std, running_mean, running_var, x, gamma,
                                        beta, rows, C, positions, 1e-5f, 0.9f, 0));
        CHECK_NEAR(inv_std[0], 1 / sqrt(0.25001), 1e-6);
        CHECK_NEAR(out[0], gamma[0] * (x[0] - mean[0]) * inv_std[0] + beta[0], 1e-6);
        CHECK(running_var[0] == 0.25f);
    }
    numeric_done();
}

static void layernorm_and_groupnorm(void **state)
{
    enum { N = 3, C = 4, S = 6, G = 2, SIZE = N * C * S };
    float *x = randoms(SIZE), *gamma = randoms(C * S), *beta = randoms(C * S),
          *dout = randoms(SIZE);
    float *out = blank(SIZE), *dx = blank(SIZE), *dgamma = blank(C * S), *dbeta = blank(C * S);
    float *mean = blank(N * G), *inv_std = blank(N * G);
    double *ref = doubles(SIZE), *rdx = doubles(SIZE), *rmean = doubles(N * G),
           *rinv = doubles(N * G);
    double *rdgamma = doubles(C * S), *rdbeta = doubles(C * S);
    double *xs = widened(x, SIZE), *gs = widened(gamma, C * S), *bs = widened(beta, C * S);
    double *douts = widened(dout, SIZE);

    (void)state;
    ref_layernorm_forward(ref, rmean, rinv, xs, gs, bs, N, C * S, 1e-5);
    ref_layernorm_backward(rdx, rdgamma, rdbeta, douts, xs, gs, rmean, rinv, N, C * S);
    OK(kiln_layer_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, C * S, 1e-5f));
    OK(kiln_layer_layernorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, C * S));
    CHECK_RELATIVE(out, ref, SIZE, 1e-5);
    CHECK_RELATIVE(dx, rdx, SIZE, 1e-4);
    CHECK_RELATIVE(dgamma, rdgamma, C * S, 1e-4);
    CHECK_RELATIVE(dbeta, rdbeta, C * S, 1e-4);

    xs = transposed(xs, N, C, S), douts = transposed(douts, N, C, S);
    ref_groupnorm_forward(ref, rmean, rinv, xs, gs, bs, N, S, C, G, 1e-5);
    ref_groupnorm_backward(rdx, rdgamma, rdbeta, douts, xs, gs, rmean, rinv, N, S, C, G);
    OK(kiln_layer_groupnorm_forward(out, mean, inv_std, x, gamma, beta, N, C, S, G, 1e-5f));
    OK(kiln_layer_groupnorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, C, S, G));
    CHECK_RELATIVE(out, transposed(ref, N, S, C), SIZE, 1e-5);
    CHECK_RELATIVE(dx, transposed(rdx, N, S, C), SIZE, 1e-4);
    CHECK_RELATIVE(dgamma, rdgamma, C, 1e-4);
    CHECK_RELATIVE(dbeta, rdbeta, C, 1e-4);
    numeric_done();
}

static void dropout_keeps_what_its_mask_says(void **state)
{
    enum { n = 4000 };
    float *x = randoms(n), *out = blank(n), *mask = blank(n), *again = blank(n);
    double kept = 0;

    (void)state;
    OK(kiln_layer_dropout_forward(out, mask, x, n, 0.25f, 123));
    OK(kiln_layer_dropout_forward(again, again, x, n, 1, 9));
    for (int i = 0; i < n; i++) {
        CHECK(mask[i] == 0 || mask[i] == 4);
        CHECK(out[i] == x[i] * mask[i] && again[i] == x[i]);
        kept += mask[i] != 0;
    }
    CHECK_NEAR(kept / n, 0.25, 6 * sqrt(0.25 * 0.75 / n));
    OK(kiln_layer_dropout_forward(again, mask, x, n, 0.25f, 123));
    CHECK_SAME_BITS(again, out, n); /* the seed repeats it */
    OK(kiln_layer_multiply(again, x, mask, n));
    CHECK_SAME_BITS(again, out, n);
    numeric_done();
}

static void losses(void **state)
{
    const float s[6] = {1, 2, 3, 0, 0, 0};
    const int y[2] = {2, 0};
    float dx[6];
    double loss, expected, rds[6];

    (void)state;
    expected = ref_softmax_loss(rds, widened(s, 6), y, 2, 3, 0.1f);
    OK(kiln_layer_softmax_loss(&loss, dx, s, y, 2, 3, 0.1f));
    CHECK_NEAR(loss, expected, 1e-6);
    CHECK_RELATIVE(dx, rds, 6, 1e-6);
    OK(kiln_layer_svm_loss(&loss, dx, s, y, 2, 3));
    CHECK_NEAR(loss, 1, 1e-7); /* row 0 misses nothing; row 1 misses 1 + 1, over two rows */
    numeric_done();
}

/* ---- update rules: cs231n assignment 2, FullyConnectedNets ----------------------------------- */

static void check_ends(const float *x, double first, double second, double last)
{
    CHECK_NEAR(x[0], first, 1e-7);
    CHECK_NEAR(x[1], second, 1e-7);
    CHECK_NEAR(x[19], last, 1.5e-7);
}

static void course_update_rules(void **state)
{
    float *w = linspace(-0.4, 0.6, 20), *dw = linspace(-0.6, 0.4, 20), *v = linspace(0.6, 0.9, 20),
          *m;

    (void)state;
    OK(kiln_layer_sgd_momentum(w, dw, v, 20, 1e-3f, 0.9f));
    check_ends(w, 0.1406, 0.20738947, 1.4096);
    check_ends(v, 0.5406, 0.55475789, 0.8096);

    w = linspace(-0.4, 0.6, 20), v = linspace(0.6, 0.9, 20);
    OK(kiln_layer_rmsprop(w, dw, v, 20, 1e-2f, 0.99f, 1e-8f));
    check_ends(w, -0.39223849, -0.34037513, 0.59576619);
    check_ends(v, 0.5976, 0.6126277, 0.8926);

    w = linspace(-0.4, 0.6, 20), m = linspace(0.6, 0.9, 20), v = linspace(0.7, 0.5, 20);
    OK(kiln_layer_adam(w, dw, m, v, 20, 1e-2f, 0.9f, 0.999f, 1e-8f,
                       6)); /* t 5, raised before use */
    check_ends(w, -0.40094747, -0.34836187, 0.59801459);
    check_ends(m, 0.48, 0.49947368, 0.85);
    check_ends(v, 0.69966, 0.68908382, 0.49966);

    w = linspace(-0.4, 0.6, 20);
    OK(kiln_layer_sgd(w, dw, 20, 0.1f));
    CHECK_NEAR(w[0], -0.34, 1e-7);
    numeric_done();
}

/* ---- the door -------------------------------------------------------------------------------- */

static void refuses_what_does_not_fit(void **state)
{
    float a[64] = {0}, b[64] = {0};
    double loss;

    (void)state;
    REFUSED(kiln_layer_affine_forward(a, b, b, b, 0, 1, 1), KILN_E_SHAPE, "affine: N is 0");
    REFUSED(kiln_layer_affine_forward(a, b, b, b, 1, -3, 1), KILN_E_SHAPE, "affine: D is -3");
    REFUSED(kiln_layer_affine_forward(a, NULL, b, b, 1, 1, 1), KILN_E_ARG, "missing");
    REFUSED(kiln_layer_affine_forward(a, b, b, b, 1 << 20, 1 << 20, 1), KILN_E_SHAPE,
            "1099511627776");
    REFUSED(kiln_layer_relu_forward(a, b, -1), KILN_E_SHAPE, "relu: n is -1");
    REFUSED(kiln_layer_relu_backward(a, b, b, 1 << 30), KILN_E_SHAPE, "limit");
    REFUSED(kiln_layer_conv_forward(a, b, b, b, 1, 1, 2, 2, 1, 3, 3, 1, 0), KILN_E_SHAPE,
            "conv: a 3x3 filter does not fit the 2x2 image with pad 0");
    REFUSED(kiln_layer_conv_forward(a, b, b, b, 1, 1, 4, 4, 1, 3, 3, 0, 0), KILN_E_SHAPE,
            "stride is 0");
    REFUSED(kiln_layer_conv_forward(a, b, b, b, 1, 1, 4, 4, 1, 3, 3, 1, -1), KILN_E_ARG,
            "pad is -1");
    REFUSED(kiln_layer_conv_backward(a, a, a, b, b, b, 1, 1, 4, 4, 1, 3, 3, 1, 1 << 30), KILN_E_ARG,
            "pad");
    REFUSED(kiln_layer_conv_forward(a, b, b, b, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, 1, 3, 3,
                                    1, 0),
            KILN_E_SHAPE, "limit");
    REFUSED(kiln_layer_max_pool_forward(a, b, 1, 1, 4, 4, 5, 2, 2), KILN_E_SHAPE, "5x2 window");
    REFUSED(kiln_layer_max_pool_backward(a, b, b, 1, 1, 4, 4, 2, 2, -2), KILN_E_SHAPE,
            "stride is -2");
    REFUSED(kiln_layer_batchnorm_forward(a, a, a, a, a, b, b, b, 2, 3, 0, 1e-5f, 0.9f, 1),
            KILN_E_SHAPE, "S = H*W is 0");
    REFUSED(kiln_layer_batchnorm_forward(a, a, a, a, a, b, b, b, 2, 3, 1, -1, 0.9f, 1), KILN_E_ARG,
            "eps");
    REFUSED(kiln_layer_batchnorm_forward(a, a, a, a, a, b, b, b, 2, 3, 1, 1e-5f, 1.5f, 1),
            KILN_E_ARG, "momentum is 1.5");
    REFUSED(kiln_layer_layernorm_forward(a, a, a, b, b, b, 2, 3, NAN), KILN_E_ARG, "eps");
    REFUSED(kiln_layer_groupnorm_forward(a, a, a, b, b, b, 2, 6, 1, 4, 1e-5f), KILN_E_SHAPE,
            "4 groups do not divide 6 channels");
    REFUSED(kiln_layer_dropout_forward(a, a, b, 4, 0, 1), KILN_E_ARG, "keep");
    REFUSED(kiln_layer_dropout_forward(a, a, b, 4, 1.5f, 1), KILN_E_ARG, "keep");
    REFUSED(kiln_layer_softmax_loss(&loss, a, b, (int[]){0, 3}, 2, 3, 0), KILN_E_ARG,
            "label 3 of row 1 is not in 0..2");
    REFUSED(kiln_layer_softmax_loss(&loss, a, b, (int[]){0}, 1, 3, 1), KILN_E_ARG, "smoothing");
    REFUSED(kiln_layer_svm_loss(&loss, a, b, (int[]){-1}, 1, 3), KILN_E_ARG, "label -1 of row 0");
    REFUSED(kiln_layer_sgd(a, b, 4, NAN), KILN_E_ARG, "learning rate");
    REFUSED(kiln_layer_adam(a, b, a, a, 4, 1, 0.9f, 1, 1e-8f, 1), KILN_E_ARG, "beta2");
    REFUSED(kiln_layer_adam(a, b, a, a, 4, 1, 0.9f, 0.9f, 1e-8f, 0), KILN_E_SHAPE, "t is 0");
}

static void scratch_that_does_not_fit_is_refused_and_none_is_lost(void **state)
{
    float *x = randoms(1000), *w = randoms(1000), *out = blank(1000), *b = randoms(10);
    const size_t limit = kiln_memory_limit();

    (void)state;
    kiln_memory_limit_set(64);
    REFUSED(kiln_layer_affine_forward(out, x, w, b, 10, 100, 10), KILN_E_MEMORY, "affine needs");
    kiln_memory_limit_set(limit);
    OK(kiln_layer_affine_forward(out, x, w, b, 10, 100, 10));
    CHECK(kiln_arena_live() == 0);
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(affine_and_relu),
        cmocka_unit_test(conv_is_the_course_s),
        cmocka_unit_test(max_pool_is_the_course_s),
        cmocka_unit_test(batchnorm_both_ways),
        cmocka_unit_test(layernorm_and_groupnorm),
        cmocka_unit_test(dropout_keeps_what_its_mask_says),
        cmocka_unit_test(losses),
        cmocka_unit_test(course_update_rules),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(scratch_that_does_not_fit_is_refused_and_none_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
