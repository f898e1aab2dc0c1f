/* What a run tells of itself; see trainer.h. */
#include "train/trainer.h"

static void number_or_null(kiln_json *j, const char *key, double value, int known)
{
    if (known)
        kiln_json_number(j, key, value);
    else
        kiln_json_null(j, key);
}

/* What the history keeps, and so a checkpoint, is told to the same digits wherever it is told. */
static void float_or_null(kiln_json *j, const char *key, float value, int known)
{
    if (known)
        kiln_json_float(j, key, value);
    else
        kiln_json_null(j, key);
}

void kiln_run_metrics_json(const kiln_run *r, kiln_json *j)
{
    const kiln_run_metrics *m = &r->metrics;

    kiln_json_object(j, NULL);
    kiln_json_int(j, "step", r->place.step);
    kiln_json_int(j, "epoch", r->place.epoch + (r->place.position > 0));
    kiln_json_int(j, "steps", kiln_run_steps(r));
    kiln_json_number(j, "epochs", r->o.epochs);
    number_or_null(j, "loss", m->loss, m->measured);
    number_or_null(j, "dataLoss", m->data_loss, m->measured);
    number_or_null(j, "regLoss", m->reg_loss, m->measured);
    number_or_null(j, "accuracy", m->accuracy, m->measured);
    float_or_null(j, "lr", (float)m->lr, m->measured); /* what the step took */
    number_or_null(j, "gradientNorm", m->gradient_norm, m->measured);
    number_or_null(j, "updateRatio", m->update_ratio, m->update_ratio >= 0);
    kiln_json_float(j, "trainLoss", m->train_loss);
    float_or_null(j, "trainAccuracy", m->train_accuracy, m->train_accuracy >= 0);
    float_or_null(j, "valAccuracy", m->val_accuracy, m->val_accuracy >= 0);
    float_or_null(j, "bestValAccuracy", (float)r->best.accuracy, r->best.accuracy >= 0);
    number_or_null(j, "bestEpoch", r->best.epoch, r->best.accuracy >= 0);
    kiln_json_close(j);
}
