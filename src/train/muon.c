/*
 * Muon: the matrices' steps are made orthogonal (Jordan et al. 2024, "Muon: an optimizer for hidden
 * layers in neural networks"; Liu et al. 2025, "Muon is scalable for LLM training", section 2.2).
 *
 *   v = momentum·v + dw      u = dw + momentum·v      X = u / ‖u‖
 *   three times (Newton-Schulz)   A = X·Xᵀ    X = a·X + (b·A + c·A²)·X
 *   w -= lr·0.2·√max(rows, columns)·X
 *
 * Three rounds take every singular value of X near 1, so w moves equally far in all directions. w
 * is (F, C·HH·WW) or (D, M), whichever way it lies: a tall X takes A = Xᵀ·X and X·(…) instead. The
 * factor gives a step the root mean square of Adam's, so that one lr serves both: every other
 * parameter takes Adam's step.
 *
 * Sums are those of kiln_gemm and kiln_vec_sum_squares, whose order is fixed by the shape alone.
 */
#include "base/simd.h"
#include "kernels/gemm.h"
#include "kernels/vec.h"
#include "train/optim.h"
#include "train/rules.h"

#define ROUNDS 3
#define A_X 3.4445f
#define B_X (-4.7750f)
#define C_X 2.0315f
#define TINY 1e-7 /* keeps a zero gradient from dividing by zero */
#define ADAM_RMS 0.2

typedef struct {
    int rows, columns, small; /* small: the lesser of both */
    float *x, *y; /* (rows, columns) */
    float *a, *b; /* (small, small) */
    float *work;
} matrix;

static size_t gemm_work(int rows, int columns, int small)
{
    const int large = rows > columns ? rows : columns;
    const size_t squares = kiln_gemm_work(small, small, large);
    const size_t powers = kiln_gemm_work(small, small, small);
    const size_t products = kiln_gemm_work(rows, columns, small);
    const size_t most = squares > powers ? squares : powers;

    return most > products ? most : products;
}

/* Scratch for the largest of each piece over all matrices. */
static size_t scratch(kiln_net *net)
{
    size_t floats = 0;

    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        int rows, columns;
        size_t all, small;

        if (!kiln_rule_matrix(kiln_net_tensor_at(net, i), &rows, &columns)) continue;
        small = (size_t)(rows < columns ? rows : columns);
        all = 2 * (size_t)rows * (size_t)columns + 2 * small * small +
              gemm_work(rows, columns, (int)small);
        if (all > floats) floats = all;
    }
    return floats;
}

static matrix lay_out(int rows, int columns, float *at)
{
    const int small = rows < columns ? rows : columns;
    const size_t n = (size_t)rows * (size_t)columns, square = (size_t)small * (size_t)small;

    return (matrix){rows, columns, small, at, at + n, at + 2 * n, at + 2 * n + square,
                    at + 2 * n + 2 * square};
}

/* x = a·x + (b·A + c·A²)·x, or with the factors the other way where x is tall. */
static void newton_schulz(const matrix *m)
{
    const int s = m->small, tall = m->rows > m->columns, c = m->columns;
    const int n = m->rows * m->columns;

    /* A = x·xᵀ, or xᵀ·x */
    if (tall)
        kiln_gemm(KILN_TN, s, s, m->rows, m->x, c, m->x, c, 0, m->a, s, m->work);
    else
        kiln_gemm(KILN_NT, s, s, c, m->x, c, m->x, c, 0, m->a, s, m->work);
    kiln_gemm(KILN_NN, s, s, s, m->a, s, m->a, s, 0, m->b, s, m->work); /* B = A·A */
    kiln_vec_scale(m->b, m->b, s * s, C_X);
    kiln_vec_axpy(m->b, m->a, s * s, B_X); /* B = b·A + c·A² */
    /* y = B·x, or x·B */
    if (tall)
        kiln_gemm(KILN_NN, m->rows, c, s, m->x, c, m->b, s, 0, m->y, c, m->work);
    else
        kiln_gemm(KILN_NN, m->rows, c, s, m->b, s, m->x, c, 0, m->y, c, m->work);
    kiln_vec_axpy(m->y, m->x, n, A_X);
    kiln_vec_copy(m->x, m->y, n);
}

static void step_matrix(const kiln_update *u, int rows, int columns)
{
    const matrix m = lay_out(rows, columns, u->scratch);
    const float momentum = (float)u->o->momentum;
    const int n = (int)u->floats, large = rows > columns ? rows : columns;
    float *v = u->state[0];

    kiln_vec_scale(v, v, n, momentum);
    kiln_vec_add(v, v, u->dw, n); /* v = momentum·v + dw */
    kiln_vec_copy(m.x, u->dw, n);
    kiln_vec_axpy(m.x, v, n, momentum); /* x = dw + momentum·v */
    kiln_vec_scale(m.x, m.x, n,
                   (float)(1 / (__builtin_sqrt(kiln_vec_sum_squares(m.x, n)) + TINY)));
    for (int i = 0; i < ROUNDS; i++) newton_schulz(&m);
    kiln_vec_axpy(u->w, m.x, n, -(float)((double)u->lr * ADAM_RMS * __builtin_sqrt(large)));
}

static void update(const kiln_update *u)
{
    const kiln_train_options *o = u->o;
    int rows, columns;

    if (kiln_rule_matrix(u->tensor, &rows, &columns))
        step_matrix(u, rows, columns);
    else
        kiln_adam(u->w, u->dw, u->state[0], u->state[1], u->floats, u->lr, o->beta1, o->beta2,
                  (float)o->eps, (long)u->step);
}

const kiln_rule kiln_rule_muon = {
    .name = "muon",
    .help = "momentum made orthogonal for weights, adamw for the rest",
    .state = {"m", "v"},
    .options = {"momentum", "beta1", "beta2", "eps"},
    .by_tensor = 1,
    .scratch = scratch,
    .update = update};
