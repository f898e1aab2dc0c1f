/* Nets: shapes and names, start values, the course's checks of the loss, memory, equal bits. */
#include <time.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/threads.h"
#include "check.h"
#include "count_malloc.h"
#include "kernels/im2col.h"
#include "kernels/vec.h"
#include "net/net.h"

static kiln_net *make(const char *notation, const kiln_net_options *o)
{
    kiln_net *net = NULL;

    if (kiln_net_make(&net, notation, o) < 0) CHECK_FAIL("%s: %s", notation, kiln_error());
    return net;
}

static kiln_net_options options(int C, int H, int W, int batch)
{
    kiln_net_options o;

    kiln_net_options_default(&o);
    o.C = C, o.H = H, o.W = W, o.batch = batch;
    o.seed = check_seed();
    return o;
}

static const char *const zoo[] = {
    "[affine 20 - batchnorm - relu - dropout 0.3]x2 - affine 10 - softmax",
    "conv 3x3x8 - relu - maxpool 2 - conv 5x5x6 stride 2 - leakyrelu - avgpool 2 - affine 7 - tanh "
    "- "
    "affine 10 - svm",
    "conv 3x3x8 - groupnorm 2 - residual(conv 3x3x8 - groupnorm 4 - relu - conv 3x3x8 - layernorm) "
    "- "
    "relu - residual(conv 3x3x12 stride 2 - relu | conv 1x1x12 stride 2) - sigmoid - avgpool - "
    "affine 10 - softmax smoothing 0.1",
    "relu - residual(residual(gelu - conv 1x1x3) - relu | tanh - conv 3x3x3) - batchnorm - dropout "
    "0.2 "
    "- relu - conv 2x2x10 - batchnorm - avgpool - softmax",
    "batchnorm - dropout 0.5 - residual(relu) - residual(dropout 0.1 | gelu) - affine 4 - residual("
    "layernorm - affine 4 - gelu) - svm",
    "scale 0.5 - conv 3x3x5 - scale 2 - maxpool 2 - residual(scale 3 | conv 1x1x5) - affine 10 - "
    "scale 0.125 - softmax",
    "prelu - conv 3x3x5 - prelu - maxpool 2 - residual(conv 3x3x5 - prelu | prelu) - affine 9 - "
    "prelu - affine 10 - softmax",
    "affine 20 nobias - relu - affine 9 nobias - batchnorm - affine 10 nobias - softmax",
    "conv 3x3x16 nobias - relu - conv 3x3x16 nobias - batchnorm - relu - conv 5x5x8 nobias - "
    "maxpool 2 - conv 3x3x4 stride 2 nobias - affine 10 - softmax",
    "[conv 3x3x6 - batchnorm fixed - relu]x2 - maxpool 2 - affine 9 - batchnorm fixed - affine 10 "
    "- softmax",
    "conv 3x3x5 - silu - maxpool 2 - residual(silu - conv 3x3x5) - affine 7 - silu - affine 10 - "
    "svm",
    "whiten 2x2 - relu - conv 3x3x6 nobias - maxpool 2 - batchnorm fixed - silu - affine 10 - svm",
    "whiten 3x2 nobias - gelu - conv 3x3x6 nobias - maxpool 2 - batchnorm - affine 10 - softmax",
    /* a relu between a batchnorm and a conv, a maxpool, both; between a conv and a maxpool */
    "conv 3x3x4 - batchnorm - relu - conv 3x3x6 - batchnorm - relu - maxpool 2 - conv 3x3x5 - relu "
    "- maxpool 2 stride 1 - conv 1x1x4 - batchnorm - relu - affine 10 - softmax",
};

#define ZOO ((int)(sizeof zoo / sizeof *zoo))

