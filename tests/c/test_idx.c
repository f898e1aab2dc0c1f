/*
 * data/idx: pairs of images and labels in any order, their sizes and classes, the two sets of the
 * same names, and a sentence for every way in which a file can be wrong.
 */
#include "base/status.h"
#include "data/dataset.h"
#include "records.h"

#define NAMES "images-idx3-ubyte"

static void put_word(uint8_t *at, int value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)((unsigned)value >> (24 - 8 * i));
}

/* A file of n images H x W, to be freed; its size. */
static uint8_t *images_make(int *size, int n, int H, int W, uint64_t state)
{
    uint8_t *bytes = calloc(1, (size_t)(*size = 16 + n * H * W));

    CHECK(bytes != NULL);
    memcpy(bytes, "\0\0\x08\3", 4);
    put_word(bytes + 4, n);
    put_word(bytes + 8, H);
    put_word(bytes + 12, W);
    for (int i = 16; i < *size; i++) bytes[i] = (uint8_t)check_random_bits(&state);
    return bytes;
}

/* n labels: those given, then 0, 1, .. below `classes` in turn. */
static uint8_t *labels_make(int *size, int n, int classes, const uint8_t *first, int given)
{
    uint8_t *bytes = calloc(1, (size_t)(*size = 8 + n));

    CHECK(bytes != NULL);
    memcpy(bytes, "\0\0\x08\1", 4);
    put_word(bytes + 4, n);
    for (int i = 0; i < n; i++) bytes[8 + i] = i < given ? first[i] : (uint8_t)(i % classes);
    return bytes;
}

static int add(kiln_dataset *d, const char *name, const uint8_t *bytes, int size)
{
    return kiln_fileset_add_file(d, name, bytes, size, KILN_SPLIT_BY_NAME);
}

static int add_images(kiln_dataset *d, const char *name, int n, int H, int W)
{
    int size;
    uint8_t *bytes = images_make(&size, n, H, W, (uint64_t)n);
    const int status = add(d, name, bytes, size);

    free(bytes);
    return status;
}

static int add_labels(kiln_dataset *d, const char *name, int n, int classes, const uint8_t *first)
{
    int size;
    uint8_t *bytes = labels_make(&size, n, classes, first, first ? 10 : 0);
    const int status = add(d, name, bytes, size);

    free(bytes);
    return status;
}

static void any_order_gives_the_same_set(void **state)
{
    static const int orders[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}};
    uint64_t hash = 0;

    (void)state;
    for (size_t o = 0; o < 3; o++) {
        kiln_dataset d;
        int size;

        assert_int_equal(kiln_fileset_create(&d), 0);
        for (int k = 0; k < 4; k++) {
            const int which = orders[o][k];
            int status = which == 0 ? add_images(&d, "a/train-" NAMES ".gz", 40, 28, 20)
                       : which == 1 ? add_labels(&d, "train-labels-idx1-ubyte", 40, 10, NULL)
                       : which == 2 ? add_images(&d, "t10k-" NAMES, 7, 28, 20)
                                    : add_labels(&d, "t10k-labels-idx1-ubyte", 7, 10, NULL);
            assert_int_equal(status, 0);
        }
        assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
        assert_true(d.C == 1 && d.H == 28 && d.W == 20 && d.classes == 10);
        assert_true(d.count[0] == 36 && d.count[1] == 4 && d.count[2] == 7);
        assert_string_equal(d.name, "mnist");
        assert_string_equal(d.class_name[9], "9");
        uint8_t *bytes = images_make(&size, 40, 28, 20, 40);
        assert_memory_equal(d.image[1], bytes + 16 + 36 * 560, 4 * 560);
        free(bytes);
        for (int i = 0; i < 7; i++) assert_int_equal(d.label[2][i], i);
        if (o == 0) hash = d.hash;
        CHECK(d.hash == hash);
        kiln_dataset_destroy(&d);
    }
}

