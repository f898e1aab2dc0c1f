/* knn: distances against the double twin; votes by hand, with ties, and against a full sort. */
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static void check_distances(int M, int N, int D, float shift)
{
    float *test = randoms((size_t)M * D), *train = randoms((size_t)N * D),
          *out = blank((size_t)M * N);
    float *work = blank(kiln_knn_distances_work(M, N, D));
    double *ref = doubles((size_t)M * N);

    for (int i = 0; i < M * D; i++) test[i] = 100 * test[i] + shift;
    for (int i = 0; i < N * D; i++) train[i] = 100 * train[i] + shift;
    ref_knn_distances(ref, widened(test, (size_t)M * D), widened(train, (size_t)N * D), M, N, D);
    kiln_knn_distances(out, test, train, M, N, D, work);
    for (int i = 0; i < M * N; i++) {
        double norms = 0; /* the terms that cancel */

        for (int d = 0; d < D; d++)
            norms += pow(test[i / N * D + d], 2) + pow(train[i % N * D + d], 2);
        CHECK_NEAR(out[i], ref[i], (D + 4) * FLT_EPSILON * norms);
        CHECK(out[i] >= 0);
    }
    numeric_done();
}

static void distances_match_twin(void **state)
{
    (void)state;
    for (int N = 1; N <= 20; N++) check_distances(3, N, 7, 0);
    for (int D = 1; D <= 35; D++) check_distances(4, 9, D, 128);
    check_distances(33, 50, 3072, 128); /* pixels */
}

static void a_row_is_at_no_distance_from_itself(void **state)
{
    float *x = randoms(5 * 300), *out = blank(25),
          *work = blank(kiln_knn_distances_work(5, 5, 300));

    (void)state;
    kiln_knn_distances(out, x, x, 5, 5, 300, work);
    for (int i = 0; i < 5; i++) CHECK_NEAR(out[6 * i], 0, 1e-3);
    numeric_done();
}

static void votes_by_hand(void **state)
{
    const float d[6] = {5, 1, 3, 1, 2, 4};
    const int labels[6] = {0, 2, 1, 3, 1, 2};
    int work[12];

    (void)state;
    CHECK(kiln_knn_vote(d, labels, 6, 1, 4, work) == 2); /* of two at distance 1, the earlier */
    CHECK(kiln_knn_vote(d, labels, 6, 2, 4, work) == 2); /* 2 and 3: the smaller label */
    CHECK(kiln_knn_vote(d, labels, 6, 3, 4, work) == 1); /* 2, 3, 1 */
    CHECK(kiln_knn_vote(d, labels, 6, 4, 4, work) == 1); /* 1 twice */
    CHECK(kiln_knn_vote(d, labels, 6, 5, 4, work) == 1); /* 1 and 2 twice */
    CHECK(kiln_knn_vote(d, labels, 6, 6, 4, work) == 1);
    CHECK(kiln_knn_vote((float[]){NAN, NAN, 9}, labels, 3, 1, 4, work) == 1); /* NaN is farthest */
}

static const float *sorted_by;

static int by_distance_then_index(const void *a, const void *b)
{
    const int i = *(const int *)a, j = *(const int *)b;

    if (sorted_by[i] != sorted_by[j]) return sorted_by[i] < sorted_by[j] ? -1 : 1;
    return i - j;
}

static void votes_match_a_full_sort(void **state)
{
    enum { N = 200, CLASSES = 5 };
    float *d = randoms(N);
    int labels[N], order[N], work[2 * N];

    (void)state;
    for (int i = 0; i < N; i++) {
        d[i] = roundf(20 * d[i]); /* many equal distances */
        labels[i] = i * 13 % CLASSES;
        order[i] = i;
    }
    sorted_by = d;
    qsort(order, N, sizeof *order, by_distance_then_index);
    for (int k = 1; k <= N; k++) {
        int votes[CLASSES] = {0}, best = 0;

        for (int i = 0; i < k; i++) votes[labels[order[i]]]++;
        for (int c = 1; c < CLASSES; c++)
            if (votes[c] > votes[best]) best = c;
        CHECK(kiln_knn_vote(d, labels, N, k, CLASSES, work) == best);
    }
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_match_twin),
        cmocka_unit_test(a_row_is_at_no_distance_from_itself),
        cmocka_unit_test(votes_by_hand),
        cmocka_unit_test(votes_match_a_full_sort),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
