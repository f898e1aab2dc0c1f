/*
 * The course's layer functions in double, as kiln.h lists them: the door of the twins in src/ref,
 * for numeric gradients that float rounding would drown. Checks are those of the float functions.
 *
 * Images are reordered to the twins' channels last and back where a layer needs it.
 */
#include <math.h>

#include "api/api_layers.h"
#include "base/status.h"
#include "kiln.h"
#include "ref/ref_layers.h"

/* One block with n <= 3 pieces of count[i] doubles, to be given back by kiln_arena_destroy. */
static int scratch(kiln_arena *arena, const char *layer, double **piece, const size_t *count, int n)
{
    kiln_arena plan = {0};

    for (int i = 0; i < n; i++) kiln_arena_take(&plan, count[i], sizeof(double));
    KILN_TRY(kiln_arena_create(arena, plan.used, layer));
    for (int i = 0; i < n; i++) piece[i] = kiln_arena_take(arena, count[i], sizeof(double));
    return KILN_OK;
}

/* out (N, B, A) of x (N, A, B): channels last from planes first, and the other way round. */
static void reorder(double *out, const double *x, int N, int A, int B)
{
    for (int n = 0; n < N; n++)
        for (int a = 0; a < A; a++)
            for (int b = 0; b < B; b++)
                out[((size_t)n * B + b) * A + a] = x[((size_t)n * A + a) * B + b];
}

/* ---- affine, relu, dropout ------------------------------------------------------------------- */

int kiln_layer_affine_forward_double(double *out, const double *x, const double *w, const double *b,
                                     int N, int D, int M)
{
    KILN_TRY(kiln_check_affine(N, D, M));
    KILN_TRY(KILN_ARRAYS("affine", out, x, w, b));
    ref_affine_forward(out, x, w, b, N, D, M);
    return KILN_OK;
}

int kiln_layer_affine_backward_double(double *dx, double *dw, double *db, const double *dout,
                                      const double *x, const double *w, int N, int D, int M)
{
    KILN_TRY(kiln_check_affine(N, D, M));
    KILN_TRY(KILN_ARRAYS("affine", dx, dw, db, dout, x, w));
    ref_affine_backward(dx, dw, db, dout, x, w, N, D, M);
    return KILN_OK;
}

int kiln_layer_relu_forward_double(double *out, const double *x, int n)
{
    KILN_TRY(kiln_check_length("relu", n));
    KILN_TRY(KILN_ARRAYS("relu", out, x));
    ref_relu_forward(out, x, n);
    return KILN_OK;
}

int kiln_layer_relu_backward_double(double *dx, const double *dout, const double *x, int n)
{
    KILN_TRY(kiln_check_length("relu", n));
    KILN_TRY(KILN_ARRAYS("relu", dx, dout, x));
    ref_relu_backward(dx, dout, x, n);
    return KILN_OK;
}

int kiln_layer_dropout_forward_double(double *out, double *mask, const double *x, int n,
                                      double keep, uint32_t seed)
{
    const kiln_rng rng = {seed, KILN_RNG_USER, 0};

    KILN_TRY(kiln_check_dropout(n, keep));
    KILN_TRY(KILN_ARRAYS("dropout", out, mask, x));
    for (int i = 0; i < n; i++) out[i] = 1;
    ref_dropout(mask, out, n, 1 - keep, rng, 0);
    for (int i = 0; i < n; i++) out[i] = x[i] * mask[i];
    return KILN_OK;
}

int kiln_layer_multiply_double(double *out, const double *x, const double *y, int n)
{
    KILN_TRY(kiln_check_length("multiply", n));
    KILN_TRY(KILN_ARRAYS("multiply", out, x, y));
    for (int i = 0; i < n; i++) out[i] = x[i] * y[i];
    return KILN_OK;
}

/* ---- convolution, max pool ------------------------------------------------------------------- */

