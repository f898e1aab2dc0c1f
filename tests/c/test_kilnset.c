/*
 * data/kilnset: sets that describe themselves, split or to be split, and CIFAR-100 with its names;
 * a sentence for every way in which such a file can be wrong.
 */
#include "base/status.h"
#include "data/dataset.h"
#include "records.h"

enum { SIDE = 4, PIXELS = 3 * SIDE * SIDE };

#define FOUR "\"classes\":[\"a\",\"b\",\"c\",\"d\"],"
static const char shape[] = "\"name\":\"pictures\",\"shape\":[3,4,4],";

/* A file of a header and `count` records of made-up pixels, to be freed; labels go round. */
static uint8_t *make(int *size, const char *header, int count, int classes, int labels)
{
    const int head = (int)strlen(header) + 11, bytes = labels + PIXELS;
    uint8_t *file = calloc(1, (size_t)(*size = head + count * bytes));
    uint64_t state = 5;

    CHECK(file != NULL);
    memcpy(file, "KILNSET 1\n", 10);
    memcpy(file + 10, header, strlen(header));
    file[head - 1] = '\n';
    for (int i = 0; i < count; i++) {
        uint8_t *record = file + head + i * bytes;

        record[0] = (uint8_t)(i % classes);
        if (labels == 2) record[1] = (uint8_t)(i % classes >> 8);
        for (int p = 0; p < PIXELS; p++) record[labels + p] = (uint8_t)check_random_bits(&state);
    }
    return file;
}

static int add(kiln_dataset *d, const char *header, int count, int classes, int labels)
{
    int size, status;
    uint8_t *file = make(&size, header, count, classes, labels);

    status = kiln_fileset_add_file(d, "mine.kilnset", file, size, KILN_SPLIT_BY_NAME);
    free(file);
    return status;
}

static void a_split_is_kept(void **state)
{
    char header[300];
    kiln_dataset d;
    int size;

    (void)state;
    snprintf(header, sizeof header, "{%s\"classes\":[\"a\",\"b\",\"\\u00e9\"],\"count\":9,"
                                    "\"split\":[5,1,3]}", shape);
    uint8_t *file = make(&size, header, 9, 3, 1), *records = file + strlen(header) + 11;

    for (int limited = 0; limited < 2; limited++) {
        assert_int_equal(kiln_fileset_create(&d), 0);
        assert_int_equal(kiln_fileset_add_file(&d, "x", file, size, KILN_SPLIT_BY_NAME), 0);
        assert_int_equal(kiln_fileset_finish(&d, limited ? 2 : -1, -1, limited ? 1 : -1, 7), 0);
        assert_true(d.count[0] == (limited ? 2 : 5) && d.count[1] == 1 &&
                    d.count[2] == (limited ? 1 : 3));
        assert_true(d.C == 3 && d.H == 4 && d.W == 4 && d.classes == 3);
        assert_string_equal(d.name, "pictures");
        assert_string_equal(d.class_name[2], "\xc3\xa9");
        for (int split = 0, at = 0; split < KILN_SPLITS; at += (int[]){5, 1, 3}[split++])
            for (int i = 0; i < d.count[split]; i++) {
                const uint8_t *record = records + (at + i) * (1 + PIXELS);

                assert_int_equal(d.label[split][i], record[0]);
                assert_memory_equal(d.image[split] + i * PIXELS, record + 1, PIXELS);
            }
        kiln_dataset_destroy(&d);
    }
    free(file);
}

/* Images of class c in a split. */
static int count_of(const kiln_dataset *d, int split, int c)
{
    int n = 0;

    for (int i = 0; i < d->count[split]; i++) n += d->label[split][i] == c;
    return n;
}

/* Which made-up records a split holds: a sum over them that their order does not change. */
static uint64_t contents(const kiln_dataset *d, int split)
{
    uint64_t sum = 0;

    for (int i = 0; i < d->count[split]; i++) {
        uint64_t one = d->label[split][i];

        for (int p = 0; p < PIXELS; p++)
            one = one * 1099511628211u + d->image[split][i * PIXELS + p];
        sum += one;
    }
    return sum;
}

