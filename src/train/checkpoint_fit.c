/*
 * Weights for a data set with other classes than theirs (cs231n, transfer learning: a pretrained
 * net as a fixed feature extractor, or fine-tuned): all that lies before the head is the file's,
 * the head itself begins anew.
 *
 * The head is the last layer whose notation names how many outputs it has: affine or conv. A net
 * for the new classes is the file's but for that number.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "net/kinds.h"
#include "train/checkpoint_head.h"

/* Which attribute of a kind is its number of outputs, or -1. */
static int outputs_of(const kiln_layer_kind *kind)
{
    for (int i = 0; i < kiln_attribute_count(kind); i++) {
        const char *name = kind->attribute[i].name;

        if (!strcmp(name, "outputs") || !strcmp(name, "filters")) return i;
    }
    return -1;
}

/* The last layer with outputs of its own, or -1. */
static int head_of(const kiln_plan *plan)
{
    int l = plan->count - 1;

    while (l >= 0 && outputs_of(plan->layer[l].kind) < 0) l--;
    return l;
}

/* `net`, of which plan is, with `classes` outputs of its head; as it is where it has none. */
static int with_outputs(char net[KILN_NOTATION_MAX], const kiln_plan *plan, int classes)
{
    const int l = head_of(plan);
    char text[96], tail[KILN_NOTATION_MAX];
    kiln_layer head;
    size_t at;

    if (l < 0) return KILN_OK;
    head = plan->layer[l];
    head.value[outputs_of(head.kind)] = classes;
    kiln_layer_text(text, sizeof text, &head);
    at = (size_t)head.column - 1;
    snprintf(tail, sizeof tail, "%s", net + head.end - 1);
    if (at + strlen(text) + strlen(tail) >= KILN_NOTATION_MAX)
        return kiln_fail(KILN_E_NOTATION, "net: longer than %d characters", KILN_NOTATION_MAX - 1);
    strcpy(net + at, text);
    strcat(net, tail);
    return KILN_OK;
}

/* Is b the net a but for the outputs of layer `head`? */
static int same_but_for(const kiln_plan *a, const kiln_plan *b, int head)
{
    if (head < 0 || a->count != b->count) return 0;
    for (int l = 0; l < a->count; l++) {
        const kiln_layer *p = &a->layer[l], *q = &b->layer[l];

        if (p->kind != q->kind || p->from != q->from || p->from2 != q->from2) return 0;
        for (int i = 0; i < kiln_attribute_count(p->kind); i++)
            if (p->value[i] != q->value[i] && (l != head || i != outputs_of(p->kind))) return 0;
    }
    return 1;
}

static int fit(const kiln_checkpoint_head *h, char net[KILN_NOTATION_MAX], int classes, int *layers,
               kiln_plan *plan)
{
    kiln_plan *own = plan, *other = plan + 1;

    KILN_TRY(kiln_notation_parse(own, h->o.net, h->channels, h->height, h->width));
    *layers = own->count;
    if (!strcmp(net, h->o.net) && own->classes != classes)
        KILN_TRY(with_outputs(net, own, classes));
    KILN_TRY(kiln_notation_parse(other, net, h->channels, h->height, h->width));
    if (!strcmp(own->notation, other->notation)) return KILN_OK;
    *layers = head_of(own);
    if (own->classes != other->classes && same_but_for(own, other, *layers)) return KILN_OK;
    return kiln_fail(KILN_E_ARG, "net: the weights are of another net, %.200s, not of %.200s",
                     own->notation, other->notation);
}

int kiln_checkpoint_fit(const kiln_checkpoint_head *h, char net[KILN_NOTATION_MAX], int classes,
                        int *layers)
{
    kiln_arena arena;
    int status;

    KILN_TRY(kiln_arena_create(&arena, 2 * sizeof(kiln_plan), "the plans of two nets"));
    status = fit(h, net, classes, layers, (kiln_plan *)(void *)arena.base);
    kiln_arena_destroy(&arena);
    return status;
}
