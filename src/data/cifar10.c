/*
 * CIFAR-10's binary files: records of 3073 bytes, a label 0..9 and the red, green and blue planes
 * of 32 x 32 pixels.
 *
 * Files may come in any order: each is put where its name says (data_batch_1 before data_batch_2,
 * test*.bin apart), so that training image i is always the official one. Pixels stay bytes; the
 * first file takes the room it needs, a second one the room of the whole set, so that reading all
 * of it copies next to nothing.
 *
 * Source: "The CIFAR-10 dataset", cs.toronto.edu/~kriz/cifar.html, section "Binary version".
 */
#include <string.h>

#include "base/status.h"
#include "data/reader.h"

#define CLASSES 10
#define FILES_AHEAD 4 /* training files that a second one leads to expect, itself among them */
#define STANDARD_VALIDATION 1000
#define FIRST_UNNUMBERED 1000 /* order of training files that are not data_batch_N.bin */

static const char *const class_name[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                "dog",      "frog",       "horse", "ship", "truck"};

static kiln_reader *reader_of(kiln_dataset *d)
{
    return d->reader;
}

int kiln_cifar10_create(kiln_dataset *d)
{
    kiln_dataset set = {.C = 3, .H = 32, .W = 32, .classes = CLASSES, .name = "cifar10"};

    *d = (kiln_dataset){0};
    for (int i = 0; i < CLASSES; i++) set.class_name[i] = class_name[i];
    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
        set.reader = kiln_arena_take(&set.arena, 1, sizeof(kiln_reader));
        set.mean_image = kiln_arena_take(&set.arena, KILN_RECORD_PIXELS, sizeof *set.mean_image);
        if (pass == 0) KILN_TRY(kiln_arena_create(&set.arena, set.arena.used, "the data set"));
    }
    *d = set;
    return KILN_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

void kiln_reader_name(char name[KILN_NAME_SIZE], const char *path)
{
    const char *last = path;
    int i = 0;

    for (const char *p = path; *p; p++)
        if (*p == '/' || *p == '\\') last = p + 1;
    for (; last[i] && i < KILN_NAME_SIZE - 1; i++)
        name[i] = last[i] > ' ' && last[i] < 127 ? last[i] : '?';
    name[i] = 0;
}

static int kind_of(const char *name)
{
    return strncmp(name, "test", 4) == 0 ? KILN_READ_TEST : KILN_READ_TRAIN;
}

/* N of data_batch_N.bin; other files follow in the order they come. */
static int order_of(const char *name, const kiln_record_store *store)
{
    static const char start[] = "data_batch_";
    int n = 0, digits = 0;

    if (strncmp(name, start, sizeof start - 1) == 0)
        for (name += sizeof start - 1; *name >= '0' && *name <= '9' && digits < 2; name++, digits++)
            n = 10 * n + (*name - '0');
    return digits && strcmp(name, ".bin") == 0 ? n : FIRST_UNNUMBERED + store->files;
}

/* ---- room ------------------------------------------------------------------------------------ */

/* Room for `count` records more, those there are moved over. */
static int grow(kiln_dataset *d, int kind, int count)
{
    kiln_record_store *s = &reader_of(d)->store[kind];
    int capacity = s->count + count;
    kiln_arena arena = {0};
    uint8_t *image = NULL, *label = NULL;

    if (capacity <= s->capacity) return KILN_OK;
    if (s->count > 0) capacity = s->count + FILES_AHEAD * count;
    for (int pass = 0; pass < 2; pass++) {
        image = kiln_arena_take(&arena, (size_t)capacity, KILN_RECORD_PIXELS);
        label = kiln_arena_take(&arena, (size_t)capacity, 1);
        if (pass == 0) KILN_TRY(kiln_arena_create(&arena, arena.used, "CIFAR-10"));
    }
    if (s->count > 0) {
        memcpy(image, s->image, (size_t)s->count * KILN_RECORD_PIXELS);
        memcpy(label, s->label, (size_t)s->count);
    }
    kiln_arena_destroy(&d->store[kind]);
    d->store[kind] = arena;
    s->image = image;
    s->label = label;
    s->capacity = capacity;
    return KILN_OK;
}

/* Moves records first.. up by `by`; there is room. */
static void move_up(kiln_record_store *s, int first, int by)
{
    const size_t count = (size_t)(s->count - first), pixels = KILN_RECORD_PIXELS;

    uint8_t *image = s->image + (size_t)first * pixels;

    memmove(image + (size_t)by * pixels, image, count * pixels);
    memmove(s->label + first + by, s->label + first, count);
}

static int check_size(const char *name, int64_t size)
{
    const int64_t records = size / KILN_RECORD_BYTES, rest = size % KILN_RECORD_BYTES;

    if (size <= 0) return kiln_fail(KILN_E_DATA, "%s: the file is empty", name);
    if (records > KILN_FILE_RECORDS_MAX || (records == KILN_FILE_RECORDS_MAX && rest > 0))
        return kiln_fail(KILN_E_DATA, "%s: %lld bytes are more than the %d records a file has",
                         name, (long long)size, KILN_FILE_RECORDS_MAX);
    if (rest > 0)
        return kiln_fail(KILN_E_DATA, "%s: cut short: record %d has %d of its %d bytes", name,
                         (int)records, (int)rest, KILN_RECORD_BYTES);
    return KILN_OK;
}

