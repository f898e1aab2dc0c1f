/*
 * Gelu, elementwise over n values.           Source: Hendrycks and Gimpel 2016
 *
 *   out = x Φ(x)      dx = dout (Φ(x) + x φ(x))
 *
 * with Φ(x) = (1 + erf(x/√2)) / 2 and φ(x) = e^(-x²/2) / √(2π).
 *
 * Each value is one long chain of dependent operations with some thirty constants: done whole,
 * vector after vector, a processor waits for the chain, and has too few registers for the constants
 * (WebAssembly on x86 has sixteen). So a block of values goes through the chain in stages, a short
 * loop each, whose results stay in the first-level cache. The operations and their order are those
 * of vf_erf and vf_exp, so the bits are, too.
 *
 * A NaN may become some number on its way through the stages; the product with x makes it a NaN.
 */
#include "layers/layers.h"

#include "base/threads.h"
#include "kernels/vec_math.h"

#define BLOCK 256     /* floats: what the stages hand on takes 2 KB */
#define PIECE 16384   /* floats in a task: whole blocks */
#define ROOT_HALF 0.70710678f /* 1/√2 */

typedef struct {
    float *out;
    const float *dout, *x; /* dout NULL: forward */
    int n;
} job;

/* e^(x²/-2)·2^64, which stays normal where e^(x²/-2) is a denormal. */
static void densities(float *density, const float *x)
{
    for (int i = 0; i < BLOCK; i += KILN_LANES) {
        const vf v = vf_load(x + i);

        vf_store(density + i, vf_max(vf_set1(-104.0f), v * v * -0.5f));
    }
    for (int i = 0; i < BLOCK; i += KILN_LANES)
        vf_store(density + i, vf_exp_times_2_64(vf_load(density + i)));
}

/* Φ(x) */
static void cdfs(float *cdf, const float *x)
{
    for (int i = 0; i < BLOCK; i += KILN_LANES)
        vf_store(cdf + i, vf_erf_exponent(vf_load(x + i) * ROOT_HALF));
    for (int i = 0; i < BLOCK; i += KILN_LANES)
        vf_store(cdf + i, vf_exp_normal(vf_load(cdf + i)));
    for (int i = 0; i < BLOCK; i += KILN_LANES) {
        const vf v = vf_load(x + i) * ROOT_HALF;

        vf_store(cdf + i, 0.5f + 0.5f * vf_erf_join(v, vf_load(cdf + i)));
    }
}

/* out or dx of BLOCK values; in place allowed. */
static void run_block(float *out, const float *dout, const float *x)
{
    float cdf[BLOCK], density[BLOCK];

    cdfs(cdf, x);
    if (!dout) {
        for (int i = 0; i < BLOCK; i += KILN_LANES)
            vf_store(out + i, vf_load(x + i) * vf_load(cdf + i));
        return;
    }
    densities(density, x);
    for (int i = 0; i < BLOCK; i += KILN_LANES) {
        const vf phi = 0.39894228f /* 1/√(2π) */ * (vf_load(density + i) * 0x1p-64f);

        vf_store(out + i, vf_load(dout + i) * (vf_load(cdf + i) + vf_load(x + i) * phi));
    }
}

static void run_piece(void *context, int piece, int thread)
{
    const job *j = context;
    const int first = piece * PIECE, end = j->n - first < PIECE ? j->n : first + PIECE;
    int i = first;

    (void)thread;
    for (; i + BLOCK <= end; i += BLOCK)
        run_block(j->out + i, j->dout ? j->dout + i : NULL, j->x + i);
    if (i < end) { /* the last values, in a block of their own */
        const size_t bytes = (size_t)(end - i) * sizeof(float);
        float x[BLOCK] = {0}, dout[BLOCK] = {0};

        memcpy(x, j->x + i, bytes);
        if (j->dout) memcpy(dout, j->dout + i, bytes);
        run_block(x, j->dout ? dout : NULL, x);
        memcpy(j->out + i, x, bytes);
    }
}

static void run(job j)
{
    kiln_parallel(j.n / PIECE + (j.n % PIECE != 0), run_piece, &j);
}

void kiln_gelu_forward(float *out, const float *x, int n)
{
    run((job){out, NULL, x, n});
}

void kiln_gelu_backward(float *dx, const float *dout, const float *x, int n)
{
    run((job){dx, dout, x, n});
}
