/* What tests of formats share: a checkpoint of a small run, its net alone, and how both leave. */
#ifndef KILN_TESTS_EXPORTED_H
#define KILN_TESTS_EXPORTED_H

#include "formats/formats.h"
#include "runs.h"
#include "train/checkpoint.h"

#define NET "conv 3x3x4 - batchnorm - relu - groupnorm 2 - maxpool 4 - affine 10 - softmax"
#define VERSION "1.2.3"

static kiln_arena saved, net_alone; /* a checkpoint, and its net as kiln_checkpoint_export has it */
static size_t saved_size, net_alone_size;

/* Saves a run that stands where a test wants it. */
static inline void save_both(kiln_run *run)
{
    CHECK(kiln_checkpoint_write(run, VERSION, &saved, &saved_size) >= 0);
    CHECK(kiln_checkpoint_export(run, VERSION, &net_alone, &net_alone_size) >= 0);
}

static inline int free_both(void **state)
{
    kiln_arena_destroy(&saved);
    kiln_arena_destroy(&net_alone);
    return free_data(state);
}

static inline kiln_bytes write_as(const char *format)
{
    kiln_bytes out;

    if (kiln_format_write(&out, format, (const uint8_t *)saved.base, saved_size) < 0)
        CHECK_FAIL("%s: %s", format, kiln_error());
    return out;
}

/* A refusal has this status and these words, and keeps no memory. */
static inline void refused(const char *format, const void *bytes, size_t size, int status,
                           const char *words)
{
    const size_t live = kiln_arena_live();
    kiln_bytes out;

    assert_int_equal(kiln_format_write(&out, format, bytes, size), status);
    if (!strstr(kiln_error(), words))
        CHECK_FAIL("\"%s\" does not say \"%s\"", kiln_error(), words);
    assert_int_equal(kiln_arena_live(), live);
}

#endif
