/*
 * The layer functions of cs231n's layers.py and optim.py, for people who check their homework: the
 * course's shapes, names and conventions, computed by the library. A part of kiln.h, which includes
 * it; it stands alone too.
 *
 * Each returns 0 or a negative status: KILN_E_SHAPE where sizes do not fit or an array would pass
 * 2^28 elements, KILN_E_ARG for a number out of its range or a NULL array, KILN_E_MEMORY for
 * scratch. Arrays are the caller's, row-major, and not kept. Outputs are overwritten and overlap no
 * input; on an error they are as they were. Caches are what the caller kept: inputs and outputs.
 * Sizes are at least 1.
 */
#ifndef KILN_KILN_LAYERS_H
#define KILN_KILN_LAYERS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what is public. */
#ifndef KILN_API
#define KILN_API
#endif

/* out = x·w + b.   x (N, D), w (D, M), b (M), out (N, M); N images flattened to D values, M outputs
 * each. Source: layers.py, affine_forward. */
KILN_API int kiln_layer_affine_forward(float *out, const float *x, const float *w, const float *b,
                                       int N, int D, int M);
/* dx = dout·wᵀ (N, D), dw = xᵀ·dout (D, M), db = Σ_n dout[n] (M); dout (N, M), x (N, D), w (D, M).
 * Source: affine_backward. */
KILN_API int kiln_layer_affine_backward(float *dx, float *dw, float *db, const float *dout,
                                        const float *x, const float *w, int N, int D, int M);
/* out = max(0, x); dx = dout where x > 0, else 0. out, x, dx and dout hold n values of any shape.
 * Source: relu_forward, relu_backward. */
KILN_API int kiln_layer_relu_forward(float *out, const float *x, int n);
KILN_API int kiln_layer_relu_backward(float *dx, const float *dout, const float *x, int n);
/* Cross-correlation with zero padding: out[n, f] = Σ_c w[f, c] ⋆ x[n, c] + b[f].   x, dx (N, C, H,
 * W), w, dw (F, C, HH, WW), b, db (F), out, dout (N, F, OH, OW) with OH = 1 + (H + 2·pad - HH) /
 * stride, rounded down, and OW likewise; stride >= 1, pad in 0..16384. Backward: dx is the
 * transposed convolution of dout with w, dw[f, c] the sum of dout[f] times the window it came from,
 * db the sum of dout. Source: layers.py, conv_forward_naive, conv_backward_naive. */
KILN_API int kiln_layer_conv_forward(float *out, const float *x, const float *w, const float *b,
                                     int N, int C, int H, int W, int F, int HH, int WW, int stride,
                                     int pad);
KILN_API int kiln_layer_conv_backward(float *dx, float *dw, float *db, const float *dout,
                                      const float *x, const float *w, int N, int C, int H, int W,
                                      int F, int HH, int WW, int stride, int pad);
/* The largest value of each window of pool_height x pool_width, without padding; backward gives
 * dout to the first that holds it.   x, dx (N, C, H, W), out, dout (N, C, OH, OW) with OH = 1 + (H
 * - pool_height) / stride, rounded down, and OW likewise; stride >= 1. Source:
 * max_pool_forward_naive, max_pool_backward_naive. */
KILN_API int kiln_layer_max_pool_forward(float *out, const float *x, int N, int C, int H, int W,
                                         int pool_height, int pool_width, int stride);
KILN_API int kiln_layer_max_pool_backward(float *dx, const float *dout, const float *x, int N,
                                          int C, int H, int W, int pool_height, int pool_width,
                                          int stride);
/* out = gamma·(x - mean)·inv_std + beta, inv_std = 1 / √(var + eps) (Ioffe and Szegedy 2015,
 * algorithm 1).   x, out (N, D), or (N, C, H, W) for the spatial form with S = H·W > 1 (plain: C =
 * D, S = 1); gamma, beta, running_mean, running_var (C); eps >= 0. train != 0 takes the batch's
 * mean and biased variance and updates in place running = momentum·running + (1 - momentum)·batch,
 * momentum in [0, 1]; else the running ones count. mean and inv_std (C) are written, the cache of
 * backward. Source: batchnorm_forward, spatial_batchnorm_forward. */
KILN_API int kiln_layer_batchnorm_forward(float *out, float *mean, float *inv_std,
                                          float *running_mean, float *running_var, const float *x,
                                          const float *gamma, const float *beta, int N, int C,
                                          int S, float eps, double momentum, int train);
