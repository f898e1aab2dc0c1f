/* The public functions of training: handles, sentences, JSON, and a run from end to end. */
#include "base/status.h"
#include "check.h"
#include "kiln.h"

#define NET "conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax"
#define SMALL "net=" NET "\nbatch=10\ncheck-train=20\n"

static int data;

static int create(const char *options)
{
    const int t = kiln_trainer_create(data, options);

    if (t < 0) CHECK_FAIL("%s", kiln_error());
    return t;
}

static void step(int trainer, int steps)
{
    while (steps--)
        if (kiln_trainer_step(trainer) < 0) CHECK_FAIL("%s", kiln_error());
}

#define REFUSED(call, status, sentence) refused(call, status, sentence, __LINE__)
static void refused(int result, int status, const char *sentence, int line)
{
    if (result != status || !strstr(kiln_error(), sentence))
        CHECK_FAIL("line %d: %d, \"%s\"", line, result, kiln_error());
}

/* kiln_text holds `part`. */
static void text_has(const char *part)
{
    if (!strstr(kiln_text(), part)) CHECK_FAIL("\"%s\" is not in %s", part, kiln_text());
}

static void wrong_handles(void **state)
{
    const int t = create(SMALL);

    (void)state;
    REFUSED(kiln_trainer_create(99, ""), KILN_E_HANDLE, "no data set");
    REFUSED(kiln_trainer_create(t, ""), KILN_E_HANDLE, "no data set");
    REFUSED(kiln_trainer_step(data), KILN_E_HANDLE, "no trainer");
    assert_int_equal(kiln_trainer_destroy(t), KILN_OK);
    REFUSED(kiln_trainer_step(t), KILN_E_HANDLE, "destroyed");
    REFUSED(kiln_trainer_destroy(t), KILN_E_HANDLE, "destroyed");
    REFUSED(kiln_trainer_metrics(t), KILN_E_HANDLE, "destroyed");
    assert_null(kiln_trainer_saved(t));
}

/* Without a net a run is the first preset's, options and all; with one, options are the table's. */
static void without_a_net_it_is_the_first_preset(void **state)
{
    const int plain = create(""), changed = create("lr=0.5\nbatch=20\n"), named = create(SMALL);

    (void)state;
    assert_true(kiln_trainer_options(plain) > 0);
    text_has("\"init\":\"gaussian 0.01\"");
    text_has("\"lr\":\"0.03\"");
    text_has("\"epochs\":\"7\"");
    assert_true(kiln_trainer_options(changed) > 0);
    text_has("\"init\":\"gaussian 0.01\"");
    text_has("\"lr\":\"0.5\"");
    assert_true(kiln_trainer_options(named) > 0);
    text_has("\"init\":\"he\"");
    text_has("\"lr\":\"0.01\"");
    REFUSED(kiln_trainer_create(data, "lr=0.1\nnonsense"), KILN_E_ARG, "nonsense");
    kiln_trainer_destroy(plain), kiln_trainer_destroy(changed), kiln_trainer_destroy(named);
}

static void a_data_set_destroyed_too_early(void **state)
{
    const int other = kiln_data_builtin("train=20\nvalidation=10\ntest=10");
    const int t = kiln_trainer_create(other, SMALL);

    (void)state;
    assert_true(other > 0 && t > 0);
    assert_int_equal(kiln_data_destroy(other), KILN_OK);
    REFUSED(kiln_trainer_step(t), KILN_E_HANDLE, "data set of trainer");
    assert_int_equal(kiln_trainer_destroy(t), KILN_OK);
}

