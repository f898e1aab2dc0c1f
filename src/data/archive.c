/*
 * The official archive, unpacked by the caller's gunzip and fed in pieces of any size: a tar reader
 * that takes only what CIFAR-10's archive holds and refuses everything else.
 *
 *   archive = { header, body, zeros up to 512 } , two headers of zeros, zeros
 *   header: name 0..99, size 124..135 octal, checksum 148..155 octal (the sum of all bytes, its own
 *           taken as spaces), kind 156, "ustar" 257, folders before the name 345..499
 *
 * Only the eight known names, in any folder, each once, as plain files. Folders are passed over,
 * extended headers ("pax") too where they change neither name nor size. Links, devices, absolute
 * paths and `..` are refused, and so is a tar that goes on past 200 MB. Records go straight to
 * their place; nothing is written anywhere.
 *
 * Source: POSIX.1-2017, pax, "ustar Interchange Format"; the old GNU form differs in bytes
 * 257..264.
 */
#include <string.h>

#include "base/status.h"
#include "data/reader.h"

#define BLOCK 512
#define TOTAL_MAX 200000000
#define TEXT_MAX 1000000 /* bytes of readme.html or batches.meta.txt */

enum { START, HEADER, RECORDS, SKIP, NOTES, PADDING, FIRST_ZEROS, ENDED };

