/*
 * JSON: a writer into one growing text, and a strict reader that pulls values one by one.
 *
 * Writer: values in order; `key` is NULL inside arrays and at the top. Numbers are written in the
 * fewest digits that read back to the same double, or float; NaN and infinities become null. A
 * failed allocation is kept and told by kiln_json_end.
 *
 * Reader: RFC 8259 and nothing more: no comments, no trailing commas, valid UTF-8, at most 16
 * levels deep. The first failure is kept: every later call returns it again, so a caller may check
 * once after a few calls.
 */
#ifndef KILN_BASE_JSON_H
#define KILN_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define KILN_JSON_DEPTH 16

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
    kiln_arena arena; /* holds the text; grows by doubling; kept from one text to the next */
    size_t length;
    int depth, failed;
    char closing[KILN_JSON_DEPTH];
    int members[KILN_JSON_DEPTH + 1];
} kiln_json;

void kiln_json_begin(kiln_json *j); /* an empty text; *j is zeroed before the first one */
void kiln_json_object(kiln_json *j, const char *key); /* opens { */
void kiln_json_array(kiln_json *j, const char *key);  /* opens [ */
void kiln_json_close(kiln_json *j);                   /* closes the innermost */
void kiln_json_string(kiln_json *j, const char *key, const char *value);
void kiln_json_number(kiln_json *j, const char *key, double value);
void kiln_json_float(kiln_json *j, const char *key, float value);
void kiln_json_int(kiln_json *j, const char *key, int64_t value);
void kiln_json_bool(kiln_json *j, const char *key, int value);
void kiln_json_null(kiln_json *j, const char *key);
/* Text that is JSON already, put in as it is. */
void kiln_json_raw(kiln_json *j, const char *key, const char *json);
/* The members of an object that is JSON already, as members of the one that is open. */
void kiln_json_members(kiln_json *j, const char *object);
/* The length, or KILN_E_MEMORY; kiln_json_text is then zero terminated. All must be closed. A text
 * whose status nobody looked at may be empty, so the compiler asks for it. */
__attribute__((warn_unused_result)) int kiln_json_end(kiln_json *j);
const char *kiln_json_text(const kiln_json *j);
void kiln_json_free(kiln_json *j);

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct {
    const char *start, *at, *end;
    const char *what; /* begins every message: "checkpoint" */
    int status;       /* of every failure: KILN_E_CHECKPOINT, KILN_E_ARG */
    int failed;       /* 0, or status once something failed */
    int depth;
    char closing[KILN_JSON_DEPTH];
    char fresh[KILN_JSON_DEPTH]; /* 1: no member read yet */
} kiln_json_reader;

void kiln_json_read(kiln_json_reader *r, const char *text, size_t length, const char *what,
                    int status);
/* The kind of the next value: '{' '[' '"' '0' (a number) 't' 'f' 'n'; 0 when there is none. */
int kiln_json_peek(kiln_json_reader *r);
/* Enters an object or array. Then, for each member: next, then one read, enter or skip. */
int kiln_json_enter_object(kiln_json_reader *r);
int kiln_json_enter_array(kiln_json_reader *r);
/* 1: a member follows, and its key (objects) is in key[size], or dropped where key is NULL; 0: the
 * end was read; negative: failed. */
int kiln_json_next(kiln_json_reader *r, char *key, size_t size);
/* out[size] is zero terminated; a string that does not fit or holds a zero is refused. Returns its
 * length. */
int kiln_json_read_string(kiln_json_reader *r, char *out, size_t size);
int kiln_json_read_number(kiln_json_reader *r, double *out);
int kiln_json_read_int(kiln_json_reader *r, int64_t min, int64_t max, int64_t *out);
int kiln_json_skip(kiln_json_reader *r);     /* the next value, whole */
int kiln_json_read_end(kiln_json_reader *r); /* nothing but white space may follow */

#endif
