/* Options as text: lines, values in range, and the nearest name. */
#include "base/keyvalue.h"
#include "base/status.h"
#include "check.h"

static const char *const names[] = {"epochs", "lr", "batch", "optimizer", "schedule"};

static kiln_keyvalue pair_of(const char *key, const char *value)
{
    kiln_keyvalue p;

    snprintf(p.key, sizeof p.key, "%s", key);
    snprintf(p.value, sizeof p.value, "%s", value);
    return p;
}

static void lines(void **state)
{
    const char *text = "lr=0.1\n\n  net = conv 3x3x8 - svm \r\nempty=\nlast=a=b";
    const char *none = NULL, *wrong = "lr", *nameless = "=5";
    kiln_keyvalue p;

    (void)state;
    assert_int_equal(kiln_keyvalue_next(&text, &p), 1);
    assert_string_equal(p.key, "lr");
    assert_string_equal(p.value, "0.1");
    assert_int_equal(kiln_keyvalue_next(&text, &p), 1);
    assert_string_equal(p.key, "net");
    assert_string_equal(p.value, "conv 3x3x8 - svm");
    assert_int_equal(kiln_keyvalue_next(&text, &p), 1);
    assert_string_equal(p.value, "");
    assert_int_equal(kiln_keyvalue_next(&text, &p), 1);
    assert_string_equal(p.value, "a=b");
    assert_int_equal(kiln_keyvalue_next(&text, &p), 0);
    assert_int_equal(kiln_keyvalue_next(&none, &p), 0);
    assert_int_equal(kiln_keyvalue_next(&wrong, &p), KILN_E_ARG);
    assert_int_equal(kiln_keyvalue_next(&nameless, &p), KILN_E_ARG);
}

static void values(void **state)
{
    static const char *const not_whole[] = {
        "", "1.5", "x", "5x", "11", "-1", "99999999999999999999999"};
    static const char *const not_real[] = {"", "inf", "nan", "0x10", "1e", ".", "-1", "1e9", "1,5"};
    kiln_keyvalue p = pair_of("batch", "10");
    int64_t i;
    double x;
    int b;

    (void)state;
    assert_int_equal(kiln_value_int(&p, 0, 10, &i), 0);
    assert_int_equal(i, 10);
    for (size_t k = 0; k < sizeof not_whole / sizeof *not_whole; k++) {
        p = pair_of("batch", not_whole[k]);
        assert_int_equal(kiln_value_int(&p, 0, 10, &i), KILN_E_ARG);
    }
    assert_string_equal(kiln_error(), "batch: \"99999999999999999999999\" is not a whole number "
                                      "from 0 to 10");
    p = pair_of("lr", "1e-3");
    assert_int_equal(kiln_value_double(&p, 0, 10, &x), 0);
    CHECK(x == 1e-3);
    for (size_t k = 0; k < sizeof not_real / sizeof *not_real; k++) {
        p = pair_of("lr", not_real[k]);
        if (kiln_value_double(&p, 0, 10, &x) != KILN_E_ARG) CHECK_FAIL("taken: %s", not_real[k]);
    }
    p = pair_of("keep", "Yes");
    assert_int_equal(kiln_value_bool(&p, &b), 0);
    assert_int_equal(b, 1);
    p = pair_of("keep", "2");
    assert_int_equal(kiln_value_bool(&p, &b), KILN_E_ARG);
    p = pair_of("what", "LR");
    assert_int_equal(kiln_value_choice(&p, names, 5), 1);
    p = pair_of("what", "bach");
    assert_int_equal(kiln_value_choice(&p, names, 5), KILN_E_ARG);
    assert_string_equal(kiln_error(), "what: \"bach\" is none of epochs, lr, batch, optimizer, "
                                      "schedule; did you mean \"batch\"?");
}

static void nearest(void **state)
{
    (void)state;
    assert_string_equal(kiln_closest("epcohs", names, 5), "epochs");
    assert_string_equal(kiln_closest("EPOCH", names, 5), "epochs");
    assert_string_equal(kiln_closest("optimiser", names, 5), "optimizer");
    assert_string_equal(kiln_closest("l", names, 5), "lr");
    assert_null(kiln_closest("xy", names, 5));
    assert_null(kiln_closest("momentum", names, 5));
    assert_null(kiln_closest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", names, 5));
    assert_int_equal(kiln_key_unknown("shedule", names, 5), KILN_E_ARG);
    assert_string_equal(kiln_error(), "unknown option \"shedule\"; did you mean \"schedule\"?");
    kiln_key_unknown("zzz", names, 5);
    assert_string_equal(kiln_error(), "unknown option \"zzz\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(values),
        cmocka_unit_test(nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
