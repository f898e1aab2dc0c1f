/*
 * Test mode: see evaluate.h. Views are those of test-time augmentation (cs231n: "Addressing
 * overfitting"; Krizhevsky et al. 2012, section 4.1): probabilities averaged, or scores where the
 * net ends in svm.
 */
#include "train/evaluate.h"

#include <limits.h>
#include <string.h>

#include "base/status.h"
#include "data/batch.h"
#include "kernels/vec.h"
#include "net/kinds.h"

const int kiln_views[] = {1, 2, 6, 10};
const char *const kiln_views_names[] = {"1", "2", "6", "10", NULL};
const int kiln_views_count = sizeof kiln_views / sizeof *kiln_views;

/* View v is move v / 2, mirrored where v is odd. */
typedef struct {
    int dx, dy; /* pixels */
    float weight; /* of each of its two views */
} move;

static const move alone[] = {{0, 0, 1}}, mirrored[] = {{0, 0, 0.5f}};
static const move six[] = {{0, 0, 0.25f}, {-1, -1, 0.125f}, {1, 1, 0.125f}};
static const move ten[] = {{0, 0, 0.1f}, {-2, 0, 0.1f}, {2, 0, 0.1f}, {0, -2, 0.1f}, {0, 2, 0.1f}};

static const move *moves_of(int views)
{
    return views == 1 ? alone : views == 2 ? mirrored : views == 6 ? six : ten;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* ---- its arrays ------------------------------------------------------------------------------ */

static void lay_out(kiln_evaluator *e, kiln_arena *a)
{
    const size_t batch = (size_t)kiln_net_made_with(e->net)->batch;
    const size_t scores = batch * (size_t)e->data->classes;

    e->index = kiln_arena_take(a, batch, sizeof(int));
    e->label = kiln_arena_take(a, batch, sizeof(int));
    e->prediction = kiln_arena_take(a, batch, sizeof(int));
    e->probability = kiln_arena_take(a, scores, sizeof(float));
    e->view = kiln_arena_take(a, scores, sizeof(float));
}

int kiln_evaluator_make(kiln_evaluator *e, kiln_net *net, const kiln_dataset *data, int normalize)
{
    kiln_evaluator next = {.net = net, .data = data, .normalize = normalize};
    kiln_arena plan = {0};

    lay_out(&next, &plan);
    KILN_TRY(kiln_arena_create(&next.arena, plan.used, "the batch's labels and scores"));
    lay_out(&next, &next.arena);
    *e = next;
    return KILN_OK;
}

void kiln_evaluator_free(kiln_evaluator *e)
{
    kiln_arena_destroy(&e->arena);
}

/* ---- passes ---------------------------------------------------------------------------------- */

static int capacity(const kiln_evaluator *e)
{
    return kiln_net_made_with(e->net)->batch;
}

/* The scores of a forward pass in test mode, or NULL with the error set where one is not finite. */
static const float *test_scores(kiln_evaluator *e, int n)
{
    const float *scores = kiln_net_forward(e->net, n, 0);
    char where[120] = "";

    if (kiln_vec_all_finite(scores, n * e->data->classes)) return scores;
    kiln_net_find_nonfinite(e->net, where, sizeof where);
    kiln_fail(KILN_E_DIVERGED, "the net's scores are not finite%s%s: its parameters have blown up",
              *where ? "; first " : "", where);
    return NULL;
}

int kiln_evaluator_check(const kiln_evaluator *e)
{
    if (e->normalize != KILN_NORMALIZE_MEAN_IMAGE || e->data->mean_image) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "this net subtracts the mean image of its training data, which "
                                  "its checkpoint does not hold: give it that data set");
}

int kiln_average_views(kiln_evaluator *e, const uint8_t *images, int n, int views)
{
    const kiln_plan *plan = kiln_net_plan(e->net);
    const int classes = plan->classes, svm = !plan->layer[plan->count - 1].kind->probabilities;

    KILN_TRY(kiln_evaluator_check(e));
    kiln_vec_fill(e->probability, n * classes, 0.0f);
    for (int v = views - 1; v >= 0; v--) {
        const move m = moves_of(views)[v / 2];
        const float *scores;

        kiln_batch_decode_raw(kiln_net_input(e->net), images, e->data, n, e->normalize,
                              v % 2, m.dx, m.dy, views == 6);
        scores = test_scores(e, n);
        if (!scores) return KILN_E_DIVERGED;
        if (svm)
            kiln_vec_copy(e->view, scores, n * classes);
        else
            kiln_softmax(e->view, scores, n, classes);
        kiln_vec_axpy(e->probability, e->view, n * classes, m.weight);
    }
    if (svm) {
        kiln_vec_copy(e->view, e->probability, n * classes);
        kiln_softmax(e->probability, e->view, n, classes);
    }
    return KILN_OK;
}

