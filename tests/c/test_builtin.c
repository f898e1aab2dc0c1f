/* data/builtin: the same bytes on every build, independence of the counts, balance, and its
 * refusals. */
#include "check.h"
#include "data/dataset.h"
#include "base/status.h"
#include "base/threads.h"

#define D (3 * 32 * 32)
#define IMAGES_HASH 0xa4a552971c653f02u
#define LABELS_HASH 0x901177151d2bb1cbu

static uint64_t fnv(const uint8_t *bytes, size_t size)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}

/* Pinned: a change of these bytes changes every result that was ever quoted. */
static void first_thousand_images_are_pinned(void **state)
{
    uint8_t labels[1000];
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_builtin_create(&d, 0, 1000, 0, 0), 0);
    CHECK(fnv(d.image[0], 1000 * D) == IMAGES_HASH);
    for (int i = 0; i < 1000; i++) labels[i] = (uint8_t)d.label[0][i];
    CHECK(fnv(labels, 1000) == LABELS_HASH);
    kiln_dataset_destroy(&d);
}

static void an_image_depends_on_seed_split_and_index_alone(void **state)
{
    kiln_dataset a, b, c;

    (void)state;
    assert_int_equal(kiln_builtin_create(&a, 7, 100, 40, 50), 0);
    assert_int_equal(kiln_builtin_create(&b, 7, 33, 50, 20), 0);
    assert_int_equal(kiln_builtin_create(&c, 8, 33, 50, 20), 0);
    for (int s = 0; s < KILN_SPLITS; s++) {
        const size_t n = (size_t)(a.count[s] < b.count[s] ? a.count[s] : b.count[s]);

        assert_memory_equal(a.image[s], b.image[s], n * D);
        assert_memory_equal(a.label[s], b.label[s], n * sizeof *a.label[s]);
        CHECK(memcmp(b.image[s], c.image[s], D) != 0);
        for (int t = 0; t < s; t++) CHECK(memcmp(a.image[s], a.image[t], D) != 0);
    }
    kiln_dataset_destroy(&a);
    kiln_dataset_destroy(&b);
    kiln_dataset_destroy(&c);
}

static void pieces_make_the_whole(void **state)
{
    const int n[] = {1, 31, 32, 33, 7, 64}; /* over the ends of tasks and of splits */
    int left = 190;
    kiln_dataset whole, d;

    (void)state;
    assert_int_equal(kiln_builtin_create(&whole, 7, 100, 40, 50), 0);
    assert_int_equal(kiln_builtin_begin(&d, 7, 100, 40, 50), 0);
    for (int i = 0; left; i = (i + 1) % 6) {
        CHECK(!d.finished);
        left = left > n[i] ? left - n[i] : 0;
        assert_int_equal(kiln_builtin_draw(&d, n[i]), left);
    }
    CHECK(d.finished);
    CHECK(d.hash == whole.hash);
    assert_memory_equal(d.mean, whole.mean, sizeof d.mean);
    assert_memory_equal(d.mean_image, whole.mean_image, D * sizeof(float));
    kiln_dataset_destroy(&whole);
    kiln_dataset_destroy(&d);
}

/* ---- the standard set, which is drawn as it is wanted ---------------------------------------- */

enum { TRAIN = 8000, OTHERS = 1000 };

static void what_is_known_of_the_standard_set_is_so(void **state)
{
    kiln_dataset d, measured;

    (void)state;
    assert_int_equal(kiln_builtin_create(&d, 1, TRAIN, OTHERS, OTHERS), 0);
    measured = d;
    kiln_dataset_measure(&measured);
    assert_memory_equal(d.mean, measured.mean, sizeof d.mean);
    assert_memory_equal(d.std, measured.std, sizeof d.std);
    CHECK(d.hash == measured.hash);
    kiln_dataset_destroy(&d);
}

static int is_drawn(const kiln_dataset *d, int split, int i)
{
    static const uint8_t blank[D];

    return memcmp(d->image[split] + (size_t)i * D, blank, D) != 0;
}

static void check_same(const kiln_dataset *d, const kiln_dataset *whole, int split, int i)
{
    assert_memory_equal(d->image[split] + (size_t)i * D, whole->image[split] + (size_t)i * D, D);
    assert_int_equal(d->label[split][i], whole->label[split][i]);
}

/* In any order, an image twice, more of them than are listed at once, over threads. */
static void images_are_drawn_when_they_are_wanted(void **state)
{
    static const int some[] = {17, 3, 199, 3, 0, 17};
    kiln_dataset d, whole;

    (void)state;
    assert_int_equal(kiln_builtin_create(&whole, 1, 1500, 200, 200), 0);
    for (int threads = 1; threads <= 3; threads += 2) {
        kiln_threads_set(threads);
        assert_int_equal(kiln_builtin_begin(&d, 1, TRAIN, OTHERS, OTHERS), 0);
        CHECK(d.finished);
        for (int split = 0; split < KILN_SPLITS; split++) {
            kiln_dataset_want(&d, split, some, 0, 6);
            for (int i = 0; i < 200; i++)
                assert_int_equal(is_drawn(&d, split, i), i == 0 || i == 3 || i == 17 || i == 199);
            kiln_dataset_want(&d, split, NULL, 100, 100);
            for (int i = 100; i < 200; i++) check_same(&d, &whole, split, i);
            for (int i = 0; i < 6; i++) check_same(&d, &whole, split, some[i]);
            CHECK(!is_drawn(&d, split, 99) && !is_drawn(&d, split, 200));
        }
        kiln_dataset_want(&d, 0, NULL, 200, 1300);
        for (int i = 200; i < 1500; i++) check_same(&d, &whole, 0, i);
        kiln_dataset_destroy(&d);
    }
    kiln_threads_set(1);
    kiln_dataset_destroy(&whole);
}

