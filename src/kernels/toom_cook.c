/*
 * The coefficients of F(4, r) from its points, in double (toom_cook.h has the formulas).
 */
#include "kernels/toom_cook.h"

/* by pairs: 3 taps have two, 5 have three, 7 have four */
static const double points[3][TOOM_PAIRS_MAX] = {
    {0.625, 1.5}, {0.5, 1.0, 2.0}, {0.4375, 0.8125, 1.25, 2.25}};

/* c *= x² - root², c in powers of x², `degree` its degree before. */
static void times_factor(double *c, int degree, double root)
{
    c[degree + 1] = c[degree];
    for (int i = degree; i > 0; i--) c[i] = c[i - 1] - root * root * c[i];
    c[0] *= -root * root;
}

kiln_toom_cook kiln_toom_cook_make(int taps)
{
    kiln_toom_cook t = {.taps = taps, .pairs = (taps + 1) / 2, .points = taps + 3};
    const double *p = points[t.pairs - 2];
    double whole[TOOM_PAIRS_MAX + 1] = {1};

    for (int k = 0; k < t.pairs; k++) times_factor(whole, k, p[k]);
    for (int i = 0; i <= t.pairs; i++) t.whole[i] = (float)whole[i];
    t.g[0][0] = 1 / whole[0]; /* M'(0) */
    t.g[t.points - 1][taps - 1] = 1;

    for (int j = 0; j < t.pairs; j++) {
        double others[TOOM_PAIRS_MAX + 1] = {1}, slope = 2 * p[j] * p[j], power = 1;
        int degree = 0;

        for (int k = 0; k < t.pairs; k++) {
            if (k == j) continue;
            times_factor(others, degree++, p[k]);
            slope *= p[j] * p[j] - p[k] * p[k]; /* M'(p) = M'(-p) = 2 p² Π (p² - p_k²) */
        }
        for (int i = 0; i < t.pairs; i++) t.even[j][i] = (float)others[i];
        t.p[j] = (float)p[j];
        t.minus_p[j] = (float)-p[j];
        t.p2[j] = (float)(p[j] * p[j]);
        t.p3[j] = (float)(p[j] * p[j] * p[j]);
        for (int k = 0; k < taps; k++, power *= p[j]) {
            t.g[2 * j + 1][k] = power / slope;
            t.g[2 * j + 2][k] = (k % 2 ? -power : power) / slope;
        }
    }
    return t;
}
