/*
 * Fuzz target: weights of other programs, safetensors and .npz, for a small net. Checksums of an
 * .npz are put right first. What is taken is an export that a run can begin with.
 */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/import.h"
#include "formats/zip.h"
#include "fuzz_data.h"
#include "train/checkpoint.h"

#define MEMORY_LIMIT ((size_t)64 << 20)
#define NET "conv 3x3x2 - batchnorm - relu - avgpool 8 - affine 10 - svm"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t number_at(const uint8_t *bytes, int count)
{
    size_t value = 0;

    while (count--) value = value << 8 | bytes[count];
    return value;
}

/* The checksum in each entry of the directory, of what lies where the entry says. */
static void mend_checksums(uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at + 46 <= size; at++) {
        const size_t local = memcmp(bytes + at, "PK\1\2", 4) ? size : number_at(bytes + at + 42, 4);
        const size_t length = number_at(bytes + at + 24, 4);
        size_t begins;
        uint32_t crc;

        if (local > size || size - local < 30) continue;
        begins = local + 30 + number_at(bytes + local + 26, 2) + number_at(bytes + local + 28, 2);
        if (begins > size || length > size - begins) continue;
        crc = kiln_crc32(0, bytes + begins, length);
        for (int i = 0; i < 4; i++) bytes[at + 16 + (size_t)i] = (uint8_t)(crc >> 8 * i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static kiln_json table;
    uint8_t *bytes = malloc(size + 1);
    kiln_bytes out;
    kiln_run *r;

    kiln_memory_limit_set(MEMORY_LIMIT);
    if (size) memcpy(bytes, input, size);
    mend_checksums(bytes, size);
    kiln_json_begin(&table);
    if (kiln_import_weights(&out, &table, NET, NULL, "fuzz", bytes, size) > 0) {
        const uint8_t *export = (uint8_t *)out.arena.base;

        if (kiln_json_end(&table) < 0) abort();
        if (kiln_checkpoint_begin(&r, fuzz_data(), export, out.size, "batch=4") < 0) abort();
        kiln_run_step(r);
        kiln_run_free(r);
        kiln_bytes_free(&out);
    }
    free(bytes);
    return 0;
}
