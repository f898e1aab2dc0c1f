/*
 * The public functions of evaluations that look twice: kiln.h, "training". A survey keeps the
 * handle of its trainer, so one that outlives it is an error and never a wild pointer.
 */
#include "api/api_trainer.h"
#include "api/handles.h"
#include "base/status.h"
#include "kiln.h"
#include "train/survey.h"

typedef struct {
    kiln_survey survey;
    int trainer; /* handle */
    kiln_arena self;
} survey;

/* The survey, and the evaluator of its trainer; NULL with the error set. */
static survey *get(int handle, kiln_evaluator **e)
{
    survey *s = kiln_handle_get(KILN_KIND_SURVEY, handle);
    kiln_run *r = s ? kiln_trainer_run(s->trainer) : NULL;

    if (!r) return NULL;
    *e = &r->test;
    return s;
}

static int make(survey **out, kiln_run *r, int split, int count, int views, double share)
{
    kiln_arena self;
    survey *s;
    int status;

    KILN_TRY(kiln_arena_create(&self, sizeof *s, "the survey"));
    s = (survey *)(void *)self.base;
    s->self = self;
    status = kiln_survey_make(&s->survey, &r->test, split, count, views, share);
    if (status < 0)
        kiln_arena_destroy(&self);
    else
        *out = s;
    return status;
}

static void destroy(survey *s)
{
    kiln_arena self = s->self;

    kiln_survey_free(&s->survey);
    kiln_arena_destroy(&self);
}

int kiln_survey_create(int trainer, int split, int count, int views, double share)
{
    kiln_run *r = kiln_trainer_run(trainer);
    survey *s;
    int handle;

    if (!r) return KILN_E_HANDLE;
    if (views == 0) views = kiln_views[r->o.eval_views], share = r->o.eval_share;
    KILN_TRY(kiln_check_views(views));
    KILN_TRY(kiln_check_range(r->data, split, 0, count));
    if (!(share >= 0 && share <= 1))
        return kiln_fail(KILN_E_ARG, "share: %g of the images is not from 0 to 1", share);
    KILN_TRY(make(&s, r, split, count, views, share));
    s->trainer = trainer;
    handle = kiln_handle_put(KILN_KIND_SURVEY, s);
    if (handle < 0) destroy(s);
    return handle;
}

int kiln_survey_next(int handle, int images)
{
    kiln_evaluator *e;
    survey *s = get(handle, &e);

    if (!s) return KILN_E_HANDLE;
    if (images < 0)
        return kiln_fail(KILN_E_ARG, "slices of %d images: 1 or more, or 0 for all", images);
    return kiln_survey_on(&s->survey, e, images);
}

int kiln_survey_result(int handle, double *loss_sum, int *confusion)
{
    kiln_evaluator *e;
    survey *s = get(handle, &e);
    int left;

    if (!s) return KILN_E_HANDLE;
    left = kiln_survey_left(&s->survey);
    if (left)
        return kiln_fail(KILN_E_STATE, "the survey is not over: %d looks are left", left);
    return kiln_survey_count(&s->survey, e, loss_sum, confusion);
}

int kiln_survey_destroy(int handle)
{
    survey *s = kiln_handle_take(KILN_KIND_SURVEY, handle);

    if (!s) return KILN_E_HANDLE;
    destroy(s);
    return KILN_OK;
}
