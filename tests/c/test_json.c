/* JSON: what the writer writes, what the reader takes, and what it refuses. */
#include "base/json.h"
#include "base/status.h"
#include "check.h"

static void writes(void **state)
{
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_json_begin(&j);
    kiln_json_object(&j, NULL);
    kiln_json_string(&j, "s", "a\"b\\c\n\x01 \x7f é");
    kiln_json_array(&j, "n");
    kiln_json_number(&j, NULL, 0.1);
    kiln_json_number(&j, NULL, -0.0);
    kiln_json_number(&j, NULL, 1e300);
    kiln_json_number(&j, NULL, 1.0 / 3);
    kiln_json_float(&j, NULL, 0.1f);
    kiln_json_float(&j, NULL, NAN);
    kiln_json_number(&j, NULL, NAN);
    kiln_json_number(&j, NULL, -INFINITY);
    kiln_json_int(&j, NULL, INT64_MIN);
    kiln_json_close(&j);
    kiln_json_bool(&j, "b", 1);
    kiln_json_null(&j, "z");
    kiln_json_raw(&j, "r", "[1]");
    kiln_json_members(&j, "{}");
    kiln_json_members(&j, "{\"m\":1,\"n\":[]}");
    kiln_json_object(&j, "o");
    kiln_json_close(&j);
    kiln_json_close(&j);
    CHECK(kiln_json_end(&j) > 0);
    assert_string_equal(kiln_json_text(&j),
                        "{\"s\":\"a\\\"b\\\\c\\n\\u0001 \\u007f é\",\"n\":[0.1,-0,1e+300,"
                        "0.3333333333333333,0.1,null,null,null,-9223372036854775808],\"b\":true,"
                        "\"z\":null,\"r\":[1],\"m\":1,\"n\":[],\"o\":{}}");
    kiln_json_begin(&j); /* the same block again, grown */
    kiln_json_array(&j, NULL);
    for (int i = 0; i < 20000; i++) kiln_json_int(&j, NULL, i);
    kiln_json_close(&j);
    CHECK(kiln_json_end(&j) == (int)strlen(kiln_json_text(&j)));
    CHECK(strstr(kiln_json_text(&j), ",19998,19999]"));
    kiln_json_free(&j);
}

static void keeps_a_failed_allocation(void **state)
{
    const size_t limit = kiln_memory_limit();
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_memory_limit_set(10000);
    kiln_json_begin(&j);
    kiln_json_array(&j, NULL);
    for (int i = 0; i < 5000; i++) kiln_json_int(&j, NULL, i);
    kiln_json_close(&j);
    assert_int_equal(kiln_json_end(&j), KILN_E_MEMORY);
    assert_string_equal(kiln_json_text(&j), "");
    kiln_memory_limit_set(limit);
    kiln_json_begin(&j);
    kiln_json_int(&j, NULL, 5);
    assert_int_equal(kiln_json_end(&j), 1);
    assert_string_equal(kiln_json_text(&j), "5");
    kiln_json_free(&j);
}

/* Every double that is written reads back to the same bits. */
static void numbers_survive(void **state)
{
    uint64_t random = check_seed();
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    for (int i = 0; i < 2000; i++) {
        const uint64_t bits = check_random_bits(&random);
        kiln_json_reader r;
        double x, y;

        memcpy(&x, &bits, sizeof x);
        if (!(x - x == 0)) continue;
        kiln_json_begin(&j);
        kiln_json_number(&j, NULL, x);
        kiln_json_read(&r, kiln_json_text(&j), (size_t)kiln_json_end(&j), "text", KILN_E_ARG);
        assert_int_equal(kiln_json_read_number(&r, &y), KILN_OK);
        CHECK(memcmp(&x, &y, sizeof x) == 0);
    }
    kiln_json_free(&j);
}

