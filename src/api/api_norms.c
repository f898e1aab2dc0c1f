/*
 * The course's normalisations, as kiln.h lists them: the door of batchnorm.c, layernorm.c,
 * groupnorm.c.
 *
 * x (N, C, S) is the course's (N, C, H, W) with S = H·W; S = 1 is the plain (N, D). Copies with
 * channels last are made in scratch: one piece for each image array that goes in, one for what
 * comes out.
 */
#include <math.h>

#include "api/api_layers.h"
#include "base/status.h"
#include "kernels/vec.h"
#include "kiln.h"
#include "layers/layers.h"

/* ---- images ---------------------------------------------------------------------------------- */

typedef struct {
    int N, C, S;
} image_shape;

static size_t elements(image_shape s)
{
    return (size_t)s.N * s.C * s.S;
}

static void channels_last(float *out, const float *x, image_shape s)
{
    kiln_vec_nchw_to_nhwc(out, x, s.N, s.C, s.S);
}

static void planes_first(float *out, const float *x, image_shape s)
{
    kiln_vec_nhwc_to_nchw(out, x, s.N, s.C, s.S);
}

/* ---- batchnorm ------------------------------------------------------------------------------- */

/* The test-time cache, for symmetry: what the running statistics amount to. */
static void running_cache(float *mean, float *inv_std, const float *running_mean,
                          const float *running_var, int C, float eps)
{
    for (int c = 0; c < C; c++) {
        mean[c] = running_mean[c];
        inv_std[c] = (float)(1 / sqrt((double)running_var[c] + (double)eps));
    }
}

int kiln_layer_batchnorm_forward(float *out, float *mean, float *inv_std, float *running_mean,
                                 float *running_var, const float *x, const float *gamma,
                                 const float *beta, int N, int C, int S, float eps, double momentum,
                                 int train)
{
    const image_shape s = {N, C, S};
    kiln_arena arena;
    float *piece[3]; /* x, out, work */

    KILN_TRY(kiln_check_batchnorm(N, C, S, eps, momentum));
    KILN_TRY(
        KILN_ARRAYS("batchnorm", out, mean, inv_std, running_mean, running_var, x, gamma, beta));

    const size_t counts[3] = {elements(s), elements(s), kiln_batchnorm_work(N * S, C)};

    KILN_TRY(kiln_scratch(&arena, "batchnorm", piece, counts, 3));
    channels_last(piece[0], x, s);
    if (train) {
        kiln_batchnorm_forward(piece[1], mean, inv_std, running_mean, running_var, piece[0], gamma,
                               beta, N * S, C, eps, momentum, 0, piece[2]);
    } else {
        kiln_batchnorm_test(piece[1], piece[0], gamma, beta, running_mean, running_var, N * S, C,
                            eps, 0, piece[2]);
        running_cache(mean, inv_std, running_mean, running_var, C, eps);
    }
    planes_first(out, piece[1], s);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_batchnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                                  const float *x, const float *gamma, const float *mean,
                                  const float *inv_std, int N, int C, int S, int alt)
{
    const image_shape s = {N, C, S};
    kiln_arena arena;
    float *piece[4]; /* x, dout, dx, work */

    KILN_TRY(kiln_check_batchnorm(N, C, S, 0, 0));
    KILN_TRY(KILN_ARRAYS("batchnorm", dx, dgamma, dbeta, dout, x, gamma, mean, inv_std));

    const size_t staged = 4 * elements(s) + 8 * (size_t)C;
    const size_t counts[4] = {elements(s), elements(s), elements(s),
                              alt ? kiln_batchnorm_work(N * S, C) : staged};

    KILN_TRY(kiln_scratch(&arena, "batchnorm", piece, counts, 4));
    channels_last(piece[0], x, s);
    channels_last(piece[1], dout, s);
    if (alt)
        kiln_batchnorm_backward_alt(piece[2], dgamma, dbeta, piece[1], piece[0], gamma, NULL, mean,
                                    inv_std, N * S, C, piece[3]);
    else
        kiln_batchnorm_backward(piece[2], dgamma, dbeta, piece[1], piece[0], gamma, mean, inv_std,
                                N * S, C, piece[3]);
    planes_first(dx, piece[2], s);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- layernorm ------------------------------------------------------------------------------- */

int kiln_layer_layernorm_forward(float *out, float *mean, float *inv_std, const float *x,
                                 const float *gamma, const float *beta, int N, int D, float eps)
{
    KILN_TRY(kiln_check_layernorm(N, D, eps));
    KILN_TRY(KILN_ARRAYS("layernorm", out, mean, inv_std, x, gamma, beta));
    kiln_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, D, eps);
    return KILN_OK;
}

int kiln_layer_layernorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                                  const float *x, const float *gamma, const float *mean,
                                  const float *inv_std, int N, int D)
{
    kiln_arena arena;
    float *work;

    KILN_TRY(kiln_check_layernorm(N, D, 0));
    KILN_TRY(KILN_ARRAYS("layernorm", dx, dgamma, dbeta, dout, x, gamma, mean, inv_std));
    KILN_TRY(kiln_scratch(&arena, "layernorm", &work, (size_t[]){kiln_layernorm_work(N, D)}, 1));
    kiln_layernorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, D, work);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- groupnorm ------------------------------------------------------------------------------- */

int kiln_layer_groupnorm_forward(float *out, float *mean, float *inv_std, const float *x,
                                 const float *gamma, const float *beta, int N, int C, int S, int G,
                                 float eps)
{
    const image_shape s = {N, C, S};
    kiln_arena arena;
    float *piece[3]; /* x, out, work */

    KILN_TRY(kiln_check_groupnorm(N, C, S, G, eps));
    KILN_TRY(KILN_ARRAYS("groupnorm", out, mean, inv_std, x, gamma, beta));

    const size_t counts[3] = {elements(s), elements(s), kiln_groupnorm_work(N, S, C, G)};

    KILN_TRY(kiln_scratch(&arena, "groupnorm", piece, counts, 3));
    channels_last(piece[0], x, s);
    kiln_groupnorm_forward(piece[1], mean, inv_std, piece[0], gamma, beta, N, S, C, G, eps,
                           piece[2]);
    planes_first(out, piece[1], s);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

int kiln_layer_groupnorm_backward(float *dx, float *dgamma, float *dbeta, const float *dout,
                                  const float *x, const float *gamma, const float *mean,
                                  const float *inv_std, int N, int C, int S, int G)
{
    const image_shape s = {N, C, S};
    kiln_arena arena;
    float *piece[4]; /* x, dout, dx, work */

    KILN_TRY(kiln_check_groupnorm(N, C, S, G, 0));
    KILN_TRY(KILN_ARRAYS("groupnorm", dx, dgamma, dbeta, dout, x, gamma, mean, inv_std));

    const size_t counts[4] = {elements(s), elements(s), elements(s),
                              kiln_groupnorm_work(N, S, C, G)};

    KILN_TRY(kiln_scratch(&arena, "groupnorm", piece, counts, 4));
    channels_last(piece[0], x, s);
    channels_last(piece[1], dout, s);
    kiln_groupnorm_backward(piece[2], dgamma, dbeta, piece[1], piece[0], gamma, mean, inv_std, N, S,
                            C, G, piece[3]);
    planes_first(dx, piece[2], s);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}
