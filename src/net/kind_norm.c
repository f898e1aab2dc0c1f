/*
 * Rows of the normalisations: layers/batchnorm.c, layernorm.c, groupnorm.c. Of channels where the
 * value is an image: a layernorm of an image is a groupnorm of one group.
 *
 * The running mean starts at 0 as in the course, the running variance at 1: with the course's 0 a
 * net that was not trained yet blows its input up 316-fold at each batchnorm of a test pass.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "net/kinds.h"
#include "ref/ref_layers.h"

enum { GAMMA, BETA, RUNNING_MEAN, RUNNING_VAR }; /* tensors */
enum { FIXED, MOMENTUM, EPS };                   /* attributes of batchnorm */

#define ALIGN_FLOATS 16

static size_t aligned(size_t floats)
{
    return (floats + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static int pixels(const kiln_layer *l)
{
    return l->H * l->W;
}

static int scale_and_shift(const kiln_layer *l, kiln_tensor_row *t)
{
    t[GAMMA] = (kiln_tensor_row){.name = "gamma", .shape = {l->C}, .start = 1};
    t[BETA] = (kiln_tensor_row){.name = "beta", .shape = {l->C}, .shift = 1};
    return 2;
}

/* ---- batchnorm ------------------------------------------------------------------------------- */

static const kiln_attribute batchnorm_attributes[] = {
    [FIXED] = {.name = "fixedScale", .word = "fixed", .type = KILN_FLAG},
    [MOMENTUM] = {.name = "momentum", .word = "momentum", .type = KILN_SHARE,
                  .what = "the share that running statistics keep, as in batchnorm momentum 0.6",
                  .standard = KILN_NORM_MOMENTUM},
    [EPS] = {.name = "epsilon", .word = "eps", .type = KILN_NUMBER,
             .what = "what is added to the variance, as in batchnorm eps 1e-6", .min = 1e-12f,
             .max = 1, .standard = KILN_NORM_EPS},
    {0}};

static int batchnorm_infer(kiln_layer *l)
{
    l->u.norm.eps = (float)l->value[EPS];
    l->u.norm.momentum =
        kiln_attribute_shown(&batchnorm_attributes[MOMENTUM], l->value[MOMENTUM]);
    return KILN_OK;
}

/* fixed: the scale stays 1; only beta is trained. */
static int batchnorm_tensors(const kiln_layer *l, kiln_tensor_row *t)
{
    scale_and_shift(l, t);
    t[GAMMA].frozen = l->value[FIXED] > 0;
    t[RUNNING_MEAN] = (kiln_tensor_row){.name = "running_mean", .shape = {l->C}, .statistic = 1};
    t[RUNNING_VAR] =
        (kiln_tensor_row){.name = "running_var", .shape = {l->C}, .start = 1, .statistic = 1};
    return 4;
}

static int batchnorm_least(const kiln_layer *l)
{
    return pixels(l) == 1 ? 2 : 1;
}

/* The cache: tables for the rows, means, deviations. */
typedef struct {
    float *tables, *mean, *inv_std;
} batch_cache;

static batch_cache batch_cache_of(const kiln_pass *p)
{
    const int C = p->layer->C;
    float *mean = p->cache + aligned(kiln_batchnorm_tables(C));

    return (batch_cache){p->cache, mean, mean + aligned((size_t)C)};
}

static size_t batchnorm_cache(const kiln_layer *l, int n)
{
    (void)n;
    return aligned(kiln_batchnorm_tables(l->C)) + 2 * aligned((size_t)l->C);
}

static size_t batchnorm_sums(const kiln_layer *l, int n)
{
    return kiln_batchnorm_sums(n * pixels(l), l->C);
}

/* No block of rows is of two images. */
static int sums_by_image(const kiln_layer *l)
{
    return pixels(l) % kiln_batchnorm_block(l->C) == 0;
}

static void moments(const kiln_pass *p)
{
    const int S = pixels(p->layer);

    kiln_batchnorm_moments(p->sums, p->x, p->first * S, (p->first + p->n) * S, p->all * S,
                           p->layer->C);
}

static void dots(const kiln_pass *p)
{
    const int S = pixels(p->layer);

    kiln_batchnorm_dots(p->sums, p->dout, p->x, batch_cache_of(p).tables, p->first * S,
                        (p->first + p->n) * S, p->all * S, p->layer->C, p->relu_backward);
}

static void batchnorm_begin(const kiln_pass *p)
{
    const batch_cache c = batch_cache_of(p);
    const int C = p->layer->C;
    float *const *t = p->data;

    if (p->train)
        kiln_batchnorm_begin(c.tables, c.mean, c.inv_std, t[RUNNING_MEAN], t[RUNNING_VAR], p->sums,
                             t[GAMMA], t[BETA], p->all * pixels(p->layer), C,
                             p->layer->u.norm.eps, p->layer->u.norm.momentum);
    else
        kiln_batchnorm_begin_test(c.tables, t[GAMMA], t[BETA], t[RUNNING_MEAN], t[RUNNING_VAR], C,
                                  p->layer->u.norm.eps);
}

static void batchnorm_forward(const kiln_pass *p)
{
    kiln_batchnorm_rows(p->out, p->x, batch_cache_of(p).tables, p->n * pixels(p->layer),
                        p->layer->C, p->relu);
}

static void batchnorm_begin_backward(const kiln_pass *p)
{
    const batch_cache c = batch_cache_of(p);

    kiln_batchnorm_begin_backward(c.tables, p->gradient[GAMMA], p->gradient[BETA], p->sums,
                                  p->data[GAMMA], c.inv_std, p->all * pixels(p->layer),
                                  p->layer->C);
}

static void batchnorm_backward(const kiln_pass *p)
{
    kiln_batchnorm_rows_backward(p->dx, p->dout, p->x, batch_cache_of(p).tables,
                                 p->n * pixels(p->layer), p->layer->C, p->relu_backward);
}

/* Means and deviations of the twins, more than any needs. */
static size_t twin_work(const kiln_layer *l, int n)
{
    return 2 * (size_t)n * (size_t)l->C;
}

static void batchnorm_twin(const kiln_twin *t)
{
    const kiln_layer *l = t->layer;

    ref_batchnorm_forward(t->out, t->work, t->work + l->C, t->x, t->data[GAMMA], t->data[BETA],
                          t->n * pixels(l), l->C, (double)l->u.norm.eps);
}

/* ---- layernorm, groupnorm -------------------------------------------------------------------- */

/* 0: a layernorm of rows. */
static int groups_of(const kiln_layer *l)
{
    if (l->kind->attribute) return (int)l->value[0];
    return l->spatial;
}

static int layernorm_infer(kiln_layer *l)
{
    return kiln_layer_elements(l) > 1
               ? KILN_OK
               : kiln_misfit(l, "gets one value, of which it would leave only beta; drop it");
}

static int groupnorm_infer(kiln_layer *l)
{
    char sentence[200], list[80] = "";

    if (l->in_C % (int)l->value[0] == 0)
        return l->in_C > (int)l->value[0] || pixels(l) > 1
                   ? KILN_OK
                   : kiln_misfit(l, "has one value a group, of which it would leave only beta; use "
                                    "fewer groups");
    for (int g = 1, listed = 0; g <= l->in_C && listed < 8; g++) {
        if (l->in_C % g) continue;
        const size_t used = strlen(list);

        snprintf(list + used, sizeof list - used, "%s%d", listed++ ? ", " : "", g);
    }
    snprintf(sentence, sizeof sentence, "does not divide the %d channels it gets; use %s", l->in_C,
             list);
    return kiln_misfit(l, sentence);
}

/* Means, then deviations: one an image, or image and group. */
static size_t half_cache(const kiln_layer *l, int n)
{
    const int G = groups_of(l);

    return aligned((size_t)n * (size_t)(G ? G : 1));
}

static size_t group_cache(const kiln_layer *l, int n)
{
    return 2 * half_cache(l, n);
}

static size_t group_work(const kiln_layer *l, int n)
{
    const int G = groups_of(l);

    return G ? kiln_groupnorm_work(n, pixels(l), l->C, G) : kiln_layernorm_work(n, l->C);
}

static void group_forward(const kiln_pass *p)
{
    const kiln_layer *l = p->layer;
    const int G = groups_of(l);
    float *mean = p->cache, *inv_std = mean + half_cache(l, p->n);

    if (G)
        kiln_groupnorm_forward(p->out, mean, inv_std, p->x, p->data[GAMMA], p->data[BETA], p->n,
                               pixels(l), l->C, G, KILN_NORM_EPS, p->work);
    else
        kiln_layernorm_forward(p->out, mean, inv_std, p->x, p->data[GAMMA], p->data[BETA], p->n,
                               l->C, KILN_NORM_EPS);
}

static void group_backward(const kiln_pass *p)
{
    const kiln_layer *l = p->layer;
    const int G = groups_of(l);
    const float *mean = p->cache, *inv_std = mean + half_cache(l, p->n);

    if (G)
        kiln_groupnorm_backward(p->dx, p->gradient[GAMMA], p->gradient[BETA], p->dout, p->x,
                                p->data[GAMMA], mean, inv_std, p->n, pixels(l), l->C, G, p->work);
    else
        kiln_layernorm_backward(p->dx, p->gradient[GAMMA], p->gradient[BETA], p->dout, p->x,
                                p->data[GAMMA], mean, inv_std, p->n, l->C, p->work);
}

static void group_twin(const kiln_twin *t)
{
    const kiln_layer *l = t->layer;
    const int G = groups_of(l);
    double *mean = t->work, *inv_std = mean + (size_t)t->n * (size_t)(G ? G : 1);

    if (G)
        ref_groupnorm_forward(t->out, mean, inv_std, t->x, t->data[GAMMA], t->data[BETA], t->n,
                              pixels(l), l->C, G, (double)KILN_NORM_EPS);
    else
        ref_layernorm_forward(t->out, mean, inv_std, t->x, t->data[GAMMA], t->data[BETA], t->n,
                              l->C, (double)KILN_NORM_EPS);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const kiln_attribute groupnorm_attributes[] = {
    {.name = "groups", .what = "the number of groups, as in groupnorm 4", .min = 1,
     .max = KILN_DIM_MAX},
    {0}};

const kiln_layer_kind kiln_kinds_norm[] = {
    {
        .name = "batchnorm",
        .notation = "batchnorm",
        .aliases = {"bn"},
        .attribute = batchnorm_attributes,
        .flops = 8,
        .infer = batchnorm_infer,
        .tensors = batchnorm_tensors,
        .least_batch = batchnorm_least,
        .cache = batchnorm_cache,
        .reads = KILN_READS_X,
        .in_place_backward = 1,
        .always_dx = 1,
        .fuses_relu = 1,
        .relu_backward = KILN_RELU_BEHIND,
        .by_image = 1,
        .begin_forward = batchnorm_begin,
        .forward = batchnorm_forward,
        .begin_backward = batchnorm_begin_backward,
        .backward = batchnorm_backward,
        .sums = batchnorm_sums,
        .sums_by_image = sums_by_image,
        .moments = moments,
        .dots = dots,
        .twin = batchnorm_twin,
        .twin_work = twin_work,
    },
    {
        .name = "layernorm",
        .notation = "layernorm",
        .aliases = {"ln"},
        .flops = 8,
        .infer = layernorm_infer,
        .tensors = scale_and_shift,
        .work = group_work,
        .cache = group_cache,
        .reads = KILN_READS_X,
        .always_dx = 1,
        .forward = group_forward,
        .backward = group_backward,
        .twin = group_twin,
        .twin_work = twin_work,
    },
    {
        .name = "groupnorm",
        .notation = "groupnorm",
        .aliases = {"gn"},
        .attribute = groupnorm_attributes,
        .flops = 8,
        .infer = groupnorm_infer,
        .tensors = scale_and_shift,
        .work = group_work,
        .cache = group_cache,
        .reads = KILN_READS_X,
        .always_dx = 1,
        .forward = group_forward,
        .backward = group_backward,
        .twin = group_twin,
        .twin_work = twin_work,
    },
    {0},
};