int kiln_layer_conv_forward_double(double *out, const double *x, const double *w, const double *b,
                                   int N, int C, int H, int W, int F, int HH, int WW, int stride,
                                   int pad)
{
    kiln_conv_shape s = {N, C, H, W, F, HH, WW, stride, pad, pad, 0, 0};
    kiln_arena arena;
    double *last[2]; /* x and out, channels last */

    KILN_TRY(kiln_check_conv(&s));
    KILN_TRY(KILN_ARRAYS("conv", out, x, w, b));

    const size_t counts[2] = {(size_t)N * C * H * W, (size_t)N * F * s.OH * s.OW};

    KILN_TRY(scratch(&arena, "conv", last, counts, 2));
    reorder(last[0], x, N, C, H * W);
    ref_conv2d_forward(last[1], last[0], w, b, &s);
    reorder(out, last[1], N, s.OH * s.OW, F);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_conv_backward_double(double *dx, double *dw, double *db, const double *dout,
                                    const double *x, const double *w, int N, int C, int H, int W,
                                    int F, int HH, int WW, int stride, int pad)
{
    kiln_conv_shape s = {N, C, H, W, F, HH, WW, stride, pad, pad, 0, 0};
    kiln_arena arena;
    double *last[3]; /* x, dout and dx, channels last */

    KILN_TRY(kiln_check_conv(&s));
    KILN_TRY(KILN_ARRAYS("conv", dx, dw, db, dout, x, w));

    const size_t image = (size_t)N * C * H * W, counts[3] = {image, (size_t)N * F * s.OH * s.OW,
                                                             image};

    KILN_TRY(scratch(&arena, "conv", last, counts, 3));
    reorder(last[0], x, N, C, H * W);
    reorder(last[1], dout, N, F, s.OH * s.OW);
    ref_conv2d_backward(last[2], dw, db, last[1], last[0], w, &s);
    reorder(dx, last[2], N, H * W, C);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_max_pool_forward_double(double *out, const double *x, int N, int C, int H, int W,
                                       int pool_height, int pool_width, int stride)
{
    kiln_pool_shape s;

    KILN_TRY(kiln_check_planes(&s, N, C, H, W, pool_height, pool_width, stride));
    KILN_TRY(KILN_ARRAYS("max_pool", out, x));
    ref_maxpool_forward(out, x, &s);
    return KILN_OK;
}

int kiln_layer_max_pool_backward_double(double *dx, const double *dout, const double *x, int N,
                                        int C, int H, int W, int pool_height, int pool_width,
                                        int stride)
{
    kiln_pool_shape s;

    KILN_TRY(kiln_check_planes(&s, N, C, H, W, pool_height, pool_width, stride));
    KILN_TRY(KILN_ARRAYS("max_pool", dx, dout, x));
    ref_maxpool_backward(dx, dout, x, &s);
    return KILN_OK;
}

/* ---- normalisations -------------------------------------------------------------------------- */

int kiln_layer_batchnorm_forward_double(double *out, double *mean, double *inv_std,
                                        double *running_mean, double *running_var, const double *x,
                                        const double *gamma, const double *beta, int N, int C,
                                        int S, double eps, double momentum, int train)
{
    const int R = N * S;
    kiln_arena arena;
    double *last[2]; /* x and out, channels last */

    KILN_TRY(kiln_check_batchnorm(N, C, S, eps, momentum));
    KILN_TRY(
        KILN_ARRAYS("batchnorm", out, mean, inv_std, running_mean, running_var, x, gamma, beta));

    const size_t n = (size_t)R * C;

    KILN_TRY(scratch(&arena, "batchnorm", last, (size_t[]){n, n}, 2));
    reorder(last[0], x, N, C, S);
    if (train) {
        ref_batchnorm_forward(last[1], mean, inv_std, last[0], gamma, beta, R, C, eps);
        ref_batchnorm_running(running_mean, running_var, last[0], R, C, momentum);
    } else {
        ref_batchnorm_test(last[1], last[0], gamma, beta, running_mean, running_var, R, C, eps);
        for (int c = 0; c < C; c++) {
            mean[c] = running_mean[c];
            inv_std[c] = 1 / sqrt(running_var[c] + eps);
        }
    }
    reorder(out, last[1], N, S, C);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_batchnorm_backward_double(double *dx, double *dgamma, double *dbeta,
                                         const double *dout, const double *x, const double *gamma,
                                         const double *mean, const double *inv_std, int N, int C,
                                         int S, int alt)
{
    kiln_arena arena;
    double *last[3]; /* x, dout and dx, channels last */

    (void)alt; /* the twin has one form */
    KILN_TRY(kiln_check_batchnorm(N, C, S, 0, 0));
    KILN_TRY(KILN_ARRAYS("batchnorm", dx, dgamma, dbeta, dout, x, gamma, mean, inv_std));

    const size_t n = (size_t)N * C * S;

    KILN_TRY(scratch(&arena, "batchnorm", last, (size_t[]){n, n, n}, 3));
    reorder(last[0], x, N, C, S);
    reorder(last[1], dout, N, C, S);
    ref_batchnorm_backward(last[2], dgamma, dbeta, last[1], last[0], gamma, mean, inv_std, N * S,
                           C);
    reorder(dx, last[2], N, S, C);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_layernorm_forward_double(double *out, double *mean, double *inv_std, const double *x,
                                        const double *gamma, const double *beta, int N, int D,
                                        double eps)
{
    KILN_TRY(kiln_check_layernorm(N, D, eps));
    KILN_TRY(KILN_ARRAYS("layernorm", out, mean, inv_std, x, gamma, beta));
    ref_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, D, eps);
    return KILN_OK;
}

int kiln_layer_layernorm_backward_double(double *dx, double *dgamma, double *dbeta,
                                         const double *dout, const double *x, const double *gamma,
                                         const double *mean, const double *inv_std, int N, int D)
{
    KILN_TRY(kiln_check_layernorm(N, D, 0));
    KILN_TRY(KILN_ARRAYS("layernorm", dx, dgamma, dbeta, dout, x, gamma, mean, inv_std));
    ref_layernorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, D);
    return KILN_OK;
}

int kiln_layer_groupnorm_forward_double(double *out, double *mean, double *inv_std, const double *x,
                                        const double *gamma, const double *beta, int N, int C,
                                        int S, int G, double eps)
{
    kiln_arena arena;
    double *last[2]; /* x and out, channels last */

    KILN_TRY(kiln_check_groupnorm(N, C, S, G, eps));
    KILN_TRY(KILN_ARRAYS("groupnorm", out, mean, inv_std, x, gamma, beta));

    const size_t n = (size_t)N * C * S;

    KILN_TRY(scratch(&arena, "groupnorm", last, (size_t[]){n, n}, 2));
    reorder(last[0], x, N, C, S);
    ref_groupnorm_forward(last[1], mean, inv_std, last[0], gamma, beta, N, S, C, G, eps);
    reorder(out, last[1], N, S, C);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_groupnorm_backward_double(double *dx, double *dgamma, double *dbeta,
                                         const double *dout, const double *x, const double *gamma,
                                         const double *mean, const double *inv_std, int N, int C,
                                         int S, int G)
{
    kiln_arena arena;
    double *last[3]; /* x, dout and dx, channels last */

    KILN_TRY(kiln_check_groupnorm(N, C, S, G, 0));
    KILN_TRY(KILN_ARRAYS("groupnorm", dx, dgamma, dbeta, dout, x, gamma, mean, inv_std));

    const size_t n = (size_t)N * C * S;

    KILN_TRY(scratch(&arena, "groupnorm", last, (size_t[]){n, n, n}, 3));
    reorder(last[0], x, N, C, S);
    reorder(last[1], dout, N, C, S);
    ref_groupnorm_backward(last[2], dgamma, dbeta, last[1], last[0], gamma, mean, inv_std, N, S, C,
                           G);
    reorder(dx, last[2], N, S, C);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- losses, update rules -------------------------------------------------------------------- */

int kiln_layer_softmax_loss_double(double *loss, double *dx, const double *x, const int *y, int N,
                                   int C, double smoothing)
{
    KILN_TRY(kiln_check_loss("softmax", loss, dx, x, y, N, C));
    KILN_TRY(kiln_check_number("softmax", "smoothing", smoothing, 0, 1, 1));
    *loss = ref_softmax_loss(dx, x, y, N, C, smoothing);
    return KILN_OK;
}

int kiln_layer_svm_loss_double(double *loss, double *dx, const double *x, const int *y, int N,
                               int C)
{
    KILN_TRY(kiln_check_loss("svm", loss, dx, x, y, N, C));
    *loss = ref_svm_loss(dx, x, y, N, C);
    return KILN_OK;
}

int kiln_layer_sgd_double(double *w, const double *dw, int n, double lr)
{
    KILN_TRY(kiln_check_rule("sgd", n, lr));
    KILN_TRY(KILN_ARRAYS("sgd", w, dw));
    ref_sgd(w, dw, n, lr);
    return KILN_OK;
}

int kiln_layer_sgd_momentum_double(double *w, const double *dw, double *velocity, int n, double lr,
                                   double momentum)
{
    KILN_TRY(kiln_check_rule("sgd_momentum", n, lr));
    KILN_TRY(kiln_check_number("sgd_momentum", "momentum", momentum, 0, 1, 0));
    KILN_TRY(KILN_ARRAYS("sgd_momentum", w, dw, velocity));
    ref_sgd_momentum(w, dw, velocity, n, lr, momentum);
    return KILN_OK;
}

int kiln_layer_rmsprop_double(double *w, const double *dw, double *cache, int n, double lr,
                              double decay_rate, double eps)
{
    KILN_TRY(kiln_check_rmsprop(n, lr, decay_rate, eps));
    KILN_TRY(KILN_ARRAYS("rmsprop", w, dw, cache));
    ref_rmsprop(w, dw, cache, n, lr, decay_rate, eps);
    return KILN_OK;
}

int kiln_layer_adam_double(double *w, const double *dw, double *m, double *v, int n, double lr,
                           double beta1, double beta2, double eps, int t)
{
    KILN_TRY(kiln_check_adam(n, lr, beta1, beta2, eps, t));
    KILN_TRY(KILN_ARRAYS("adam", w, dw, m, v));
    ref_adam(w, dw, m, v, n, lr, beta1, beta2, eps, t);
    return KILN_OK;
}
