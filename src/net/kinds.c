/* Looking into the table of layer kinds; see kinds.h. */
#include "net/kinds.h"

#include <string.h>

const kiln_layer_kind *kiln_kind_at(int i)
{
    for (const kiln_layer_kind *const *family = kiln_kind_families; *family; family++)
        for (const kiln_layer_kind *kind = *family; kind->name; kind++)
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
