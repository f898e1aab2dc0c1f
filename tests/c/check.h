/*
 * What every C test shares: cmocka, comparisons with a stated tolerance, buffers between guards,
 * and data from one seed (KILN_SEED in the environment, else 1), which a failure prints.
 */
#ifndef KILN_TESTS_CHECK_H
#define KILN_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline uint32_t check_seed(void)
{
    const char *text = getenv("KILN_SEED");

    return text ? (uint32_t)strtoul(text, NULL, 10) : 1;
}

/* Fails the test with a sentence, the place and the seed. */
#define CHECK_FAIL(...) check_fail(__FILE__, __LINE__, __VA_ARGS__)
__attribute__((format(printf, 3, 4))) static inline void check_fail(const char *file, int line,
                                                                    const char *format, ...)
{
    char text[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_error("%s (KILN_SEED=%u)\n", text, (unsigned)check_seed());
    _fail(file, line);
}

#define CHECK(condition) \
    ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, "false: %s", #condition))

/* |actual - expected| <= tolerance; a NaN fails. */
#define CHECK_NEAR(actual, expected, tolerance) \
    check_near(actual, expected, tolerance, #actual, __FILE__, __LINE__)
static inline void check_near(double actual, double expected, double tolerance, const char *what,
                              const char *file, int line)
{
    if (!(fabs(actual - expected) <= tolerance))
        check_fail(file, line, "%s is %.9g, expected %.9g within %.3g (off by %.3g)", what, actual,
                   expected, tolerance, actual - expected);
}

/* Same bits, n floats. */
#define CHECK_SAME_BITS(a, b, n) check_same_bits(a, b, n, #a, __FILE__, __LINE__)
static inline void check_same_bits(const float *a, const float *b, size_t n, const char *what,
                                   const char *file, int line)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0)
            check_fail(file, line, "%s[%zu] is %a, the other is %a", what, i, (double)a[i],
                       (double)b[i]);
}

/* ---- data from the seed ---------------------------------------------------------------------- */

static inline uint64_t check_random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u; /* splitmix64 */

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* n floats in [-1, 1), the same for the same (KILN_SEED, stream). */
static inline void check_random(float *out, size_t n, uint32_t stream)
{
    uint64_t state = (uint64_t)check_seed() << 32 | stream;

    for (size_t i = 0; i < n; i++)
        out[i] = (float)(check_random_bits(&state) >> 40) * 0x1p-23f - 1.0f;
}

/* ---- buffers between guards ------------------------------------------------------------------ */

#define CHECK_GUARD 32 /* floats on each side */
#define CHECK_GUARD_BITS 0x7fc0dea1u /* a NaN: reading it spoils the result */

typedef struct {
    void *block;
    size_t n;
} check_header;

/* n floats, `offset` floats past a 64-byte boundary, filled with the guard's NaN. Fails when out of
 * memory. */
static inline float *check_floats_at(size_t n, size_t offset)
{
    const uint32_t guard = CHECK_GUARD_BITS;
    const size_t before = 64 / sizeof(float) + CHECK_GUARD;
    check_header header = {NULL, n};
    float *p;

    if (posix_memalign(&header.block, 64, (before + offset + n + CHECK_GUARD) * sizeof(float)))
        check_fail(__FILE__, __LINE__, "no memory for %zu floats", n);
    p = (float *)header.block + before + offset;
    memcpy(p - before, &header, sizeof header);
    for (float *q = p - CHECK_GUARD; q < p + n + CHECK_GUARD; q++) memcpy(q, &guard, sizeof guard);
    return p;
}

static inline float *check_floats(size_t n)
{
    return check_floats_at(n, 0);
}

static inline check_header check_header_of(const float *p)
{
    check_header header;

    memcpy(&header, p - CHECK_GUARD - 64 / sizeof(float), sizeof header);
    return header;
}

/* Nothing was written outside p. */
#define CHECK_GUARDS(p) check_guards(p, #p, __FILE__, __LINE__)
static inline void check_guards(const float *p, const char *what, const char *file, int line)
{
    const size_t n = check_header_of(p).n;
    const uint32_t guard = CHECK_GUARD_BITS;

    for (size_t i = 1; i <= CHECK_GUARD; i++) {
        if (memcmp(p - i, &guard, sizeof guard) != 0)
            check_fail(file, line, "%s[-%zu] was written", what, i);
        if (memcmp(p + n + i - 1, &guard, sizeof guard) != 0)
            check_fail(file, line, "%s[%zu] was written, it has %zu", what, n + i - 1, n);
    }
}

/* Checks the guards and frees; NULL is allowed. */
static inline void check_free(float *p)
{
    if (!p) return;
    check_guards(p, "a buffer", __FILE__, __LINE__);
    free(check_header_of(p).block);
}

#endif
