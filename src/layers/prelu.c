/*
 * Parametric relu: a slope for each channel below 0.
 *
 *   out = x, or slope[c]·x where x < 0      dx = dout, or slope[c]·dout where x < 0
 *   dslope[c] = Σ_r dout[r, c]·x[r, c] over the rows where x < 0
 *
 * x (R, C)   slope (C)   out (R, C); of an image a row is a pixel. A NaN is passed on.
 * Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015, equations 1, 8 to 11.
 */
#include "base/simd.h"
#include "base/threads.h"
#include "kernels/vec.h"
#include "layers/layers.h"

enum { ROWS = 256 }; /* of a task */

typedef struct {
    float *out, *share; /* share: what each element adds to dslope; NULL: not wanted */
    const float *x, *dout, *slope; /* out is of dout; forward: x */
    int R, C;
} job;

static void rows_task(void *context, int task, int thread)
{
    const job *j = context;
    const int first = task * ROWS, last = j->R - first < ROWS ? j->R : first + ROWS;

    (void)thread;
    for (int r = first; r < last; r++)
        for (int c = 0; c < j->C; c += KILN_LANES) {
            const size_t at = (size_t)r * j->C + c;
            const int left = j->C - c;
            const vf x = vf_load_first(j->x + at, left), dout = vf_load_first(j->dout + at, left);
            const vf slope = vf_load_first(j->slope + c, left);

            if (j->share)
                vf_store_first(j->share + at, vf_select(x < 0.0f, dout * x, vf_set1(0)), left);
            if (j->out) vf_store_first(j->out + at, vf_select(x < 0.0f, slope * dout, dout), left);
        }
}

static void run(const job *j)
{
    kiln_parallel((j->R - 1) / ROWS + 1, rows_task, (void *)j);
}

void kiln_prelu_forward(float *out, const float *x, const float *slope, int R, int C)
{
    const job j = {out, NULL, x, x, slope, R, C};

    run(&j);
}

void kiln_prelu_backward(float *dx, float *dslope, const float *dout, const float *x,
                         const float *slope, int R, int C, float *work)
{
    const job j = {dx, dslope ? work : NULL, x, dout, slope, R, C};

    run(&j);
    if (dslope) kiln_vec_column_sums(dslope, work, R, C);
}
