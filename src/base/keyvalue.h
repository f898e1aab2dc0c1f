/*
 * Options as text: `key=value`, one a line. Spaces around key and value are dropped, empty lines
 * skipped. Every failure is KILN_E_ARG with a sentence that names the key, what was found and what
 * would work.
 */
#ifndef KILN_BASE_KEYVALUE_H
#define KILN_BASE_KEYVALUE_H

#include <stdint.h>

#define KILN_KEY_MAX 40
#define KILN_VALUE_MAX 8448 /* capacity for a notation */

typedef struct {
    char key[KILN_KEY_MAX], value[KILN_VALUE_MAX]; /* zero terminated */
} kiln_keyvalue;

/* Reads the next line at *text (may be NULL) and moves on: 1 a pair, 0 no more, or KILN_E_ARG. */
int kiln_keyvalue_next(const char **text, kiln_keyvalue *pair);

/* The value as a number in min..max. */
int kiln_value_int(const kiln_keyvalue *pair, int64_t min, int64_t max, int64_t *out);
int kiln_value_double(const kiln_keyvalue *pair, double min, double max, double *out);
int kiln_value_bool(const kiln_keyvalue *pair, int *out); /* 1 0 true false yes no on off */
/* The number of the value in names[count], case ignored; not found is KILN_E_ARG with a list. */
int kiln_value_choice(const kiln_keyvalue *pair, const char *const *names, int count);

/* KILN_E_ARG: unknown option "epcohs"; did you mean "epochs"? */
int kiln_key_unknown(const char *key, const char *const *names, int count);

/* The name nearest to `word` by insertions, deletions, changes and swaps of neighbours, case
 * ignored; NULL when none is near: at most one edit for every three letters, and at least one.
 * Never the word itself. */
const char *kiln_closest(const char *word, const char *const *names, int count);

#endif
