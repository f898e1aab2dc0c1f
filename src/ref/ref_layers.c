/*
 * Reference twins: affine, activations, dropout, residual add, flatten.
 *
 *   affine    out = x·w + b        dx = dout·wᵀ      dw = xᵀ·dout      db = Σ_n dout[n]
 *   f(x)      dx = dout · f'(x), with f' from x, not from the output
 *
 * x (N, D)   w (D, M)   b (M)   out (N, M); activations are elementwise over n values.
 * Source: cs231n notes, optimization-2 and neural-networks-1; gelu: Hendrycks and Gimpel 2016, x
 * Φ(x).
 */
#include "ref/ref_layers.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

void ref_affine_forward(double *out, const double *x, const double *w, const double *b, int N,
                        int D, int M)
{
    for (int n = 0; n < N; n++)
        for (int m = 0; m < M; m++) {
            double sum = b ? b[m] : 0;

            for (int d = 0; d < D; d++) sum += x[n * D + d] * w[d * M + m];
            out[n * M + m] = sum;
        }
}

void ref_affine_backward(double *dx, double *dw, double *db, const double *dout, const double *x,
                         const double *w, int N, int D, int M)
{
    for (int i = 0; dx && i < N * D; i++) dx[i] = 0;
    for (int i = 0; i < D * M; i++) dw[i] = 0;
    for (int m = 0; m < M; m++) db[m] = 0;
    for (int n = 0; n < N; n++)
        for (int m = 0; m < M; m++) {
            const double g = dout[n * M + m];

            db[m] += g;
            for (int d = 0; d < D; d++) {
                dw[d * M + m] += x[n * D + d] * g;
                if (dx) dx[n * D + d] += w[d * M + m] * g;
            }
        }
}

void ref_relu_forward(double *out, const double *x, int n)
{
    for (int i = 0; i < n; i++) out[i] = x[i] > 0 ? x[i] : 0;
}

void ref_relu_backward(double *dx, const double *dout, const double *x, int n)
{
    for (int i = 0; i < n; i++) dx[i] = x[i] > 0 ? dout[i] : 0;
}

void ref_leaky_relu_forward(double *out, const double *x, int n, double slope)
{
    for (int i = 0; i < n; i++) out[i] = x[i] < 0 ? slope * x[i] : x[i];
}

void ref_leaky_relu_backward(double *dx, const double *dout, const double *x, int n, double slope)
{
    for (int i = 0; i < n; i++) dx[i] = x[i] < 0 ? slope * dout[i] : dout[i];
}

/* Φ(x) = (1 + erf(x / √2)) / 2, by erfc so that it keeps its digits where it is small. */
static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

void ref_gelu_forward(double *out, const double *x, int n)
{
    for (int i = 0; i < n; i++) out[i] = x[i] * normal_cdf(x[i]);
}

/* (x Φ(x))' = Φ(x) + x φ(x) */
void ref_gelu_backward(double *dx, const double *dout, const double *x, int n)
{
    for (int i = 0; i < n; i++) {
        const double density = exp(-0.5 * x[i] * x[i]) / sqrt(2 * PI);

        dx[i] = dout[i] * (normal_cdf(x[i]) + x[i] * density);
    }
}

void ref_tanh_forward(double *out, const double *x, int n)
{
    for (int i = 0; i < n; i++) out[i] = tanh(x[i]);
}

void ref_tanh_backward(double *dx, const double *dout, const double *x, int n)
{
    for (int i = 0; i < n; i++) dx[i] = dout[i] * (1 - tanh(x[i]) * tanh(x[i]));
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

void ref_sigmoid_forward(double *out, const double *x, int n)
{
    for (int i = 0; i < n; i++) out[i] = sigmoid(x[i]);
}

void ref_sigmoid_backward(double *dx, const double *dout, const double *x, int n)
{
    for (int i = 0; i < n; i++) dx[i] = dout[i] * sigmoid(x[i]) * (1 - sigmoid(x[i]));
}

void ref_dropout(double *out, const double *x, int n, double rate, kiln_rng rng, uint64_t first)
{
    for (int i = 0; i < n; i++) {
        const int keep = kiln_rng_uniform(rng, first + (uint64_t)i) >= (float)rate;

        out[i] = keep ? x[i] / (1 - rate) : 0;
    }
}

void ref_residual_add(double *out, const double *x, const double *y, int n)
{
    for (int i = 0; i < n; i++) out[i] = x[i] + y[i];
}

void ref_flatten_forward(double *out, const double *x, int N, int S, int C)
{
    for (int n = 0; n < N; n++)
        for (int s = 0; s < S; s++)
            for (int c = 0; c < C; c++) out[(n * C + c) * S + s] = x[(n * S + s) * C + c];
}

void ref_flatten_backward(double *dx, const double *dout, int N, int S, int C)
{
    for (int n = 0; n < N; n++)
        for (int s = 0; s < S; s++)
            for (int c = 0; c < C; c++) dx[(n * S + s) * C + c] = dout[(n * C + c) * S + s];
}
