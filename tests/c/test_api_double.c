/*
 * The course's functions in double: the float functions agree with them, and what these refuse they
 * refuse too.
 */
#include "base/status.h"
#include "check.h"
#include "kiln.h"

enum { N = 3, C = 4, H = 5, W = 6, S = H * W, F = 2, G = 2, SIZE = N * C * S };

static float f[8][SIZE];
static double d[8][SIZE];

/* Arrays 0..7 of random numbers in -1..1, float and double alike. */
static void fill(void)
{
    for (int a = 0; a < 8; a++) {
        check_random(f[a], SIZE, (uint32_t)a + 1);
        for (int i = 0; i < SIZE; i++) d[a][i] = f[a][i];
    }
}

static void same(int a, int n)
{
    for (int i = 0; i < n; i++) CHECK_NEAR(f[a][i], d[a][i], 1e-4 * (1 + fabs(d[a][i])));
}

/* Calls a function by both names, and compares outputs 0, 1 and 2 of so many elements. */
#define BOTH(name, count0, count1, count2, floats, doubles)     \
    do {                                                        \
        fill();                                                 \
        assert_int_equal(kiln_layer_##name floats, KILN_OK);    \
        assert_int_equal(kiln_layer_##name##_double doubles, 0); \
        same(0, count0);                                        \
        same(1, count1);                                        \
        same(2, count2);                                        \
    } while (0)

static void layers_agree(void **state)
{
    (void)state;
    BOTH(affine_forward, N * 7, 0, 0, (f[0], f[3], f[4], f[5], N, 9, 7),
         (d[0], d[3], d[4], d[5], N, 9, 7));
    BOTH(affine_backward, N * 9, 9 * 7, 7, (f[0], f[1], f[2], f[3], f[4], f[5], N, 9, 7),
         (d[0], d[1], d[2], d[3], d[4], d[5], N, 9, 7));
    BOTH(relu_forward, SIZE, 0, 0, (f[0], f[3], SIZE), (d[0], d[3], SIZE));
    BOTH(relu_backward, SIZE, 0, 0, (f[0], f[3], f[4], SIZE), (d[0], d[3], d[4], SIZE));
    BOTH(conv_forward, N * F * 3 * 3, 0, 0,
         (f[0], f[3], f[4], f[5], N, C, H, W, F, 3, 3, 2, 1),
         (d[0], d[3], d[4], d[5], N, C, H, W, F, 3, 3, 2, 1));
    BOTH(conv_backward, SIZE, F * C * 9, F,
         (f[0], f[1], f[2], f[3], f[4], f[5], N, C, H, W, F, 3, 3, 2, 1),
         (d[0], d[1], d[2], d[3], d[4], d[5], N, C, H, W, F, 3, 3, 2, 1));
    BOTH(max_pool_forward, N * C * 2 * 2, 0, 0, (f[0], f[3], N, C, H, W, 2, 3, 2),
         (d[0], d[3], N, C, H, W, 2, 3, 2));
    BOTH(max_pool_backward, SIZE, 0, 0, (f[0], f[3], f[4], N, C, H, W, 2, 3, 2),
         (d[0], d[3], d[4], N, C, H, W, 2, 3, 2));
    BOTH(dropout_forward, SIZE, SIZE, 0, (f[0], f[1], f[3], SIZE, 0.6f, 7),
         (d[0], d[1], d[3], SIZE, 0.6, 7));
    BOTH(multiply, SIZE, 0, 0, (f[0], f[3], f[4], SIZE), (d[0], d[3], d[4], SIZE));
}

static void normalisations_agree(void **state)
{
    (void)state;
    for (int train = 0; train < 2; train++) {
        fill();
        for (int c = 0; c < C; c++) d[7][c] = f[7][c] = f[7][c] + 2; /* a running variance */
        assert_int_equal(kiln_layer_batchnorm_forward(f[0], f[1], f[2], f[6], f[7], f[3], f[4],
                                                      f[5], N, C, S, 1e-5f, 0.9, train), 0);
        assert_int_equal(kiln_layer_batchnorm_forward_double(d[0], d[1], d[2], d[6], d[7], d[3],
                                                             d[4], d[5], N, C, S, 1e-5, 0.9,
                                                             train), 0);
        same(0, SIZE);
        same(1, C);
        same(2, C);
        same(6, C);
        same(7, C);
    }
    BOTH(layernorm_forward, SIZE, N, N, (f[0], f[1], f[2], f[3], f[4], f[5], N, C * S, 1e-5f),
         (d[0], d[1], d[2], d[3], d[4], d[5], N, C * S, 1e-5));
    BOTH(groupnorm_forward, SIZE, N * G, N * G,
         (f[0], f[1], f[2], f[3], f[4], f[5], N, C, S, G, 1e-5f),
         (d[0], d[1], d[2], d[3], d[4], d[5], N, C, S, G, 1e-5));
}

/* Fills, and puts what forward keeps of x, array 4, into arrays 6 and 7. */
static void fill_cache(int kind)
{
    static double out[SIZE], mean[C] = {0}, var[C] = {0};

    fill();
    if (kind == 0)
        kiln_layer_batchnorm_forward_double(out, d[6], d[7], mean, var, d[4], d[5], d[5], N, C, S,
                                            1e-5, 0.9, 1);
    else if (kind == 1)
        kiln_layer_layernorm_forward_double(out, d[6], d[7], d[4], d[5], d[5], N, C * S, 1e-5);
    else
        kiln_layer_groupnorm_forward_double(out, d[6], d[7], d[4], d[5], d[5], N, C, S, G, 1e-5);
    for (int i = 0; i < N * C; i++) f[6][i] = (float)d[6][i], f[7][i] = (float)d[7][i];
}

static void their_gradients_agree(void **state)
{
    (void)state;
    for (int alt = 0; alt < 2; alt++) {
        fill_cache(0);
        assert_int_equal(kiln_layer_batchnorm_backward(f[0], f[1], f[2], f[3], f[4], f[5], f[6],
                                                       f[7], N, C, S, alt), 0);
        assert_int_equal(kiln_layer_batchnorm_backward_double(d[0], d[1], d[2], d[3], d[4], d[5],
                                                              d[6], d[7], N, C, S, alt), 0);
        same(0, SIZE);
        same(1, C);
        same(2, C);
    }
    fill_cache(1);
    assert_int_equal(kiln_layer_layernorm_backward(f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7],
                                                   N, C * S), 0);
    assert_int_equal(kiln_layer_layernorm_backward_double(d[0], d[1], d[2], d[3], d[4], d[5], d[6],
                                                          d[7], N, C * S), 0);
    same(0, SIZE);
    same(1, C * S);
    same(2, C * S);
    fill_cache(2);
    assert_int_equal(kiln_layer_groupnorm_backward(f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7],
                                                   N, C, S, G), 0);
    assert_int_equal(kiln_layer_groupnorm_backward_double(d[0], d[1], d[2], d[3], d[4], d[5], d[6],
                                                          d[7], N, C, S, G), 0);
    same(0, SIZE);
    same(1, C);
    same(2, C);
}

