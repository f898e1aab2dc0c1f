/*
 * data/cifar10: the official order whatever order files come in, the splits, and a sentence with
 * file and record for every way in which a file can be wrong.
 */
#include "base/status.h"
#include "data/dataset.h"
#include "records.h"

#define PIXELS 3072

static int add_bytes(kiln_dataset *d, const char *name, const void *bytes, int size)
{
    return kiln_fileset_add_file(d, name, bytes, size, KILN_SPLIT_BY_NAME);
}

/* Adds a made-up file of n records. */
static int add(kiln_dataset *d, const char *name, int file, int n)
{
    uint8_t *bytes = records_make(file, n);
    const int status = add_bytes(d, name, bytes, n * RECORD);

    free(bytes);
    return status;
}

/* Image i of a split is record r of a made-up file. */
static void check_record(const kiln_dataset *d, int split, int i, int file, int r)
{
    uint8_t record[RECORD];

    record_make(record, file, r);
    assert_int_equal(d->label[split][i], record[0]);
    assert_memory_equal(d->image[split] + (size_t)i * PIXELS, record + 1, PIXELS);
}

static void order_is_the_official_one_whatever_comes_first(void **state)
{
    static const int orders[][4] = {{1, 2, 3, 4}, {4, 3, 2, 1}, {2, 4, 1, 3}, {3, 1, 4, 2}};
    uint64_t hash = 0;

    (void)state;
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
        kiln_dataset d;
        int at = 0;

        assert_int_equal(kiln_fileset_create(&d), 0);
        for (int k = 0; k < 4; k++) {
            const int file = orders[o][k];
            char name[64];

            snprintf(name, sizeof name, "some/folder/data_batch_%d.bin", file);
            assert_int_equal(add(&d, name, file, 3 + file), 0);
            if (k == 1) assert_int_equal(add(&d, "test_batch.bin", 9, 6), 0);
        }
        assert_int_equal(kiln_fileset_finish(&d, -1, 4, -1, 1), 0);
        assert_int_equal(d.count[0], 22 - 4);
        assert_int_equal(d.count[1], 4);
        assert_int_equal(d.count[2], 6);
        for (int file = 1; file <= 4; file++)
            for (int r = 0; r < 3 + file; r++, at++)
                check_record(&d, at < 18 ? 0 : 1, at < 18 ? at : at - 18, file, r);
        for (int r = 0; r < 6; r++) check_record(&d, 2, r, 9, r);
        if (o == 0) hash = d.hash;
        CHECK(d.hash == hash && d.finished && d.reader == NULL);
        kiln_dataset_destroy(&d);
    }
}

static void splits_are_cut_as_asked(void **state)
{
    /* wanted train, validation, test; then found; 30 records and 8 test records there are */
    static const int cuts[][6] = {
        {-1, -1, -1, 27, 3, 8}, {10, -1, 2, 10, 3, 2}, {-1, 0, 0, 30, 0, 0}, {99, 29, 99, 1, 29, 8},
    };

    (void)state;
    for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
        const int *cut = cuts[c];
        kiln_dataset d;

        assert_int_equal(kiln_fileset_create(&d), 0);
        assert_int_equal(add(&d, "data_batch_2.bin", 2, 30), 0);
        assert_int_equal(add(&d, "test_batch.bin", 9, 8), 0);
        assert_int_equal(kiln_fileset_finish(&d, cut[0], cut[1], cut[2], 1), 0);
        for (int s = 0; s < KILN_SPLITS; s++) assert_int_equal(d.count[s], cut[3 + s]);
        check_record(&d, 0, cut[3] - 1, 2, cut[3] - 1);
        if (cut[4]) check_record(&d, 1, 0, 2, 30 - cut[4]); /* the last ones, always */
        kiln_dataset_destroy(&d);
    }
}

static void splits_that_cannot_be_are_refused(void **state)
{
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), KILN_E_DATA);
    assert_int_equal(add(&d, "test_batch.bin", 9, 8), 0);
    assert_int_equal(add(&d, "data_batch_2.bin", 2, 5), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, 5, -1, 1), KILN_E_ARG);
    assert_int_equal(kiln_fileset_finish(&d, 0, 1, -1, 1), KILN_E_ARG);
    assert_int_equal(kiln_fileset_finish(&d, -1, 1, -1, 1), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, 1, -1, 1), KILN_E_STATE);
    assert_int_equal(add(&d, "data_batch_3.bin", 3, 5), KILN_E_STATE);
    kiln_dataset_destroy(&d);
}

