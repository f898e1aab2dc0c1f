/* Row of dropout: layers/dropout.c. What it drops is drawn again going backward. */
#include "net/kinds.h"
#include "ref/ref_layers.h"

/* Of x, the values from p->first on. */
static void drop(const kiln_pass *p, float *out, const float *x, int train)
{
    const size_t size = kiln_layer_elements(p->layer);
    const float rate = p->rate < 0 ? (float)p->layer->value[0] : p->rate;
    const int count = p->n * (int)size;

    if (train && rate > 0)
        kiln_dropout(out, x, count, rate, p->rng, (size_t)p->first * size);
    else
        kiln_copy_values(out, x, count);
}

static void forward(const kiln_pass *p)
{
    drop(p, p->out, p->x, p->train);
}

static void backward(const kiln_pass *p)
{
    drop(p, p->dx, p->dout, 1);
}

static void twin(const kiln_twin *t)
{
    const double rate = t->rate < 0 ? t->layer->value[0] : t->rate;

    ref_dropout(t->out, t->x, t->n * (int)kiln_layer_elements(t->layer), rate, t->rng, 0);
}

static const kiln_attribute dropout_attributes[] = {
    {.name = "rate", .type = KILN_SHARE, .what = "the share dropped, as in dropout 0.5"},
    {0}};

const kiln_layer_kind kiln_kinds_dropout[] = {
    {
        .name = "dropout",
        .notation = "dropout",
        .attribute = dropout_attributes,
        .flops = 1,
        .in_place = 1,
        .by_image = 4, /* draws come in fours */
        .forward = forward,
        .backward = backward,
        .twin = twin,
    },
    {0},
};