static void losses_and_rules_agree(void **state)
{
    static const int y[N] = {0, 9, 4};
    double a, b;

    (void)state;
    BOTH(softmax_loss, N * 10, 0, 0, (&a, f[0], f[3], y, N, 10, 0.1f),
         (&b, d[0], d[3], y, N, 10, 0.1));
    CHECK_NEAR(a, b, 1e-5);
    BOTH(svm_loss, N * 10, 0, 0, (&a, f[0], f[3], y, N, 10), (&b, d[0], d[3], y, N, 10));
    CHECK_NEAR(a, b, 1e-5);
    BOTH(sgd, SIZE, 0, 0, (f[0], f[3], SIZE, 0.1f), (d[0], d[3], SIZE, 0.1));
    BOTH(sgd_momentum, SIZE, SIZE, 0, (f[0], f[3], f[1], SIZE, 0.1f, 0.9f),
         (d[0], d[3], d[1], SIZE, 0.1, 0.9));
    for (int i = 0; i < SIZE; i++) CHECK(d[0][i] != 0);
    for (int t = 1; t < 4; t += 2) {
        fill();
        for (int i = 0; i < SIZE; i++) d[2][i] = f[2][i] = fabsf(f[2][i]); /* squares */
        assert_int_equal(kiln_layer_rmsprop(f[0], f[3], f[2], SIZE, 0.1f, 0.99, 1e-8f), 0);
        assert_int_equal(kiln_layer_rmsprop_double(d[0], d[3], d[2], SIZE, 0.1, 0.99, 1e-8), 0);
        same(0, SIZE);
        same(2, SIZE);
        assert_int_equal(
            kiln_layer_adam(f[0], f[3], f[1], f[2], SIZE, 0.1f, 0.9, 0.999, 1e-8f, t), 0);
        assert_int_equal(
            kiln_layer_adam_double(d[0], d[3], d[1], d[2], SIZE, 0.1, 0.9, 0.999, 1e-8, t), 0);
        same(0, SIZE);
        same(1, SIZE);
        same(2, SIZE);
    }
}

static void refused(int result, int status, const char *sentence)
{
    if (result != status || !strstr(kiln_error(), sentence))
        CHECK_FAIL("%d, \"%s\"", result, kiln_error());
}

static void what_is_refused(void **state)
{
    static const int y[1] = {3};

    (void)state;
    refused(kiln_layer_affine_forward_double(d[0], d[1], d[2], d[3], 0, 1, 1), KILN_E_SHAPE, "N");
    refused(kiln_layer_affine_forward_double(d[0], d[1], NULL, d[3], 1, 1, 1), KILN_E_ARG,
            "an array is missing");
    refused(kiln_layer_conv_forward_double(d[0], d[1], d[2], d[3], 1, 1, 2, 2, 1, 3, 3, 1, 0),
            KILN_E_SHAPE, "3x3 filter");
    refused(kiln_layer_max_pool_forward_double(d[0], d[1], 1, 1, 2, 2, 3, 3, 1), KILN_E_SHAPE,
            "3x3 window");
    refused(kiln_layer_groupnorm_forward_double(d[0], d[1], d[2], d[3], d[4], d[5], 1, 4, 1, 3, 0),
            KILN_E_SHAPE, "3 groups");
    refused(kiln_layer_dropout_forward_double(d[0], d[1], d[2], 4, 0, 1), KILN_E_ARG, "keep");
    refused(kiln_layer_softmax_loss_double(d[0], d[1], d[2], y, 1, 3, 0), KILN_E_ARG, "label 3");
    refused(kiln_layer_adam_double(d[0], d[1], d[2], d[3], 4, 0.1, 1, 0.9, 0, 1), KILN_E_ARG,
            "beta1");
    refused(kiln_layer_rmsprop_double(d[0], d[1], d[2], 4, NAN, 0.9, 0), KILN_E_ARG, "rate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_agree),
        cmocka_unit_test(normalisations_agree),
        cmocka_unit_test(their_gradients_agree),
        cmocka_unit_test(losses_and_rules_agree),
        cmocka_unit_test(what_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
