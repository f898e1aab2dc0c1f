/*
 * The one-dimensional transforms of F(4, 3) at the points 0, a, -a, b, -b and infinity, for vectors
 * of channels. In two dimensions each is applied to the columns, then to the rows.
 *
 *   y = Aᵀ [(G g) ∘ (Bᵀ d)]                 d: 6 of input, g: 3 of filter, y: 4 of output
 *   dg = Gᵀ [sum over tiles of (Bᵀ d) ∘ (A dy)]                            the adjoint
 *
 *        a²b²  0    -a²-b²   0       1  0          1/a²b²    0        0
 *        0    -ab²  -b²      a       1  0          1, ±a, a²  over 2a²(a² - b²)
 *   Bᵀ = 0     ab²  -b²     -a       1  0      G =
 *        0    -a²b  -a²      b       1  0          1, ±b, b²  over 2b²(b² - a²)
 *        0     a²b  -a²     -b       1  0
 *        0     a²b²  0      -a²-b²   0  1          0         0        1
 *
 *   Aᵀ: powers 0 to 3 of the points; infinity adds to the last alone
 *
 * Lavin and Gray (CVPR 2016, section 4.3) take a = 1, b = 2. The powers of 2 cost accuracy: with a
 * = 5/8, b = 3/2 the products of powers of a and b stay near 1, all constants of B and A are exact,
 * and the error is several times smaller (tests/c/test_winograd.c prints it), as Barabasz,
 * Anderson, Soodhalter and Gregg found for such points ("Error analysis and improving the accuracy
 * of Winograd convolution for deep neural networks", ACM TOMS 46(4), 2020).
 *
 * Loops over a tile's columns and rows stay rolled. Unrolled, all of a tile would be one
 * expression, of which compilers spill more than the half that goes through memory in between.
 *
 * A transform reads inputs `step` apart and writes outputs `out_step` apart.
 */
#ifndef KILN_KERNELS_WINOGRAD_TILE_H
#define KILN_KERNELS_WINOGRAD_TILE_H

#include "base/simd.h"

#define WINO_IN 6  /* a tile of input, and of products: 6 x 6 */
#define WINO_OUT 4 /* a tile of output: 4 x 4 */
#define WINO_TAPS 3
#define WINO_POINTS (WINO_IN * WINO_IN)

#define WINO_INLINE static inline __attribute__((always_inline))

#define WINO_A 0.625f
#define WINO_B 1.5f
#define WINO_A2 (WINO_A * WINO_A)
#define WINO_B2 (WINO_B * WINO_B)
/* the denominators of G */
#define WINO_GA (2 * WINO_A2 * (WINO_A2 - WINO_B2))
#define WINO_GB (2 * WINO_B2 * (WINO_B2 - WINO_A2))

/* Bᵀ d: 6 to 6. */
static inline void wino_input(vf *out, int out_step, const vf *d, int step)
{
    const vf d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    const vf product = vf_set1(WINO_A2 * WINO_B2), sum = vf_set1(-(WINO_A2 + WINO_B2));
    const vf even_a = vf_madd(vf_set1(-WINO_B2), d2, d4),
             odd_a = vf_madd(vf_set1(-WINO_B2), d1, d3);
    const vf even_b = vf_madd(vf_set1(-WINO_A2), d2, d4),
             odd_b = vf_madd(vf_set1(-WINO_A2), d1, d3);

    out[0] = vf_madd(product, d[0], vf_madd(sum, d2, d4));
    out[out_step] = vf_madd(vf_set1(WINO_A), odd_a, even_a);
    out[2 * out_step] = vf_madd(vf_set1(-WINO_A), odd_a, even_a);
    out[3 * out_step] = vf_madd(vf_set1(WINO_B), odd_b, even_b);
    out[4 * out_step] = vf_madd(vf_set1(-WINO_B), odd_b, even_b);
    out[5 * out_step] = vf_madd(product, d1, vf_madd(sum, d3, d[5 * step]));
}

/* Aᵀ m: 6 to 4. */
static inline void wino_output(vf *out, int out_step, const vf *m, int step)
{
    const vf even_a = m[step] + m[2 * step], odd_a = m[step] - m[2 * step];
    const vf even_b = m[3 * step] + m[4 * step], odd_b = m[3 * step] - m[4 * step];

    out[0] = m[0] + (even_a + even_b);
    out[out_step] = vf_madd(vf_set1(WINO_A), odd_a, vf_set1(WINO_B) * odd_b);
    out[2 * out_step] = vf_madd(vf_set1(WINO_A2), even_a, vf_set1(WINO_B2) * even_b);
    out[3 * out_step] = vf_madd(vf_set1(WINO_A * WINO_A2), odd_a,
                                vf_madd(vf_set1(WINO_B * WINO_B2), odd_b, m[5 * step]));
}

/* A y: 4 to 6. */
static inline void wino_gradient(vf *out, int out_step, const vf *y, int step)
{
    const vf y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
    const vf even_a = vf_madd(vf_set1(WINO_A2), y2, y0), odd_a = vf_madd(vf_set1(WINO_A2), y3, y1);
    const vf even_b = vf_madd(vf_set1(WINO_B2), y2, y0), odd_b = vf_madd(vf_set1(WINO_B2), y3, y1);

    out[0] = y0;
    out[out_step] = vf_madd(vf_set1(WINO_A), odd_a, even_a);
    out[2 * out_step] = vf_madd(vf_set1(-WINO_A), odd_a, even_a);
    out[3 * out_step] = vf_madd(vf_set1(WINO_B), odd_b, even_b);
    out[4 * out_step] = vf_madd(vf_set1(-WINO_B), odd_b, even_b);
    out[5 * out_step] = y3;
}

/* G g: 3 to 6. */
static inline void wino_filter(vf *out, int out_step, const vf *g, int step)
{
    const vf g0 = g[0], g1 = g[step], g2 = g[2 * step];
    const vf even_a = vf_set1(1 / WINO_GA) * vf_madd(vf_set1(WINO_A2), g2, g0);
    const vf even_b = vf_set1(1 / WINO_GB) * vf_madd(vf_set1(WINO_B2), g2, g0);

    out[0] = vf_set1(1 / (WINO_A2 * WINO_B2)) * g0;
    out[out_step] = vf_madd(vf_set1(WINO_A / WINO_GA), g1, even_a);
    out[2 * out_step] = vf_madd(vf_set1(-WINO_A / WINO_GA), g1, even_a);
    out[3 * out_step] = vf_madd(vf_set1(WINO_B / WINO_GB), g1, even_b);
    out[4 * out_step] = vf_madd(vf_set1(-WINO_B / WINO_GB), g1, even_b);
    out[5 * out_step] = g2;
}

/* Gᵀ m: 6 to 3. */
static inline void wino_filter_gradient(vf *out, int out_step, const vf *m, int step)
{
    const vf even_a = vf_set1(1 / WINO_GA) * (m[step] + m[2 * step]);
    const vf even_b = vf_set1(1 / WINO_GB) * (m[3 * step] + m[4 * step]);
    const vf odd_a = m[step] - m[2 * step], odd_b = m[3 * step] - m[4 * step];

    out[0] = vf_madd(vf_set1(1 / (WINO_A2 * WINO_B2)), m[0], even_a + even_b);
    out[out_step] = vf_madd(vf_set1(WINO_A / WINO_GA), odd_a, vf_set1(WINO_B / WINO_GB) * odd_b);
    out[2 * out_step] =
        vf_madd(vf_set1(WINO_A2), even_a, vf_madd(vf_set1(WINO_B2), even_b, m[5 * step]));
}

#endif
