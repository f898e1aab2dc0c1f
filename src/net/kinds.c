/* The table of layer kinds: families in the order in which messages list their names. */
#include "net/kinds.h"

#include <string.h>

static const kiln_layer_kind *const families[] = {
    kiln_kinds_conv, kiln_kinds_pool,    kiln_kinds_affine, kiln_kinds_activation,
    kiln_kinds_norm, kiln_kinds_dropout, kiln_kinds_join,   kiln_kinds_loss};

const kiln_layer_kind *kiln_kind_at(int i)
{
    for (size_t f = 0; f < sizeof families / sizeof *families; f++)
        for (const kiln_layer_kind *kind = families[f]; kind->name; kind++)
            if (i-- == 0) return kind;
    return NULL;
}

const kiln_layer_kind *kiln_kind_named(const char *name)
{
    const kiln_layer_kind *kind;

    for (int i = 0; (kind = kiln_kind_at(i)); i++)
        if (strcmp(kind->name, name) == 0) return kind;
    return NULL;
}
