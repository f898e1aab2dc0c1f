/*
 * api_data: the public functions of data sets, their checks and their texts.
 */
#include "api/handles.h"
#include "data/dataset.h"
#include "kiln.h"
#include "records.h"

enum { D = 3072, S = 1024 };

static int small_builtin(void)
{
    const int data = kiln_data_builtin("train=60\nvalidation=20\ntest=20\ndata-seed=5\n");

    CHECK(data > 0);
    return data;
}

static void refused(int status, int expected, const char *words)
{
    if (status != expected || !strstr(kiln_error(), words))
        CHECK_FAIL("status %d: \"%s\" is not in \"%s\"", status, words, kiln_error());
}

static void info_tells_what_there_is(void **state)
{
    const int data = small_builtin();

    (void)state;
    CHECK(kiln_data_info(data) == (int)strlen(kiln_text()));
    assert_non_null(strstr(kiln_text(), "\"name\":\"builtin\",\"classes\":[\"boat\",\"car\","));
    assert_non_null(strstr(kiln_text(),
                           "\"shape\":[3,32,32],\"train\":60,\"validation\":20,\"test\":20,"));
    assert_non_null(strstr(kiln_text(), "\"hash\":\""));
    assert_int_equal(kiln_data_destroy(data), 0);
}

static void options_are_read_and_checked(void **state)
{
    (void)state;
    refused(kiln_data_builtin("trian=3"), KILN_E_ARG, "did you mean \"train\"");
    refused(kiln_data_builtin("train=x"), KILN_E_ARG, "train");
    refused(kiln_data_builtin("train=0"), KILN_E_ARG, "0 images");
    refused(kiln_data_builtin("train=200000"), KILN_E_ARG, "200000");

    const int a = kiln_data_builtin(""), b = kiln_data_builtin("data-seed=1\ntrain=8000");
    char text[2000];

    CHECK(a > 0 && b > 0 && kiln_data_info(a) > 0);
    snprintf(text, sizeof text, "%s", kiln_text());
    CHECK(kiln_data_info(b) > 0);
    assert_string_equal(text, kiln_text()); /* these are the defaults */
    assert_non_null(strstr(text, "\"train\":8000,\"validation\":1000,\"test\":1000"));
    kiln_data_destroy(a);
    kiln_data_destroy(b);
}

static void a_set_is_drawn_in_pieces(void **state)
{
    static const char options[] = "train=60\nvalidation=20\ntest=20\ndata-seed=5\n";
    const int whole = small_builtin(), data = kiln_data_builtin_create(options);
    const int files = kiln_data_create();
    char text[2000];

    (void)state;
    refused(kiln_data_builtin_create("train=0"), KILN_E_ARG, "0 images");
    refused(kiln_data_builtin_draw(data, 0), KILN_E_ARG, "0 images");
    refused(kiln_data_builtin_draw(data + 1000, 1), KILN_E_HANDLE, "data set");
    refused(kiln_data_builtin_draw(files, 1), KILN_E_STATE, "only a built-in one");
    refused(kiln_data_info(data), KILN_E_STATE, "finish it");
    refused(kiln_data_add_file(data, "test_batch.bin", (const uint8_t *)"", 0, KILN_BY_NAME),
            KILN_E_STATE, "the built-in one is drawn");
    assert_int_equal(kiln_data_builtin_draw(data, 70), 30);
    refused(kiln_data_image(data, KILN_TRAIN, 0, NULL), KILN_E_STATE, "finish it");
    assert_int_equal(kiln_data_builtin_draw(data, 2147483647), 0);
    assert_int_equal(kiln_data_builtin_draw(data, 1), 0);
    CHECK(kiln_data_info(whole) > 0);
    snprintf(text, sizeof text, "%s", kiln_text());
    CHECK(kiln_data_info(data) > 0);
    assert_string_equal(text, kiln_text());
    assert_int_equal(kiln_data_builtin_draw(whole, 1), 0);
    kiln_data_destroy(whole);
    kiln_data_destroy(data);
    kiln_data_destroy(files);
}