static void names_and_shapes(void **state)
{
    static const char *const names[] = {
        "conv1.w",   "conv1.b",   "batchnorm1.gamma",        "batchnorm1.beta",
        "affine1.w", "affine1.b", "batchnorm1.running_mean", "batchnorm1.running_var"};
    static const int sizes[] = {4 * 3 * 5 * 3, 4, 4, 4, 4 * 6 * 8 * 5, 5, 4, 4};
    const kiln_net_options o = options(3, 10, 10, 2);
    kiln_net *net = make("conv 5x3x4 pad 0 - batchnorm - relu - affine 5 - svm", &o);
    float *data, *gradient;

    (void)state;
    assert_int_equal(kiln_net_tensor_count(net), 8);
    for (int i = 0; i < 8; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        assert_string_equal(t->name, names[i]);
        assert_int_equal(t->size, sizes[i]);
        assert_int_equal(t->parameter, i < 6);
        assert_int_equal(t->regularised, i == 0 || i == 4);
        assert_int_equal((uintptr_t)t->data % 64, 0);
        assert_int_equal(t->gradient != NULL, i < 6);
    }
    assert_int_equal(kiln_net_tensor_at(net, 0)->shape[2], 5);
    assert_int_equal(kiln_net_tensor_at(net, 0)->shape[3], 3);
    assert_int_equal(kiln_net_parameters(net, &data, &gradient), 192 + 16 + 16 + 16 + 960 + 16);
    CHECK(data == kiln_net_tensor_at(net, 0)->data);
    CHECK(gradient == kiln_net_tensor_at(net, 0)->gradient);
    CHECK(kiln_net_tensor_at(net, 2)->data[3] == 1); /* gamma */
    CHECK(kiln_net_tensor_at(net, 7)->data[3] == 1); /* running variance */
    kiln_net_free(net);
    kiln_net_free(NULL);
}

/* A scale that is fixed is a tensor like others, but has no gradient and does not change. */
static void a_fixed_scale(void **state)
{
    const kiln_net_options o = options(3, 6, 6, 4);
    kiln_net *net = make("conv 3x3x4 nobias - batchnorm fixed - affine 10 - softmax", &o);
    const kiln_tensor *gamma = kiln_net_tensor_at(net, kiln_net_tensor_of(net, 1, 0));
    const kiln_tensor *beta = kiln_net_tensor_at(net, kiln_net_tensor_of(net, 1, 1));
    const int y[4] = {1, 2, 3, 4};
    float *data, *gradient;
    size_t floats;

    (void)state;
    assert_string_equal(gamma->name, "batchnorm1.gamma");
    assert_int_equal(gamma->parameter, 1);
    assert_int_equal(gamma->trained, 0);
    CHECK(gamma->gradient == NULL && beta->gradient != NULL);
    floats = kiln_net_parameters(net, &data, &gradient);
    CHECK(gamma->data < data || gamma->data >= data + floats);
    check_random(kiln_net_input(net), 4 * 3 * 6 * 6, 3);
    kiln_net_forward(net, 4, 1);
    kiln_net_data_loss(net, y, 4);
    kiln_net_backward(net, 4);
    kiln_vec_axpy(data, gradient, (int)floats, -1);
    for (int c = 0; c < 4; c++) CHECK(gamma->data[c] == 1 && beta->data[c] != 0);
    kiln_net_free(net);
}

/* Running statistics keep the share that the notation says; eps counts where values are equal. */
static void a_momentum_and_an_epsilon(void **state)
{
    kiln_net_options o = options(3, 4, 4, 8);
    float out[3 * 4 * 4]; /* (C, H, W) */
    o.keep = 1;
    kiln_net *usual = make("batchnorm - affine 10 - softmax", &o);
    kiln_net *other = make("batchnorm momentum 0.25 eps 0.25 - affine 10 - softmax", &o);
    const int mean = kiln_net_tensor_of(usual, 0, 2), var = kiln_net_tensor_of(usual, 0, 3);

    (void)state;
    check_random(kiln_net_input(usual), 8 * 3 * 4 * 4, 3);
    memcpy(kiln_net_input(other), kiln_net_input(usual), 8 * 3 * 4 * 4 * sizeof(float));
    kiln_net_forward(usual, 8, 1);
    kiln_net_forward(other, 8, 1);
    for (int c = 0; c < 3; c++) {
        CHECK_NEAR(kiln_net_tensor_at(other, mean)->data[c] / 0.75,
                   kiln_net_tensor_at(usual, mean)->data[c] / 0.1, 1e-6);
        CHECK_NEAR((kiln_net_tensor_at(other, var)->data[c] - 0.25) / 0.75,
                   (kiln_net_tensor_at(usual, var)->data[c] - 0.9) / 0.1, 1e-5);
        kiln_net_tensor_at(other, mean)->data[c] = 0;
        kiln_net_tensor_at(other, var)->data[c] = 0;
    }
    kiln_net_forward(other, 8, 0); /* x / √eps */
    assert_int_equal(kiln_net_value(other, 0, 0, 0, out), 3 * 4 * 4);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < 4 * 4; i++)
            CHECK_NEAR(out[c * 16 + i], 2 * kiln_net_input(usual)[i * 3 + c], 1e-5);
    kiln_net_free(usual);
    kiln_net_free(other);
}