static void splitting_gives_every_class_its_share(void **state)
{
    uint64_t all = 0, hash = 0;
    char header[300];

    (void)state;
    snprintf(header, sizeof header, "{%s" FOUR "\"count\":200}", shape);
    for (unsigned seed = 1; seed < 20; seed++) {
        const unsigned used = seed < 18 ? seed : 1; /* the same seed is the same split */
        kiln_dataset d;
        uint64_t sum = 0;

        assert_int_equal(kiln_fileset_create(&d), 0);
        assert_int_equal(add(&d, header, 200, 4, 1), 0);
        assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, used), 0);
        assert_true(d.count[0] == 160 && d.count[1] == 20 && d.count[2] == 20);
        for (int c = 0; c < 4; c++)
            for (int s = 0; s < KILN_SPLITS; s++)
                assert_int_equal(count_of(&d, s, c), d.count[s] / 4);
        for (int s = 0; s < KILN_SPLITS; s++) sum += contents(&d, s);
        if (seed == 1) all = sum, hash = d.hash;
        CHECK(sum == all); /* every image once, with its own label */
        CHECK((d.hash == hash) == (used == 1));
        kiln_dataset_destroy(&d);
    }
}

/* Classes of any sizes: a split's share is never off by more than one. */
static void shares_are_fair_for_classes_of_any_size(void **state)
{
    static const int sizes[] = {1, 3, 40, 100};
    char header[300];
    kiln_dataset d;
    int size, at = 0;

    (void)state;
    snprintf(header, sizeof header, "{%s" FOUR "\"count\":144}", shape);
    uint8_t *file = make(&size, header, 144, 1, 1);

    for (int c = 0; c < 4; c++)
        for (int i = 0; i < sizes[c]; i++)
            file[strlen(header) + 11 + (size_t)at++ * (1 + PIXELS)] = (uint8_t)c;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(kiln_fileset_add_file(&d, "x", file, size, KILN_SPLIT_BY_NAME), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, 20, 30, 3), 0);
    assert_true(d.count[0] == 94 && d.count[1] == 20 && d.count[2] == 30);
    for (int c = 0; c < 4; c++) {
        assert_true(count_of(&d, 0, c) >= 1);
        for (int s = 0; s < KILN_SPLITS; s++) {
            const double share = (double)sizes[c] * d.count[s] / 144;

            assert_true(count_of(&d, s, c) > share - 1.01 && count_of(&d, s, c) < share + 1.01);
        }
    }
    kiln_dataset_destroy(&d);
    free(file);
}

static void few_images_and_impossible_splits(void **state)
{
    char header[300];
    kiln_dataset d;

    (void)state;
    snprintf(header, sizeof header, "{%s\"classes\":[\"a\",\"b\"],\"count\":4}", shape);
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add(&d, header, 4, 2, 1), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, 2, 2, 1), KILN_E_ARG);
    assert_int_equal(kiln_fileset_finish(&d, 0, 1, 1, 1), KILN_E_ARG);
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
    assert_true(d.count[0] == 2 && d.count[1] == 1 && d.count[2] == 1);
    kiln_dataset_destroy(&d);
}

