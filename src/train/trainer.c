/*
 * The training loop's body (cs231n: Solver._step, Solver.train).
 *
 *   draw images - decode and augment - forward - loss + 0.5·reg·ΣW² - backward - clip - update
 *
 * Nothing of the state changes before loss and gradient are known to be finite, but for the running
 * statistics. A step that diverges takes the run back to its last sane state (kept.h), which is
 * kept at the start of an epoch and in each KILN_RUN_RATIO_EVERY-th step. Sums of squares are taken
 * in float blocks, so a finite |w| and |dw| bound every element by 2e19. |dw| is looked at in each
 * step, |w| in each KILN_RUN_RATIO_EVERY-th: with lr <= 1000 no update of such values overflows
 * until the next look, and parameters stay finite for good.
 */
#include "train/trainer.h"

#include <string.h>

#include "base/scalar.h"
#include "base/status.h"
#include "kernels/vec.h"
#include "train/inspect.h"
#include "train/run_make.h"
#include "train/rules.h"

/* ---- where the run stands -------------------------------------------------------------------- */

int64_t kiln_run_steps_per_epoch(const kiln_run *r)
{
    return r->images > r->o.batch ? r->images / r->o.batch : 1;
}

/* Whole epochs of the run, and the steps of the part of one behind them; one step at least. */
static int64_t whole_epochs(const kiln_run *r)
{
    return (int64_t)r->o.epochs;
}

static int64_t part_steps(const kiln_run *r)
{
    const int64_t whole = whole_epochs(r);
    const double part = (r->o.epochs - (double)whole) * (double)kiln_run_steps_per_epoch(r);
    const int64_t steps = (int64_t)(part + 0.5);

    return whole == 0 && steps == 0 ? 1 : steps;
}

/* Whether all epochs were trained. */
static int epochs_over(const kiln_run *r)
{
    const int64_t whole = whole_epochs(r);

    return r->place.epoch > whole ||
           (r->place.epoch == whole && r->place.position >= part_steps(r) * r->o.batch);
}

static int steps_over(const kiln_run *r)
{
    return epochs_over(r) || (r->o.max_steps && r->place.step >= r->o.max_steps);
}

static int out_of_patience(const kiln_run *r)
{
    return r->o.patience && r->best.accuracy >= 0 &&
           r->place.epoch - r->best.epoch >= r->o.patience;
}

int kiln_run_over(const kiln_run *r)
{
    return steps_over(r) || out_of_patience(r);
}

/* Those that are left of the epoch that was begun; of a fresh one all. */
static int64_t steps_of_epoch(const kiln_run *r)
{
    const int64_t rest = (r->images - r->place.position) / r->o.batch;

    if (r->place.position == 0) return kiln_run_steps_per_epoch(r);
    return rest > 0 ? rest : 1;
}

/* Those taken and those to come: a batch changed on the way leaves what is behind as it is. */
int64_t kiln_run_steps(const kiln_run *r)
{
    const int64_t epochs = whole_epochs(r) - r->place.epoch; /* that are left, this one included */
    int64_t steps = r->place.step + part_steps(r);

    if (kiln_run_over(r)) return r->place.step;
    if (epochs > 0)
        steps += (epochs - 1) * kiln_run_steps_per_epoch(r) + steps_of_epoch(r);
    else
        steps -= r->place.position / r->o.batch;
    return r->o.max_steps && r->o.max_steps < steps ? r->o.max_steps : steps;
}

/* The step that schedules go by. Counted in epochs, so that a batch changed on the way keeps its
 * place. */
static int64_t scheduled_step(const kiln_run *r)
{
    const int64_t epoch = kiln_run_steps_per_epoch(r), step = r->place.position / r->o.batch;

    return r->place.epoch * epoch + (step < epoch ? step : epoch - 1);
}

/* The rate of this step. */
static double learning_rate(const kiln_run *r)
{
    const int64_t epoch = kiln_run_steps_per_epoch(r);
    const int64_t steps = epoch * whole_epochs(r) + part_steps(r);

    return r->o.lr * kiln_schedule_factor(&r->o.schedule, scheduled_step(r), epoch, steps);
}

