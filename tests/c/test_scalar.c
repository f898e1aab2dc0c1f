/* base/scalar: our elementary functions against libm's. */
#include "base/scalar.h"
#include "check.h"

#define TOLERANCE 1e-14

static void relative(double actual, double expected)
{
    CHECK_NEAR(actual, expected, TOLERANCE * fabs(expected));
}

static void exp_and_log(void **state)
{
    (void)state;
    for (double x = -700; x <= 709; x += 0.0371) {
        relative(kiln_exp(x), exp(x));
        relative(kiln_log(kiln_exp(x)), log(kiln_exp(x)));
    }
    for (double x = 1e-3; x < 10; x *= 1.0007) relative(kiln_log(x), log(x));
    relative(kiln_log(0x1p-1060), log(0x1p-1060));
    relative(kiln_log(1 + 0x1p-40), log1p(0x1p-40));
}

static void exp_and_log_at_the_ends(void **state)
{
    (void)state;
    CHECK(kiln_exp(0) == 1 && kiln_log(1) == 0);
    CHECK(kiln_exp(710) == HUGE_VAL && kiln_exp(HUGE_VAL) == HUGE_VAL);
    CHECK(kiln_exp(-746) == 0 && kiln_exp(-HUGE_VAL) == 0);
    CHECK_NEAR(kiln_exp(-740), exp(-740), 0x1p-1074); /* a denormal */
    CHECK(kiln_log(0) == -HUGE_VAL && kiln_log(HUGE_VAL) == HUGE_VAL);
    CHECK(isnan(kiln_log(-1)) && isnan(kiln_log(NAN)) && isnan(kiln_exp(NAN)));
}

static void sin_and_cos(void **state)
{
    (void)state;
    for (double x = -1e4; x <= 1e4; x += 0.0917) {
        CHECK_NEAR(kiln_sin(x), sin(x), TOLERANCE);
        CHECK_NEAR(kiln_cos(x), cos(x), TOLERANCE);
    }
    for (double x = 1e-9; x < 1; x *= 1.01) relative(kiln_sin(x), sin(x));
    CHECK(kiln_sin(0) == 0 && kiln_cos(0) == 1);
    for (double turns = -3; turns <= 3; turns += 0x1p-12) {
        double sine, cosine;

        kiln_sin_cos_turns(&sine, &cosine, turns);
        CHECK_NEAR(sine, sin(6.28318530717958647693 * turns), TOLERANCE);
        CHECK_NEAR(cosine, cos(6.28318530717958647693 * turns), TOLERANCE);
    }
    CHECK(isnan(kiln_sin(NAN)) && isnan(kiln_cos(HUGE_VAL)));
}

static void powers(void **state)
{
    (void)state;
    for (double x = 0.01; x < 100; x *= 1.13)
        for (double y = -9; y <= 9; y += 0.25)
            CHECK_NEAR(kiln_pow(x, y), pow(x, y), 1e-13 * pow(x, y));
    CHECK(kiln_pow(3, 4) == 81 && kiln_pow(7, 0) == 1 && kiln_pow(2, -3) == 0.125);
    CHECK_NEAR(kiln_pow(0.9, 1000), pow(0.9, 1000), 1e-13 * pow(0.9, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_and_log),
        cmocka_unit_test(exp_and_log_at_the_ends),
        cmocka_unit_test(sin_and_cos),
        cmocka_unit_test(powers),
    };
    return cmocka_run_group_tests_name("scalar", tests, NULL, NULL);
}
