/*
 * Fuzz target: a checkpoint as every format. The hash of the input is put right first. What leaves
 * as safetensors must leave again as the same bytes.
 */
#include <stdlib.h>

#include "base/arena.h"
#include "formats/formats.h"
#include "mend_hash.h"

#define MEMORY_LIMIT ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void export_again(const kiln_bytes *file)
{
    kiln_bytes again;

    if (kiln_format_write(&again, "safetensors", (uint8_t *)file->arena.base, file->size) < 0 ||
        again.size != file->size || memcmp(again.arena.base, file->arena.base, file->size))
        abort();
    kiln_bytes_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    const size_t live = kiln_arena_live();

    kiln_memory_limit_set(MEMORY_LIMIT);
    if (size) memcpy(bytes, input, size);
    mend_hash(bytes, size);
    for (int i = 0; kiln_format_at(i); i++) {
        kiln_bytes file;

        if (kiln_format_write(&file, kiln_format_at(i)->name, bytes, size) < 0) continue;
        if (strcmp(kiln_format_at(i)->name, "safetensors") == 0) export_again(&file);
        kiln_bytes_free(&file);
    }
    if (kiln_arena_live() != live) abort();
    free(bytes);
    return 0;
}
