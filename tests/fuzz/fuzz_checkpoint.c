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
#define DATA_KEY "\"data_hash\":\""
#define DIGITS 16
#define MEMORY_LIMIT ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sixteen digits behind a key of the metadata, or NULL. */
static uint8_t *digits_of(uint8_t *bytes, size_t size, const char *key)
{
    const size_t length = strlen(key);

    for (size_t i = 8; i + length + DIGITS <= size; i++)
        if (!memcmp(bytes + i, key, length)) return bytes + i + length;
    return NULL;
}

static void write_digits(uint8_t *digits, uint64_t value)
{
    for (int i = 0; i < DIGITS; i++)
        digits[i] = (uint8_t) "0123456789abcdef"[value >> (60 - 4 * i) & 15];
}

/* The file's own hash, FNV-1a with the digits read as '0' (net/safetensors.h), and that of the data
 * set, which changes with every change of the built-in drawings. */
static void mend_hashes(uint8_t *bytes, size_t size, uint64_t data_hash)
{
    uint8_t *data = digits_of(bytes, size, DATA_KEY), *digits = digits_of(bytes, size, KEY);
    uint64_t hash = 0xcbf29ce484222325u;

    if (data) write_digits(data, data_hash);
    if (!digits) return;
    memset(digits, '0', DIGITS);
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    write_digits(digits, hash);
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
    mend_hashes(bytes, size, data.hash);
    kiln_json_begin(&json);
    kiln_checkpoint_json(bytes, size, &json);
    if (kiln_checkpoint_read(&r, &data, bytes, size, NULL) >= 0) {
        if (kiln_checkpoint_write(r, "fuzz", &file, &written) < 0) abort();
        status = kiln_checkpoint_read(&again, &data, (const uint8_t *)file.base, written, NULL);
        if (status < 0 && status != KILN_E_MEMORY) abort();
        if (status >= 0) {
            if (kiln_net_hash64(again->learner.net) != kiln_net_hash64(r->learner.net)) abort();
            kiln_run_step(again);
            kiln_run_free(again);
        }
        kiln_arena_destroy(&file);
        kiln_run_free(r);
    }
    free(bytes);
    return 0;
}
