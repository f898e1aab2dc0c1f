/* Safetensors: what is written reads back; every damage and every hostile header is refused. */
#include "base/arena.h"
#include "base/status.h"
#include "check.h"
#include "net/safetensors.h"

/* A file of its header's text (length put before it) and `data` zero bytes. */
static uint8_t *make_file(const char *header, size_t data, size_t *size)
{
    const size_t length = strlen(header);
    uint8_t *file = calloc(8 + length + data + 1, 1);

    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)length >> 8 * i);
    memcpy(file + 8, header, length);
    *size = 8 + length + data;
    return file;
}

static void check_refused(const char *header, size_t data, const char *sentence)
{
    kiln_safetensors f;
    size_t size;
    uint8_t *file = make_file(header, data, &size);

    if (kiln_safetensors_read(&f, file, size, "file") != KILN_E_CHECKPOINT)
        CHECK_FAIL("taken: %s", header);
    if (!strstr(kiln_error(), sentence)) CHECK_FAIL("%s: says \"%s\"", header, kiln_error());
    free(file);
}

static void write_sample(kiln_arena *out, size_t *size)
{
    static const float w[6] = {1, -2, 3.5f, 0, 1e-30f, -0.0f};
    static const int32_t step[1] = {7};
    static const uint8_t bytes[3] = {1, 2, 255};
    const kiln_safetensor tensor[] = {{"conv1.w", KILN_F32, {1, 2, 3, 1}, 4, 0, w},
                                      {"empty", KILN_F32, {0, 5}, 2, 0, NULL},
                                      {"step", KILN_I32, {0}, 0, 0, step},
                                      {"bytes", KILN_U8, {3}, 1, 0, bytes},
                                      {"ünï \"quoted\"", KILN_U8, {1}, 1, 0, bytes}};
    const kiln_metadata entry[] = {{"net", "affine 10 - softmax"}, {"note", "a\n\"b\"\\ ü €"}};

    assert_int_equal(kiln_safetensors_write(out, size, tensor, 5, entry, 2), KILN_OK);
}

static void reads_what_it_writes(void **state)
{
    kiln_arena out;
    kiln_safetensors f;
    size_t size;
    float w[6];

    (void)state;
    write_sample(&out, &size);
    if (kiln_safetensors_read(&f, (uint8_t *)out.base, size, "file") < 0)
        CHECK_FAIL("%s", kiln_error());
    assert_int_equal(f.tensors, 5);
    assert_int_equal(f.entries, 3);
    assert_int_equal(f.hashed, 1);
    assert_string_equal(kiln_safetensors_metadata(&f, "note"), "a\n\"b\"\\ ü €");
    assert_null(kiln_safetensors_metadata(&f, "nothing"));
    const kiln_safetensor *t = kiln_safetensors_find(&f, "conv1.w");
    assert_non_null(t);
    assert_int_equal(t->dims, 4);
    assert_int_equal(t->shape[2], 3);
    assert_int_equal(t->bytes, 24);
    assert_int_equal((uintptr_t)t->data % 8, 0);
    memcpy(w, t->data, sizeof w);
    CHECK(w[2] == 3.5f && w[4] == 1e-30f && 1 / w[5] < 0);
    assert_int_equal(kiln_safetensors_find(&f, "step")->dims, 0);
    assert_int_equal(kiln_safetensors_find(&f, "empty")->bytes, 0);
    assert_non_null(kiln_safetensors_find(&f, "ünï \"quoted\""));
    assert_null(kiln_safetensors_find(&f, "conv2.w"));
    kiln_safetensors_free(&f);
    kiln_safetensors_free(&f);
    kiln_arena_destroy(&out);
}

/* Every prefix and every change of one byte (some values each) is refused; nothing stays held. */
static void refuses_every_damage(void **state)
{
    kiln_arena out;
    kiln_safetensors f;
    size_t size, live;

    (void)state;
    write_sample(&out, &size);
    live = kiln_arena_live();
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1); /* exact, so that ASan sees a read beyond it */

        memcpy(copy, out.base, cut);
        assert_int_equal(kiln_safetensors_read(&f, copy, cut, "file"), KILN_E_CHECKPOINT);
        free(copy);
    }
    for (size_t at = 0; at < size; at++) {
        for (int change = 1; change < 256; change = change * 7 + 3) {
            out.base[at] ^= (char)change;
            if (kiln_safetensors_read(&f, (uint8_t *)out.base, size, "file") >= 0 && f.hashed)
                CHECK_FAIL("byte %zu changed by %d goes unseen", at, change);
            kiln_safetensors_free(&f);
            out.base[at] ^= (char)change;
        }
    }
    assert_int_equal(kiln_arena_live(), live);
    kiln_arena_destroy(&out);
}

#define T(rest) "{\"a\":{\"dtype\":\"F32\"," rest "}"

