/*
 * model.py: how each kind of layer is said in PyTorch, a row a kind, found by its name, and the
 * module around them. A layer is a line of __init__, with the course's names of its function
 * and tensors, and a line of forward, with the shape it gives. What PyTorch has no module for is
 * said by an expression in forward:
 *
 *   scale C     x * C                       layernorm of an image     a GroupNorm of one group
 *   add         x + shortcut                dropout                   nn.Dropout: drops the share p
 */
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/status.h"
#include "formats/formats.h"
#include "formats/pytorch.h"
#include "net/kinds.h"

typedef struct {
    kiln_bytes *out;
    const kiln_model *m;
    int l;
    const kiln_layer *layer;
} writer;

/* A number of the notation in as few digits as Python reads back to the same float. */
static const char *number(char digits[KILN_DIGITS], double value)
{
    return kiln_digits_float(digits, (float)value);
}

/* What the module is told where the layer has no tensor i. */
static const char *unbiased(const writer *w, int tensor)
{
    return kiln_net_tensor_of(w->m->net, w->l, tensor) >= 0 ? "" : ", bias=False";
}

/* ---- kinds: what stands behind "self.conv1 = " ----------------------------------------------- */

static void conv(const writer *w)
{
    const kiln_conv_shape *s = &w->layer->u.conv;

    kiln_bytes_line(w->out, "nn.Conv2d(%d, %d, (%d, %d), stride=%d, padding=(%d, %d)%s)", s->C,
                    s->F, s->HH, s->WW, s->stride, s->pad_h, s->pad_w, unbiased(w, 1));
}

static void pool(const writer *w, const char *module)
{
    const kiln_pool_shape *s = &w->layer->u.pool;

    kiln_bytes_line(w->out, "nn.%s((%d, %d), stride=%d)", module, s->HH, s->WW, s->stride);
}

static void maxpool(const writer *w)
{
    pool(w, "MaxPool2d");
}

static void avgpool(const writer *w)
{
    pool(w, "AvgPool2d");
}

static void affine(const writer *w)
{
    const kiln_layer *l = w->layer;

    kiln_bytes_line(w->out, "nn.Linear(%d, %d%s)", l->in_C * l->in_H * l->in_W, l->C,
                    unbiased(w, 1));
}

static void flatten(const writer *w)
{
    kiln_bytes_text(w->out, "nn.Flatten()");
}

static void relu(const writer *w)
{
    kiln_bytes_text(w->out, "nn.ReLU()");
}

static void leakyrelu(const writer *w)
{
    char digits[KILN_DIGITS];

    kiln_bytes_line(w->out, "nn.LeakyReLU(%s)", number(digits, w->layer->value[0]));
}

static void gelu(const writer *w)
{
    kiln_bytes_text(w->out, "nn.GELU()");
}

static void hyperbolic_tangent(const writer *w)
{
    kiln_bytes_text(w->out, "nn.Tanh()");
}

static void sigmoid(const writer *w)
{
    kiln_bytes_text(w->out, "nn.Sigmoid()");
}

static void silu(const writer *w)
{
    kiln_bytes_text(w->out, "nn.SiLU()");
}

static void prelu(const writer *w)
{
    kiln_bytes_line(w->out, "nn.PReLU(%d)", w->layer->C);
}

static void batchnorm(const writer *w)
{
    const kiln_layer *l = w->layer;
    char eps[KILN_DIGITS], kept[KILN_DIGITS];

    kiln_bytes_line(w->out, "nn.BatchNorm%dd(%d, eps=%s, momentum=%s)", l->spatial ? 2 : 1, l->C,
                    number(eps, l->u.norm.eps), number(kept, 1 - l->u.norm.momentum));
}

static void groupnorm(const writer *w)
{
    kiln_bytes_line(w->out, "nn.GroupNorm(%d, %d, eps=1e-5)", (int)w->layer->value[0],
                    w->layer->C);
}

static void layernorm(const writer *w)
{
    kiln_bytes_line(w->out, w->layer->spatial ? "nn.GroupNorm(1, %d, eps=1e-5)"
                                              : "nn.LayerNorm(%d, eps=1e-5)", w->layer->C);
}

