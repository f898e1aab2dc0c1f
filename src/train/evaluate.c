/*
 * Test mode: accuracies, predictions averaged over views of an image, and one image run through a
 * net that keeps all it computes.
 *
 * The run's own net does it, batch by batch: a forward pass in test mode touches only activations,
 * which no step reads from the one before. Views are those of test-time augmentation (cs231n:
 * "Addressing overfitting"; Krizhevsky et al. 2012, section 4.1): probabilities averaged, or scores
 * where the net ends in svm.
 */
#include <limits.h>
#include <string.h>

#include "base/status.h"
#include "kernels/vec.h"
#include "net/kinds.h"
#include "train/trainer.h"

#define SHIFT 2 /* pixels, of the ten views */

static const int shift[5][2] = {{0, 0}, {-SHIFT, 0}, {SHIFT, 0}, {0, -SHIFT}, {0, SHIFT}};

void kiln_statistics_get(kiln_net *net, float *out)
{
    const int tensors = kiln_net_tensor_count(net);

    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->trained) continue;
        memcpy(out, t->data, (size_t)t->size * sizeof *out);
        out += t->size;
    }
}

void kiln_statistics_set(kiln_net *net, const float *in)
{
    const int tensors = kiln_net_tensor_count(net);

    for (int i = 0; i < tensors; i++) {
        kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->trained) continue;
        memcpy(t->data, in, (size_t)t->size * sizeof *in);
        in += t->size;
    }
}

int kiln_statistics_finite(kiln_net *net)
{
    const int tensors = kiln_net_tensor_count(net);

    for (int i = 0; i < tensors; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (!t->parameter && !kiln_vec_all_finite(t->data, t->size)) return 0;
    }
    return 1;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int capacity(const kiln_run *r)
{
    return kiln_net_made_with(r->net)->batch;
}

/* The scores of a forward pass in test mode, or NULL with the error set where one is not finite. */
static const float *test_scores(kiln_run *r, int n)
{
    const float *scores = kiln_net_forward(r->net, n, 0);
    char where[120] = "";

    if (kiln_vec_all_finite(scores, n * r->data->classes)) return scores;
    kiln_net_find_nonfinite(r->net, where, sizeof where);
    kiln_fail(KILN_E_DIVERGED, "the net's scores are not finite%s%s: its parameters have blown up",
              *where ? "; first " : "", where);
    return NULL;
}

static int check_mean_image(const kiln_run *r)
{
    if (r->o.normalize != KILN_NORMALIZE_MEAN_IMAGE || r->data->mean_image) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "this net subtracts the mean image of its training data, which "
                                  "its checkpoint does not hold: give it that data set");
}

/* Means of n <= capacity images over views to r->probability. Leaves the plain view's scores last
 * in the net. */
static int average_views(kiln_run *r, const uint8_t *images, int n, int views)
{
    const kiln_plan *plan = kiln_net_plan(r->net);
    const int classes = plan->classes, svm = !plan->layer[plan->count - 1].kind->probabilities;

    KILN_TRY(check_mean_image(r));
    kiln_vec_fill(r->probability, n * classes, 0.0f);
    for (int v = views - 1; v >= 0; v--) {
        const int *move = shift[v / 2];
        const float *scores;

        kiln_batch_decode_raw(kiln_net_input(r->net), images, r->data, n, (int)r->o.normalize,
                              v % 2, move[0], move[1]);
        scores = test_scores(r, n);
        if (!scores) return KILN_E_DIVERGED;
        if (svm)
            kiln_vec_copy(r->view, scores, n * classes);
        else
            kiln_softmax(r->view, scores, n, classes);
        kiln_vec_axpy(r->probability, r->view, n * classes, 1.0f / (float)views);
    }
    if (svm) {
        kiln_vec_copy(r->view, r->probability, n * classes);
        kiln_softmax(r->probability, r->view, n, classes);
    }
    return KILN_OK;
}

int kiln_run_evaluate(kiln_run *r, int split, int first, int n, int views, double *loss_sum,
                      int *confusion)
{
    const kiln_dataset *d = r->data;
    const size_t size = (size_t)d->C * (size_t)d->H * (size_t)d->W;
    int correct = 0;

    for (int done = 0, k; done < n; done += k) {
        const int at = first + done;

        k = smaller(n - done, capacity(r));
        for (int i = 0; i < k; i++) r->label[i] = d->label[split][at + i];
        KILN_TRY(average_views(r, d->image[split] + (size_t)at * size, k, views));
        if (loss_sum) {
            const double loss = kiln_net_data_loss(r->net, r->label, k);

            if (!(loss - loss == 0))
                return kiln_fail(KILN_E_DIVERGED, "the loss of the images is not finite: the "
                                                  "net's parameters have blown up");
            *loss_sum += loss * k;
        }
        correct += kiln_correct(r->prediction, r->probability, r->label, k, d->classes);
        for (int i = 0; confusion && i < k; i++)
            confusion[r->label[i] * d->classes + r->prediction[i]]++;
    }
    return correct;
}

