/*
 * Looking into the JSON that kiln_text() holds. The library wrote it, so it is taken to be right;
 * what is not there reads as the fallback.
 */
#ifndef KILN_CLI_FIELDS_H
#define KILN_CLI_FIELDS_H

#include <stddef.h>

/* The value of a key of the object at `json`; NULL when there is none. */
const char *cli_field(const char *json, const char *key);
double cli_field_number(const char *json, const char *key, double fallback);
/* The text without quotes and escapes, cut to fit; "" when there is none. */
char *cli_field_text(char *out, size_t size, const char *json, const char *key);
/* The value as it stands in the JSON (a number, a list, null), cut to fit. */
char *cli_field_raw(char *out, size_t size, const char *json, const char *key);

/* Values of the array at `json`: for (v = cli_first(json); v; v = cli_next(v)) */
const char *cli_first(const char *json);
const char *cli_next(const char *value);
char *cli_text(char *out, size_t size, const char *value);
double cli_number(const char *value);
const char *cli_after(const char *value); /* the first character behind it */
/* The next key of an object, for (p = NULL; (p = cli_member(json, p, key, size, &value)); ) */
const char *cli_member(const char *json, const char *after, char *key, size_t size,
                       const char **value);

#endif
