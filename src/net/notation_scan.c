/*
 * Scanner of the arrow notation. Cleaning makes every character one byte, lower case, with the
 * column it had in the text; words, numbers and signs are then read from that copy.
 */
#include "net/notation_scan.h"

#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/keyvalue.h"
#include "base/status.h"

/* ---- cleaning -------------------------------------------------------------------------------- */

/* The code point at *s, and moves on; malformed bytes are points of their own. */
static long read_point(const unsigned char **s)
{
    const unsigned char *p = *s;
    const int length = *p < 0xc0 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
    long point = length == 1 ? *p : *p & (0x7f >> length);

    for (int i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            *s = p + 1;
            return *p;
        }
        point = point << 6 | (p[i] & 0x3f);
    }
    *s = p + length;
    return point;
}

/* The byte that stands for a code point in the parser; 0 where it has no meaning. */
static char meaning(long point)
{
    if (point >= 'A' && point <= 'Z') return (char)(point - 'A' + 'a');
    if (point > ' ' && point < 0x7f) return (char)point;
    switch (point) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case 0xa0: return ' ';   /* no-break space */
    case 0xd7: return 'x';   /* multiplication sign */
    case 0x2010:             /* hyphen */
    case 0x2011:             /* no-break hyphen */
    case 0x2013:             /* en dash */
    case 0x2014:             /* em dash */
    case 0x2192:             /* arrow */
    case 0x21d2:             /* double arrow */
    case 0x27f6:             /* long arrow */
    case 0x2212: return '-'; /* minus */
    default: return 0;
    }
}

int kiln_scan_clean(kiln_scanner *s, const char *notation)
{
    const unsigned char *next = (const unsigned char *)notation;
    int count = 0, column = 1;

    for (; *next; column++) {
        const long point = read_point(&next);
        const char c = meaning(point);

        if (column > KILN_NOTATION_MAX)
            return kiln_fail_at(KILN_E_NOTATION, column, "net: longer than %d characters",
                                KILN_NOTATION_MAX);
        if (!c)
            return kiln_fail_at(KILN_E_NOTATION, column,
                                "net: column %d: the character U+%04lX has no meaning here", column,
                                point);
        if (c == '>' && count && s->text[count - 1] == '-' && s->column[count - 1] == column - 1)
            continue; /* "->" */
        s->text[count] = c;
        s->column[count++] = column;
    }
    s->text[count] = 0;
    s->column[count] = column;
    return KILN_OK;
}

/* ---- words and numbers ----------------------------------------------------------------------- */

static int is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

char kiln_scan_peek(kiln_scanner *s)
{
    while (s->text[s->at] == ' ') s->at++;
    return s->text[s->at];
}

int kiln_scan_accept(kiln_scanner *s, char c)
{
    if (kiln_scan_peek(s) != c || !c) return 0;
    s->last = ++s->at;
    return 1;
}

int kiln_scan_word(kiln_scanner *s, char *out, int size)
{
    int length = 0;

    kiln_scan_peek(s);
    for (; is_letter(s->text[s->at + length]); length++)
        if (length < size - 1) out[length] = s->text[s->at + length];
    out[length < size - 1 ? length : size - 1] = 0;
    return length;
}

int kiln_scan_accept_word(kiln_scanner *s, const char *word)
{
    char seen[24];
    const int length = kiln_scan_word(s, seen, sizeof seen);

    if (strcmp(seen, word) != 0) return 0;
    s->last = s->at += length;
    return 1;
}

int kiln_scan_fail(const kiln_scanner *s, const char *found, const char *expected, const char *near)
{
    const int column = s->column[s->at];

    if (near)
        return kiln_fail_at(KILN_E_NOTATION, column,
                            "net: column %d: found %s, expected %s; did you mean \"%s\"?", column,
                            found, expected, near);
    return kiln_fail_at(KILN_E_NOTATION, column, "net: column %d: found %s, expected %s", column,
                        found, expected);
}

int kiln_scan_unexpected(kiln_scanner *s, const char *expected, const char *const *names, int count)
{
    char word[24], found[32];
    const char c = kiln_scan_peek(s);
    const int length = kiln_scan_word(s, word, sizeof word);

    if (length)
        snprintf(found, sizeof found, "\"%s\"", word);
    else if (c)
        snprintf(found, sizeof found, "\"%c\"", c);
    else
        snprintf(found, sizeof found, "the end");
    return kiln_scan_fail(s, found, expected, length ? kiln_closest(word, names, count) : NULL);
}

/* A number of `length` characters at the cursor that is out of its range. */
static int out_of_range(const kiln_scanner *s, const char *what, int length, const char *range)
{
    const int column = s->column[s->at];

    return kiln_fail_at(KILN_E_NOTATION, column, "net: column %d: %.*s is %.*s, but must be %s",
                        column, (int)strcspn(what, ","), what, length > 20 ? 20 : length,
                        s->text + s->at, range);
}

int kiln_scan_whole(kiln_scanner *s, const char *what, int min, int max, int *out)
{
    long value = 0;
    int length = 0;
    char range[48];

    kiln_scan_peek(s);
    for (; is_digit(s->text[s->at + length]); length++)
        if (value <= max) value = value * 10 + (s->text[s->at + length] - '0');
    if (!length) return kiln_scan_unexpected(s, what, NULL, 0);
    if (value < min || value > max) {
        snprintf(range, sizeof range, "from %d to %d", min, max);
        return out_of_range(s, what, length, range);
    }
    s->last = s->at += length;
    *out = (int)value;
    return KILN_OK;
}

int kiln_scan_number_follows(kiln_scanner *s)
{
    const char c = kiln_scan_peek(s);

    return is_digit(c) || (c == '.' && is_digit(s->text[s->at + 1]));
}

/* Characters of the decimal number at `text`: digits, perhaps a point, perhaps an exponent. */
static int number_length(const char *text)
{
    int length = 0, digits;

    while (is_digit(text[length])) length++;
    if (text[length] == '.') length++;
    while (is_digit(text[length])) length++;
    if (text[length] != 'e') return length;
    digits = length + 1 + (text[length + 1] == '-' || text[length + 1] == '+');
    if (!is_digit(text[digits])) return length;
    while (is_digit(text[digits])) digits++;
    return digits;
}

/* The decimal number at the cursor, `length` characters of it; `otherwise` where it is too long. */
static int read_decimal(kiln_scanner *s, const char *what, float otherwise, int *length, float *out)
{
    char digits[32] = "";

    *length = 0;
    if (!kiln_scan_number_follows(s)) return kiln_scan_unexpected(s, what, NULL, 0);
    *length = number_length(s->text + s->at);
    if (*length < (int)sizeof digits) memcpy(digits, s->text + s->at, (size_t)*length);
    *out = *digits ? (float)kiln_digits_read(digits, NULL) : otherwise;
    return KILN_OK;
}

int kiln_scan_share(kiln_scanner *s, const char *what, float *out)
{
    int length = 0;

    KILN_TRY(read_decimal(s, what, 1, &length, out));
    if (!(*out < 1)) return out_of_range(s, what, length, "at least 0 and below 1");
    s->last = s->at += length;
    return KILN_OK;
}

int kiln_scan_number(kiln_scanner *s, const char *what, double min, double max, float *out)
{
    char range[64];
    int length = 0;

    KILN_TRY(read_decimal(s, what, __builtin_inff(), &length, out));
    if (!((double)*out >= min && (double)*out <= max)) {
        snprintf(range, sizeof range, "from %g to %g", min, max);
        return out_of_range(s, what, length, range);
    }
    s->last = s->at += length;
    return KILN_OK;
}
