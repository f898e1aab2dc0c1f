/*
 * The official archive, unpacked by the caller's gunzip and fed in pieces of any size: a tar reader
 * that takes what GNU tar takes of an archive of CIFAR-10 or CIFAR-100, and refuses all else.
 *
 *   archive = { header, body, zeros up to 512 } , two headers of zeros, zeros
 *   header: name 0..99, size 124..135 octal, checksum 148..155 octal (the sum of all bytes, its own
 *           taken as spaces), kind 156, "ustar" 257, folders before the name 345..499
 *
 * Only the known names of one of the two, in any folder, each once, as plain files. Folders, volume
 * labels and
 * what file managers leave beside a file (._x, .DS_Store) are passed over. A long name may come in
 * a member of its own (GNU, kind L) or as `path=` of an extended header (pax, kind x), where
 * `size=` may stand too. The end mark may be half there, or missing after a whole member; the
 * oldest form (v7) lacks "ustar". Links, devices, absolute paths and `..` are refused, and so is a
 * tar that goes on past 200 MB. Records go straight to their place; nothing is written anywhere.
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format": the
 * old GNU form differs in bytes 257..264.
 */
#include "data/archive.h"

#include <string.h>

#include "base/status.h"
#include "data/signature.h"

#define TOTAL_MAX 200000000
#define TEXT_MAX 1000000 /* bytes of readme.html, batches.meta.txt or a file that is passed over */

enum { START, HEADER, RECORDS, SKIP, NOTES, PADDING, FIRST_ZEROS, ENDED };

enum { CIFAR10_RECORDS = 6, KNOWN_RECORDS = 8, NAMES = 8, KNOWN = 12 };
static const char *const known_name[KNOWN] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
    "data_batch_5.bin", "test_batch.bin", /* records of CIFAR-10, then of CIFAR-100 */
    "train.bin", "test.bin", "fine_label_names.txt",
    "coarse_label_names.txt", "batches.meta.txt", "readme.html"}; /* which nobody reads */

/* ---- fields of a header ---------------------------------------------------------------------- */

/* Octal digits, spaces before and spaces or zeros after; -1 when it is anything else. */
static int64_t octal(const uint8_t *field, int size)
{
    int64_t value = 0;
    int i = 0, digits = 0;

    while (i < size && field[i] == ' ') i++;
    for (; i < size && field[i] >= '0' && field[i] <= '7'; i++, digits++)
        value = value * 8 + (field[i] - '0');
    for (; i < size; i++)
        if (field[i] != ' ' && field[i] != 0) return -1;
    return digits > 0 && digits <= 11 ? value : -1;
}

static int checksum_is_right(const uint8_t *header)
{
    int64_t sum = 0;

    for (int i = 0; i < KILN_ARCHIVE_BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : header[i];
    return octal(header + 148, 8) == sum;
}

static int is_zero(const uint8_t *bytes, int size)
{
    for (int i = 0; i < size; i++)
        if (bytes[i]) return 0;
    return 1;
}

/* Is any part of the path `..`, or is it absolute? */
static int leads_out(const char *path)
{
    if (path[0] == '/' || path[0] == '\\' || (path[0] && path[1] == ':')) return 1;
    for (const char *p = path; *p; p++) {
        const int begins = p == path || p[-1] == '/' || p[-1] == '\\';

        if (begins && p[0] == '.' && p[1] == '.' && (p[2] == 0 || p[2] == '/' || p[2] == '\\'))
            return 1;
    }
    return 0;
}

int kiln_archive_begins(const uint8_t *head, int size)
{
    if (size >= KILN_ARCHIVE_BLOCK && checksum_is_right(head)) return 1;
    return size >= 262 && memcmp(head + 257, "ustar", 5) == 0;
}

static int refuse_start(const uint8_t *head)
{
    int kind;

    KILN_TRY(kind = kiln_signature_read("archive", head, KILN_ARCHIVE_BLOCK, -1));
    return kiln_fail(KILN_E_DATA, kind == KILN_IS_GZIP
                                      ? "archive: is still compressed (gzip); unpack it first"
                                      : "archive: is no tar archive");
}

/* ---- members --------------------------------------------------------------------------------- */

static int known_number(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(known_name[i], name) == 0) return i;
    return -1;
}

