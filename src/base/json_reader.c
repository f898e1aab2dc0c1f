/*
 * JSON reader (RFC 8259), strict and bounded: a cursor over the text, no tree, no allocation, no
 * recursion.
 *
 * The caller pulls: enter an object, ask for the next key, read or skip its value. Strings are
 * checked as UTF-8 (RFC 3629: no overlong forms, no surrogates) whether they come as bytes or as \u
 * escapes.
 */
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/json.h"
#include "base/status.h"

#define DIGITS_MAX 64 /* longest number taken */

static int refuse(kiln_json_reader *r, const char *expected)
{
    if (r->failed) return r->failed;
    if (r->at < r->end) {
        const unsigned char c = (unsigned char)*r->at;
        char found[8];

        snprintf(found, sizeof found, c >= 0x20 && c < 0x7f ? "'%c'" : "0x%02x", c);
        kiln_fail(r->status, "%s: byte %ld: found %s, expected %s", r->what,
                  (long)(r->at - r->start) + 1, found, expected);
    } else {
        kiln_fail(r->status, "%s: ends too early, expected %s", r->what, expected);
    }
    return r->failed = r->status;
}

static void skip_space(kiln_json_reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

void kiln_json_read(kiln_json_reader *r, const char *text, size_t length, const char *what,
                    int status)
{
    memset(r, 0, sizeof *r);
    r->start = r->at = text;
    r->end = text + length;
    r->what = what;
    r->status = status;
}

int kiln_json_peek(kiln_json_reader *r)
{
    skip_space(r);
    if (r->failed || r->at == r->end) return 0;
    if (*r->at == '-' || (*r->at >= '0' && *r->at <= '9')) return '0';
    return strchr("{[\"tfn", *r->at) && *r->at ? *r->at : 0;
}

static int enter(kiln_json_reader *r, char opening, char closing, const char *expected)
{
    skip_space(r);
    if (r->failed || r->at == r->end || *r->at != opening) return refuse(r, expected);
    if (r->depth == KILN_JSON_DEPTH) return refuse(r, "less nesting");
    r->at++;
    r->closing[r->depth] = closing;
    r->fresh[r->depth++] = 1;
    return KILN_OK;
}

int kiln_json_enter_object(kiln_json_reader *r)
{
    return enter(r, '{', '}', "'{'");
}

int kiln_json_enter_array(kiln_json_reader *r)
{
    return enter(r, '[', ']', "'['");
}

/* ---- strings --------------------------------------------------------------------------------- */

/* Four hexadecimal digits at the cursor, or -1. */
static int hex4(kiln_json_reader *r)
{
    int value = 0;

    if (r->end - r->at < 4) return -1;
    for (int i = 0; i < 4; i++, r->at++) {
        const char c = *r->at;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;

        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* The character after a backslash, as a code point; -1 where it is none. */
static long read_escape(kiln_json_reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;
    long high, low;

    if (r->at == r->end) return -1;
    if (*r->at && (known = strchr(from, *r->at))) {
        r->at++;
        return to[known - from];
    }
    if (*r->at++ != 'u' || (high = hex4(r)) < 0) return -1;
    if (high < 0xd800 || high > 0xdfff) return high;
    if (high > 0xdbff || r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u') return -1;
    r->at += 2;
    low = hex4(r);
    return low < 0xdc00 || low > 0xdfff ? -1 : 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* One UTF-8 sequence of the text as a code point; -1 where it is malformed. */
static long read_utf8(kiln_json_reader *r)
{
    static const long smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char c = (unsigned char)*r->at;
    const int length = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
    long point = length == 1 ? c : c & (0x7f >> length);

    if (!length || r->end - r->at < length) return -1;
    for (int i = 1; i < length; i++) {
        if (((unsigned char)r->at[i] & 0xc0) != 0x80) return -1;
        point = point << 6 | ((unsigned char)r->at[i] & 0x3f);
    }
    if (point < smallest[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return -1;
    r->at += length;
    return point;
}

static int encode_utf8(char out[4], long point)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    const int length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

    for (int i = length - 1; i; i--, point >>= 6) out[i] = (char)(0x80 | (point & 0x3f));
    out[0] = (char)((0xf00 >> length) | point);
    return length;
}

/* out NULL: the string is checked and dropped. */
static int read_string(kiln_json_reader *r, char *out, size_t size)
{
    size_t length = 0;

    skip_space(r);
    if (r->failed || r->at == r->end || *r->at != '"') return refuse(r, "a string");
    r->at++;
    while (r->at < r->end && *r->at != '"') {
        const char *start = r->at;
        char bytes[4];
        long point;
        int count;

        if ((unsigned char)*r->at < 0x20) return refuse(r, "an escape such as \\n");
        if (*r->at == '\\') {
            r->at++;
            point = read_escape(r);
        } else {
            point = read_utf8(r);
        }
        if (point <= 0) {
            r->at = start;
            return refuse(r, "a valid character");
        }
        count = encode_utf8(bytes, point);
        if (out && length + (size_t)count >= size) return refuse(r, "a shorter string");
        if (out) memcpy(out + length, bytes, (size_t)count);
        length += (size_t)count;
    }
    if (r->at == r->end) return refuse(r, "'\"'");
    r->at++;
    if (out) out[length] = 0;
    return (int)length;
}

int kiln_json_read_string(kiln_json_reader *r, char *out, size_t size)
{
    if (!size) return refuse(r, "a shorter string");
    return read_string(r, out, size);
}

int kiln_json_next(kiln_json_reader *r, char *key, size_t size)
{
    const char closing = r->depth ? r->closing[r->depth - 1] : 0;

    skip_space(r);
    if (r->failed || !closing || r->at == r->end) return refuse(r, "a member or an end");
    if (*r->at == closing) {
        r->at++;
        r->depth--;
        return 0;
    }
    if (!r->fresh[r->depth - 1]) {
        if (*r->at != ',') return refuse(r, closing == '}' ? "',' or '}'" : "',' or ']'");
        r->at++;
    }
    r->fresh[r->depth - 1] = 0;
    if (closing == ']') return 1;
    KILN_TRY(read_string(r, key, size));
    skip_space(r);
    if (r->at == r->end || *r->at != ':') return refuse(r, "':'");
    r->at++;
    return 1;
}

/* ---- numbers, words, anything ---------------------------------------------------------------- */

static void skip_digits(kiln_json_reader *r)
{
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
}

static int digit_follows(const kiln_json_reader *r)
{
    return r->at < r->end && *r->at >= '0' && *r->at <= '9';
}

/* Walks over a number by RFC 8259's grammar and copies it. */
static int read_digits(kiln_json_reader *r, char digits[DIGITS_MAX])
{
    const char *start;

    skip_space(r);
    if (r->failed) return r->failed;
    start = r->at;
    if (r->at < r->end && *r->at == '-') r->at++;
    if (!digit_follows(r)) return refuse(r, "a number");
    if (*r->at == '0')
        r->at++;
    else
        skip_digits(r);
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!digit_follows(r)) return refuse(r, "a digit");
        skip_digits(r);
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        if (!digit_follows(r)) return refuse(r, "a digit");
        skip_digits(r);
    }
    if (r->at - start >= DIGITS_MAX) return refuse(r, "a shorter number");
    memcpy(digits, start, (size_t)(r->at - start));
    digits[r->at - start] = 0;
    return KILN_OK;
}

int kiln_json_read_number(kiln_json_reader *r, double *out)
{
    char digits[DIGITS_MAX];

    KILN_TRY(read_digits(r, digits));
    *out = kiln_digits_read(digits, NULL);
    return *out - *out == 0 ? KILN_OK : refuse(r, "a number in the range of a double");
}

int kiln_json_read_int(kiln_json_reader *r, int64_t min, int64_t max, int64_t *out)
{
    char digits[DIGITS_MAX];
    uint64_t value = 0;
    int negative;

    KILN_TRY(read_digits(r, digits));
    negative = digits[0] == '-';
    for (const char *d = digits + negative; *d; d++) {
        const int digit = *d - '0';

        if (digit < 0 || digit > 9) return refuse(r, "a whole number");
        if (value > ((uint64_t)INT64_MAX - (uint64_t)digit) / 10)
            return refuse(r, "a smaller number");
        value = value * 10 + (uint64_t)digit;
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return *out >= min && *out <= max ? KILN_OK : refuse(r, "a number in its range");
}

static int read_word(kiln_json_reader *r, const char *word)
{
    const size_t length = strlen(word);

    skip_space(r);
    if (r->failed || (size_t)(r->end - r->at) < length || memcmp(r->at, word, length))
        return refuse(r, word);
    r->at += length;
    return KILN_OK;
}

static int skip_scalar(kiln_json_reader *r)
{
    char digits[DIGITS_MAX];

    switch (kiln_json_peek(r)) {
    case '"': return read_string(r, NULL, 0);
    case '0': return read_digits(r, digits);
    case 't': return read_word(r, "true");
    case 'f': return read_word(r, "false");
    case 'n': return read_word(r, "null");
    default: return refuse(r, "a value");
    }
}

int kiln_json_skip(kiln_json_reader *r)
{
    const int outside = r->depth;

    do {
        const int kind = kiln_json_peek(r);

        if (kind == '{')
            KILN_TRY(kiln_json_enter_object(r));
        else if (kind == '[')
            KILN_TRY(kiln_json_enter_array(r));
        else
            KILN_TRY(skip_scalar(r));
        while (r->depth > outside) {
            const int more = kiln_json_next(r, NULL, 0);

            if (more < 0) return more;
            if (more) break;
        }
    } while (r->depth > outside);
    return KILN_OK;
}

int kiln_json_read_end(kiln_json_reader *r)
{
    skip_space(r);
    if (!r->failed && r->at == r->end && r->depth == 0) return KILN_OK;
    return refuse(r, "the end");
}