/* A batchnorm needs two values a channel: pixels or images. */
static void batches_that_can_be_trained(void **state)
{
    const kiln_net_options o = options(3, 6, 6, 4);
    kiln_net *net = make("conv 3x3x4 - batchnorm - affine 10 - batchnorm - softmax", &o);

    (void)state;
    assert_int_equal(kiln_net_check_batch(net, 2), KILN_OK);
    assert_int_equal(kiln_net_check_batch(net, 1), KILN_E_SHAPE);
    assert_string_equal(kiln_error(),
                        "net: column 38: batchnorm2 cannot be trained on a batch of 1: it would "
                        "normalise one value alone; use a batch of 2 or more, or layernorm");
    assert_int_equal(kiln_error_column(), 38);
    kiln_net_free(net);
    net = make("conv 3x3x4 - batchnorm - layernorm - affine 10 - layernorm - softmax", &o);
    assert_int_equal(kiln_net_check_batch(net, 1), KILN_OK);
    kiln_net_free(net);
    net = make("conv 6x6x4 pad 0 - batchnorm - affine 10 - softmax", &o);
    assert_int_equal(kiln_net_check_batch(net, 1), KILN_E_SHAPE);
    kiln_net_free(net);
}

/* Work is bounded in the product, not number by number; and so is the time to know it. */
static void work_is_bounded(void **state)
{
    static const char *const quick[] = {
        "conv 3x3x8 stride 20000 - affine 10 - softmax",
        "conv 3x3x8 stride 46341 - affine 10 - softmax",
        "conv 3x3x4 - relu - conv 3x3x8 stride 65536 - affine 10 - softmax",
        "maxpool 32 stride 65536 - affine 10 - softmax",
        "conv 32x32x10 - avgpool - softmax"};
    static const char *const heavy[] = {
        "[conv 3x3x2048]x2 - affine 10 - softmax", "conv 31x31x500 - conv 31x31x128 - avgpool - "
                                                   "affine 10 - softmax"};
    kiln_net_options o = options(3, 32, 32, 50);
    const clock_t start = clock();
    kiln_plan plan;
    double bytes;

    (void)state;
    for (size_t i = 0; i < sizeof quick / sizeof *quick; i++)
        if (kiln_net_measure(&plan, &bytes, quick[i], &o) < 0)
            CHECK_FAIL("%s: %s", quick[i], kiln_error());
    for (size_t i = 0; i < sizeof heavy / sizeof *heavy; i++) {
        assert_int_equal(kiln_net_measure(&plan, &bytes, heavy[i], &o), KILN_E_SHAPE);
        CHECK(strncmp(kiln_error(), "net: a step of 50 images takes ", 31) == 0);
        CHECK(strstr(kiln_error(), "most of them in conv2 (column ") != NULL);
    }
    o.batch = 4; /* the batch decides: and a forward pass is a third of a step */
    assert_int_equal(kiln_net_measure(&plan, &bytes, heavy[0], &o), KILN_OK);
    o.batch = 6000; /* of too much memory and work, memory is told */
    kiln_net *net = NULL;
    assert_int_equal(kiln_net_make(&net, "[conv 3x3x64 - relu]x12 - affine 10 - softmax", &o),
                     KILN_E_MEMORY);
    o.C = 1, o.H = o.W = 16384, o.batch = 1;
    assert_int_equal(kiln_net_measure(&plan, &bytes, "maxpool 9000 stride 1 - affine 10 - svm", &o),
                     KILN_E_SHAPE);
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 5);
}

