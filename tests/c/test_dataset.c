/* data/dataset: statistics against sums in double, identity, and destroying twice. */
#include "base/status.h"
#include "check.h"
#include "data/dataset.h"

enum { N = 7, C = 3, S = 6, SIZE = C * S };

/* A set of N tiny images (3, 2, 3) in buffers of the test. */
static kiln_dataset make(uint8_t *images, uint16_t *labels, float *mean_image)
{
    kiln_dataset d = {.C = C, .H = 2, .W = 3, .classes = 10};

    d.count[0] = N;
    d.image[0] = images;
    d.label[0] = labels;
    d.mean_image = mean_image;
    return d;
}

static void statistics_are_those_of_the_definition(void **state)
{
    uint64_t random = check_seed();
    uint8_t images[N * SIZE];
    uint16_t labels[N] = {0};
    float mean_image[SIZE];

    (void)state;
    for (int i = 0; i < N * SIZE; i++) images[i] = (uint8_t)check_random_bits(&random);

    kiln_dataset d = make(images, labels, mean_image);

    kiln_dataset_measure(&d);
    CHECK(d.finished);
    for (int c = 0; c < C; c++) {
        double mean = 0, variance = 0;

        for (int n = 0; n < N; n++)
            for (int p = 0; p < S; p++) mean += images[n * SIZE + c * S + p] / (double)(N * S);
        for (int n = 0; n < N; n++)
            for (int p = 0; p < S; p++) {
                const double away = images[n * SIZE + c * S + p] - mean;

                variance += away * away / (N * S);
            }
        CHECK_NEAR(d.mean[c], mean, 1e-5);
        CHECK_NEAR(d.std[c], sqrt(variance), 1e-5);
    }
    for (int p = 0; p < SIZE; p++) {
        double mean = 0;

        for (int n = 0; n < N; n++) mean += images[n * SIZE + p] / (double)N;
        CHECK_NEAR(mean_image[p], mean, 2e-5);
    }
}

static void a_flat_channel_has_deviation_one(void **state)
{
    uint8_t images[N * SIZE];
    uint16_t labels[N] = {0};
    float mean_image[SIZE];

    (void)state;
    memset(images, 200, sizeof images);

    kiln_dataset d = make(images, labels, mean_image);

    kiln_dataset_measure(&d);
    for (int c = 0; c < C; c++) CHECK(d.mean[c] == 200 && d.std[c] == 1);
}

static void every_byte_counts_in_the_hash(void **state)
{
    uint8_t images[N * SIZE] = {0};
    uint16_t labels[N] = {0};
    float mean_image[SIZE];
    kiln_dataset d = make(images, labels, mean_image);

    (void)state;
    kiln_dataset_measure(&d);

    const uint64_t before = d.hash;

    for (int i = 0; i < N * SIZE + N; i++) {
        uint8_t *byte = i < N * SIZE ? &images[i] : (uint8_t *)&labels[i - N * SIZE];

        *byte = 1;
        kiln_dataset_measure(&d);
        CHECK(d.hash != before);
        *byte = 0;
    }
}

static void destroying_twice_is_harmless(void **state)
{
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_builtin_create(&d, 0, 10, 10, 10), KILN_OK);
    kiln_dataset_destroy(&d);
    kiln_dataset_destroy(&d);
    CHECK(d.arena.base == NULL && !d.finished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_those_of_the_definition),
        cmocka_unit_test(a_flat_channel_has_deviation_one),
        cmocka_unit_test(every_byte_counts_in_the_hash),
        cmocka_unit_test(destroying_twice_is_harmless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
