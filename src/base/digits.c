/*
 * Numbers as text; see digits.h. Fifteen digits of a double always survive, and seventeen always
 * suffice (six and nine of a float), so three or four tries find the fewest.
 */
#include "base/digits.h"

#include <stdio.h>

const char *kiln_digits(char out[KILN_DIGITS], double value)
{
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(out, KILN_DIGITS, "%.*g", precision, value);
        if (kiln_digits_read(out, NULL) == value) break;
    }
    return out;
}

const char *kiln_digits_float(char out[KILN_DIGITS], float value)
{
    for (int precision = 6; precision <= 9; precision++) {
        snprintf(out, KILN_DIGITS, "%.*g", precision, (double)value);
        if ((float)kiln_digits_read(out, NULL) == value) break;
    }
    return out;
}
