/*
 * Checks a layer function of one's own: its gradients by differences, and its numbers by kiln's.
 * The layer is the course's affine layer, out = x·w + b, as it might stand in a solution.
 *
 *   cc check_a_layer.c $(pkg-config --cflags --libs kiln) -lm -o check_a_layer && ./check_a_layer
 */
#include <kiln.h>
#include <math.h>
#include <stdio.h>

enum { N = 3, D = 5, M = 4 };

/* ---- the layer of one's own ------------------------------------------------------------------ */

/* x (N, D), w (D, M), b (M), out (N, M) */
static void forward(double *out, const double *x, const double *w, const double *b)
{
    for (int n = 0; n < N; n++)
        for (int m = 0; m < M; m++) {
            double sum = b[m];

            for (int d = 0; d < D; d++) sum += x[n * D + d] * w[d * M + m];
            out[n * M + m] = sum;
        }
}

/* dw[d, m] = Σ_n x[n, d]·dout[n, m] */
static void backward_w(double *dw, const double *dout, const double *x)
{
    for (int d = 0; d < D; d++)
        for (int m = 0; m < M; m++) {
            dw[d * M + m] = 0;
            for (int n = 0; n < N; n++) dw[d * M + m] += x[n * D + d] * dout[n * M + m];
        }
}

/* ---- the check ------------------------------------------------------------------------------- */

/* The course's rel_error of two numbers. */
static double relative_error(double a, double b)
{
    return fabs(a - b) / fmax(1e-8, fabs(a) + fabs(b));
}

/* Σ out·dout: its derivative by w is dw. */
static double loss(const double *x, const double *w, const double *b, const double *dout)
{
    double out[N * M], sum = 0;

    forward(out, x, w, b);
    for (int i = 0; i < N * M; i++) sum += out[i] * dout[i];
    return sum;
}

/* Some numbers around 0. */
static void fill(double *values, float *copies, int n, double phase)
{
    for (int i = 0; i < n; i++) values[i] = copies[i] = (float)sin(phase + 1.7 * i);
}

int main(void)
{
    const double h = 1e-5;
    double x[N * D], w[D * M], b[M], dout[N * M], out[N * M], dw[D * M], worst[2] = {0, 0};
    float xf[N * D], wf[D * M], bf[M], doutf[N * M], outf[N * M], dxf[N * D], dwf[D * M], dbf[M];

    fill(x, xf, N * D, 0.3);
    fill(w, wf, D * M, 1.1);
    fill(b, bf, M, 2.5);
    fill(dout, doutf, N * M, 0.7);
    forward(out, x, w, b);
    backward_w(dw, dout, x);
    if (kiln_layer_affine_forward(outf, xf, wf, bf, N, D, M) < 0 ||
        kiln_layer_affine_backward(dxf, dwf, dbf, doutf, xf, wf, N, D, M) < 0) {
        fprintf(stderr, "%s\n", kiln_error());
        return 1;
    }
    for (int i = 0; i < D * M; i++) {
        const double before = w[i];
        double up, down;

        w[i] = before + h;
        up = loss(x, w, b, dout);
        w[i] = before - h;
        down = loss(x, w, b, dout);
        w[i] = before;
        worst[0] = fmax(worst[0], relative_error(dw[i], (up - down) / (2 * h)));
        worst[1] = fmax(worst[1], relative_error(dw[i], (double)dwf[i]));
    }
    for (int i = 0; i < N * M; i++) worst[1] = fmax(worst[1], relative_error(out[i], outf[i]));
    printf("dw against differences: %.2g; out and dw against kiln's: %.2g\n", worst[0], worst[1]);
    return worst[0] < 1e-7 && worst[1] < 1e-4 ? 0 : 1;
}
