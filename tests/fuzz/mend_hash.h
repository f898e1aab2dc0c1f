/*
 * Putting the hashes of a mutated file right, or nothing behind their check would ever be reached.
 */
#ifndef KILN_TESTS_MEND_HASH_H
#define KILN_TESTS_MEND_HASH_H

#include <stdint.h>
#include <string.h>

#define MEND_DIGITS 16

/* The sixteen digits behind a key of the metadata, as "\"kiln.hash\":\"", or NULL. */
static inline uint8_t *mend_find(uint8_t *bytes, size_t size, const char *key)
{
    const size_t length = strlen(key);

    for (size_t i = 8; i + length + MEND_DIGITS <= size; i++)
        if (!memcmp(bytes + i, key, length)) return bytes + i + length;
    return NULL;
}

static inline void mend_write(uint8_t *digits, uint64_t value)
{
    for (int i = 0; i < MEND_DIGITS; i++)
        digits[i] = (uint8_t) "0123456789abcdef"[value >> (60 - 4 * i) & 15];
}

/* The file's own hash, FNV-1a with the digits read as '0' (net/safetensors.h). */
static inline void mend_hash(uint8_t *bytes, size_t size)
{
    uint8_t *digits = mend_find(bytes, size, "\"kiln.hash\":\"");
    uint64_t hash = 0xcbf29ce484222325u;

    if (!digits) return;
    memset(digits, '0', MEND_DIGITS);
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    mend_write(digits, hash);
}

#endif
