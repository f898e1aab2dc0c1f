/*
 * Multiclass support vector machine loss, margin 1 (Weston and Watkins 1999).      cs231n: svm_loss
 *
 *   L = 1/N Σ_n Σ_{c ≠ y} max(0, s[c] - s[y] + 1)
 *   dscores[c] = 1/N where the margin is positive, dscores[y] = -1/N · the number of such c
 *
 * scores, dscores (N, C); y (N) in 0..C-1. Margins are floats, summed in double in order. A margin
 * that is NaN counts as positive, so the loss becomes NaN instead of hiding it.
 * Source: cs231n notes, linear-classify ("Multiclass Support Vector Machine loss").
 */
#include <assert.h>

#include "layers/layers.h"

double kiln_svm_loss(float *dscores, const float *scores, const int *y, int N, int C)
{
    const float share = 1 / (float)N;
    double loss = 0;

    for (int n = 0; n < N; n++) {
        const float *s = scores + (size_t)n * C;
        float *ds = dscores ? dscores + (size_t)n * C : NULL;
        int violations = 0;

        assert(y[n] >= 0 && y[n] < C);
        for (int c = 0; c < C; c++) {
            const float margin = s[c] - s[y[n]] + 1;
            const int violated = c != y[n] && !(margin <= 0);

            if (violated) loss += margin;
            if (ds) ds[c] = violated ? share : 0;
            violations += violated;
        }
        if (ds) ds[y[n]] = -share * (float)violations;
    }
    return loss / N;
}
