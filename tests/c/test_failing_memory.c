/*
 * Each allocation of a public call fails in turn: the call says so, nothing leaks, what was there
 * before stays, and the same call succeeds afterwards.
 */
#include "base/status.h"
#include "check.h"
#include "fail_calloc.h"
#include "kiln_formats.h"

#define NET "conv 3x3x4 - relu - avgpool - affine 10 - softmax"
#define RUN "net=" NET "\nbatch=10\ncheck-train=20\n"

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

static const uint8_t *file; /* a checkpoint, or what is imported */
static int net;

static int resume(int size)
{
    return kiln_trainer_resume(data, file, size, "");
}

static int load(int size)
{
    return kiln_trainer_load(data, file, size, "");
}

static int begin(int size)
{
    return kiln_trainer_begin(data, file, size, "batch=10");
}

static int fill(int size)
{
    return kiln_net_fill(net, file, size);
}

static int import(int size)
{
    return kiln_import(NET, NULL, file, size);
}

/* The call with each of its allocations failing; a trainer that it makes in the end goes again. */
static void reads(int (*read)(int), int size, int makes_trainer)
{
    const int used = kiln_memory_used();

    for (int n = 1;; n++) {
        fail_calloc(n);
        const int status = read(size);

        fail_calloc(0);
        if (status >= 0) {
            CHECK(n > 3); /* there was something to fail */
            if (makes_trainer) assert_int_equal(kiln_trainer_destroy(status), KILN_OK);
            break;
        }
        if (status != KILN_E_MEMORY) CHECK_FAIL("allocation %d: %s", n, kiln_error());
        assert_true(kiln_memory_used() <= used + 4); /* the text of a failed call may stay */
    }
}

static void a_reading_fails_whole(void **state)
{
    int size = kiln_trainer_export(trainer);
    uint8_t *whole;

    (void)state;
    CHECK(size > 0);
    whole = malloc((size_t)size);
    memcpy(whole, kiln_trainer_saved(trainer), (size_t)size);
    file = whole;
    net = kiln_net_create(NET, "");
    reads(load, size, 1);
    reads(begin, size, 1);
    reads(fill, size, 0);
    size = kiln_export("npz", whole, size);
    CHECK(size > 0);
    free(whole);
    whole = malloc((size_t)size);
    memcpy(whole, kiln_exported(), (size_t)size);
    file = whole;
    reads(import, size, 0);
    free(whole);
    size = kiln_trainer_save(trainer);
    whole = malloc((size_t)size);
    memcpy(whole, kiln_trainer_saved(trainer), (size_t)size);
    file = whole;
    reads(resume, size, 1);
    free(whole);
    kiln_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_fails_whole),
        cmocka_unit_test(an_export_fails_whole),
        cmocka_unit_test(texts_are_whole_or_empty),
        cmocka_unit_test(a_reading_fails_whole),
    };

    return cmocka_run_group_tests(tests, make, end);
}
