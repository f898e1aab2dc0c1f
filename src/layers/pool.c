/*
 * Max and average pooling, channels last.         cs231n: max_pool_forward, max_pool_backward
 *
 *   max      out = max over the window         dx += dout at its place: the first, row by row
 *   average  out = Σ over the window / HH·WW   dx += dout / (HH·WW) all over the window
 *
 * x (N, H, W, C)   out (N, OH, OW, C);  OH = (H - HH) / stride + 1, rounded down.
 *
 * A vector is neighbouring channels of one pixel, so a window is HH·WW loads and no shuffles. Where
 * windows do not overlap (stride >= window) backward writes each dx once; else it adds to a dx of
 * zeros, windows in order. One image is one task. The 2x2 window, nearly all there is, has its
 * loops unrolled by constants. A NaN in a window wins it and gets the gradient, as the course's
 * np.max and argmax have it.
 *
 * Forward keeps the place of each maximum, so backward needs no x, which is the largest value of
 * many a net and four times as many floats as there are places.
 * Source: cs231n notes, convolutional-networks ("Pooling Layer"); assignment 2, the naive pool.
 */
#include "base/simd.h"
#include "base/threads.h"
#include "layers/layers.h"

#define INLINE __attribute__((always_inline)) static inline

typedef struct {
    float *to; /* forward: out; backward: dx */
    const float *x, *dout;
    int32_t *place; /* of the maxima */
    const kiln_pool_shape *s;
    int relu; /* max forward: x is a relu's output, through which backward will go as well */
} pool_job;

/* One window: at is in x or dx, `one` in out or dout, for n channels (KILN_LANES, or fewer). */
typedef void window_op(const pool_job *job, size_t at, size_t one, int HH, int WW, int n);

int kiln_pool_shape_finish(kiln_pool_shape *s)
{
    s->OH = s->OW = 0;
    if (s->HH < 1 || s->WW < 1 || s->stride < 1 || s->HH > s->H || s->WW > s->W) return 0;
    s->OH = (s->H - s->HH) / s->stride + 1;
    s->OW = (s->W - s->WW) / s->stride + 1;
    return 1;
}

/* Position of x[n, i, j, c] in an array of rows of W pixels, H rows. */
static size_t position(int n, int i, int j, int H, int W, int C)
{
    return (((size_t)n * H + i) * W + j) * C;
}

/* The windows of image n: `end` channels in whole vectors, the last over some that are done where
 * they are no multiple, then `part` channels more. */
INLINE void each_window(const pool_job *job, int n, int HH, int WW, window_op *op, int end,
                        int part)
{
    const kiln_pool_shape *s = job->s;

    for (int i = 0; i < s->OH; i++)
        for (int j = 0; j < s->OW; j++) {
            const size_t at = position(n, i * s->stride, j * s->stride, s->H, s->W, s->C);
            const size_t one = position(n, i, j, s->OH, s->OW, s->C);

            for (int next = 0; next < end; next += KILN_LANES) {
                const int c = next + KILN_LANES <= end ? next : end - KILN_LANES;

                op(job, at + c, one + c, HH, WW, KILN_LANES);
            }
            if (part) op(job, at + end, one + end, HH, WW, part);
        }
}

/* Calls op for every window of image n and every vector of channels. A window that may be done
 * twice has no part of a vector, which is slower. op is written out three times here. */
INLINE void each_window_of(const pool_job *job, int n, window_op *op, int twice)
{
    const kiln_pool_shape *s = job->s;
    const int left = s->C % KILN_LANES, part = twice && s->C > KILN_LANES ? 0 : left;

    if (s->HH == 2 && s->WW == 2 && part == 0)
        each_window(job, n, 2, 2, op, s->C, 0);
    else
        each_window(job, n, s->HH, s->WW, op, s->C - part, part);
}

static int windows_overlap(const kiln_pool_shape *s)
{
    return s->stride < s->HH || s->stride < s->WW;
}

/* Before backward writes or adds: zeros where no window, or more than one, decides. */
static void clear_image(const pool_job *job, int n)
{
    const kiln_pool_shape *s = job->s;
    const size_t size = position(1, 0, 0, s->H, s->W, s->C);

    if (s->stride != s->HH || s->stride != s->WW || s->H % s->stride || s->W % s->stride)
        memset(job->to + n * size, 0, size * sizeof *job->to);
}

/* ---- max ------------------------------------------------------------------------------------- */

INLINE vm load_place(const int32_t *p, int n)
{
    vm place = {0};

    memcpy(&place, p, (size_t)n * sizeof *p);
    return place;
}

INLINE void store_place(int32_t *p, vm place, int n)
{
    memcpy(p, &place, (size_t)n * sizeof *p);
}

/* i where that is better; three plain operations are quicker than one selection. */
INLINE vm better_place(vm better, int i, vm place)
{
    return place ^ ((place ^ vm_set1(i)) & better);
}

/* The maximum of a window where the first NaN wins. */
static __attribute__((noinline)) void max_of_any(vf *max, vm *place, const float *x, size_t row,
                                                 size_t pixel, int HH, int WW, int n)
{
    *max = vf_load_first(x, n);
    *place = vm_set1(0);
    for (int y = 0; y < HH; y++)
        for (int k = 0; k < WW; k++) {
            const vf v = vf_load_first(x + y * row + k * pixel, n);
            const vm better = (v > *max) | ((v != v) & (*max == *max));

            *place = better_place(better, y * WW + k, *place);
            *max = vf_select(better, v, *max);
        }
}

