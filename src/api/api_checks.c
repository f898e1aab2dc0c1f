/*
 * The checks of the course's layer functions, float and double alike: sizes, numbers and arrays,
 * each with a sentence. See api_layers.h.
 */
#include <math.h>

#include "api/api_layers.h"
#include "base/status.h"

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

/* ---- by layer -------------------------------------------------------------------------------- */

int kiln_check_affine(int N, int D, int M)
{
    KILN_TRY(KILN_SIZES("affine", {"N", N}, {"D", D}, {"M", M}));
    KILN_TRY(kiln_check_elements("affine", "x", N, D, 1, 1));
    KILN_TRY(kiln_check_elements("affine", "w", D, M, 1, 1));
    return kiln_check_elements("affine", "out", N, M, 1, 1);
}

int kiln_check_length(const char *layer, int n)
{
    KILN_TRY(KILN_SIZES(layer, {"n", n}));
    return kiln_check_elements(layer, "x", n, 1, 1, 1);
}

int kiln_check_dropout(int n, double keep)
{
    KILN_TRY(kiln_check_length("dropout", n));
    return kiln_check_number("dropout", "the probability to keep", keep, 0x1p-20, 1, 0);
}

int kiln_check_conv(kiln_conv_shape *s)
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

int kiln_check_planes(kiln_pool_shape *s, int N, int C, int H, int W, int pool_height,
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

int kiln_check_loss(const char *layer, const double *loss, const void *dx, const void *x,
                    const int *y, int N, int C)
{
    KILN_TRY(KILN_SIZES(layer, {"N", N}, {"C", C}));
    KILN_TRY(kiln_check_elements(layer, "x", N, C, 1, 1));
    KILN_TRY(KILN_ARRAYS(layer, loss, dx, x, y));
    return check_labels(layer, y, N, C);
}

int kiln_check_rule(const char *rule, int n, double lr)
{
    KILN_TRY(kiln_check_length(rule, n));
    return kiln_check_number(rule, "the learning rate", lr, 0, INFINITY, 1);
}

int kiln_check_rmsprop(int n, double lr, double decay_rate, double eps)
{
    KILN_TRY(kiln_check_rule("rmsprop", n, lr));
    KILN_TRY(kiln_check_number("rmsprop", "decay_rate", decay_rate, 0, 1, 0));
    return kiln_check_number("rmsprop", "eps", eps, 0, INFINITY, 1);
}

int kiln_check_adam(int n, double lr, double beta1, double beta2, double eps, int t)
{
    KILN_TRY(kiln_check_rule("adam", n, lr));
    KILN_TRY(kiln_check_number("adam", "beta1", beta1, 0, 1, 1));
    KILN_TRY(kiln_check_number("adam", "beta2", beta2, 0, 1, 1));
    KILN_TRY(kiln_check_number("adam", "eps", eps, 0, INFINITY, 1));
    return KILN_SIZES("adam", {"t", t});
}

/* x (N, C, S) */
static int check_images(const char *layer, int N, int C, int S)
{
    KILN_TRY(KILN_SIZES(layer, {"N", N}, {"C", C}, {"S = H*W", S}));
    return kiln_check_elements(layer, "x", N, C, S, 1);
}

static int check_eps(const char *layer, double eps)
{
    return kiln_check_number(layer, "eps", eps, 0, INFINITY, 1);
}

int kiln_check_batchnorm(int N, int C, int S, double eps, double momentum)
{
    KILN_TRY(check_images("batchnorm", N, C, S));
    KILN_TRY(check_eps("batchnorm", eps));
    return kiln_check_number("batchnorm", "momentum", momentum, 0, 1, 0);
}

int kiln_check_layernorm(int N, int D, double eps)
{
    KILN_TRY(KILN_SIZES("layernorm", {"N", N}, {"D", D}));
    KILN_TRY(kiln_check_elements("layernorm", "x", N, D, 1, 1));
    return check_eps("layernorm", eps);
}

int kiln_check_groupnorm(int N, int C, int S, int G, double eps)
{
    KILN_TRY(check_images("groupnorm", N, C, S));
    KILN_TRY(KILN_SIZES("groupnorm", {"G", G}));
    if (C % G)
        return kiln_fail(KILN_E_SHAPE, "groupnorm: %d groups do not divide %d channels", G, C);
    return check_eps("groupnorm", eps);
}
