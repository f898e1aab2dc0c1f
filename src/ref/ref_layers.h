/*
 * The double-precision twins of src/layers: every layer, forward and backward, as plain loops over
 * the formula.
 *
 * They are the middle link of the proof: numeric gradients check the twins, the twins check the
 * float layers, and the net's gradient check runs on them. Slow and obvious on purpose. Same
 * layouts, argument order and conventions as layers/layers.h; libm is allowed here. No function
 * works in place.
 */
#ifndef KILN_REF_REF_LAYERS_H
#define KILN_REF_REF_LAYERS_H

#include <stdint.h>

#include "base/rng.h"
#include "kernels/conv.h"
#include "layers/layers.h"

/*
 * The rows of the layer kinds name their twins. Modules that train export no gradient check, so
 * the Makefile links them without this room: weak, the twins are then nothing rather than missing.
 */
#ifdef __wasm__
#pragma clang attribute push(__attribute__((weak)), apply_to = function)
#endif

/* ---- ref_layers.c: affine, activations, dropout, shapes -------------------------------------- */
/* x (N, D)   w (D, M)   b (M)   out (N, M). dx may be NULL. */
void ref_affine_forward(double *out, const double *x, const double *w, const double *b, int N,
                        int D, int M);
void ref_affine_backward(double *dx, double *dw, double *db, const double *dout, const double *x,
                         const double *w, int N, int D, int M);

/* Elementwise over n values; backward takes x, never out. */
void ref_relu_forward(double *out, const double *x, int n);
void ref_relu_backward(double *dx, const double *dout, const double *x, int n);
void ref_leaky_relu_forward(double *out, const double *x, int n, double slope);
void ref_leaky_relu_backward(double *dx, const double *dout, const double *x, int n, double slope);
void ref_gelu_forward(double *out, const double *x, int n);
void ref_gelu_backward(double *dx, const double *dout, const double *x, int n);
void ref_tanh_forward(double *out, const double *x, int n);
void ref_tanh_backward(double *dx, const double *dout, const double *x, int n);
void ref_sigmoid_forward(double *out, const double *x, int n);
void ref_sigmoid_backward(double *dx, const double *dout, const double *x, int n);

/* The same elements as kiln_dropout keeps; backward is this function on dout. */
void ref_dropout(double *out, const double *x, int n, double rate, kiln_rng rng, uint64_t first);
void ref_residual_add(double *out, const double *x, const double *y, int n);
void ref_flatten_forward(double *out, const double *x, int N, int S, int C);
void ref_flatten_backward(double *dx, const double *dout, int N, int S, int C);

/* ---- ref_conv.c: convolution and pooling, channels last -------------------------------------- */
/* b may be NULL; dx may be NULL. */
void ref_conv2d_forward(double *out, const double *x, const double *w, const double *b,
                        const kiln_conv_shape *s);
void ref_conv2d_backward(double *dx, double *dw, double *db, const double *dout, const double *x,
                         const double *w, const kiln_conv_shape *s);
void ref_maxpool_forward(double *out, const double *x, const kiln_pool_shape *s);
void ref_maxpool_backward(double *dx, const double *dout, const double *x,
                          const kiln_pool_shape *s);
void ref_avgpool_forward(double *out, const double *x, const kiln_pool_shape *s);
void ref_avgpool_backward(double *dx, const double *dout, const kiln_pool_shape *s);

/* ---- ref_norm.c: normalisations -------------------------------------------------------------- */
/* Train: mean and inv_std (C) are outputs, and the input of backward. */
void ref_batchnorm_forward(double *out, double *mean, double *inv_std, const double *x,
                           const double *gamma, const double *beta, int R, int C, double eps);
void ref_batchnorm_test(double *out, const double *x, const double *gamma, const double *beta,
                        const double *running_mean, const double *running_var, int R, int C,
                        double eps);
/* running = momentum·running + (1 - momentum)·batch, with the biased variance. */
void ref_batchnorm_running(double *running_mean, double *running_var, const double *x, int R, int C,
                           double momentum);
void ref_batchnorm_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                            const double *x, const double *gamma, const double *mean,
                            const double *inv_std, int R, int C);
void ref_layernorm_forward(double *out, double *mean, double *inv_std, const double *x,
                           const double *gamma, const double *beta, int N, int D, double eps);
void ref_layernorm_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                            const double *x, const double *gamma, const double *mean,
                            const double *inv_std, int N, int D);
void ref_groupnorm_forward(double *out, double *mean, double *inv_std, const double *x,
                           const double *gamma, const double *beta, int N, int S, int C, int G,
                           double eps);
void ref_groupnorm_backward(double *dx, double *dgamma, double *dbeta, const double *dout,
                            const double *x, const double *gamma, const double *mean,
                            const double *inv_std, int N, int S, int C, int G);

/* ---- ref_loss.c: losses and distances -------------------------------------------------------- */
/* dscores may be NULL. */
double ref_softmax_loss(double *dscores, const double *scores, const int *y, int N, int C,
                        double smoothing);
double ref_svm_loss(double *dscores, const double *scores, const int *y, int N, int C);
void ref_softmax(double *probabilities, const double *scores, int N, int C);
/* distances (M, N): Σ_d (test - train)², term by term. */
void ref_knn_distances(double *distances, const double *test, const double *train, int M, int N,
                       int D);

/* ---- ref_optim.c: update rules, in place on w and their state -------------------------------- */
void ref_sgd(double *w, const double *dw, int n, double lr);
void ref_sgd_momentum(double *w, const double *dw, double *v, int n, double lr, double momentum);
void ref_rmsprop(double *w, const double *dw, double *cache, int n, double lr, double decay,
                 double eps);
/* t counts from 1. */
void ref_adam(double *w, const double *dw, double *m, double *v, int n, double lr, double beta1,
              double beta2, double eps, int t);

#ifdef __wasm__
#pragma clang attribute pop
#endif

#endif
