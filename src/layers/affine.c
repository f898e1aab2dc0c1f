/*
 * Fully connected layer.                          cs231n: affine_forward, affine_backward
 *
 *   out = x·w + b        dx = dout·wᵀ      dw = xᵀ·dout      db = Σ_n dout[n]
 *
 * x (N, D)   w (D, M)   b (M)   out (N, M); a gradient has the shape of its variable.
 *
 * Three matrix products; bias and relu are one more pass over out, which is small beside w. NaN
 * stays NaN. b may be NULL: no bias; and a gradient that nobody wants.
 * Source: cs231n notes, optimization-2 ("Gradients for vectorized operations").
 */
#include "kernels/gemm.h"
#include "kernels/vec.h"
#include "layers/layers.h"

size_t kiln_affine_work(int N, int D, int M)
{
    const size_t forward = kiln_gemm_work(N, M, D);
    const size_t dx = kiln_gemm_work(N, D, M), dw = kiln_gemm_work(D, M, N);
    const size_t backward = dx > dw ? dx : dw;

    return forward > backward ? forward : backward;
}

/* out[i] += b[i], i < n, where there is a bias; then max(0, ·) when asked. */
static void add_bias(float *out, const float *b, int n, int relu)
{
    const vf zero = vf_set1(0);
    int i = 0;

    for (; i + KILN_LANES <= n; i += KILN_LANES) {
        const vf v = b ? vf_load(out + i) + vf_load(b + i) : vf_load(out + i);

        vf_store(out + i, relu ? vf_max(zero, v) : v);
    }
    if (i < n) {
        const vf x = vf_load_part(out + i, n - i, 0);
        const vf v = b ? x + vf_load_part(b + i, n - i, 0) : x;

        vf_store_part(out + i, relu ? vf_max(zero, v) : v, n - i);
    }
}

void kiln_affine_forward(float *out, const float *x, const float *w, const float *b, int N, int D,
                         int M, int relu, float *work)
{
    kiln_gemm(KILN_NN, N, M, D, x, D, w, M, 0, out, M, work); /* out = x·w */
    for (int n = 0; n < N && (b || relu); n++) add_bias(out + (size_t)n * M, b, M, relu);
}

void kiln_affine_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, int N, int D, int M, float *work)
{
    if (dx) kiln_gemm(KILN_NT, N, D, M, dout, M, w, M, 0, dx, D, work); /* dx = dout·wᵀ */
    if (dw) kiln_gemm(KILN_TN, D, M, N, x, D, dout, M, 0, dw, M, work); /* dw = xᵀ·dout */
    if (db) kiln_vec_column_sums(db, dout, N, M);
}
