/* A reader for JSON that this program's own library wrote; see fields.h. */
#include "fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first character after the value at p. */
static const char *skip_value(const char *p)
{
    int depth = 0;

    do {
        if (*p == '"') {
            for (p++; *p && *p != '"'; p++)
                if (*p == '\\' && p[1]) p++;
            if (*p) p++;
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            depth--;
            p++;
        } else if (depth > 0) {
            p++;
        } else {
            p += strcspn(p, ",]}");
        }
    } while (*p && depth > 0);
    return p;
}

char *cli_text(char *out, size_t size, const char *value)
{
    size_t used = 0;

    if (value && *value == '"')
        for (const char *p = value + 1; *p && *p != '"' && used + 1 < size; p++) {
            const int escaped = *p == '\\' && p[1];

            if (escaped) p++;
            out[used++] = escaped && *p == 'n' ? '\n' : *p;
        }
    out[used] = 0;
    return out;
}

double cli_number(const char *value)
{
    return strtod(value + (*value == '"'), NULL); /* options are numbers written as text */
}

const char *cli_first(const char *json)
{
    if (!json || *json != '[' || json[1] == ']') return NULL;
    return json + 1;
}

const char *cli_next(const char *value)
{
    const char *p = skip_value(value);

    return *p == ',' ? p + 1 : NULL;
}

const char *cli_member(const char *json, const char *after, char *key, size_t size,
                       const char **value)
{
    const char *p = after ? after : json;

    if (!p || (!after && *p != '{') || (after && *p != ',') || p[1] != '"') return NULL;
    cli_text(key, size, ++p);
    p = skip_value(p);
    if (*p == ':') p++;
    *value = p;
    return skip_value(p);
}

const char *cli_field(const char *json, const char *wanted)
{
    char key[64];
    const char *value;

    for (const char *p = NULL; (p = cli_member(json, p, key, sizeof key, &value));)
        if (strcmp(key, wanted) == 0) return value;
    return NULL;
}

double cli_field_number(const char *json, const char *key, double fallback)
{
    const char *value = cli_field(json, key);

    return value && *value != 'n' ? cli_number(value) : fallback;
}

char *cli_field_text(char *out, size_t size, const char *json, const char *key)
{
    return cli_text(out, size, cli_field(json, key));
}

char *cli_field_raw(char *out, size_t size, const char *json, const char *key)
{
    const char *value = cli_field(json, key);

    if (!value) value = "null";
    snprintf(out, size, "%.*s", (int)(skip_value(value) - value), value);
    return out;
}
