/*
 * Places for records: files may come in any order, and each is put where its name says
 * (data_batch_1 before data_batch_2, test_batch.bin apart), so that training image i is always the
 * official one. Formats differ in what stands before the pixels and in the size of an image.
 *
 * The first file takes the memory it needs, a second one that of the whole set, so that reading all
 * of it copies next to nothing. Two files of equal records are one file under two names ("Copy of
 * data_batch_1.bin"), which would put training images among those of validation: the second is
 * refused. Comparing ends at the first byte that differs, so it costs nothing.
 *
 * Source: "The CIFAR-10 dataset", "The CIFAR-100 dataset", cs.toronto.edu/~kriz/cifar.html, section
 * "Binary version": <label> or <coarse label><fine label>, then 3072 pixels, red, green, blue.
 */
#include "data/reader.h"

#include <string.h>

#include "base/status.h"

#define FILES_AHEAD 4 /* training files that a second one leads to expect, itself among them */
#define FIRST_UNNUMBERED 1000 /* order of training files that are not data_batch_N.bin */
#define COARSE_CLASSES 20 /* of CIFAR-100 */

const kiln_record_format kiln_format_cifar10 = {"cifar10", 3, 32, 32, 10, KILN_LABEL_BYTE, 10000};
const kiln_record_format kiln_format_cifar100 = {"cifar100", 3, 32, 32, 100, KILN_LABEL_FINE,
                                                 50000};

int kiln_format_labels(const kiln_record_format *f)
{
    return f->labels == KILN_LABEL_BYTE ? 1 : 2;
}

int kiln_format_pixels(const kiln_record_format *f)
{
    return f->C * f->H * f->W;
}

int kiln_format_bytes(const kiln_record_format *f)
{
    return kiln_format_labels(f) + kiln_format_pixels(f);
}

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

int kiln_reader_kind(const char *name, const kiln_record_format *format)
{
    if (!format && strncmp(name, "t10k-", 5) == 0) return KILN_READ_TEST;
    if (!format && strncmp(name, "train-", 6) == 0) return KILN_READ_TRAIN;
    if (format == &kiln_format_cifar10 && strcmp(name, "test_batch.bin") == 0)
        return KILN_READ_TEST;
    if (format == &kiln_format_cifar10 && number_of(name) > 0) return KILN_READ_TRAIN;
    if (format == &kiln_format_cifar100 && strcmp(name, "test.bin") == 0) return KILN_READ_TEST;
    if (format == &kiln_format_cifar100 && strcmp(name, "train.bin") == 0) return KILN_READ_TRAIN;
    return kiln_fail(KILN_E_SPLIT,
                     "%s: the name does not say which images it holds, as data_batch_1.bin "
                     "(training) and test_batch.bin (test) do; say which, or rename it", name);
}

/* ---- capacity -------------------------------------------------------------------------------- */

/* Capacity for `count` records more; those there are moved over. */
static int grow(kiln_dataset *d, int kind, int count, size_t pixels)
{
    kiln_record_store *s = &reader_of(d)->store[kind];
    int capacity = s->count + count;
    kiln_arena arena = {0};
    uint8_t *image = NULL;
    uint16_t *label = NULL;

    if (capacity <= s->capacity) return KILN_OK;
    if (s->count > 0) capacity = s->count + FILES_AHEAD * count;
    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
        image = kiln_arena_take(&arena, (size_t)capacity, pixels);
        label = kiln_arena_take(&arena, (size_t)capacity, sizeof *label);
        if (pass == 0) KILN_TRY(kiln_arena_create(&arena, arena.used, "the images"));
    }
    if (s->count > 0) {
        memcpy(image, s->image, (size_t)s->count * pixels);
        memcpy(label, s->label, (size_t)s->count * sizeof *label);
    }
    kiln_arena_destroy(&d->store[kind]);
    d->store[kind] = arena;
    s->image = image;
    s->label = label;
    s->capacity = capacity;
    return KILN_OK;
}

