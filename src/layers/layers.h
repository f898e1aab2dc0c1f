/*
 * Every layer, loss and distance of kiln: the table of contents of the library.
 *
 * Layout: rows first, channels last. A fully connected value is (N, D); an image value is (N, H, W,
 * C), which is also a matrix of N·H·W rows and C columns, so spatial batchnorm is batchnorm on more
 * rows, as the course derives it. The course's own order (N, C, H, W) is met at the public door
 * (api_layers.c) and where an image is flattened into a row (kiln_flatten_*), which yields the
 * course's (c, h, w) order of features.
 *
 * Parameters keep the course's shapes: w (D, M), b (M), conv w (F, C, HH, WW), gamma, beta (C).
 * Outputs are overwritten. "in place" means out may be x, or dx may be dout. The gradient of v is
 * dv. Work sizes are in floats, for the present number of threads. Functions run on the pool by
 * themselves.
 */
#ifndef KILN_LAYERS_LAYERS_H
#define KILN_LAYERS_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "kernels/conv.h"

/* ---- affine.c ---------------------- cs231n: affine_forward, affine_backward */
/* out = x·w + b      dx = dout·wᵀ      dw = xᵀ·dout      db = Σ_n dout[n]
 * x (N, D)   w (D, M)   b (M)   out (N, M).   relu != 0 stores max(0, out).   A gradient that
 * nobody wants is NULL, and b where there is no bias. */
size_t kiln_affine_work(int N, int D, int M);
void kiln_affine_forward(float *out, const float *x, const float *w, const float *b, int N, int D,
                         int M, int relu, float *work);
void kiln_affine_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, int N, int D, int M, float *work);

/* ---- conv2d.c ---------------------- cs231n: conv_forward, conv_backward */
/* The net's convolution, channels last; picks its algorithm by shape alone. db = Σ dout. dx, dw
 * and db are NULL where nobody wants them, b where there is no bias. Its plan is made once, for
 * batches of at most shape.N images; passes take n of them. */
const kiln_conv_algorithm *kiln_conv2d_algorithm(const kiln_conv_shape *s);
typedef struct {
    kiln_conv_plan conv;
    size_t dw, db; /* where the scratch of dw, and the sums of each image, begin in work */
    size_t work;
} kiln_conv2d_plan;
void kiln_conv2d_plan_make(kiln_conv2d_plan *p, const kiln_conv_shape *s);
/* The whole backward pass (forward: kiln_conv_forward). work: p->work floats. */
void kiln_conv2d_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, const kiln_conv2d_plan *p, int n, float *work);
/* The passes in parts. Forward: begin, then images, n at a time. Backward, N images in all: begin;
 * images [first, last) of a group, as kernels/conv.h cuts them, on `thread`, dx NULL or wanted as
 * begin was told; end, with the gradients of `wanted`. dx, dout, x begin with image `first`. */
enum { KILN_WANTS_DW = 1, KILN_WANTS_DB = 2 };
void kiln_conv2d_begin_forward(const float *w, const kiln_conv2d_plan *p, float *work);
void kiln_conv2d_forward_images(float *out, const float *x, const float *b,
                                const kiln_conv2d_plan *p, int n, int relu, float *work);
void kiln_conv2d_begin_backward(const float *w, const kiln_conv2d_plan *p, int wants_dx,
                                float *work);
void kiln_conv2d_backward_images(float *dx, const float *dout, const float *x,
                                 const kiln_conv2d_plan *p, int N, int group, int first, int last,
                                 int thread, int wanted, float *work);
void kiln_conv2d_end_backward(float *dw, float *db, const kiln_conv2d_plan *p, int N, float *work);

/* ---- conv2d_im2col.c --------------- cs231n: conv_forward_im2col, conv_backward_im2col */
/* The course's own: planes first, x (N, C, H, W), out (N, F, OH, OW), a column matrix and one
 * product an image. */
size_t kiln_conv2d_im2col_work(const kiln_conv_shape *s);
void kiln_conv2d_im2col_forward(float *out, const float *x, const float *w, const float *b,
                                const kiln_conv_shape *s, float *work);
void kiln_conv2d_im2col_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                                 const float *w, const kiln_conv_shape *s, float *work);

/* ---- pool.c ------------------------ cs231n: max_pool_forward, max_pool_backward */
/* x (N, H, W, C), out (N, OH, OW, C), OH = (H - HH) / stride + 1 rounded down. The gradient of a
 * maximum goes to the first element (row by row) that holds it. */
