/*
 * The course's layer functions, as kiln.h lists them: the door of src/layers.
 *
 * Each checks its sizes and numbers (api_checks.c), takes scratch, brings images from the course's
 * order (N, C, H, W) to the library's where the layer needs it, and calls the layer. What reaches a
 * layer fits; what does not gets a sentence. The normalisations are in api_norms.c.
 */
#include "api/api_layers.h"

#include <math.h>

#include "base/status.h"
#include "kernels/vec.h"
#include "kiln.h"
#include "layers/layers.h"
#include "train/optim.h"

int kiln_scratch(kiln_arena *arena, const char *layer, float **piece, const size_t *count, int n)
{
    kiln_arena plan = {0};

    for (int i = 0; i < n; i++) kiln_arena_take(&plan, count[i], sizeof(float));
    KILN_TRY(kiln_arena_create(arena, plan.used, layer));
    for (int i = 0; i < n; i++) piece[i] = kiln_arena_take(arena, count[i], sizeof(float));
    return KILN_OK;
}

/* ---- affine ---------------------------------------------------------------------------------- */

int kiln_layer_affine_forward(float *out, const float *x, const float *w, const float *b, int N,
                              int D, int M)
{
    kiln_arena arena;
    float *work;

    KILN_TRY(kiln_check_affine(N, D, M));
    KILN_TRY(KILN_ARRAYS("affine", out, x, w, b));
    KILN_TRY(kiln_scratch(&arena, "affine", &work, (size_t[]){kiln_affine_work(N, D, M)}, 1));
    kiln_affine_forward(out, x, w, b, N, D, M, 0, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_affine_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                               const float *w, int N, int D, int M)
{
    kiln_arena arena;
    float *work;

    KILN_TRY(kiln_check_affine(N, D, M));
    KILN_TRY(KILN_ARRAYS("affine", dx, dw, db, dout, x, w));
    KILN_TRY(kiln_scratch(&arena, "affine", &work, (size_t[]){kiln_affine_work(N, D, M)}, 1));
    kiln_affine_backward(dx, dw, db, dout, x, w, N, D, M, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- relu, dropout --------------------------------------------------------------------------- */

int kiln_layer_relu_forward(float *out, const float *x, int n)
{
    KILN_TRY(kiln_check_length("relu", n));
    KILN_TRY(KILN_ARRAYS("relu", out, x));
    kiln_relu_forward(out, x, n);
    return KILN_OK;
}

int kiln_layer_relu_backward(float *dx, const float *dout, const float *x, int n)
{
    KILN_TRY(kiln_check_length("relu", n));
    KILN_TRY(KILN_ARRAYS("relu", dx, dout, x));
    kiln_relu_backward(dx, dout, x, n); /* x > 0 where out > 0 */
    return KILN_OK;
}

int kiln_layer_dropout_forward(float *out, float *mask, const float *x, int n, float keep,
                               uint32_t seed)
{
    const kiln_rng rng = {seed, KILN_RNG_USER, 0};

    KILN_TRY(kiln_check_dropout(n, keep));
    KILN_TRY(KILN_ARRAYS("dropout", out, mask, x));
    kiln_vec_fill(mask, n, 1);
    kiln_dropout(mask, mask, n, 1 - keep, rng, 0);
    kiln_vec_mul(out, x, mask, n);
    return KILN_OK;
}

int kiln_layer_multiply(float *out, const float *x, const float *y, int n)
{
    KILN_TRY(kiln_check_length("multiply", n));
    KILN_TRY(KILN_ARRAYS("multiply", out, x, y));
    kiln_vec_mul(out, x, y, n);
    return KILN_OK;
}

/* ---- convolution: the course's own, planes first --------------------------------------------- */

int kiln_layer_conv_forward(float *out, const float *x, const float *w, const float *b, int N,
                            int C, int H, int W, int F, int HH, int WW, int stride, int pad)
{
    kiln_conv_shape s = {N, C, H, W, F, HH, WW, stride, pad, pad, 0, 0};
    kiln_arena arena;
    float *work;

    KILN_TRY(kiln_check_conv(&s));
    KILN_TRY(KILN_ARRAYS("conv", out, x, w, b));
    KILN_TRY(kiln_scratch(&arena, "conv", &work, (size_t[]){kiln_conv2d_im2col_work(&s)}, 1));
    kiln_conv2d_im2col_forward(out, x, w, b, &s, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_conv_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                             const float *w, int N, int C, int H, int W, int F, int HH, int WW,
                             int stride, int pad)
{
    kiln_conv_shape s = {N, C, H, W, F, HH, WW, stride, pad, pad, 0, 0};
    kiln_arena arena;
    float *work;

    KILN_TRY(kiln_check_conv(&s));
    KILN_TRY(KILN_ARRAYS("conv", dx, dw, db, dout, x, w));
    KILN_TRY(kiln_scratch(&arena, "conv", &work, (size_t[]){kiln_conv2d_im2col_work(&s)}, 1));
    kiln_conv2d_im2col_backward(dx, dw, db, dout, x, w, &s, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- max pool: a plane of (N, C, H, W) is an image of one channel ---------------------------- */

int kiln_layer_max_pool_forward(float *out, const float *x, int N, int C, int H, int W,
                                int pool_height, int pool_width, int stride)
{
    kiln_pool_shape s;

    KILN_TRY(kiln_check_planes(&s, N, C, H, W, pool_height, pool_width, stride));
    KILN_TRY(KILN_ARRAYS("max_pool", out, x));
    kiln_maxpool_forward(out, NULL, x, &s, 0);
    return KILN_OK;
}

int kiln_layer_max_pool_backward(float *dx, const float *dout, const float *x, int N, int C, int H,
                                 int W, int pool_height, int pool_width, int stride)
{
    kiln_pool_shape s;
    kiln_arena arena;
    float *scratch[2]; /* out, and the places of its maxima */
    size_t n;

    KILN_TRY(kiln_check_planes(&s, N, C, H, W, pool_height, pool_width, stride));
    KILN_TRY(KILN_ARRAYS("max_pool", dx, dout, x));
    n = (size_t)s.N * s.OH * s.OW;
    KILN_TRY(kiln_scratch(&arena, "max_pool", scratch, (size_t[]){n, n}, 2));
    kiln_maxpool_forward(scratch[0], (int32_t *)scratch[1], x, &s, 0);
    kiln_maxpool_backward(dx, dout, (const int32_t *)scratch[1], &s);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- losses ---------------------------------------------------------------------------------- */

int kiln_layer_softmax_loss(double *loss, float *dx, const float *x, const int *y, int N, int C,
                            float smoothing)
{
    KILN_TRY(kiln_check_loss("softmax", loss, dx, x, y, N, C));
    KILN_TRY(kiln_check_number("softmax", "smoothing", smoothing, 0, 1, 1));
    *loss = kiln_softmax_loss(dx, x, y, N, C, smoothing);
    return KILN_OK;
}

int kiln_layer_svm_loss(double *loss, float *dx, const float *x, const int *y, int N, int C)
{
    KILN_TRY(kiln_check_loss("svm", loss, dx, x, y, N, C));
    *loss = kiln_svm_loss(dx, x, y, N, C);
    return KILN_OK;
}

/* ---- update rules ---------------------------------------------------------------------------- */

int kiln_layer_sgd(float *w, const float *dw, int n, float lr)
{
    KILN_TRY(kiln_check_rule("sgd", n, lr));
    KILN_TRY(KILN_ARRAYS("sgd", w, dw));
    kiln_sgd(w, dw, (size_t)n, lr);
    return KILN_OK;
}

int kiln_layer_sgd_momentum(float *w, const float *dw, float *velocity, int n, float lr,
                            float momentum)
{
    KILN_TRY(kiln_check_rule("sgd_momentum", n, lr));
    KILN_TRY(kiln_check_number("sgd_momentum", "momentum", momentum, 0, 1, 0));
    KILN_TRY(KILN_ARRAYS("sgd_momentum", w, dw, velocity));
    kiln_sgd_momentum(w, dw, velocity, (size_t)n, lr, momentum);
    return KILN_OK;
}

int kiln_layer_rmsprop(float *w, const float *dw, float *cache, int n, float lr, double decay_rate,
                       float eps)
{
    KILN_TRY(kiln_check_rmsprop(n, lr, decay_rate, eps));
    KILN_TRY(KILN_ARRAYS("rmsprop", w, dw, cache));
    kiln_rmsprop(w, dw, cache, (size_t)n, lr, decay_rate, eps);
    return KILN_OK;
}

int kiln_layer_adam(float *w, const float *dw, float *m, float *v, int n, float lr, double beta1,
                    double beta2, float eps, int t)
{
    KILN_TRY(kiln_check_adam(n, lr, beta1, beta2, eps, t));
    KILN_TRY(KILN_ARRAYS("adam", w, dw, m, v));
    kiln_adam(w, dw, m, v, (size_t)n, lr, beta1, beta2, eps, t);
    return KILN_OK;
}