static void dropout(const writer *w)
{
    char digits[KILN_DIGITS];

    kiln_bytes_line(w->out, "nn.Dropout(%s)", number(digits, w->layer->value[0]));
}

/* `make` NULL: the layer is an expression of forward, or the loss, and has no module. */
static const struct {
    const char *kind, *course; /* the course's function, or what stands in its place */
    void (*make)(const writer *w);
} table[] = {
    {"conv", "conv_forward", conv},
    {"whiten", "conv_forward with fixed filters", conv},
    {"maxpool", "max_pool_forward", maxpool},
    {"avgpool", "avgpool", avgpool},
    {"affine", "affine_forward", affine},
    {"flatten", "flatten", flatten},
    {"relu", "relu_forward", relu},
    {"leakyrelu", "leakyrelu", leakyrelu},
    {"gelu", "gelu", gelu},
    {"tanh", "tanh", hyperbolic_tangent},
    {"sigmoid", "sigmoid", sigmoid},
    {"silu", "silu", silu},
    {"prelu", "prelu", prelu},
    {"scale", "scale", NULL},
    {"batchnorm", "batchnorm_forward", batchnorm},
    {"layernorm", "layernorm_forward", layernorm},
    {"groupnorm", "spatial_groupnorm_forward", groupnorm},
    {"dropout", "dropout_forward", dropout},
    {"add", "add", NULL},
    {"softmax", "softmax_loss", NULL},
    {"svm", "svm_loss", NULL},
};

int kiln_torch_row(const kiln_layer *l)
{
    const char *kind = l->kind->name;

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].kind, kind) == 0) return (int)i;
    return kiln_fail(KILN_E_ARG, "pytorch: %s cannot leave: there is no PyTorch form of %s here",
                     l->name, kind);
}

/* ---- names ----------------------------------------------------------------------------------- */

int kiln_torch_is_transposed(const kiln_tensor *t)
{
    return t->dims == 2;
}

void kiln_torch_name(char out[KILN_TORCH_NAME], const char *prefix, const kiln_tensor *t)
{
    static const char *const names[][2] = {{"w", "weight"}, {"b", "bias"}, {"gamma", "weight"},
                                           {"beta", "bias"}, {"slope", "weight"}};
    const char *dot = strchr(t->name, '.'), *role = dot + 1;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(role, names[i][0]) == 0) {
            role = names[i][1];
            break;
        }
    snprintf(out, KILN_TORCH_NAME, "%s%.*s.%s", prefix, (int)(dot - t->name), t->name, role);
}

/* ---- the module ------------------------------------------------------------------------------ */

/* A layer's line of __init__, and what of it is not trained. */
static void put_made(const writer *w, int row, char course[][KILN_NPZ_NAME])
{
    int at;

    kiln_bytes_line(w->out, "        self.%s = ", w->layer->name);
    table[row].make(w);
    kiln_bytes_line(w->out, "  # %s", table[row].course);
    for (int i = 0; (at = kiln_net_tensor_of(w->m->net, w->l, i)) >= 0; i++)
        kiln_bytes_line(w->out, "%s%s", i ? ", " : ": ", course[at]);
    kiln_bytes_text(w->out, "\n");
    for (int i = 0; (at = kiln_net_tensor_of(w->m->net, w->l, i)) >= 0; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(w->m->net, at);
        char name[KILN_TORCH_NAME];

        kiln_torch_name(name, "", t);
        if (t->parameter && !t->trained)
            kiln_bytes_line(w->out, "        self.%s.requires_grad_(False)  # stays as it is\n",
                            name);
    }
}

/* Is the output of layer l (-1: the input) read by a later one than the next? */
static int is_kept(const kiln_plan *plan, int l)
{
    for (int k = l + 2; k < plan->count; k++)
        if (plan->layer[k].from == l || (plan->layer[k].kind->joins && plan->layer[k].from2 == l))
            return 1;
    return 0;
}

/* The variable of forward that holds the output of layer l when layer `reader` runs. */
static const char *variable(const kiln_plan *plan, int l, int reader)
{
    if (l == reader - 1) return "x";
    return l < 0 ? "image" : plan->layer[l].name;
}

