/*
 * Bytes that grow while a file is written. A failed allocation is kept, and what comes after it
 * does nothing, so that a writer looks once, at the end (kiln_bytes_end).
 */
#ifndef KILN_FORMATS_BYTES_H
#define KILN_FORMATS_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define KILN_BYTES_LINE 400

typedef struct {
    kiln_arena arena; /* base: the bytes; zeroed before the first one */
    size_t size;
    int failed; /* 0, or the status of the first failure */
} kiln_bytes;

void kiln_bytes_put(kiln_bytes *b, const void *data, size_t size);
void kiln_bytes_text(kiln_bytes *b, const char *text);
/* As printf, at most KILN_BYTES_LINE characters. */
__attribute__((format(printf, 2, 3))) void kiln_bytes_line(kiln_bytes *b, const char *format, ...);
void kiln_bytes_zeros(kiln_bytes *b, size_t count);
/* The lowest `count` bytes of value, lowest first. */
void kiln_bytes_little_endian(kiln_bytes *b, uint64_t value, int count);
int kiln_bytes_end(const kiln_bytes *b); /* KILN_OK or KILN_E_MEMORY */
void kiln_bytes_free(kiln_bytes *b);     /* any number of times */

#endif
