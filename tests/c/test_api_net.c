/* The public door of nets and of the library: handles, options, texts, and what they refuse. */
#include "api/handles.h"
#include "base/json.h"
#include "base/status.h"
#include "check.h"
#include "kiln.h"

static const char *const small =
    "conv 3x3x4 - batchnorm - relu - maxpool 2 - dropout 0.2 - affine 5 - "
    "softmax";
static const char *const tiny = "input=2x6x6\nbatch=4\nseed=3\n";

static int create(const char *notation, const char *options)
{
    const int net = kiln_net_create(notation, options);

    if (net < 0) CHECK_FAIL("%s: %s", notation, kiln_error());
    return net;
}

static void check_json(int length)
{
    kiln_json_reader r;

    CHECK(length == (int)strlen(kiln_text()));
    kiln_json_read(&r, kiln_text(), (size_t)length, "text", KILN_E_ARG);
    if (kiln_json_skip(&r) || kiln_json_read_end(&r)) CHECK_FAIL("%s", kiln_error());
}

static void the_library(void **state)
{
    void *buffer = kiln_alloc(100);

    (void)state;
    CHECK(strlen(kiln_version()) >= 5);
    CHECK(!strcmp(kiln_mode(), "strict") || !strcmp(kiln_mode(), "fused"));
    CHECK(kiln_fused_probe() == !strcmp(kiln_mode(), "fused")); /* natively it is as built */
    CHECK(kiln_lanes() >= 1 && kiln_lanes() <= 16);
    assert_non_null(buffer);
    kiln_free(buffer);
    assert_null(kiln_alloc(-1));
    assert_int_equal(kiln_threads_use(0), KILN_E_ARG);
    assert_int_equal(kiln_threads_use(1), 1);
    const int before = kiln_memory_used(), net = create(small, tiny);

    CHECK(kiln_memory_used() > before);
    assert_int_equal(kiln_threads_use(2), KILN_E_STATE);
    assert_int_equal(kiln_net_destroy(net), KILN_OK);
    assert_int_equal(kiln_memory_used(), before);
}

static void summaries(void **state)
{
    (void)state;
    check_json(
        kiln_summary("conv 3x3x4 stride 3 pad 0 - residual(relu) - affine 5 - svm", "input=2x6x6"));
    assert_non_null(strstr(kiln_text(),
                           "{\"name\":\"conv1\",\"kind\":\"conv\",\"text\":\"conv 3x3x4 "
                           "stride 3 pad 0\",\"attributes\":{\"kernelHeight\":3,"
                           "\"kernelWidth\":3,\"filters\":4,\"stride\":3,\"pad\":0,"
                           "\"noBias\":false},\"output\":[4,2,2],\"parameters\":76,\"frozen\":0,"
                           "\"flops\":576,\"bytes\":368,\"algorithm\":\"direct\","
                           "\"unread\":0,\"column\":1,\"end\":26}"));
    assert_non_null(strstr(kiln_text(),
                           "\"notation\":\"conv 3x3x4 stride 3 pad 0 - residual(relu) - "
                           "affine 5 - svm\"}"));
    check_json(kiln_summary("conv 3x3x4 - relu - affine 5 - svm", "freeze=conv*, affine1.b"));
    assert_non_null(strstr(kiln_text(), "\"parameters\":112,\"frozen\":112,"));
    assert_non_null(strstr(kiln_text(), "\"parameters\":20485,\"frozen\":5,"));
    assert_non_null(strstr(kiln_text(), "\"parameters\":20597,\"frozen\":117,"));
    assert_int_equal(kiln_summary("conv 3x3x4 - affine 5 - svm", "freeze=cnov1"), KILN_E_ARG);
    check_json(kiln_summary("leakyrelu - batchnorm fixed - conv 3x5x4 - affine 5 - svm", NULL));
    assert_non_null(strstr(kiln_text(), "\"attributes\":{\"slope\":0.01},"));
    assert_non_null(strstr(kiln_text(), "\"attributes\":{\"fixedScale\":true,\"momentum\":0.9,"
                                        "\"epsilon\":1e-05},"));
    assert_non_null(strstr(kiln_text(), "\"pad\":-1,\"noBias\":false},"));
    assert_non_null(strstr(kiln_text(), "\"kind\":\"svm\",\"text\":\"svm\",\"attributes\":{},"));
    assert_null(strstr(kiln_text(), "\"steps\""));
    check_json(kiln_summary("conv 5x5x8 - relu - maxpool 2 - affine 5 - svm", "steps=1\nbatch=4"));
    assert_non_null(strstr(kiln_text(),
                           ",\"steps\":[{\"pass\":\"forward\",\"layers\":[\"conv1 with relu1\","
                           "\"maxpool1\",\"flatten1\"],"));
    assert_int_equal(kiln_summary("relu - softmx", NULL), KILN_E_NOTATION);
    assert_int_equal(kiln_error_column(), 8);
    assert_int_equal(kiln_summary(NULL, NULL), KILN_E_ARG);
    /* Sizes that cannot be: the number is told. */
    assert_int_equal(kiln_summary("conv 3x3x65536 - avgpool - affine 10 - svm", "batch=65536"),
                     KILN_E_MEMORY);
    assert_non_null(strstr(kiln_error(), "MB for a batch of 65536"));
}

