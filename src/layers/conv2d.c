/*
 * Convolution of the net, channels last.          cs231n: conv_forward, conv_backward
 *
 *   out[n, i, j, f] = b[f] + Σ_{c, y, x'} xpad[n, i·stride + y, j·stride + x', c] · w[f, c, y, x']
 *   dx, dw are the adjoints (kernels/conv.h), db[f] = Σ_{n, i, j} dout[n, i, j, f]
 *
 * x (N, H, W, C)   w (F, C, HH, WW)   b (F)   out (N, OH, OW, F).
 *
 * Which kernel computes it depends on the shape alone, so a net has the same bits wherever it runs:
 * Winograd's in two dimensions where there are channels enough for its sums, else in one dimension
 * where there are 3, 5 or 7 filter rows, else the direct one, which reads patches in place.
 * Source: cs231n notes, convolutional-networks; the papers named in kernels/toom_cook.h,
 * kernels/winograd.h and kernels/gemm.h.
 */
#include "base/threads.h"
#include "kernels/vec.h"
#include "kernels/winograd.h"
#include "kernels/winograd_rows.h"
#include "layers/layers.h"

int kiln_conv2d_algorithm(const kiln_conv_shape *s)
{
    if (kiln_winograd_fits(s)) return KILN_CONV_WINOGRAD;
    return kiln_winograd_rows_fits(s) ? KILN_CONV_WINOGRAD_ROWS : KILN_CONV_DIRECT;
}

const char *kiln_conv2d_algorithm_name(int algorithm)
{
    static const char *const names[] = {"direct", "winograd", "winograd rows"};

    return names[algorithm];
}

const kiln_conv_algorithm *kiln_conv2d_kernels(const kiln_conv_shape *s)
{
    static const kiln_conv_algorithm *const kernels[] = {&kiln_conv_direct, &kiln_winograd,
                                                         &kiln_winograd_rows};

    return kernels[kiln_conv2d_algorithm(s)];
}

/* ---- in parts -------------------------------------------------------------------------------- */

/* Scratch of a backward pass: dx's, then dw's, then a sum for each image and filter. */
typedef struct {
    size_t dw, db, all;
} backward_parts;

static backward_parts backward_work(const kiln_conv_shape *s)
{
    const kiln_conv_algorithm *a = kiln_conv2d_kernels(s);
    const size_t dw = (a->work(s) + 15) / 16 * 16, db = dw + (a->dw_work(s) + 15) / 16 * 16;

    return (backward_parts){dw, db, db + (size_t)s->N * s->F};
}

size_t kiln_conv2d_work(const kiln_conv_shape *s)
{
    return backward_work(s).all;
}

void kiln_conv2d_begin_backward(const float *w, const kiln_conv_shape *s, int wants_dx, float *work)
{
    if (wants_dx) kiln_conv2d_kernels(s)->filters(w, s, 1, work);
}

void kiln_conv2d_backward_images(float *dx, const float *dout, const float *x,
                                 const kiln_conv_shape *s, int group, int first, int last,
                                 int thread, float *work)
{
    const kiln_conv_algorithm *a = kiln_conv2d_kernels(s);
    const backward_parts at = backward_work(s);
    kiln_conv_shape part = *s;

    part.N = last - first;
    if (dx) a->images(dx, dout, NULL, &part, 1, 0, work);
    a->dw_images(dout, x, s, group, first, last, thread, work + at.dw);
    for (int n = first; n < last; n++, dout += (size_t)s->OH * s->OW * s->F)
        kiln_vec_column_sums(work + at.db + (size_t)n * s->F, dout, s->OH * s->OW, s->F);
}

void kiln_conv2d_end_backward(float *dw, float *db, const kiln_conv_shape *s, float *work)
{
    const backward_parts at = backward_work(s);

    kiln_conv2d_kernels(s)->dw_join(dw, s, work + at.dw);
    if (db) kiln_vec_column_sums(db, work + at.db, s->N, s->F);
}

/* ---- whole ----------------------------------------------------------------------------------- */

void kiln_conv2d_forward(float *out, const float *x, const float *w, const float *b,
                         const kiln_conv_shape *s, int relu, float *work)
{
    kiln_conv_forward(kiln_conv2d_kernels(s), out, x, w, b, s, relu, work);
}

typedef struct {
    const float *dout, *x;
    const kiln_conv_shape *s;
    int groups;
    float *work;
} job;

static void group_task(void *context, int group, int thread)
{
    const job *j = context;
    const kiln_conv_shape *s = j->s;
    const int first = kiln_conv_group(s, j->groups, group);

    kiln_conv2d_backward_images(NULL, j->dout + (size_t)first * s->OH * s->OW * s->F,
                                j->x + (size_t)first * s->H * s->W * s->C, s, group, first,
                                kiln_conv_group(s, j->groups, group + 1), thread, j->work);
}

void kiln_conv2d_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, const kiln_conv_shape *s, float *work)
{
    job j = {dout, x, s, kiln_conv2d_kernels(s)->dw_groups(s), work};

    if (dx) kiln_conv_dx(kiln_conv2d_kernels(s), dx, dout, w, s, work);
    kiln_parallel(j.groups, group_task, &j);
    kiln_conv2d_end_backward(dw, db, s, work);
}
