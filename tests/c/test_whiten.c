/* Whitening: eigenvectors of known matrices, filters that leave patches uncorrelated, runs that
 * start with them and never change them. */
#include "net/whiten.h"

#include "base/status.h"
#include "base/threads.h"
#include "check.h"
#include "data/dataset.h"
#include "train/trainer.h"

#define CHANNELS 3
#define SIDE 9
#define IMAGES 40
#define K (CHANNELS * 2 * 2)

/* ‖A v - λ v‖ of every row v, and v·v' of every two, for a = Q. */
static void check_eigenvectors(const double *a, int k, double tolerance)
{
    double *v = calloc((size_t)(k * k), sizeof *v), *d = calloc((size_t)(k * k), sizeof *d);

    memcpy(d, a, (size_t)(k * k) * sizeof *d);
    kiln_eigenvectors(v, d, k);
    for (int e = 0; e < k; e++) {
        for (int i = 0; i < k; i++) {
            double product = 0;

            for (int j = 0; j < k; j++) product += a[i * k + j] * v[e * k + j];
            CHECK_NEAR(product, d[e * k + e] * v[e * k + i], tolerance);
        }
        for (int other = 0; other <= e; other++) {
            double dot = 0;

            for (int i = 0; i < k; i++) dot += v[e * k + i] * v[other * k + i];
            CHECK_NEAR(dot, other == e, 1e-13);
        }
    }
    free(v), free(d);
}

static void known_matrices(void **state)
{
    const double two[] = {2, 1, 1, 2}; /* 1 and 3: (1, -1) and (1, 1) */
    double v[4], a[4], hilbert[20 * 20], same[9] = {0}, large[16];

    (void)state;
    memcpy(a, two, sizeof a);
    kiln_eigenvectors(v, a, 2);
    CHECK_NEAR(fmin(a[0], a[3]), 1, 1e-15);
    CHECK_NEAR(fmax(a[0], a[3]), 3, 1e-15);
    for (int i = 0; i < 4; i++) CHECK_NEAR(fabs(v[i]), sqrt(0.5), 1e-15);
    for (int i = 0; i < 400; i++) hilbert[i] = 1.0 / (i / 20 + i % 20 + 1);
    check_eigenvectors(hilbert, 20, 1e-14);
    check_eigenvectors(same, 3, 0);
    for (int i = 0; i < 16; i++) large[i] = 1e150 * (1 + i / 4) * (1 + i % 4); /* of rank 1 */
    check_eigenvectors(large, 4, 1e137);
}

/* Images whose pixels hang together, with a channel that varies a hundred times less. */
static float *correlated(void)
{
    float *x = check_floats(IMAGES * SIDE * SIDE * CHANNELS);

    check_random(x, IMAGES * SIDE * SIDE * CHANNELS, 5);
    for (int i = CHANNELS; i < IMAGES * SIDE * SIDE * CHANNELS; i++)
        x[i] = i % CHANNELS == 2 ? 0.01f * x[i] + 0.5f * x[i - 1] : 0.8f * x[i - CHANNELS] + x[i];
    return x;
}

static void outputs_are_white(void **state)
{
    const kiln_conv_shape s = {.N = IMAGES, .C = CHANNELS, .H = SIDE, .W = SIDE, .F = 2 * K,
                               .HH = 2, .WW = 2, .stride = 1, .OH = SIDE - 1, .OW = SIDE - 1};
    float *x = correlated(), *w = check_floats(2 * K * K), *again = check_floats(2 * K * K);
    double second[K][K] = {{0}}, last = INFINITY;

    (void)state;
    assert_int_equal(kiln_whiten_filters(w, x, IMAGES, &s), KILN_OK);
    assert_true(kiln_threads_set(3) >= 1);
    assert_int_equal(kiln_whiten_filters(again, x, IMAGES, &s), KILN_OK);
    assert_int_equal(kiln_threads_set(1), 1);
    CHECK_SAME_BITS(w, again, 2 * K * K);
    for (int i = 0; i < K * K; i++) CHECK(w[K * K + i] == -w[i]);
    for (int n = 0; n < IMAGES; n++)
        for (int h = 0; h < s.OH; h++)
            for (int q = 0; q < s.OW; q++) {
                double out[K] = {0};

                for (int k = 0; k < K; k++) {
                    const int pixel = (n * SIDE + h + k / 2 % 2) * SIDE + q + k % 2;

                    for (int f = 0; f < K; f++)
                        out[f] += (double)w[f * K + k] * (double)x[pixel * CHANNELS + k / 4];
                }
                for (int f = 0; f < K; f++)
                    for (int g = 0; g < K; g++) second[f][g] += out[f] * out[g];
            }
    for (int f = 0; f < K; f++)
        for (int g = 0; g < K; g++) {
            const double mean = second[f][g] / (IMAGES * s.OH * s.OW);

            /* λ / (λ + 5e-4) on the diagonal, in falling order */
            if (f != g)
                CHECK_NEAR(mean, 0, 1e-5);
            else
                CHECK(mean > 0.01 && mean < 1 + 1e-6 && mean <= last + 1e-6);
            if (f == g) last = mean;
        }
    check_free(x), check_free(w), check_free(again);
}