/* Moves records first.. up by `by`, which the capacity allows. */
static void move_up(kiln_record_store *s, int first, int by, size_t pixels)
{
    const size_t count = (size_t)(s->count - first);

    uint8_t *image = s->image + (size_t)first * pixels;

    memmove(image + (size_t)by * pixels, image, count * pixels);
    memmove(s->label + first + by, s->label + first, count * sizeof *s->label);
}

static int check_size(const char *name, const kiln_record_format *f, int64_t size)
{
    const int bytes = kiln_format_bytes(f);
    const int64_t records = size / bytes, rest = size % bytes;

    if (size <= 0) return kiln_fail(KILN_E_DATA, "%s: the file is empty", name);
    if (records > f->records_max || (records == f->records_max && rest > 0))
        return kiln_fail(KILN_E_DATA, "%s: %lld bytes are more than the %d records a file has",
                         name, (long long)size, f->records_max);
    if (rest > 0)
        return kiln_fail(KILN_E_DATA, "%s: cut short: record %d has %d of its %d bytes", name,
                         (int)records, (int)rest, bytes);
    return KILN_OK;
}

static int is_official(const char *name)
{
    static const char *const others[] = {"test_batch.bin", "train.bin", "test.bin"};

    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcmp(name, others[i]) == 0) return 1;
    return number_of(name) > 0;
}

/* Where a file of this order belongs among those there are; KILN_E_DATA for an official name that
 * is there already. */
static int find_place(const kiln_record_store *s, const char *name, int order)
{
    int at = 0;

    for (int i = 0; i < s->files; i++) {
        if (strcmp(s->file[i].name, name) == 0 &&
            is_official(name))
            return kiln_fail(KILN_E_DATA, "%s: given twice", name);
        if (s->file[i].order <= order) at = i + 1;
    }
    if (s->files == KILN_FILES_MAX)
        return kiln_fail(KILN_E_DATA, "%s: more than %d files of a kind", name, KILN_FILES_MAX);
    return at;
}

int kiln_reader_same(kiln_dataset *d, const char *name, const kiln_record_format *format)
{
    const kiln_record_format *before = reader_of(d)->format;

    if (!before || before == format) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: is of another data set (%s) than the files before it (%s)",
                     name, format->set, before->set);
}

int kiln_reader_open(kiln_dataset *d, kiln_record_sink *sink, const char *name,
                     const kiln_record_format *format, int64_t size, int kind)
{
    kiln_record_store *s = &reader_of(d)->store[kind];
    const size_t pixels = (size_t)kiln_format_pixels(format);
    const int count = (int)(size / kiln_format_bytes(format)), number = number_of(name);
    const int order = number ? number : FIRST_UNNUMBERED + s->files;
    int at;

    KILN_TRY(kiln_reader_same(d, name, format));
    KILN_TRY(check_size(name, format, size));
    KILN_TRY(at = find_place(s, name, order));
    KILN_TRY(grow(d, kind, count, pixels));
    reader_of(d)->format = format;

    const int first = at < s->files ? s->file[at].first : s->count;

    move_up(s, first, count, pixels);
    for (int i = s->files; i > at; i--) {
        s->file[i] = s->file[i - 1];
        s->file[i].first += count;
    }
    s->file[at] = (kiln_record_file){.order = order, .first = first, .count = count};
    memcpy(s->file[at].name, name, strlen(name) + 1);
    s->files++;
    s->count += count;
    *sink = (kiln_record_sink){.format = format,
                               .image = s->image + (size_t)first * pixels,
                               .label = s->label + first,
                               .size = size};
    memcpy(sink->name, name, strlen(name) + 1);
    return KILN_OK;
}

/* ---- records --------------------------------------------------------------------------------- */

static int label_of(const kiln_record_format *f, const uint8_t *bytes)
{
    if (f->labels == KILN_LABEL_BYTE) return bytes[0];
    return f->labels == KILN_LABEL_FINE ? bytes[1] : bytes[0] | bytes[1] << 8;
}

