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

/* ---- read as libc reads them ----------------------------------------------------------------- */

static void check_read(const char *text)
{
    const char *end;
    char *libc_end;
    const double value = kiln_digits_read(text, &end), libc = strtod(text, &libc_end);

    if (memcmp(&value, &libc, sizeof value) != 0 || end != libc_end)
        print_error("%.60s: %a, not %a; %td, not %td characters\n", text, value, libc, end - text,
                    libc_end - text);
    CHECK(memcmp(&value, &libc, sizeof value) == 0 && end == libc_end);
}

static void texts_of_any_form(void **state)
{
    static const char *const text[] = {
        "0", "-0", "+0.0", "1", "-1", "+1", ".5", "5.", "-.5e1", "1e5", "1E-5", "1e+5", "007",
        "", ".", "-", "+.", "e5", "-e5", "1e", "1e+", "1.5.5", "--1", "+-1", "1,5", "1 ", "12x",
        "0e999999999999", "1e999999999999", "-1e999999999999", "1e-999999999999", "0.000e5",
        "1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308",
        "179769313486231580793e289", "179769313486231580794e289", "2.2250738585072014e-308",
        "2.2250738585072011e-308", "4.9406564584124654e-324", "2.4703282292062327e-324",
        "2.4703282292062328e-324", "1e-400", "1e400", "9007199254740992", "9007199254740993",
        "9007199254740994", "9007199254740995", "9007199254740993.000000000000000000001",
        "123456789012345678901234567890", "0.1e-1073", "1e23", "8.5e22",
        "3.518437208883201171875e13",
    };

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) check_read(text[i]);
}

/* Digits as people and programs give them, and the number in the middle between two doubles, also a
 * hair above and below it: a thousand digits and more. */
static void numbers_of_any_size(void **state)
{
    const kiln_rng rng = {check_seed(), KILN_RNG_USER, 1};

    (void)state;
    for (uint32_t i = 0; i < 4000; i++) {
        uint32_t word[4];
        char text[1600];
        uint64_t bits;
        double d;

        kiln_rng_words(word, rng, i);
        bits = (uint64_t)word[0] << 32 | word[1];
        if (i % 4 == 0) bits &= UINT64_MAX >> (1 + word[2] % 63); /* small ones and denormals */
        memcpy(&d, &bits, sizeof d);
        if (!isfinite(d)) continue;
        snprintf(text, sizeof text, "%.*e", (int)(word[3] % 40), d);
        check_read(text);
        if (isfinite(nextafter(d, INFINITY)) && fabs(d) < 1e15 && fabs(d) > 1e-15) {
            const long double middle = ((long double)d + (long double)nextafter(d, INFINITY)) / 2;

            snprintf(text, sizeof text, "%.1200Lf", middle);
            check_read(text);
            strcat(text, "1");
            check_read(text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_people_write_them),
        cmocka_unit_test(any_number),
        cmocka_unit_test(texts_of_any_form),
        cmocka_unit_test(numbers_of_any_size),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
