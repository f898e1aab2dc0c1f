/*
 * Reference twins: batch, layer and group normalisation. All three are one function over different
 * sets:
 *
 *   x̂ = (x - μ) / √(σ² + eps)    out = gamma x̂ + beta    μ, σ² over the m values of a set
 *   dx = inv_std · (g - Σg / m - x̂ · Σ(g x̂) / m)           g = gamma · dout
 *
 * and a set is: batchnorm, a column of (R, C); layernorm, a row of (N, D); groupnorm, the S·C/G
 * values of a group of channels in one image of (N, S, C). dgamma = Σ dout x̂ and dbeta = Σ dout
 * are always per feature.
 * Source: Ioffe and Szegedy 2015; Ba et al. 2016; Wu and He 2018; cs231n assignment 2.
 */
#include "ref/ref_layers.h"

#include <math.h>

/* The layout of an array cut into sets: set (a, b) holds x[a·outer + b·inner + i·step + j], i <
 * rows, j < run. Its feature (index into gamma) is b·inner + j. */
typedef struct {
    int A, B, outer, inner, rows, step, run;
} sets;

static sets batchnorm_sets(int R, int C)
{
    return (sets){1, C, 0, 1, R, C, 1};
}

static sets layernorm_sets(int N, int D)
{
    return (sets){N, 1, D, 0, 1, 0, D};
}

static sets groupnorm_sets(int N, int S, int C, int G)
{
    return (sets){N, G, S * C, C / G, S, C, C / G};
}

/* Value (i, j) of set (a, b). */
static int value_at(const sets *t, int a, int b, int i, int j)
{
    return a * t->outer + b * t->inner + i * t->step + j;
}

static void normalise(double *out, double *mean, double *inv_std, const double *x,
                      const double *gamma, const double *beta, const sets *t, double eps)
{
    const double m = (double)t->rows * t->run;

    for (int a = 0; a < t->A; a++)
        for (int b = 0; b < t->B; b++) {
            double mu = 0, var = 0;

            for (int i = 0; i < t->rows; i++)
                for (int j = 0; j < t->run; j++) mu += x[value_at(t, a, b, i, j)] / m;
            for (int i = 0; i < t->rows; i++)
                for (int j = 0; j < t->run; j++) var += pow(x[value_at(t, a, b, i, j)] - mu, 2) / m;
            mean[a * t->B + b] = mu;
            inv_std[a * t->B + b] = 1 / sqrt(var + eps);
            for (int i = 0; i < t->rows; i++)
                for (int j = 0; j < t->run; j++) {
                    const int p = value_at(t, a, b, i, j), f = b * t->inner + j;

                    out[p] = gamma[f] * (x[p] - mu) * inv_std[a * t->B + b] + beta[f];
                }
        }
}

static void normalise_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                               const double *x, const double *gamma, const double *mean,
                               const double *inv_std, const sets *t)
{
    const double m = (double)t->rows * t->run;

    for (int f = 0; f < (t->B - 1) * t->inner + t->run; f++) dgamma[f] = dbeta[f] = 0;
    for (int a = 0; a < t->A; a++)
        for (int b = 0; b < t->B; b++) {
            const double mu = mean[a * t->B + b], inv = inv_std[a * t->B + b];
            double sum_g = 0, sum_gx = 0;

            for (int i = 0; i < t->rows; i++)
                for (int j = 0; j < t->run; j++) {
                    const int p = value_at(t, a, b, i, j), f = b * t->inner + j;
                    const double xhat = (x[p] - mu) * inv;

                    dgamma[f] += dout[p] * xhat;
                    dbeta[f] += dout[p];
                    sum_g += gamma[f] * dout[p];
                    sum_gx += gamma[f] * dout[p] * xhat;
                }
            for (int i = 0; i < t->rows; i++)
                for (int j = 0; j < t->run; j++) {
                    const int p = value_at(t, a, b, i, j), f = b * t->inner + j;
                    const double xhat = (x[p] - mu) * inv;

                    dx[p] = inv * (gamma[f] * dout[p] - sum_g / m - xhat * sum_gx / m);
                }
        }
}

void ref_batchnorm_forward(double *out, double *mean, double *inv_std, const double *x,
                           const double *gamma, const double *beta, int R, int C, double eps)
{
    const sets t = batchnorm_sets(R, C);

    normalise(out, mean, inv_std, x, gamma, beta, &t, eps);
}

void ref_batchnorm_test(double *out, const double *x, const double *gamma, const double *beta,
                        const double *running_mean, const double *running_var, int R, int C,
                        double eps)
{
    for (int i = 0; i < R * C; i++) {
        const int c = i % C;

        out[i] = gamma[c] * (x[i] - running_mean[c]) / sqrt(running_var[c] + eps) + beta[c];
    }
}

void ref_batchnorm_running(double *running_mean, double *running_var, const double *x, int R, int C,
                           double momentum)
{
    for (int c = 0; c < C; c++) {
        double mu = 0, var = 0;

        for (int r = 0; r < R; r++) mu += x[r * C + c] / R;
        for (int r = 0; r < R; r++) var += pow(x[r * C + c] - mu, 2) / R;
        running_mean[c] = momentum * running_mean[c] + (1 - momentum) * mu;
        running_var[c] = momentum * running_var[c] + (1 - momentum) * var;
    }
}

void ref_batchnorm_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                            const double *x, const double *gamma, const double *mean,
                            const double *inv_std, int R, int C)
{
    const sets t = batchnorm_sets(R, C);

    normalise_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, &t);
}

void ref_layernorm_forward(double *out, double *mean, double *inv_std, const double *x,
                           const double *gamma, const double *beta, int N, int D, double eps)
{
    const sets t = layernorm_sets(N, D);

    normalise(out, mean, inv_std, x, gamma, beta, &t, eps);
}

void ref_layernorm_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                            const double *x, const double *gamma, const double *mean,
                            const double *inv_std, int N, int D)
{
    const sets t = layernorm_sets(N, D);

    normalise_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, &t);
}

void ref_groupnorm_forward(double *out, double *mean, double *inv_std, const double *x,
                           const double *gamma, const double *beta, int N, int S, int C, int G,
                           double eps)
{
    const sets t = groupnorm_sets(N, S, C, G);

    normalise(out, mean, inv_std, x, gamma, beta, &t, eps);
}

void ref_groupnorm_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                            const double *x, const double *gamma, const double *mean,
                            const double *inv_std, int N, int S, int C, int G)
{
    const sets t = groupnorm_sets(N, S, C, G);

    normalise_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, &t);
}