static void the_mean_image_is_made_when_it_is_wanted(void **state)
{
    kiln_dataset d, measured;
    float wanted[D];

    (void)state;
    assert_int_equal(kiln_builtin_begin(&d, 1, TRAIN, OTHERS, OTHERS), 0);
    kiln_dataset_want_mean_image(&d);
    memcpy(wanted, d.mean_image, sizeof wanted);
    CHECK(!is_drawn(&d, 1, 0));
    measured = d;
    kiln_dataset_measure(&measured);
    assert_memory_equal(wanted, measured.mean_image, sizeof wanted);
    kiln_dataset_destroy(&d);
}

/* Whatever of the numbers or the seed differs. */
static void other_sets_are_drawn_before_they_are_used(void **state)
{
    static const int other[][4] = {{1, 7999, 1000, 1000}, {1, 8000, 999, 1000},
                                   {1, 8000, 1000, 1001}, {2, 8000, 1000, 1000}};
    kiln_dataset d;

    (void)state;
    for (int i = 0; i < 4; i++) {
        const int *o = other[i];

        assert_int_equal(kiln_builtin_begin(&d, (uint32_t)o[0], o[1], o[2], o[3]), 0);
        CHECK(!d.finished);
        kiln_dataset_destroy(&d);
    }
}

/* ---- what the images are --------------------------------------------------------------------- */

static void classes_are_balanced_and_shuffled(void **state)
{
    kiln_dataset d;
    int count[10] = {0}, in_order = 0;

    (void)state;
    assert_int_equal(kiln_builtin_create(&d, check_seed(), 300, 0, 0), 0);
    assert_int_equal(d.classes, 10);
    for (int i = 0; i < 300; i++) {
        count[d.label[0][i]]++;
        in_order += d.label[0][i] == i % 10;
    }
    for (int c = 0; c < 10; c++) {
        assert_int_equal(count[c], 30);
        assert_non_null(d.class_name[c]);
        for (int other = 0; other < c; other++)
            assert_string_not_equal(d.class_name[c], d.class_name[other]);
    }
    CHECK(in_order < 80); /* 30 expected by chance */
    kiln_dataset_destroy(&d);
}

/* The mean colour of a class tells nothing: no class is far from the mean of all. */
static void colour_does_not_tell_the_class(void **state)
{
    kiln_dataset d;
    double mean[10] = {0}, all = 0;

    (void)state;
    assert_int_equal(kiln_builtin_create(&d, check_seed(), 2000, 0, 0), 0);
    for (int i = 0; i < 2000; i++)
        for (int p = 0; p < D; p++) mean[d.label[0][i]] += d.image[0][(size_t)i * D + (size_t)p];
    for (int c = 0; c < 10; c++) all += mean[c] / (2000.0 * D);
    for (int c = 0; c < 10; c++) CHECK_NEAR(mean[c] / (200.0 * D), all, 15);
    kiln_dataset_destroy(&d);
}

static void counts_out_of_range_are_refused(void **state)
{
    static const int wrong[][3] = {{0, 1, 1}, {-1, 1, 1}, {10, -1, 1}, {10, 1, -5}, {100001, 1, 1},
                                   {10, 2000000000, 1}};
    kiln_dataset d;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const int *n = wrong[i];

        assert_int_equal(kiln_builtin_create(&d, 0, n[0], n[1], n[2]), KILN_E_ARG);
        kiln_dataset_destroy(&d);
    }
}

static void no_memory_is_told_with_the_number(void **state)
{
    const size_t limit = kiln_memory_limit();
    kiln_dataset d;

    (void)state;
    kiln_memory_limit_set(1000000);
    assert_int_equal(kiln_builtin_create(&d, 0, 1000, 0, 0), KILN_E_MEMORY);
    kiln_memory_limit_set(limit);
    assert_non_null(strstr(kiln_error(), "3.1 MB"));
    kiln_dataset_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_thousand_images_are_pinned),
        cmocka_unit_test(an_image_depends_on_seed_split_and_index_alone),
        cmocka_unit_test(pieces_make_the_whole),
        cmocka_unit_test(what_is_known_of_the_standard_set_is_so),
        cmocka_unit_test(images_are_drawn_when_they_are_wanted),
        cmocka_unit_test(the_mean_image_is_made_when_it_is_wanted),
        cmocka_unit_test(other_sets_are_drawn_before_they_are_used),
        cmocka_unit_test(classes_are_balanced_and_shuffled),
        cmocka_unit_test(colour_does_not_tell_the_class),
        cmocka_unit_test(counts_out_of_range_are_refused),
        cmocka_unit_test(no_memory_is_told_with_the_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