static void wrong_arguments(void **state)
{
    const int t = create(SMALL);
    uint8_t image[3072] = {0};
    float p[10];

    (void)state;
    REFUSED(kiln_trainer_create(data, "epcohs=1"), KILN_E_ARG, "did you mean \"epochs\"");
    REFUSED(kiln_trainer_create(data, "net=conv 3x3"), KILN_E_NOTATION, "net");
    REFUSED(kiln_trainer_create(data, "net=affine 3 - svm"), KILN_E_SHAPE, "3 scores");
    REFUSED(kiln_trainer_set(t, "lr", NULL), KILN_E_ARG, "set");
    REFUSED(kiln_trainer_set(t, "lr", "0.1\nepochs=3"), KILN_E_ARG, "set");
    REFUSED(kiln_trainer_set(t, "optimizer", "sgd"), KILN_E_ARG, "cannot change");
    REFUSED(kiln_trainer_evaluate(t, 3, 0, 1, 1, NULL, NULL), KILN_E_ARG, "split");
    REFUSED(kiln_trainer_evaluate(t, 2, 5, 6, 1, NULL, NULL), KILN_E_ARG, "10 test images");
    REFUSED(kiln_trainer_evaluate(t, 2, INT32_MAX, INT32_MAX, 1, NULL, NULL), KILN_E_ARG, "images");
    REFUSED(kiln_trainer_evaluate(t, 2, 0, 1, 3, NULL, NULL), KILN_E_ARG, "views");
    REFUSED(kiln_trainer_predict(t, NULL, 1, 1, p), KILN_E_ARG, "no images");
    REFUSED(kiln_trainer_predict(t, image, -1, 1, p), KILN_E_ARG, "no images");
    REFUSED(kiln_trainer_inspect(t, 0, 60), KILN_E_ARG, "60 training images");
    REFUSED(kiln_trainer_restore_best(t), KILN_E_STATE, "no best");
    REFUSED(kiln_trainer_resume(data, NULL, 3, ""), KILN_E_ARG, "no checkpoint");
    REFUSED(kiln_trainer_resume(data, image, 3072, ""), KILN_E_CHECKPOINT, "checkpoint");
    REFUSED(kiln_checkpoint_info(image, 3072), KILN_E_CHECKPOINT, "checkpoint");
    kiln_trainer_destroy(t);
}

static void a_run(void **state)
{
    const int t = create(SMALL "epochs=2\nlr=0.01\n");
    int flags = 0, steps = 0, length, confusion[100] = {0};
    double loss = 0;

    (void)state;
    assert_true(kiln_trainer_metrics(t) > 0);
    text_has("\"step\":0,\"epoch\":0,\"steps\":12,\"epochs\":2,\"loss\":null");
    while (!(flags & KILN_DONE)) {
        flags = kiln_trainer_step(t);
        assert_true(flags & KILN_STEPPED);
        steps++;
    }
    assert_int_equal(steps, 12);
    REFUSED(kiln_trainer_step(t), KILN_E_STATE, "over after 2 epochs");
    assert_true(kiln_trainer_metrics(t) > 0);
    text_has("\"step\":12,\"epoch\":2,");
    assert_null(strstr(kiln_text(), "null")); /* all is known */
    text_has("\"trainAccuracy\":0.");
    text_has("\"bestEpoch\":");
    length = kiln_trainer_history(t);
    assert_int_equal(length, strlen(kiln_text()));
    text_has("{\"loss\":[[1,");
    text_has("\"epochs\":[{\"epoch\":1,\"step\":6,\"trainLoss\":");
    assert_true(kiln_trainer_evaluate(t, KILN_TEST, 0, 10, 10, &loss, confusion) >= 0);
    assert_true(loss > 0);
    assert_int_equal(kiln_trainer_set(t, "lr", "0.25"), KILN_OK);
    assert_true(kiln_trainer_options(t) > 0);
    text_has("\"lr\":\"0.25\"");
    kiln_trainer_destroy(t);
}

static void lent_nets(void **state)
{
    const int t = create(SMALL), net = kiln_trainer_net(t),
              seen = kiln_trainer_inspect(t, KILN_TEST, 1);
    float w[108];

    (void)state;
    assert_true(net > 0 && seen > 0 && net != seen);
    assert_int_equal(kiln_trainer_net(t), net);
    assert_int_equal(kiln_trainer_inspect(t, KILN_TEST, 2), seen);
    assert_true(kiln_net_tensor_get(net, 0, w) >= 0);
    assert_int_equal(kiln_net_inspect(seen, 0, 0, 0, NULL), 4 * 32 * 32);
    REFUSED(kiln_net_destroy(net), KILN_E_STATE, "belongs to a trainer");
    REFUSED(kiln_net_destroy(seen), KILN_E_STATE, "belongs to a trainer");
    assert_int_equal(kiln_trainer_set(t, "batch", "50"), KILN_OK); /* a larger net in its place */
    REFUSED(kiln_net_tensor_get(net, 0, w), KILN_E_HANDLE, "destroyed");
    assert_true(kiln_net_tensor_get(kiln_trainer_net(t), 0, w) >= 0);
    kiln_trainer_destroy(t);
    REFUSED(kiln_net_hash(seen), KILN_E_HANDLE, "destroyed");
}

