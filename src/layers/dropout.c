/*
 * Inverted dropout.                               cs231n: dropout_forward, dropout_backward
 *
 *   out[i] = x[i] · mask[i]      mask[i] = 1 / (1 - rate) if draw first + i is >= rate, else 0
 *
 * Elementwise over n values; the test-time layer is the identity. There is no mask to keep: a draw
 * is a function of its number, so backward draws the same mask again and dx = dout · mask is this
 * very function. A NaN in x stays one, dropped or not, as in the course's product.
 * Source: Srivastava et al. 2014; cs231n notes, neural-networks-2.
 */
#include <assert.h>

#include "layers/elementwise.h"
#include "layers/layers.h"

enum { DRAWS = 512 }; /* drawn at a time, on the stack; divides KILN_PIECE */

typedef struct {
    float *out;
    const float *x;
    int n;
    float rate;
    kiln_rng rng;
    uint64_t first;
} dropout_job;

/* out = x · mask for n <= DRAWS values whose draws lie in u. */
static void drop(float *out, const float *x, const float *u, int n, float rate)
{
    const vf scale = vf_set1(1.0f / (1.0f - rate)), zero = vf_set1(0);
    int i = 0;

    for (; i + KILN_LANES <= n; i += KILN_LANES)
        vf_store(out + i, vf_load(x + i) * vf_select(vf_load(u + i) >= rate, scale, zero));
    if (i < n) {
        const vf mask = vf_select(vf_load_part(u + i, n - i, 0) >= rate, scale, zero);

        vf_store_part(out + i, vf_load_part(x + i, n - i, 0) * mask, n - i);
    }
}

static void dropout_task(void *context, int piece, int thread)
{
    const dropout_job *job = context;
    const int start = piece * KILN_PIECE, end = start + kiln_piece_length(job->n, piece);
    float u[DRAWS];

    (void)thread;
    for (int i = start; i < end; i += DRAWS) {
        const int n = end - i < DRAWS ? end - i : DRAWS;

        kiln_rng_fill_uniform(u, n, job->rng, job->first + (uint64_t)i);
        drop(job->out + i, job->x + i, u, n, job->rate);
    }
}

void kiln_dropout(float *out, const float *x, int n, float rate, kiln_rng rng, uint64_t first)
{
    dropout_job job = {out, x, n, rate, rng, first};

    assert(rate >= 0 && rate < 1 && first % 4 == 0);
    kiln_parallel(kiln_pieces(n), dropout_task, &job);
}
