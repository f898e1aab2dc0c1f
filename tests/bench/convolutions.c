/* Convolutions timed, and held against the double reference. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "kernels/conv.h"
#include "kernels/winograd.h"
#include "kernels/winograd_rows.h"
#include "layers/layers.h"
#include "ref/ref_kernels.h"

/* The three of layers/conv2d.c. */
static const kiln_conv_algorithm *const algorithms[] = {&kiln_conv_direct, &kiln_winograd,
                                                        &kiln_winograd_rows};
enum { ALGORITHMS = sizeof algorithms / sizeof *algorithms };

typedef struct {
    kiln_conv_shape s;
    kiln_conv_plan plan[ALGORITHMS];
    const kiln_conv_plan *by;
    size_t x_size, w_size, out_size;
    float *x, *w, *b, *out;     /* read, and out as dout */
    float *dx, *dw, *result;    /* written */
    float *work;
} conv_job;

static void forward(void *context)
{
    const conv_job *j = context;

    kiln_conv_forward(j->result, j->x, j->w, j->b, j->by, j->s.N, 0, j->work);
}

static void dx(void *context)
{
    const conv_job *j = context;

    kiln_conv_dx(j->dx, j->out, j->w, j->by, j->s.N, j->work);
}

static void dw(void *context)
{
    const conv_job *j = context;

    kiln_conv_dw(j->dw, j->out, j->x, j->by, j->s.N, j->work);
}

enum { FORWARD, DX, DW, PASSES };
static const struct {
    const char *name;
    bench_action *act;
} passes[] = {{"forward", forward}, {"dx", dx}, {"dw", dw}};

/* Beside the direct algorithm the one that a net takes, and the layer that reads the image has no
 * dx. */
static int applies(int number, int pass, const kiln_conv_shape *s)
{
    const kiln_conv_algorithm *a = algorithms[number];

    if (a != &kiln_conv_direct && a != kiln_conv2d_algorithm(s)) return 0;
    return !(pass == DX && s->C == 3);
}

static int open_job(conv_job *j, const char *line)
{
    kiln_conv_shape *s = &j->s;
    size_t work = 0;

    if (sscanf(line, "conv %d %d %d %d %d %d %d %d %d", &s->N, &s->C, &s->H, &s->W, &s->F, &s->HH,
               &s->WW, &s->stride, &s->pad_h) != 9)
        return -1;
    s->pad_w = s->pad_h;
    if (!kiln_conv_shape_finish(s)) return -1;
    j->x_size = (size_t)s->N * s->H * s->W * s->C;
    j->w_size = (size_t)s->F * s->C * s->HH * s->WW;
    j->out_size = (size_t)s->N * s->OH * s->OW * s->F;
    j->x = bench_floats(j->x_size);
    j->w = bench_floats(j->w_size);
    j->b = bench_floats((size_t)s->F);
    j->out = bench_floats(j->out_size);
    j->dx = bench_floats(j->x_size);
    j->dw = bench_floats(j->w_size);
    j->result = bench_floats(j->out_size);
    for (int i = 0; i < ALGORITHMS; i++) {
        if (!algorithms[i]->fits(s)) continue;
        kiln_conv_plan_make(&j->plan[i], algorithms[i], s);
        if (work < kiln_conv_work(&j->plan[i])) work = kiln_conv_work(&j->plan[i]);
    }
    j->work = bench_floats(work);
    return 0;
}

static void close_job(conv_job *j)
{
    float *all[] = {j->x, j->w, j->b, j->out, j->dx, j->dw, j->result, j->work};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

int bench_conv(const char *line, char *text, size_t size)
{
    conv_job j;
    int length = 0;

    if (open_job(&j, line)) return -1;
    for (int i = 0; i < ALGORITHMS * PASSES; i++) {
        const int number = i / PASSES, pass = i % PASSES;

        if (!applies(number, pass, &j.s)) continue;
        j.by = &j.plan[number];

        const bench_times t = bench_measure(1, &passes[pass].act, &j);

        length += snprintf(text + length, size - (size_t)length,
                           "%s{\"kernel\":\"%s %s\",\"seconds\":%.9g,\"peak\":%.6g}",
                           i ? "," : "[", algorithms[number]->name, passes[pass].name,
                           t.seconds[0], t.peak);
    }
    snprintf(text + length, size - (size_t)length, "]");
    close_job(&j);
    return 0;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static double *doubles(size_t n)
{
    double *x = calloc(n, sizeof *x);

    if (!x) {
        fprintf(stderr, "no memory for %zu doubles\n", n);
        exit(1);
    }
    return x;
}

/* Largest difference, by the largest value. */
static double error_of(const float *x, const double *exact, size_t n)
{
    double error = 0, most = 0;

    for (size_t i = 0; i < n; i++) {
        error = fmax(error, fabs(x[i] - exact[i]));
        most = fmax(most, fabs(exact[i]));
    }
    return error / most;
}

int bench_conv_errors(const char *line, char *text, size_t size)
{
    conv_job j;
    int length = 0;

    if (open_job(&j, line)) return -1;

    const float *result[] = {j.result, j.dx, j.dw};
    const size_t sizes[] = {j.out_size, j.x_size, j.w_size};
    double *exact[] = {doubles(j.out_size), doubles(j.x_size), doubles(j.w_size)};

    ref_conv_forward(exact[FORWARD], NULL, j.x, j.w, j.b, &j.s);
    ref_conv_dx(exact[DX], NULL, j.out, j.w, &j.s);
    ref_conv_dw(exact[DW], NULL, j.out, j.x, &j.s);
    for (int i = 0; i < ALGORITHMS * PASSES; i++) {
        const int number = i / PASSES, pass = i % PASSES;

        if (!applies(number, pass, &j.s)) continue;
        j.by = &j.plan[number];
        passes[pass].act(&j);
        length += snprintf(text + length, size - (size_t)length,
                           "%s{\"kernel\":\"%s %s\",\"error\":%.4g}", i ? "," : "[",
                           algorithms[number]->name, passes[pass].name,
                           error_of(result[pass], exact[pass], sizes[pass]));
    }
    snprintf(text + length, size - (size_t)length, "]");
    for (int i = 0; i < 3; i++) free(exact[i]);
    close_job(&j);
    return 0;
}