static void batches_are_in_the_course_order(void **state)
{
    const int data = small_builtin(), n = 37; /* more than is decoded at a time */
    float *x = check_floats((size_t)n * D);
    uint8_t image[D];
    int y[37];

    (void)state;
    assert_int_equal(kiln_data_batch(data, KILN_TRAIN, 5, n, "normalize=none", x, y), 0);
    for (int i = 0; i < n; i++) {
        assert_int_equal(kiln_data_image(data, KILN_TRAIN, 5 + i, image), y[i]);
        for (int p = 0; p < D; p++) CHECK_NEAR(x[i * D + p], image[p], 0);
    }
    assert_int_equal(kiln_data_batch(data, KILN_TRAIN, 0, n, "", x, NULL), 0);
    for (int c = 0; c < 3; c++) { /* normalised: about mean 0 */
        double sum = 0;

        for (int i = 0; i < n; i++)
            for (int p = 0; p < S; p++) sum += x[i * D + c * S + p];
        CHECK_NEAR(sum / (n * S), 0, 0.4);
    }
    check_free(x);
    kiln_data_destroy(data);
}

/* Of the standard set, whose images are drawn when they are first wanted: whoever asks first. */
static void the_standard_set_shows_what_it_draws(void **state)
{
    enum { TRAIN = 60, TEST = 10 };
    const int whole = kiln_data_builtin(""), data = kiln_data_builtin_create("");
    uint8_t image[D], same[D];
    int y[3], label[3], answer[TEST], right[TEST];
    float *x = check_floats(3 * D), *z = check_floats(3 * D);
    const char *const options[] = {"normalize=channel", "normalize=mean-image"};

    (void)state;
    assert_int_equal(kiln_data_builtin_draw(data, 1), 0);
    assert_int_equal(kiln_data_knn(data, 3, TRAIN, 5, TEST, answer),
                     kiln_data_knn(whole, 3, TRAIN, 5, TEST, right));
    assert_memory_equal(answer, right, sizeof right);
    assert_int_equal(kiln_data_image(data, KILN_VALIDATION, 17, image),
                     kiln_data_image(whole, KILN_VALIDATION, 17, same));
    assert_memory_equal(image, same, D);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(kiln_data_batch(data, KILN_TRAIN, 500 + 100 * i, 3, options[i], x, y), 0);
        assert_int_equal(kiln_data_batch(whole, KILN_TRAIN, 500 + 100 * i, 3, options[i], z, label),
                         0);
        assert_memory_equal(x, z, 3 * D * sizeof *x);
        assert_memory_equal(y, label, sizeof label);
    }
    check_free(x), check_free(z);
    kiln_data_destroy(whole);
    kiln_data_destroy(data);
}

static void arguments_are_checked(void **state)
{
    static const uint8_t byte;
    const int data = small_builtin(), reading = kiln_data_create();
    float x[D];
    int y;

    (void)state;
    refused(kiln_data_batch(data, 3, 0, 1, "", x, &y), KILN_E_ARG, "split");
    refused(kiln_data_batch(data, -1, 0, 1, "", x, &y), KILN_E_ARG, "split");
    refused(kiln_data_batch(data, KILN_TEST, 20, 1, "", x, &y), KILN_E_ARG, "20 test images");
    refused(kiln_data_batch(data, KILN_TEST, -1, 1, "", x, &y), KILN_E_ARG, "image -1");
    refused(kiln_data_batch(data, KILN_TEST, 1 << 30, 1 << 30, "", x, &y), KILN_E_ARG, "image");
    refused(kiln_data_batch(data, KILN_TEST, 0, 1, "normalise=none", x, &y), KILN_E_ARG,
            "normalize");
    refused(kiln_data_batch(data, KILN_TEST, 0, 1, "normalize=chanel", x, &y), KILN_E_ARG,
            "channel");
    refused(kiln_data_batch(data, KILN_TEST, 0, 1, "", NULL, &y), KILN_E_ARG, "nowhere");
    refused(kiln_data_image(data, KILN_TEST, 20, NULL), KILN_E_ARG, "20 test images");
    refused(kiln_data_add_file(data, "a.bin", &byte, 1, KILN_BY_NAME), KILN_E_STATE, "finished");
    refused(kiln_data_feed_tar(data, &byte, 1), KILN_E_STATE, "finished");
    refused(kiln_data_finish(data, ""), KILN_E_STATE, "finished");
    refused(kiln_data_info(reading), KILN_E_STATE, "finish");
    refused(kiln_data_add_file(reading, NULL, &byte, 1, KILN_BY_NAME), KILN_E_ARG, "name");
    refused(kiln_data_add_file(reading, "a.bin", NULL, 1, KILN_BY_NAME), KILN_E_ARG, "bytes");
    refused(kiln_data_feed_tar(reading, NULL, 1), KILN_E_ARG, "bytes");
    refused(kiln_data_finish(reading, "data-seed=-1"), KILN_E_ARG, "data-seed");
    refused(kiln_data_knn(data, 0, 10, 0, 10, NULL), KILN_E_ARG, "k = 0");
    refused(kiln_data_knn(data, 11, 10, 0, 10, NULL), KILN_E_ARG, "k = 11");
    refused(kiln_data_knn(data, 1, 61, 0, 10, NULL), KILN_E_ARG, "61");
    assert_int_equal(kiln_data_destroy(data), 0);
    assert_int_equal(kiln_data_destroy(reading), 0);
    refused(kiln_data_destroy(data), KILN_E_HANDLE, "data set");
    refused(kiln_data_info(data), KILN_E_HANDLE, "data set");
    assert_int_equal(kiln_handle_count(KILN_KIND_DATA), 0);
}

