/*
 * exp, log, tanh, erf and the sigmoid of one vector of floats, the same bits on every build of a
 * mode.
 *
 * Each reduces its argument to a short interval and evaluates one polynomial there (minimax in
 * relative error, found by Remez exchange, rounded to float). A NaN gives a NaN; results that
 * overflow are infinite, those that underflow are denormals, then zero. Worst errors, strict and
 * fused (tests/c/test_vec.c):
 *
 *   vf_exp      1 ulp       log below 0 is NaN, of 0 is -infinity
 *   vf_log      1 ulp
 *   vf_tanh     2 ulp
 *   vf_erf      2 ulp
 *   vf_sigmoid  3 ulp
 */
#ifndef KILN_KERNELS_VEC_MATH_H
#define KILN_KERNELS_VEC_MATH_H

#include "base/simd.h"

/* 2^n for -126 <= n <= 127. */
static inline vf vf_power_of_two(vm n)
{
    return (vf)((n + 127) << 23);
}

/*
 * x = n ln 2 + r, |r| <= ln 2 / 2:  exp x = 2^n (1 + r + r^2 q(r)). Returns the bracket, between
 * 0.7 and 1.42, and n in *t, as the last bits of n + 1.5 * 2^23: adding that rounds n, for its last
 * bit is 1. ln 2 is split so that n times its leading part is exact.
 */
static inline vf vf_exp_split(vf x, vf *t)
{
    const vf magic = vf_set1(0x1.8p23f);

    *t = vf_madd(x, vf_set1(1.44269504f), magic);

    const vf n = *t - magic;
    const vf r = vf_madd(n, vf_set1(2.12194440e-4f), vf_madd(n, vf_set1(-0.693359375f), x));
    vf q = vf_set1(1.381456619e-03f);

    q = vf_madd(q, r, vf_set1(8.368731476e-03f));
    q = vf_madd(q, r, vf_set1(4.166838899e-02f));
    q = vf_madd(q, r, vf_set1(1.666652113e-01f));
    q = vf_madd(q, r, vf_set1(4.999999404e-01f));
    return vf_madd(r * r, q, r) + vf_set1(1.0f);
}

/* 2^n is applied in two halves: the first is exact, so a denormal result is rounded once. */
static inline vf vf_exp(vf x)
{
    vf t;

    x = vf_min(vf_set1(89.0f), vf_max(vf_set1(-104.0f), x)); /* second argument where NaN */

    const vf e = vf_exp_split(x, &t);
    const vm whole = (vm)t - (vm)vf_set1(0x1.8p23f), half = whole >> 1;
    const vf y = e * vf_power_of_two(half) * vf_power_of_two(whole - half);

    return vf_select(x == x, y, x);
}

/* The bits of vf_exp in fewer operations, for -87 <= x <= 87; of a NaN any value. n is added to the
 * exponent of e as a whole number: the shift leaves no other bit of t. */
static inline vf vf_exp_normal(vf x)
{
    vf t;
    const vf e = vf_exp_split(x, &t);

    return (vf)((vu)e + ((vu)t << 23));
}

/* exp x * 2^64 for -104 <= x <= 0, which is normal: times 2^-64, which rounds once, it has the bits
 * of vf_exp. Of a NaN any value. */
static inline vf vf_exp_times_2_64(vf x)
{
    vf t;
    const vf e = vf_exp_split(x, &t);

    return (vf)((vu)e + (((vu)t + 64) << 23));
}

