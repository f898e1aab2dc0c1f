/*
 * Fuzz target: checkpoints. The hash of the input is put right first, or nothing behind it would
 * ever be reached. What is accepted must be written back, be accepted again, and take a step.
 */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/dataset.h"
#include "mend_hash.h"
#include "train/checkpoint.h"

#define MEMORY_LIMIT ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file's own hash, and that of the data set, which changes with every change of the built-in
 * drawings. */
static void mend_hashes(uint8_t *bytes, size_t size, uint64_t data_hash)
{
    uint8_t *data = mend_find(bytes, size, "\"data_hash\":\"");

    if (data) mend_write(data, data_hash);
    mend_hash(bytes, size);
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