static kiln_dataset data;

static kiln_run *make_run(const char *first)
{
    kiln_train_options o;
    kiln_run *r;
    char text[300];

    snprintf(text, sizeof text,
             "net=%s - gelu - conv 3x3x6 nobias - maxpool 2 - batchnorm fixed - gelu - affine 10 - "
             "softmax\nbatch=20\nepochs=2", first);
    kiln_train_options_default(&o);
    assert_int_equal(kiln_train_options_read(&o, text, KILN_OPTIONS_ALL), 0);
    if (kiln_run_make(&r, &data, &o) < 0) CHECK_FAIL("%s", kiln_error());
    return r;
}

/* A run starts with the filters of its data, trains the bias, and never changes them. */
static void runs_start_white(void **state)
{
    static const char *const firsts[] = {"whiten 2x2", "whiten 3x3 nobias"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        kiln_run *r = make_run(firsts[i]);
        const kiln_tensor *w =
            kiln_net_tensor_at(r->learner.net, kiln_net_tensor_of(r->learner.net, 0, 0));
        const int bias = kiln_net_tensor_of(r->learner.net, 0, 1);
        float *before = check_floats((size_t)w->size);

        CHECK(!w->trained && !w->gradient && w->parameter);
        memcpy(before, w->data, (size_t)w->size * sizeof *before);
        CHECK(fabsf(before[0]) > 0 && before[0] == -before[w->size / 2]);
        for (int step = 0; step < 3; step++) CHECK(kiln_run_step(r) >= 0);
        CHECK_SAME_BITS(w->data, before, (size_t)w->size);
        if (i == 0)
            CHECK(kiln_net_tensor_at(r->learner.net, bias)->data[0] != 0);
        else
            assert_int_equal(bias, -1);
        /* another batch, another net: what it learned goes along */
        CHECK(kiln_run_set(r, "batch=50") >= 0);
        w = kiln_net_tensor_at(r->learner.net, kiln_net_tensor_of(r->learner.net, 0, 0));
        CHECK_SAME_BITS(w->data, before, (size_t)w->size);
        kiln_run_free(r);
        check_free(before);
    }
}

static void refused(const char *net, const char *sentence)
{
    static kiln_plan plan;

    assert_int_equal(kiln_notation_parse(&plan, net, 3, 32, 32), KILN_E_SHAPE);
    if (!strstr(kiln_error(), sentence)) CHECK_FAIL("%s: %s", net, kiln_error());
}

static void sentences(void **state)
{
    (void)state;
    refused("relu - whiten 2x2 - affine 10 - softmax", "let it be the first layer");
    refused("whiten 9x9 - affine 10 - softmax", "243 values a patch, of at most 75");
    refused("whiten 2x33 - affine 10 - softmax", "of at most 75");
    refused("whiten 65536x65536 - affine 10 - softmax", "has 12884901888 values a patch");
}

static int setup(void **state)
{
    (void)state;
    return kiln_builtin_create(&data, check_seed(), 120, 20, 10) < 0;
}

static int teardown(void **state)
{
    (void)state;
    kiln_dataset_destroy(&data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_matrices), cmocka_unit_test(outputs_are_white),
        cmocka_unit_test(runs_start_white), cmocka_unit_test(sentences),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