/* The standard set draws an image when it is first wanted: to judge it, look at it, or train. */
static void a_set_that_is_drawn_as_wanted_trains_the_same(void **state)
{
    static const char *const options[] = {SMALL "draw=replacement\n",
                                          SMALL "normalize=mean-image\naugment=flip\n"};
    const int set[] = {kiln_data_builtin(""), kiln_data_builtin_create("")};
    int confusion[2][100] = {0};
    double loss[2] = {0};
    float out[2][4096];
    char hash[2][20];

    (void)state;
    for (int o = 0; o < 2; o++) {
        for (int i = 0; i < 2; i++) {
            const int t = kiln_trainer_create(set[i], options[o]);

            if (t < 0) CHECK_FAIL("%s", kiln_error());
            assert_true(kiln_trainer_evaluate(t, KILN_TEST, 100 * o, 30, 2, &loss[i],
                                              confusion[i]) >= 0);
            kiln_net_inspect(kiln_trainer_inspect(t, KILN_VALIDATION, 7 + o), 0, 0, 0, out[i]);
            step(t, 5);
            kiln_net_hash(kiln_trainer_net(t));
            strcpy(hash[i], kiln_text());
            kiln_trainer_destroy(t);
        }
        assert_string_equal(hash[0], hash[1]);
        assert_memory_equal(out[0], out[1], sizeof out[0]);
        assert_memory_equal(confusion[0], confusion[1], sizeof confusion[0]);
        CHECK(loss[0] == loss[1]);
    }
    kiln_data_destroy(set[0]), kiln_data_destroy(set[1]);
}

/* Saved in one trainer, resumed in another: the same hash at the end. */
static void save_and_resume(void **state)
{
    const char *const options = SMALL "augment=flip\nepochs=3\n";
    const int a = create(options);
    char hash[20];
    int b, size;

    (void)state;
    step(a, 5);
    size = kiln_trainer_save(a);
    assert_true(size > 0);
    assert_true(kiln_checkpoint_info(kiln_trainer_saved(a), size) > 0);
    text_has("\"step\":5,\"epoch\":0,");
    b = kiln_trainer_resume(data, kiln_trainer_saved(a), size, "");
    assert_true(b > 0);
    step(a, 9), step(b, 9);
    assert_int_equal(kiln_net_hash(kiln_trainer_net(a)), 16);
    strcpy(hash, kiln_text());
    assert_int_equal(kiln_net_hash(kiln_trainer_net(b)), 16);
    assert_string_equal(kiln_text(), hash);
    assert_true(kiln_trainer_export(a) > 0);
    assert_memory_equal(kiln_trainer_saved(a) + 8, "{", 1);
    kiln_trainer_destroy(a), kiln_trainer_destroy(b);
}

/* The weights of a trainer alone, in a new trainer, in one that evaluates, and in a net. */
static void weights_alone(void **state)
{
    const int a = create(SMALL), net = kiln_net_create(NET, "batch=3"),
              other = kiln_net_create("affine 10 - softmax", ""),
              wide = kiln_net_create(NET, "input=3x16x16");
    char hash[20];
    int size, in[3];

    (void)state;
    step(a, 5);
    assert_int_equal(kiln_net_hash(kiln_trainer_net(a)), 16);
    strcpy(hash, kiln_text());
    size = kiln_trainer_export(a);
    assert_true(size > 0);
    assert_true(kiln_checkpoint_info(kiln_trainer_saved(a), size) > 0);
    text_has("{\"hasRun\":false,");
    text_has("\"input\":[3,32,32]");
    REFUSED(kiln_trainer_resume(data, kiln_trainer_saved(a), size, ""), KILN_E_CHECKPOINT,
            "a new run can begin with its weights");
    assert_int_equal(kiln_net_fill(net, kiln_trainer_saved(a), size), KILN_OK);
    REFUSED(kiln_net_fill(other, kiln_trainer_saved(a), size), KILN_E_ARG, "another net");
    REFUSED(kiln_net_fill(wide, kiln_trainer_saved(a), size), KILN_E_SHAPE, "3x32x32, not of 3x16");
    REFUSED(kiln_net_fill(net, kiln_trainer_saved(a), size - 1), KILN_E_CHECKPOINT, "checkpoint");
    REFUSED(kiln_net_fill(net, NULL, 9), KILN_E_ARG, "no checkpoint");
    REFUSED(kiln_net_fill(a, kiln_trainer_saved(a), size), KILN_E_HANDLE, "");
    in[0] = net;
    in[1] = kiln_trainer_begin(data, kiln_trainer_saved(a), size, "batch=10\n");
    in[2] = kiln_trainer_load(data, kiln_trainer_saved(a), size, "");
    assert_true(in[1] > 0 && in[2] > 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kiln_net_hash(i ? kiln_trainer_net(in[i]) : in[i]), 16);
        assert_string_equal(kiln_text(), hash);
    }
    assert_true(kiln_trainer_step(in[1]) & KILN_STEPPED);
    REFUSED(kiln_trainer_step(in[2]), KILN_E_STATE, "evaluated");
    kiln_trainer_destroy(a), kiln_trainer_destroy(in[1]), kiln_trainer_destroy(in[2]);
    kiln_net_destroy(net), kiln_net_destroy(other), kiln_net_destroy(wide);
}

