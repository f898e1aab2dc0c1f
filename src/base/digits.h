/*
 * Numbers as text, and back: the fewest digits that read back to the same number, as JSON, options,
 * the notation and checkpoints write them. Whole numbers below 1e15 (a float: 1e6) have no
 * exponent.
 */
#ifndef KILN_BASE_DIGITS_H
#define KILN_BASE_DIGITS_H

#define KILN_DIGITS 32 /* bytes of the longest text, its zero included */

/* out, for convenience. The value is finite. */
const char *kiln_digits(char out[KILN_DIGITS], double value);
/* The same for a float: 0.1, where its double is 0.10000000149011612. */
const char *kiln_digits_float(char out[KILN_DIGITS], float value);

/* The double nearest to the decimal number that text begins with: a sign, digits with a point or
 * without, an exponent; the first and the last may be missing. *end, unless end is NULL: behind
 * it, text itself where there is none (then 0). Too large: an infinity. Knows no blanks, inf, nan,
 * 0x. */
double kiln_digits_read(const char *text, const char **end);

#endif