typedef struct {
    int N, C, H, W, HH, WW, stride, OH, OW;
} kiln_pool_shape;
int kiln_pool_shape_finish(kiln_pool_shape *s); /* fills OH, OW; 0 when the window does not fit */
/* place (N, OH, OW, C): numbers of the maxima in their windows, for backward; NULL if there will be
 * none. relu != 0: x is a relu's output, whose backward pass backward shall do as well: where the
 * maximum is not positive the place is -1, and dx 0. */
void kiln_maxpool_forward(float *out, int32_t *place, const float *x, const kiln_pool_shape *s,
                          int relu);
void kiln_maxpool_backward(float *dx, const float *dout, const int32_t *place,
                           const kiln_pool_shape *s);
/* Mean over the window (global: HH = H, WW = W). */
void kiln_avgpool_forward(float *out, const float *x, const kiln_pool_shape *s);
void kiln_avgpool_backward(float *dx, const float *dout, const kiln_pool_shape *s);

/* ---- activation.c ------------------ all elementwise, in place allowed */
void kiln_relu_forward(float *out, const float *x, int n);
/* dout where out > 0 */
void kiln_relu_backward(float *dx, const float *dout, const float *out, int n);
/* slope x where x < 0 */
void kiln_leaky_relu_forward(float *out, const float *x, int n, float slope);
void kiln_leaky_relu_backward(float *dx, const float *dout, const float *x, int n, float slope);
/* x Φ(x), with erf (Hendrycks, Gimpel 2016) */
void kiln_gelu_forward(float *out, const float *x, int n);
void kiln_gelu_backward(float *dx, const float *dout, const float *x, int n);
void kiln_tanh_forward(float *out, const float *x, int n);
void kiln_tanh_backward(float *dx, const float *dout, const float *out, int n);
void kiln_sigmoid_forward(float *out, const float *x, int n);
void kiln_sigmoid_backward(float *dx, const float *dout, const float *out, int n);
/* x σ(x) (Hendrycks, Gimpel 2016; Ramachandran, Zoph, Le 2017) */
void kiln_silu_forward(float *out, const float *x, int n);
void kiln_silu_backward(float *dx, const float *dout, const float *x, int n);

/* ---- prelu.c ----------------------- (He et al. 2015) */
/* x (R, C): slope[c] x where x < 0; slope (C). in place allowed; dx and dslope may be NULL.
 * work: R·C. */
void kiln_prelu_forward(float *out, const float *x, const float *slope, int R, int C);
void kiln_prelu_backward(float *dx, float *dslope, const float *dout, const float *x,
                         const float *slope, int R, int C, float *work);

/* ---- batchnorm.c ------------------- cs231n: batchnorm_*, spatial_batchnorm_* */
/* x (R, C): R = N for (N, D), R = N·H·W for images. Train: biased variance over the R rows; running
 * = momentum·running + (1 - momentum)·sample, both starting at 0 as in the course (a net
 * starts running_var at 1). mean, inv_std (C) are the cache. relu != 0 fuses max(0, ·). */
size_t kiln_batchnorm_work(int R, int C);
void kiln_batchnorm_forward(float *out, float *mean, float *inv_std, float *running_mean,
                            float *running_var, const float *x, const float *gamma,
                            const float *beta, int R, int C, float eps, double momentum, int relu,
                            float *work);
void kiln_batchnorm_test(float *out, const float *x, const float *gamma, const float *beta,
                         const float *running_mean, const float *running_var, int R, int C,
                         float eps, int relu, float *tables);
/* Closed form, dx in one expression; used in training. in place allowed. relu_beta: NULL, or beta
 * where forward fused the relu: dout is that of the relu's output, whose sign x gives again. */
void kiln_batchnorm_backward_alt(float *dx, float *dgamma, float *dbeta, const float *dout,
                                 const float *x, const float *gamma, const float *relu_beta,
                                 const float *mean, const float *inv_std, int R, int C,
                                 float *work);
/* In parts, for a caller who does other work on rows while the caches have them. A layer has tables
 * (kiln_batchnorm_tables floats), which its backward pass finds as forward left them, and sums
 * (kiln_batchnorm_sums floats). Forward: moments of all rows, begin, then rows, any at a time.
 * Backward: dots of all rows, begin_backward (dgamma, dbeta NULL: not wanted), rows_backward. Sums
 * are taken of rows first .. last - 1, cut at multiples of kiln_batchnorm_block(C); there x and
 * dout are the whole matrices of R rows. */
size_t kiln_batchnorm_tables(int C);
size_t kiln_batchnorm_sums(int R, int C);
int kiln_batchnorm_block(int C);
void kiln_batchnorm_moments(float *sums, const float *x, int first, int last, int R, int C);
void kiln_batchnorm_begin(float *tables, float *mean, float *inv_std, float *running_mean,
                          float *running_var, const float *sums, const float *gamma,
                          const float *beta, int R, int C, float eps, double momentum);
