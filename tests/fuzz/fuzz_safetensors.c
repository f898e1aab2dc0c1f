/* Fuzz target: safetensors. What is accepted, written again, must read back the same. */
#include <stdlib.h>
#include <string.h>

#include "net/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const kiln_safetensors *f, const uint8_t *bytes, size_t size)
{
    kiln_safetensors g;

    if (kiln_safetensors_read(&g, bytes, size, "again") < 0 || !g.hashed) abort();
    if (g.tensors != f->tensors) abort();
    for (int i = 0; i < f->tensors; i++) {
        const kiln_safetensor *t = &f->tensor[i], *u = &g.tensor[i];

        if (strcmp(t->name, u->name) != 0 || t->type != u->type || t->dims != u->dims ||
            t->bytes != u->bytes || memcmp(t->shape, u->shape, sizeof *t->shape * (size_t)t->dims))
            abort();
        if (t->bytes && memcmp(t->data, u->data, t->bytes) != 0) abort();
    }
    kiln_safetensors_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kiln_safetensors f;
    kiln_arena out;
    size_t written;

    if (kiln_safetensors_read(&f, data, size, "fuzz") < 0) return 0;
    /* Without its metadata: a hash of its own is not the writer's to take. */
    if (kiln_safetensors_write(&out, &written, f.tensor, f.tensors, NULL, 0) >= 0) {
        check_same(&f, (const uint8_t *)out.base, written);
        kiln_arena_destroy(&out);
    }
    kiln_safetensors_free(&f);
    return 0;
}
