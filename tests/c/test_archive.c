/*
 * data/archive: the same set from pieces of any size, every cut refused, every flipped bit of a
 * header refused or harmless, and a list of hostile archives.
 */
#include "base/status.h"
#include "data/dataset.h"
#include "records.h"

#define FOLDER "cifar-10-batches-bin/"

/* A whole small archive: a folder, two training files, a test file, the names. */
static tar make(void)
{
    uint8_t *one = records_make(1, 4), *two = records_make(2, 3), *test = records_make(9, 2);
    tar t = {0};

    tar_add(&t, FOLDER, NULL, 0, '5');
    tar_add(&t, FOLDER "data_batch_2.bin", two, 3 * RECORD, '0');
    tar_add(&t, FOLDER "batches.meta.txt", "airplane\n", 9, '0');
    tar_add(&t, FOLDER "data_batch_1.bin", one, 4 * RECORD, '0');
    tar_add(&t, FOLDER "readme.html", NULL, 0, '0');
    tar_add(&t, FOLDER "test_batch.bin", test, 2 * RECORD, 0);
    tar_end(&t);
    free(one);
    free(two);
    free(test);
    return t;
}

static int add(kiln_dataset *d, const char *name, const uint8_t *bytes, int records)
{
    return kiln_fileset_add_file(d, name, bytes, records * RECORD, KILN_SPLIT_BY_NAME);
}

/* Feeds all in pieces and finishes; returns the status, and the hash. */
static int load(const tar *t, int piece, uint64_t *hash)
{
    kiln_dataset d;
    int status = kiln_fileset_create(&d), records = 0;

    for (int at = 0; status >= 0 && at < t->size; at += piece) {
        const int part = t->size - at < piece ? t->size - at : piece;

        status = kiln_fileset_feed_tar(&d, t->bytes + at, part);
        if (status >= 0) CHECK(status >= records);
        records = status;
    }
    if (status >= 0) status = kiln_fileset_finish(&d, -1, -1, -1, 1);
    if (status < 0) assert_int_equal(d.finished, 0);
    if (hash) *hash = d.hash;
    kiln_dataset_destroy(&d);
    return status;
}

static void pieces_of_any_size_give_the_same_set(void **state)
{
    static const int pieces[] = {1, 3, 511, 512, 513, 3072, 3073, 10000, 1 << 30};
    tar t = make();
    uint64_t expected, hash;
    kiln_dataset d;

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    for (int file = 1; file <= 2; file++) {
        uint8_t *bytes = records_make(file, 5 - file);

        const char *name = file == 1 ? "data_batch_1.bin" : "data_batch_2.bin";

        assert_int_equal(add(&d, name, bytes, 5 - file), 0);
        free(bytes);
    }
    uint8_t *test = records_make(9, 2);

    assert_int_equal(add(&d, "test_batch.bin", test, 2), 0);
    free(test);
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), 0);
    expected = d.hash;
    kiln_dataset_destroy(&d);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        assert_int_equal(load(&t, pieces[i], &hash), 0);
        CHECK(hash == expected);
    }
    free(t.bytes);
}

static void records_are_counted_as_they_come(void **state)
{
    tar t = make();
    kiln_dataset d;
    const int body = 1024; /* of data_batch_2.bin begins here */

    (void)state;
    assert_int_equal(kiln_fileset_create(&d), 0);
    assert_int_equal(kiln_fileset_feed_tar(&d, t.bytes, body), 0);
    assert_int_equal(kiln_fileset_feed_tar(&d, t.bytes + body, RECORD - 1), 0);
    assert_int_equal(kiln_fileset_feed_tar(&d, t.bytes + body + RECORD - 1, 1), 1);
    assert_int_equal(kiln_fileset_feed_tar(&d, t.bytes + body + RECORD, 2 * RECORD), 3);
    assert_int_equal(add(&d, "data_batch_5.bin", t.bytes, 1), KILN_E_DATA);
    assert_int_equal(
        kiln_fileset_feed_tar(&d, t.bytes + body + 3 * RECORD, t.size - body - 3 * RECORD), 9);
    kiln_dataset_destroy(&d);
    free(t.bytes);
}

/* Records of a whole archive that is cut after `size` bytes: those of its whole members, -1 where
 * the cut is within a member. */
static int records_before(int size)
{
    /* where the members of make() end, and the training records before that */
    static const int end[][2] = {{512, 0}, {512 + 10240, 3}, {512 + 10240 + 1024, 3},
                                 {512 + 10240 + 1024 + 13312, 7}, {25600, 7}, {25600 + 7168, 7},
                                 {25600 + 7168 + 512, 7}};

    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        if (size == end[i][0]) return end[i][1];
    return -1;
}