#define KNOWN 8
#define KNOWN_RECORDS 6 /* the first six hold records */
static const char *const known_name[KNOWN] = {
    "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",  "data_batch_4.bin",
    "data_batch_5.bin", "test_batch.bin",   "batches.meta.txt", "readme.html"};

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

    for (int i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? ' ' : header[i];
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

static int refuse_start(const uint8_t *h)
{
    if (h[0] == 0x1f && h[1] == 0x8b)
        return kiln_fail(KILN_E_DATA, "archive: is still compressed (gzip); unpack it first");
    if (h[0] == '<')
        return kiln_fail(KILN_E_DATA, "archive: is a web page (HTML), not a tar archive");
    return kiln_fail(KILN_E_DATA, "archive: is no tar archive");
}

/* ---- members --------------------------------------------------------------------------------- */

static int known_number(const char *name)
{
    for (int i = 0; i < KNOWN; i++)
        if (strcmp(known_name[i], name) == 0) return i;
    return -1;
}

static int open_file(kiln_dataset *d, kiln_archive *a, int64_t size)
{
    const int member = known_number(a->name);

    if (member < 0)
        return kiln_fail(KILN_E_DATA, "archive: \"%s\" does not belong to CIFAR-10", a->name);
    if (a->seen >> member & 1)
        return kiln_fail(KILN_E_DATA, "archive: %s is in it twice", a->name);
    a->seen |= 1 << member;
    if (member < KNOWN_RECORDS) {
        KILN_TRY(kiln_reader_open(d, &a->sink, a->name, size));
        a->state = RECORDS;
        return KILN_OK;
    }
    if (size > TEXT_MAX)
        return kiln_fail(KILN_E_DATA, "archive: %s has %lld bytes, which is too much", a->name,
                         (long long)size);
    a->state = SKIP;
    return KILN_OK;
}

static int open_notes(kiln_archive *a, int64_t size)
{
    if (size > (int64_t)sizeof a->notes)
        return kiln_fail(KILN_E_DATA, "archive: an extended header of %lld bytes is too long",
                         (long long)size);
    a->have = 0;
    a->state = NOTES;
    return KILN_OK;
}

static int open_member(kiln_dataset *d, kiln_archive *a)
{
    const uint8_t *h = a->header;
    const int64_t size = octal(h + 124, 12);
    const int kind = h[156];
    char path[257] = "";
    int length = 0;

    if (!checksum_is_right(h) || memcmp(h + 257, "ustar", 5) != 0) {
        if (a->total <= BLOCK) return refuse_start(h);
        return kiln_fail(KILN_E_DATA, "archive: a damaged header before byte %lld",
                         (long long)a->total);
    }
    if (h[262] == 0) /* POSIX: folders that did not fit */
        for (; length < 155 && h[345 + length]; length++) path[length] = (char)h[345 + length];
    if (length) path[length++] = '/';
    for (int i = 0; i < 100 && h[i]; i++) path[length++] = (char)h[i];
    kiln_reader_name(a->name, path);
    if (size < 0) return kiln_fail(KILN_E_DATA, "archive: \"%s\" has no readable size", a->name);
    if (leads_out(path))
        return kiln_fail(KILN_E_DATA, "archive: \"%s\" has a path that leads out of it", a->name);
    a->left = size;
    a->pad = (BLOCK - size % BLOCK) % BLOCK;
    if (kind == '0' || kind == 0) return open_file(d, a, size);
    if (kind == 'x' || kind == 'g') return open_notes(a, size);
    if (kind == '5' && size == 0) {
        a->state = SKIP;
        return KILN_OK;
    }
    return kiln_fail(KILN_E_DATA, "archive: \"%s\" is no plain file (kind %d)", a->name, kind);
}

/* Records `length key=value\n` of an extended header: none may change what a member is. */
static int check_notes(const char *notes, int size)
{
    for (int at = 0; at < size;) {
        int length = 0, i = at;

        for (; i < size && notes[i] >= '0' && notes[i] <= '9' && length < 100000; i++)
            length = 10 * length + (notes[i] - '0');
        if (i == at || i == size || notes[i] != ' ' || length > size - at || length <= i + 1 - at ||
            notes[at + length - 1] != '\n')
            return kiln_fail(KILN_E_DATA, "archive: a damaged extended header");

        const char *key = notes + i + 1;
        const char *equals = memchr(key, '=', (size_t)(at + length - i - 1));
        const size_t key_size = equals ? (size_t)(equals - key) : 0;

        if (!equals || (key_size == 4 && memcmp(key, "path", 4) == 0) ||
            (key_size == 4 && memcmp(key, "size", 4) == 0) ||
            (key_size == 8 && memcmp(key, "linkpath", 8) == 0) ||
            (key_size >= 4 && memcmp(key, "GNU.", 4) == 0))
            return kiln_fail(KILN_E_DATA, "archive: an extended header changes a name or size");
        at += length;
    }
    return KILN_OK;
}

static int close_member(kiln_archive *a)
{
    if (a->state == NOTES) KILN_TRY(check_notes(a->notes, a->have));
    a->state = PADDING;
    a->left = a->pad;
    return KILN_OK;
}

/* ---- the machine ----------------------------------------------------------------------------- */

static int take_header(kiln_dataset *d, kiln_archive *a)
{
    const int zeros = is_zero(a->header, BLOCK), was = a->state;

    a->have = 0;
    if (was == FIRST_ZEROS) {
        if (!zeros) return kiln_fail(KILN_E_DATA, "archive: members after its end mark");
        a->state = ENDED;
    } else if (zeros && was == START) {
        return kiln_fail(KILN_E_DATA, "archive: is empty");
    } else if (zeros) {
        a->state = FIRST_ZEROS;
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
        if (part > BLOCK - a->have) part = BLOCK - a->have;
        memcpy(a->header + a->have, bytes, (size_t)part);
        a->have += part;
        a->total += part;
        if (a->have == BLOCK) KILN_TRY(take_header(d, a));
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
static int settle(kiln_archive *a)
{
    while (a->left == 0 && (a->state == RECORDS || a->state == SKIP || a->state == NOTES))
        KILN_TRY(close_member(a));
    if (a->state == PADDING && a->left == 0) {
        a->state = HEADER;
        a->have = 0;
    }
    return KILN_OK;
}

static int feed(kiln_dataset *d, kiln_archive *a, const uint8_t *bytes, int size)
{
    while (size > 0) {
        const int part = take(d, a, bytes, size);

        if (part < 0) return part;
        if (a->total > TOTAL_MAX)
            return kiln_fail(KILN_E_DATA, "archive: unpacks to more than %d bytes", TOTAL_MAX);
        bytes += part;
        size -= part;
        KILN_TRY(settle(a));
    }
    return KILN_OK;
}

int kiln_cifar10_feed_tar(kiln_dataset *d, const uint8_t *bytes, int size)
{
    kiln_reader *r = d->reader;
    int status, records = 0;

    KILN_TRY(kiln_reader_check(d));
    if (size < 0) return kiln_fail(KILN_E_ARG, "archive: %d bytes", size);
    status = feed(d, &r->archive, bytes, size);
    if (status < 0) {
        r->failed = status;
        return status;
    }
    for (int i = 0; i < KILN_READ_KINDS; i++) records += r->store[i].count;
    if (r->archive.state == RECORDS) /* those that are not yet whole */
        records -= (int)((r->archive.left + KILN_RECORD_BYTES - 1) / KILN_RECORD_BYTES);
    return records;
}

int kiln_archive_finish(const kiln_archive *a)
{
    if (a->total == 0 || a->state == ENDED) return KILN_OK;
    if (a->state == RECORDS)
        return kiln_fail(KILN_E_DATA, "archive: cut short in %s, record %lld", a->name,
                         (long long)(a->sink.at / KILN_RECORD_BYTES));
    return kiln_fail(KILN_E_DATA, "archive: cut short after %lld bytes, before its end mark",
                     (long long)a->total);
}
