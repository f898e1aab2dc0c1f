/*
 * Reference twins: convolution and pooling, channels last, by the definition.
 *
 *   conv  out[n, i, j, f] = b[f] + Σ_{c, y, x} xpad[n, i·stride + y, j·stride + x, c] w[f, c, y, x]
 *   max pool  out[n, i, j, c] = max over the window; its gradient goes to the first that holds it
 *   avg pool  out[n, i, j, c] = mean over the window; its gradient is shared equally
 *
 * x (N, H, W, C)   w (F, C, HH, WW)   b (F)   out (N, OH, OW, F or C).
 * Source: cs231n notes, convolutional-networks; assignment 2, layers.py (naive versions).
 */
#include "ref/ref_layers.h"

/* Position of x[n, i, j, c] in an (N, H, W, C) array. */
static int at(int n, int i, int j, int c, int H, int W, int C)
{
    return ((n * H + i) * W + j) * C + c;
}

/* What one output of the convolution meets; walked once per (n, i, j, f). */
typedef struct {
    int x, w; /* positions in x and w */
} tap;

/* Lists the taps inside the image under output (n, i, j, f), starting from number `from` of the
 * C·HH·WW filter elements. Returns the number of the next one, or 0 when there is none left. */
static int next_tap(tap *t, int from, int n, int i, int j, int f, const kiln_conv_shape *s)
{
    for (int e = from; e < s->C * s->HH * s->WW; e++) {
        const int c = e / (s->HH * s->WW), y = e / s->WW % s->HH, x = e % s->WW;
        const int row = i * s->stride + y - s->pad_h, column = j * s->stride + x - s->pad_w;

        if (row < 0 || row >= s->H || column < 0 || column >= s->W) continue; /* zero padding */
        t->x = at(n, row, column, c, s->H, s->W, s->C);
        t->w = ((f * s->C + c) * s->HH + y) * s->WW + x;
        return e + 1;
    }
    return 0;
}

void ref_conv2d_forward(double *out, const double *x, const double *w, const double *b,
                        const kiln_conv_shape *s)
{
    tap t;

    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int f = 0; f < s->F; f++) {
                    double sum = b ? b[f] : 0;

                    for (int e = 0; (e = next_tap(&t, e, n, i, j, f, s));) sum += x[t.x] * w[t.w];
                    out[at(n, i, j, f, s->OH, s->OW, s->F)] = sum;
                }
}

void ref_conv2d_backward(double *dx, double *dw, double *db, const double *dout, const double *x,
                         const double *w, const kiln_conv_shape *s)
{
    tap t;

    for (int i = 0; dx && i < s->N * s->H * s->W * s->C; i++) dx[i] = 0;
    for (int i = 0; i < s->F * s->C * s->HH * s->WW; i++) dw[i] = 0;
    for (int f = 0; f < s->F; f++) db[f] = 0;
    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int f = 0; f < s->F; f++) {
                    const double g = dout[at(n, i, j, f, s->OH, s->OW, s->F)];

                    db[f] += g;
                    for (int e = 0; (e = next_tap(&t, e, n, i, j, f, s));) {
                        dw[t.w] += x[t.x] * g;
                        if (dx) dx[t.x] += w[t.w] * g;
                    }
                }
}

/* Position in x of the first largest value under output (n, i, j, c). */
static int argmax(const double *x, int n, int i, int j, int c, const kiln_pool_shape *s)
{
    int best = at(n, i * s->stride, j * s->stride, c, s->H, s->W, s->C);

    for (int y = 0; y < s->HH; y++)
        for (int k = 0; k < s->WW; k++) {
            const int p = at(n, i * s->stride + y, j * s->stride + k, c, s->H, s->W, s->C);

            if (x[p] > x[best]) best = p;
        }
    return best;
}

void ref_maxpool_forward(double *out, const double *x, const kiln_pool_shape *s)
{
    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int c = 0; c < s->C; c++)
                    out[at(n, i, j, c, s->OH, s->OW, s->C)] = x[argmax(x, n, i, j, c, s)];
}

void ref_maxpool_backward(double *dx, const double *dout, const double *x, const kiln_pool_shape *s)
{
    for (int i = 0; i < s->N * s->H * s->W * s->C; i++) dx[i] = 0;
    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int c = 0; c < s->C; c++)
                    dx[argmax(x, n, i, j, c, s)] += dout[at(n, i, j, c, s->OH, s->OW, s->C)];
}

void ref_avgpool_forward(double *out, const double *x, const kiln_pool_shape *s)
{
    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int c = 0; c < s->C; c++) {
                    double sum = 0;

                    for (int y = 0; y < s->HH; y++)
                        for (int k = 0; k < s->WW; k++)
                            sum +=
                                x[at(n, i * s->stride + y, j * s->stride + k, c, s->H, s->W, s->C)];
                    out[at(n, i, j, c, s->OH, s->OW, s->C)] = sum / (s->HH * s->WW);
                }
}

void ref_avgpool_backward(double *dx, const double *dout, const kiln_pool_shape *s)
{
    for (int i = 0; i < s->N * s->H * s->W * s->C; i++) dx[i] = 0;
    for (int n = 0; n < s->N; n++)
        for (int i = 0; i < s->OH; i++)
            for (int j = 0; j < s->OW; j++)
                for (int c = 0; c < s->C; c++) {
                    const double g = dout[at(n, i, j, c, s->OH, s->OW, s->C)] / (s->HH * s->WW);

                    for (int y = 0; y < s->HH; y++)
                        for (int k = 0; k < s->WW; k++)
                            dx[at(n, i * s->stride + y, j * s->stride + k, c, s->H, s->W, s->C)] +=
                                g;
                }
}
