/* One image through a net that keeps all it computes; see inspect.h. */
#include "train/inspect.h"

#include <string.h>

#include "base/status.h"
#include "data/batch.h"

static int make(kiln_net **inspector, const kiln_learner *l, const char *notation)
{
    kiln_net_options o = *kiln_net_made_with(l->net);

    o.batch = 1, o.keep = 1, o.inference = 0;
    KILN_TRY(kiln_net_make(inspector, notation, &o));
    kiln_net_set_dropout(*inspector, 0.0f);
    return KILN_OK;
}

/*
 * Gradients come from a pass in train mode, which backward needs, without dropout; outputs are then
 * overwritten by those of test mode, which is what the net answers for this image.
 */
int kiln_inspect(kiln_net **inspector, const kiln_learner *l, const char *notation,
                 const kiln_evaluator *e, int split, int i)
{
    float *w, *dw;
    int y;

    KILN_TRY(kiln_evaluator_check(e));
    if (!*inspector) KILN_TRY(make(inspector, l, notation));
    kiln_net_parameters(*inspector, &w, &dw);
    memcpy(w, l->w, l->floats * sizeof *w);
    for (int train = 1; train >= 0; train--) {
        kiln_statistics_copy(*inspector, l->net); /* a pass in train mode moves them */
        kiln_batch_decode(kiln_net_input(*inspector), &y, e->data, split, NULL, i, 1,
                          e->normalize, NULL, 0, 0);
        kiln_net_forward(*inspector, 1, train);
        if (!train) break;
        kiln_net_data_loss(*inspector, &y, 1);
        kiln_net_backward(*inspector, 1);
    }
    return KILN_OK;
}
