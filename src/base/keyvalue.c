/*
 * Options as text, and the nearest name to a mistyped one: the optimal string alignment distance,
 * which counts insertions, deletions, changes and swaps of neighbours (Damerau 1964, CACM 7(3)).
 */
#include "base/keyvalue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/status.h"

#define WORD_MAX 32 /* longer words are near to nothing */

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* [*from, *to) without the spaces around it. */
static size_t trim(const char **from, const char *to)
{
    while (*from < to && is_space(**from)) (*from)++;
    while (to > *from && is_space(to[-1])) to--;
    return (size_t)(to - *from);
}

int kiln_keyvalue_next(const char **text, kiln_keyvalue *pair)
{
    while (*text && **text) {
        const char *line = *text, *end = line + strcspn(line, "\n");
        const char *equals = memchr(line, '=', (size_t)(end - line));
        const char *value = equals ? equals + 1 : end;
        size_t key_length, value_length;

        *text = *end ? end + 1 : end;
        if (!trim(&line, end)) continue;
        if (!equals)
            return kiln_fail(KILN_E_ARG, "options: \"%.40s\" is not of the form key=value", line);
        key_length = trim(&line, equals);
        value_length = trim(&value, end);
        if (!key_length || key_length >= KILN_KEY_MAX)
            return kiln_fail(KILN_E_ARG, "options: \"%.40s\" has no key of 1 to %d letters", line,
                             KILN_KEY_MAX - 1);
        if (value_length >= KILN_VALUE_MAX)
            return kiln_fail(KILN_E_ARG, "%.*s: the value is longer than %d characters",
                             (int)key_length, line, KILN_VALUE_MAX - 1);
        memcpy(pair->key, line, key_length);
        pair->key[key_length] = 0;
        memcpy(pair->value, value, value_length);
        pair->value[value_length] = 0;
        return 1;
    }
    return 0;
}

int kiln_value_int(const kiln_keyvalue *pair, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    const long long value = strtoll(pair->value, &end, 10); /* saturates, and so leaves the range */

    if (end == pair->value || *end || value < min || value > max)
        return kiln_fail(KILN_E_ARG, "%s: \"%.40s\" is not a whole number from %lld to %lld",
                         pair->key, pair->value, (long long)min, (long long)max);
    *out = value;
    return KILN_OK;
}

int kiln_value_double(const kiln_keyvalue *pair, double min, double max, double *out)
{
    const char *end;
    const double value = kiln_digits_read(pair->value, &end);

    if (end == pair->value || *end || !(value >= min && value <= max))
        return kiln_fail(KILN_E_ARG, "%s: \"%.40s\" is not a number from %.9g to %.9g", pair->key,
                         pair->value, min, max);
    *out = value;
    return KILN_OK;
}

static int same(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) a++, b++;
    return lower(*a) == lower(*b);
}

int kiln_value_bool(const kiln_keyvalue *pair, int *out)
{
    static const char *const yes[] = {"1", "true", "yes", "on"};
    static const char *const no[] = {"0", "false", "no", "off"};

    for (int i = 0; i < 4; i++) {
        if (!same(pair->value, yes[i]) && !same(pair->value, no[i])) continue;
        *out = same(pair->value, yes[i]);
        return KILN_OK;
    }
    return kiln_fail(KILN_E_ARG, "%s: \"%.40s\" is neither 1 nor 0", pair->key, pair->value);
}

int kiln_value_choice(const kiln_keyvalue *pair, const char *const *names, int count)
{
    char list[400] = "";
    const char *near = kiln_closest(pair->value, names, count);

    for (int i = 0; i < count; i++) {
        const size_t used = strlen(list);

        if (same(pair->value, names[i])) return i;
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    if (near)
        return kiln_fail(KILN_E_ARG, "%s: \"%.40s\" is none of %s; did you mean \"%s\"?", pair->key,
                         pair->value, list, near);
    return kiln_fail(KILN_E_ARG, "%s: \"%.40s\" is none of %s", pair->key, pair->value, list);
}

int kiln_key_unknown(const char *key, const char *const *names, int count)
{
    const char *near = kiln_closest(key, names, count);

    if (near)
        return kiln_fail(KILN_E_ARG, "unknown option \"%.40s\"; did you mean \"%s\"?", key, near);
    return kiln_fail(KILN_E_ARG, "unknown option \"%.40s\"", key);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* d[i][j]: edits from the first i letters of a to the first j of b. */
static int edits(const char *a, int m, const char *b, int n)
{
    int d[WORD_MAX + 1][WORD_MAX + 1];

    for (int i = 0; i <= m; i++) {
        for (int j = 0; j <= n; j++) {
            if (!i || !j) {
                d[i][j] = i + j;
                continue;
            }
            const int change = d[i - 1][j - 1] + (lower(a[i - 1]) != lower(b[j - 1]));

            d[i][j] = smaller(change, 1 + smaller(d[i - 1][j], d[i][j - 1]));
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                d[i][j] = smaller(d[i][j], 1 + d[i - 2][j - 2]);
        }
    }
    return d[m][n];
}

const char *kiln_closest(const char *word, const char *const *names, int count)
{
    const int m = (int)strlen(word);
    const char *best = NULL;
    int least = m / 3 > 1 ? m / 3 : 1;

    if (m > WORD_MAX) return NULL;
    for (int i = 0; i < count; i++) {
        const int n = (int)strlen(names[i]);

        if (n > WORD_MAX) continue;
        const int distance = edits(word, m, names[i], n);

        /* The first of several at the same distance; a change of every letter is not near, and the
         * word itself, right elsewhere, is no advice. */
        if (distance > 0 && distance < n && (distance < least || (distance == least && !best))) {
            best = names[i];
            least = distance;
        }
    }
    return best;
}
