/*
 * Text as a double; see digits.h. The number is a fraction of two whole ones, which are divided bit
 * by bit: what strtod gives, without the arithmetic of long doubles by which libc gets there (13 kB
 * of a module).
 *
 *   digits · 10^e = n / d      n / (d · 2^q) = m + rest, m of 54 or 55 bits, rounded to 53
 */
#include <stdint.h>
#include <string.h>

#include "base/digits.h"

/* Of so many digits no further one decides a rounding, but that there is one (at most 767 do). */
#define DIGITS 800
/* 10^1145 shifted by 54 bits, the largest that can come up. */
#define WORDS 128
/* Decimal points further away than these make an infinity, or zero. */
#define POINT_MAX 310
#define POINT_MIN (-345)
#define EXPONENT_MAX 1000000

/* Σ word[i]·2^(32i); the words from `count` on are zeros, the one before is none. */
typedef struct {
    uint32_t word[WORDS];
    int count;
} whole;

static void multiply_add(whole *a, uint32_t factor, uint32_t more)
{
    uint64_t carry = more;

    for (int i = 0; i < a->count; i++) {
        carry += (uint64_t)a->word[i] * factor;
        a->word[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry) a->word[a->count++] = (uint32_t)carry;
}

static void shift_left(whole *a, int bits)
{
    const int words = bits / 32;

    if (a->count == 0) return;
    memmove(a->word + words, a->word, sizeof *a->word * (size_t)a->count);
    memset(a->word, 0, sizeof *a->word * (size_t)words);
    a->count += words;
    if (bits % 32) multiply_add(a, 1u << bits % 32, 0);
}

static int bits_of(const whole *a)
{
    int bits = 32 * a->count;

    if (bits == 0) return 0;
    for (uint32_t top = a->word[a->count - 1]; !(top >> 31); top <<= 1) bits--;
    return bits;
}

static int at_least(const whole *a, const whole *b)
{
    if (a->count != b->count) return a->count > b->count;
    for (int i = a->count - 1; i >= 0; i--)
        if (a->word[i] != b->word[i]) return a->word[i] > b->word[i];
    return 1;
}

/* a -= b, which is not larger. */
static void subtract(whole *a, const whole *b)
{
    int64_t borrow = 0;

    for (int i = 0; i < a->count; i++) {
        borrow += (int64_t)a->word[i] - (i < b->count ? b->word[i] : 0);
        a->word[i] = (uint32_t)borrow;
        borrow >>= 32;
    }
    while (a->count > 0 && a->word[a->count - 1] == 0) a->count--;
}

/* n / d, rounded to the nearest double, of two in the middle to the even one; n is not 0. */
static double divide(whole *n, whole *d)
{
    const int bits = bits_of(n) - bits_of(d) - 54;
    int q = bits > -1075 ? bits : -1075; /* below are no doubles */
    uint64_t m = 0;
    double value;

    shift_left(q > 0 ? d : n, q > 0 ? q : -q);
    shift_left(d, 54);
    for (int i = 0; i < 55; i++) {
        const int bit = at_least(n, d);

        if (bit) subtract(n, d);
        shift_left(n, 1);
        m = 2 * m + (uint64_t)bit;
    }
    const int drop = m >> 54 ? 2 : 1;
    const uint64_t half = 1u << (drop - 1), low = m & (2 * half - 1);

    m >>= drop;
    q += drop;
    if (low > half || (low == half && (n->count > 0 || m & 1))) m++;
    m += (uint64_t)(q + 1074) << 52; /* the highest bit of m counts in the exponent */
    if (m >> 52 > 2046) m = (uint64_t)2047 << 52;
    memcpy(&value, &m, sizeof value);
    return value;
}

/* What stands before the exponent; digits left out count in *e. NULL where there is no digit. */
static const char *read_digits(const char *at, whole *n, int *e)
{
    int digits = 0, any = 0, point = 0;

    for (;; at++) {
        if (*at == '.' && !point) {
            point = 1;
            continue;
        }
        if (*at < '0' || *at > '9') return any ? at : NULL;
        any = 1;
        if (digits < DIGITS) {
            multiply_add(n, 10, (uint32_t)(*at - '0'));
            digits += n->count > 0;
            *e -= point;
        } else {
            if (*at != '0') n->word[0] |= 1; /* more than what is there already */
            *e += !point;
        }
    }
}

static const char *read_exponent(const char *at, int *e)
{
    const char *digit = at + 1;
    int value = 0, sign = 1;

    if (*at != 'e' && *at != 'E') return at;
    if (*digit == '-' || *digit == '+') sign = *digit++ == '-' ? -1 : 1;
    if (*digit < '0' || *digit > '9') return at;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        if (value < EXPONENT_MAX) value = 10 * value + (*digit - '0');
    *e += sign * value;
    return digit;
}

double kiln_digits_read(const char *text, const char **end)
{
    const char *at = text + (*text == '-' || *text == '+');
    whole n = {.count = 0}, d = {.word = {1}, .count = 1};
    double value = 0;
    int e = 0, point;

    at = read_digits(at, &n, &e);
    if (end) *end = at ? at : text;
    if (!at) return 0;
    at = read_exponent(at, &e);
    if (end) *end = at;
    point = e + bits_of(&n) * 3 / 10; /* of the decimal point, at most a few digits off */
    if (n.count > 0 && point > POINT_MAX) value = __builtin_inf();
    else if (n.count > 0 && point > POINT_MIN) {
        for (; e > 0; e--) multiply_add(&n, 10, 0);
        for (; e < 0; e++) multiply_add(&d, 10, 0);
        value = divide(&n, &d);
    }
    return *text == '-' ? -value : value;
}