/* What file managers put beside files without being asked. */
static int is_sidecar(const char *name)
{
    return strncmp(name, "._", 2) == 0 || strcmp(name, ".DS_Store") == 0 ||
           strcmp(name, "Thumbs.db") == 0 || strcmp(name, "desktop.ini") == 0;
}

static int skip(kiln_archive *a)
{
    if (a->left > TEXT_MAX)
        return kiln_fail(KILN_E_DATA, "archive: %s has %lld bytes, which is too much", a->name,
                         (long long)a->left);
    a->state = SKIP;
    return KILN_OK;
}

static int refuse_stranger(const char *name)
{
    const char *set = kiln_signature_set(name);

    if (set)
        return kiln_fail(KILN_E_DATA, "archive: \"%s\" is of %s; kiln reads the binary versions, "
                                      "cifar-10-binary.tar.gz and cifar-100-binary.tar.gz", name,
                         set);
    return kiln_fail(KILN_E_DATA, "archive: \"%s\" does not belong to CIFAR-10 or CIFAR-100", name);
}

static int open_notes(kiln_archive *a, int kind)
{
    if (a->left >= (int64_t)sizeof a->notes)
        return kiln_fail(KILN_E_DATA, "archive: %s of %lld bytes is too long",
                         kind == 'n' ? a->name : "an extended header", (long long)a->left);
    a->have = 0;
    a->notes_kind = kind;
    a->state = NOTES;
    return KILN_OK;
}

static int open_file(kiln_dataset *d, kiln_archive *a)
{
    const int member = known_number(a->name);
    const kiln_record_format *format;

    if (is_sidecar(a->name)) return skip(a);
    if (member < 0) return refuse_stranger(a->name);
    if (a->seen >> member & 1)
        return kiln_fail(KILN_E_DATA, "archive: %s is in it twice", a->name);
    a->seen |= 1 << member;
    if (member == NAMES) return open_notes(a, 'n');
    if (member >= KNOWN_RECORDS) return skip(a);
    format = member < CIFAR10_RECORDS ? &kiln_format_cifar10 : &kiln_format_cifar100;
    KILN_TRY(kiln_reader_open(d, &a->sink, a->name, format, a->left,
                              kiln_reader_kind(a->name, format)));
    a->state = RECORDS;
    return KILN_OK;
}

/* The path in a header, or the one that was told before it. */
static void take_path(kiln_archive *a, char *path)
{
    const uint8_t *h = a->header;
    int length = 0;

    if (a->path[0]) {
        memcpy(path, a->path, strlen(a->path) + 1);
        return;
    }
    if (memcmp(h + 257, "ustar", 6) == 0) /* POSIX: folders that did not fit */
        for (; length < 155 && h[345 + length]; length++) path[length] = (char)h[345 + length];
    if (length) path[length++] = '/';
    for (int i = 0; i < 100 && h[i]; i++) path[length++] = (char)h[i];
    path[length] = 0;
}

static int open_member(kiln_dataset *d, kiln_archive *a)
{
    static char path[KILN_ARCHIVE_PATH];
    const int kind = a->header[156];
    int is_folder;

    if (!checksum_is_right(a->header))
        return kiln_fail(KILN_E_DATA, "archive: a damaged header before byte %lld",
                         (long long)a->total);
    take_path(a, path);
    kiln_reader_name(a->name, path);
    a->left = octal(a->header + 124, 12);
    if (a->left < 0) return kiln_fail(KILN_E_DATA, "archive: \"%s\" has no readable size", a->name);
    a->pad = (KILN_ARCHIVE_BLOCK - a->left % KILN_ARCHIVE_BLOCK) % KILN_ARCHIVE_BLOCK;
    if (kind == 'x' || kind == 'g' || kind == 'L' || kind == 'K') return open_notes(a, kind);
    if (a->size >= 0) { /* told by an extended header */
        a->left = a->size;
        a->pad = (KILN_ARCHIVE_BLOCK - a->left % KILN_ARCHIVE_BLOCK) % KILN_ARCHIVE_BLOCK;
    }
    a->path[0] = 0;
    a->size = -1;
    if (leads_out(path))
        return kiln_fail(KILN_E_DATA, "archive: \"%s\" has a path that leads out of it", a->name);
    is_folder = path[0] && path[strlen(path) - 1] == '/'; /* v7 knows folders by that alone */
    if (a->left == 0 && (kind == '5' || kind == 'V' || (is_folder && (kind == '0' || kind == 0))))
        return skip(a);
    if (kind == '0' || kind == 0 || kind == '7') return open_file(d, a);
    return kiln_fail(KILN_E_DATA, "archive: \"%s\" is no plain file (kind %d)", a->name, kind);
}

