/*
 * data/signature: what is no data set is called what it is, and no record is taken for anything
 * else.
 */
#include "data/signature.h"

#include "base/status.h"
#include "records.h"

/* Reads the first bytes of a file of `total` bytes. */
static int read_start(const void *start, int size, int64_t total)
{
    uint8_t head[512] = {0};

    memcpy(head, start, (size_t)size);
    return kiln_signature_read("x.bin", head, (int)sizeof head, total);
}

static void what_is_something_else_is_called_that(void **state)
{
    static const struct {
        const char *start;
        int size;
        const char *what;
    } files[] = {
        {"PK\3\4", 4, "a zip archive"},
        {"\xfd" "7zXZ\0", 6, "an xz archive"},
        {"BZh91AY", 7, "a bzip2 archive"},
        {"\x28\xb5\x2f\xfd", 4, "a zstd archive"},
        {"7z\xbc\xaf\x27\x1c", 6, "a 7z archive"},
        {"Rar!\x1a\7", 6, "a RAR archive"},
        {"\x89PNG\r\n\x1a\n", 8, "a PNG picture"},
        {"\xff\xd8\xff\xe0", 4, "a JPEG picture"},
        {"GIF89a", 6, "a GIF picture"},
        {"RIFF\x10\0\0\0WEBP", 12, "a WebP picture"},
        {"\0\0\0\x1c" "ftypheic", 12, "a picture or film"},
        {"%PDF-1.7", 8, "a PDF"},
        {"MATLAB 5.0 MAT-file", 19, "a MATLAB file"},
        {"\x89HDF\r\n\x1a\n", 8, "HDF5"},
        {"\x93NUMPY", 6, "a NumPy array"},
        {"\x80\2}q\1(U\vbatch_label", 19, "a Python pickle"},
        {"<!DOCTYPE html><p>404", 21, "a web page"},
        {"<HTML>", 6, "a web page"},
        {"\xef\xbb\xbf\n <?xml version", 18, "a web page"},
        {"\x3c\0\0\0\0\0\0\0{\"w\":{\"dtype", 19, "a safetensors file"},
        {"\5\1\0\0\0\0\0\0{\"__metadata__", 23, "a safetensors file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        assert_int_equal(read_start(files[i].start, files[i].size, 10000), KILN_E_DATA);
        if (!strstr(kiln_error(), files[i].what) || strncmp(kiln_error(), "x.bin: is ", 10) != 0)
            CHECK_FAIL("%s: %s", files[i].what, kiln_error());
        if (!strchr(kiln_error(), ';')) CHECK_FAIL("no remedy: %s", kiln_error());
    }
}

/* Two labels a record; but a CIFAR-10 file cut after 3074 bytes is one that is cut. */
static void cifar100_is_told_from_a_cut_file(void **state)
{
    uint8_t *bytes = calloc(8, 3074);

    (void)state;
    bytes[0] = 5;
    bytes[1] = 99;
    assert_int_equal(kiln_signature_read("x", bytes, 512, 3074 * 10000), KILN_IS_CIFAR100);
    assert_int_equal(kiln_signature_read("a/test.bin", bytes, 512, 3074), KILN_IS_CIFAR100);
    assert_int_equal(kiln_signature_read("a/test.bin", bytes, 512, -1), KILN_IS_CIFAR100);
    assert_int_equal(kiln_signature_read("x", bytes, 512, 3074), KILN_IS_RECORDS);
    assert_int_equal(kiln_signature_read("x", bytes, 8 * 3074, 8 * 3074), KILN_IS_CIFAR100);
    bytes[6 * 3074] = 20;
    assert_int_equal(kiln_signature_read("x", bytes, 8 * 3074, 8 * 3074), KILN_IS_RECORDS);
    free(bytes);
}

/* By a header that agrees with the size, or where that is not known with what images can be. */
static void mnist_is_known_by_its_header(void **state)
{
    static const uint8_t images[16] = {0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 28, 0, 0, 0, 28};
    static const uint8_t labels[16] = {0, 0, 8, 1, 0, 0, 0, 5, 1, 2, 3, 4, 5};

    (void)state;
    assert_int_equal(kiln_signature_read("x", images, 16, 16 + 5 * 784), KILN_IS_IDX);
    assert_int_equal(kiln_signature_read("x", images, 16, -1), KILN_IS_IDX);
    assert_int_equal(kiln_signature_read("x", labels, 13, 13), KILN_IS_IDX);
    assert_int_equal(kiln_signature_read("x", labels, 13, -1), KILN_IS_IDX);
    assert_int_equal(kiln_signature_read("x", images, 16, RECORD), KILN_IS_RECORDS);
    assert_int_equal(kiln_signature_read("x", images, 16, 17), KILN_IS_IDX); /* which is cut */
    assert_int_equal(kiln_signature_read("x", (const uint8_t *)"KILNSET 1\n", 10, 10),
                     KILN_IS_KILNSET);
}

/* Whatever its pixels are, and where its size is not known as well. */
static void records_are_records(void **state)
{
    uint64_t random = check_seed();

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint8_t head[512];

        for (int b = 0; b < 512; b++) head[b] = (uint8_t)(check_random_bits(&random) % 3);
        head[0] = (uint8_t)(i % 10);
        if (i % 7 == 0) memcpy(head + 4, "\0\0\0\0{\"", 6);
        if (i % 11 == 0) memcpy(head + 1, "\0\x08\3", 3);
        assert_int_equal(kiln_signature_read("x", head, 512, i % 2 ? -1 : RECORD * 2),
                         KILN_IS_RECORDS);
    }
    assert_int_equal(kiln_signature_read("x", (const uint8_t *)"", 0, 0), KILN_IS_RECORDS);
}

static void archives_are_known_by_their_first_block(void **state)
{
    uint8_t header[512];

    (void)state;
    assert_int_equal(read_start("\x1f\x8b\x08", 3, 99), KILN_IS_GZIP);
    tar_header(header, "data_batch_1.bin", 0, '0');
    assert_int_equal(kiln_signature_read("x", header, 512, 99), KILN_IS_TAR);
    assert_int_equal(kiln_signature_read("x", header, 300, 99), KILN_IS_TAR);
    memset(header + 257, 0, 255); /* v7: only the checksum tells */
    tar_seal(header);
    assert_int_equal(kiln_signature_read("x", header, 512, 99), KILN_IS_TAR);
    assert_int_equal(kiln_signature_read("x", header, 511, 99), KILN_IS_RECORDS);
    header[0] ^= 1;
    assert_int_equal(kiln_signature_read("x", header, 512, 99), KILN_IS_RECORDS);
    assert_int_equal(kiln_signature_read("x.tar", header, 512, 99), KILN_IS_TAR);
}

static void every_length_of_a_start_is_looked_at_safely(void **state)
{
    static const char start[] = "\x80\2<!\0\0\0\0{\"Rar";

    (void)state;
    for (size_t size = 0; size <= sizeof start; size++)
        for (size_t from = 0; from + size <= sizeof start; from++) {
            uint8_t *exact = malloc(size + 1); /* past its end the sanitizer looks */

            memcpy(exact, start + from, size);
            kiln_signature_read("x", exact, (int)size, -1);
            kiln_signature_read("x", exact, (int)size, (int64_t)size);
            free(exact);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_something_else_is_called_that),
        cmocka_unit_test(cifar100_is_told_from_a_cut_file),
        cmocka_unit_test(mnist_is_known_by_its_header),
        cmocka_unit_test(records_are_records),
        cmocka_unit_test(archives_are_known_by_their_first_block),
        cmocka_unit_test(every_length_of_a_start_is_looked_at_safely),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
