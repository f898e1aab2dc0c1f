/* The seeds of the fuzzers that read what kiln writes (tests/fuzz/make_seeds.c): each loads, in
 * every way that its kind allows, or the fuzzers would look at refusals only. */
#include <dirent.h>

#include "../fuzz/fuzz_checkpoint.c"
#include "check.h"
#include "formats/formats.h"
#include "formats/import.h"

#define SEEDS "build/fuzz/seeds/"
#define LEAST 16 /* eight runs, and their exports */

static uint8_t bytes[1 << 20];

/* The seeds of a target, one after the other: size and name of the next, or 0. */
static size_t next_seed(DIR *folder, const char *path, char name[400])
{
    struct dirent *entry;
    size_t size;
    FILE *f;

    do
        entry = readdir(folder);
    while (entry && entry->d_name[0] == '.');
    if (!entry) return 0;
    snprintf(name, 400, "%s/%s", path, entry->d_name);
    f = fopen(name, "rb");
    CHECK(f != NULL);
    size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return size;
}

static int each_seed(const char *path, void (*check)(const char *name, size_t size))
{
    DIR *folder = opendir(path);
    char name[400];
    size_t size;
    int seeds = 0;

    CHECK(folder != NULL);
    for (; (size = next_seed(folder, path, name)); seeds++) check(name, size);
    closedir(folder);
    return seeds;
}

static void check_checkpoint(const char *name, size_t size)
{
    const int described = describe(bytes, size);
    kiln_run *r;

    if (described != (strstr(name, "-export") == NULL)) CHECK_FAIL("%s: %s", name, kiln_error());
    if (described && (kiln_checkpoint_read(&r, fuzz_data(), bytes, size, NULL) < 0 ||
                      kiln_run_step(r) < 0))
        CHECK_FAIL("%s: %s", name, kiln_error());
    if (described) kiln_run_free(r);
    if (kiln_checkpoint_load(&r, fuzz_data(), bytes, size, NULL) < 0)
        CHECK_FAIL("%s: %s", name, kiln_error());
    kiln_run_free(r);
    if (kiln_checkpoint_begin(&r, fuzz_data(), bytes, size, "batch=4") < 0 || kiln_run_step(r) < 0)
        CHECK_FAIL("%s: %s", name, kiln_error());
    kiln_run_free(r);
    assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
}

static void check_format(const char *name, size_t size)
{
    kiln_bytes out;

    if (kiln_format_write(&out, "npz", bytes, size) < 0) CHECK_FAIL("%s: %s", name, kiln_error());
    kiln_bytes_free(&out);
}

static void check_safetensors(const char *name, size_t size)
{
    kiln_safetensors f;

    if (kiln_safetensors_read(&f, bytes, size, name) < 0) CHECK_FAIL("%s", kiln_error());
    CHECK(f.hashed && f.tensors > 0);
    kiln_safetensors_free(&f);
}

static void check_import(const char *name, size_t size)
{
    static kiln_json table;
    kiln_bytes out;

    kiln_json_begin(&table);
    if (kiln_import_weights(&out, &table, "conv 3x3x2 - batchnorm - relu - avgpool 8 - affine 10 - "
                            "svm", NULL, "seed", bytes, size) != 1)
        CHECK_FAIL("%s: %s", name, kiln_error());
    assert_true(kiln_json_end(&table) > 0);
    kiln_json_free(&table);
    kiln_bytes_free(&out);
}

static void each_seed_loads(void **state)
{
    (void)state;
    CHECK(each_seed(SEEDS "checkpoint", check_checkpoint) >= LEAST);
    CHECK(each_seed(SEEDS "formats", check_format) >= LEAST);
    CHECK(each_seed(SEEDS "safetensors", check_safetensors) >= LEAST);
    CHECK(each_seed(SEEDS "import", check_import) == 4); /* two nets, of two kinds */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_seed_loads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
