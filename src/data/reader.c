/*
 * Places for records: files may come in any order, and each is put where its name says
 * (data_batch_1 before data_batch_2, test_batch.bin apart), so that training image i is always the
 * official one.
 *
 * The first file takes the memory it needs, a second one that of the whole set, so that reading all
 * of it copies next to nothing. Two files of equal records are one file under two names ("Copy of
 * data_batch_1.bin"), which would put training images among those of validation: the second is
 * refused. Comparing ends at the first byte that differs, so it costs nothing.
 */
#include "data/reader.h"

#include <string.h>

#include "base/status.h"

#define FILES_AHEAD 4 /* training files that a second one leads to expect, itself among them */
#define FIRST_UNNUMBERED 1000 /* order of training files that are not data_batch_N.bin */

static kiln_reader *reader_of(kiln_dataset *d)
{
    return d->reader;
}

/* ---- names ----------------------------------------------------------------------------------- */

void kiln_reader_name(char name[KILN_NAME_SIZE], const char *path)
{
    const char *last = path;
    int i = 0;

    for (const char *p = path; *p; p++)
        if ((*p == '/' || *p == '\\') && p[1]) last = p + 1;
    for (; last[i] && i < KILN_NAME_SIZE - 1; i++)
        name[i] = last[i] >= ' ' && last[i] < 127 ? last[i] : '?';
    name[i] = 0;
}

/* N of data_batch_N.bin, N = 1, 2, ... without zeros before it; 0 for any other name. */
static int number_of(const char *name)
{
    static const char start[] = "data_batch_";
    int n = 0;

    if (strncmp(name, start, sizeof start - 1) != 0) return 0;
    name += sizeof start - 1;
    if (*name == '0') return 0;
    for (int digits = 0; *name >= '0' && *name <= '9' && digits < 3; name++, digits++)
        n = 10 * n + (*name - '0');
    return strcmp(name, ".bin") == 0 ? n : 0;
}

int kiln_reader_kind(const char *name)
{
    if (strcmp(name, "test_batch.bin") == 0) return KILN_READ_TEST;
    if (number_of(name) > 0) return KILN_READ_TRAIN;
    return kiln_fail(KILN_E_SPLIT,
                     "%s: the name does not say which images it holds, as data_batch_1.bin "
                     "(training) and test_batch.bin (test) do; say which, or rename it", name);
}

/* ---- capacity -------------------------------------------------------------------------------- */

/* Capacity for `count` records more; those there are moved over. */
static int grow(kiln_dataset *d, int kind, int count)
{
    kiln_record_store *s = &reader_of(d)->store[kind];
    int capacity = s->count + count;
    kiln_arena arena = {0};
    uint8_t *image = NULL, *label = NULL;

    if (capacity <= s->capacity) return KILN_OK;
    if (s->count > 0) capacity = s->count + FILES_AHEAD * count;
    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
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

/* Moves records first.. up by `by`, which the capacity allows. */
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

/* Where a file of this order belongs among those there are; KILN_E_DATA for an official name that
 * is there already. */
static int find_place(const kiln_record_store *s, const char *name, int order)
{
    int at = 0;

    for (int i = 0; i < s->files; i++) {
        if (strcmp(s->file[i].name, name) == 0 &&
            (number_of(name) || strcmp(name, "test_batch.bin") == 0))
            return kiln_fail(KILN_E_DATA, "%s: given twice", name);
        if (s->file[i].order <= order) at = i + 1;
    }
    if (s->files == KILN_FILES_MAX)
        return kiln_fail(KILN_E_DATA, "%s: more than %d files of a kind", name, KILN_FILES_MAX);
    return at;
}

int kiln_reader_open(kiln_dataset *d, kiln_record_sink *sink, const char *name, int64_t size,
                     int kind)
{
    kiln_record_store *s = &reader_of(d)->store[kind];
    const int count = (int)(size / KILN_RECORD_BYTES), number = number_of(name);
    const int order = number ? number : FIRST_UNNUMBERED + s->files;
    int at;

    KILN_TRY(check_size(name, size));
    KILN_TRY(at = find_place(s, name, order));
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
    if (label < KILN_RECORD_CLASSES) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: record %lld (at byte %lld): label %d is not below %d", name,
                     (long long)record, (long long)record * KILN_RECORD_BYTES, label,
                     KILN_RECORD_CLASSES);
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

/* ---- the same records twice ------------------------------------------------------------------ */

/* Records wherever they lie: those of a store, pixels and labels apart, or those of a file. */
typedef struct {
    const uint8_t *image, *label; /* of record 0 */
    size_t image_step, label_step;
} records;

static int equal(const records *a, const records *b, int count)
{
    for (size_t i = 0; i < (size_t)count; i++)
        if (a->label[i * a->label_step] != b->label[i * b->label_step] ||
            memcmp(a->image + i * a->image_step, b->image + i * b->image_step,
                   KILN_RECORD_PIXELS) != 0)
            return 0;
    return 1;
}

/* KILN_E_DATA when a file, other than the one these records are, has the same ones. */
static int refuse_twin(kiln_dataset *d, const char *name, const records *new, int count)
{
    for (int kind = 0; kind < KILN_READ_KINDS; kind++) {
        const kiln_record_store *s = &reader_of(d)->store[kind];

        for (int i = 0; i < s->files; i++) {
            const size_t first = (size_t)s->file[i].first;
            const records old = {s->image + first * KILN_RECORD_PIXELS, s->label + first,
                                 KILN_RECORD_PIXELS, 1};

            if (s->file[i].count != count || old.image == new->image || !equal(&old, new, count))
                continue;
            if (strcmp(s->file[i].name, name) == 0)
                return kiln_fail(KILN_E_DATA, "%s: given twice", name);
            return kiln_fail(KILN_E_DATA, "%s: the same %d images as %s; leave one of the two out",
                             name, count, s->file[i].name);
        }
    }
    return KILN_OK;
}

int kiln_reader_close(kiln_dataset *d, const kiln_record_sink *sink)
{
    const records own = {sink->image, sink->label, KILN_RECORD_PIXELS, 1};

    return refuse_twin(d, sink->name, &own, (int)(sink->size / KILN_RECORD_BYTES));
}

int kiln_reader_look(kiln_dataset *d, const char *name, const uint8_t *bytes, int64_t size)
{
    const records file = {bytes + 1, bytes, KILN_RECORD_BYTES, KILN_RECORD_BYTES};

    KILN_TRY(check_size(name, size));
    for (int64_t at = 0; at < size; at += KILN_RECORD_BYTES)
        KILN_TRY(check_label(name, at / KILN_RECORD_BYTES, bytes[at]));
    return refuse_twin(d, name, &file, (int)(size / KILN_RECORD_BYTES));
}