/* x = 2^k (1 + f), 1 + f in [sqrt 1/2, sqrt 2):  log x = k ln 2 + f - f^2 / 2 + f^3 p(f). */
static inline vf vf_log(vf x)
{
    const vf infinity = vf_set1(__builtin_inff());
    const vm tiny = x < vf_set1(0x1p-126f);
    const vf normal = vf_select(tiny, x * vf_set1(0x1p23f), x);
    const vu bits = (vu)normal; /* unsigned: those of a negative x wrap */
    const vm k = (vm)(bits - 0x3f3504f3) >> 23; /* 0x3f3504f3 is sqrt 1/2 */
    const vf f = (vf)(bits - ((vu)k << 23)) - vf_set1(1.0f), f2 = f * f;
    const vf whole = vf_from_int(k - (tiny & 23));
    vf p = vf_set1(6.746596843e-02f);

    p = vf_madd(p, f, vf_set1(-1.167561263e-01f));
    p = vf_madd(p, f, vf_set1(1.188816056e-01f));
    p = vf_madd(p, f, vf_set1(-1.240559518e-01f));
    p = vf_madd(p, f, vf_set1(1.421955377e-01f));
    p = vf_madd(p, f, vf_set1(-1.666799486e-01f));
    p = vf_madd(p, f, vf_set1(2.000211924e-01f));
    p = vf_madd(p, f, vf_set1(-2.500000894e-01f));
    p = vf_madd(p, f, vf_set1(3.333331347e-01f));

    vf y = vf_madd(whole, vf_set1(-2.12194440e-4f), f2 * f * p);

    y = vf_madd(vf_set1(-0.5f), f2, y);
    y = vf_madd(whole, vf_set1(0.693359375f), y + f);
    y = vf_select(x == vf_set1(0.0f), -infinity, y);
    y = vf_select(x == infinity, x, y);
    return vf_select(x >= vf_set1(0.0f), y, vf_set1(__builtin_nanf("")));
}

/* |x| with the sign of x put on it. */
static inline vf vf_copy_sign(vf magnitude, vf x)
{
    return (vf)((vm)magnitude | ((vm)x & vm_set1(INT32_MIN)));
}

/* |x| < 0.625: x + x^3 p(x^2); else 1 - 2 / (exp 2|x| + 1). */
static inline vf vf_tanh(vf x)
{
    const vf a = vf_abs(x), u = a * a;
    const vf large = vf_set1(1.0f) - vf_set1(2.0f) / (vf_exp(a + a) + vf_set1(1.0f));
    vf p = vf_set1(-5.704987794e-03f);

    p = vf_madd(p, u, vf_set1(2.063908800e-02f));
    p = vf_madd(p, u, vf_set1(-5.373971537e-02f));
    p = vf_madd(p, u, vf_set1(1.333144158e-01f));
    p = vf_madd(p, u, vf_set1(-3.333328068e-01f));

    const vf small = vf_madd(a * u, p, a);

    return vf_copy_sign(vf_select(a < vf_set1(0.625f), small, large), x);
}

/* |x| < 0.92: x + x (2/sqrt pi - 1 + x^2 p(x^2)); else 1 - exp -g(|x|), g = -log erfc, a polynomial
 * to 3.97, beyond which erf rounds to 1. Returns -g, between -17 and 0.001. */
static inline vf vf_erf_exponent(vf x)
{
    const vf b = vf_min(vf_set1(3.97f), vf_abs(x));
    vf g = vf_set1(-2.103122642e-05f);

    g = vf_madd(g, b, vf_set1(4.337255377e-04f));
    g = vf_madd(g, b, vf_set1(-4.167496227e-03f));
    g = vf_madd(g, b, vf_set1(2.511004917e-02f));
    g = vf_madd(g, b, vf_set1(-1.082656085e-01f));
    g = vf_madd(g, b, vf_set1(-6.333600283e-01f));
    g = vf_madd(g, b, vf_set1(-1.129508495e+00f));
    return vf_madd(g, b, vf_set1(1.733382960e-04f));
}

/* erf x, given e = exp of vf_erf_exponent(x). */
static inline vf vf_erf_join(vf x, vf e)
{
    const vf a = vf_abs(x), u = a * a;
    vf p = vf_set1(8.390175208e-05f);

    p = vf_madd(p, u, vf_set1(-8.149163914e-04f));
    p = vf_madd(p, u, vf_set1(5.201817024e-03f));
    p = vf_madd(p, u, vf_set1(-2.685984969e-02f));
    p = vf_madd(p, u, vf_set1(1.128370762e-01f));
    p = vf_madd(p, u, vf_set1(-3.761263490e-01f));
    p = vf_madd(p, u, vf_set1(1.283791671e-01f));

    const vf small = vf_madd(a, p, a), large = vf_set1(1.0f) - e;

    return vf_copy_sign(vf_select(a < vf_set1(0.92f), small, large), x);
}

static inline vf vf_erf(vf x)
{
    return vf_erf_join(x, vf_exp(vf_erf_exponent(x)));
}

/* e = exp -|x|:  1 / (1 + e) for x >= 0, e / (1 + e) below; neither overflows. */
static inline vf vf_sigmoid(vf x)
{
    const vf one = vf_set1(1.0f), e = vf_exp(-vf_abs(x));

    return vf_select(x >= vf_set1(0.0f), one, e) / (one + e);
}

#endif
