/* Numbers as text: they read back to the same bits, in the fewest digits, as people write them. */
#include "base/digits.h"
#include "base/rng.h"
#include "check.h"

static void as_people_write_them(void **state)
{
    char text[KILN_DIGITS];

    (void)state;
    assert_string_equal(kiln_digits(text, 0.1), "0.1");
    assert_string_equal(kiln_digits(text, 100), "100");
    assert_string_equal(kiln_digits(text, 4294967295.0), "4294967295");
    assert_string_equal(kiln_digits(text, -1), "-1");
    assert_string_equal(kiln_digits(text, 1.0 / 3), "0.3333333333333333");
    assert_string_equal(kiln_digits(text, 0.1 + 0.2), "0.30000000000000004");
    assert_string_equal(kiln_digits(text, 1e-5), "1e-05");
    assert_string_equal(kiln_digits(text, -1.7976931348623157e308), "-1.7976931348623157e+308");
    assert_string_equal(kiln_digits_float(text, 0.1f), "0.1");
    assert_string_equal(kiln_digits_float(text, 65536), "65536");
    assert_string_equal(kiln_digits_float(text, 1.0f / 3), "0.33333334");
    assert_string_equal(kiln_digits_float(text, 16777216), "16777216");
}

/* Reads back to the same bits, and one digit less would not. */
static void any_number(void **state)
{
    const kiln_rng rng = {check_seed(), KILN_RNG_USER, 0};

    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t word[4];
        char text[KILN_DIGITS];
        double d, shorter;
        uint64_t bits;
        float f;

        kiln_rng_words(word, rng, i);
        bits = (uint64_t)word[0] << 32 | word[1];
        memcpy(&d, &bits, sizeof d);
        memcpy(&f, &word[2], sizeof f);
        if (isfinite(d)) {
            CHECK(strtod(kiln_digits(text, d), NULL) == d);
            snprintf(text, sizeof text, "%.14g", d);
            shorter = strtod(text, NULL);
            CHECK(shorter == d || strlen(kiln_digits(text, d)) > 14);
        }
        if (isfinite(f)) CHECK((float)strtod(kiln_digits_float(text, f), NULL) == f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_people_write_them),
        cmocka_unit_test(any_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
