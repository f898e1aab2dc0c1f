/*
 * Layers that move or join values.
 *
 *   residual add   out = x + y (elementwise); the gradient of both is dout itself
 *   flatten        out[n, c·S + s] = x[n, s, c]: to the course's (c, h, w) order of features
 *
 * x (N, S, C), S = H·W; rows (N, C·S). Traffic: each array once.
 * Source: He et al. 2016 (residual); cs231n assignment 2, affine_forward's reshape.
 */
#include "base/threads.h"
#include "kernels/vec.h"
#include "layers/elementwise.h"
#include "layers/layers.h"

static vf add(vf x, vf y, vf a)
{
    (void)a;
    return x + y;
}

ELEMENTWISE_TASK(add_task, add)

void kiln_residual_add(float *out, const float *x, const float *y, int n)
{
    kiln_elementwise(add_task, out, x, y, n, 0);
}

typedef struct {
    float *out;
    const float *x;
    int R, C; /* of one image */
} turning;

static void turn_image(void *context, int n, int thread)
{
    const turning *t = context;
    const size_t image = (size_t)t->R * t->C;

    (void)thread;
    kiln_vec_transpose(t->out + n * image, (size_t)t->R, t->x + n * image, (size_t)t->C, t->R,
                       t->C);
}

void kiln_flatten_forward(float *out, const float *x, int N, int S, int C)
{
    kiln_parallel(N, turn_image, &(turning){out, x, S, C});
}

void kiln_flatten_backward(float *dx, const float *dout, int N, int S, int C)
{
    kiln_parallel(N, turn_image, &(turning){dx, dout, C, S});
}