/* vf_max loses NaNs; the sum of the window has one if it has, and else seldom: inf - inf. */
INLINE void max_window(const pool_job *job, size_t at, size_t one, int HH, int WW, int n)
{
    const size_t pixel = (size_t)job->s->C, row = pixel * (size_t)job->s->W;
    const float *x = job->x + at;
    vf max = vf_load_first(x, n), sum = max;
    vm place = vm_set1(0);

    for (int y = 0; y < HH; y++)
        for (int k = y == 0; k < WW; k++) {
            const vf v = vf_load_first(x + y * row + k * pixel, n);

            place = better_place(v > max, y * WW + k, place);
            max = vf_max(v, max);
            sum += v;
        }
    if (vf_any_nan(sum)) max_of_any(&max, &place, x, row, pixel, HH, WW, n);
    vf_store_first(job->to + one, max, n);
    if (!job->place) return;
    if (job->relu) place |= ~(max > vf_set1(0)); /* -1: no place */
    store_place(job->place + one, place, n);
}

static void max_task(void *context, int n, int thread)
{
    (void)thread;
    each_window_of(context, n, max_window, 1);
}

void kiln_maxpool_forward(float *out, int32_t *place, const float *x, const kiln_pool_shape *s,
                          int relu)
{
    pool_job job = {out, x, NULL, place, s, relu};

    kiln_parallel(s->N, max_task, &job);
}

/* add != 0: windows overlap. */
INLINE void max_gradient(const pool_job *job, size_t at, size_t one, int HH, int WW, int n, int add)
{
    const size_t pixel = (size_t)job->s->C, row = pixel * (size_t)job->s->W;
    const vf dout = vf_load_first(job->dout + one, n);
    const vm place = load_place(job->place + one, n);

    for (int y = 0; y < HH; y++)
        for (int k = 0; k < WW; k++) {
            const size_t here = at + y * row + k * pixel;
            const vf share = (vf)((vm)dout & (place == vm_set1(y * WW + k)));

            vf_store_first(job->to + here,
                           add ? vf_load_first(job->to + here, n) + share : share, n);
        }
}

INLINE void max_gradient_write(const pool_job *job, size_t at, size_t one, int HH, int WW, int n)
{
    max_gradient(job, at, one, HH, WW, n, 0);
}

INLINE void max_gradient_add(const pool_job *job, size_t at, size_t one, int HH, int WW, int n)
{
    max_gradient(job, at, one, HH, WW, n, 1);
}

static void max_gradient_task(void *context, int n, int thread)
{
    const pool_job *job = context;

    (void)thread;
    clear_image(job, n);
    if (windows_overlap(job->s))
        each_window_of(job, n, max_gradient_add, 0);
    else
        each_window_of(job, n, max_gradient_write, 1);
}

void kiln_maxpool_backward(float *dx, const float *dout, const int32_t *place,
                           const kiln_pool_shape *s)
{
    pool_job job = {dx, NULL, dout, (int32_t *)place, s, 0};

    kiln_parallel(s->N, max_gradient_task, &job);
}

/* ---- average --------------------------------------------------------------------------------- */

INLINE void mean_window(const pool_job *job, size_t at, size_t one, int HH, int WW, int n)
{
    const size_t pixel = (size_t)job->s->C, row = pixel * (size_t)job->s->W;
    vf sum = vf_set1(0);

    for (int y = 0; y < HH; y++)
        for (int k = 0; k < WW; k++) sum += vf_load_first(job->x + at + y * row + k * pixel, n);
    vf_store_first(job->to + one, sum / (float)(HH * WW), n);
}

static void mean_task(void *context, int n, int thread)
{
    (void)thread;
    each_window_of(context, n, mean_window, 1);
}

void kiln_avgpool_forward(float *out, const float *x, const kiln_pool_shape *s)
{
    pool_job job = {out, x, NULL, NULL, s, 0};

    kiln_parallel(s->N, mean_task, &job);
}

INLINE void mean_gradient(const pool_job *job, size_t at, size_t one, int HH, int WW, int n,
                          int add)
{
    const size_t pixel = (size_t)job->s->C, row = pixel * (size_t)job->s->W;
    const vf share = vf_load_first(job->dout + one, n) / (float)(HH * WW);

    for (int y = 0; y < HH; y++)
        for (int k = 0; k < WW; k++) {
            const size_t here = at + y * row + k * pixel;

            vf_store_first(job->to + here,
                           add ? vf_load_first(job->to + here, n) + share : share, n);
        }
}

INLINE void mean_gradient_write(const pool_job *job, size_t at, size_t one, int HH, int WW, int n)
{
    mean_gradient(job, at, one, HH, WW, n, 0);
}

INLINE void mean_gradient_add(const pool_job *job, size_t at, size_t one, int HH, int WW, int n)
{
    mean_gradient(job, at, one, HH, WW, n, 1);
}

static void mean_gradient_task(void *context, int n, int thread)
{
    const pool_job *job = context;

    (void)thread;
    clear_image(job, n);
    if (windows_overlap(job->s))
        each_window_of(job, n, mean_gradient_add, 0);
    else
        each_window_of(job, n, mean_gradient_write, 1);
}

void kiln_avgpool_backward(float *dx, const float *dout, const kiln_pool_shape *s)
{
    pool_job job = {dx, NULL, dout, NULL, s, 0};

    kiln_parallel(s->N, mean_gradient_task, &job);
}