static double deviation(const kiln_tensor *t)
{
    double sum = 0, squares = 0;

    for (int i = 0; i < t->size; i++) sum += t->data[i], squares += (double)t->data[i] * t->data[i];
    sum /= t->size;
    return sqrt(squares / t->size - sum * sum);
}

static void start_values(void **state)
{
    kiln_net_options o = options(3, 32, 32, 1);
    const double he = sqrt(2.0 / (3 * 7 * 7)), xavier = sqrt(2.0 / (35 * 7 * 7));

    (void)state;
    for (int init = 0; init < 3; init++) {
        o.init = init;
        o.init_scale = 1e-3;
        kiln_net *net = make("conv 7x7x32 - relu - maxpool 2 - affine 100 - relu - affine 10 - svm",
                             &o);
        const kiln_tensor *w = kiln_net_tensor_at(net, 0), *v = kiln_net_tensor_at(net, 2);
        const double expected = init == KILN_INIT_HE       ? he
                                : init == KILN_INIT_XAVIER ? xavier
                                                           : 1e-3;

        /* 4704 draws: the deviation of the deviation is 1/sqrt(2·4704) = 1.03 % */
        CHECK_NEAR(deviation(w) / expected, 1, 0.05);
        if (init == KILN_INIT_HE) CHECK_NEAR(deviation(v) / sqrt(2.0 / 8192), 1, 0.01);
        CHECK(kiln_net_tensor_at(net, 1)->data[5] == 0);
        CHECK(w->data[0] != v->data[0]);
        kiln_net_free(net);
    }
}

/* dirac: as many filters as there are channels pass theirs on; the others are as without it. */
static void identity_at_the_start(void **state)
{
    static const char *const layers =
        "conv 3x3x5 - conv 2x4x8 pad 0 - conv 3x3x2 - affine 10 - softmax";
    kiln_net_options o = options(3, 9, 9, 2);
    kiln_net *drawn = make(layers, &o), *net;

    (void)state;
    o.dirac = 1;
    net = make(layers, &o);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i), *was = kiln_net_tensor_at(drawn, i);
        const int F = t->shape[0], C = t->shape[1], HH = t->shape[2], WW = t->shape[3];
        const int identity = t->dims == 4 && F >= C ? C * C * HH * WW : 0;

        CHECK_SAME_BITS(t->data + identity, was->data + identity, (size_t)(t->size - identity));
        for (int at = 0; at < identity; at++) {
            const int f = at / (C * HH * WW), c = at / (HH * WW) % C;
            const int centre = at / WW % HH == HH / 2 && at % WW == WW / 2;

            CHECK(t->data[at] == (f == c && centre ? 1 : 0));
        }
    }
    kiln_net_free(drawn);
    kiln_net_free(net);
}

/* Random images and labels into the net; returns them as the net wants them. */
static void fill(kiln_net *net, int n, int *y)
{
    const kiln_net_options *o = kiln_net_made_with(net);
    const int classes = kiln_net_plan(net)->classes;

    check_random(kiln_net_input(net), (size_t)n * (size_t)(o->C * o->H * o->W), 3);
    for (int i = 0; i < n; i++) y[i] = (i * 7 + 3) % classes;
}

/* The course's sanity checks: ln 10 at the start, 9 for the SVM, and more with regularisation. */
static void initial_losses(void **state)
{
    static const char *const nets[] = {
        "affine 10 - softmax", "affine 100 - relu - affine 10 - softmax",
        "conv 7x7x32 - relu - maxpool 2 - affine 100 - relu - affine 10 - softmax",
        "affine 10 - svm"};
    kiln_net_options o = options(3, 32, 32, 50);
    int y[50];

    (void)state;
    o.init = KILN_INIT_GAUSSIAN;
    o.init_scale = 1e-3;
    for (int i = 0; i < 4; i++) {
        kiln_net *net = make(nets[i], &o);

        fill(net, 50, y);
        kiln_net_forward(net, 50, 1);
        CHECK_NEAR(kiln_net_data_loss(net, y, 50), i == 3 ? 9 : log(10), i == 3 ? 0.1 : 0.01);
        if (i == 2) { /* 0.5·0.5·Σw²: about 0.25·1e-6·825,000 = 0.21 */
            const double more = kiln_net_regularise(net, 0.5, 0, NULL);

            CHECK_NEAR(more, 0.25e-6 * (32 * 147 + 8192 * 100 + 1000), 0.01);
        }
        kiln_net_free(net);
    }
}

