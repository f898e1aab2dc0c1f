/*
 * The course's layer functions, as kiln.h lists them: the door of src/layers.
 *
 * Each checks its sizes and numbers, takes scratch, brings images from the course's order (N, C, H,
 * W) to the library's where the layer needs it, and calls the layer. What reaches a layer fits;
 * what does not gets a sentence. The normalisations are in api_norms.c.
 */
#include "api/api_layers.h"

#include <math.h>

#include "base/status.h"
#include "kernels/vec.h"
#include "kiln.h"
#include "layers/layers.h"
#include "train/optim.h"

/* ---- checks ---------------------------------------------------------------------------------- */

int kiln_check_sizes(const char *layer, const kiln_size *sizes)
{
    for (; sizes->name; sizes++)
        if (sizes->value < 1)
            return kiln_fail(KILN_E_SHAPE, "%s: %s is %d; every size must be at least 1", layer,
                             sizes->name, sizes->value);
    return KILN_OK;
}

int kiln_check_elements(const char *layer, const char *tensor, int a, int b, int c, int d)
{
    const double elements = (double)a * b * c * d;

    if (elements > KILN_ELEMENTS_MAX)
        return kiln_fail(KILN_E_SHAPE, "%s: %s would have %.0f elements, more than the limit of %d",
                         layer, tensor, elements, KILN_ELEMENTS_MAX);
    return KILN_OK;
}

int kiln_check_arrays(const char *layer, const void *const *arrays, int n)
{
    for (int i = 0; i < n; i++)
        if (!arrays[i]) return kiln_fail(KILN_E_ARG, "%s: an array is missing", layer);
    return KILN_OK;
}

int kiln_check_number(const char *layer, const char *name, double value, double low, double high,
                      int open)
{
    if (value >= low && (open ? value < high : value <= high)) return KILN_OK;
    return kiln_fail(KILN_E_ARG, "%s: %s is %g; it must be from %g to %s%g", layer, name, value,
                     low, open ? "below " : "", high);
}

static int check_labels(const char *layer, const int *y, int N, int C)
{
    for (int n = 0; n < N; n++)
        if (y[n] < 0 || y[n] >= C)
            return kiln_fail(KILN_E_ARG, "%s: label %d of row %d is not in 0..%d", layer, y[n], n,
                             C - 1);
    return KILN_OK;
}

int kiln_scratch(kiln_arena *arena, const char *layer, float **piece, const size_t *count, int n)
{
    kiln_arena plan = {0};

    for (int i = 0; i < n; i++) kiln_arena_take(&plan, count[i], sizeof(float));
    KILN_TRY(kiln_arena_create(arena, plan.used, layer));
    for (int i = 0; i < n; i++) piece[i] = kiln_arena_take(arena, count[i], sizeof(float));
    return KILN_OK;
}

/* ---- affine ---------------------------------------------------------------------------------- */

static int check_affine(int N, int D, int M)
{
    KILN_TRY(KILN_SIZES("affine", {"N", N}, {"D", D}, {"M", M}));
    KILN_TRY(kiln_check_elements("affine", "x", N, D, 1, 1));
    KILN_TRY(kiln_check_elements("affine", "w", D, M, 1, 1));
    return kiln_check_elements("affine", "out", N, M, 1, 1);
}