/* 1,000 classes, whose labels take two bytes. */
static void labels_may_be_wide(void **state)
{
    static char header[20000];
    int used = snprintf(header, sizeof header, "{%s\"count\":2000,\"classes\":[", shape);
    kiln_dataset d;

    (void)state;
    for (int c = 0; c < 1000; c++)
        used += snprintf(header + used, sizeof header - (size_t)used, "%s\"class %d\"",
                         c ? "," : "", c);
    snprintf(header + used, sizeof header - (size_t)used, "],\"split\":[1000,0,1000]}");
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add(&d, header, 2000, 1000, 2), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
    assert_int_equal(d.classes, 1000);
    assert_string_equal(d.class_name[999], "class 999");
    for (int i = 0; i < 1000; i++) assert_true(d.label[0][i] == i && d.label[2][i] == i);
    kiln_dataset_destroy(&d);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *header, *words;
    } wrong[] = {
        {"", "ends too early"},
        {"{}", "no \"name\""},
        {"{%s\"classes\":[\"a\",\"b\"]}", "no \"count\""},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":5}", "cut short"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":3}", "too long"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":0}", "a number in its range"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":99999999}", "a number in its range"},
        {"{%s\"classes\":[\"a\"],\"count\":4}", "fewer than two classes"},
        {"{%s\"classes\":[\"a\",\"a\"],\"count\":4}", "\"a\" twice"},
        {"{%s\"classes\":[\"a\",\"\"],\"count\":4}", "without a name"},
        {"{%s\"classes\":[\"a\",\"\\n\"],\"count\":4}", "control character"},
        {"{%s\"classes\":[\"a\",3],\"count\":4}", "a string"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":4,\"split\":[4,1,0]}", "5 images"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":4,\"split\":[4,0]}", "2 numbers"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":4,\"count\":4}", "there twice"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":4,\"colour\":4}", "unknown"},
        {"{%s\"classes\":[\"a\",\"b\"],\"count\":4} x", "expected"},
        {"{\"name\":\"x\",\"shape\":[2,4,6],\"classes\":[\"a\",\"b\"],\"count\":4}", "2 channels"},
        {"{\"name\":\"x\",\"shape\":[3,65,4],\"classes\":[\"a\",\"b\"],\"count\":4}",
         "a number in its range"},
    };
    char header[300];
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *mark = strstr(wrong[i].header, "%s");

        snprintf(header, sizeof header, "%.*s%s%s", mark ? (int)(mark - wrong[i].header) : 0,
                 wrong[i].header, mark ? shape : "", mark ? mark + 2 : wrong[i].header);
        assert_int_equal(add(&d, header, 4, 2, 1), KILN_E_DATA);
        if (!strstr(kiln_error(), wrong[i].words))
            CHECK_FAIL("\"%s\" is not in \"%s\"", wrong[i].words, kiln_error());
    }
    snprintf(header, sizeof header, "{%s\"classes\":[\"a\",\"b\"],\"count\":4}", shape);
    assert_int_equal(add(&d, header, 4, 3, 1), KILN_E_DATA); /* label 2 of two classes */
    CHECK(strstr(kiln_error(), "record 2 "));
    assert_int_equal(kiln_fileset_add_file(&d, "x", (const uint8_t *)"KILNSET 1\n{", 11,
                                           KILN_SPLIT_BY_NAME), KILN_E_DATA);
    assert_int_equal(add(&d, header, 4, 2, 1), 0);
    assert_int_equal(add(&d, header, 4, 2, 1), KILN_E_DATA); /* a second one */
    assert_int_equal(kiln_fileset_finish(&d, -1, 0, 0, 1), 0);
    assert_int_equal(d.count[0], 4);
    kiln_dataset_destroy(&d);
}

/* ---- CIFAR-100 ------------------------------------------------------------------------------- */

#define RECORD100 3074

/* n records, label i % 100 and coarse label i % 20, with pixels of records.h. */
static uint8_t *records100(int file, int n)
{
    uint8_t *bytes = malloc((size_t)n * RECORD100);

    CHECK(bytes != NULL);
    for (int i = 0; i < n; i++) {
        uint8_t *record = bytes + (size_t)i * RECORD100;

        record_make(record + 1, file, i);
        record[0] = (uint8_t)(i % 20);
        record[1] = (uint8_t)(i % 100);
    }
    return bytes;
}

static char *names100(int count)
{
    static char text[2000];
    int used = 0;

    for (int i = 0; i < count; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "thing_%d\n", i);
    text[used++] = '\n';
    text[used] = 0;
    return text;
}

static int add_names(kiln_dataset *d, const char *text)
{
    return kiln_fileset_add_file(d, "fine_label_names.txt", (const uint8_t *)text,
                                 (int)strlen(text), KILN_SPLIT_BY_NAME);
}

