/*
 * Fuzz target: checkpoints and exports. The hash of the input is put right first, or nothing behind
 * it would ever be reached. What is described can be gone on with; what is gone on with must be
 * written back, be accepted again, and take a step; what is evaluated gives an answer; what a run
 * begins with, it trains on.
 */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "fuzz_data.h"
#include "mend_hash.h"
#include "train/checkpoint.h"

#define MEMORY_LIMIT ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The file's own hash, and that of the data set, which changes with every change of the built-in
 * drawings. */
static void mend_hashes(uint8_t *bytes, size_t size)
{
    uint8_t *data = mend_find(bytes, size, "\"data_hash\":\"");

    if (data) mend_write(data, fuzz_data()->hash);
    mend_hash(bytes, size);
}

/* 1: a checkpoint, 0: an export, or why it is refused. */
static int describe(const uint8_t *bytes, size_t size)
{
    static kiln_json json;
    int status;

    kiln_json_begin(&json);
    status = kiln_checkpoint_json(bytes, size, &json);
    if (status < 0) return status;
    if (kiln_json_end(&json) < 0) return KILN_E_MEMORY;
    return strstr(kiln_json_text(&json), "\"hasRun\":true") != NULL;
}

/* A refusal that is not the file's: of other data, or of a batch or memory that is not granted. */
static int is_the_readers(int status)
{
    return status == KILN_E_MEMORY || strstr(kiln_error(), "data set") ||
           strstr(kiln_error(), "may ask for") || strstr(kiln_error(), "a step of");
}

static void write_and_go_on(kiln_run *r)
{
    kiln_run *again;
    kiln_arena file;
    size_t size;
    int status;

    if (kiln_checkpoint_write(r, "fuzz", &file, &size) < 0) abort();
    status = kiln_checkpoint_read(&again, fuzz_data(), (const uint8_t *)file.base, size, NULL);
    if (status < 0 && status != KILN_E_MEMORY) abort();
    if (status >= 0) {
        if (kiln_net_hash64(again->learner.net) != kiln_net_hash64(r->learner.net)) abort();
        kiln_run_step(again);
        kiln_run_free(again);
    }
    kiln_arena_destroy(&file);
}

static void read_each_way(const uint8_t *bytes, size_t size)
{
    const int described = describe(bytes, size);
    kiln_run *r;
    int status = kiln_checkpoint_read(&r, fuzz_data(), bytes, size, NULL);

    if (status >= 0 && described != 1) abort();
    if (status < 0 && described == 1 && !is_the_readers(status)) abort();
    if (status >= 0) {
        write_and_go_on(r);
        kiln_run_free(r);
    }
    status = kiln_checkpoint_load(&r, fuzz_data(), bytes, size, NULL);
    if ((status >= 0 && described < 0) || (status < 0 && described >= 0 && !is_the_readers(status)))
        abort();
    if (status >= 0) {
        kiln_evaluate(&r->test, 2, 0, 3, 1, NULL, NULL);
        if (kiln_run_step(r) != KILN_E_STATE) abort();
        kiln_run_free(r);
    }
    if (kiln_checkpoint_begin(&r, fuzz_data(), bytes, size, "batch=4") < 0) return;
    if (described < 0 || r->place.step != 0) abort();
    kiln_run_step(r);
    kiln_run_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    uint8_t *bytes = malloc(size + 1);

    kiln_memory_limit_set(MEMORY_LIMIT);
    if (size) memcpy(bytes, input, size);
    mend_hashes(bytes, size);
    read_each_way(bytes, size);
    free(bytes);
    return 0;
}
