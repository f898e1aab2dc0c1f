/* Bounded lists of losses and epochs; see history.h. */
#include "train/history.h"

#include <stdio.h>
#include <string.h>

void kiln_history_clear(kiln_history *h)
{
    memset(h, 0, sizeof *h);
    h->stride = 1;
}

void kiln_history_add_loss(kiln_history *h, int64_t step, double loss)
{
    if (step % h->stride) return;
    if (h->losses == KILN_HISTORY_LOSSES) {
        for (int i = 0; i < KILN_HISTORY_LOSSES / 2; i++) {
            h->loss_step[i] = h->loss_step[2 * i + 1];
            h->loss[i] = h->loss[2 * i + 1];
        }
        h->losses = KILN_HISTORY_LOSSES / 2;
        h->stride *= 2;
        if (step % h->stride) return;
    }
    h->loss_step[h->losses] = (int32_t)step;
    h->loss[h->losses++] = (float)loss;
}

void kiln_history_add_epoch(kiln_history *h, const kiln_epoch_record *r)
{
    const int32_t at[2] = {r->epoch, r->step};
    const float value[4] = {r->train_loss, r->train_accuracy, r->val_accuracy, r->lr};

    if (h->epochs == KILN_HISTORY_EPOCHS) {
        for (int i = 0; i < KILN_HISTORY_EPOCHS / 2; i++) {
            memcpy(h->epoch_at[i], h->epoch_at[2 * i + 1], sizeof at);
            memcpy(h->epoch_value[i], h->epoch_value[2 * i + 1], sizeof value);
        }
        h->epochs = KILN_HISTORY_EPOCHS / 2;
    }
    memcpy(h->epoch_at[h->epochs], at, sizeof at);
    memcpy(h->epoch_value[h->epochs++], value, sizeof value);
}

void kiln_history_note_change(kiln_history *h, const char *what)
{
    if (what && !*h->changed) snprintf(h->changed, sizeof h->changed, "%s", what);
}

static void accuracy_json(kiln_json *j, const char *key, float accuracy)
{
    if (accuracy < 0)
        kiln_json_null(j, key);
    else
        kiln_json_float(j, key, accuracy);
}

void kiln_history_json(const kiln_history *h, kiln_json *j)
{
    kiln_json_object(j, NULL);
    kiln_json_array(j, "loss");
    for (int i = 0; i < h->losses; i++) {
        kiln_json_array(j, NULL);
        kiln_json_int(j, NULL, h->loss_step[i]);
        kiln_json_float(j, NULL, h->loss[i]);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    kiln_json_array(j, "epochs");
    for (int i = 0; i < h->epochs; i++) {
        const float *value = h->epoch_value[i];

        kiln_json_object(j, NULL);
        kiln_json_int(j, "epoch", h->epoch_at[i][0]);
        kiln_json_int(j, "step", h->epoch_at[i][1]);
        kiln_json_float(j, "trainLoss", value[0]);
        accuracy_json(j, "trainAccuracy", value[1]);
        accuracy_json(j, "valAccuracy", value[2]);
        kiln_json_float(j, "lr", value[3]);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    if (*h->changed)
        kiln_json_string(j, "changed", h->changed);
    else
        kiln_json_null(j, "changed");
    kiln_json_close(j);
}
