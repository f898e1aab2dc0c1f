/*
 * Gradients: every layer of a net against its double twin, and whole nets against numeric gradients
 * of the same net in double.
 */
#include "base/status.h"
#include "check.h"
#include "net/gradcheck.h"
#include "net_twin.h"

static kiln_net_options options(int C, int H, int W)
{
    kiln_net_options o;

    kiln_net_options_default(&o);
    o.C = C, o.H = H, o.W = W;
    o.seed = check_seed();
    return o;
}

static void check_layers(const char *notation, int C, int H, int W)
{
    const kiln_net_options o = options(C, H, W);
    kiln_net *net = NULL;

    if (kiln_gradcheck_make(&net, notation, &o) < 0) CHECK_FAIL("%s: %s", notation, kiln_error());
    for (int l = 0; l < kiln_net_plan(net)->count; l++) {
        kiln_gradcheck_row row[KILN_GRADCHECK_ROWS];
        const int rows = kiln_gradcheck_layer(net, l, row);

        if (rows < 0) CHECK_FAIL("%s", kiln_error());
        for (int i = 0; i < rows; i++) {
            const char *name = kiln_net_plan(net)->layer[l].name;

            CHECK(row[i].entries > 0);
            if (!(row[i].error < 1e-3))
                CHECK_FAIL("%s: %s of %s is wrong by %g", notation, row[i].tensor, name,
                           row[i].error);
        }
    }
    kiln_net_free(net);
}

static void layers(void **state)
{
    (void)state;
    check_layers("conv 3x3x8 - relu - maxpool 2 - conv 5x5x6 stride 2 - leakyrelu 0.1 - avgpool 2 "
                 "- affine 7 - tanh - dropout 0.3 - affine 10 - svm",
                 3, 17, 19);
    check_layers("conv 3x3x2 - batchnorm - relu - maxpool 2 - affine 4 - softmax", 2, 6, 6);
    check_layers("conv 3x3x8 - batchnorm - residual(gelu - conv 3x3x8 - groupnorm 4 - relu | "
                 "sigmoid - conv 1x1x8) - residual(layernorm - tanh) - conv 4x3x5 stride 3 pad 2 - "
                 "avgpool - affine 12 - batchnorm - relu - affine 12 - layernorm - affine 10 - "
                 "softmax smoothing 0.1",
                 3, 12, 10);
}

/* Kinds that came later, one after another. */
static void later_kinds(void **state)
{
    (void)state;
    check_layers("scale 2.5 - conv 3x3x4 - residual(scale 0.3 | conv 1x1x4) - affine 10 - "
                 "scale 0.5 - softmax",
                 3, 7, 6);
    check_layers("prelu - conv 3x3x4 - prelu - residual(conv 3x3x4 - prelu | prelu) - affine 9 - "
                 "prelu - affine 10 - softmax",
                 3, 7, 6);
    check_layers("affine 9 nobias - relu - affine 8 nobias - affine 10 nobias - svm", 3, 5, 4);
    check_layers("conv 3x3x4 nobias - relu - conv 5x5x6 nobias - maxpool 2 - conv 3x3x32 nobias - "
                 "conv 3x3x16 nobias - conv 2x2x5 stride 2 nobias - affine 10 - softmax",
                 3, 14, 15);
    check_layers("batchnorm fixed - conv 3x3x4 - batchnorm fixed - relu - affine 9 - "
                 "batchnorm fixed - affine 10 - softmax",
                 3, 7, 6);
    check_layers("whiten 2x2 - gelu - conv 3x3x4 nobias - maxpool 2 - batchnorm fixed momentum 0.6 "
                 "- gelu - affine 10 nobias - scale 0.1 - softmax smoothing 0.2",
                 3, 7, 6);
    check_layers("whiten 2x2 nobias - gelu - affine 10 - softmax", 3, 7, 6);
    check_layers("conv 3x5x4 - relu - conv 5x1x4 stride 2 - conv 2x3x4 - affine 10 - svm", 3, 7, 6);
    check_layers("conv 3x3x4 - relu - conv 3x3x8 stride 65536 - affine 10 - softmax", 3, 2, 2);
    check_layers("conv 3x3x4 - silu - residual(silu - conv 3x3x4) - affine 9 - silu - affine 10 - "
                 "softmax",
                 3, 7, 6);
}

/* Winograd's kernel has a backward pass of its own. */
static void layers_with_many_channels(void **state)
{
    (void)state;
    check_layers("conv 3x3x32 - relu - conv 3x3x32 - relu - conv 3x3x48 - avgpool - affine 10 - "
                 "softmax",
                 16, 16, 16);
}

/* Biases of 0 put pixels that a relu made 0 on the corner of the next. */
static void move_off_corners(kiln_net *net)
{
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);
        float random[64];

        if (!t->parameter || t->regularised) continue;
        CHECK(t->size <= 64);
        check_random(random, (size_t)t->size, 100 + (uint32_t)i);
        for (int k = 0; k < t->size; k++) t->data[k] += 0.1f * random[k];
    }
}

