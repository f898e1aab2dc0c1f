/*
 * Each allocation of a public call fails in turn: the call says so, nothing leaks, what was there
 * before stays, and the same call succeeds afterwards.
 */
#include "base/status.h"
#include "check.h"
#include "fail_calloc.h"
#include "kiln.h"

#define RUN "net=conv 3x3x4 - relu - avgpool - affine 10 - softmax\nbatch=10\ncheck-train=20\n"

static int data, trainer;

static int make(void **state)
{
    (void)state;
    data = kiln_data_builtin("train=20\nvalidation=10\ntest=10");
    trainer = kiln_trainer_create(data, RUN);
    return data < 0 || trainer < 0 || kiln_trainer_step(trainer) < 0;
}

static int end(void **state)
{
    (void)state;
    return kiln_trainer_destroy(trainer) < 0 || kiln_data_destroy(data) < 0;
}

/* kiln_trainer_save or _export with the n-th allocation failing, n = 1, 2, ... until none does. */
static void saves(int (*save)(int), int least)
{
    const int size = save(trainer);
    uint8_t *whole = malloc((size_t)size);
    const int used = kiln_memory_used();
    int n = 1;

    CHECK(size > 0);
    memcpy(whole, kiln_trainer_saved(trainer), (size_t)size);
    for (;; n++) {
        fail_calloc(n);
        const int status = save(trainer);

        fail_calloc(0);
        if (status >= 0) break;
        if (status != KILN_E_MEMORY) CHECK_FAIL("allocation %d: %s", n, kiln_error());
        assert_int_equal(kiln_memory_used(), used);
        assert_memory_equal(kiln_trainer_saved(trainer), whole, (size_t)size); /* as it was */
    }
    if (n <= least) CHECK_FAIL("a save with %d allocations, fewer than %d", n - 1, least);
    assert_memory_equal(kiln_trainer_saved(trainer), whole, (size_t)size);
    assert_true(kiln_checkpoint_info(whole, size) > 0 || save == kiln_trainer_export);
    free(whole);
}

static void a_save_fails_whole(void **state)
{
    (void)state;
    saves(kiln_trainer_save, 3);
}

static void an_export_fails_whole(void **state)
{
    (void)state;
    saves(kiln_trainer_export, 3);
}

static int checkpoint_info(int size)
{
    return kiln_checkpoint_info(kiln_trainer_saved(trainer), size);
}

static int summary(int unused)
{
    (void)unused;
    return kiln_summary("affine 10 - softmax", NULL);
}

static int presets(int unused)
{
    (void)unused;
    return kiln_presets();
}

/* What leaves a text leaves a whole one or none. */
static void texts_are_whole_or_empty(void **state)
{
    const int size = kiln_trainer_save(trainer);
    const struct {
        int (*call)(int);
        int argument;
    } calls[] = {{kiln_trainer_options, trainer}, {kiln_trainer_metrics, trainer},
                 {kiln_trainer_history, trainer}, {kiln_data_info, data},
                 {checkpoint_info, size},         {summary, 0},
                 {presets, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        for (int n = 1;; n++) {
            fail_calloc(n);
            const int length = calls[i].call(calls[i].argument);

            fail_calloc(0);
            if (length >= 0) {
                assert_int_equal(length, strlen(kiln_text()));
                break;
            }
            assert_int_equal(length, KILN_E_MEMORY);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_fails_whole),
        cmocka_unit_test(an_export_fails_whole),
        cmocka_unit_test(texts_are_whole_or_empty),
    };

    return cmocka_run_group_tests(tests, make, end);
}
