/* base/rng: known answers of Philox4x32-10, and that each draw is what its header says. */
#include "base/rng.h"
#include "check.h"

static void known_answers(void **state)
{
    /* Random123, tests/kat_vectors: counter, key, result. */
    static const struct {
        uint32_t counter[4], key[2], result[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const uint32_t *c = known[i].counter;
        const kiln_rng rng = {known[i].key[0], known[i].key[1], c[2] | (uint64_t)c[3] << 32};
        uint32_t out[4];

        kiln_rng_words(out, rng, c[0] | (uint64_t)c[1] << 32);
        assert_memory_equal(out, known[i].result, sizeof out);
    }
}

static void a_fill_is_single_draws(void **state)
{
    const kiln_rng rng = {check_seed(), KILN_RNG_USER, 5};
    float *out = check_floats(23);

    (void)state;
    for (int n = 1; n <= 23; n++) {
        kiln_rng_fill_uniform(out, n, rng, 8);
        for (int i = 0; i < n; i++) CHECK_NEAR(out[i], kiln_rng_uniform(rng, 8 + (uint64_t)i), 0);
    }
    check_free(out);
}

static void uniform_has_the_right_moments(void **state)
{
    const kiln_rng rng = {check_seed(), KILN_RNG_USER, 0};
    const int n = 1 << 18;
    float *x = check_floats((size_t)n);
    double sum = 0, squares = 0;

    (void)state;
    kiln_rng_fill_uniform(x, n, rng, 0);
    for (int i = 0; i < n; i++) {
        CHECK(x[i] >= 0 && x[i] < 1 && x[i] * 0x1p24f == (float)(int)(x[i] * 0x1p24f));
        sum += x[i];
        squares += x[i] * x[i];
    }
    /* five standard deviations of the mean: 5 sqrt(1/12 / n), 5 sqrt(4/45 / n) */
    CHECK_NEAR(sum / n, 1.0 / 2, 5 * sqrt(1.0 / 12 / n));
    CHECK_NEAR(squares / n, 1.0 / 3, 5 * sqrt(4.0 / 45 / n));
    check_free(x);
}

static void normal_has_the_right_moments(void **state)
{
    const kiln_rng rng = {check_seed(), KILN_RNG_USER, 1};
    const int n = 1 << 18;
    float *x = check_floats((size_t)n), *part = check_floats(7);
    double moment[5] = {0}, pairs = 0;

    (void)state;
    kiln_rng_fill_normal(x, n, rng, 0);
    for (int i = 0; i < n; i++)
        for (int k = 1; k <= 4; k++) moment[k] += pow(x[i], k) / n;
    for (int i = 0; i < n; i += 2) pairs += x[i] * x[i + 1] / (n / 2.0);
    CHECK_NEAR(moment[1], 0, 5 * sqrt(1.0 / n));
    CHECK_NEAR(moment[2], 1, 5 * sqrt(2.0 / n));
    CHECK_NEAR(moment[3], 0, 5 * sqrt(15.0 / n));
    CHECK_NEAR(moment[4], 3, 5 * sqrt(96.0 / n));
    CHECK_NEAR(pairs, 0, 5 * sqrt(2.0 / n));
    for (int m = 1; m <= 7; m++) { /* a short fill is the start of a long one */
        kiln_rng_fill_normal(part, m, rng, 0);
        CHECK_SAME_BITS(part, x, (size_t)m);
    }
    check_free(x);
    check_free(part);
}

static void below_is_in_range_and_even(void **state)
{
    const kiln_rng rng = {check_seed(), KILN_RNG_USER, 2};
    const int n = 100000;
    int seen[10] = {0};

    (void)state;
    for (int i = 0; i < n; i++) {
        const uint32_t draw = kiln_rng_below(rng, (uint64_t)i, 10);

        CHECK(draw < 10);
        seen[draw]++;
    }
    for (int i = 0; i < 10; i++) CHECK_NEAR(seen[i], n / 10.0, 5 * sqrt(n * 0.09));
    CHECK(kiln_rng_below(rng, 0, 1) == 0);
}

static void a_permutation_permutes(void **state)
{
    enum { N = 1000 };
    int order[N], seen[N] = {0}, fixed = 0;

    (void)state;
    for (uint64_t epoch = 0; epoch < 3; epoch++) {
        const kiln_rng rng = {check_seed(), KILN_RNG_SHUFFLE, epoch};

        kiln_rng_permutation(order, N, rng);
        for (int i = 0; i < N; i++) {
            CHECK(order[i] >= 0 && order[i] < N);
            seen[order[i]]++;
            fixed += order[i] == i;
        }
        for (int i = 0; i < N; i++) CHECK(seen[i] == (int)epoch + 1);
    }
    CHECK(fixed < 20); /* one per permutation is expected */
    kiln_rng_permutation(order, 1, (kiln_rng){1, KILN_RNG_SHUFFLE, 0});
    CHECK(order[0] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(a_fill_is_single_draws),
        cmocka_unit_test(uniform_has_the_right_moments),
        cmocka_unit_test(normal_has_the_right_moments),
        cmocka_unit_test(below_is_in_range_and_even),
        cmocka_unit_test(a_permutation_permutes),
    };
    return cmocka_run_group_tests_name("rng", tests, NULL, NULL);
}
