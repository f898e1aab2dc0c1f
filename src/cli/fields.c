/* Looking into the library's JSON by the reader of base/json.h; see fields.h. */
#include "fields.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"

/* A reader that stands at `json`, which goes on to the end of the text it is part of. */
static kiln_json_reader reader_at(const char *json)
{
    kiln_json_reader r;

    kiln_json_read(&r, json, strlen(json), "a text of the library", KILN_E_STATE);
    return r;
}

const char *cli_after(const char *value)
{
    kiln_json_reader r = reader_at(value);

    kiln_json_skip(&r);
    return r.at;
}

char *cli_text(char *out, size_t size, const char *value)
{
    char whole[16384];
    kiln_json_reader r;

    out[0] = 0;
    if (!value || *value != '"') return out;
    r = reader_at(value);
    if (kiln_json_read_string(&r, whole, sizeof whole) >= 0) snprintf(out, size, "%s", whole);
    return out;
}

double cli_number(const char *value)
{
    kiln_json_reader r = reader_at(value + (*value == '"')); /* options are numbers as text */
    double number = 0;

    return kiln_json_read_number(&r, &number) < 0 ? 0 : number;
}

const char *cli_first(const char *json)
{
    return json && *json == '[' && json[1] != ']' ? json + 1 : NULL;
}

const char *cli_next(const char *value)
{
    const char *p = cli_after(value);

    return *p == ',' ? p + 1 : NULL;
}

const char *cli_member(const char *json, const char *previous, char *key, size_t size,
                       const char **value)
{
    const char *p = previous ? previous : json;

    if (!p || *p != (previous ? ',' : '{') || p[1] != '"') return NULL;
    cli_text(key, size, p + 1);
    *value = cli_after(p + 1) + 1; /* the library writes no spaces: a colon follows */
    return cli_after(*value);
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
    snprintf(out, size, "%.*s", (int)(cli_after(value) - value), value);
    return out;
}
