/*
 * Update rules over one flat array, elementwise, in place (cs231n: optim.py; neural-networks-3).
 * Every rule runs on the pool in fixed pieces; state arrays have the length of w and start at zero.
 * Decay rates come in double: 1 - 0.999f is 1.7e-5 away from 0.001, and so would be all of a cache.
 */
#ifndef KILN_TRAIN_OPTIM_H
#define KILN_TRAIN_OPTIM_H

#include <stddef.h>

/* w -= lr·dw */
void kiln_sgd(float *w, const float *dw, size_t n, float lr);
/* v = momentum·v - lr·dw;  w += v */
void kiln_sgd_momentum(float *w, const float *dw, float *v, size_t n, float lr, float momentum);
/* v' = momentum·v - lr·dw;  w += -momentum·v + (1 + momentum)·v'  (the course's Nesterov form) */
void kiln_nesterov(float *w, const float *dw, float *v, size_t n, float lr, float momentum);
/* cache = decay·cache + (1 - decay)·dw²;  w -= lr·dw / (sqrt(cache) + eps) */
void kiln_rmsprop(float *w, const float *dw, float *cache, size_t n, float lr, double decay,
                  float eps);
/* t counts from 1.  m = b1·m + (1 - b1)·dw;  v = b2·v + (1 - b2)·dw²;
 * w -= lr·m̂ / (sqrt(v̂) + eps)  (Kingma and Ba 2015) */
void kiln_adam(float *w, const float *dw, float *m, float *v, size_t n, float lr, double beta1,
               double beta2, float eps, long t);
/* Decoupled weight decay w -= lr·decay·w, before the step of adamw (Loshchilov and Hutter 2019). */
void kiln_decay(float *w, size_t n, float lr, float decay);

#endif