/* The course's nets have the course's numbers of parameters. */
static void parameter_counts(void **state)
{
    const kiln_net_options o = options(3, 32, 32, 1);
    kiln_plan plan;
    double bytes;

    (void)state;
    CHECK(kiln_net_measure(&plan, &bytes,
                           "conv 7x7x32 - relu - maxpool 2 - affine 100 - relu - "
                           "affine 10 - softmax",
                           &o) == KILN_OK);
    CHECK(plan.parameters == 32 * 147 + 32 + 8192 * 100 + 100 + 100 * 10 + 10);
    CHECK(plan.layer[0].flops == 2.0 * 147 * 32 * 1024);
    CHECK(kiln_net_measure(&plan, &bytes, "affine 10 - softmax", &o) == KILN_OK);
    CHECK(plan.parameters == 3073 * 10);
    CHECK(kiln_net_measure(&plan, &bytes, "[affine 100 - batchnorm - relu]x5 - affine 10 - softmax",
                           &o) == KILN_OK);
    CHECK(plan.parameters == 3073 * 100 + 4 * 101 * 100 + 5 * 200 + 1010);
}

static void step(kiln_net *net, int n, const int *y, double *loss)
{
    kiln_net_set_step(net, 5);
    kiln_net_forward(net, n, 1);
    *loss = kiln_net_data_loss(net, y, n);
    kiln_net_backward(net, n);
}

/* Shared buffers, fused layers and groups taken image by image, or a buffer for everything and
 * layer after layer: the same bits, on any batch. */
static void check_kept_and_shared(const char *notation, kiln_net_options o)
{
    kiln_net *shared = make(notation, &o), *kept, *inference;
    float *data, *gradient, *kept_gradient;
    size_t floats;
    double loss, kept_loss;
    int y[6];

    o.keep = 1;
    kept = make(notation, &o);
    o.keep = 0;
    o.inference = 1;
    inference = make(notation, &o);
    CHECK(kiln_net_bytes(shared) < kiln_net_bytes(kept));
    CHECK(kiln_net_bytes(inference) < kiln_net_bytes(shared));
    for (int n = o.batch; n > 0; n -= 3) {
        const int classes = kiln_net_plan(kept)->classes;
        float a[6 * 10], b[6 * 10];

        fill(shared, n, y);
        fill(kept, n, y);
        fill(inference, n, y);
        step(shared, n, y, &loss);
        step(kept, n, y, &kept_loss);
        CHECK(loss == kept_loss);
        CHECK(kiln_net_hash64(shared) == kiln_net_hash64(kept)); /* running statistics */
        floats = kiln_net_parameters(shared, &data, &gradient);
        kiln_net_parameters(kept, &data, &kept_gradient);
        CHECK_SAME_BITS(gradient, kept_gradient, floats);
        for (int k = 0; k < kiln_net_tensor_count(shared); k++)
            memcpy(kiln_net_tensor_at(inference, k)->data, kiln_net_tensor_at(shared, k)->data,
                   sizeof(float) * (size_t)kiln_net_tensor_at(shared, k)->size);
        memcpy(a, kiln_net_forward(kept, n, 0), sizeof(float) * (size_t)(n * classes));
        memcpy(b, kiln_net_forward(shared, n, 0), sizeof(float) * (size_t)(n * classes));
        CHECK_SAME_BITS(a, b, (size_t)(n * classes));
        memcpy(b, kiln_net_forward(inference, n, 0), sizeof(float) * (size_t)(n * classes));
        CHECK_SAME_BITS(a, b, (size_t)(n * classes));
    }
    kiln_net_free(shared);
    kiln_net_free(kept);
    kiln_net_free(inference);
}

