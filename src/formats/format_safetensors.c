/*
 * Safetensors: the net's tensors by kiln's names, and the metadata without the run's. It is the
 * file that kiln_checkpoint_export writes of the same net, byte for byte.
 */
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"

/* The first entry that tells of the run and not of the net: what follows it is left out. */
#define RUN_BEGINS "options"

int kiln_write_safetensors(kiln_bytes *out, const kiln_model *m)
{
    const int tensors = kiln_net_tensor_count(m->net);
    kiln_safetensor list[KILN_TENSORS_MAX];
    const kiln_metadata *first = m->file.entry;
    kiln_arena file;
    size_t size;
    int entries = 0, status;

    for (int i = 0; i < tensors; i++)
        list[i] = *kiln_safetensors_find(&m->file, kiln_net_tensor_at(m->net, i)->name);
    /* The hash is the first entry of what kiln writes, and the writer's own business. */
    if (m->file.entries && strcmp(first->key, KILN_SAFETENSORS_HASH) == 0) first++;
    while (first + entries < m->file.entry + m->file.entries &&
           strcmp(first[entries].key, RUN_BEGINS) != 0)
        entries++;
    status = kiln_safetensors_write(&file, &size, list, tensors, first, entries);
    if (status < 0) return status;
    kiln_bytes_put(out, file.base, size);
    kiln_arena_destroy(&file);
    return KILN_OK;
}