/* The bias of a whitening has been trained for long enough. */
static int whitening_is_over(const kiln_run *r)
{
    const double epochs = r->o.whiten_epochs;

    return epochs >= 0 &&
           (double)scheduled_step(r) >= epochs * (double)kiln_run_steps_per_epoch(r);
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* Draws the images of this step into the net's input; returns how many. */
static int draw(kiln_run *r)
{
    const uint32_t seed = (uint32_t)r->o.seed;
    const kiln_place *at = &r->place;
    const int *index = r->index;
    kiln_augment augment = r->o.augment;
    int n = kiln_run_limited(r->o.batch, r->images);

    if (n > r->images - at->position) n = (int)(r->images - at->position); /* the batch has grown */
    if (r->o.draw == KILN_DRAW_REPLACEMENT) {
        kiln_batch_sample(r->index, n, r->images, seed, at->step);
    } else {
        if (r->order_epoch != at->epoch)
            kiln_batch_shuffle(r->order, r->images, seed, at->epoch);
        r->order_epoch = at->epoch;
        index = r->order + at->position;
    }
    augment.epoch = at->epoch;
    kiln_batch_decode(kiln_net_input(r->learner.net), r->label, r->data, 0, index, 0, n,
                      (int)r->o.normalize, r->o.augmented ? &augment : NULL, seed, at->step);
    return n;
}

static int finite(double x)
{
    return x - x == 0;
}

/* A step that found `what`: back to the last sane state, and on with a tenth of lr where
 * the option recover asks for it. A state whose own loss is not finite has no way on. */
static int diverged(kiln_run *r, int64_t step, const char *what)
{
    const double lr = r->o.lr * KILN_RECOVER_FACTOR;
    char where[120] = "";

    kiln_net_find_nonfinite(r->learner.net, where, sizeof where);
    kiln_kept_restore(&r->kept, &r->learner, &r->place, &r->history);
    kiln_fail(KILN_E_DIVERGED,
              "training diverged at step %lld: %s%s%s. The run is back at step %lld, "
              "where its loss was sane; a smaller lr, or clip=1, may help",
              (long long)step, what, *where ? "; first " : "", where, (long long)r->place.step);
    if (!r->o.recover || step == r->place.step + 1 || lr < KILN_RECOVER_LR_MIN)
        return KILN_E_DIVERGED;
    r->o.lr = lr;
    kiln_learner_forget_state(&r->learner);
    kiln_fail(KILN_E_DIVERGED, "training diverged at step %lld; it goes on from step %lld with "
              "lr=%g", (long long)step, (long long)r->place.step, lr);
    return KILN_RUN_RECOVERED;
}

/* The update, and how far it went: |w - before| / |before|. */
static void update_measured(kiln_run *r, float lr, double w_squares)
{
    const kiln_learner *l = &r->learner;
    double moved;

    memcpy(r->before, l->w, l->floats * sizeof *l->w);
    kiln_learner_step(l, &r->o, lr, r->place.step + 1);
    kiln_vec_scale(r->before, r->before, (int)l->floats, -1.0f);
    kiln_vec_add(r->before, r->before, l->w, (int)l->floats);
    moved = kiln_vec_sum_squares(r->before, (int)l->floats);
    r->metrics.update_ratio = w_squares > 0 ? __builtin_sqrt(moved / w_squares) : 0;
}

/* The check's line of the history, and the best net. Returns KILN_RUN_BEST or 0. */
static int record_check(kiln_run *r)
{
    const kiln_check *c = &r->check;
    kiln_run_metrics *m = &r->metrics;
    kiln_epoch_record record = {.epoch = r->check_epoch, .step = (int32_t)r->place.step};
    double accuracy = -1;

    if (c->train > 0) m->train_accuracy = (float)((double)c->train_right / c->train);
    if (c->validation > 0) {
        accuracy = (double)c->validation_right / c->validation;
        m->val_accuracy = (float)accuracy;
    }
    m->train_loss = 0;
    if (r->place.loss_count)
        m->train_loss = (float)(r->place.loss_sum / (double)r->place.loss_count);
    record.train_loss = m->train_loss;
    record.train_accuracy = m->train_accuracy;
    record.val_accuracy = m->val_accuracy;
    record.lr = (float)m->lr;
    kiln_history_add_epoch(&r->history, &record);
    if (!(accuracy > r->best.accuracy)) return 0;
    r->best.accuracy = accuracy;
    r->best.epoch = r->check_epoch;
    kiln_snapshot_take(&r->best.state, &r->learner);
    return KILN_RUN_BEST;
}

/* What follows the last slice of a check, or a step without one; returns flags. */
static int conclude(kiln_run *r, int flags)
{
    if (r->place.position == 0) r->place.loss_sum = 0, r->place.loss_count = 0;
    return kiln_run_over(r) ? flags | KILN_RUN_DONE : flags;
}

/* The next slice of a check. The flags of the step that it ends come with the last one. */
static int check_on(kiln_run *r, int images)
{
    const int done = kiln_check_on(&r->check, &r->test, images);

    if (!done) return KILN_RUN_CHECKING;
    r->check.active = 0;
    if (done < 0) return diverged(r, r->place.step, "a score of the check is not finite");
    return conclude(r, r->check_flags | record_check(r));
}

int kiln_run_settle(kiln_run *r)
{
    int flags;

    if (!r->check.active) return KILN_OK;
    KILN_TRY(flags = check_on(r, 0));
    r->told_late = flags;
    return KILN_OK;
}

void kiln_run_begin_check(kiln_run *r)
{
    r->check = (kiln_check){
        .active = 1,
        .seed = (uint32_t)r->o.seed,
        .step = r->place.step,
        .images = r->images,
        .train = kiln_run_limited(r->o.check_train, r->images),
        .validation = kiln_run_limited(r->o.check_val > 0 ? r->o.check_val : -1, r->validation),
    };
}

/* Lookahead's share of the average that is kept after this step: it grows with the cube of the
 * run's progress, and the run ends with the average itself. */
static void look_ahead(kiln_run *r)
{
    const int64_t every = r->o.lookahead;
    const double progress = (double)r->place.step / (double)kiln_run_steps(r);
    const double most = kiln_pow(r->o.lookahead_decay, (double)every);

    if (steps_over(r))
        kiln_learner_look_ahead(&r->learner, 1);
    else if (r->place.step % every == 0)
        kiln_learner_look_ahead(&r->learner, most * progress * progress * progress);
}

/* The step's bookkeeping; returns its flags. */
static int advance(kiln_run *r, int n)
{
    int flags = 0;

    r->place.step++;
    r->place.position += n;
    r->place.loss_sum += r->metrics.loss;
    r->place.loss_count++;
    kiln_history_add_loss(&r->history, r->place.step, r->metrics.loss);
    if (r->place.position + kiln_run_limited(r->o.batch, r->images) > r->images) {
        r->place.epoch++;
        r->place.position = 0;
        flags |= KILN_RUN_EPOCH;
    }
    if (steps_over(r)) flags |= KILN_RUN_EPOCH;
    if (r->o.lookahead) look_ahead(r);
    if (!flags && !(r->place.step == 1 && r->o.check_first))
        return KILN_RUN_STEPPED | conclude(r, 0);
    kiln_run_begin_check(r);
    r->check_epoch = flags ? r->place.epoch + (r->place.position > 0) : 0;
    r->check_flags = flags;
    flags = check_on(r, r->slice);
    return flags < 0 || flags == KILN_RUN_RECOVERED ? flags : flags | KILN_RUN_STEPPED;
}

int kiln_run_step(kiln_run *r)
{
    kiln_run_metrics m = r->metrics;
    kiln_learner *l = &r->learner;
    const int measure = r->place.step % KILN_RUN_RATIO_EVERY == 0;
    const int offered = measure || r->place.position == 0; /* to be kept */
    double w_squares = 0, dw_squares;
    const float *scores;
    int n;

    if (r->evaluated)
        return kiln_fail(KILN_E_STATE, "this checkpoint was read to be evaluated; resume it on its "
                                       "training data to train on");
    if (r->told_late) {
        n = r->told_late;
        r->told_late = 0;
        return n;
    }
    if (r->check.active) return check_on(r, r->slice);
    if (kiln_run_over(r))
        return kiln_fail(
            KILN_E_STATE,
            "training is over after %d epochs and %lld steps; raise epochs, max-steps or "
            "patience to go on",
            r->place.epoch, (long long)r->place.step);
    if (offered) kiln_kept_before(&r->kept, l);
    kiln_net_set_step(l->net, r->place.step);
    kiln_net_hold(l->net, whitening_is_over(r));
    n = draw(r);
    scores = kiln_net_forward(l->net, n, 1);
    m.accuracy = (double)kiln_correct(NULL, scores, r->label, n, r->data->classes) / n;
    m.data_loss = kiln_net_data_loss(l->net, r->label, n);
    if (!finite(m.data_loss)) return diverged(r, r->place.step + 1, "the loss is not finite");
    if (r->o.recover && kiln_kept_lost(&r->kept, m.data_loss))
        return diverged(r, r->place.step + 1, "the loss is far above what it started from");
    if (!kiln_statistics_finite(l->net))
        return diverged(r, r->place.step + 1, "a running statistic is not finite");
    kiln_net_backward(l->net, n);
    m.reg_loss = kiln_net_regularise(l->net, r->o.reg, 1, &dw_squares);
    m.loss = m.data_loss + m.reg_loss;
    m.gradient_norm = __builtin_sqrt(dw_squares);
    if (!finite(dw_squares) || !finite(m.loss))
        return diverged(r, r->place.step + 1, "the gradient is not finite");
    if (offered) w_squares = kiln_net_parameter_squares(l->net);
    if (!finite(w_squares))
        return diverged(r, r->place.step + 1, "the square of a parameter is not finite");
    if (offered) kiln_kept_offer(&r->kept, l, &r->place, m.data_loss, w_squares);
    if (r->o.clip > 0 && m.gradient_norm > r->o.clip)
        kiln_vec_scale(l->dw, l->dw, (int)l->floats, (float)(r->o.clip / m.gradient_norm));
    m.lr = learning_rate(r);
    m.measured = 1;
    r->metrics = m;
    if (measure)
        update_measured(r, (float)m.lr, w_squares);
    else
        kiln_learner_step(l, &r->o, (float)m.lr, r->place.step + 1);
    return advance(r, n);
}

/* ---- between steps --------------------------------------------------------------------------- */

int kiln_run_set(kiln_run *r, const char *text)
{
    const kiln_train_options before = r->o;
    const int capacity = kiln_net_made_with(r->learner.net)->batch;
    int batch, status;

    KILN_TRY(kiln_train_options_read(&r->o, text, KILN_OPTIONS_LIVE));
    if (kiln_train_options_check(&before) >= 0) {
        status = kiln_train_options_check(&r->o);
        if (status < 0) {
            r->o = before;
            return status;
        }
    }
    batch = kiln_run_limited(r->o.batch, r->images);
    status = batch > capacity ? kiln_run_fit_batch(r, batch)
                              : kiln_net_check_batch(r->learner.net, batch);
    if (status < 0) {
        r->o = before;
        return status;
    }
    kiln_net_set_dropout(r->learner.net, (float)r->o.dropout);
    if (r->place.step)
        kiln_history_note_change(&r->history, kiln_train_options_changed(&before, &r->o));
    return KILN_OK;
}

int kiln_run_restore_best(kiln_run *r)
{
    KILN_TRY(kiln_run_settle(r));
    if (r->best.accuracy < 0)
        return kiln_fail(KILN_E_STATE,
                         "no best parameters yet: they are kept at the end of an epoch, "
                         "by validation accuracy");
    kiln_snapshot_put_back(&r->best.state, &r->learner);
    kiln_learner_start_average(&r->learner);
    kiln_history_note_change(&r->history, "best");
    return KILN_OK;
}

int kiln_run_inspect(kiln_run *r, int split, int i)
{
    return kiln_inspect(&r->inspector, &r->learner, r->o.net, &r->test, split, i);
}