/*
 * The analytic gradient of a whole net in float against (f(v + h) - f(v - h)) / 2h in double, at
 * ten entries of each parameter. Errors are measured against the net's largest gradient, because
 * some are nought by nature (a bias before batchnorm).
 */
static void check_net(const char *notation, double h, double tolerance)
{
    kiln_net_options o = options(3, 8, 8);
    const int y[4] = {1, 9, 0, 4};
    kiln_net *net = NULL;
    net_twin twin;
    double loss, largest = 0;

    o.batch = 4;
    if (kiln_net_make(&net, notation, &o) < 0) CHECK_FAIL("%s: %s", notation, kiln_error());
    move_off_corners(net);
    check_random(kiln_net_input(net), 4 * 192, 9);
    kiln_net_forward(net, 4, 1);
    loss = kiln_net_data_loss(net, y, 4);
    kiln_net_backward(net, 4);
    net_twin_make(&twin, net, y, 4);
    CHECK_NEAR(loss, net_twin_loss(&twin), 1e-5);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        for (int k = 0; k < t->size && t->gradient; k++)
            largest = fmax(largest, fabs((double)t->gradient[k]));
    }
    CHECK(largest > 1e-3);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);
        uint64_t random = check_seed() + (uint64_t)i;

        for (int draw = 0; draw < 10 && t->gradient; draw++) {
            const size_t k = check_random_bits(&random) % (size_t)t->size;
            double *v = &twin.parameter[i][k], kept = *v, above, below;

            *v = kept + h;
            above = net_twin_loss(&twin);
            *v = kept - h;
            below = net_twin_loss(&twin);
            *v = kept;
            if (!(fabs((above - below) / (2 * h) - (double)t->gradient[k]) < tolerance * largest))
                CHECK_FAIL("%s: gradient %zu of %s is %g, numerically %g", notation, k, t->name,
                           (double)t->gradient[k], (above - below) / (2 * h));
        }
    }
    net_twin_free(&twin);
    kiln_net_free(net);
}

/* The ends of a tanh: gradients near 0, of which rounding leaves little, and no mistake. */
static void saturated(void **state)
{
    kiln_net_options o = options(3, 6, 6);
    kiln_gradcheck_row row[KILN_GRADCHECK_ROWS];
    kiln_net *net = NULL;

    (void)state;
    o.init = KILN_INIT_GAUSSIAN;
    o.init_scale = 1;
    assert_int_equal(
        kiln_gradcheck_make(&net, "conv 3x3x8 - tanh - affine 10 - softmax", &o), KILN_OK);
    assert_int_equal(kiln_gradcheck_layer(net, 1, row), 1);
    CHECK(row[0].share > 0 && row[0].share < 1e-6);
    assert_int_equal(kiln_gradcheck_layer(net, 0, row), 2);
    CHECK(row[0].error < 1e-4 && row[0].share < row[0].error);
    kiln_net_free(net);
}

static void whole_nets(void **state)
{
    (void)state;
    check_net("[affine 20 - batchnorm - relu - dropout 0.25]x2 - affine 10 - softmax", 1e-6, 1e-4);
    check_net("conv 3x3x3 - relu - maxpool 2 - affine 7 - relu - affine 10 - softmax", 1e-6, 1e-4);
    check_net("conv 3x3x8 - groupnorm 2 - residual(conv 3x3x8 - groupnorm 4 - relu - conv 3x3x8 - "
              "groupnorm 4) - relu - residual(conv 3x3x12 stride 2 - groupnorm 3 | conv 1x1x12 "
              "stride 2) - relu - avgpool - affine 10 - softmax smoothing 0.1",
              1e-6, 1e-4);
    check_net("scale 2.5 - conv 3x3x4 - residual(scale 0.3) - affine 10 - scale 0.5 - softmax",
              1e-6, 1e-4);
    check_net("prelu - conv 3x3x4 - prelu - residual(conv 3x3x4 - prelu | prelu) - affine 9 - "
              "prelu - affine 10 - softmax",
              1e-6, 1e-4);
    check_net("affine 9 nobias - relu - affine 8 - affine 10 nobias - softmax", 1e-6, 1e-4);
    check_net("conv 3x3x4 nobias - batchnorm - relu - residual(conv 3x3x4 nobias) - affine 10 - "
              "softmax",
              1e-6, 1e-4);
    check_net("batchnorm fixed - conv 3x3x4 - batchnorm eps 0.5 - relu - affine 9 - batchnorm "
              "fixed - affine 10 - softmax",
              1e-6, 1e-4);
    check_net("conv 3x3x4 - silu - residual(silu - conv 3x3x4) - affine 9 - silu - affine 10 - "
              "softmax",
              1e-6, 1e-4);
    check_net("relu - residual(residual(gelu - conv 1x1x3) - leakyrelu | tanh - conv 3x3x3) - "
              "layernorm - conv 3x3x4 - batchnorm - sigmoid - avgpool 2 - affine 10 - svm",
              1e-6, 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers),
        cmocka_unit_test(later_kinds),
        cmocka_unit_test(layers_with_many_channels),
        cmocka_unit_test(saturated),
        cmocka_unit_test(whole_nets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
