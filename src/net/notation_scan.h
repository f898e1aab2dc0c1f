/* Scanner of the arrow notation: characters, words, numbers and messages for its parser. */
#ifndef KILN_NET_NOTATION_SCAN_H
#define KILN_NET_NOTATION_SCAN_H

#include "net/plan.h"

typedef struct {
    char text[KILN_NOTATION_MAX + 2];  /* cleaned: ASCII, lower case */
    int column[KILN_NOTATION_MAX + 2]; /* of each character in what was given, from 1 */
    int at;                            /* the next character */
    int last;                          /* one behind the last character that was read */
} kiln_scanner;

/* Dashes and arrows become '-', the multiplication sign 'x', white space ' '. */
int kiln_scan_clean(kiln_scanner *s, const char *notation);

/* All skip spaces first. The next character, 0 at the end; reads it if it is c. */
char kiln_scan_peek(kiln_scanner *s);
int kiln_scan_accept(kiln_scanner *s, char c);
/* The word at the cursor into out[size], cut where it is longer; returns its length. */
int kiln_scan_word(kiln_scanner *s, char *out, int size);
int kiln_scan_accept_word(kiln_scanner *s, const char *word);
int kiln_scan_number_follows(kiln_scanner *s);
/* A whole number in min..max; a decimal number at least 0 and below 1, or in min..max, as a float.
 * `what` says what it means, perhaps with an example behind a comma: "the stride, as in stride 2".
 */
int kiln_scan_whole(kiln_scanner *s, const char *what, int min, int max, int *out);
int kiln_scan_share(kiln_scanner *s, const char *what, float *out);
int kiln_scan_number(kiln_scanner *s, const char *what, double min, double max, float *out);

/* "net: column 9: found FOUND, expected EXPECTED[; did you mean "NEAR"?]"; near may be NULL. */
int kiln_scan_fail(const kiln_scanner *s, const char *found, const char *expected,
                   const char *near);
/* The same for what stands at the cursor, with the nearest of `names`. */
int kiln_scan_unexpected(kiln_scanner *s, const char *expected, const char *const *names,
                         int count);

#endif
