/* The door of the formats: lists, files, and calls that are refused and lose nothing. */
#include "check.h"
#include "kiln_formats.h"

static int data;

static int trained(void)
{
    data = kiln_data_builtin("train=40\nvalidation=10\ntest=10\n");

    const int run = kiln_trainer_create(data, "net=affine 10 - softmax\nbatch=10\nepochs=1\n");

    CHECK(data > 0 && run > 0);
    while (!(kiln_trainer_step(run) & KILN_DONE)) continue;
    return run;
}

static void end(int run)
{
    kiln_trainer_destroy(run);
    kiln_data_destroy(data);
}

/* A copy of the export of that format, to be freed. */
static uint8_t *copy_of(const char *format, const uint8_t *bytes, int saved, size_t *size)
{
    const int made = kiln_export(format, bytes, saved);
    uint8_t *copy;

    if (made <= 0) CHECK_FAIL("%s: %s", format, kiln_error());
    *size = made > 0 ? (size_t)made : 1;
    copy = malloc(*size);
    memcpy(copy, kiln_exported(), *size);
    return copy;
}

static void lists_names_endings_and_sentences(void **state)
{
    const int length = kiln_formats();

    (void)state;
    assert_int_equal(length, strlen(kiln_text()));
    CHECK(strncmp(kiln_text(), "[{\"name\":\"safetensors\",\"ending\":\"safetensors\",", 46) == 0);
    CHECK(strstr(kiln_text(), "{\"name\":\"onnx\",\"ending\":\"onnx\",\"holds\":\"parameters\","));
}

static void a_refusal_leaves_the_last_export(void **state)
{
    const int run = trained(), saved = kiln_trainer_save(run);
    const uint8_t *bytes = kiln_trainer_saved(run);
    size_t size;
    uint8_t *kept;

    (void)state;
    CHECK(!kiln_exported());
    assert_int_equal(kiln_export(NULL, bytes, saved), KILN_E_ARG);
    assert_int_equal(kiln_export("npz", NULL, saved), KILN_E_ARG);
    assert_int_equal(kiln_export("npz", bytes, -1), KILN_E_ARG);
    assert_int_equal(kiln_export("npz", bytes, 0), KILN_E_CHECKPOINT);
    CHECK(!kiln_exported());

    kept = copy_of("npz", bytes, saved, &size);
    CHECK(size > 4 * (3072 * 10 + 10) && memcmp(kept, "PK", 2) == 0);
    assert_int_equal(kiln_export("npz", bytes, saved - 1), KILN_E_CHECKPOINT);
    assert_int_equal(kiln_export("pickle", bytes, saved), KILN_E_ARG);
    assert_memory_equal(kiln_exported(), kept, size);
    free(kept);
    CHECK(kiln_export("markdown", bytes, saved) > 0);
    CHECK(kiln_exported()[0] == '|');
    end(run);
}

/* Bytes from anywhere: a file that begins at an odd address gives the same export. The sanitizer
 * sees what reads it as if it were aligned. */
static void bytes_need_no_alignment(void **state)
{
    const int run = trained(), saved = kiln_trainer_save(run);
    uint8_t *odd = malloc((size_t)saved + 1), *straight;
    size_t size;

    (void)state;
    memcpy(odd + 1, kiln_trainer_saved(run), (size_t)saved);
    for (int i = 0; i < 3; i++) {
        const char *format = (const char *[]){"npz", "onnx", "csv-losses"}[i];

        straight = copy_of(format, kiln_trainer_saved(run), saved, &size);
        assert_int_equal(kiln_export(format, odd + 1, saved), size);
        assert_memory_equal(kiln_exported(), straight, size);
        free(straight);
    }
    CHECK(kiln_checkpoint_info(odd + 1, saved) > 0);
    free(odd);
    end(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_names_endings_and_sentences),
        cmocka_unit_test(a_refusal_leaves_the_last_export),
        cmocka_unit_test(bytes_need_no_alignment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