void kiln_batchnorm_begin_test(float *tables, const float *gamma, const float *beta,
                               const float *running_mean, const float *running_var, int C,
                               float eps);
void kiln_batchnorm_rows(float *out, const float *x, const float *tables, int rows, int C,
                         int relu);
void kiln_batchnorm_dots(float *sums, const float *dout, const float *x, const float *tables,
                         int first, int last, int R, int C, int relu);
void kiln_batchnorm_begin_backward(float *tables, float *dgamma, float *dbeta, const float *sums,
                                   const float *gamma, const float *inv_std, int R, int C);
void kiln_batchnorm_rows_backward(float *dx, const float *dout, const float *x, const float *tables,
                                  int rows, int C, int relu);
/* The staged graph of nine steps (course notes), for teaching and as a check. work: 4·R·C + 8·C
 * floats. */
void kiln_batchnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                             const float *x, const float *gamma, const float *mean,
                             const float *inv_std, int R, int C, float *work);

/* ---- layernorm.c ------------------- cs231n: layernorm_* */
/* x (N, D): mean and variance of each row; gamma, beta (D). mean, inv_std (N) are the cache.
 * dgamma and dbeta may be NULL. */
size_t kiln_layernorm_work(int N, int D);
void kiln_layernorm_forward(float *out, float *mean, float *inv_std, const float *x,
                            const float *gamma, const float *beta, int N, int D, float eps);
void kiln_layernorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                             const float *x, const float *gamma, const float *mean,
                             const float *inv_std, int N, int D, float *work);

/* ---- groupnorm.c ------------------- cs231n: spatial_groupnorm_* (Wu and He 2018) */
/* x (N, S, C), S = H·W; G divides C; statistics over the S·C/G values of each image and group;
 * gamma, beta (C). mean, inv_std (N, G) are the cache. G = 1 is the spatial form of layernorm.
 * dgamma and dbeta may be NULL. */
size_t kiln_groupnorm_work(int N, int S, int C, int G);
void kiln_groupnorm_forward(float *out, float *mean, float *inv_std, const float *x,
                            const float *gamma, const float *beta, int N, int S, int C, int G,
                            float eps, float *work);
void kiln_groupnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                             const float *x, const float *gamma, const float *mean,
                             const float *inv_std, int N, int S, int C, int G, float *work);

/* ---- dropout.c --------------------- cs231n: dropout_forward, dropout_backward */
/* Inverted dropout: element i is kept with probability 1 - rate and divided by it. Whether it is
 * kept is draw first + i of rng, so there is no mask to store: backward is this same function
 * applied to dout. rate in [0, 1); first a multiple of 4. in place allowed. */
void kiln_dropout(float *out, const float *x, int n, float rate, kiln_rng rng, uint64_t first);

/* ---- reshape.c --------------------- */
/* out = x + y; in place allowed */
void kiln_residual_add(float *out, const float *x, const float *y, int n);
/* (N, S, C) to rows (N, C·S) in the course's (c, h, w) order, and back. */
void kiln_flatten_forward(float *out, const float *x, int N, int S, int C);
void kiln_flatten_backward(float *dx, const float *dout, int N, int S, int C);

/* ---- softmax_loss.c, svm_loss.c ---- cs231n: softmax_loss, svm_loss */
/* scores (N, C), labels y in 0..C-1. Returns the mean loss; dscores may be NULL. The target of
 * softmax with smoothing e is (1 - e) on the label plus e / C everywhere (Szegedy et al. 2016).
 * svm: margin 1. */
double kiln_softmax_loss(float *dscores, const float *scores, const int *y, int N, int C,
                         float smoothing);
double kiln_svm_loss(float *dscores, const float *scores, const int *y, int N, int C);
void kiln_softmax(float *probabilities, const float *scores, int N, int C);
/* Number of rows whose largest score (first on ties) is the label; predictions (N) may be NULL. */
int kiln_correct(int *predictions, const float *scores, const int *y, int N, int C);

/* ---- knn.c ------------------------- cs231n assignment 1: KNearestNeighbor */
/* distances (M, N) = squared L2 between test rows (M, D) and train rows (N, D) of bytes, exact; D
 * up to 33000. */
size_t kiln_knn_distances_work(int M, int N, int D);
void kiln_knn_distances(int32_t *distances, const uint8_t *test, const uint8_t *train, int M, int N,
                        int D, float *work);
/* Majority vote of the k nearest, ties to the smaller label; equal distances to the smaller label;
 * distance 0 outvotes all others. labels (N) below classes, at most 256. work: N ints. */
int kiln_knn_vote(const int32_t *distances, const int *labels, int N, int k, int classes,
                  int *work);

#endif
