/* Growing bytes: see bytes.h. Capacity doubles, so that a file of n bytes is copied O(n) in all. */
#include "formats/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

#define FIRST 4096

/* Where `size` bytes more belong, behind the end; NULL for none, and once anything failed. */
static uint8_t *grow(kiln_bytes *b, size_t size)
{
    if (b->failed || !size) return NULL;
    if (size > b->arena.size - b->size) {
        size_t capacity = b->arena.size ? b->arena.size : FIRST;
        kiln_arena next;

        while (capacity - b->size < size && capacity <= SIZE_MAX / 2) capacity *= 2;
        b->failed = capacity - b->size < size
                        ? kiln_fail(KILN_E_MEMORY, "a file of more than %zu bytes", capacity)
                        : kiln_arena_create(&next, capacity, "a file");
        if (b->failed < 0) return NULL;
        if (b->size) memcpy(next.base, b->arena.base, b->size);
        kiln_arena_destroy(&b->arena);
        b->arena = next;
    }
    b->size += size;
    return (uint8_t *)b->arena.base + b->size - size;
}

void kiln_bytes_put(kiln_bytes *b, const void *data, size_t size)
{
    uint8_t *at = grow(b, size);

    if (at) memcpy(at, data, size);
}

void kiln_bytes_text(kiln_bytes *b, const char *text)
{
    kiln_bytes_put(b, text, strlen(text));
}

void kiln_bytes_line(kiln_bytes *b, const char *format, ...)
{
    char line[KILN_BYTES_LINE + 1];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    kiln_bytes_text(b, line);
}

void kiln_bytes_zeros(kiln_bytes *b, size_t count)
{
    uint8_t *at = grow(b, count);

    if (at) memset(at, 0, count);
}

void kiln_bytes_little_endian(kiln_bytes *b, uint64_t value, int count)
{
    uint8_t *at = grow(b, (size_t)count);

    for (int i = 0; at && i < count; i++) at[i] = (uint8_t)(value >> 8 * i);
}

int kiln_bytes_end(const kiln_bytes *b)
{
    return b->failed;
}

void kiln_bytes_free(kiln_bytes *b)
{
    kiln_arena_destroy(&b->arena);
    *b = (kiln_bytes){0};
}
