/*
 * Learning-rate schedules (cs231n: Solver's lr_decay, "Annealing the learning rate"; Loshchilov and
 * Hutter 2017, SGDR, equation 5; Smith and Topin 2018, one-cycle). With e = step / steps_per_epoch,
 * whole epochs done, and p the share of the steps after the warm-up that are done, in [0, 1]:
 *
 *   step          decay^floor(e / every)          exponential   decay^e
 *   cosine        final + (1 - final)·(1 + cos πp) / 2
 *   one-cycle     start to 1 in the warm-up along half a cosine, then as cosine
 *   linear        start to 1 in the warm-up, then 1 to final, along straight lines
 *   warm-up       (step + 1) / warm steps, times the schedule
 */
#include "train/schedule.h"

#include "base/scalar.h"

#define PI 3.14159265358979323846
#define ONECYCLE_RISE 0.3

/* From `from` at p = 0 to `to` at p = 1 along half a cosine. */
static double anneal(double from, double to, double p)
{
    return to + (from - to) * 0.5 * (1.0 + kiln_cos(PI * p));
}

/* The same along a straight line. */
static double slope(double from, double to, double p)
{
    return from + (to - from) * p;
}

/* (step - begin) / (last - begin), within [0, 1]; 1 where there is nothing between. */
static double progress(int64_t step, int64_t begin, int64_t last)
{
    if (step >= last) return 1.0;
    if (step <= begin) return 0.0;
    return (double)(step - begin) / (double)(last - begin);
}

double kiln_schedule_factor(const kiln_schedule *s, int64_t step, int64_t steps_per_epoch,
                            int64_t steps)
{
    const int64_t last = steps - 1;
    int64_t warm = (int64_t)(s->warmup * (double)steps_per_epoch);
    double factor = 1.0;

    if (step > last) step = last;
    if (s->kind == KILN_SCHEDULE_onecycle) {
        if (warm == 0) warm = (int64_t)(ONECYCLE_RISE * (double)(last + 1));
        if (step < warm) return anneal(s->start, 1.0, progress(step, 0, warm));
        return anneal(1.0, s->final, progress(step, warm, last));
    }
    if (s->kind == KILN_SCHEDULE_linear)
        return step < warm ? slope(s->start, 1.0, progress(step, 0, warm))
                           : slope(1.0, s->final, progress(step, warm, last));
    if (s->kind == KILN_SCHEDULE_cosine)
        factor = anneal(1.0, s->final, progress(step, warm, last));
    else if (s->kind == KILN_SCHEDULE_step)
        factor = kiln_pow(s->decay, (double)(step / steps_per_epoch / s->every));
    else if (s->kind == KILN_SCHEDULE_exponential)
        factor = kiln_pow(s->decay, (double)(step / steps_per_epoch));
    if (step < warm) factor *= (double)(step + 1) / (double)warm;
    return factor;
}