/* Test images alone are a set to evaluate on: nothing is measured by them. */
static void test_images_alone_are_a_set(void **state)
{
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add(&d, "test_batch.bin", 9, 8), 0);
    assert_int_equal(kiln_fileset_finish(&d, 5, 3, 6, 1), 0);
    assert_true(d.count[0] == 0 && d.count[1] == 0 && d.count[2] == 6);
    for (int c = 0; c < 3; c++) assert_true(d.mean[c] == 0 && d.std[c] == 1);
    check_record(&d, 2, 5, 9, 5);
    kiln_dataset_destroy(&d);
}

/* Adds bytes that must be refused with all of the words in the sentence. */
static void refuse(kiln_dataset *d, const char *name, const void *bytes, int size,
                   const char *words)
{
    char word[64];

    assert_int_equal(add_bytes(d, name, bytes, size), KILN_E_DATA);
    for (int used; sscanf(words, " %63[^|]%n", word, &used) == 1;
         words += used + (words[used] == '|'))
        if (!strstr(kiln_error(), word)) CHECK_FAIL("\"%s\" is not in \"%s\"", word, kiln_error());
}

static void every_wrong_label_is_named(void **state)
{
    uint8_t *bytes = records_make(3, 20);
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    for (int label = 10; label < 256; label++) {
        char words[64];

        bytes[17 * RECORD] = (uint8_t)label;
        snprintf(words, sizeof words, "data_batch_3.bin|record 17|label %d |below 10", label);
        refuse(&d, "dir/data_batch_3.bin", bytes, 20 * RECORD, words);
    }
    bytes[17 * RECORD] = 9;
    assert_int_equal(add_bytes(&d, "data_batch_3.bin", bytes, 20 * RECORD), 0);
    kiln_dataset_destroy(&d);
    free(bytes);
}

static void every_cut_file_is_refused(void **state)
{
    uint8_t *bytes = records_make(1, 3);
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    refuse(&d, "data_batch_1.bin", bytes, 0, "data_batch_1.bin|empty");
    for (int size = 1; size < 3 * RECORD; size++) {
        char words[64];

        if (size % RECORD == 0) continue;
        snprintf(words, sizeof words, "data_batch_1.bin|cut short|record %d has %d of",
                 size / RECORD, size % RECORD);
        refuse(&d, "data_batch_1.bin", bytes, size, words);
    }
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), KILN_E_DATA); /* nothing was kept */
    kiln_dataset_destroy(&d);
    free(bytes);
}

static void strange_files_get_a_sentence_of_their_own(void **state)
{
    static const char page[] = "<!DOCTYPE html><html>not found</html>";
    static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0, 0, 0};
    uint8_t *many = calloc(10001, RECORD);
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    refuse(&d, "data_batch_1.bin", page, sizeof page - 1, "data_batch_1.bin|web page");
    refuse(&d, "x.tar.gz", gzip, sizeof gzip, "x.tar.gz|gzip");
    refuse(&d, "data_batch_1.bin", many, 10001 * RECORD, "data_batch_1.bin|10000 records");
    refuse(&d, "data_batch_1.bin", many, 10000 * RECORD + 1, "data_batch_1.bin|10000 records");
    refuse(&d, "a\x01<b>\n.bin", page, 1, "a?<b>?.bin"); /* no control characters in sentences */
    assert_int_equal(add(&d, "data_batch_1.bin", 1, 2), 0);
    assert_int_equal(add(&d, "elsewhere/data_batch_1.bin", 1, 2), KILN_E_DATA);
    assert_non_null(strstr(kiln_error(), "twice"));
    kiln_dataset_destroy(&d);
    free(many);
}

/* Names that are not the official ones, letter by letter, decide nothing. */
static void other_names_are_asked_about(void **state)
{
    static const char *const names[] = {
        "Test_batch.bin", "TEST_BATCH.BIN", "test.bin", "test_batch (1).bin",
        "Copy of test_batch.bin", "validation.bin", "data_batch_1 (1).bin", "data_batch_.bin",
        "Data_batch_2.bin", "data_batch_02.bin", "data_batch_0.bin", "data_batch_1.bin.bin",
        "data_batch_1x.bin", "data_batch_1", "xdata_batch_1.bin", "my images.bin",
        "data_batch_1000.bin", " data_batch_1.bin", "test_batch.bin "};
    uint8_t *bytes = records_make(4, 6);
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add(&d, "data_batch_12.bin", 1, 5), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(add_bytes(&d, names[i], bytes, 6 * RECORD), KILN_E_SPLIT);
        if (!strstr(kiln_error(), names[i])) CHECK_FAIL("%s", kiln_error());
    }
    /* ... and go where the caller says; validation images are the last of training. */
    assert_int_equal(kiln_fileset_add_file(&d, names[0], bytes, 6 * RECORD, 1), KILN_E_ARG);
    assert_int_equal(kiln_fileset_add_file(&d, names[0], bytes, 6 * RECORD, 3), KILN_E_ARG);
    assert_int_equal(kiln_fileset_add_file(&d, names[0], bytes, 6 * RECORD, 2), 0);
    free(bytes);
    bytes = records_make(5, 3);
    assert_int_equal(kiln_fileset_add_file(&d, "folder/my images.bin", bytes, 3 * RECORD, 0), 0);
    bytes[5] ^= 1; /* another file of the same name, as from another folder */
    assert_int_equal(kiln_fileset_add_file(&d, "other/my images.bin", bytes, 3 * RECORD, 0), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, 0, -1, 1), 0);
    assert_int_equal(d.count[0], 11);
    assert_int_equal(d.count[2], 6);
    for (int r = 0; r < 5; r++) check_record(&d, 0, r, 1, r);
    for (int r = 0; r < 3; r++) check_record(&d, 0, 5 + r, 5, r);
    for (int r = 0; r < 6; r++) check_record(&d, 2, r, 4, r);
    kiln_dataset_destroy(&d);
    free(bytes);
}