/* Files of the same names and sizes: the official labels' beginning tells. */
static void fashion_is_told_by_its_labels(void **state)
{
    static const uint8_t fashion[] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5};
    static const uint8_t digits[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};

    (void)state;
    for (int is_fashion = 0; is_fashion < 2; is_fashion++) {
        kiln_dataset d;

        assert_int_equal(kiln_fileset_create(&d), 0);
        assert_int_equal(add_images(&d, "train-" NAMES, 20, 28, 28), 0);
        assert_int_equal(add_labels(&d, "train-labels", 20, 10, is_fashion ? fashion : digits), 0);
        assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
        assert_string_equal(d.name, is_fashion ? "fashion-mnist" : "mnist");
        assert_string_equal(d.class_name[0], is_fashion ? "T-shirt/top" : "0");
        assert_string_equal(d.class_name[9], is_fashion ? "Ankle boot" : "9");
        kiln_dataset_destroy(&d);
    }
}

static void labels_say_how_many_classes_there_are(void **state)
{
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add_images(&d, "train-" NAMES, 100, 5, 64), 0);
    assert_int_equal(add_labels(&d, "train-labels", 100, 47, NULL), 0);
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
    assert_int_equal(d.classes, 47);
    assert_string_equal(d.class_name[46], "46");
    kiln_dataset_destroy(&d);
}

static void refuse(int status, const char *words)
{
    assert_int_equal(status, KILN_E_DATA);
    if (!strstr(kiln_error(), words)) CHECK_FAIL("\"%s\" is not in \"%s\"", words, kiln_error());
}

/* Bytes of a right file, of which some are put wrong. */
static void refuse_images(kiln_dataset *d, int at, int value, int cut, const char *words)
{
    int size;
    uint8_t *bytes = images_make(&size, 3, 28, 28, 1);

    if (at) put_word(bytes + at, value);
    refuse(add(d, "train-" NAMES, bytes, size - cut), words);
    free(bytes);
}

static void what_is_wrong_is_named(void **state)
{
    static const uint8_t cifar[RECORD] = {1};
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    refuse_images(&d, 4, 0, 0, "says it has 0 images");
    refuse_images(&d, 4, -1, 0, "says it has 4294967295 images");
    refuse_images(&d, 4, 4, 0, "cut short: 4 images are");
    refuse_images(&d, 4, 2, 0, "too long: 2 images are");
    refuse_images(&d, 8, 65, 0, "images of 65 x 28");
    refuse_images(&d, 12, 0, 0, "images of 28 x 0");
    refuse_images(&d, 12, 1 << 30, 0, "sides of 1 to 64");
    refuse_images(&d, 0, 0, 1, "cut short");
    refuse_images(&d, 0, 0, 3 * 784, "cut short");
    refuse(add(&d, "train-x", (const uint8_t *)"\0\0\x08\3\0\0\0\1", 8), "within its header");
    refuse(add_labels(&d, "train-l", 0, 10, NULL), "says it has 0 labels");
    assert_int_equal(add_images(&d, "train-" NAMES, 20, 28, 28), 0);
    refuse(kiln_fileset_finish(&d, -1, -1, -1, 1), "train-" NAMES ": its labels are missing");
    refuse(add_images(&d, "train-" NAMES ".gz", 20, 28, 28), "there already");
    refuse(add_images(&d, "t10k-" NAMES, 20, 28, 27), "those before are 28 x 28");
    refuse(add(&d, "data_batch_1.bin", cifar, RECORD), "of another data set");
    assert_int_equal(add_labels(&d, "train-labels", 19, 10, NULL), 0);
    refuse(add_labels(&d, "train-labels", 20, 10, NULL), "there already");
    refuse(kiln_fileset_finish(&d, -1, -1, -1, 1), "has 20 images, and train-labels 19 labels");
    kiln_dataset_destroy(&d);

    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add(&d, "data_batch_1.bin", cifar, RECORD), 0);
    refuse(add_images(&d, "train-" NAMES, 20, 28, 28), "of another data set (cifar10)");
    assert_int_equal(kiln_fileset_finish(&d, -1, 0, -1, 1), 0);
    kiln_dataset_destroy(&d);

    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(add_labels(&d, "t10k-labels", 9, 10, NULL), 0);
    assert_int_equal(add_labels(&d, "mine", 9, 10, NULL), KILN_E_SPLIT);
    refuse(kiln_fileset_finish(&d, -1, -1, -1, 1), "its images are missing");
    kiln_dataset_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_gives_the_same_set),
        cmocka_unit_test(fashion_is_told_by_its_labels),
        cmocka_unit_test(labels_say_how_many_classes_there_are),
        cmocka_unit_test(what_is_wrong_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
