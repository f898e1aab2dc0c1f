/*
 * What tests of training share: one built-in set that all tests of a program borrow, and runs over
 * it.
 */
#ifndef KILN_TESTS_RUNS_H
#define KILN_TESTS_RUNS_H

#include "base/status.h"
#include "check.h"
#include "data/dataset.h"
#include "train/trainer.h"

static kiln_dataset data;

/* Draws the set: 0, as cmocka wants of what comes before a group. */
static inline int draw_data(uint32_t seed, int train, int validation, int test)
{
    return kiln_builtin_create(&data, seed, train, validation, test) < 0;
}

/* What comes behind a group. */
static inline int free_data(void **state)
{
    (void)state;
    kiln_dataset_destroy(&data);
    return 0;
}

/* A run over the set by the options of `text`, to be freed. */
static inline kiln_run *make_run(const char *text)
{
    kiln_train_options o;
    kiln_run *r = NULL;

    kiln_train_options_default(&o);
    if (kiln_train_options_read(&o, text, KILN_OPTIONS_ALL) < 0 || kiln_run_make(&r, &data, &o) < 0)
        CHECK_FAIL("%s", kiln_error());
    return r;
}

/* The flags of a step that does not fail. */
static inline int must_step(kiln_run *r)
{
    const int flags = kiln_run_step(r);

    if (flags < 0) CHECK_FAIL("step %d: %s", (int)r->place.step, kiln_error());
    return flags;
}

#endif