/* Against sums of squared differences in whole numbers. */
static void knn_counts_what_a_plain_loop_counts(void **state)
{
    enum { TRAIN = 1100, TEST = 130 };
    const int data = kiln_data_builtin("train=1100\nvalidation=0\ntest=130");
    static uint8_t train[TRAIN][D], test[TEST][D];
    int label[TRAIN], answer[TEST], correct = 0;

    (void)state;
    for (int i = 0; i < TRAIN; i++) label[i] = kiln_data_image(data, KILN_TRAIN, i, train[i]);
    const int found = kiln_data_knn(data, 1, TRAIN, 0, TEST, answer);

    for (int t = 0; t < TEST; t++) {
        const int truth = kiln_data_image(data, KILN_TEST, t, test[t]);
        long nearest = 1L << 40;
        int best = 0;

        for (int i = 0; i < TRAIN; i++) {
            long sum = 0;

            for (int p = 0; p < D; p++) {
                const int away = train[i][p] - test[t][p];

                sum += away * away;
            }
            if (sum < nearest || (sum == nearest && label[i] < best)) {
                nearest = sum;
                best = label[i];
            }
        }
        assert_int_equal(answer[t], best);
        correct += best == truth;
    }
    assert_int_equal(found, correct);

    int part[TEST], sum = 0; /* the same in slices */

    for (int first = 0; first < TEST; first += 50) {
        const int n = TEST - first < 50 ? TEST - first : 50;

        sum += kiln_data_knn(data, 1, TRAIN, first, n, part + first);
    }
    assert_int_equal(sum, correct);
    assert_memory_equal(part, answer, sizeof part);
    kiln_data_destroy(data);
}

static void files_make_a_set(void **state)
{
    const int data = kiln_data_create();
    uint8_t *bytes = records_make(1, 30), image[D];

    (void)state;
    CHECK(data > 0);
    refused(kiln_data_add_file(data, "mine.bin", bytes, 30 * RECORD, KILN_BY_NAME), KILN_E_SPLIT,
            "mine.bin: the name does not say");
    assert_int_equal(kiln_data_add_file(data, "mine.bin", bytes, 30 * RECORD, KILN_TRAIN), 0);
    refused(kiln_data_add_file(data, "test_batch.bin", bytes, 30 * RECORD - 1, KILN_BY_NAME),
            KILN_E_DATA, "test_batch.bin: cut short");
    refused(kiln_data_kind(NULL, bytes, 10, -1), KILN_E_ARG, "name");
    refused(kiln_data_kind("a.zip", (const uint8_t *)"PK\3\4", 4, -1), KILN_E_DATA, "a zip");
    assert_int_equal(kiln_data_kind("a.gz", (const uint8_t *)"\x1f\x8b", 2, -1), KILN_FILE_GZIP);
    assert_int_equal(kiln_data_finish(data, "validation=10"), 0);
    assert_int_equal(kiln_data_image(data, KILN_VALIDATION, 0, image), (1 + 20) % 10);
    assert_memory_equal(image, bytes + 20 * RECORD + 1, D);
    CHECK(kiln_data_info(data) > 0);
    assert_non_null(strstr(kiln_text(), "\"train\":20,\"validation\":10,\"test\":0"));
    free(bytes);
    kiln_data_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info_tells_what_there_is),
        cmocka_unit_test(options_are_read_and_checked),
        cmocka_unit_test(a_set_is_drawn_in_pieces),
        cmocka_unit_test(batches_are_in_the_course_order),
        cmocka_unit_test(the_standard_set_shows_what_it_draws),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(knn_counts_what_a_plain_loop_counts),
        cmocka_unit_test(files_make_a_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