static void options(void **state)
{
    static const char *const wrong[] = {
        "input=3x32",      "input=3x32x32x1", "input=0x3x3",   "input=3x32x99999",
        "input=axbxc",     "batch=0",         "batch=70000",   "seed=-1",
        "seed=4294967296", "init=uniform",    "init=gaussian", "init=he 0.1",
        "init=gaussian x", "keep=maybe",      "bacth=5",       "batch"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (kiln_net_create(small, wrong[i]) != KILN_E_ARG) CHECK_FAIL("taken: %s", wrong[i]);
    kiln_net_create(small, "bacth=5");
    assert_string_equal(kiln_error(), "unknown option \"bacth\"; did you mean \"batch\"?");
    const int net = create(small,
                           "input=1x8x8\nbatch=3\nseed=4294967295\ninit=gaussian 1e-3\nkeep=1");

    assert_int_equal(kiln_net_input_size(net), 64);
    assert_int_equal(kiln_net_classes(net), 5);
    assert_int_equal(kiln_net_destroy(net), 0);
}

/* The words of a training run's init are those of a net's. */
static void first_filters_pass_a_channel_on(void **state)
{
    const int net = create("conv 3x3x4 nobias - affine 10 - svm",
                           "input=2x8x8\ninit=gaussian 1e-3 dirac");
    float w[72];

    (void)state;
    assert_int_equal(kiln_net_tensor_get(net, 0, w), 72);
    for (int f = 0; f < 2; f++)
        for (int i = 0; i < 18; i++) assert_true(w[f * 18 + i] == (i == f * 9 + 4));
    assert_int_equal(kiln_net_destroy(net), 0);
}

static void tensors(void **state)
{
    const int net = create(small, tiny);
    float w[72], v[72];

    (void)state;
    check_json(kiln_net_tensors(net));
    assert_non_null(strstr(kiln_text(), "[{\"name\":\"conv1.w\",\"shape\":[4,2,3,3],\"size\":72,"
                                        "\"parameter\":true,\"trained\":true,"
                                        "\"regularised\":true,\"layer\":0},"));
    assert_non_null(strstr(kiln_text(), "{\"name\":\"batchnorm1.running_mean\",\"shape\":[4],"
                                        "\"size\":4,\"parameter\":false,\"trained\":false,"
                                        "\"regularised\":false,\"layer\":1}"));
    assert_int_equal(kiln_net_tensor_get(net, 0, w), 72);
    w[71] = 42;
    assert_int_equal(kiln_net_tensor_set(net, 0, w), 72);
    assert_int_equal(kiln_net_tensor_get(net, 0, v), 72);
    CHECK_SAME_BITS(v, w, 72);
    assert_int_equal(kiln_net_tensor_get(net, 8, w), KILN_E_ARG);
    assert_int_equal(kiln_net_tensor_get(net, -1, w), KILN_E_ARG);
    assert_int_equal(kiln_net_tensor_get(net, 0, NULL), KILN_E_ARG);
    assert_int_equal(kiln_net_gradient_get(net, 7, w), KILN_E_ARG);
    assert_int_equal(kiln_net_hash(net), 16);
    kiln_net_destroy(net);
    assert_int_equal(kiln_net_tensor_get(net, 0, w), KILN_E_HANDLE);
    assert_int_equal(kiln_net_destroy(net), KILN_E_HANDLE);
    assert_int_equal(kiln_net_classes(-5), KILN_E_HANDLE);
}

static void hashes_and_seeds(void **state)
{
    char hash[3][20];
    const char *const seeds[] = {"seed=1", "seed=1", "seed=2"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        const int net = create(small, seeds[i]);

        kiln_net_hash(net);
        snprintf(hash[i], sizeof hash[i], "%s", kiln_text());
        kiln_net_destroy(net);
    }
    assert_string_equal(hash[0], hash[1]);
    assert_string_not_equal(hash[0], hash[2]);
}

static void losses(void **state)
{
    const int net = create(small, tiny), y[4] = {0, 1, 2, 4}, wrong[4] = {0, 1, 5, 0};
    float x[4 * 72], scores[20], w[72], plain[72], regularised[72];
    double loss, more;

    (void)state;
    check_random(x, 4 * 72, 1);
    assert_int_equal(kiln_net_scores(net, scores, x, 4, 0), 0);
    assert_int_equal(kiln_net_loss(net, &loss, x, y, 4, 0), 0);
    assert_int_equal(kiln_net_loss_and_gradients(net, &more, x, y, 4, 0), 0);
    CHECK(loss == more); /* dropout draws the same mask until the step is moved on */
    kiln_net_gradient_get(net, 0, plain);
    assert_int_equal(kiln_net_loss_and_gradients(net, &more, x, y, 4, 0.5), 0);
    kiln_net_gradient_get(net, 0, regularised);
    kiln_net_tensor_get(net, 0, w);
    CHECK(more > loss);
    for (int i = 0; i < 72; i++) CHECK_NEAR(regularised[i] - plain[i], 0.5 * w[i], 1e-5);
    assert_int_equal(kiln_net_loss(net, &loss, x, wrong, 4, 0), KILN_E_ARG);
    assert_string_equal(kiln_error(), "net: label y[2] is 5, but must be from 0 to 4");
    assert_int_equal(kiln_net_loss(net, &loss, x, y, 5, 0), KILN_E_ARG);
    assert_int_equal(kiln_net_loss(net, &loss, x, y, 0, 0), KILN_E_ARG);
    assert_int_equal(kiln_net_loss(net, &loss, NULL, y, 4, 0), KILN_E_ARG);
    assert_int_equal(kiln_net_loss(net, &loss, x, y, 4, NAN), KILN_E_ARG);
    assert_int_equal(kiln_net_inspect(net, 0, 0, 0, NULL), KILN_E_STATE);
    kiln_net_destroy(net);
}

/* A 1x1 convolution that swaps channels shows the order of images going in and coming out. */
static void inspects_in_the_courses_order(void **state)
{
    const int net = create("conv 1x1x2 - affine 3 - softmax", "input=2x2x3\nbatch=2\nkeep=1"),
              y[2] = {0, 1};
    const float w[4] = {0, 1, 2, 0};
    float x[24], out[12], probabilities[3], dscores[3];
    double loss;

    (void)state;
    for (int i = 0; i < 24; i++) x[i] = (float)i;
    kiln_net_tensor_set(net, 0, w);
    assert_int_equal(kiln_net_loss_and_gradients(net, &loss, x, y, 2, 0), 0);
    assert_int_equal(kiln_net_inspect(net, 0, 0, 1, NULL), 12);
    assert_int_equal(kiln_net_inspect(net, 0, 0, 1, out), 12);
    for (int i = 0; i < 6; i++) {
        CHECK(out[i] == (float)(12 + 6 + i)); /* channel 0: channel 1 of image 1 */
        CHECK(out[6 + i] == 2 * (float)(12 + i));
    }
    assert_int_equal(kiln_net_inspect(net, 3, 0, 1, probabilities), 3);
    assert_int_equal(kiln_net_inspect(net, 3, 1, 1, dscores), 3);
    CHECK_NEAR(probabilities[0] + probabilities[1] + probabilities[2], 1, 1e-6);
    for (int i = 0; i < 3; i++) CHECK_NEAR(dscores[i], (probabilities[i] - (i == 1)) / 2, 1e-6);
    assert_int_equal(kiln_net_inspect(net, 4, 0, 0, NULL), KILN_E_ARG);
    assert_int_equal(kiln_net_inspect(net, 0, 0, 2, out), KILN_E_ARG);
    assert_int_equal(kiln_net_inspect(net, 0, 2, 0, out), KILN_E_ARG);
    kiln_net_destroy(net);
}

static void profiles(void **state)
{
    const int net = create(small, "batch=4"), y[4] = {0, 1, 2, 3};
    static float x[4 * 3072], scores[4 * 10];
    double loss;

    (void)state;
    check_random(x, 4 * 3072, 1);
    check_json(kiln_net_profile(net, 1));
    kiln_net_loss_and_gradients(net, &loss, x, y, 4, 0);
    kiln_net_scores(net, scores, x, 4, 0); /* an evaluation has no backward pass: left out */
    check_json(kiln_net_profile(net, 0));
    assert_non_null(strstr(kiln_text(), "{\"name\":\"conv1\",\"forward\":"));
    assert_non_null(strstr(kiln_text(), "\"calls\":1}"));
    assert_null(strstr(kiln_text(), "{\"name\":\"conv1\",\"forward\":0,"));
    kiln_net_destroy(net);
}

static void gradchecks(void **state)
{
    (void)state;
    check_json(kiln_gradcheck(small, "input=2x6x6"));
    assert_non_null(
        strstr(kiln_text(), "[{\"layer\":\"conv1\",\"tensor\":\"dw\",\"relativeError\":"));
    assert_non_null(strstr(kiln_text(), "{\"layer\":\"softmax1\",\"tensor\":\"dx\""));
    assert_int_equal(kiln_gradcheck("reluu", NULL), KILN_E_NOTATION);
}

/* Layer by layer: the same rows as all at once. */
static void gradchecks_by_layer(void **state)
{
    char joined[4096] = "[";
    int more, layers = 0;
    const int check = kiln_gradcheck_create(small, "input=2x6x6"), used = kiln_memory_used();

    (void)state;
    CHECK(check > 0);
    assert_int_equal(kiln_threads_use(1), KILN_E_STATE); /* its net is alive */
    for (; (more = kiln_gradcheck_next(check)) > 0; layers++) {
        check_json(more);
        if (more == 2) continue; /* no gradient to check: [] */
        if (joined[1]) strcat(joined, ",");
        strncat(joined, kiln_text() + 1, (size_t)more - 2);
    }
    assert_int_equal(more, 0);
    assert_string_equal(kiln_text(), "");
    CHECK(layers > 6);
    assert_int_equal(kiln_gradcheck_next(check), 0); /* it stays at the end */
    strcat(joined, "]");
    assert_int_equal(kiln_net_destroy(check), KILN_E_HANDLE);
    assert_int_equal(kiln_gradcheck_destroy(check), KILN_OK);
    assert_int_equal(kiln_gradcheck_destroy(check), KILN_E_HANDLE);
    assert_int_equal(kiln_gradcheck_next(check), KILN_E_HANDLE);
    assert_non_null(strstr(kiln_error(), "is no gradient check; it may have been destroyed"));
    check_json(kiln_gradcheck(small, "input=2x6x6"));
    assert_string_equal(joined, kiln_text());
    assert_int_equal(kiln_gradcheck_create("reluu", NULL), KILN_E_NOTATION);
    assert_int_equal(kiln_gradcheck_create(NULL, NULL), KILN_E_ARG);
    CHECK(kiln_memory_used() < used);
}

static void constants(void **state)
{
    (void)state;
    check_json(kiln_constants());
    assert_non_null(strstr(kiln_text(), "{\"statuses\":[{\"name\":\"E_ARG\",\"status\":-1,"
                                        "\"exit\":2,\"cause\":\"an argument or option"));
    assert_non_null(strstr(kiln_text(), "{\"name\":\"E_IO\",\"status\":-10,\"exit\":1,"));
    assert_non_null(strstr(kiln_text(), "\"splits\":[\"train\",\"validation\",\"test\"],"
                                        "\"flags\":{\"stepped\":1,\"epoch\":2,"));
    assert_int_equal(kiln_status_exit(KILN_OK), 0);
    assert_int_equal(kiln_status_exit(17), 0);
    assert_int_equal(kiln_status_exit(KILN_E_DIVERGED), 6);
    assert_int_equal(kiln_status_exit(-1000), 1);
}

/* Every allocation fails in turn: no leak, the right code, and a retry works. */
static void every_allocation_may_fail(void **state)
{
    const int used = kiln_memory_used();

    (void)state;
    for (size_t limit = 1000;; limit *= 2) {
        const size_t real = kiln_memory_limit();
        int net;

        kiln_memory_limit_set(limit);
        net = kiln_net_create(small, tiny);
        kiln_memory_limit_set(real);
        if (net >= 0) {
            kiln_net_destroy(net);
            break;
        }
        assert_int_equal(net, KILN_E_MEMORY);
        assert_int_equal(kiln_memory_used(), used);
    }
    assert_int_equal(kiln_handle_count(KILN_KIND_NET), 0);
}

/* A batch of one: test mode gives scores, train mode and gradients are refused with the layer. */
static void one_image_through_a_batchnorm(void **state)
{
    const int net = create("affine 6 - batchnorm - affine 5 - softmax", tiny), y[2] = {1, 2};
    float x[2 * 72], scores[10];
    double loss;

    (void)state;
    check_random(x, 2 * 72, 5);
    assert_int_equal(kiln_net_scores(net, scores, x, 1, 0), KILN_OK);
    assert_int_equal(kiln_net_scores(net, scores, x, 1, 1), KILN_E_SHAPE);
    assert_non_null(strstr(kiln_error(), "batchnorm1 cannot be trained on a batch of 1"));
    assert_int_equal(kiln_net_loss(net, &loss, x, y, 1, 0), KILN_E_SHAPE);
    assert_int_equal(kiln_net_loss_and_gradients(net, &loss, x, y, 1, 0), KILN_E_SHAPE);
    assert_int_equal(kiln_net_loss_and_gradients(net, &loss, x, y, 2, 0), KILN_OK);
    assert_int_equal(kiln_net_scores(net, scores, x, 2, 1), KILN_OK);
    assert_int_equal(kiln_net_destroy(net), KILN_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_image_through_a_batchnorm),
        cmocka_unit_test(the_library),
        cmocka_unit_test(summaries),
        cmocka_unit_test(options),
        cmocka_unit_test(first_filters_pass_a_channel_on),
        cmocka_unit_test(tensors),
        cmocka_unit_test(hashes_and_seeds),
        cmocka_unit_test(losses),
        cmocka_unit_test(inspects_in_the_courses_order),
        cmocka_unit_test(profiles),
        cmocka_unit_test(gradchecks),
        cmocka_unit_test(gradchecks_by_layer),
        cmocka_unit_test(constants),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
