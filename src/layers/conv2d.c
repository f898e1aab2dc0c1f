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

#define CHUNKS 16 /* of the pixels, for db */

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

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t kiln_conv2d_work(const kiln_conv_shape *s)
{
    size_t most = larger(kiln_conv_work(s), (size_t)CHUNKS * s->F);

    if (kiln_winograd_fits(s)) most = larger(most, kiln_winograd_work(s));
    if (kiln_winograd_rows_fits(s)) most = larger(most, kiln_winograd_rows_work(s));
    return most;
}

void kiln_conv2d_forward(float *out, const float *x, const float *w, const float *b,
                         const kiln_conv_shape *s, int relu, float *work)
{
    switch (kiln_conv2d_algorithm(s)) {
    case KILN_CONV_WINOGRAD: kiln_winograd_forward(out, x, w, b, s, relu, work); break;
    case KILN_CONV_WINOGRAD_ROWS: kiln_winograd_rows_forward(out, x, w, b, s, relu, work); break;
    default: kiln_conv_forward(out, x, w, b, s, relu, work);
    }
}

static void conv2d_dx(float *dx, const float *dout, const float *w, const kiln_conv_shape *s,
                      float *work)
{
    switch (kiln_conv2d_algorithm(s)) {
    case KILN_CONV_WINOGRAD: kiln_winograd_dx(dx, dout, w, s, work); break;
    case KILN_CONV_WINOGRAD_ROWS: kiln_winograd_rows_dx(dx, dout, w, s, work); break;
    default: kiln_conv_dx(dx, dout, w, s, work);
    }
}

static void conv2d_dw(float *dw, const float *dout, const float *x, const kiln_conv_shape *s,
                      float *work)
{
    switch (kiln_conv2d_algorithm(s)) {
    case KILN_CONV_WINOGRAD: kiln_winograd_dw(dw, dout, x, s, work); break;
    case KILN_CONV_WINOGRAD_ROWS: kiln_winograd_rows_dw(dw, dout, x, s, work); break;
    default: kiln_conv_dw(dw, dout, x, s, work);
    }
}

typedef struct {
    const float *dout;
    float *part;
    int rows, F;
} sums;

static void sum_chunk(void *context, int chunk, int thread)
{
    const sums *j = context;
    const int first = (int)((int64_t)j->rows * chunk / CHUNKS);
    const int end = (int)((int64_t)j->rows * (chunk + 1) / CHUNKS);

    (void)thread;
    kiln_vec_column_sums(j->part + chunk * j->F, j->dout + (size_t)first * j->F, end - first, j->F);
}

/* Chunks of pixels, then the chunks in order. */
static void conv2d_db(float *db, const float *dout, const kiln_conv_shape *s, float *work)
{
    sums j = {dout, work, s->N * s->OH * s->OW, s->F};

    kiln_parallel(CHUNKS, sum_chunk, &j);
    kiln_vec_column_sums(db, work, CHUNKS, s->F);
}

void kiln_conv2d_backward(float *dx, float *dw, float *db, const float *dout, const float *x,
                          const float *w, const kiln_conv_shape *s, float *work)
{
    if (dx) conv2d_dx(dx, dout, w, s, work);
    conv2d_dw(dw, dout, x, s, work);
    conv2d_db(db, dout, s, work);
}
