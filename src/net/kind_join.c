/* Row of the add at the end of a residual( ), which the grammar writes: out = x + x2. */
#include "net/kinds.h"
#include "ref/ref_layers.h"

static void forward(const kiln_pass *p)
{
    kiln_residual_add(p->out, p->x, p->x2, p->n * (int)kiln_layer_elements(p->layer));
}

static void twin(const kiln_twin *t)
{
    ref_residual_add(t->out, t->x, t->x2, t->n * (int)kiln_layer_elements(t->layer));
}

const kiln_layer_kind kiln_kinds_join[] = {
    {
        .name = "add",
        .notation = "residual",
        .aliases = {"skip"},
        .example = "residual(...)",
        .flops = 1,
        .in_place = 1,
        .joins = 1,
        .by_image = 1,
        .forward = forward,
        .twin = twin,
    },
    {0},
};
