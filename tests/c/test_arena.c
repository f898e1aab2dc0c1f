/* base/arena: planning equals laying out; refusals carry the number; nothing overlaps. */
#include "base/arena.h"
#include "base/status.h"
#include "check.h"

static void planning_equals_laying_out(void **state)
{
    kiln_arena plan = {0}, real;
    const long before = kiln_arena_allocations();
    char *piece[20], *end = NULL;

    (void)state;
    for (size_t i = 0; i < 20; i++) assert_null(kiln_arena_take(&plan, i * 7, 4));
    CHECK(kiln_arena_create(&real, plan.used, "test") == KILN_OK);
    for (size_t i = 0; i < 20; i++) {
        piece[i] = kiln_arena_take(&real, i * 7, 4);
        CHECK((uintptr_t)piece[i] % KILN_ALIGN == 0);
        CHECK(!end || piece[i] >= end);
        for (size_t j = 0; j < i * 7 * 4; j++) CHECK(piece[i][j] == 0);
        memset(piece[i], 1, i * 7 * 4);
        end = piece[i] + i * 7 * 4;
    }
    CHECK(real.used == plan.used && real.used <= real.size);
    CHECK(kiln_arena_allocations() == before + 1);
    kiln_arena_destroy(&real);
    kiln_arena_destroy(&real);
}

static void overflow_is_refused(void **state)
{
    kiln_arena plan = {0}, real;

    (void)state;
    assert_null(kiln_arena_take(&plan, (size_t)-1 / 4, 8));
    assert_null(kiln_arena_take(&plan, 1, 4)); /* stays overflowed */
    CHECK(kiln_arena_create(&real, plan.used, "net") == KILN_E_MEMORY);
    CHECK(strstr(kiln_error(), "overflow") != NULL);
    plan.used = 0;
    assert_null(kiln_arena_take(&plan, (size_t)-1, 1));
    CHECK(kiln_arena_create(&real, plan.used, "net") == KILN_E_MEMORY);
}

static void the_limit_is_kept(void **state)
{
    const size_t limit = kiln_memory_limit();
    kiln_arena arena;

    (void)state;
    kiln_memory_limit_set(2000000);
    CHECK(kiln_arena_create(&arena, 2000001, "net") == KILN_E_MEMORY);
    CHECK(strstr(kiln_error(), "2.0 MB") != NULL);
    assert_null(arena.base);
    CHECK(kiln_arena_create(&arena, 2000000, "net") == KILN_OK);
    kiln_arena_destroy(&arena);
    kiln_memory_limit_set(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planning_equals_laying_out),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(the_limit_is_kept),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