static void kept_and_shared_agree(void **state)
{
    (void)state;
    for (int i = 0; i < ZOO; i++) check_kept_and_shared(zoo[i], options(3, 9, 9, 6));
}

/* Images so big that a fused group takes one at a time, and batchnorm's sums with it; small ones
 * that it takes together; on several threads. */
static void fused_groups_agree_with_layers(void **state)
{
    static const char *const nets[] = {
        "[conv 3x3x32 - batchnorm - relu]x2 - maxpool 2 - conv 3x3x32 - batchnorm - relu - "
        "avgpool - affine 10 - softmax",
        "conv 3x3x16 - residual(conv 3x3x16 - batchnorm - relu - conv 3x3x16 - batchnorm) - relu - "
        "maxpool 2 - batchnorm - conv 5x5x10 - tanh - dropout 0.3 - affine 10 - svm",
        "conv 7x7x32 - relu - maxpool 2 - affine 20 - batchnorm - relu - affine 10 - softmax",
        "conv 3x3x64 stride 2 - gelu - conv 1x1x32 - maxpool 3 - conv 3x3x20 - batchnorm - "
        "leakyrelu 0.1 - avgpool 2 - residual(batchnorm - relu | batchnorm) - affine 10 - softmax",
        /* what a convolution gives and gets back at once, with a relu in between and without */
        "conv 3x3x12 - relu - batchnorm - conv 3x3x8 - relu - avgpool 2 - conv 3x3x8 - maxpool 3 "
        "stride 2 - conv 5x5x9 - relu - maxpool 2 - conv 3x3x6 - avgpool - affine 10 - softmax",
        /* sums of a batchnorm beside what takes the whole batch: not image by image */
        "conv 3x3x16 - layernorm - batchnorm - relu - maxpool 2 - groupnorm 4 - batchnorm - "
        "groupnorm 2 - conv 1x1x8 - avgpool - affine 10 - softmax"};

    (void)state;
    for (int threads = 1; threads <= 4; threads *= 2) {
        CHECK(kiln_threads_set(threads) >= 1);
        for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
            check_kept_and_shared(nets[i], options(3, 32, 32, 6));
    }
    CHECK(kiln_threads_set(1) == 1);
}

static void overfits(const char *notation, float lr)
{
    const kiln_net_options o = options(3, 9, 9, 8);
    kiln_net *net = make(notation, &o);
    float *data, *gradient;
    const size_t floats = kiln_net_parameters(net, &data, &gradient);
    double loss = 0, first = 0;
    int y[8];

    fill(net, 8, y);
    kiln_net_set_dropout(net, 0);
    for (int i = 0; i < 300; i++) {
        step(net, 8, y, &loss);
        if (!i) first = loss;
        kiln_vec_axpy(data, gradient, (int)floats, -lr);
    }
    if (!(loss < 0.05 * first)) CHECK_FAIL("%s: loss from %g to %g only", notation, first, loss);
    kiln_net_free(net);
}

/* Plain gradient descent on eight images brings every net of the zoo near a loss of 0. */
static void learns(void **state)
{
    (void)state;
    overfits(zoo[0], 0.3f);
    overfits(zoo[1], 0.1f);
    overfits("conv 3x3x8 - groupnorm 2 - residual(conv 3x3x8 - groupnorm 4 - relu - conv 3x3x8 - "
             "layernorm) - relu - residual(conv 3x3x12 stride 2 - relu | conv 1x1x12 stride 2) - "
             "affine 10 - softmax",
             0.05f);
}

/* A training step allocates nothing: neither the arena nor anybody else calls malloc. */
static void steps_allocate_nothing(void **state)
{
    const kiln_net_options o = options(3, 9, 9, 6);
    int y[6];

    (void)state;
    count_malloc();
    for (int i = 0; i < ZOO; i++) {
        const long mallocs_before_net = malloc_count;
        kiln_net *net = make(zoo[i], &o);
        const long before = kiln_arena_allocations(), mallocs = malloc_count;
        double loss;

        CHECK(mallocs == mallocs_before_net + 3); /* it counts: the net, its plans, its arena */
        fill(net, 6, y);
        for (int k = 0; k < 3; k++) {
            step(net, 6, y, &loss);
            kiln_net_regularise(net, 0.1, 1, NULL);
        }
        assert_int_equal(kiln_arena_allocations(), before);
        assert_int_equal(malloc_count, mallocs);
        kiln_net_free(net);
    }
}

