/* Rows of the losses: layers/softmax_loss.c, layers/svm_loss.c. */
#include "net/kinds.h"
#include "ref/ref_layers.h"

static int infer(kiln_layer *l)
{
    return l->in_C < 2 ? kiln_misfit(l, "needs two scores or more; use affine 10 before it") : 0;
}

static double softmax(const kiln_layer *l, float *dx, const float *x, const int *y, int n)
{
    return kiln_softmax_loss(dx, x, y, n, l->C, (float)l->value[0]);
}

static double softmax_twin(const kiln_layer *l, const double *x, const int *y, int n)
{
    return ref_softmax_loss(NULL, x, y, n, l->C, l->value[0]);
}

static double svm(const kiln_layer *l, float *dx, const float *x, const int *y, int n)
{
    return kiln_svm_loss(dx, x, y, n, l->C);
}

static double svm_twin(const kiln_layer *l, const double *x, const int *y, int n)
{
    return ref_svm_loss(NULL, x, y, n, l->C);
}

static const kiln_attribute softmax_attributes[] = {
    {.name = "smoothing", .word = "smoothing", .type = KILN_SHARE,
     .what = "the smoothing, as in softmax smoothing 0.1"},
    {0}};

const kiln_layer_kind kiln_kinds_loss[] = {
    {
        .name = "softmax",
        .notation = "softmax",
        .aliases = {"crossentropy"},
        .attribute = softmax_attributes,
        .takes = KILN_TAKES_ROWS,
        .flops = 20,
        .infer = infer,
        .probabilities = 1,
        .loss = softmax,
        .twin_loss = softmax_twin,
    },
    {
        .name = "svm",
        .notation = "svm",
        .aliases = {"hinge"},
        .takes = KILN_TAKES_ROWS,
        .flops = 20,
        .infer = infer,
        .corners = 1,
        .loss = svm,
        .twin_loss = svm_twin,
    },
    {0},
};
