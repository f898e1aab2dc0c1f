/* The check that ends an epoch, done in slices: whatever their size, the flags of the epoch come
 * once, and run, history and checkpoint are those of a check done at once. */
#include <string.h>

#include "base/status.h"
#include "runs.h"
#include "train/checkpoint.h"

#define OPTIONS                                                                                    \
    "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - affine 10 - softmax\n"                       \
    "batch=20\nepochs=3\ncheck-train=50\nseed=3\ncheck-first=1\n"

static kiln_run *make(int slice)
{
    kiln_run *r = make_run(OPTIONS);

    r->slice = slice;
    return r;
}

/* Takes a run to its end. Returns how often an epoch ended; *calls counts calls. */
static int train(kiln_run *r, int settle, int *calls)
{
    int epochs = 0, flags;

    *calls = 0;
    do {
        flags = kiln_run_step(r);
        if (flags < 0) CHECK_FAIL("%s", kiln_error());
        (*calls)++;
        epochs += (flags & KILN_RUN_EPOCH) != 0;
        if (flags & KILN_RUN_CHECKING) assert_false(flags & (KILN_RUN_EPOCH | KILN_RUN_DONE));
        if (settle && flags & KILN_RUN_CHECKING) {
            assert_int_equal(kiln_run_settle(r), KILN_OK);
            assert_int_equal(kiln_run_settle(r), KILN_OK); /* nothing to do */
            assert_false(r->check.active);
        }
    } while (!(flags & KILN_RUN_DONE));
    assert_int_equal(kiln_run_step(r), KILN_E_STATE);
    return epochs;
}

static void check_same(kiln_run *a, kiln_run *b)
{
    kiln_arena one, other;
    size_t m, n;

    assert_int_equal(kiln_checkpoint_write(a, "0", &one, &m), KILN_OK);
    assert_int_equal(kiln_checkpoint_write(b, "0", &other, &n), KILN_OK);
    assert_int_equal(m, n);
    assert_memory_equal(one.base, other.base, n);
    kiln_arena_destroy(&one);
    kiln_arena_destroy(&other);
}

static void slices_of_any_size(void **state)
{
    static const int sizes[] = {1, 7, 20, 49, 50, 51, 80, 1000};
    kiln_run *whole = make(0);
    int steps, calls;

    (void)state;
    assert_int_equal(train(whole, 0, &steps), 3);
    assert_int_equal(steps, kiln_run_steps(whole));
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        /* three epochs' checks and the first step's, of 50 and 30 images each */
        const int slices = (50 + 30 + sizes[i] - 1) / sizes[i];

        for (int settle = 0; settle < 2; settle++) {
            kiln_run *r = make(sizes[i]);

            assert_int_equal(train(r, settle, &calls), 3);
            if (!settle) assert_int_equal(calls, steps + 4 * (slices - 1));
            check_same(r, whole);
            kiln_run_free(r);
        }
    }
    kiln_run_free(whole);
}

/* Options that change between two slices change nothing of the check under way. */
static void counts_stand_while_it_goes(void **state)
{
    kiln_run *r = make(10);

    (void)state;
    while (!(kiln_run_step(r) & KILN_RUN_CHECKING)) {
    }
    assert_int_equal(kiln_run_set(r, "check-train=5\n"), KILN_OK);
    assert_int_equal(kiln_run_set(r, "batch=64\n"), KILN_OK); /* another net with its values */
    while (kiln_run_step(r) & KILN_RUN_CHECKING) assert_int_equal(r->check.train, 50);
    assert_true(r->metrics.train_accuracy >= 0 && r->metrics.train_accuracy <= 1);
    kiln_run_free(r);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(3, 100, 30, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_of_any_size),
        cmocka_unit_test(counts_stand_while_it_goes),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