static void refuses_hostile_headers(void **state)
{
    kiln_safetensors f;
    const char page[] = "<!doctype html><title>404</title>";

    (void)state;
    check_refused(T("\"shape\":[1],\"data_offsets\":[0,4]"), 4, "ends too early");
    check_refused(T("\"shape\":[2],\"data_offsets\":[0,4]") "}", 4, "disagree");
    check_refused(T("\"shape\":[1],\"data_offsets\":[4,8]") "}", 8, "leaves a hole");
    check_refused(T("\"shape\":[1],\"data_offsets\":[0,4]") "}", 8, "4 bytes follow");
    check_refused(T("\"shape\":[1],\"data_offsets\":[0,4]") "}", 3, "beyond the file's end");
    check_refused(T("\"shape\":[1],\"data_offsets\":[4,0]") "}", 4, "disagree");
    check_refused(T("\"shape\":[1],\"data_offsets\":[0,4,8]") "}", 4, "not two numbers");
    check_refused(T("\"shape\":[1],\"data_offsets\":[0]") "}", 4, "not two numbers");
    check_refused(T("\"shape\":[-1],\"data_offsets\":[0,4]") "}", 4, "in its range");
    check_refused(T("\"shape\":[1.0],\"data_offsets\":[0,4]") "}", 4, "whole number");
    check_refused(T("\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]") "}", 4, "4 dimensions");
    check_refused(T("\"shape\":[65536,65536,65536,65536],\"data_offsets\":[0,0]") "}", 0, "2^28");
    check_refused(T("\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]") "}", 0, "range");
    check_refused(T("\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,4]") "}", 4, "field twice");
    check_refused(T("\"shape\":[1]") "}", 4, "lacks");
    check_refused("{\"a\":{\"dtype\":\"U64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8, "none of");
    check_refused(
        T("\"shape\":[1],\"data_offsets\":[0,4]") ",\"a\":{\"dtype\":\"F32\",\"shape\":[1],"
                                                  "\"data_offsets\":[4,8]}}",
        8, "stands twice");
    check_refused(
        T("\"shape\":[1],\"data_offsets\":[0,4]") ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],"
                                                  "\"data_offsets\":[0,4]}}",
        8, "overlaps");
    check_refused("{\"__metadata__\":{\"k\":1}}", 0, "expected a string");
    check_refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "stands twice");
    check_refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, "stands twice");
    check_refused("{\"__metadata__\":{\"kiln.hash\":\"0123\"}}", 0, "sixteen digits");
    check_refused("{\"__metadata__\":{\"kiln.hash\":\"0123456789abcdef\"}}", 0, "is damaged");
    check_refused("{\"__metadata__\":{}}x", 0, "expected the end");
    check_refused("[]", 0, "no safetensors file");
    assert_int_equal(kiln_safetensors_read(&f, (const uint8_t *)page, sizeof page, "net.st"),
                     KILN_E_CHECKPOINT);
    assert_string_equal(kiln_error(), "net.st: this is a web page, not a checkpoint");
    assert_int_equal(kiln_safetensors_read(&f, NULL, 0, "net.st"), KILN_E_CHECKPOINT);
}

/* Others may write tensors in any order, and no hash. */
static void takes_files_of_others(void **state)
{
    kiln_safetensors f;
    size_t size;
    uint8_t *file = make_file(
        "{\"b\":{\"data_offsets\":[4,12],\"shape\":[2],\"dtype\":\"F32\"},"
        "\"a\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}, \"__metadata__\" : "
        "{\"\\u0066ormat\":\"\\ud83d\\ude00\"} }  ",
        12, &size);

    (void)state;
    if (kiln_safetensors_read(&f, file, size, "file") < 0) CHECK_FAIL("%s", kiln_error());
    assert_int_equal(f.hashed, 0);
    assert_string_equal(kiln_safetensors_metadata(&f, "format"), "\xf0\x9f\x98\x80");
    kiln_safetensors_free(&f);
    free(file);
}

/* A header of 60 bytes begins with a '<', and one of 8,508 with "<!". */
static void a_length_is_no_web_page(void **state)
{
    (void)state;
    for (int wanted = 60; wanted <= 8508; wanted += 8448) {
        static const char tensor[] =
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}";
        char header[8509];
        kiln_safetensors f;
        size_t size;
        uint8_t *file;

        snprintf(header, sizeof header, "%-*s", wanted, tensor);
        file = make_file(header, 4, &size);
        assert_int_equal(file[0], '<');
        if (kiln_safetensors_read(&f, file, size, "file") < 0) CHECK_FAIL("%s", kiln_error());
        kiln_safetensors_free(&f);
        free(file);
    }
}

static void writer_refuses(void **state)
{
    static const float w[1] = {1};
    const kiln_safetensor twice[] = {{"w", KILN_F32, {1}, 1, 0, w}, {"w", KILN_F32, {1}, 1, 0, w}};
    const kiln_safetensor huge = {"w", KILN_F32, {1 << 20, 1 << 20}, 2, 0, w};
    const kiln_metadata hash = {KILN_SAFETENSORS_HASH, "mine"};
    kiln_arena out;
    size_t size;

    (void)state;
    assert_int_equal(kiln_safetensors_write(&out, &size, twice, 2, NULL, 0), KILN_E_ARG);
    assert_int_equal(kiln_safetensors_write(&out, &size, &huge, 1, NULL, 0), KILN_E_ARG);
    assert_int_equal(kiln_safetensors_write(&out, &size, twice, 1, &hash, 1), KILN_E_ARG);
    assert_null(out.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_writes),    cmocka_unit_test(refuses_every_damage),
        cmocka_unit_test(refuses_hostile_headers), cmocka_unit_test(takes_files_of_others),
        cmocka_unit_test(a_length_is_no_web_page), cmocka_unit_test(writer_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
