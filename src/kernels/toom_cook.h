/*
 * The one-dimensional algorithms F(4, r) for r = 3, 5 or 7 taps: four outputs of a correlation with
 * r taps from r + 3 products instead of 4 r (Toom 1963, Cook 1966; Winograd, "Arithmetic complexity
 * of computations", 1980; for networks Lavin and Gray, CVPR 2016).
 *
 *   y = Aᵀ [(G g) ∘ (Bᵀ d)]         d: r + 3 of input, g: r taps, y_i = Σ_k g_k d_{i+k}, i < 4
 *   dg = Gᵀ [(A dy) ∘ (Bᵀ d)]       the adjoint: gradient of the taps
 *
 * Inputs and taps are read as polynomials and multiplied at points: 0, pairs ±p_j, and infinity.
 * With M(x) = x Π_j (x² - p_j²) the rows of the matrices are, for a finite point q,
 *
 *   Bᵀ  the coefficients of M(x) / (x - q)           infinity: of M(x)
 *   G   (1, q, q² ..) / M'(q)                        infinity: (0 .. 0, 1)
 *   Aᵀ  columns (1, q, q², q³)                       infinity: (0, 0, 0, 1)
 *
 * M is odd, so the rows of p and -p share an even and an odd part, which halves the work.
 *
 * The points decide the error (Barabasz, Anderson, Soodhalter, Gregg, ACM TOMS 46(4), 2020). If all
 * roundings happen in the products' sums, its square is, beside the direct algorithm's,
 *
 *   max_i Σ_q Aᵀ[i][q]² |Bᵀ[q]|² |G[q]|² / r      for y, and for dg
 *   max_k Σ_q G[q][k]² |Bᵀ[q]|² |Aᵀ[.][q]|² / 4
 *
 * Those in toom_cook.c are the best multiples of 1/16 by it, or nearly so with factors that floats
 * hold exactly: for equally long sums errors of 2.9, 6 and 16 times direct's.
 */
#ifndef KILN_KERNELS_TOOM_COOK_H
#define KILN_KERNELS_TOOM_COOK_H

#include "base/simd.h"

#define TOOM_OUT 4
#define TOOM_PAIRS_MAX 4
#define TOOM_POINTS_MAX 10
#define TOOM_TAPS_MAX 7

#define TOOM_INLINE static inline __attribute__((always_inline))

typedef struct {
    int taps, pairs, points; /* points = taps + 3 = 2 pairs + 2: 0, p_0, -p_0, .., infinity */
    float p[TOOM_PAIRS_MAX], p2[TOOM_PAIRS_MAX], p3[TOOM_PAIRS_MAX]; /* p_j and its powers */
    float minus_p[TOOM_PAIRS_MAX];
    float even[TOOM_PAIRS_MAX][TOOM_PAIRS_MAX]; /* of x^2i in Π_{k≠j} (x² - p_k²) */
    float whole[TOOM_PAIRS_MAX + 1];            /* of x^2i in Π_k (x² - p_k²) */
    double g[TOOM_POINTS_MAX][TOOM_TAPS_MAX];
} kiln_toom_cook;

/* taps: 3, 5 or 7. */
kiln_toom_cook kiln_toom_cook_make(int taps);

/* In all three P = t->pairs, a constant where they are inlined. */

/* v[q] = (Bᵀ d)[q]; v and d hold 2 P + 2 vectors. */
TOOM_INLINE void toom_input(vf *v, const vf *d, const kiln_toom_cook *t, const int P)
{
    vf zero = d[2 * P], infinity = d[2 * P + 1]; /* the leading coefficient is 1 */

    UNROLL for (int i = 0; i < P; i++) {
        const vf c = vf_set1(t->whole[i]);

        zero = vf_madd(c, d[2 * i], zero);
        infinity = vf_madd(c, d[2 * i + 1], infinity);
    }
    v[0] = zero;
    v[2 * P + 1] = infinity;
    UNROLL for (int j = 0; j < P; j++) {
        vf even = d[2 * P], odd = d[2 * P - 1];

        UNROLL for (int i = 0; i < P - 1; i++) {
            const vf c = vf_set1(t->even[j][i]);

            even = vf_madd(c, d[2 * i + 2], even);
            odd = vf_madd(c, d[2 * i + 1], odd);
        }
        v[2 * j + 1] = vf_madd(vf_set1(t->p[j]), odd, even);
        v[2 * j + 2] = vf_madd(vf_set1(t->minus_p[j]), odd, even);
    }
}

/* y[i] = (Aᵀ m)[i], i < 4. */
TOOM_INLINE void toom_output(vf *y, const vf *m, const kiln_toom_cook *t, const int P)
{
    vf sum = m[1] + m[2], difference = m[1] - m[2];

    y[0] = m[0] + sum;
    y[1] = vf_set1(t->p[0]) * difference;
    y[2] = vf_set1(t->p2[0]) * sum;
    y[3] = vf_madd(vf_set1(t->p3[0]), difference, m[2 * P + 1]);
    UNROLL for (int j = 1; j < P; j++) {
        sum = m[2 * j + 1] + m[2 * j + 2];
        difference = m[2 * j + 1] - m[2 * j + 2];
        y[0] += sum;
        y[1] = vf_madd(vf_set1(t->p[j]), difference, y[1]);
        y[2] = vf_madd(vf_set1(t->p2[j]), sum, y[2]);
        y[3] = vf_madd(vf_set1(t->p3[j]), difference, y[3]);
    }
}

/* d[q] = (A y)[q]. */
TOOM_INLINE void toom_gradient(vf *d, const vf *y, const kiln_toom_cook *t, const int P)
{
    d[0] = y[0];
    d[2 * P + 1] = y[3];
    UNROLL for (int j = 0; j < P; j++) {
        const vf p2 = vf_set1(t->p2[j]);
        const vf even = vf_madd(p2, y[2], y[0]), odd = vf_madd(p2, y[3], y[1]);

        d[2 * j + 1] = vf_madd(vf_set1(t->p[j]), odd, even);
        d[2 * j + 2] = vf_madd(vf_set1(t->minus_p[j]), odd, even);
    }
}

#endif
