/* The last sane state of a run; see kept.h. */
#include "train/kept.h"

#include <string.h>

#include "base/scalar.h"

#define GROWTH 4.0 /* of Σw², since the run started; never less than 1 a weight */
#define LOST 1e3   /* times a loss within reason */

void kiln_kept_lay_out(kiln_kept *k, const kiln_run *r, kiln_arena *a)
{
    k->w = kiln_arena_take(a, r->floats, sizeof(float));
    k->statistics = kiln_arena_take(a, r->statistics, sizeof(float));
    for (int i = 0; i < r->states; i++)
        k->state[i] = kiln_arena_take(a, r->floats, sizeof(float));
}

static void keep(kiln_run *r, const float *statistics)
{
    kiln_kept *k = &r->kept;

    memcpy(k->w, r->w, r->floats * sizeof(float));
    memcpy(k->statistics, statistics, r->statistics * sizeof(float));
    for (int i = 0; i < r->states; i++)
        memcpy(k->state[i], r->state[i], r->floats * sizeof(float));
    k->step = r->step;
    k->position = r->position;
    k->epoch = r->epoch;
    k->loss_sum = r->loss_sum;
    k->loss_count = r->loss_count;
}

void kiln_kept_start(kiln_run *r)
{
    kiln_statistics_get(r->net, r->statistics_before);
    keep(r, r->statistics_before);
    r->kept.start_loss = -1;
}

/* The loss of a net that knows nothing, or the one that the run started from. */
static double within_reason(const kiln_run *r)
{
    const double chance = kiln_log(r->data->classes);

    return r->kept.start_loss > chance ? r->kept.start_loss : chance;
}

int kiln_kept_lost(const kiln_run *r, double data_loss)
{
    return r->kept.start_loss >= 0 && data_loss > LOST * within_reason(r);
}

void kiln_kept_offer(kiln_run *r, double data_loss, double w_squares, const float *statistics)
{
    kiln_kept *k = &r->kept;

    if (k->start_loss < 0) {
        k->start_loss = data_loss;
        k->start_squares = w_squares;
    }
    if (data_loss > within_reason(r)) return;
    if (w_squares > GROWTH * k->start_squares && w_squares > (double)r->floats) return;
    keep(r, statistics);
}

static void cut_history(kiln_history *h, int64_t step)
{
    while (h->losses && h->loss_step[h->losses - 1] > step) h->losses--;
    while (h->epochs && h->epoch_at[h->epochs - 1][1] > step) h->epochs--;
}

void kiln_kept_restore(kiln_run *r)
{
    const kiln_kept *k = &r->kept;

    memcpy(r->w, k->w, r->floats * sizeof(float));
    kiln_statistics_set(r->net, k->statistics);
    for (int i = 0; i < r->states; i++)
        memcpy(r->state[i], k->state[i], r->floats * sizeof(float));
    r->step = k->step;
    r->position = k->position;
    r->epoch = k->epoch;
    r->loss_sum = k->loss_sum;
    r->loss_count = k->loss_count;
    cut_history(&r->history, k->step);
}
