/* A larger batch where memory is short: whichever allocation fails, the old net makes room for the
 * new one, or is there again, with its parameters, statistics and state. */
#include "base/arena.h"
#include "base/status.h"
#include "fail_calloc.h"
#include "runs.h"

#define NET "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - affine 10 - softmax\nbatch=10\n" \
            "optimizer=momentum\nlr=0.01\ncheck-train=0\nvalidation=0\n"

static void any_allocation_may_fail(void **state)
{
    int mended = 0;

    (void)state;
    for (int n = 1; n <= 12; n++) {
        const size_t live = kiln_arena_live();
        kiln_run *r = make_run(NET), *plain = make_run(NET);
        uint64_t before;

        for (int i = 0; i < 3; i++) CHECK(kiln_run_step(r) >= 0 && kiln_run_step(plain) >= 0);
        before = kiln_net_hash64(r->learner.net);
        fail_calloc(n);
        assert_int_equal(kiln_run_set(r, "batch=30"), KILN_OK);
        mended += calloc_fails_in == 0;
        fail_calloc(0);
        assert_int_equal(kiln_run_set(plain, "batch=30"), KILN_OK);
        assert_int_equal(kiln_net_made_with(r->learner.net)->batch, 30);
        assert_true(kiln_net_hash64(r->learner.net) == before);
        for (int i = 0; i < 3; i++) CHECK(kiln_run_step(r) >= 0 && kiln_run_step(plain) >= 0);
        assert_true(kiln_net_hash64(r->learner.net) == kiln_net_hash64(plain->learner.net));
        kiln_run_free(r), kiln_run_free(plain);
        assert_true(kiln_arena_live() == live);
    }
    CHECK(mended >= 3); /* the net, its memory, the batch's arrays */
}

/* A net above the limit is refused at once, and nothing was given up for it. */
static void above_the_limit(void **state)
{
    kiln_run *r = make_run(NET);
    const kiln_net *net = r->learner.net;
    const size_t limit = kiln_memory_limit();

    (void)state;
    kiln_memory_limit_set(kiln_net_bytes(net) + 200000);
    assert_int_equal(kiln_run_set(r, "batch=100"), KILN_E_MEMORY);
    kiln_memory_limit_set(limit);
    assert_ptr_equal(r->learner.net, net);
    assert_true(r->o.batch == 10);
    CHECK(kiln_run_step(r) >= 0);
    kiln_run_free(r);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), 120, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(above_the_limit),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
