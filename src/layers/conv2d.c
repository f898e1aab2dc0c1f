/*
 * Convolution of the net, channels last.          cs231n: conv_forward, conv_backward
 *
 *   out[n, i, j, f] = b[f] + Σ_{c, y, x'} xpad[n, i·stride + y, j·stride + x', c] · w[f, c, y, x']
 *   dx, dw are the adjoints (kernels/conv.h), db[f] = Σ_{n, i, j} dout[n, i, j, f]
 *
 * x (N, H, W, C)   w (F, C, HH, WW)   b (F)   out (N, OH, OW, F).
 *
 * Which kernel computes it depends on the shape alone, so a net has the same bits wherever it runs:
 * Winograd's where its fewer multiplications pay, else the direct one, which reads patches in
 * place.
 * Source: cs231n notes, convolutional-networks; the papers named in kernels/winograd.h and
 * kernels/gemm.h.
 */
#include "kernels/vec.h"
#include "kernels/winograd.h"
#include "layers/layers.h"

int kiln_conv2d_algorithm(const kiln_conv_shape *s, int pass)
{
    (void)pass; /* one rule serves all three, as yet */
    return kiln_winograd_fits(s) ? KILN_CONV_WINOGRAD : KILN_CONV_DIRECT;
}

const char *kiln_conv2d_algorithm_name(int algorithm)
{
    return algorithm == KILN_CONV_WINOGRAD ? "winograd" : "direct";
}

size_t kiln_conv2d_work(const kiln_conv_shape *s)
{
    const size_t direct = kiln_conv_work(s);
    const size_t winograd = kiln_winograd_fits(s) ? kiln_winograd_work(s) : 0;

    return direct > winograd ? direct : winograd;
}

void kiln_conv2d_forward(float *out, const float *x, const float *w, const float *b,
                         const kiln_conv_shape *s, int relu, float *work)
{
    if (kiln_conv2d_algorithm(s, KILN_CONV_FORWARD) == KILN_CONV_WINOGRAD)
        kiln_winograd_forward(out, x, w, b, s, relu, work);
    else
        kiln_conv_forward(out, x, w, b, s, relu, work);
}

void kiln_conv2d_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, const kiln_conv_shape *s, float *work)
{
    if (dx && kiln_conv2d_algorithm(s, KILN_CONV_DX) == KILN_CONV_WINOGRAD)
        kiln_winograd_dx(dx, dout, w, s, work);
    else if (dx)
        kiln_conv_dx(dx, dout, w, s, work);
    if (kiln_conv2d_algorithm(s, KILN_CONV_DW) == KILN_CONV_WINOGRAD)
        kiln_winograd_dw(dw, dout, x, s, work);
    else
        kiln_conv_dw(dw, dout, x, s, work);
    kiln_vec_column_sums(db, dout, s->N * s->OH * s->OW, s->F);
}