/* ---- extended headers ------------------------------------------------------------------------ */

static int set_path(kiln_archive *a, const char *path, int length)
{
    if (length < 1 || length >= KILN_ARCHIVE_PATH)
        return kiln_fail(KILN_E_DATA, "archive: a name of %d bytes is none, or too long", length);
    memcpy(a->path, path, (size_t)length);
    a->path[length] = 0;
    return KILN_OK;
}

static int set_size(kiln_archive *a, const char *digits, int length)
{
    int64_t size = 0;

    for (int i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9' || size > TOTAL_MAX)
            return kiln_fail(KILN_E_DATA, "archive: a size that cannot be in an extended header");
        size = 10 * size + (digits[i] - '0');
    }
    if (length < 1) return kiln_fail(KILN_E_DATA, "archive: an empty size in an extended header");
    a->size = size;
    return KILN_OK;
}

static int is_key(const char *key, int size, const char *wanted)
{
    return size == (int)strlen(wanted) && memcmp(key, wanted, (size_t)size) == 0;
}

/* key=value of an extended header. Those of kind g would hold for all that follows: no archive of
 * CIFAR-10 needs that. Sparse files of GNU would not be what they say. */
static int take_note(kiln_archive *a, const char *key, int key_size, const char *value, int size)
{
    const int path = is_key(key, key_size, "path"), length = is_key(key, key_size, "size");

    if ((key_size >= 4 && memcmp(key, "GNU.", 4) == 0) ||
        (a->notes_kind == 'g' && (path || length)))
        return kiln_fail(KILN_E_DATA, "archive: an extended header changes what all members are");
    if (path) return set_path(a, value, size);
    return length ? set_size(a, value, size) : KILN_OK;
}

/* Records `length key=value\n` of an extended header. */
static int take_notes(kiln_archive *a, const char *notes, int size)
{
    for (int at = 0; at < size;) {
        int length = 0, i = at;

        for (; i < size && notes[i] >= '0' && notes[i] <= '9' && length < 100000; i++)
            length = 10 * length + (notes[i] - '0');
        if (i == at || i == size || notes[i] != ' ' || length > size - at || length <= i + 1 - at ||
            notes[at + length - 1] != '\n')
            return kiln_fail(KILN_E_DATA, "archive: a damaged extended header");

        const char *key = notes + i + 1, *end = notes + at + length - 1;
        const char *equals = memchr(key, '=', (size_t)(end - key));

        if (!equals) return kiln_fail(KILN_E_DATA, "archive: a damaged extended header");
        KILN_TRY(take_note(a, key, (int)(equals - key), equals + 1, (int)(end - equals - 1)));
        at += length;
    }
    return KILN_OK;
}

static int close_notes(kiln_dataset *d, kiln_archive *a)
{
    a->notes[a->have] = 0;
    if (a->notes_kind == 'n')
        return kiln_kilnset_names(d, a->name, (const uint8_t *)a->notes, a->have);
    if (a->notes_kind == 'K') return KILN_OK; /* where a link leads to, and links are refused */
    if (a->notes_kind == 'L') return set_path(a, a->notes, (int)strlen(a->notes));
    return take_notes(a, a->notes, a->have);
}