/* As GNU tar, an archive may end without its mark, or with half of it, after any whole member. */
static void every_cut_within_a_member_is_refused(void **state)
{
    tar t = make(), cut = t;

    (void)state;
    assert_int_equal(t.size, 25600 + 7168 + 1024);
    for (cut.size = 1; cut.size < t.size; cut.size += cut.size % 512 < 500 ? 61 : 1) {
        const int records = records_before(cut.size), status = load(&cut, 4096, NULL);

        if (status != (records > 0 ? 0 : KILN_E_DATA))
            check_fail(__FILE__, __LINE__, "cut after %d bytes: %d", cut.size, status);
    }
    free(t.bytes);
}

static void every_flipped_bit_of_a_header_is_refused(void **state)
{
    tar t = make();

    (void)state;
    for (int bit = 0; bit < 512 * 8; bit++) {
        uint8_t *byte = t.bytes + 512 + bit / 8; /* the header of data_batch_2.bin */
        uint64_t hash;

        *byte ^= (uint8_t)(1 << bit % 8);
        if (load(&t, t.size, &hash) >= 0 && !(bit / 8 >= 148 && bit / 8 < 156))
            check_fail(__FILE__, __LINE__, "bit %d flipped was taken", bit);
        *byte ^= (uint8_t)(1 << bit % 8);
    }
    free(t.bytes);
}

/* One member of a kind and name, before a good file: refused with the word. */
static void refuse_member(const char *name, const void *bytes, int size, char kind,
                          const char *word)
{
    uint8_t *good = records_make(1, 2);
    tar t = {0};

    tar_add(&t, name, bytes, size, kind);
    tar_add(&t, "data_batch_1.bin", good, 2 * RECORD, '0');
    tar_end(&t);
    if (load(&t, 1000, NULL) != KILN_E_DATA || !strstr(kiln_error(), word))
        check_fail(__FILE__, __LINE__, "%s (%c): \"%s\" is not in \"%s\"", name, kind, word,
                   kiln_error());
    free(t.bytes);
    free(good);
}

static void hostile_members_are_refused(void **state)
{
    static const char page[] = "<html>";
    static uint8_t wrong[3 * RECORD], long_text[1000001];

    (void)state;
    for (const char *kind = "12346SMXA"; *kind; kind++)
        refuse_member("data_batch_2.bin", NULL, 0, *kind, "no plain file");
    refuse_member("/data_batch_2.bin", wrong, RECORD, '0', "leads out");
    refuse_member("../data_batch_2.bin", wrong, RECORD, '0', "leads out");
    refuse_member("a/../data_batch_2.bin", wrong, RECORD, '0', "leads out");
    refuse_member("a\\..\\data_batch_2.bin", wrong, RECORD, '0', "leads out");
    refuse_member("C:data_batch_2.bin", wrong, RECORD, '0', "leads out");
    refuse_member("data_batch_6.bin", wrong, RECORD, '0', "does not belong");
    refuse_member("Data_batch_1.bin", wrong, RECORD, '0', "does not belong");
    refuse_member("data_batch_1 (1).bin", wrong, RECORD, '0', "does not belong");
    refuse_member("data_batch_1", wrong, RECORD, '0', "Python version");
    refuse_member("cifar-10-batches-py/batches.meta", wrong, RECORD, '0', "Python version");
    refuse_member("data_batch_1.mat", wrong, RECORD, '0', "MATLAB version");
    refuse_member("cifar-100-binary/train.bin", wrong, RECORD, '0', "3073 of its 3074");
    refuse_member("cifar-100-binary/train.bin", wrong, 3074, '0', "of another data set");
    refuse_member("cifar-100-binary/fine_label_names.txt", page, 6, '0', "1 names");
    refuse_member("cifar-100-python/train", wrong, RECORD, '0', "Python version");
    refuse_member("data_batch_1.bin", wrong, RECORD, '0', "twice");
    refuse_member("data_batch_2.bin", wrong, 0, '0', "empty");
    refuse_member("data_batch_2.bin", wrong, RECORD + 7, '0', "cut short: record 1 has 7 ");
    refuse_member("folder/", page, 6, '5', "no plain file");
    refuse_member("folder/", page, 6, '0', "does not belong");
    refuse_member("._x", long_text, sizeof long_text, '0', "too much");
    wrong[2 * RECORD] = 10;
    refuse_member("data_batch_2.bin", wrong, 3 * RECORD, '0', "data_batch_2.bin: record 2");
}

