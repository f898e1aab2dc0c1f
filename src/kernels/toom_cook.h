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

#define TOOM_OUT 4
#define TOOM_PAIRS_MAX 4
#define TOOM_POINTS_MAX 10
#define TOOM_TAPS_MAX 7

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

#endif