static int close_member(kiln_dataset *d, kiln_archive *a)
{
    if (a->state == NOTES) KILN_TRY(close_notes(d, a));
    if (a->state == RECORDS) KILN_TRY(kiln_reader_close(d, &a->sink));
    a->state = PADDING;
    a->left = a->pad;
    return KILN_OK;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static int take_header(kiln_dataset *d, kiln_archive *a)
{
    const int zeros = is_zero(a->header, KILN_ARCHIVE_BLOCK), was = a->state;

    a->have = 0;
    if (was == FIRST_ZEROS) {
        if (!zeros) return kiln_fail(KILN_E_DATA, "archive: members after its end mark");
        a->state = ENDED;
    } else if (zeros && was == START) {
        return kiln_fail(KILN_E_DATA, "archive: is empty");
    } else if (zeros) {
        a->state = FIRST_ZEROS;
    } else if (was == START && !kiln_archive_begins(a->header, KILN_ARCHIVE_BLOCK)) {
        return refuse_start(a->header);
    } else {
        return open_member(d, a);
    }
    return KILN_OK;
}

/* Takes part of the bytes by the present state. Returns how many, or a status. */
static int take(kiln_dataset *d, kiln_archive *a, const uint8_t *bytes, int size)
{
    int part = size;

    if (a->state == START || a->state == HEADER || a->state == FIRST_ZEROS) {
        if (part > KILN_ARCHIVE_BLOCK - a->have) part = KILN_ARCHIVE_BLOCK - a->have;
        memcpy(a->header + a->have, bytes, (size_t)part);
        a->have += part;
        a->total += part;
        if (a->have == KILN_ARCHIVE_BLOCK) KILN_TRY(take_header(d, a));
        return part;
    }
    if (a->state == ENDED) {
        if (!is_zero(bytes, size)) return kiln_fail(KILN_E_DATA, "archive: bytes after its end");
        a->total += size;
        return size;
    }
    if (part > a->left) part = (int)a->left;
    if (a->state == RECORDS) KILN_TRY(kiln_reader_fill(&a->sink, bytes, (size_t)part));
    if (a->state == NOTES) {
        memcpy(a->notes + a->have, bytes, (size_t)part);
        a->have += part;
    }
    a->left -= part;
    a->total += part;
    return part;
}

/* Moves on from states whose bytes are all there, which may be none. */
static int settle(kiln_dataset *d, kiln_archive *a)
{
    while (a->left == 0 && (a->state == RECORDS || a->state == SKIP || a->state == NOTES))
        KILN_TRY(close_member(d, a));
    if (a->state == PADDING && a->left == 0) {
        a->state = HEADER;
        a->have = 0;
    }
    return KILN_OK;
}

int kiln_archive_feed(kiln_dataset *d, kiln_archive *a, const uint8_t *bytes, int size)
{
    while (size > 0) {
        const int part = take(d, a, bytes, size);

        if (part < 0) return part;
        if (a->total > TOTAL_MAX)
            return kiln_fail(KILN_E_DATA, "archive: unpacks to more than %d bytes", TOTAL_MAX);
        bytes += part;
        size -= part;
        KILN_TRY(settle(d, a));
    }
    return KILN_OK;
}

void kiln_archive_begin(kiln_archive *a)
{
    a->state = START;
    a->size = -1;
}

int kiln_archive_missing(const kiln_archive *a)
{
    if (a->state != RECORDS) return 0;
    const int bytes = kiln_format_bytes(a->sink.format);

    return (int)((a->left + bytes - 1) / bytes);
}

/* Between two members an archive may just end, with half of its mark or with none. */
int kiln_archive_finish(const kiln_archive *a)
{
    if (a->total == 0 || a->state == ENDED) return KILN_OK;
    if ((a->state == HEADER || a->state == FIRST_ZEROS) && a->have == 0 && !a->path[0] &&
        a->size < 0)
        return KILN_OK;
    if (a->state == RECORDS)
        return kiln_fail(KILN_E_DATA, "archive: cut short in %s, record %lld", a->name,
                         (long long)(a->sink.at / kiln_format_bytes(a->sink.format)));
    return kiln_fail(KILN_E_DATA, "archive: cut short after %lld bytes, within a member",
                     (long long)a->total);
}
