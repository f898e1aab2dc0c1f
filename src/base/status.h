/*
 * Status codes and the last error sentence.
 *
 * A fallible function returns an int: non-negative is the value, negative is one of the codes
 * below, and kiln_error() then holds one sentence for a person. The codes are public and stable
 * (kiln.h).
 */
#ifndef KILN_BASE_STATUS_H
#define KILN_BASE_STATUS_H

enum {
    KILN_OK = 0,
    KILN_E_ARG = -1,        /* an argument or option out of range or unknown */
    KILN_E_SHAPE = -2,      /* sizes that do not fit each other */
    KILN_E_NOTATION = -3,   /* the arrow notation; kiln_error_column() tells where */
    KILN_E_MEMORY = -4,     /* does not fit; the sentence has the number of bytes */
    KILN_E_DATA = -5,       /* malformed data file */
    KILN_E_CHECKPOINT = -6, /* malformed or foreign checkpoint */
    KILN_E_DIVERGED = -7,   /* a loss or parameter is not finite */
    KILN_E_HANDLE = -8,     /* stale or wrong handle */
    KILN_E_STATE = -9,      /* not possible now (for example: training is over) */
    KILN_E_IO = -10         /* reading or writing a file failed (command line only) */
};

/* Formats the sentence, forgets any column, and returns `status`. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int kiln_fail(int status, const char *format, ...);

/* As kiln_fail, for the notation: `column` counts from 1. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int kiln_fail_at(int status, int column, const char *format, ...);

const char *kiln_error(void);
int kiln_error_column(void); /* 0: the last error has no column */

#define KILN_TRY(call)                  \
    do {                                \
        int status_ = (call);           \
        if (status_ < 0) return status_; \
    } while (0)

#endif