/* The labels of a record in range. */
static int check_label(const char *name, const kiln_record_format *f, int64_t record,
                       const uint8_t *bytes)
{
    const int label = label_of(f, bytes), is_coarse = f->labels == KILN_LABEL_FINE;

    if (label < f->classes && (!is_coarse || bytes[0] < COARSE_CLASSES)) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: record %lld (at byte %lld): %slabel %d is not below %d",
                     name, (long long)record, (long long)record * kiln_format_bytes(f),
                     label < f->classes ? "coarse " : "", label < f->classes ? bytes[0] : label,
                     label < f->classes ? COARSE_CLASSES : f->classes);
}

/* Byte `byte` of the labels, of which the first is kept until the second comes. */
static int fill_label(kiln_record_sink *sink, int64_t record, int64_t byte, uint8_t value)
{
    const uint8_t bytes[2] = {byte ? sink->first : value, value};

    sink->first = value;
    if (byte + 1 < kiln_format_labels(sink->format)) return KILN_OK;
    KILN_TRY(check_label(sink->name, sink->format, record, bytes));
    sink->label[record] = (uint16_t)label_of(sink->format, bytes);
    return KILN_OK;
}

int kiln_reader_fill(kiln_record_sink *sink, const uint8_t *bytes, size_t size)
{
    const int64_t whole = kiln_format_bytes(sink->format);
    const int64_t labels = kiln_format_labels(sink->format), pixels = whole - labels;

    while (size > 0) {
        const int64_t record = sink->at / whole, byte = sink->at % whole;
        size_t part = 1;

        if (byte < labels) {
            KILN_TRY(fill_label(sink, record, byte, bytes[0]));
        } else {
            part = (size_t)(whole - byte);
            if (part > size) part = size;
            memcpy(sink->image + record * pixels + byte - labels, bytes, part);
        }
        sink->at += (int64_t)part;
        bytes += part;
        size -= part;
    }
    return KILN_OK;
}

/* ---- the same records twice ------------------------------------------------------------------ */

/* Do the records of a file hold those at image and label of a store? */
static int equal(const kiln_record_format *f, const uint8_t *image, const uint16_t *label,
                 const uint8_t *bytes, int count)
{
    const size_t pixels = (size_t)kiln_format_pixels(f), labels = (size_t)kiln_format_labels(f);

    for (int i = 0; i < count; i++, bytes += labels + pixels, image += pixels)
        if (label[i] != label_of(f, bytes) || memcmp(image, bytes + labels, pixels) != 0) return 0;
    return 1;
}

/* The same of two places of a store, or of two. */
static int equal_stored(const kiln_record_format *f, const uint8_t *image, const uint16_t *label,
                        const kiln_record_sink *sink, int count)
{
    const size_t pixels = (size_t)kiln_format_pixels(f), n = (size_t)count;

    return image != sink->image && memcmp(label, sink->label, n * sizeof *label) == 0 &&
           memcmp(image, sink->image, n * pixels) == 0;
}

/* KILN_E_DATA when a file, other than the one at sink, has the same records: those of sink, or else
 * those of bytes. */
static int refuse_twin(kiln_dataset *d, const char *name, const kiln_record_format *f,
                       const kiln_record_sink *sink, const uint8_t *bytes, int count)
{
    for (int kind = 0; kind < KILN_READ_KINDS; kind++) {
        const kiln_record_store *s = &reader_of(d)->store[kind];

        for (int i = 0; i < s->files; i++) {
            const size_t first = (size_t)s->file[i].first;
            const uint8_t *image = s->image + first * (size_t)kiln_format_pixels(f);

            if (s->file[i].count != count ||
                !(sink ? equal_stored(f, image, s->label + first, sink, count)
                       : equal(f, image, s->label + first, bytes, count)))
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
    return refuse_twin(d, sink->name, sink->format, sink, NULL,
                       (int)(sink->size / kiln_format_bytes(sink->format)));
}

int kiln_reader_look(kiln_dataset *d, const char *name, const kiln_record_format *format,
                     const uint8_t *bytes, int64_t size)
{
    const int whole = kiln_format_bytes(format);

    KILN_TRY(kiln_reader_same(d, name, format));
    KILN_TRY(check_size(name, format, size));
    for (int64_t at = 0; at < size; at += whole)
        KILN_TRY(check_label(name, format, at / whole, bytes + at));
    return refuse_twin(d, name, format, NULL, bytes, (int)(size / whole));
}
