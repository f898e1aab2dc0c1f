/* Rows of the fully connected layer, and of the flatten that goes before it where it gets an image:
 * layers/affine.c, layers/reshape.c. */
#include "base/status.h"
#include "net/kinds.h"
#include "ref/ref_layers.h"

/* ---- affine ---------------------------------------------------------------------------------- */

enum { OUTPUTS, NOBIAS }; /* attributes */

static int affine_infer(kiln_layer *l)
{
    l->C = (int)l->value[OUTPUTS];
    l->flops = 2.0 * l->in_C * l->C;
    return KILN_OK;
}

static int affine_tensors(const kiln_layer *l, kiln_tensor_row *t)
{
    t[0] = (kiln_tensor_row){
        .name = "w", .shape = {l->in_C, l->C}, .random = 1, .regularised = 1};
    t[1] = (kiln_tensor_row){.name = "b", .shape = {l->C}, .shift = 1};
    return l->value[NOBIAS] > 0 ? 1 : 2;
}

static size_t affine_work(const kiln_layer *l, int n)
{
    return kiln_affine_work(n, l->in_C, l->C);
}

static void affine_forward(const kiln_pass *p)
{
    const kiln_layer *l = p->layer;

    kiln_affine_forward(p->out, p->x, p->data[0], p->data[1], p->n, l->in_C, l->C, p->relu,
                        p->work);
}

static void affine_backward(const kiln_pass *p)
{
    const kiln_layer *l = p->layer;

    kiln_affine_backward(p->dx, p->gradient[0], p->gradient[1], p->dout, p->x, p->data[0], p->n,
                         l->in_C, l->C, p->work);
}

static void affine_twin(const kiln_twin *t)
{
    const kiln_layer *l = t->layer;

    ref_affine_forward(t->out, t->x, t->data[0], t->data[1], t->n, l->in_C, l->C);
}

/* ---- flatten --------------------------------------------------------------------------------- */

/* An image of one pixel is a row already: nothing is to be done. */
static int flatten_infer(kiln_layer *l)
{
    l->in_place = l->in_H * l->in_W == 1;
    l->C = l->in_C * l->in_H * l->in_W;
    l->H = l->W = 1;
    l->spatial = 0;
    return KILN_OK;
}

static void flatten_forward(const kiln_pass *p)
{
    const kiln_layer *l = p->layer;

    if (l->in_place)
        kiln_copy_values(p->out, p->x, p->n * l->C);
    else
        kiln_flatten_forward(p->out, p->x, p->n, l->in_H * l->in_W, l->in_C);
}

static void flatten_backward(const kiln_pass *p)
{
    const kiln_layer *l = p->layer;

    if (l->in_place)
        kiln_copy_values(p->dx, p->dout, p->n * l->C);
    else
        kiln_flatten_backward(p->dx, p->dout, p->n, l->in_H * l->in_W, l->in_C);
}

static void flatten_twin(const kiln_twin *t)
{
    const kiln_layer *l = t->layer;

    ref_flatten_forward(t->out, t->x, t->n, l->in_H * l->in_W, l->in_C);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const kiln_attribute affine_attributes[] = {
    [OUTPUTS] = {.name = "outputs", .what = "the number of outputs, as in affine 10", .min = 1,
                 .max = KILN_DIM_MAX},
    [NOBIAS] = {.name = "noBias", .word = "nobias", .type = KILN_FLAG},
    {0}};

const kiln_layer_kind kiln_kinds_affine[] = {
    {
        .name = "affine",
        .notation = "affine",
        .aliases = {"fc", "dense", "linear"},
        .attribute = affine_attributes,
        .takes = KILN_TAKES_ROWS,
        .infer = affine_infer,
        .tensors = affine_tensors,
        .work = affine_work,
        .reads = KILN_READS_X,
        .fuses_relu = 1,
        .forward = affine_forward,
        .backward = affine_backward,
        .twin = affine_twin,
    },
    {
        .name = "flatten",
        .advice = "another layer: affine flattens images by itself",
        .infer = flatten_infer,
        .by_image = 1,
        .forward = flatten_forward,
        .backward = flatten_backward,
        .twin = flatten_twin,
    },
    {0},
};
