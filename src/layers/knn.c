/*
 * Nearest neighbours.                             cs231n assignment 1: KNearestNeighbor
 *
 *   distances[m, n] = ‖test[m]‖² - 2 test[m]·train[n] + ‖train[n]‖²   (squared L2: same order)
 *   label = majority of the k nearest, ties to the smaller label
 *
 * test (M, D)   train (N, D) bytes   distances (M, N)   labels (N). One matrix product, as the
 * course's "no loops" version, and exact: pixels less 128 are whole numbers up to 128 in size, so a
 * sum of 1024 products stays within 2^24, below which float holds every whole number, in whatever
 * order it is summed. Longer rows are taken 1024 at a time and added up as integers. In plain float
 * the subtraction would cost digits just where two images are near to each other.
 *
 * An image at distance 0 is the same image, so its label is the answer, whatever k: a rule of ours,
 * the course lets the others outvote it.
 * Source: cs231n notes, classification; assignment 1, k_nearest_neighbor.py.
 */
#include <assert.h>
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/vec.h"
#include "layers/layers.h"

#define EXACT 1024 /* 1024 · 128² = 2^24 */
#define DEPTH_MAX 33000 /* 255² times that is an int32 */
#define CLASSES_MAX 256

size_t kiln_knn_distances_work(int M, int N, int D)
{
    const int depth = D < EXACT ? D : EXACT;

    return ((size_t)M + (size_t)N) * ((size_t)depth + 1) + (size_t)M * (size_t)N +
           kiln_gemm_work(M, N, depth);
}

/* Columns first .. first + depth - 1 of n rows of bytes, less 128, and the squared norms of these
 * pieces: x (n, depth), norms (n). */
static void widen(float *x, float *norms, const uint8_t *rows, int n, int D, int first, int depth)
{
    for (int i = 0; i < n; i++) {
        const uint8_t *from = rows + (size_t)i * (size_t)D + first;
        float *to = x + (size_t)i * (size_t)depth;

        for (int d = 0; d < depth; d++) to[d] = (float)((int)from[d] - 128);
        norms[i] = (float)kiln_vec_sum_squares(to, depth);
    }
}

void kiln_knn_distances(int32_t *distances, const uint8_t *test, const uint8_t *train, int M, int N,
                        int D, float *work)
{
    const int most = D < EXACT ? D : EXACT;
    float *x_test = work, *x_train = x_test + (size_t)M * (size_t)most;
    float *test_norms = x_train + (size_t)N * (size_t)most, *train_norms = test_norms + M;
    float *product = train_norms + N, *product_work = product + (size_t)M * (size_t)N;

    assert(D >= 1 && D <= DEPTH_MAX);
    memset(distances, 0, (size_t)M * (size_t)N * sizeof *distances);
    for (int first = 0; first < D; first += EXACT) {
        const int depth = D - first < EXACT ? D - first : EXACT;

        widen(x_test, test_norms, test, M, D, first, depth);
        widen(x_train, train_norms, train, N, D, first, depth);
        kiln_gemm(KILN_NT, M, N, depth, x_test, depth, x_train, depth, 0, product, N,
                  product_work); /* test·trainᵀ */
        for (int m = 0; m < M; m++) {
            const float *row = product + (size_t)m * (size_t)N;
            int32_t *out = distances + (size_t)m * (size_t)N;
            const int32_t norm = (int32_t)test_norms[m];

            for (int n = 0; n < N; n++)
                out[n] += norm - 2 * (int32_t)row[n] + (int32_t)train_norms[n];
        }
    }
}

/* Of two rows at one distance the one of the smaller label counts as nearer. */
static int nearer(const int32_t *distances, const int *labels, int a, int b)
{
    return distances[a] < distances[b] || (distances[a] == distances[b] && labels[a] < labels[b]);
}

int kiln_knn_vote(const int32_t *distances, const int *labels, int N, int k, int classes, int *work)
{
    int *nearest = work; /* indices of the nearest so far, nearest first */
    int votes[CLASSES_MAX] = {0};
    int found = 0, best = 0;

    assert(k >= 1 && k <= N && classes >= 1 && classes <= CLASSES_MAX);
    for (int n = 0; n < N; n++) {
        int i = found;

        if (found == k && !nearer(distances, labels, n, nearest[k - 1])) continue;
        if (found < k)
            found++;
        else
            i = k - 1;
        for (; i > 0 && nearer(distances, labels, n, nearest[i - 1]); i--)
            nearest[i] = nearest[i - 1];
        nearest[i] = n;
    }
    for (int i = 0; i < k; i++)
        if (distances[nearest[i]] == 0 || distances[nearest[0]] != 0) votes[labels[nearest[i]]]++;
    for (int c = 1; c < classes; c++)
        if (votes[c] > votes[best]) best = c;
    return best;
}