static void put_run(const writer *w, int row)
{
    const kiln_plan *plan = kiln_net_plan(w->m->net);
    const kiln_layer *l = w->layer;
    const char *x = variable(plan, l->from, w->l);
    char digits[KILN_DIGITS];

    if (l->kind->joins)
        kiln_bytes_line(w->out, "        x = %s + %s", x, variable(plan, l->from2, w->l));
    else if (table[row].make)
        kiln_bytes_line(w->out, "        x = self.%s(%s)", l->name, x);
    else
        kiln_bytes_line(w->out, "        x = %s * %s", x, number(digits, l->value[0]));
    if (l->spatial)
        kiln_bytes_line(w->out, "  # (N, %d, %d, %d)\n", l->C, l->H, l->W);
    else
        kiln_bytes_line(w->out, "  # (N, %d)\n", l->C);
    if (is_kept(plan, w->l)) kiln_bytes_line(w->out, "        %s = x\n", l->name);
}

static void put_loss(kiln_bytes *out, const kiln_layer *loss)
{
    char digits[KILN_DIGITS];

    kiln_bytes_text(out, "\n\ndef loss(scores, y):\n");
    if (loss->kind->probabilities) {
        kiln_bytes_text(out, "    \"\"\"The mean softmax loss, the course's softmax_loss.\"\"\"\n");
        kiln_bytes_line(out, "    return F.cross_entropy(scores, y, label_smoothing=%s)\n",
                        number(digits, loss->value[0]));
        return;
    }
    kiln_bytes_text(out, "    \"\"\"The mean of all margins, the course's svm_loss.\"\"\"\n"
                         "    right = y[:, None]\n"
                         "    margins = (scores - scores.gather(1, right) + 1).clamp(min=0)\n"
                         "    return margins.scatter(1, right, 0).sum() / len(y)\n");
}

static void put_head(kiln_bytes *out, const kiln_model *m)
{
    const kiln_plan *plan = kiln_net_plan(m->net);

    kiln_bytes_text(out, "\"\"\"The net that kiln trained, as a PyTorch module:\n\n");
    kiln_bytes_text(out, plan->notation);
    kiln_bytes_line(out, "\n\nIt takes images (N, %d, %d, %d) that are normalised as train.py does "
                    "it, and gives\nscores (N, %d).\n\"\"\"\n", plan->C, plan->H, plan->W,
                    plan->classes);
    kiln_bytes_text(out, "import torch.nn as nn\nimport torch.nn.functional as F\n\n\n"
                         "class Net(nn.Module):\n    def __init__(self):\n"
                         "        super().__init__()\n");
}

int kiln_torch_model(kiln_bytes *out, const kiln_model *m)
{
    const kiln_plan *plan = kiln_net_plan(m->net);
    const int layers = plan->count - 1; /* the last is the loss */
    char(*course)[KILN_NPZ_NAME];
    writer w = {.out = out, .m = m};
    kiln_arena names;
    int row;

    for (int l = 0; l <= layers; l++) KILN_TRY(kiln_torch_row(&plan->layer[l]));
    KILN_TRY(kiln_arena_create(&names, KILN_TENSORS_MAX * sizeof *course, "the tensors' names"));
    course = (char(*)[KILN_NPZ_NAME])(void *)names.base;
    kiln_npz_names(course, m->net);
    put_head(out, m);
    for (w.l = 0; w.l < layers; w.l++) {
        w.layer = &plan->layer[w.l];
        row = kiln_torch_row(w.layer);
        if (table[row].make) put_made(&w, row, course);
    }
    kiln_bytes_text(out, "\n    def forward(self, x):\n");
    if (is_kept(plan, -1)) kiln_bytes_text(out, "        image = x\n");
    for (w.l = 0; w.l < layers; w.l++) {
        w.layer = &plan->layer[w.l];
        put_run(&w, kiln_torch_row(w.layer));
    }
    kiln_bytes_text(out, "        return x\n");
    put_loss(out, &plan->layer[layers]);
    kiln_arena_destroy(&names);
    return KILN_OK;
}
