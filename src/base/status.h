/*
 * Status codes and the last error sentence.
 *
 * A fallible function returns an int: non-negative is the value, negative is one of the codes
 * below, and kiln_error() then holds one sentence for a person. The table is the only one: the
 * program's exit codes, its help and kiln_constants() come from it; kiln.h is compared with it when
 * built, and bindings/errors.ts by a test.
 */
#ifndef KILN_BASE_STATUS_H
#define KILN_BASE_STATUS_H

/* X(NAME, status, exit code of the program, cause, remedy). Causes and remedies go for every error
 * of the code; kiln_error() says which one it was. */
#define KILN_STATUSES(X)                                                                           \
    X(ARG, -1, 2, "an argument or option that is unknown, of a wrong type or out of its range",    \
      "correct what the sentence names")                                                           \
    X(SHAPE, -2, 2, "sizes that do not fit each other",                                            \
      "give arrays of the shapes that the sentence names")                                         \
    X(NOTATION, -3, 2, "a net that the arrow notation does not allow",                             \
      "correct it at the column that is given")                                                    \
    X(MEMORY, -4, 5, "more memory than there is, or than the limit allows",                        \
      "take a smaller net or batch, or free what is no longer used")                               \
    X(DATA, -5, 3, "a data file that is damaged, or is none that kiln reads",                      \
      "fetch the file again, or name the right one")                                               \
    X(CHECKPOINT, -6, 4, "a checkpoint that is damaged, of another program, or of other data",     \
      "use an earlier copy of it, or the data it was trained on")                                  \
    X(DIVERGED, -7, 6, "a loss or parameter that is not finite",                                   \
      "lower the learning rate, and go on from the last good state")                               \
    X(HANDLE, -8, 1, "an object that was destroyed, or is of another kind",                        \
      "use handles no longer than their objects live")                                             \
    X(STATE, -9, 1, "a call that is not possible now, such as a step after the last epoch",        \
      "do first what the sentence names")                                                          \
    X(IO, -10, 1, "a file that could not be read or written",                                      \
      "look at its path, its rights and the space that is left")                                   \
    X(SPLIT, -11, 3, "a file whose name does not say if its images are for training or for test",  \
      "say which, or give it its official name")

/* What an exit code of the program says, of whichever of its statuses. X(exit code, meaning). */
#define KILN_EXITS(X)                                                                              \
    X(1, "it could not be done: a file, or a call at the wrong time")                              \
    X(2, "wrong use: an option, a size or a net")                                                  \
    X(3, "data that are damaged, or none, or of which it is not clear what they are for")          \
    X(4, "a checkpoint that is damaged, or does not belong to the data")                           \
    X(5, "too little memory")                                                                      \
    X(6, "a loss or parameter that is not finite")

/* KILN_EXIT_DATA, .. : the exit code of each status. */
#define KILN_EXIT_CODE(name, status, exit_code, cause, remedy) KILN_EXIT_##name = exit_code,
enum { KILN_STATUSES(KILN_EXIT_CODE) };

/* The same codes as in kiln.h, which the library's own sources include only in src/api. */
#ifndef KILN_STATUS_CODES
#define KILN_STATUS_CODES
#define KILN_STATUS_CODE(name, status, exit_code, cause, remedy) KILN_E_##name = status,
enum { KILN_OK = 0, KILN_STATUSES(KILN_STATUS_CODE) };
#endif

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

/* Public as well: the two functions that kiln.h declares too. */
const char *kiln_error(void);
int kiln_error_column(void); /* 0: the last error has no column */

/* What the program exits with after this status; 0 for one that is no failure. */
int kiln_status_exit(int status);

#define KILN_TRY(call)                  \
    do {                                \
        int status_ = (call);           \
        if (status_ < 0) return status_; \
    } while (0)

#endif
