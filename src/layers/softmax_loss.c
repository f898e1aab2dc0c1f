/*
 * Softmax, its cross-entropy loss, and counting right answers.     cs231n: softmax_loss
 *
 *   p[c] = exp(z[c]) / Σ exp(z)      z = s - max s: no exponential overflows, whatever the scores
 *   L = 1/N Σ_n (log Σ_c exp(z[c]) - Σ_c t[c] z[c])      t = (1 - e)·[c = y] + e / C
 *   dscores = (p - t) / N
 *
 * scores, dscores, probabilities (N, C); y (N) in 0..C-1. Scores are few beside any weight matrix,
 * so rows are taken one after the other. A sum over a row is the 16-way split; the loss is summed
 * in double, rows in order. A NaN or +infinity among a row's scores makes the loss NaN.
 * Source: cs231n notes, linear-classify ("Practical issues: Numeric stability"); Szegedy et al.
 * 2016, section 7.
 */
#include <assert.h>

#include "base/scalar.h"
#include "kernels/vec.h"
#include "layers/layers.h"

/* Scores i .. i + 15 of a row of C less its maximum; minus infinity, whose exponential is 0, past
 * the end. */
static vf16 shifted(const float *s, int i, int C, float max)
{
    float z[16];

    for (int j = 0; j < 16; j++) z[j] = i + j < C ? s[i + j] - max : -__builtin_inff();
    return vf16_load(z);
}

/* e[c] = exp(s[c] - max), e may be NULL. Returns their sum. */
static float exponentials(float *e, const float *s, int C, float max)
{
    vf16 sum = vf16_set1(0);

    for (int i = 0; i < C; i += 16) {
        vf16 v = shifted(s, i, C, max);
        float lane[16];

        for (int j = 0; j < KILN_VF16; j++) {
            v.v[j] = vf_exp(v.v[j]);
            sum.v[j] += v.v[j];
        }
        vf16_store(lane, v);
        for (int j = 0; e && j < 16 && i + j < C; j++) e[i + j] = lane[j];
    }
    return vf16_sum(sum);
}

double kiln_softmax_loss(float *dscores, const float *scores, const int *y, int N, int C,
                         float smoothing)
{
    const float everywhere = smoothing / (float)C;
    double loss = 0;

    for (int n = 0; n < N; n++) {
        const float *s = scores + (size_t)n * C;
        float *ds = dscores ? dscores + (size_t)n * C : NULL;
        const float max = kiln_vec_max(s, C), sum = exponentials(ds, s, C, max);
        double target_z = (1 - (double)smoothing) * (s[y[n]] - max);

        assert(y[n] >= 0 && y[n] < C);
        for (int c = 0; smoothing > 0 && c < C; c++) target_z += (double)everywhere * (s[c] - max);
        loss += kiln_log(sum) - target_z;
        for (int c = 0; ds && c < C; c++) {
            const float target = everywhere + (c == y[n] ? 1 - smoothing : 0);

            ds[c] = (ds[c] / sum - target) / (float)N;
        }
    }
    return loss / N;
}

void kiln_softmax(float *probabilities, const float *scores, int N, int C)
{
    for (int n = 0; n < N; n++) {
        const float *s = scores + (size_t)n * C;
        float *p = probabilities + (size_t)n * C;
        const float sum = exponentials(p, s, C, kiln_vec_max(s, C));

        for (int c = 0; c < C; c++) p[c] /= sum;
    }
}

int kiln_correct(int *predictions, const float *scores, const int *y, int N, int C)
{
    int correct = 0;

    for (int n = 0; n < N; n++) {
        const float *s = scores + (size_t)n * C;
        int best = 0;

        for (int c = 1; c < C; c++)
            if (s[c] > s[best]) best = c;
        if (predictions) predictions[n] = best;
        correct += best == y[n];
    }
    return correct;
}
