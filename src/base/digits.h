/*
 * Numbers as text: the fewest digits that read back to the same number, as JSON, options, the
 * notation and checkpoints write them. Whole numbers below 1e15 (a float: 1e6) have no exponent.
 */
#ifndef KILN_BASE_DIGITS_H
#define KILN_BASE_DIGITS_H

#define KILN_DIGITS 32 /* bytes of the longest text, its zero included */

/* out, for convenience. The value is finite. */
const char *kiln_digits(char out[KILN_DIGITS], double value);
/* The same for a float: 0.1, where its double is 0.10000000149011612. */
const char *kiln_digits_float(char out[KILN_DIGITS], float value);

#endif
