/* Accuracies with a second look at the least confident images; see survey.h. */
#include "train/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "layers/layers.h"

#define AT_ONCE 256 /* chosen images, gathered for a pass */

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static size_t image_size(const kiln_evaluator *e)
{
    return (size_t)e->data->C * (size_t)e->data->H * (size_t)e->data->W;
}

static void lay_out(kiln_survey *s, const kiln_evaluator *e, kiln_arena *a)
{
    const size_t count = (size_t)s->count;

    s->probability = kiln_arena_take(a, count * (size_t)e->data->classes, sizeof(float));
    s->doubt = kiln_arena_take(a, count, sizeof *s->doubt);
    s->image = kiln_arena_take(a, (size_t)smaller(s->chosen, AT_ONCE), image_size(e));
}

int kiln_survey_make(kiln_survey *s, const kiln_evaluator *e, int split, int count, int views,
                     double share)
{
    const int chosen = views > 1 ? (int)(share * count + 0.5) : 0;
    kiln_arena plan = {0};

    *s = (kiln_survey){.split = split, .count = count, .views = 1, .views_again = views};
    if (chosen == count)
        s->views = views; /* at once */
    else
        s->chosen = chosen;
    lay_out(s, e, &plan);
    KILN_TRY(kiln_arena_create(&s->arena, plan.used, "the probabilities of the images"));
    lay_out(s, e, &s->arena);
    return KILN_OK;
}

void kiln_survey_free(kiln_survey *s)
{
    kiln_arena_destroy(&s->arena);
}

static float *row_of(const kiln_survey *s, const kiln_evaluator *e, int image)
{
    return s->probability + (size_t)image * (size_t)e->data->classes;
}

/* ---- the first look -------------------------------------------------------------------------- */

static void note(kiln_survey *s, const kiln_evaluator *e, int n)
{
    const int classes = e->data->classes;

    memcpy(row_of(s, e, s->looked), e->probability, (size_t)(n * classes) * sizeof(float));
    for (int i = 0; i < n; i++) {
        const float *p = e->probability + i * classes;
        float most = p[0];

        for (int c = 1; c < classes; c++) most = p[c] > most ? p[c] : most;
        s->doubt[s->looked + i] = (kiln_doubt){most, s->looked + i};
    }
    s->looked += n;
}

static int look(kiln_survey *s, kiln_evaluator *e, int n)
{
    for (int done = 0, k; done < n; done += k) {
        k = smaller(n - done, kiln_net_made_with(e->net)->batch);
        KILN_TRY(kiln_evaluate_batch(e, s->split, s->looked, k, s->views, &s->loss_sum));
        note(s, e, k);
    }
    return KILN_OK;
}

/* The least confident first; of equals the first, so that the order is one. */
static int by_doubt(const void *a, const void *b)
{
    const kiln_doubt *p = a, *q = b;

    if (p->confidence != q->confidence) return p->confidence < q->confidence ? -1 : 1;
    return p->image - q->image;
}

/* ---- the second ------------------------------------------------------------------------------ */

static int look_again(kiln_survey *s, kiln_evaluator *e, int n)
{
    const uint8_t *images = e->data->image[s->split];
    const size_t size = image_size(e), row = (size_t)e->data->classes * sizeof(float);
    const int most = smaller(AT_ONCE, kiln_net_made_with(e->net)->batch);

    for (int done = 0, k; done < n; done += k) {
        const kiln_doubt *chosen = s->doubt + s->looked_again;

        k = smaller(n - done, most);
        for (int i = 0; i < k; i++)
            memcpy(s->image + (size_t)i * size, images + (size_t)chosen[i].image * size, size);
        KILN_TRY(kiln_average_views(e, s->image, k, s->views_again));
        for (int i = 0; i < k; i++)
            memcpy(row_of(s, e, chosen[i].image), e->probability + i * e->data->classes, row);
        s->looked_again += k;
    }
    return KILN_OK;
}

int kiln_survey_left(const kiln_survey *s)
{
    return s->count - s->looked + s->chosen - s->looked_again;
}

int kiln_survey_on(kiln_survey *s, kiln_evaluator *e, int images)
{
    const int most = images > 0 ? smaller(images, kiln_survey_left(s)) : kiln_survey_left(s);
    const int first = smaller(most, s->count - s->looked);

    KILN_TRY(look(s, e, first));
    if (s->looked < s->count) return kiln_survey_left(s);
    if (first && s->chosen) qsort(s->doubt, (size_t)s->count, sizeof *s->doubt, by_doubt);
    KILN_TRY(look_again(s, e, most - first));
    return kiln_survey_left(s);
}

int kiln_survey_count(const kiln_survey *s, const kiln_evaluator *e, double *loss_sum,
                      int *confusion)
{
    const uint16_t *label = e->data->label[s->split];
    const int classes = e->data->classes;
    int right = 0;

    for (int i = 0; i < s->count; i++) {
        const int y = label[i];
        int seen;

        right += kiln_correct(&seen, row_of(s, e, i), &y, 1, classes);
        if (confusion) confusion[y * classes + seen]++;
    }
    if (loss_sum) *loss_sum += s->loss_sum;
    return right;
}