/* The same images under two names would stand in training and validation. */
static void the_same_images_twice_are_refused(void **state)
{
    uint8_t *bytes = records_make(1, 7);
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add(&d, "data_batch_2.bin", 2, 7), 0);
    assert_int_equal(add_bytes(&d, "data_batch_1.bin", bytes, 7 * RECORD), 0);
    refuse(&d, "data_batch_3.bin", bytes, 7 * RECORD, "data_batch_3.bin|data_batch_1.bin|same");
    refuse(&d, "test_batch.bin", bytes, 7 * RECORD, "test_batch.bin|data_batch_1.bin|same");
    refuse(&d, "Copy of data_batch_1.bin", bytes, 7 * RECORD, "data_batch_1.bin|same");
    assert_int_equal(add_bytes(&d, "data_batch_3.bin", bytes, 6 * RECORD), 0); /* not the same */
    for (int i = 0; i < 7 * RECORD; i += 977) { /* one bit of difference is one */
        kiln_dataset other;

        assert_int_equal(kiln_fileset_create(&other), 0);
        assert_int_equal(add_bytes(&other, "data_batch_1.bin", bytes, 7 * RECORD), 0);
        bytes[i] ^= 1;
        assert_int_equal(add_bytes(&other, "data_batch_2.bin", bytes, 7 * RECORD), 0);
        bytes[i] ^= 1;
        kiln_dataset_destroy(&other);
    }
    assert_int_equal(kiln_fileset_finish(&d, -1, 0, -1, 1), 0);
    assert_int_equal(d.count[0], 20);
    kiln_dataset_destroy(&d);
    free(bytes);
}

static void a_refused_file_changes_nothing(void **state)
{
    kiln_dataset with, without;
    uint8_t *wrong = records_make(5, 4);

    (void)state;
    wrong[3 * RECORD] = 10;
    assert_int_equal(kiln_fileset_create(&with), 0);
    assert_int_equal(kiln_fileset_create(&without), 0);
    assert_int_equal(add(&with, "data_batch_1.bin", 1, 12), 0);
    assert_int_equal(add(&without, "data_batch_1.bin", 1, 12), 0);
    assert_int_equal(add_bytes(&with, "data_batch_2.bin", wrong, 4 * RECORD), KILN_E_DATA);
    assert_int_equal(kiln_fileset_finish(&with, -1, -1, -1, 1), 0);
    assert_int_equal(kiln_fileset_finish(&without, -1, -1, -1, 1), 0);
    CHECK(with.hash == without.hash && with.count[0] == without.count[0]);
    kiln_dataset_destroy(&with);
    kiln_dataset_destroy(&without);
    free(wrong);
}

static void no_memory_is_a_status(void **state)
{
    const size_t limit = kiln_memory_limit();
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    kiln_memory_limit_set(100000);
    assert_int_equal(add(&d, "data_batch_1.bin", 1, 100), KILN_E_MEMORY);
    kiln_memory_limit_set(limit);
    assert_int_equal(add(&d, "data_batch_1.bin", 1, 100), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
    kiln_dataset_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_the_official_one_whatever_comes_first),
        cmocka_unit_test(splits_are_cut_as_asked),
        cmocka_unit_test(splits_that_cannot_be_are_refused),
        cmocka_unit_test(test_images_alone_are_a_set),
        cmocka_unit_test(every_wrong_label_is_named),
        cmocka_unit_test(every_cut_file_is_refused),
        cmocka_unit_test(strange_files_get_a_sentence_of_their_own),
        cmocka_unit_test(other_names_are_asked_about),
        cmocka_unit_test(the_same_images_twice_are_refused),
        cmocka_unit_test(a_refused_file_changes_nothing),
        cmocka_unit_test(no_memory_is_a_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
