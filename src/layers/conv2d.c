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

const kiln_conv_algorithm *kiln_conv2d_algorithm(const kiln_conv_shape *s)
{
    if (kiln_winograd.fits(s)) return &kiln_winograd;
    return kiln_winograd_rows.fits(s) ? &kiln_winograd_rows : &kiln_conv_direct;
}

/* Scratch of a backward pass: dx's, then dw's, then a sum for each image and filter. */
void kiln_conv2d_plan_make(kiln_conv2d_plan *p, const kiln_conv_shape *s)
{
    kiln_conv_plan_make(&p->conv, kiln_conv2d_algorithm(s), s);
    p->dw = (p->conv.work + 15) / 16 * 16;
    p->db = p->dw + (p->conv.dw_work + 15) / 16 * 16;
    p->work = p->db + (size_t)s->N * s->F;
}

/* ---- in parts -------------------------------------------------------------------------------- */

void kiln_conv2d_begin_forward(const float *w, const kiln_conv2d_plan *p, float *work)
{
    p->conv.algorithm->filters(w, &p->conv, &p->conv.forward, work);
}

void kiln_conv2d_forward_images(float *out, const float *x, const float *b,
                                const kiln_conv2d_plan *p, int n, int relu, float *work)
{
    p->conv.algorithm->images(out, x, b, &p->conv, &p->conv.forward, n, relu, work);
}

void kiln_conv2d_begin_backward(const float *w, const kiln_conv2d_plan *p, int wants_dx,
                                float *work)
{
    if (wants_dx) p->conv.algorithm->filters(w, &p->conv, &p->conv.dx, work);
}

void kiln_conv2d_backward_images(float *dx, const float *dout, const float *x,
                                 const kiln_conv2d_plan *p, int N, int group, int first, int last,
                                 int thread, int wanted, float *work)
{
    const kiln_conv_plan *conv = &p->conv;
    const int pixels = conv->shape.OH * conv->shape.OW, F = conv->shape.F;

    if (dx) conv->algorithm->images(dx, dout, NULL, conv, &conv->dx, last - first, 0, work);
    if (wanted & KILN_WANTS_DW)
        conv->algorithm->dw_images(dout, x, conv, N, group, first, last, thread, work + p->dw);
    if (!(wanted & KILN_WANTS_DB)) return;
    for (int n = first; n < last; n++, dout += (size_t)pixels * F)
        kiln_vec_column_sums(work + p->db + (size_t)n * F, dout, pixels, F);
}

void kiln_conv2d_end_backward(float *dw, float *db, const kiln_conv2d_plan *p, int N, float *work)
{
    if (dw) p->conv.algorithm->dw_join(dw, &p->conv, N, work + p->dw);
    if (db) kiln_vec_column_sums(db, work + p->db, N, p->conv.shape.F);
}

/* ---- whole ----------------------------------------------------------------------------------- */

typedef struct {
    const float *dout, *x;
    const kiln_conv2d_plan *p;
    int n, groups, wanted;
    float *work;
} job;

static void group_task(void *context, int group, int thread)
{
    const job *j = context;
    const kiln_conv_shape *s = &j->p->conv.shape;
    const int first = kiln_conv_group(j->n, j->groups, group),
              last = kiln_conv_group(j->n, j->groups, group + 1);

    kiln_conv2d_backward_images(NULL, j->dout + (size_t)first * s->OH * s->OW * s->F,
                                j->x + (size_t)first * s->H * s->W * s->C, j->p, j->n, group, first,
                                last, thread, j->wanted, j->work);
}

void kiln_conv2d_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, const kiln_conv2d_plan *p, int n, float *work)
{
    job j = {.dout = dout, .x = x, .p = p, .n = n, .groups = kiln_conv_groups(&p->conv, n),
             .wanted = (dw ? KILN_WANTS_DW : 0) | (db ? KILN_WANTS_DB : 0), .work = work};

    if (dx) kiln_conv_dx(dx, dout, w, &p->conv, n, work);
    if (j.wanted) kiln_parallel(j.groups, group_task, &j);
    kiln_conv2d_end_backward(dw, db, p, n, work);
}