/* The part of the text that tells what the last epoch came to. */
static void copy_epoch(char *out, size_t size)
{
    const char *from = strstr(kiln_text(), "\"trainLoss\":");
    const char *to = from ? strstr(from, ",\"best") : NULL;

    assert_non_null(to);
    snprintf(out, size, "%.*s", (int)(to - from), from);
}

/* Metrics, history and a resumed run tell an epoch to the same digits: those of the history, which
 * is kept in floats. */
static void an_epoch_is_told_to_the_same_digits_everywhere(void **state)
{
    const int a = create(SMALL "epochs=2\n");
    char told[200], again[200];
    int b, size, flags;

    (void)state;
    do CHECK((flags = kiln_trainer_step(a)) >= 0);
    while (!(flags & KILN_EPOCH));
    assert_true(kiln_trainer_metrics(a) > 0);
    copy_epoch(told, sizeof told);
    assert_true(kiln_trainer_history(a) > 0);
    text_has(told);
    assert_true((size = kiln_trainer_save(a)) > 0);
    b = kiln_trainer_resume(data, kiln_trainer_saved(a), size, "");
    assert_true(b > 0);
    assert_true(kiln_trainer_metrics(b) > 0);
    copy_epoch(again, sizeof again);
    assert_string_equal(again, told);
    kiln_trainer_destroy(a), kiln_trainer_destroy(b);
}

static void predictions(void **state)
{
    const int t = create(SMALL);
    uint8_t image[3072];
    float p[10];
    double sum = 0;

    (void)state;
    assert_true(kiln_data_image(data, KILN_TEST, 0, image) >= 0);
    assert_int_equal(kiln_trainer_predict(t, image, 1, 10, p), KILN_OK);
    for (int c = 0; c < 10; c++) sum += p[c];
    CHECK_NEAR(sum, 1, 1e-5);
    assert_int_equal(kiln_trainer_predict(t, NULL, 0, 1, NULL), KILN_OK);
    kiln_trainer_destroy(t);
}

static void tables(void **state)
{
    int length = kiln_options();

    (void)state;
    assert_int_equal(length, strlen(kiln_text()));
    text_has("{\"name\":\"net\",\"type\":\"text\",");
    length = kiln_presets();
    assert_int_equal(length, strlen(kiln_text()));
    text_has("{\"name\":\"default\",");
}

/* Making and destroying leaves nothing behind. */
static void no_leak(void **state)
{
    const int before = kiln_memory_used();

    (void)state;
    for (int i = 0; i < 200; i++) {
        const int t = create(SMALL);

        kiln_trainer_net(t);
        if (i % 50 == 0) kiln_trainer_inspect(t, 0, 0), kiln_trainer_save(t);
        assert_int_equal(kiln_trainer_destroy(t), KILN_OK);
    }
    assert_int_equal(kiln_memory_used(), before);
}

static int set_up(void **state)
{
    (void)state;
    data = kiln_data_builtin("train=60\nvalidation=20\ntest=10");
    return data < 0;
}

static int tear_down(void **state)
{
    (void)state;
    return kiln_data_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_handles),
        cmocka_unit_test(without_a_net_it_is_the_first_preset),
        cmocka_unit_test(a_data_set_destroyed_too_early),
        cmocka_unit_test(wrong_arguments), cmocka_unit_test(a_run),
        cmocka_unit_test(lent_nets),
        cmocka_unit_test(a_set_that_is_drawn_as_wanted_trains_the_same),
        cmocka_unit_test(save_and_resume),
        cmocka_unit_test(weights_alone),
        cmocka_unit_test(an_epoch_is_told_to_the_same_digits_everywhere),
        cmocka_unit_test(predictions),     cmocka_unit_test(tables),
        cmocka_unit_test(no_leak),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