int kiln_run_predict(kiln_run *r, const uint8_t *images, int n, int views, float *probabilities)
{
    const kiln_dataset *d = r->data;
    const size_t size = (size_t)d->C * (size_t)d->H * (size_t)d->W;

    for (int done = 0, k; done < n; done += k) {
        k = smaller(n - done, capacity(r));
        KILN_TRY(average_views(r, images + (size_t)done * size, k, views));
        memcpy(probabilities + (size_t)done * (size_t)d->classes, r->probability,
               (size_t)k * (size_t)d->classes * sizeof *probabilities);
    }
    return KILN_OK;
}

/* How many are right of training images first .. first + n - 1 among those drawn for this step, as
 * the Solver draws its num_train_samples. */
static int right_in_training(kiln_run *r, int first, int n)
{
    const kiln_rng rng = {(uint32_t)r->o.seed, KILN_RNG_CHECK, (uint64_t)r->step};
    const float *scores;
    int correct = 0;

    for (int done = 0, k; done < n; done += k) {
        k = smaller(n - done, capacity(r));
        for (int i = 0; i < k; i++)
            r->index[i] =
                (int)kiln_rng_below(rng, (uint64_t)(first + done + i), (uint32_t)r->images);
        kiln_batch_decode(kiln_net_input(r->net), r->label, r->data, 0, r->index, 0, k,
                          (int)r->o.normalize, NULL, rng.seed, r->step);
        if (!(scores = test_scores(r, k))) return KILN_E_DIVERGED;
        correct += kiln_correct(NULL, scores, r->label, k, r->data->classes);
    }
    return correct;
}

void kiln_run_check_begin(kiln_run *r)
{
    const int all = r->validation, wanted = (int)r->o.check_val;

    r->check = (kiln_run_checking){
        .active = 1,
        .train = smaller((int)r->o.check_train, r->images),
        .validation = wanted > 0 ? smaller(wanted, all) : all,
    };
}

int kiln_run_check(kiln_run *r, int images)
{
    kiln_run_checking *c = &r->check;
    const int most = images > 0 ? images : INT_MAX;
    const int train = smaller(most, c->train - c->train_done);
    const int validation = smaller(most - train, c->validation - c->validation_done);
    int right;

    KILN_TRY(right = right_in_training(r, c->train_done, train));
    c->train_right += right;
    c->train_done += train;
    KILN_TRY(right = kiln_run_evaluate(r, 1, c->validation_done, validation, 1, NULL, NULL));
    c->validation_right += right;
    c->validation_done += validation;
    if (c->train_done < c->train || c->validation_done < c->validation) return 0;
    if (c->train > 0) r->metrics.train_accuracy = (double)c->train_right / c->train;
    if (c->validation > 0) r->metrics.val_accuracy = (double)c->validation_right / c->validation;
    c->active = 0;
    return 1;
}

/* The inspector with the run's parameters and statistics. */
static void copy_to_inspector(kiln_run *r)
{
    float *w, *dw;

    kiln_net_parameters(r->inspector, &w, &dw);
    memcpy(w, r->w, r->floats * sizeof *w);
    kiln_statistics_get(r->net, r->statistics_before);
    kiln_statistics_set(r->inspector, r->statistics_before);
}

/*
 * Gradients come from a pass in train mode, which backward needs, without dropout; outputs are then
 * overwritten by those of test mode, which is what the net answers for this image.
 */
int kiln_run_inspect(kiln_run *r, int split, int i)
{
    const uint8_t label = r->data->label[split][i];
    const int y = label;

    KILN_TRY(check_mean_image(r));
    if (!r->inspector) {
        kiln_net_options o = *kiln_net_made_with(r->net);

        o.batch = 1, o.keep = 1, o.inference = 0;
        KILN_TRY(kiln_net_make(&r->inspector, r->o.net, &o));
        kiln_net_set_dropout(r->inspector, 0.0f);
    }
    for (int train = 1; train >= 0; train--) {
        copy_to_inspector(r);
        kiln_batch_decode(kiln_net_input(r->inspector), r->label, r->data, split, NULL, i, 1,
                          (int)r->o.normalize, NULL, 0, 0);
        kiln_net_forward(r->inspector, 1, train);
        if (!train) break;
        kiln_net_data_loss(r->inspector, &y, 1);
        kiln_net_backward(r->inspector, 1);
    }
    return KILN_OK;
}
