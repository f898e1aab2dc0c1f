/* The last sane state of a run; see kept.h. */
#include "train/kept.h"

#include <string.h>

#include "base/scalar.h"

#define GROWTH 4.0 /* of Σw², since the run started; never less than 1 a weight */
#define LOST 1e3   /* times a loss within reason */

void kiln_kept_lay_out(kiln_kept *k, const kiln_learner *l, kiln_arena *a)
{
    kiln_snapshot_lay_out(&k->state, l, KILN_SNAPSHOT_WHOLE, a);
    k->statistics = kiln_arena_take(a, l->statistics, sizeof(float));
}

void kiln_kept_start(kiln_kept *k, const kiln_learner *l, const kiln_place *place, int classes)
{
    kiln_snapshot_take(&k->state, l);
    k->place = *place;
    k->chance = kiln_log(classes);
    k->start_loss = -1;
}

/* The loss of a net that knows nothing, or the one that the run started from. */
static double within_reason(const kiln_kept *k)
{
    return k->start_loss > k->chance ? k->start_loss : k->chance;
}

int kiln_kept_lost(const kiln_kept *k, double data_loss)
{
    return k->start_loss >= 0 && data_loss > LOST * within_reason(k);
}

void kiln_kept_before(kiln_kept *k, const kiln_learner *l)
{
    kiln_statistics_get(l->net, k->statistics);
}

void kiln_kept_offer(kiln_kept *k, const kiln_learner *l, const kiln_place *place,
                     double data_loss, double w_squares)
{
    if (k->start_loss < 0) {
        k->start_loss = data_loss;
        k->start_squares = w_squares;
    }
    if (data_loss > within_reason(k)) return;
    if (w_squares > GROWTH * k->start_squares && w_squares > (double)l->floats) return;
    kiln_snapshot_take(&k->state, l);
    memcpy(k->state.statistics, k->statistics, l->statistics * sizeof(float));
    k->place = *place;
}

static void cut_history(kiln_history *h, int64_t step)
{
    while (h->losses && h->loss_step[h->losses - 1] > step) h->losses--;
    while (h->epochs && h->epoch_at[h->epochs - 1][1] > step) h->epochs--;
}

void kiln_kept_restore(const kiln_kept *k, kiln_learner *l, kiln_place *place, kiln_history *h)
{
    kiln_snapshot_put_back(&k->state, l);
    *place = k->place;
    cut_history(h, k->place.step);
}
