/*
 * Convolution the course's way, planes first.     cs231n: conv_forward_im2col, conv_backward_im2col
 *
 *   col = im2col(x[n])            (K, P), a column under every output pixel
 *   out[n] = w·col + b            dw = Σ_n dout[n]·colᵀ      db = Σ_n Σ_p dout[n]
 *   dx[n] = col2im(wᵀ·dout[n])
 *
 * x (N, C, H, W)   w (F, C, HH, WW), a matrix (F, K)   b (F)   out (N, F, OH, OW);  K = C·HH·WW, P
 * = OH·OW.
 *
 * The column matrix holds every pixel HH·WW / stride² times: that traffic is why the net uses
 * conv2d.c.
 * Source: cs231n notes, convolutional-networks ("Implementation as Matrix Multiplication").
 */
#include "kernels/gemm.h"
#include "kernels/im2col.h"
#include "kernels/vec.h"
#include "layers/layers.h"

/* Rows and columns of the column matrix of one image. */
static int patch_size(const kiln_conv_shape *s)
{
    return s->C * s->HH * s->WW;
}

static int output_pixels(const kiln_conv_shape *s)
{
    return s->OH * s->OW;
}

/* Floats of the column matrix, up to a cache line. */
static size_t column_floats(const kiln_conv_shape *s)
{
    return ((size_t)patch_size(s) * output_pixels(s) + 15) / 16 * 16;
}

size_t kiln_conv2d_im2col_work(const kiln_conv_shape *s)
{
    const int F = s->F, K = patch_size(s), P = output_pixels(s);
    const size_t product[3] = {kiln_gemm_work(F, P, K), kiln_gemm_work(F, K, P),
                               kiln_gemm_work(K, P, F)};
    size_t most = 0;

    for (int i = 0; i < 3; i++) most = product[i] > most ? product[i] : most;
    return column_floats(s) + most;
}

void kiln_conv2d_im2col_forward(float *out, const float *x, const float *w, const float *b,
                                const kiln_conv_shape *s, float *work)
{
    const int F = s->F, K = patch_size(s), P = output_pixels(s);
    float *col = work, *product_work = work + column_floats(s);

    for (int n = 0; n < s->N; n++) {
        float *image = out + (size_t)n * F * P;

        kiln_im2col(col, x + (size_t)n * s->C * s->H * s->W, s->C, s->H, s->W, s->HH, s->WW,
                    s->stride, s->pad_h, s->pad_w);
        kiln_gemm(KILN_NN, F, P, K, w, K, col, P, 0, image, P, product_work); /* out[n] = w·col */
        for (int f = 0; b && f < F; f++)
            for (int p = 0; p < P; p++) image[f * P + p] += b[f];
    }
}

void kiln_conv2d_im2col_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                                 const float *w, const kiln_conv_shape *s, float *work)
{
    const int F = s->F, K = patch_size(s), P = output_pixels(s);
    float *col = work, *product_work = work + column_floats(s);

    kiln_vec_fill(db, F, 0);
    for (int n = 0; n < s->N; n++) {
        const size_t image = (size_t)n * s->C * s->H * s->W;
        const float *g = dout + (size_t)n * F * P;

        for (int f = 0; f < F; f++) db[f] += kiln_vec_sum(g + f * P, P);
        kiln_im2col(col, x + image, s->C, s->H, s->W, s->HH, s->WW, s->stride, s->pad_h, s->pad_w);
        kiln_gemm(KILN_NT, F, K, P, g, P, col, P, n > 0, dw, K,
                  product_work); /* dw += dout[n]·colᵀ */
        if (!dx) continue;
        kiln_gemm(KILN_TN, K, P, F, w, K, g, P, 0, col, P, product_work); /* dcol = wᵀ·dout[n] */
        kiln_col2im(dx + image, col, s->C, s->H, s->W, s->HH, s->WW, s->stride, s->pad_h, s->pad_w);
    }
}