static void reads(void **state)
{
    static const char text[] = " {\"a\" : [1, -2.5e1, \"x\\u00e9\\ud83d\\ude00\\n\"], \"skip\":"
                               "{\"b\":[[{}],[],null,false]},\"t\":true,\"i\":-12 } ";
    kiln_json_reader r;
    char key[8], s[16];
    int64_t i;
    double x;

    (void)state;
    kiln_json_read(&r, text, sizeof text - 1, "text", KILN_E_ARG);
    assert_int_equal(kiln_json_peek(&r), '{');
    assert_int_equal(kiln_json_enter_object(&r), 0);
    assert_int_equal(kiln_json_next(&r, key, sizeof key), 1);
    assert_string_equal(key, "a");
    assert_int_equal(kiln_json_enter_array(&r), 0);
    assert_int_equal(kiln_json_next(&r, NULL, 0), 1);
    assert_int_equal(kiln_json_read_int(&r, 0, 5, &i), 0);
    assert_int_equal(i, 1);
    assert_int_equal(kiln_json_next(&r, NULL, 0), 1);
    assert_int_equal(kiln_json_read_number(&r, &x), 0);
    CHECK(x == -25);
    assert_int_equal(kiln_json_next(&r, NULL, 0), 1);
    assert_int_equal(kiln_json_read_string(&r, s, sizeof s), 8);
    assert_string_equal(s, "xé\xf0\x9f\x98\x80\n");
    assert_int_equal(kiln_json_next(&r, NULL, 0), 0);
    assert_int_equal(kiln_json_next(&r, key, sizeof key), 1);
    assert_int_equal(kiln_json_skip(&r), 0);
    assert_int_equal(kiln_json_next(&r, key, sizeof key), 1);
    assert_int_equal(kiln_json_peek(&r), 't');
    assert_int_equal(kiln_json_skip(&r), 0);
    assert_int_equal(kiln_json_next(&r, key, sizeof key), 1);
    assert_int_equal(kiln_json_read_int(&r, -12, 0, &i), 0);
    assert_int_equal(i, -12);
    assert_int_equal(kiln_json_next(&r, key, sizeof key), 0);
    assert_int_equal(kiln_json_read_end(&r), 0);
}

static void refuses(void **state)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1]",
        "[1}",
        "[1 2]",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "--1",
        "NaN",
        "tru",
        "truex",
        "nul",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udc00\"",
        "\"\\u0000\"",
        "\"\n\"",
        "\"\x80\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xe2\x82\"",
        "[1]]",
        "1 1",
        "[1]//",
        "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]",
        "11111111111111111111111111111111111111111111111111111111111111111111111111111111"};

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const size_t length = strlen(wrong[i]);
        char *copy = malloc(length ? length : 1); /* no zero behind: ASan sees a read beyond */
        kiln_json_reader r;

        memcpy(copy, wrong[i], length);
        kiln_json_read(&r, copy, length, "text", KILN_E_DATA);
        if (kiln_json_skip(&r) == 0 && kiln_json_read_end(&r) == 0)
            CHECK_FAIL("taken: %s", wrong[i]);
        assert_int_equal(kiln_json_skip(&r), KILN_E_DATA); /* a failure stays */
        free(copy);
    }
}

static void says_where(void **state)
{
    kiln_json_reader r;
    char s[4];
    double x;

    (void)state;
    kiln_json_read(&r, "[1;", 3, "text", KILN_E_ARG);
    assert_int_equal(kiln_json_skip(&r), KILN_E_ARG);
    assert_string_equal(kiln_error(), "text: byte 3: found ';', expected ',' or ']'");
    kiln_json_read(&r, "\"four\"", 6, "text", KILN_E_ARG);
    assert_int_equal(kiln_json_read_string(&r, s, sizeof s), KILN_E_ARG);
    kiln_json_read(&r, "1e999", 5, "text", KILN_E_ARG);
    assert_int_equal(kiln_json_read_number(&r, &x), KILN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes),          cmocka_unit_test(keeps_a_failed_allocation),
        cmocka_unit_test(numbers_survive), cmocka_unit_test(reads),
        cmocka_unit_test(refuses),         cmocka_unit_test(says_where),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
