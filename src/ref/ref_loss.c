/*
 * Reference twins: softmax and multiclass SVM losses, kNN distances.
 *
 *   softmax  L = -1/N Σ_n Σ_c t[n, c] log p[n, c]   t = (1 - e)·[c = y] + e / C
 *            dscores = (p - t) / N
 *   svm      L = 1/N Σ_n Σ_{c ≠ y} max(0, s[n, c] - s[n, y] + 1)
 *
 * scores (N, C), y (N) in 0..C-1; distances (M, N).
 * Source: cs231n notes, linear-classify and classification; Szegedy et al. 2016 for smoothing.
 */
#include "ref/ref_layers.h"

#include <math.h>

/* log Σ_c exp(s[c]), shifted by the largest. */
static double log_sum_exp(const double *s, int C)
{
    double max = s[0], sum = 0;

    for (int c = 1; c < C; c++) max = s[c] > max ? s[c] : max;
    for (int c = 0; c < C; c++) sum += exp(s[c] - max);
    return max + log(sum);
}

void ref_softmax(double *probabilities, const double *scores, int N, int C)
{
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            probabilities[n * C + c] = exp(scores[n * C + c] - log_sum_exp(scores + n * C, C));
}

double ref_softmax_loss(double *dscores, const double *scores, const int *y, int N, int C,
                        double smoothing)
{
    double loss = 0;

    for (int n = 0; n < N; n++) {
        const double total = log_sum_exp(scores + n * C, C);

        for (int c = 0; c < C; c++) {
            const double target = (c == y[n] ? 1 - smoothing : 0) + smoothing / C;
            const double log_p = scores[n * C + c] - total;

            if (target != 0) loss -= target * log_p / N;
            if (dscores) dscores[n * C + c] = (exp(log_p) - target) / N;
        }
    }
    return loss;
}

double ref_svm_loss(double *dscores, const double *scores, const int *y, int N, int C)
{
    double loss = 0;

    for (int i = 0; dscores && i < N * C; i++) dscores[i] = 0;
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) {
            const double margin = scores[n * C + c] - scores[n * C + y[n]] + 1;

            if (c == y[n] || margin <= 0) continue;
            loss += margin / N;
            if (!dscores) continue;
            dscores[n * C + c] += 1.0 / N;
            dscores[n * C + y[n]] -= 1.0 / N;
        }
    return loss;
}

void ref_knn_distances(double *distances, const double *test, const double *train, int M, int N,
                       int D)
{
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double sum = 0;

            for (int d = 0; d < D; d++) sum += pow(test[m * D + d] - train[n * D + d], 2);
            distances[m * N + n] = sum;
        }
}
