/*
 * Reference twins: the update rules of the course, in place on w and their state.
 *
 *   sgd        w -= lr·dw
 *   momentum   v = momentum·v - lr·dw;  w += v
 *   rmsprop    cache = decay·cache + (1 - decay)·dw²;  w -= lr·dw / (√cache + eps)
 *   adam       m = b1·m + (1 - b1)·dw;  v = b2·v + (1 - b2)·dw²;  w -= lr·m̂ / (√v̂ + eps)
 *              with m̂ = m / (1 - b1^t), v̂ = v / (1 - b2^t); t counts from 1
 *
 * Source: cs231n assignment 2, optim.py; notes, neural-networks-3; Kingma and Ba 2015, algorithm 1.
 */
#include "ref/ref_layers.h"

#include <math.h>

void ref_sgd(double *w, const double *dw, int n, double lr)
{
    for (int i = 0; i < n; i++) w[i] -= lr * dw[i];
}

void ref_sgd_momentum(double *w, const double *dw, double *v, int n, double lr, double momentum)
{
    for (int i = 0; i < n; i++) {
        v[i] = momentum * v[i] - lr * dw[i];
        w[i] += v[i];
    }
}

void ref_rmsprop(double *w, const double *dw, double *cache, int n, double lr, double decay,
                 double eps)
{
    for (int i = 0; i < n; i++) {
        cache[i] = decay * cache[i] + (1 - decay) * dw[i] * dw[i];
        w[i] -= lr * dw[i] / (sqrt(cache[i]) + eps);
    }
}

void ref_adam(double *w, const double *dw, double *m, double *v, int n, double lr, double beta1,
              double beta2, double eps, int t)
{
    for (int i = 0; i < n; i++) {
        m[i] = beta1 * m[i] + (1 - beta1) * dw[i];
        v[i] = beta2 * v[i] + (1 - beta2) * dw[i] * dw[i];

        const double m_hat = m[i] / (1 - pow(beta1, t)), v_hat = v[i] / (1 - pow(beta2, t));

        w[i] -= lr * m_hat / (sqrt(v_hat) + eps);
    }
}