/* Of dout, as out: dx, as x; dgamma, dbeta (C). x, gamma, mean, inv_std and N, C, S as in training.
 * alt = 0: the staged graph of nine steps (batchnorm_backward); alt = 1: the closed form dx =
 * inv_std·gamma·(dout - mean(dout) - x̂·mean(dout·x̂)) (batchnorm_backward_alt). */
KILN_API int kiln_layer_batchnorm_backward(float *dx, float *dgamma, float *dbeta,
                                           const float *dout, const float *x, const float *gamma,
                                           const float *mean, const float *inv_std, int N, int C,
                                           int S, int alt);
/* out = gamma·(x - mean)·inv_std + beta, each row by its own mean and biased variance (Ba et al.
 * 2016, equation 4).   x, out, dx, dout (N, D); gamma, beta, dgamma, dbeta (D); mean, inv_std (N),
 * written forward and read backward; eps >= 0. Source: layernorm_forward, layernorm_backward. */
KILN_API int kiln_layer_layernorm_forward(float *out, float *mean, float *inv_std, const float *x,
                                          const float *gamma, const float *beta, int N, int D,
                                          float eps);
KILN_API int kiln_layer_layernorm_backward(float *dx, float *dgamma, float *dbeta,
                                           const float *dout, const float *x, const float *gamma,
                                           const float *mean, const float *inv_std, int N, int D);
/* The same for each of G groups of channels of an image (Wu and He 2018, equations 6 and 7).   x,
 * out, dx, dout (N, C, S) with S = H·W; gamma, beta, dgamma, dbeta (C); mean, inv_std (N, G),
 * written forward and read backward; G divides C; eps >= 0. Source: spatial_groupnorm_forward,
 * _backward. */
KILN_API int kiln_layer_groupnorm_forward(float *out, float *mean, float *inv_std, const float *x,
                                          const float *gamma, const float *beta, int N, int C,
                                          int S, int G, float eps);
KILN_API int kiln_layer_groupnorm_backward(float *dx, float *dgamma, float *dbeta,
                                           const float *dout, const float *x, const float *gamma,
                                           const float *mean, const float *inv_std, int N, int C,
                                           int S, int G);
/* Inverted dropout, out = x·mask (Srivastava et al. 2014, section 10). out, x, mask: n values of
 * any shape. keep: the course's p, the probability to keep, in [2^-20, 1]. mask is filled with 0 or
 * 1 / keep, drawn from the seed, any uint32. Source: dropout_forward. */
KILN_API int kiln_layer_dropout_forward(float *out, float *mask, const float *x, int n, float keep,
                                        uint32_t seed);
/* out = x·y, elementwise, of n values: dropout with a given mask, and its backward, dout·mask
 * (dropout_backward). */
KILN_API int kiln_layer_multiply(float *out, const float *x, const float *y, int n);
/* *loss: mean over the rows of softmax and cross-entropy, with labels smoothed by the share
 * smoothing in [0, 1) (Szegedy et al. 2016, section 7), and of the hinge with margin 1 (Weston and
 * Watkins 1999); dx its gradient.   x scores, dx (N, C); y (N) in 0..C-1, else KILN_E_ARG. Source:
 * softmax_loss, svm_loss. */
KILN_API int kiln_layer_softmax_loss(double *loss, float *dx, const float *x, const int *y, int N,
                                     int C, float smoothing);
KILN_API int kiln_layer_svm_loss(double *loss, float *dx, const float *x, const int *y, int N,
                                 int C);
/* Update rules, in place on the n values of w and on the state that the course names, which is the
 * caller's and zeros before the first step; dw is the gradient, lr >= 0, eps >= 0. Source:
 * optim.py.
 *
 *   w -= lr·dw */
KILN_API int kiln_layer_sgd(float *w, const float *dw, int n, float lr);
/*   velocity = momentum·velocity - lr·dw;  w += velocity;  momentum in [0, 1]; n, lr as above */
KILN_API int kiln_layer_sgd_momentum(float *w, const float *dw, float *velocity, int n, float lr,
                                     float momentum);
/*   cache = decay_rate·cache + (1 - decay_rate)·dw²;  w -= lr·dw / (√cache + eps);  decay_rate in
 *   [0, 1]; n, lr, eps as above (Tieleman and Hinton 2012, lecture 6.5) */
KILN_API int kiln_layer_rmsprop(float *w, const float *dw, float *cache, int n, float lr,
                                double decay_rate, float eps);
/*   m = beta1·m + (1 - beta1)·dw;  v = beta2·v + (1 - beta2)·dw²;  w -= lr·m̂ / (√v̂ + eps), with
 *   m̂ = m / (1 - beta1^t), v̂ = v / (1 - beta2^t) (Kingma and Ba 2015, algorithm 1);  t is the
 *   number of this step, from 1; beta1, beta2 in [0, 1); n, lr, eps as above */
