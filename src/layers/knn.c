/*
 * Nearest neighbours.                             cs231n assignment 1: KNearestNeighbor
 *
 *   distances[m, n] = ‖test[m]‖² - 2 test[m]·train[n] + ‖train[n]‖²   (squared L2: same order)
 *   label = majority of the k nearest, ties to the smaller label
 *
 * test (M, D)   train (N, D)   distances (M, N)   labels (N). One matrix product, as the course's
 * "no loops" version. In float the subtraction costs digits where two rows are much nearer to each
 * other than to zero; a distance that would come out negative is 0.
 * Source: cs231n notes, classification; assignment 1, k_nearest_neighbor.py.
 */
#include <assert.h>

#include "base/threads.h"
#include "kernels/gemm.h"
#include "kernels/vec.h"
#include "layers/layers.h"

size_t kiln_knn_distances_work(int M, int N, int D)
{
    return (size_t)M + N + kiln_gemm_work(M, N, D);
}

/* The squared norms beside a row of products, to distances: in place, n values. */
static void finish_row(float *row, float test_norm, const float *train_norms, int n)
{
    const vf zero = vf_set1(0), norm = vf_set1(test_norm);
    int i = 0;

    for (; i + KILN_LANES <= n; i += KILN_LANES)
        vf_store(row + i,
                 vf_max(zero, (norm - 2.0f * vf_load(row + i)) + vf_load(train_norms + i)));
    if (i < n) {
        const vf product = vf_load_part(row + i, n - i, 0),
                 norms = vf_load_part(train_norms + i, n - i, 0);

        vf_store_part(row + i, vf_max(zero, (norm - 2.0f * product) + norms), n - i);
    }
}

void kiln_knn_distances(float *distances, const float *test, const float *train, int M, int N,
                        int D, float *work)
{
    float *product_work = work, *test_norms = work + kiln_gemm_work(M, N, D),
          *train_norms = test_norms + M;

    for (int m = 0; m < M; m++)
        test_norms[m] = (float)kiln_vec_sum_squares(test + (size_t)m * D, D);
    for (int n = 0; n < N; n++)
        train_norms[n] = (float)kiln_vec_sum_squares(train + (size_t)n * D, D);
    kiln_gemm(KILN_NT, M, N, D, test, D, train, D, 0, distances, N, product_work); /* test·trainᵀ */
    for (int m = 0; m < M; m++)
        finish_row(distances + (size_t)m * N, test_norms[m], train_norms, N);
}

/* A NaN is farther than any number. */
static int nearer(float a, float b)
{
    return a < b || (a == a && b != b);
}

int kiln_knn_vote(const float *distances, const int *labels, int N, int k, int classes, int *work)
{
    int *nearest = work; /* indices of the nearest so far, nearest first */
    int found = 0, best = -1, best_votes = 0;

    assert(k >= 1 && k <= N && classes >= 1);
    (void)classes;
    for (int n = 0; n < N; n++) {
        int i = found;

        if (found == k && !nearer(distances[n], distances[nearest[k - 1]])) continue;
        if (found < k)
            found++;
        else
            i = k - 1;
        for (; i > 0 && nearer(distances[n], distances[nearest[i - 1]]); i--)
            nearest[i] = nearest[i - 1];
        nearest[i] = n;
    }
    for (int i = 0; i < k; i++) {
        const int label = labels[nearest[i]];
        int votes = 0;

        assert(label >= 0 && label < classes);
        for (int j = 0; j < k; j++) votes += labels[nearest[j]] == label;
        if (votes > best_votes || (votes == best_votes && label < best)) {
            best = label;
            best_votes = votes;
        }
    }
    return best;
}
