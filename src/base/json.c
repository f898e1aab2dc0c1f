/*
 * JSON writer (RFC 8259): one text in one block that doubles when full. The reader is
 * json_reader.c.
 *
 * Numbers: the shortest of 15, 16 and 17 significant digits that reads back to the same double; 17
 * always do (Goldberg 1991, "What every computer scientist should know about floating-point
 * arithmetic", theorem 15).
 */
#include "base/json.h"

#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/status.h"

#define FIRST_BLOCK 4096

/* Capacity for `more` characters and the final zero. */
static int reserve(kiln_json *j, size_t more)
{
    kiln_arena larger;
    size_t size = j->arena.size ? j->arena.size : FIRST_BLOCK / 2;

    if (j->failed) return 0;
    if (j->length + more + 1 <= j->arena.size) return 1;
    while (size < j->length + more + 1) size *= 2;
    if (kiln_arena_create(&larger, 2 * size, "a text") < 0) {
        j->failed = 1;
        return 0;
    }
    if (j->length) memcpy(larger.base, j->arena.base, j->length);
    kiln_arena_destroy(&j->arena);
    j->arena = larger;
    return 1;
}

static void put(kiln_json *j, const char *text, size_t length)
{
    if (!reserve(j, length)) return;
    memcpy(j->arena.base + j->length, text, length);
    j->length += length;
}

static void put_quoted(kiln_json *j, const char *text)
{
    put(j, "\"", 1);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        char escape[8];

        if (c == '"' || c == '\\')
            put(j, escape, (size_t)snprintf(escape, sizeof escape, "\\%c", c));
        else if (c == '\n')
            put(j, "\\n", 2);
        else if (c < 0x20 || c == 0x7f)
            put(j, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
        else
            put(j, text, 1);
    }
    put(j, "\"", 1);
}

/* The comma and the key before a value. */
static void begin_value(kiln_json *j, const char *key)
{
    if (j->members[j->depth]++) put(j, ",", 1);
    if (!key) return;
    put_quoted(j, key);
    put(j, ":", 1);
}

static void open_value(kiln_json *j, const char *key, const char *bracket, char closing)
{
    begin_value(j, key);
    put(j, bracket, 1);
    if (j->depth == KILN_JSON_DEPTH) {
        kiln_fail(KILN_E_STATE, "a text nests deeper than %d", KILN_JSON_DEPTH);
        j->failed = 1;
        return;
    }
    j->closing[j->depth++] = closing;
    j->members[j->depth] = 0;
}

void kiln_json_begin(kiln_json *j)
{
    j->length = 0;
    j->depth = j->failed = 0;
    j->members[0] = 0;
}

void kiln_json_object(kiln_json *j, const char *key)
{
    open_value(j, key, "{", '}');
}

void kiln_json_array(kiln_json *j, const char *key)
{
    open_value(j, key, "[", ']');
}

void kiln_json_close(kiln_json *j)
{
    if (j->depth > 0) put(j, &j->closing[--j->depth], 1);
}

void kiln_json_string(kiln_json *j, const char *key, const char *value)
{
    begin_value(j, key);
    put_quoted(j, value);
}

void kiln_json_number(kiln_json *j, const char *key, double value)
{
    char digits[KILN_DIGITS];

    if (value - value == 0)
        kiln_json_raw(j, key, kiln_digits(digits, value));
    else
        kiln_json_null(j, key); /* NaN or infinite */
}

void kiln_json_float(kiln_json *j, const char *key, float value)
{
    char digits[KILN_DIGITS];

    if (value - value == 0)
        kiln_json_raw(j, key, kiln_digits_float(digits, value));
    else
        kiln_json_null(j, key);
}

void kiln_json_int(kiln_json *j, const char *key, int64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%lld", (long long)value);
    kiln_json_raw(j, key, digits);
}

void kiln_json_bool(kiln_json *j, const char *key, int value)
{
    kiln_json_raw(j, key, value ? "true" : "false");
}

void kiln_json_null(kiln_json *j, const char *key)
{
    kiln_json_raw(j, key, "null");
}

void kiln_json_raw(kiln_json *j, const char *key, const char *json)
{
    begin_value(j, key);
    put(j, json, strlen(json));
}

void kiln_json_members(kiln_json *j, const char *object)
{
    const size_t length = strlen(object);

    if (length <= 2) return; /* {} */
    begin_value(j, NULL);
    put(j, object + 1, length - 2);
}

int kiln_json_end(kiln_json *j)
{
    reserve(j, 0);
    if (j->failed) {
        j->length = 0;
        return KILN_E_MEMORY;
    }
    j->arena.base[j->length] = 0;
    return j->length > 0x7fffffff ? KILN_E_MEMORY : (int)j->length;
}

const char *kiln_json_text(const kiln_json *j)
{
    return j->arena.base && !j->failed ? j->arena.base : "";
}

void kiln_json_free(kiln_json *j)
{
    kiln_arena_destroy(&j->arena);
    memset(j, 0, sizeof *j);
}
