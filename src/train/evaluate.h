/*
 * Test mode: accuracies, and predictions averaged over views of an image. An evaluator reads a net
 * and a data set and changes neither: a forward pass in test mode touches only activations, which
 * no step reads from the one before.
 */
#ifndef KILN_TRAIN_EVALUATE_H
#define KILN_TRAIN_EVALUATE_H

#include "base/arena.h"
#include "data/dataset.h"
#include "net/net.h"

typedef struct {
    kiln_net *net; /* borrowed, as is the data set */
    const kiln_dataset *data;
    int normalize; /* KILN_NORMALIZE_* */
    int *index, *label, *prediction; /* of a batch */
    float *probability, *view; /* (batch, classes) */
    kiln_arena arena;
} kiln_evaluator;

/* On failure e is as it was. */
int kiln_evaluator_make(kiln_evaluator *e, kiln_net *net, const kiln_dataset *data, int normalize);
void kiln_evaluator_free(kiln_evaluator *e); /* one that is zero is allowed */

/* The numbers of views that there are: 1; 2, with the mirror image; 6, both also moved along the
 * diagonal by a pixel each way, which count half as much (Jordan 2024, section 3.5); 10, both also
 * moved by two pixels in four directions. */
extern const int kiln_views[];
extern const int kiln_views_count;
extern const char *const kiln_views_names[]; /* as texts, up to NULL */

/* Means of n images (n, C, H, W) of bytes, a batch of the net at most, over views to
 * e->probability. Leaves the plain view's scores last in the net. KILN_E_DIVERGED where a score is
 * not finite. */
int kiln_average_views(kiln_evaluator *e, const uint8_t *images, int n, int views);
/* The same of images first .. first + n - 1 of a split; adds their summed loss in the plain view
 * where it is asked for. */
int kiln_evaluate_batch(kiln_evaluator *e, int split, int first, int n, int views,
                        double *loss_sum);

/* Images first .. first + n - 1 of a split, averaged over so many views. Returns how many are
 * right; adds their summed loss and their counts (classes, classes), true class by row, where these
 * are asked for. KILN_E_DIVERGED where a score is not finite. */
int kiln_evaluate(kiln_evaluator *e, int split, int first, int n, int views, double *loss_sum,
                  int *confusion);
/* Probabilities (n, classes) of images (n, C, H, W) of bytes. */
int kiln_predict(kiln_evaluator *e, const uint8_t *images, int n, int views, float *probabilities);

/* KILN_E_DATA where the net subtracts a mean image that the data set does not have. */
int kiln_evaluator_check(const kiln_evaluator *e);

/* The check that ends an epoch, done in slices: of so many images, so many are done, so many
 * right. */
typedef struct {
    int active;
    uint32_t seed; /* training images are drawn by (seed, step), as many as `images`, from them */
    int64_t step;
    int images;
    int train, train_done, train_right;
    int validation, validation_done, validation_right;
} kiln_check;

/* The next `images` of it, 0 for all the rest: 1 when it is whole, 0 before, or KILN_E_DIVERGED. */
int kiln_check_on(kiln_check *c, kiln_evaluator *e, int images);

#endif
