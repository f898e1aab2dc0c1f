/*
 * The loop of every elementwise layer: out[i] = op(x[i], y[i], a), cut into pieces for the pool.
 *
 * A layer writes its formula once, as a function of vectors, and names a task after it:
 *
 *   static vf leaky(vf x, vf y, vf a) { ... }
 *   ELEMENTWISE_TASK(leaky_task, leaky)
 *   ... kiln_elementwise(leaky_task, out, x, x, n, slope);
 *
 * The last few elements go through the same vectors, so a tail has the bits of a lane. in place
 * allowed. Traffic: each array once; the pieces (64 KiB an array) are large against the cost of a
 * task.
 */
#ifndef KILN_LAYERS_ELEMENTWISE_H
#define KILN_LAYERS_ELEMENTWISE_H

#include "base/simd.h"
#include "base/threads.h"

#define KILN_PIECE 16384 /* floats in a task */

typedef struct {
    float *out;
    const float *x, *y;
    int n;
    float a;
} kiln_elementwise_job;

typedef vf kiln_elementwise_op(vf x, vf y, vf a);

/* 0 for piece 0, and so on; the last one is shorter. */
static inline int kiln_piece_length(int n, int piece)
{
    const int left = n - piece * KILN_PIECE;

    return left < KILN_PIECE ? left : KILN_PIECE;
}

static inline int kiln_pieces(int n)
{
    return n / KILN_PIECE + (n % KILN_PIECE != 0);
}

__attribute__((always_inline)) static inline void
kiln_elementwise_piece(const kiln_elementwise_job *job, int piece, kiln_elementwise_op *op)
{
    const int n = kiln_piece_length(job->n, piece);
    const float *x = job->x + piece * KILN_PIECE, *y = job->y + piece * KILN_PIECE;
    float *out = job->out + piece * KILN_PIECE;
    const vf a = vf_set1(job->a);
    int i = 0;

    for (; i + KILN_LANES <= n; i += KILN_LANES)
        vf_store(out + i, op(vf_load(x + i), vf_load(y + i), a));
    if (i < n)
        vf_store_part(out + i, op(vf_load_part(x + i, n - i, 0), vf_load_part(y + i, n - i, 0), a),
                      n - i);
}

#define ELEMENTWISE_TASK(name, op)                                                                 \
    static void name(void *job, int piece, int thread)                                             \
    {                                                                                              \
        (void)thread;                                                                              \
        kiln_elementwise_piece(job, piece, op);                                                    \
    }

static inline void kiln_elementwise(kiln_task *task, float *out, const float *x, const float *y,
                                    int n, float a)
{
    kiln_elementwise_job job = {out, x, y, n, a};

    kiln_parallel(kiln_pieces(n), task, &job);
}

#endif