int kiln_reader_open(kiln_dataset *d, kiln_record_sink *sink, const char *name, int64_t size)
{
    const int kind = kind_of(name), count = (int)(size / KILN_RECORD_BYTES);
    kiln_record_store *s = &reader_of(d)->store[kind];
    const int order = order_of(name, s);
    int at = 0;

    KILN_TRY(check_size(name, size));
    for (int i = 0; i < s->files; i++) {
        if (strcmp(s->file[i].name, name) == 0)
            return kiln_fail(KILN_E_DATA, "%s: given twice", name);
        if (s->file[i].order <= order) at = i + 1;
    }
    if (s->files == KILN_FILES_MAX)
        return kiln_fail(KILN_E_DATA, "%s: more than %d files of a kind", name, KILN_FILES_MAX);
    KILN_TRY(grow(d, kind, count));

    const int first = at < s->files ? s->file[at].first : s->count;

    move_up(s, first, count);
    for (int i = s->files; i > at; i--) {
        s->file[i] = s->file[i - 1];
        s->file[i].first += count;
    }
    s->file[at] = (kiln_record_file){.order = order, .first = first, .count = count};
    memcpy(s->file[at].name, name, strlen(name) + 1);
    s->files++;
    s->count += count;
    *sink = (kiln_record_sink){.image = s->image + (size_t)first * KILN_RECORD_PIXELS,
                               .label = s->label + first,
                               .size = size};
    memcpy(sink->name, name, strlen(name) + 1);
    return KILN_OK;
}

/* ---- records --------------------------------------------------------------------------------- */

static int check_label(const char *name, int64_t record, int label)
{
    if (label < CLASSES) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: record %lld (at byte %lld): label %d is not below %d", name,
                     (long long)record, (long long)record * KILN_RECORD_BYTES, label, CLASSES);
}

int kiln_reader_fill(kiln_record_sink *sink, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const int64_t record = sink->at / KILN_RECORD_BYTES, byte = sink->at % KILN_RECORD_BYTES;
        size_t part = 1;

        if (byte == 0) {
            KILN_TRY(check_label(sink->name, record, bytes[0]));
            sink->label[record] = bytes[0];
        } else {
            part = (size_t)(KILN_RECORD_BYTES - byte);
            if (part > size) part = size;
            memcpy(sink->image + record * KILN_RECORD_PIXELS + byte - 1, bytes, part);
        }
        sink->at += (int64_t)part;
        bytes += part;
        size -= part;
    }
    return KILN_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

int kiln_reader_check(const kiln_dataset *d)
{
    const kiln_reader *r = d->reader;

    if (!r) return kiln_fail(KILN_E_STATE, "data set: is finished; make a new one to read files");
    if (r->failed)
        return kiln_fail(r->failed, "data set: its archive was refused; make a new one");
    return KILN_OK;
}

/* Nothing of a file is taken before all of it was seen to be right. */
int kiln_cifar10_add_file(kiln_dataset *d, const char *path, const uint8_t *bytes, int size)
{
    char name[KILN_NAME_SIZE];
    kiln_record_sink sink;

    KILN_TRY(kiln_reader_check(d));
    KILN_TRY(kiln_archive_finish(&reader_of(d)->archive)); /* its records must not move now */
    kiln_reader_name(name, path);
    if (size > 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
        return kiln_fail(KILN_E_DATA, "%s: is compressed (gzip), not records of images", name);
    if (size > 2 && bytes[0] == '<' && (bytes[1] == '!' || bytes[1] == 'h' || bytes[1] == 'H'))
        return kiln_fail(KILN_E_DATA, "%s: is a web page (HTML), not records of images", name);
    KILN_TRY(check_size(name, size));
    for (int64_t at = 0; at < size; at += KILN_RECORD_BYTES)
        KILN_TRY(check_label(name, at / KILN_RECORD_BYTES, bytes[at]));
    KILN_TRY(kiln_reader_open(d, &sink, name, size));
    return kiln_reader_fill(&sink, bytes, (size_t)size);
}

int kiln_cifar10_finish(kiln_dataset *d, int train, int validation, int test)
{
    KILN_TRY(kiln_reader_check(d));
    KILN_TRY(kiln_archive_finish(&reader_of(d)->archive));

    const kiln_record_store *s = reader_of(d)->store;
    const int all = s[KILN_READ_TRAIN].count;

    if (all == 0)
        return kiln_fail(KILN_E_DATA, "data set: no training images; add data_batch_1.bin or the "
                                      "whole cifar-10-binary.tar.gz");
    if (validation < 0 && all / 10 < STANDARD_VALIDATION) validation = all / 10;
    if (validation < 0) validation = STANDARD_VALIDATION;
    if (validation >= all)
        return kiln_fail(KILN_E_ARG, "data set: %d validation images leave none of %d to train on",
                         validation, all);
    if (train == 0) return kiln_fail(KILN_E_ARG, "data set: at least one training image is needed");
    d->count[0] = train > 0 && train < all - validation ? train : all - validation;
    d->count[1] = validation;
    d->count[2] = test >= 0 && test < s[KILN_READ_TEST].count ? test : s[KILN_READ_TEST].count;
    d->image[0] = s[KILN_READ_TRAIN].image;
    d->label[0] = s[KILN_READ_TRAIN].label;
    d->image[1] = d->image[0] + (size_t)(all - validation) * KILN_RECORD_PIXELS;
    d->label[1] = d->label[0] + (all - validation);
    d->image[2] = s[KILN_READ_TEST].image;
    d->label[2] = s[KILN_READ_TEST].label;
    d->reader = NULL;
    kiln_dataset_measure(d);
    return KILN_OK;
}
