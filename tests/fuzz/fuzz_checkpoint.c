/*
 * Fuzz target: checkpoints. The hash of the input is put right first, or nothing behind it would
 * ever be reached. What is accepted must be written back, be accepted again, and take a step.
 */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/dataset.h"
#include "train/checkpoint.h"

#define KEY "\"kiln.hash\":\""
#define DIGITS 16
#define MEMORY_LIMIT ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* FNV-1a with the digits read as '0' (net/safetensors.h). */
static void mend_hash(uint8_t *bytes, size_t size)
{
    const size_t key = sizeof KEY - 1;
    uint64_t hash = 0xcbf29ce484222325u;
    uint8_t *digits = NULL;

    for (size_t i = 8; i + key + DIGITS <= size && !digits; i++)
        if (!memcmp(bytes + i, KEY, key)) digits = bytes + i + key;
    if (!digits) return;
    memset(digits, '0', DIGITS);
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    for (int i = 0; i < DIGITS; i++)
        digits[i] = (uint8_t) "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    static kiln_dataset data;
    static kiln_json json;
    uint8_t *bytes = malloc(size + 1);
    kiln_run *r, *again;
    kiln_arena file;
    size_t written;
    int status;

    if (!data.finished && kiln_builtin_create(&data, 1, 20, 10, 10) < 0) abort();
    kiln_memory_limit_set(MEMORY_LIMIT);
    if (size) memcpy(bytes, input, size);
    mend_hash(bytes, size);
    kiln_json_begin(&json);
    kiln_checkpoint_json(bytes, size, &json);
    if (kiln_checkpoint_read(&r, &data, bytes, size, NULL) >= 0) {
        if (kiln_checkpoint_write(r, "fuzz", &file, &written) < 0) abort();
        status = kiln_checkpoint_read(&again, &data, (const uint8_t *)file.base, written, NULL);
        if (status < 0 && status != KILN_E_MEMORY) abort();
        if (status >= 0) {
            if (kiln_net_hash64(again->net) != kiln_net_hash64(r->net)) abort();
            kiln_run_step(again);
            kiln_run_free(again);
        }
        kiln_arena_destroy(&file);
        kiln_run_free(r);
    }
    free(bytes);
    return 0;
}