/* AlexNet's first layer, as the notes work it out: 55x55 places of 363 numbers each. */
static void alexnet_first_layer(void **state)
{
    kiln_net_options o = options(3, 227, 227, 1);
    float *x = check_floats(3 * 227 * 227), *col = check_floats(363 * 3025), *out;
    kiln_net *net;

    (void)state;
    o.keep = 1;
    net = make("conv 11x11x96 stride 4 pad 0 - relu - affine 10 - softmax", &o);
    const kiln_layer *conv = &kiln_net_plan(net)->layer[0];

    assert_int_equal(conv->u.conv.OH, 55);
    assert_int_equal(conv->u.conv.OW, 55);
    assert_int_equal(conv->u.conv.C * conv->u.conv.HH * conv->u.conv.WW, 363);
    CHECK(conv->parameters == 96 * 364);
    check_random(x, 3 * 227 * 227, 5);
    kiln_im2col(col, x, 3, 227, 227, 11, 11, 4, 0, 0);
    kiln_vec_nchw_to_nhwc(kiln_net_input(net), x, 1, 3, 227 * 227);
    kiln_net_forward(net, 1, 1);
    out = check_floats(96 * 3025);
    assert_int_equal(kiln_net_value(net, 0, 0, 0, out), 96 * 3025);
    for (int f = 0; f < 96; f += 19) {
        const float *w = kiln_net_tensor_at(net, 0)->data + f * 363;

        for (int place = 0; place < 3025; place += 101) {
            double sum = 0, size = 0;

            for (int k = 0; k < 363; k++) {
                const double term = (double)w[k] * (double)col[k * 3025 + place];

                sum += term, size += fabs(term);
            }
            CHECK_NEAR((double)out[f * 3025 + place], sum, (363 + 4) * 0x1p-23 * size);
        }
    }
    check_free(x);
    check_free(col);
    check_free(out);
    kiln_net_free(net);
}

static const char *const w3 =
    "[conv 3x3x32 - batchnorm - relu]x2 - maxpool 2 - [conv 3x3x64 - batchnorm - relu]x2 - "
    "maxpool 2 - [conv 3x3x128 - batchnorm - relu]x2 - avgpool - affine 10 - softmax";

/* What a pool takes at once is transient: an image more costs less than its largest value alone. */
static void a_convolution_before_a_pool_has_no_buffer(void **state)
{
    kiln_net_options o = options(3, 32, 32, 50);
    kiln_plan plan;
    double bytes[2];

    (void)state;
    for (int i = 0; i < 2; i++, o.batch += 50)
        assert_int_equal(kiln_net_measure(&plan, &bytes[i],
                                          "conv 7x7x32 - relu - maxpool 2 - affine 10 - svm", &o),
                         KILN_OK);
    print_message("%.0f bytes an image\n", (bytes[1] - bytes[0]) / 50);
    CHECK(bytes[1] - bytes[0] < 50.0 * 32 * 32 * 32 * sizeof(float));
}

/* The batchnorm net at batch 64 trains in 96 MB; a double batch doubles what depends on it. */
static void memory_of_a_net(void **state)
{
    kiln_plan plan;
    double bytes[3];

    (void)state;
    for (int i = 0; i < 3; i++) {
        const kiln_net_options o = options(3, 32, 32, 64 << i);

        assert_int_equal(kiln_net_measure(&plan, &bytes[i], w3, &o), KILN_OK);
    }
    print_message("batch 64: %.1f MB, 128: %.1f MB\n", bytes[0] / 1e6, bytes[1] / 1e6);
    CHECK(bytes[0] <= 96e6);
    CHECK(bytes[1] < 2 * bytes[0]);
    CHECK_NEAR((bytes[2] - bytes[1]) / (bytes[1] - bytes[0]), 2, 0.01);
    CHECK(kiln_net_measure(&plan, &bytes[0], "conv 3x3x9 - affine 10 - svm",
                           &(kiln_net_options){.C = 60000, .H = 60, .W = 60, .batch = 65536}) ==
          KILN_E_MEMORY);
    /* fewer bytes than one block may have, but more values than a layer counts */
    CHECK(kiln_net_measure(&plan, &bytes[0], "conv 3x3x64 - affine 10 - svm",
                           &(kiln_net_options){.C = 3, .H = 32, .W = 32, .batch = 49000}) ==
          KILN_E_MEMORY);
    CHECK(strstr(kiln_error(), "12845 MB for a batch of 49000, more than the limit of 8590 MB;"));
}