KILN_API int kiln_layer_adam(float *w, const float *dw, float *m, float *v, int n, float lr,
                             double beta1, double beta2, float eps, int t);

/* ---- the same in double ---------------------------------------------------------------------- */

/* The name of each with _double behind it, shapes, ranges and errors as above, by the naive loops
 * of src/ref: for numeric gradients of 1e-8 and for people who compare digits; slow. Both forms of
 * batchnorm's backward are the closed one here. In a browser they are in a module of their own
 * (bindings/extras.ts). */

KILN_API int kiln_layer_affine_forward_double(double *out, const double *x, const double *w,
                                              const double *b, int N, int D, int M);
KILN_API int kiln_layer_affine_backward_double(double *dx, double *dw, double *db,
                                               const double *dout, const double *x, const double *w,
                                               int N, int D, int M);
KILN_API int kiln_layer_relu_forward_double(double *out, const double *x, int n);
KILN_API int kiln_layer_relu_backward_double(double *dx, const double *dout, const double *x,
                                             int n);
KILN_API int kiln_layer_conv_forward_double(double *out, const double *x, const double *w,
                                            const double *b, int N, int C, int H, int W, int F,
                                            int HH, int WW, int stride, int pad);
KILN_API int kiln_layer_conv_backward_double(double *dx, double *dw, double *db, const double *dout,
                                             const double *x, const double *w, int N, int C, int H,
                                             int W, int F, int HH, int WW, int stride, int pad);
KILN_API int kiln_layer_max_pool_forward_double(double *out, const double *x, int N, int C, int H,
                                                int W, int pool_height, int pool_width, int stride);
KILN_API int kiln_layer_max_pool_backward_double(double *dx, const double *dout, const double *x,
                                                 int N, int C, int H, int W, int pool_height,
                                                 int pool_width, int stride);
KILN_API int kiln_layer_batchnorm_forward_double(double *out, double *mean, double *inv_std,
                                                 double *running_mean, double *running_var,
                                                 const double *x, const double *gamma,
                                                 const double *beta, int N, int C, int S,
                                                 double eps, double momentum, int train);
KILN_API int kiln_layer_batchnorm_backward_double(double *dx, double *dgamma, double *dbeta,
                                                  const double *dout, const double *x,
                                                  const double *gamma, const double *mean,
                                                  const double *inv_std, int N, int C, int S,
                                                  int alt);
KILN_API int kiln_layer_layernorm_forward_double(double *out, double *mean, double *inv_std,
                                                 const double *x, const double *gamma,
                                                 const double *beta, int N, int D, double eps);
KILN_API int kiln_layer_layernorm_backward_double(double *dx, double *dgamma, double *dbeta,
                                                  const double *dout, const double *x,
                                                  const double *gamma, const double *mean,
                                                  const double *inv_std, int N, int D);
KILN_API int kiln_layer_groupnorm_forward_double(double *out, double *mean, double *inv_std,
                                                 const double *x, const double *gamma,
                                                 const double *beta, int N, int C, int S, int G,
                                                 double eps);
KILN_API int kiln_layer_groupnorm_backward_double(double *dx, double *dgamma, double *dbeta,
                                                  const double *dout, const double *x,
                                                  const double *gamma, const double *mean,
                                                  const double *inv_std, int N, int C, int S,
                                                  int G);
KILN_API int kiln_layer_dropout_forward_double(double *out, double *mask, const double *x, int n,
                                               double keep, uint32_t seed);
KILN_API int kiln_layer_multiply_double(double *out, const double *x, const double *y, int n);
KILN_API int kiln_layer_softmax_loss_double(double *loss, double *dx, const double *x, const int *y,
                                            int N, int C, double smoothing);
KILN_API int kiln_layer_svm_loss_double(double *loss, double *dx, const double *x, const int *y,
                                        int N, int C);
KILN_API int kiln_layer_sgd_double(double *w, const double *dw, int n, double lr);
KILN_API int kiln_layer_sgd_momentum_double(double *w, const double *dw, double *velocity, int n,
                                            double lr, double momentum);
KILN_API int kiln_layer_rmsprop_double(double *w, const double *dw, double *cache, int n, double lr,
                                       double decay_rate, double eps);
KILN_API int kiln_layer_adam_double(double *w, const double *dw, double *m, double *v, int n,
                                    double lr, double beta1, double beta2, double eps, int t);

#ifdef __cplusplus
}
#endif

#endif