static void extended_headers_are_read_or_refused(void **state)
{
    uint8_t *good = records_make(1, 20);
    static const char *const harmless[] = {"30 mtime=1257609600.123456789\n",
                                           "21 comment=something\n",
                                           "9 uid=12\n21 comment=something\n", "15 linkpath=xy\n"};
    static const char *const wrong[] = {
        "22 GNU.sparse.major=1\n", "99 mtime=1\n",  "9 uid=12\n10 size=x\n",
        "9999999999999999999 a=b\n", "mtime=1\n",   "10 mtime=1",
        "6 abc\n",                 "0 a=b\n",       "3 \n",
        "8 size=\n",               "8 path=\n",     "28 size=9999999999999999999\n"};

    (void)state;
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
        for (const char *kind = "xg"; *kind; kind++) {
            tar t = {0};

            tar_add(&t, "PaxHeaders/x", harmless[i], (int)strlen(harmless[i]), *kind);
            tar_add(&t, "data_batch_1.bin", good, 20 * RECORD, '0');
            tar_end(&t);
            if (load(&t, 77, NULL) < 0) check_fail(__FILE__, __LINE__, "%s", kiln_error());
            free(t.bytes);
        }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refuse_member("PaxHeaders/x", wrong[i], (int)strlen(wrong[i]), 'x', "");
    refuse_member("PaxHeaders/x", "25 path=data_batch_2.bin\n", 25, 'g', "extended header");
    refuse_member("PaxHeaders/x", "13 size=3073\n", 13, 'g', "extended header");
    refuse_member("PaxHeaders/x", "22 path=../../x/y.bin\n", 22, 'x', "leads out");
    refuse_member("././@LongLink", "../data_batch_2.bin", 20, 'L', "leads out");
    refuse_member("././@LongLink", "", 0, 'L', "a name of 0 bytes");
    static char long_notes[70000];

    refuse_member("PaxHeaders/x", long_notes, sizeof long_notes, 'x', "too long");
    free(good);
}

/* Archives that GNU tar reads, each with one file of 20 records. */
static void what_gnu_tar_reads_is_read(void **state)
{
    static const char name[] = FOLDER "data_batch_1.bin";
    static char far[180], note[240];
    uint8_t *bytes = records_make(1, 20);
    uint64_t expected = 0, hash;

    (void)state;
    for (size_t i = 0; i < sizeof far - 20; i++) far[i] = i % 60 ? 'a' : '/';
    far[0] = 'a';
    strcpy(far + sizeof far - 20, "/data_batch_1.bin");
    snprintf(note, sizeof note, "%d path=%s\n", (int)strlen(far) + 10, far);
    for (int form = 0; form < 12; form++) {
        uint8_t header[512];
        tar t = {0};

        if (form == 1) tar_add(&t, "/tmp/GlobalHead.7.1", "21 comment=something\n", 21, 'g');
        if (form == 2) tar_add(&t, "././@LongLink", far, (int)strlen(far) + 1, 'L');
        if (form == 3) tar_add(&t, "PaxHeaders/x", note, (int)strlen(note), 'x');
        if (form == 4) tar_add(&t, "PaxHeaders/x", "14 size=61460\n", 14, 'x');
        if (form == 5) tar_add(&t, "the label", NULL, 0, 'V');
        if (form == 6) tar_add(&t, FOLDER "._data_batch_1.bin", "Mac OS X", 8, '0');
        if (form == 6) tar_add(&t, FOLDER ".DS_Store", "Bud1", 4, '0');
        if (form == 7) tar_add(&t, FOLDER, NULL, 0, 0); /* as v7 has folders */
        tar_header(header, form == 2 || form == 3 ? "aaa" : name, form == 4 ? 0 : 20 * RECORD,
                   form == 8 ? '7' : form == 7 ? 0 : '0');
        if (form == 7 || form == 9) memset(header + 257, 0, 255); /* v7 */
        tar_seal(header);
        tar_put(&t, header, 512);
        tar_put(&t, bytes, 20 * RECORD);
        tar_put(&t, NULL, 0);
        tar_put(&t, (uint8_t[512]){0}, (512 - 20 * RECORD % 512) % 512);
        if (form == 10) tar_put(&t, (uint8_t[512]){0}, 512); /* half an end mark; of 11 none */
        if (form < 10) tar_end(&t);
        if (load(&t, 700, &hash) < 0)
            check_fail(__FILE__, __LINE__, "form %d: %s", form, kiln_error());
        if (form == 0) expected = hash;
        CHECK(hash == expected);
        free(t.bytes);
    }
    free(bytes);
}