/* In processor time, since the machine may be busy. */
static void nets_are_made_quickly(void **state)
{
    const kiln_net_options o = options(3, 32, 32, 64);
    const clock_t start = clock();

    (void)state;
    for (int i = 0; i < 5; i++) kiln_net_free(make(w3, &o));
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC / 5;

    print_message("a net is made in %.1f ms\n", 1e3 * seconds);
#ifndef __SANITIZE_ADDRESS__
    CHECK(seconds < 0.05);
#endif
}

/* The first layer that goes wrong is named, with its tensor. */
static void finds_what_is_not_finite(void **state)
{
    const kiln_net_options o = options(3, 9, 9, 4);
    kiln_net *net = make("conv 3x3x4 - batchnorm - relu - affine 10 - softmax", &o);
    char where[64];
    double loss;
    uint64_t hash;
    int y[4];

    (void)state;
    fill(net, 4, y);
    step(net, 4, y, &loss);
    hash = kiln_net_hash64(net);
    kiln_net_find_nonfinite(net, where, sizeof where);
    assert_string_equal(where, "layer 6 (softmax1), tensor loss"); /* nothing before it */
    CHECK(kiln_net_hash64(net) == hash); /* looking changes nothing */
    kiln_net_tensor_at(net, 4)->gradient[3] = 3e19f; /* finite, unlike its square */
    kiln_net_find_nonfinite(net, where, sizeof where);
    assert_string_equal(where, "layer 5 (affine1), tensor dw, whose squares overflow");
    kiln_net_tensor_at(net, 5)->gradient[3] = NAN;
    kiln_net_find_nonfinite(net, where, sizeof where);
    assert_string_equal(where, "layer 5 (affine1), tensor db");
    kiln_vec_fill(kiln_net_tensor_at(net, 4)->data, 3240, 3e38f); /* finite, unlike their sums */
    step(net, 4, y, &loss);
    kiln_net_find_nonfinite(net, where, sizeof where);
    assert_string_equal(where, "layer 5 (affine1), tensor out");
    kiln_net_tensor_at(net, 0)->data[0] = INFINITY;
    kiln_net_find_nonfinite(net, where, sizeof where);
    assert_string_equal(where, "layer 1 (conv1), tensor w");
    kiln_net_input(net)[7] = NAN;
    kiln_net_find_nonfinite(net, where, sizeof where);
    assert_string_equal(where, "the input");
    kiln_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_shapes),         cmocka_unit_test(a_fixed_scale),
        cmocka_unit_test(a_momentum_and_an_epsilon),
        cmocka_unit_test(identity_at_the_start),
        cmocka_unit_test(work_is_bounded),
        cmocka_unit_test(batches_that_can_be_trained),
        cmocka_unit_test(start_values),
        cmocka_unit_test(initial_losses),           cmocka_unit_test(parameter_counts),
        cmocka_unit_test(kept_and_shared_agree),
        cmocka_unit_test(fused_groups_agree_with_layers),    cmocka_unit_test(learns),
        cmocka_unit_test(steps_allocate_nothing),   cmocka_unit_test(alexnet_first_layer),
        cmocka_unit_test(memory_of_a_net),
        cmocka_unit_test(a_convolution_before_a_pool_has_no_buffer),
        cmocka_unit_test(nets_are_made_quickly),
        cmocka_unit_test(finds_what_is_not_finite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
