/*
 * The accuracy of many images, of which the least confident are looked at in several views: first
 * each in one view, then that share of them again (as the authors of hiverge's speed run do, with a
 * quarter of the images and six views). Done in slices of any size; the numbers do not depend on
 * them, but for the last bits of the summed loss.
 */
#ifndef KILN_TRAIN_SURVEY_H
#define KILN_TRAIN_SURVEY_H

#include "train/evaluate.h"

/* The largest probability of an image in one view. */
typedef struct {
    float confidence;
    int image;
} kiln_doubt;

typedef struct {
    int split, count;
    int views, views_again; /* of the first look, and of the second */
    int chosen; /* images that get a second */
    int looked, looked_again; /* so far */
    double loss_sum; /* in the plain view */
    float *probability; /* (count, classes) */
    kiln_doubt *doubt; /* least confident first, once all were looked at */
    uint8_t *image; /* some of them, side by side */
    kiln_arena arena;
} kiln_survey;

/* Of the first `count` images of a split; share: 0..1. KILN_E_MEMORY. */
int kiln_survey_make(kiln_survey *s, const kiln_evaluator *e, int split, int count, int views,
                     double share);
void kiln_survey_free(kiln_survey *s);
int kiln_survey_left(const kiln_survey *s); /* looks that are still to be taken */
/* Looks at the next `images`, 0 for all: how many looks are left, or KILN_E_DIVERGED. */
int kiln_survey_on(kiln_survey *s, kiln_evaluator *e, int images);
/* Of a survey with no looks left: how many are right; loss_sum and confusion as kiln_evaluate. */
int kiln_survey_count(const kiln_survey *s, const kiln_evaluator *e, double *loss_sum,
                      int *confusion);

#endif