static void the_same_images_twice_are_refused(void **state)
{
    uint8_t *bytes = records_make(1, 20);
    tar t = {0};

    (void)state;
    tar_add(&t, FOLDER "data_batch_1.bin", bytes, 20 * RECORD, '0');
    tar_add(&t, FOLDER "data_batch_4.bin", bytes, 20 * RECORD, '0');
    tar_end(&t);
    assert_int_equal(load(&t, 700, NULL), KILN_E_DATA);
    CHECK(strstr(kiln_error(), "data_batch_4.bin: the same 20 images as data_batch_1.bin"));
    free(t.bytes);
    free(bytes);
}

static void what_is_no_archive_is_told_apart(void **state)
{
    static const struct {
        const char *start, *word;
    } files[] = {
        {"<!DOCTYPE html>", "web page"}, {"\x1f\x8b\x08", "gzip"}, {"PK\3\4", "a zip archive"},
        {"PK", "no tar"}, {"", "empty"}};

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        tar t = {calloc(1, 2048), 2048, 2048};

        memcpy(t.bytes, files[i].start, strlen(files[i].start));
        assert_int_equal(load(&t, 100, NULL), KILN_E_DATA);
        if (!strstr(kiln_error(), files[i].word)) CHECK_FAIL("%s", kiln_error());
        free(t.bytes);
    }
}

static void nothing_may_follow_the_end(void **state)
{
    static const uint8_t zeros[20480];
    tar t = make();

    (void)state;
    tar_put(&t, zeros, sizeof zeros);
    assert_int_equal(load(&t, 700, NULL), 0); /* zeros may: tar fills up its last block */
    tar_put(&t, "x", 1);
    assert_int_equal(load(&t, 700, NULL), KILN_E_DATA);
    free(t.bytes);
}

/* Sizes that a header may claim: nothing is taken before it is checked. */
static void claimed_sizes_are_bounded(void **state)
{
    static const char *const sizes[] = {
        "77777777777", "00000000000", "35230700000",  "-0000000001",
        "\x80\0\0\0\0\0\0\0\0\0\x0c\x01", "9", "00000006001x", "           "};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t header[512];
        tar t = {0};

        tar_header(header, "data_batch_1.bin", 0, '0');
        memcpy(header + 124, sizes[i], i == 4 ? 12 : strlen(sizes[i]));
        if (i == 5) header[125] = 0;
        tar_seal(header);
        tar_put(&t, header, 512);
        tar_end(&t);
        assert_int_equal(load(&t, 512, NULL), KILN_E_DATA);
        free(t.bytes);
    }
}

/* A tar that never ends is stopped: folders, for they need no room. */
static void endless_archives_are_stopped(void **state)
{
    enum { PIECE = 1000 };
    tar t = {0};
    kiln_dataset d;
    int64_t fed = 0;
    int status = 0;

    (void)state;
    for (int i = 0; i < PIECE; i++) tar_add(&t, "folder/", NULL, 0, '5');
    assert_int_equal(kiln_fileset_create(&d), 0);
    for (; status >= 0 && fed < 300000000; fed += t.size)
        status = kiln_fileset_feed_tar(&d, t.bytes, t.size);
    assert_int_equal(status, KILN_E_DATA);
    CHECK(fed <= 200000000 + t.size);
    assert_int_equal(kiln_fileset_feed_tar(&d, t.bytes, 512), KILN_E_DATA); /* and stays so */
    assert_int_equal(kiln_fileset_finish(&d, -1, -1, -1, 1), KILN_E_DATA);
    kiln_dataset_destroy(&d);
    free(t.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_any_size_give_the_same_set),
        cmocka_unit_test(records_are_counted_as_they_come),
        cmocka_unit_test(every_cut_within_a_member_is_refused),
        cmocka_unit_test(every_flipped_bit_of_a_header_is_refused),
        cmocka_unit_test(hostile_members_are_refused),
        cmocka_unit_test(extended_headers_are_read_or_refused),
        cmocka_unit_test(what_gnu_tar_reads_is_read),
        cmocka_unit_test(the_same_images_twice_are_refused),
        cmocka_unit_test(what_is_no_archive_is_told_apart),
        cmocka_unit_test(nothing_may_follow_the_end),
        cmocka_unit_test(claimed_sizes_are_bounded),
        cmocka_unit_test(endless_archives_are_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
