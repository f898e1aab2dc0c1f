/* knn: distances exactly those of the double twin; votes by hand, with ties, and against a full
 * sort. */
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static uint8_t *bytes_of(uint64_t *random, size_t count)
{
    uint8_t *bytes = malloc(count + 1);

    CHECK(bytes != NULL);
    for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)check_random_bits(random);
    return bytes;
}

/* Bytes as doubles, for the twin. */
static double *widened_bytes(const uint8_t *bytes, size_t count)
{
    double *out = doubles(count);

    for (size_t i = 0; i < count; i++) out[i] = bytes[i];
    return out;
}

static void check_rows(const uint8_t *test, const uint8_t *train, int M, int N, int D)
{
    int32_t *out = malloc((size_t)M * (size_t)N * sizeof *out);
    float *work = blank(kiln_knn_distances_work(M, N, D));
    double *ref = doubles((size_t)M * N);

    CHECK(out != NULL);
    ref_knn_distances(ref, widened_bytes(test, (size_t)M * D), widened_bytes(train, (size_t)N * D),
                      M, N, D);
    kiln_knn_distances(out, test, train, M, N, D, work);
    for (int i = 0; i < M * N; i++) CHECK(out[i] == ref[i]);
    free(out);
    numeric_done();
}

static void check_distances(uint64_t *random, int M, int N, int D)
{
    uint8_t *test = bytes_of(random, (size_t)M * D), *train = bytes_of(random, (size_t)N * D);

    check_rows(test, train, M, N, D);
    free(test);
    free(train);
}

static void distances_are_exactly_the_twins(void **state)
{
    uint64_t random = check_seed();

    (void)state;
    for (int N = 1; N <= 20; N++) check_distances(&random, 3, N, 7);
    for (int D = 1; D <= 35; D++) check_distances(&random, 4, 9, D);
    for (int D = 1020; D <= 1030; D++) check_distances(&random, 2, 3, D);
    check_distances(&random, 33, 50, 3072); /* pixels */
    check_distances(&random, 2, 2, 33000);
}

/* The largest sums there are: all white against all black, and both alike. */
static void extremes_are_exact(void **state)
{
    enum { D = 4096 };
    static uint8_t rows[2 * D];

    (void)state;
    memset(rows, 255, D);
    check_rows(rows, rows, 2, 2, D);
}

/* White images that differ in one pixel, 0 or 1: in float both are at one distance. */
static void a_near_duplicate_is_told_from_a_duplicate(void **state)
{
    enum { D = 3072 };
    static uint8_t train[2 * D], test[D];
    const int labels[2] = {1, 0};
    float *work = blank(kiln_knn_distances_work(1, 2, D));
    int32_t d[2];
    int votes[2];

    (void)state;
    memset(train, 255, sizeof train);
    memset(test, 255, sizeof test);
    train[0] = 1;
    train[D] = test[0] = 0; /* the second is the image itself */
    kiln_knn_distances(d, test, train, 1, 2, D, work);
    CHECK(d[0] == 1 && d[1] == 0);
    CHECK(kiln_knn_vote(d, labels, 2, 1, 2, votes) == 0);
    CHECK(kiln_knn_vote(d, labels, 2, 2, 2, votes) == 0);
    numeric_done();
}

static void votes_by_hand(void **state)
{
    const int32_t d[6] = {5, 1, 3, 1, 2, 4}, same[5] = {7, 0, 7, 0, 7}, alike[3] = {9, 9, 9};
    const int labels[6] = {0, 2, 1, 3, 1, 2}, twins[5] = {1, 4, 1, 3, 1}, falling[3] = {3, 2, 1};
    int work[6];

    (void)state;
    CHECK(kiln_knn_vote(d, labels, 6, 1, 4, work) == 2); /* of two at distance 1, the smaller */
    CHECK(kiln_knn_vote(d, labels, 6, 2, 4, work) == 2); /* 2 and 3: the smaller label */
    CHECK(kiln_knn_vote(d, labels, 6, 3, 4, work) == 1); /* 2, 3, 1 */
    CHECK(kiln_knn_vote(d, labels, 6, 4, 4, work) == 1); /* 1 twice */
    CHECK(kiln_knn_vote(d, labels, 6, 5, 4, work) == 1); /* 1 and 2 twice */
    CHECK(kiln_knn_vote(d, labels, 6, 6, 4, work) == 1);
    CHECK(kiln_knn_vote(same, twins, 5, 5, 5, work) == 3); /* distance 0 outvotes three others */
    CHECK(kiln_knn_vote(same, twins, 5, 1, 5, work) == 3);
    for (int k = 1; k <= 3; k++) CHECK(kiln_knn_vote(alike, falling, 3, k, 4, work) == 1);
}

static const int32_t *sorted_by;
static const int *labelled_by;

static int by_distance_then_label(const void *a, const void *b)
{
    const int i = *(const int *)a, j = *(const int *)b;

    if (sorted_by[i] != sorted_by[j]) return sorted_by[i] < sorted_by[j] ? -1 : 1;
    return labelled_by[i] - labelled_by[j];
}

static void votes_match_a_full_sort(void **state)
{
    enum { N = 200, CLASSES = 5 };
    uint64_t random = check_seed();
    int32_t d[N];
    int labels[N], order[N], work[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        d[i] = 1 + (int32_t)(check_random_bits(&random) % 40); /* many equal distances */
        labels[i] = i * 13 % CLASSES;
        order[i] = i;
    }
    sorted_by = d;
    labelled_by = labels;
    qsort(order, N, sizeof *order, by_distance_then_label);
    for (int k = 1; k <= N; k++) {
        int votes[CLASSES] = {0}, best = 0;

        for (int i = 0; i < k; i++) votes[labels[order[i]]]++;
        for (int c = 1; c < CLASSES; c++)
            if (votes[c] > votes[best]) best = c;
        CHECK(kiln_knn_vote(d, labels, N, k, CLASSES, work) == best);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_exactly_the_twins),
        cmocka_unit_test(extremes_are_exact),
        cmocka_unit_test(a_near_duplicate_is_told_from_a_duplicate),
        cmocka_unit_test(votes_by_hand),
        cmocka_unit_test(votes_match_a_full_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