int kiln_layer_affine_forward(float *out, const float *x, const float *w, const float *b, int N,
                              int D, int M)
{
    kiln_arena arena;
    float *work;

    KILN_TRY(check_affine(N, D, M));
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

    KILN_TRY(check_affine(N, D, M));
    KILN_TRY(KILN_ARRAYS("affine", dx, dw, db, dout, x, w));
    KILN_TRY(kiln_scratch(&arena, "affine", &work, (size_t[]){kiln_affine_work(N, D, M)}, 1));
    kiln_affine_backward(dx, dw, db, dout, x, w, N, D, M, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- relu, dropout --------------------------------------------------------------------------- */

static int check_length(const char *layer, int n)
{
    KILN_TRY(KILN_SIZES(layer, {"n", n}));
    return kiln_check_elements(layer, "x", n, 1, 1, 1);
}

int kiln_layer_relu_forward(float *out, const float *x, int n)
{
    KILN_TRY(check_length("relu", n));
    KILN_TRY(KILN_ARRAYS("relu", out, x));
    kiln_relu_forward(out, x, n);
    return KILN_OK;
}

int kiln_layer_relu_backward(float *dx, const float *dout, const float *x, int n)
{
    KILN_TRY(check_length("relu", n));
    KILN_TRY(KILN_ARRAYS("relu", dx, dout, x));
    kiln_relu_backward(dx, dout, x, n); /* x > 0 where out > 0 */
    return KILN_OK;
}

int kiln_layer_dropout_forward(float *out, float *mask, const float *x, int n, float keep,
                               uint32_t seed)
{
    const kiln_rng rng = {seed, KILN_RNG_USER, 0};

    KILN_TRY(check_length("dropout", n));
    KILN_TRY(kiln_check_number("dropout", "the probability to keep", keep, 0x1p-20, 1, 0));
    KILN_TRY(KILN_ARRAYS("dropout", out, mask, x));
    kiln_vec_fill(mask, n, 1);
    kiln_dropout(mask, mask, n, 1 - keep, rng, 0);
    kiln_vec_mul(out, x, mask, n);
    return KILN_OK;
}

int kiln_layer_multiply(float *out, const float *x, const float *y, int n)
{
    KILN_TRY(check_length("multiply", n));
    KILN_TRY(KILN_ARRAYS("multiply", out, x, y));
    kiln_vec_mul(out, x, y, n);
    return KILN_OK;
}

/* ---- convolution: the course's own, planes first --------------------------------------------- */

static int check_conv(kiln_conv_shape *s)
{
    KILN_TRY(KILN_SIZES("conv", {"N", s->N}, {"C", s->C}, {"H", s->H}, {"W", s->W}, {"F", s->F},
                        {"HH", s->HH}, {"WW", s->WW}, {"stride", s->stride}));
    KILN_TRY(kiln_check_number("conv", "pad", s->pad_h, 0, 1 << 14, 0));
    KILN_TRY(kiln_check_elements("conv", "x", s->N, s->C, s->H, s->W));
    KILN_TRY(kiln_check_elements("conv", "w", s->F, s->C, s->HH, s->WW));
    KILN_TRY(
        kiln_check_elements("conv", "padded x", 1, s->C, s->H + 2 * s->pad_h, s->W + 2 * s->pad_w));
    if (!kiln_conv_shape_finish(s))
        return kiln_fail(KILN_E_SHAPE,
                         "conv: a %dx%d filter does not fit the %dx%d image with pad %d", s->HH,
                         s->WW, s->H, s->W, s->pad_h);
    KILN_TRY(kiln_check_elements("conv", "out", s->N, s->F, s->OH, s->OW));
    return kiln_check_elements("conv", "the column matrix", s->C, s->HH * s->WW, s->OH, s->OW);
}

int kiln_layer_conv_forward(float *out, const float *x, const float *w, const float *b, int N,
                            int C, int H, int W, int F, int HH, int WW, int stride, int pad)
{
    kiln_conv_shape s = {N, C, H, W, F, HH, WW, stride, pad, pad, 0, 0};
    kiln_arena arena;
    float *work;

    KILN_TRY(check_conv(&s));
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

    KILN_TRY(check_conv(&s));
    KILN_TRY(KILN_ARRAYS("conv", dx, dw, db, dout, x, w));
    KILN_TRY(kiln_scratch(&arena, "conv", &work, (size_t[]){kiln_conv2d_im2col_work(&s)}, 1));
    kiln_conv2d_im2col_backward(dx, dw, db, dout, x, w, &s, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- max pool: a plane of (N, C, H, W) is an image of one channel ---------------------------- */

static int make_planes(kiln_pool_shape *s, int N, int C, int H, int W, int pool_height,
                       int pool_width, int stride)
{
    KILN_TRY(KILN_SIZES("max_pool", {"N", N}, {"C", C}, {"H", H}, {"W", W},
                        {"pool_height", pool_height}, {"pool_width", pool_width},
                        {"stride", stride}));
    KILN_TRY(kiln_check_elements("max_pool", "x", N, C, H, W));
    *s = (kiln_pool_shape){N * C, 1, H, W, pool_height, pool_width, stride, 0, 0};
    if (!kiln_pool_shape_finish(s))
        return kiln_fail(KILN_E_SHAPE, "max_pool: a %dx%d window does not fit the %dx%d image",
                         pool_height, pool_width, H, W);
    return KILN_OK;
}

int kiln_layer_max_pool_forward(float *out, const float *x, int N, int C, int H, int W,
                                int pool_height, int pool_width, int stride)
{
    kiln_pool_shape s;

    KILN_TRY(make_planes(&s, N, C, H, W, pool_height, pool_width, stride));
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

    KILN_TRY(make_planes(&s, N, C, H, W, pool_height, pool_width, stride));
    KILN_TRY(KILN_ARRAYS("max_pool", dx, dout, x));
    n = (size_t)s.N * s.OH * s.OW;
    KILN_TRY(kiln_scratch(&arena, "max_pool", scratch, (size_t[]){n, n}, 2));
    kiln_maxpool_forward(scratch[0], (int32_t *)scratch[1], x, &s, 0);
    kiln_maxpool_backward(dx, dout, (const int32_t *)scratch[1], &s);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- losses ---------------------------------------------------------------------------------- */

static int check_loss(const char *layer, const double *loss, const float *dx, const float *x,
                      const int *y, int N, int C)
{
    KILN_TRY(KILN_SIZES(layer, {"N", N}, {"C", C}));
    KILN_TRY(kiln_check_elements(layer, "x", N, C, 1, 1));
    KILN_TRY(KILN_ARRAYS(layer, loss, dx, x, y));
    return check_labels(layer, y, N, C);
}

int kiln_layer_softmax_loss(double *loss, float *dx, const float *x, const int *y, int N, int C,
                            float smoothing)
{
    KILN_TRY(check_loss("softmax", loss, dx, x, y, N, C));
    KILN_TRY(kiln_check_number("softmax", "smoothing", smoothing, 0, 1, 1));
    *loss = kiln_softmax_loss(dx, x, y, N, C, smoothing);
    return KILN_OK;
}

int kiln_layer_svm_loss(double *loss, float *dx, const float *x, const int *y, int N, int C)
{
    KILN_TRY(check_loss("svm", loss, dx, x, y, N, C));
    *loss = kiln_svm_loss(dx, x, y, N, C);
    return KILN_OK;
}

/* ---- update rules ---------------------------------------------------------------------------- */

static int check_rule(const char *rule, int n, float lr)
{
    KILN_TRY(check_length(rule, n));
    return kiln_check_number(rule, "the learning rate", lr, 0, INFINITY, 1);
}

int kiln_layer_sgd(float *w, const float *dw, int n, float lr)
{
    KILN_TRY(check_rule("sgd", n, lr));
    KILN_TRY(KILN_ARRAYS("sgd", w, dw));
    kiln_sgd(w, dw, (size_t)n, lr);
    return KILN_OK;
}

int kiln_layer_sgd_momentum(float *w, const float *dw, float *velocity, int n, float lr,
                            float momentum)
{
    KILN_TRY(check_rule("sgd_momentum", n, lr));
    KILN_TRY(kiln_check_number("sgd_momentum", "momentum", momentum, 0, 1, 0));
    KILN_TRY(KILN_ARRAYS("sgd_momentum", w, dw, velocity));
    kiln_sgd_momentum(w, dw, velocity, (size_t)n, lr, momentum);
    return KILN_OK;
}

int kiln_layer_rmsprop(float *w, const float *dw, float *cache, int n, float lr, double decay_rate,
                       float eps)
{
    KILN_TRY(check_rule("rmsprop", n, lr));
    KILN_TRY(kiln_check_number("rmsprop", "decay_rate", decay_rate, 0, 1, 0));
    KILN_TRY(kiln_check_number("rmsprop", "eps", eps, 0, INFINITY, 1));
    KILN_TRY(KILN_ARRAYS("rmsprop", w, dw, cache));
    kiln_rmsprop(w, dw, cache, (size_t)n, lr, decay_rate, eps);
    return KILN_OK;
}

int kiln_layer_adam(float *w, const float *dw, float *m, float *v, int n, float lr, double beta1,
                    double beta2, float eps, int t)
{
    KILN_TRY(check_rule("adam", n, lr));
    KILN_TRY(kiln_check_number("adam", "beta1", beta1, 0, 1, 1));
    KILN_TRY(kiln_check_number("adam", "beta2", beta2, 0, 1, 1));
    KILN_TRY(kiln_check_number("adam", "eps", eps, 0, INFINITY, 1));
    KILN_TRY(KILN_SIZES("adam", {"t", t}));
    KILN_TRY(KILN_ARRAYS("adam", w, dw, m, v));
    kiln_adam(w, dw, m, v, (size_t)n, lr, beta1, beta2, eps, t);
    return KILN_OK;
}
