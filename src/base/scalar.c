/*
 * Elementary functions of a double in plain arithmetic: reduce the argument, then a Taylor series
 * that is long enough for the reduced range. Nothing here is hot; what matters is that every build
 * rounds alike.
 *
 *   exp   x = k ln 2 + r, |r| <= 0.347:       2^k sum r^i / i!,  i <= 13          (next term 4e-18)
 *   log   x = 2^k m, m in [sqrt 1/2, sqrt 2): k ln 2 + 2 atanh s, s = (m - 1)/(m + 1), |s| <= 0.172
 *   sin   x = k pi/2 + r, |r| <= 0.786:       the series of sin or cos, by k mod 4, to r^17
 *
 * Constants are split (Cody and Waite, "Software Manual for the Elementary Functions", 1980) so
 * that k times the leading part is exact.
 */
#include "base/scalar.h"

#include <stdint.h>
#include <string.h>

#define LN2_HIGH 6.93147180369123816490e-01 /* 33 bits */
#define LN2_LOW 1.90821492927058770002e-10
#define LOG2_E 1.44269504088896338700
#define SQRT2 1.41421356237309504880

#define HALF_PI_1 1.57079632673412561417e+00 /* 33 bits */
#define HALF_PI_2 6.07710050630396597660e-11 /* the next 33 */
#define HALF_PI_3 2.02226624879595063154e-21
#define TWO_PI 6.28318530717958647693
#define TWO_OVER_PI 0.63661977236758134308

#define HUGE_VALUE __builtin_inf()
#define NO_VALUE __builtin_nan("")

/* Behind the leading term, by powers of the argument's square. */
static const double atanh_terms[] = {1 / 3., 1 / 5., 1 / 7., 1 / 9., 1 / 11., 1 / 13., 1 / 15.,
                                     1 / 17., 1 / 19., 1 / 21., 1 / 23.};
static const double sin_terms[] = {-1 / 6., 1 / 120., -1 / 5040., 1 / 362880., -1 / 39916800.,
                                   1 / 6227020800., -1 / 1307674368000., 1 / 355687428096000.};
static const double cos_terms[] = {-1 / 2., 1 / 24., -1 / 720., 1 / 40320., -1 / 3628800.,
                                   1 / 479001600., -1 / 87178291200., 1 / 20922789888000.};

/* x (terms[0] + x (terms[1] + ...)) */
static double polynomial(const double *terms, int count, double x)
{
    double sum = 0.0;

    for (int i = count - 1; i >= 0; i--) sum = x * (terms[i] + sum);
    return sum;
}

/* 2^k for -1022 <= k <= 1023. */
static double power_of_two(int k)
{
    const uint64_t bits = (uint64_t)(k + 1023) << 52;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static int nearest(double x)
{
    return (int)(x + (x < 0 ? -0.5 : 0.5));
}

double kiln_exp(double x)
{
    if (x != x) return x;
    if (x > 709.8) return HUGE_VALUE;
    if (x < -745.2) return 0.0;

    const int k = nearest(x * LOG2_E);
    const double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    double sum = 1.0;

    for (int i = 13; i >= 1; i--) sum = 1.0 + sum * r / i;
    return sum * power_of_two(k / 2) * power_of_two(k - k / 2);
}

double kiln_log(double x)
{
    uint64_t bits;
    int k = 0;

    if (x != x || x < 0) return NO_VALUE;
    if (x == 0) return -HUGE_VALUE;
    if (x == HUGE_VALUE) return x;
    if (x < 0x1p-1022) { /* a denormal: make it normal */
        x *= 0x1p54;
        k = -54;
    }
    memcpy(&bits, &x, sizeof bits);
    k += (int)(bits >> 52) - 1023;
    bits = (bits & 0x000fffffffffffffu) | (uint64_t)1023 << 52;
    memcpy(&x, &bits, sizeof x);
    if (x > SQRT2) {
        x *= 0.5;
        k++;
    }

    const double s = (x - 1.0) / (x + 1.0), s2 = s * s;
    const double sum = polynomial(atanh_terms, 11, s2); /* atanh s / s - 1 */

    return k * LN2_HIGH + (2.0 * s + (2.0 * s * sum + k * LN2_LOW));
}

/* The series of sin (odd = 1) or cos (odd = 0) at r. */
static double series(double r, int odd)
{
    return odd ? r + r * polynomial(sin_terms, 8, r * r) : 1.0 + polynomial(cos_terms, 8, r * r);
}

/* sin of r + quarter pi/2 */
static double sine_of_quarter(double r, int quarter)
{
    const double value = series(r, quarter % 2 == 0);

    return quarter & 2 ? -value : value;
}

/* sin (x + shift pi/2) */
static double sine(double x, int shift)
{
    if (!(x >= -1e6 && x <= 1e6)) return NO_VALUE;

    const int k = nearest(x * TWO_OVER_PI);
    const double r = ((x - k * HALF_PI_1) - k * HALF_PI_2) - k * HALF_PI_3;
    return sine_of_quarter(r, (k + shift) & 3);
}

double kiln_sin(double x)
{
    return sine(x, 0);
}

double kiln_cos(double x)
{
    return sine(x, 1);
}

void kiln_sin_cos_turns(double *sine, double *cosine, double turns)
{
    const int k = nearest(4.0 * turns);
    const double r = (turns - 0.25 * k) * TWO_PI;

    *sine = sine_of_quarter(r, k & 3);
    *cosine = sine_of_quarter(r, (k + 1) & 3);
}

double kiln_pow(double x, double y)
{
    if (!(y >= -64 && y <= 64) || y != (int)y) return kiln_exp(y * kiln_log(x));

    double power = 1.0;

    for (int n = y < 0 ? -(int)y : (int)y; n; n /= 2, x *= x)
        if (n % 2) power *= x;
    return y < 0 ? 1.0 / power : power;
}