int kiln_evaluate_batch(kiln_evaluator *e, int split, int first, int n, int views,
                        double *loss_sum)
{
    const kiln_dataset *d = e->data;
    const size_t size = (size_t)d->C * (size_t)d->H * (size_t)d->W;
    double loss;

    kiln_dataset_want(d, split, NULL, first, n);
    for (int i = 0; i < n; i++) e->label[i] = d->label[split][first + i];
    KILN_TRY(kiln_average_views(e, d->image[split] + (size_t)first * size, n, views));
    if (!loss_sum) return KILN_OK;
    loss = kiln_net_data_loss(e->net, e->label, n);
    if (!(loss - loss == 0))
        return kiln_fail(KILN_E_DIVERGED, "the loss of the images is not finite: the net's "
                                          "parameters have blown up");
    *loss_sum += loss * n;
    return KILN_OK;
}

int kiln_evaluate(kiln_evaluator *e, int split, int first, int n, int views, double *loss_sum,
                      int *confusion)
{
    const kiln_dataset *d = e->data;
    int correct = 0;

    for (int done = 0, k; done < n; done += k) {
        k = smaller(n - done, capacity(e));
        KILN_TRY(kiln_evaluate_batch(e, split, first + done, k, views, loss_sum));
        correct += kiln_correct(e->prediction, e->probability, e->label, k, d->classes);
        for (int i = 0; confusion && i < k; i++)
            confusion[e->label[i] * d->classes + e->prediction[i]]++;
    }
    return correct;
}

int kiln_predict(kiln_evaluator *e, const uint8_t *images, int n, int views, float *probabilities)
{
    const kiln_dataset *d = e->data;
    const size_t size = (size_t)d->C * (size_t)d->H * (size_t)d->W;

    for (int done = 0, k; done < n; done += k) {
        k = smaller(n - done, capacity(e));
        KILN_TRY(kiln_average_views(e, images + (size_t)done * size, k, views));
        memcpy(probabilities + (size_t)done * (size_t)d->classes, e->probability,
               (size_t)k * (size_t)d->classes * sizeof *probabilities);
    }
    return KILN_OK;
}

/* How many are right of training images first .. first + n - 1 among those drawn for this check, as
 * the Solver draws its num_train_samples. */
static int right_in_training(const kiln_check *c, kiln_evaluator *e, int first, int n)
{
    const kiln_rng rng = {c->seed, KILN_RNG_CHECK, (uint64_t)c->step};
    const float *scores;
    int correct = 0;

    for (int done = 0, k; done < n; done += k) {
        k = smaller(n - done, capacity(e));
        for (int i = 0; i < k; i++)
            e->index[i] =
                (int)kiln_rng_below(rng, (uint64_t)(first + done + i), (uint32_t)c->images);
        kiln_batch_decode(kiln_net_input(e->net), e->label, e->data, 0, e->index, 0, k,
                          e->normalize, NULL, rng.seed, c->step);
        if (!(scores = test_scores(e, k))) return KILN_E_DIVERGED;
        correct += kiln_correct(NULL, scores, e->label, k, e->data->classes);
    }
    return correct;
}

int kiln_check_on(kiln_check *c, kiln_evaluator *e, int images)
{
    const int most = images > 0 ? images : INT_MAX;
    const int train = smaller(most, c->train - c->train_done);
    const int validation = smaller(most - train, c->validation - c->validation_done);
    int right;

    KILN_TRY(right = right_in_training(c, e, c->train_done, train));
    c->train_right += right;
    c->train_done += train;
    KILN_TRY(right = kiln_evaluate(e, 1, c->validation_done, validation, 1, NULL, NULL));
    c->validation_right += right;
    c->validation_done += validation;
    if (c->train_done < c->train || c->validation_done < c->validation) return 0;
    c->active = 0;
    return 1;
}
