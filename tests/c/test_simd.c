/* base/simd.h: each operation equals the same operation on single floats, bit for bit. */
#include "base/simd.h"
#include "check.h"

static const float SPECIAL[] = {0.0f,       -0.0f,    1.0f,      -1.0f,  0x1p-149f, -0x1p-130f,
                                0x1.8p127f, -0x1p96f, INFINITY,  -INFINITY, NAN,    0x1.fffffep-1f};
enum { SPECIALS = sizeof SPECIAL / sizeof *SPECIAL };

static void special_or_random(float *out, int n, uint32_t stream)
{
    uint64_t state = (uint64_t)check_seed() << 32 | stream;

    check_random(out, (size_t)n, stream);
    for (int i = 0; i < n; i++)
        if (check_random_bits(&state) % 2) out[i] = SPECIAL[check_random_bits(&state) % SPECIALS];
}

static void same(float actual, float expected, const char *what, float a, float b)
{
    if (isnan(actual) && isnan(expected)) return;
    if (memcmp(&actual, &expected, sizeof actual) != 0)
        CHECK_FAIL("%s(%a, %a) is %a, not %a", what, (double)a, (double)b, (double)actual,
                   (double)expected);
}

static void operations_match_single_floats(void **state)
{
    float a[KILN_LANES], b[KILN_LANES], c[KILN_LANES], out[KILN_LANES];

    (void)state;
    for (uint32_t round = 0; round < 3000; round++) {
        special_or_random(a, KILN_LANES, 3 * round);
        special_or_random(b, KILN_LANES, 3 * round + 1);
        special_or_random(c, KILN_LANES, 3 * round + 2);

        const vf va = vf_load(a), vb = vf_load(b), vc = vf_load(c);
#define EACH(VECTOR, SINGLE)                                                         \
    vf_store(out, VECTOR);                                                           \
    for (int i = 0; i < KILN_LANES; i++) same(out[i], SINGLE, #VECTOR, a[i], b[i])
        EACH(va + vb, a[i] + b[i]);
        EACH(va * vb, a[i] * b[i]);
        EACH(va / vb, a[i] / b[i]);
        EACH(vf_max(va, vb), a[i] > b[i] ? a[i] : b[i]);
        EACH(vf_min(va, vb), a[i] < b[i] ? a[i] : b[i]);
        EACH(vf_abs(va), fabsf(a[i]));
        EACH(vf_sqrt(va), sqrtf(a[i]));
        EACH(vf_select(va < vb, va, vb), a[i] < b[i] ? a[i] : b[i]);
        EACH(vf_set1(b[0]), b[0]);
        EACH(vf_madd(va, vb, vc), sf_madd(a[i], b[i], c[i]));
#undef EACH
        int nans = 0;

        for (int i = 0; i < KILN_LANES; i++) nans += isnan(a[i]) != 0;
        CHECK(vf_any_nan(va) == (nans > 0));
    }
}

/* One rounding or two? 1 + 2^-12 squared is 1 + 2^-11 + 2^-24, which rounds to 1 + 2^-11. */
static void madd_rounds_as_the_mode_says(void **state)
{
    const vf x = vf_set1(1 + 0x1p-12f), r = vf_madd(x, x, vf_set1(-(1 + 0x1p-11f)));
    const float expected = KILN_FUSED ? 0x1p-24f : 0.0f;
    float out[KILN_LANES];

    (void)state;
    vf_store(out, r);
    for (int i = 0; i < KILN_LANES; i++) CHECK_NEAR(out[i], expected, 0);
    CHECK_NEAR(sf_madd(1 + 0x1p-12f, 1 + 0x1p-12f, -(1 + 0x1p-11f)), expected, 0);
}

static void conversions_round_to_zero_and_back(void **state)
{
    static const float from[] = {0.0f, 0.99f, -0.99f, 7.5f, -7.5f, 0x1p30f, -0x1p30f, 8388609.0f};

    (void)state;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        const vm whole = vm_from_float(vf_set1(from[i]));
        float out[KILN_LANES];

        CHECK(whole[KILN_LANES - 1] == (int32_t)from[i]);
        vf_store(out, vf_from_int(whole));
        CHECK_NEAR(out[0], (float)(int32_t)from[i], 0);
    }
}

static void parts_touch_only_their_floats(void **state)
{
    (void)state;
    for (int n = 0; n < KILN_LANES; n++) {
        float *x = check_floats((size_t)n), *out = check_floats((size_t)n), lane[KILN_LANES];

        check_random(x, (size_t)n, 9);
        vf_store(lane, vf_load_part(x, n, 3.5f));
        CHECK_SAME_BITS(lane, x, (size_t)n);
        for (int i = n; i < KILN_LANES; i++) CHECK_NEAR(lane[i], 3.5f, 0);
        vf_store_part(out, vf_load(lane), n);
        CHECK_SAME_BITS(out, x, (size_t)n);
        check_free(x);
        check_free(out);
    }
}

static void sixteen_fold_in_halves(void **state)
{
    float x[16], copy[16];

    (void)state;
    check_random(x, 16, 4);
    memcpy(copy, x, sizeof x);
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) copy[i] += copy[i + half];
    CHECK_NEAR(vf16_sum(vf16_load(x)), copy[0], 0);
    CHECK_NEAR(vf16_sum(vf16_set1(0.25f)), 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_match_single_floats),
        cmocka_unit_test(madd_rounds_as_the_mode_says),
        cmocka_unit_test(conversions_round_to_zero_and_back),
        cmocka_unit_test(parts_touch_only_their_floats),
        cmocka_unit_test(sixteen_fold_in_halves),
    };
    return cmocka_run_group_tests_name("simd", tests, NULL, NULL);
}