static void cifar100_comes_in_files_or_an_archive(void **state)
{
    uint8_t *train = records100(1, 120), *test = records100(2, 110);
    const char *names = names100(100);
    uint64_t hash[3];
    tar t = {0};

    (void)state;
    tar_add(&t, "cifar-100-binary/", NULL, 0, '5');
    tar_add(&t, "cifar-100-binary/coarse_label_names.txt", "fish\n", 5, '0');
    tar_add(&t, "cifar-100-binary/train.bin", train, 120 * RECORD100, '0');
    tar_add(&t, "cifar-100-binary/fine_label_names.txt", names, (int)strlen(names), '0');
    tar_add(&t, "cifar-100-binary/test.bin", test, 110 * RECORD100, '0');
    tar_end(&t);
    for (int way = 0; way < 3; way++) { /* an archive whole, in pieces of 509 bytes, files */
        kiln_dataset d;
        const int piece = way == 0 ? t.size : 509;

        assert_int_equal(kiln_fileset_create(&d), 0);
        for (int at = 0; way < 2 && at < t.size; at += piece)
            assert_true(kiln_fileset_feed_tar(&d, t.bytes + at,
                                              t.size - at < piece ? t.size - at : piece) >= 0);
        if (way == 2) {
            assert_int_equal(add_names(&d, names), 0);
            assert_int_equal(kiln_fileset_add_file(&d, "test.bin", test, 110 * RECORD100, -1), 0);
            assert_int_equal(kiln_fileset_add_file(&d, "train.bin", train, 120 * RECORD100, -1), 0);
        }
        assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
        assert_string_equal(d.name, "cifar100");
        assert_string_equal(d.class_name[57], "thing_57");
        assert_true(d.count[0] == 108 && d.count[1] == 12 && d.count[2] == 110 && d.classes == 100);
        for (int i = 0; i < 110; i++) {
            assert_int_equal(d.label[2][i], i % 100);
            assert_memory_equal(d.image[2] + i * 3072, test + (size_t)i * RECORD100 + 2, 3072);
        }
        hash[way] = d.hash;
        kiln_dataset_destroy(&d);
    }
    CHECK(hash[0] == hash[1] && hash[1] == hash[2]);
    free(train);
    free(test);
    free(t.bytes);
}

static void refuse_file(kiln_dataset *d, const char *name, const void *bytes, int size,
                        const char *words)
{
    assert_int_equal(kiln_fileset_add_file(d, name, bytes, size, KILN_SPLIT_BY_NAME), KILN_E_DATA);
    if (!strstr(kiln_error(), words)) CHECK_FAIL("\"%s\" is not in \"%s\"", words, kiln_error());
}

static void cifar100_is_read_strictly(void **state)
{
    uint8_t *bytes = records100(1, 120), *ten = records_make(1, 3);
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    bytes[100 * RECORD100] = 20;
    refuse_file(&d, "train.bin", bytes, 120 * RECORD100,
                "record 100 (at byte 307400): coarse label 20");
    bytes[100 * RECORD100] = 3;
    bytes[100 * RECORD100 + 1] = 100;
    refuse_file(&d, "train.bin", bytes, 120 * RECORD100, "label 100 is not below 100");
    bytes[100 * RECORD100 + 1] = 3;
    refuse_file(&d, "fine_label_names.txt", names100(99), (int)strlen(names100(99)), "99 names");
    refuse_file(&d, "fine_label_names.txt", "a\na\n", 4, "twice");
    refuse_file(&d, "fine_label_names.txt", "a\n\1\n", 4, "line 2");
    refuse_file(&d, "fine_label_names.txt", names100(70), 600, "names");
    assert_int_equal(kiln_fileset_add_file(&d, "train.bin", bytes, 120 * RECORD100, -1), 0);
    refuse_file(&d, "train.bin", bytes, 120 * RECORD100, "given twice");
    refuse_file(&d, "test.bin", bytes, 120 * RECORD100, "the same 120 images as train.bin");
    refuse_file(&d, "data_batch_1.bin", ten, 3 * RECORD, "of another data set");
    assert_int_equal(kiln_fileset_finish(&d, -1, 0, -1, 1), 0);
    assert_int_equal(d.count[0], 120);
    assert_string_equal(d.class_name[99], "99"); /* without names */
    kiln_dataset_destroy(&d);

    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(kiln_fileset_add_file(&d, "data_batch_1.bin", ten, 3 * RECORD, -1), 0);
    assert_int_equal(add_names(&d, names100(100)), KILN_E_DATA);
    CHECK(strstr(kiln_error(), "another data set"));
    assert_int_equal(kiln_fileset_finish(&d, -1, 0, -1, 1), 0);
    kiln_dataset_destroy(&d);
    free(bytes);
    free(ten);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_split_is_kept),
        cmocka_unit_test(splitting_gives_every_class_its_share),
        cmocka_unit_test(shares_are_fair_for_classes_of_any_size),
        cmocka_unit_test(few_images_and_impossible_splits),
        cmocka_unit_test(labels_may_be_wide),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(cifar100_comes_in_files_or_an_archive),
        cmocka_unit_test(cifar100_is_read_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
