/* The seeds of the checkpoint fuzzer: each is a checkpoint that loads, once the target has put its
 * hashes right, or the fuzzer would look at refusals only. */
#include <dirent.h>

#include "../fuzz/fuzz_checkpoint.c"
#include "check.h"

#define CORPUS "tests/fuzz/corpus/checkpoint"

static void each_seed_loads(void **state)
{
    static uint8_t bytes[1 << 20];
    static kiln_dataset data;
    struct dirent *entry;
    DIR *folder = opendir(CORPUS);
    int seeds = 0;

    (void)state;
    CHECK(folder != NULL);
    assert_true(kiln_builtin_create(&data, 1, 20, 10, 10) >= 0);
    while ((entry = readdir(folder))) {
        char path[400];
        kiln_run *r;
        size_t size;
        FILE *f;

        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, CORPUS "/%s", entry->d_name);
        f = fopen(path, "rb");
        CHECK(f != NULL);
        size = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        mend_hashes(bytes, size, data.hash);
        if (kiln_checkpoint_read(&r, &data, bytes, size, "max-steps=0\nepochs=9999") < 0)
            CHECK_FAIL("%s: %s", entry->d_name, kiln_error());
        if (kiln_run_step(r) < 0) CHECK_FAIL("%s: %s", entry->d_name, kiln_error());
        kiln_run_free(r);
        assert_int_equal(LLVMFuzzerTestOneInput(bytes, size), 0);
        seeds++;
    }
    closedir(folder);
    kiln_dataset_destroy(&data);
    CHECK(seeds > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_seed_loads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
