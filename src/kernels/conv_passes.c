/* What every algorithm of a convolution shares: its plan, groups of images, whole passes; see
 * conv.h. */
#include <assert.h>

#include "base/threads.h"
#include "kernels/conv.h"

#define GROUPS 8
#define GROUP_FLOATS ((size_t)1 << 21)

int kiln_conv_shape_finish(kiln_conv_shape *s)
{
    if (s->HH > s->H + 2 * s->pad_h || s->WW > s->W + 2 * s->pad_w) return 0;
    s->OH = (s->H + 2 * s->pad_h - s->HH) / s->stride + 1;
    s->OW = (s->W + 2 * s->pad_w - s->WW) / s->stride + 1;
    return 1;
}

/* ---- the plan -------------------------------------------------------------------------------- */

/* Zeros before the source are those of a convolution of stride 1 with flipped filters for dx. */
static kiln_conv_direction direction(const kiln_conv_shape *s, int transposed)
{
    if (transposed)
        return (kiln_conv_direction){.transposed = 1, .H = s->OH, .W = s->OW, .C = s->F,
                                     .RH = s->H, .RW = s->W, .F = s->C,
                                     .top = s->HH - 1 - s->pad_h, .left = s->WW - 1 - s->pad_w};
    return (kiln_conv_direction){.H = s->H, .W = s->W, .C = s->C,
                                 .RH = s->OH, .RW = s->OW, .F = s->F,
                                 .top = s->pad_h, .left = s->pad_w};
}

static size_t direction_work(const kiln_conv_direction *d)
{
    return d->filters + (size_t)kiln_threads() * d->padded;
}

void kiln_conv_plan_make(kiln_conv_plan *p, const kiln_conv_algorithm *a, const kiln_conv_shape *s)
{
    size_t forward, dx;

    *p = (kiln_conv_plan){.shape = *s, .algorithm = a, .forward = direction(s, 0),
                          .dx = direction(s, 1), .dw = {.step = 1}};
    a->plan(p);
    forward = direction_work(&p->forward);
    dx = direction_work(&p->dx);
    p->work = forward > dx ? forward : dx;
    p->dw.groups = kiln_conv_groups(p, s->N);
    p->dw_work = (size_t)p->dw.groups * p->dw.sums + (size_t)kiln_threads() * p->dw.padded;
}

int kiln_conv_groups(const kiln_conv_plan *p, int n)
{
    int groups = 1;

    while (groups < GROUPS && 2 * groups <= n &&
           (groups == 1 || 2 * groups * p->dw.group_floats <= GROUP_FLOATS))
        groups *= 2;
    return groups;
}

int kiln_conv_group(int n, int groups, int group)
{
    return (int)((long)n * group / groups);
}

size_t kiln_conv_work(const kiln_conv_plan *p)
{
    return p->work > p->dw_work ? p->work : p->dw_work;
}

/* ---- whole passes ---------------------------------------------------------------------------- */

void kiln_conv_forward(float *out, const float *x, const float *w, const float *b,
                       const kiln_conv_plan *p, int n, int relu, float *work)
{
    p->algorithm->filters(w, p, &p->forward, work);
    p->algorithm->images(out, x, b, p, &p->forward, n, relu, work);
}

void kiln_conv_dx(float *dx, const float *dout, const float *w, const kiln_conv_plan *p, int n,
                  float *work)
{
    p->algorithm->filters(w, p, &p->dx, work);
    p->algorithm->images(dx, dout, NULL, p, &p->dx, n, 0, work);
}

typedef struct {
    const float *dout, *x;
    const kiln_conv_plan *p;
    int n, groups;
    float *work;
} dw_job;

static void sum_group(void *context, int group, int thread)
{
    const dw_job *j = context;
    const kiln_conv_shape *s = &j->p->shape;
    const int first = kiln_conv_group(j->n, j->groups, group),
              end = kiln_conv_group(j->n, j->groups, group + 1);

    j->p->algorithm->dw_images(j->dout + (size_t)first * s->OH * s->OW * s->F,
                               j->x + (size_t)first * s->H * s->W * s->C, j->p, j->n, group, first,
                               end, thread, j->work);
}

void kiln_conv_dw(float *dw, const float *dout, const float *x, const kiln_conv_plan *p, int n,
                  float *work)
{
    dw_job j = {.dout = dout, .x = x, .p = p, .n = n, .groups = kiln_conv_groups(p, n),
                .work = work};

    assert(n <= p->shape.N);
    kiln_parallel(j.groups, sum_group, &j);
    p->algorithm->dw_join(dw, p, n, work);
}
