/*
 * Naive loops in double: each line is the formula at its prototype, with nothing done for speed.
 *
 *   gemm      c[i, j] = Σ_p a[i, p] b[p, j]
 *   conv      out[n, i, j, f] = b[f]
 *             + Σ_{y, x, c} x[n, i·stride + y - pad_h, j·stride + x - pad_w, c] w[f, c, y, x]
 *   dx, dw    the same triple product, added to the place that x or w came from
 */
#include "ref/ref_kernels.h"

#include <string.h>

#include "kernels/gemm.h"

static double absolute(double x)
{
    return x < 0 ? -x : x;
}

static void add(double *sum, double *magnitude, size_t at, double term)
{
    sum[at] += term;
    if (magnitude) magnitude[at] += absolute(term);
}

static void clear(double *sum, double *magnitude, size_t n)
{
    memset(sum, 0, n * sizeof *sum);
    if (magnitude) memset(magnitude, 0, n * sizeof *magnitude);
}

void ref_gemm(double *c, double *magnitude, int op, int m, int n, int k, const float *a, int lda,
              const float *b, int ldb)
{
    clear(c, magnitude, (size_t)m * n);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++)
            for (int p = 0; p < k; p++) {
                const double left = op == KILN_TN ? a[(size_t)p * lda + i] : a[(size_t)i * lda + p];
                const double right =
                    op == KILN_NT ? b[(size_t)j * ldb + p] : b[(size_t)p * ldb + j];

                add(c, magnitude, (size_t)i * n + j, left * right);
            }
}

/* Calls visit for each product of the convolution: the places in x, w and out that meet. */
typedef void visitor(void *context, size_t x_at, size_t w_at, size_t out_at);

static void for_each_product(const kiln_conv_shape *s, visitor *visit, void *context)
{
    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int y = 0; y < s->HH; y++)
                    for (int x = 0; x < s->WW; x++) {
                        const int h = i * s->stride + y - s->pad_h,
                                  w = j * s->stride + x - s->pad_w;

                        if (h < 0 || h >= s->H || w < 0 || w >= s->W) continue;
                        for (int c = 0; c < s->C; c++)
                            for (int f = 0; f < s->F; f++)
                                visit(context, (((size_t)n * s->H + h) * s->W + w) * s->C + c,
                                      (((size_t)f * s->C + c) * s->HH + y) * s->WW + x,
                                      (((size_t)n * s->OH + i) * s->OW + j) * s->F + f);
                    }
}

typedef struct {
    double *sum, *magnitude;
    const float *x, *w, *dout;
} operands;

static void visit_forward(void *context, size_t x_at, size_t w_at, size_t out_at)
{
    const operands *o = context;

    add(o->sum, o->magnitude, out_at, (double)o->x[x_at] * o->w[w_at]);
}

static void visit_dx(void *context, size_t x_at, size_t w_at, size_t out_at)
{
    const operands *o = context;

    add(o->sum, o->magnitude, x_at, (double)o->dout[out_at] * o->w[w_at]);
}

static void visit_dw(void *context, size_t x_at, size_t w_at, size_t out_at)
{
    const operands *o = context;

    add(o->sum, o->magnitude, w_at, (double)o->dout[out_at] * o->x[x_at]);
}

void ref_conv_forward(double *out, double *magnitude, const float *x, const float *w,
                      const float *b, const kiln_conv_shape *s)
{
    const size_t n = (size_t)s->N * s->OH * s->OW * s->F;
    operands o = {out, magnitude, x, w, NULL};

    clear(out, magnitude, n);
    for_each_product(s, visit_forward, &o);
    for (size_t i = 0; b && i < n; i++) add(out, magnitude, i, b[i % (size_t)s->F]);
}

void ref_conv_dx(double *dx, double *magnitude, const float *dout, const float *w,
                 const kiln_conv_shape *s)
{
    operands o = {dx, magnitude, NULL, w, dout};

    clear(dx, magnitude, (size_t)s->N * s->H * s->W * s->C);
    for_each_product(s, visit_dx, &o);
}

void ref_conv_dw(double *dw, double *magnitude, const float *dout, const float *x,
                 const kiln_conv_shape *s)
{
    operands o = {dw, magnitude, x, NULL, dout};

    clear(dw, magnitude, (size_t)s->F * s->C * s->HH * s->WW);
    for_each_product(s, visit_dw, &o);
}

void ref_im2col(double *col, const float *x, int C, int H, int W, int HH, int WW, int stride,
                int pad_h, int pad_w)
{
    const int OH = (H + 2 * pad_h - HH) / stride + 1, OW = (W + 2 * pad_w - WW) / stride + 1;

    for (int row = 0; row < C * HH * WW; row++)
        for (int i = 0; i < OH; i++)
            for (int j = 0; j < OW; j++) {
                const int c = row / (HH * WW), h = i * stride + row / WW % HH - pad_h;
                const int w = j * stride + row % WW - pad_w;
                const int inside = h >= 0 && h < H && w >= 0 && w < W;

                col[((size_t)row * OH + i) * OW + j] =
                    inside ? x[((size_t)c * H + h) * W + w] : 0.0;
            }
}
