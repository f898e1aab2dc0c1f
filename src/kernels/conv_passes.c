/* Whole passes of a convolution, by any algorithm; see conv.h. */
#include "base/threads.h"
#include "kernels/conv.h"

int kiln_conv_shape_finish(kiln_conv_shape *s)
{
    if (s->HH > s->H + 2 * s->pad_h || s->WW > s->W + 2 * s->pad_w) return 0;
    s->OH = (s->H + 2 * s->pad_h - s->HH) / s->stride + 1;
    s->OW = (s->W + 2 * s->pad_w - s->WW) / s->stride + 1;
    return 1;
}

int kiln_conv_group(const kiln_conv_shape *s, int groups, int group)
{
    return (int)((long)s->N * group / groups);
}

size_t kiln_conv_work(const kiln_conv_algorithm *a, const kiln_conv_shape *s)
{
    const size_t images = a->work(s), dw = a->dw_work(s);

    return images > dw ? images : dw;
}

void kiln_conv_forward(const kiln_conv_algorithm *a, float *out, const float *x, const float *w,
                       const float *b, const kiln_conv_shape *s, int relu, float *work)
{
    a->filters(w, s, 0, work);
    a->images(out, x, b, s, 0, relu, work);
}

void kiln_conv_dx(const kiln_conv_algorithm *a, float *dx, const float *dout, const float *w,
                  const kiln_conv_shape *s, float *work)
{
    a->filters(w, s, 1, work);
    a->images(dx, dout, NULL, s, 1, 0, work);
}

typedef struct {
    const kiln_conv_algorithm *a;
    const float *dout, *x;
    const kiln_conv_shape *s;
    int groups;
    float *work;
} dw_job;

static void sum_group(void *context, int group, int thread)
{
    const dw_job *j = context;
    const kiln_conv_shape *s = j->s;
    const int first = kiln_conv_group(s, j->groups, group);

    j->a->dw_images(j->dout + (size_t)first * s->OH * s->OW * s->F,
                    j->x + (size_t)first * s->H * s->W * s->C, s, group, first,
                    kiln_conv_group(s, j->groups, group + 1), thread, j->work);
}

void kiln_conv_dw(const kiln_conv_algorithm *a, float *dw, const float *dout, const float *x,
                  const kiln_conv_shape *s, float *work)
{
    dw_job j = {a, dout, x, s, a->dw_groups(s), work};

    kiln_parallel(j.groups, sum_group, &j);
    a->dw_join(dw, s, work);
}
