/* Made-up CIFAR-10 records and tar archives for the tests of reading. */
#ifndef KILN_TESTS_RECORDS_H
#define KILN_TESTS_RECORDS_H

#include "check.h"

#define RECORD 3073

/* Bytes of record i of file `file`, all of them told apart. */
static inline void record_make(uint8_t *record, int file, int i)
{
    uint64_t state = (uint64_t)file << 32 | (unsigned)i;

    record[0] = (uint8_t)((file + i) % 10);
    for (int p = 1; p < RECORD; p++) record[p] = (uint8_t)check_random_bits(&state);
}

/* A file of n records, to be freed. */
static inline uint8_t *records_make(int file, int n)
{
    uint8_t *bytes = malloc((size_t)n * RECORD + 1);

    CHECK(bytes != NULL);
    for (int i = 0; i < n; i++) record_make(bytes + (size_t)i * RECORD, file, i);
    return bytes;
}

typedef struct {
    uint8_t *bytes;
    int size, capacity;
} tar;

static inline void tar_put(tar *t, const void *bytes, int size)
{
    if (t->size + size > t->capacity) {
        t->capacity = 2 * (t->size + size);
        t->bytes = realloc(t->bytes, (size_t)t->capacity);
        if (!t->bytes) abort();
    }
    if (bytes) memcpy(t->bytes + t->size, bytes, (size_t)size);
    t->size += size;
}

/* Writes the checksum of a header. */
static inline void tar_seal(uint8_t *header)
{
    unsigned sum = 0;

    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += header[i];
    snprintf((char *)header + 148, 8, "%06o", sum);
}

static inline void tar_header(uint8_t *header, const char *name, int size, char kind)
{
    memset(header, 0, 512);
    snprintf((char *)header, 100, "%s", name);
    snprintf((char *)header + 100, 8, "0000644");
    snprintf((char *)header + 124, 12, "%011o", (unsigned)size);
    memcpy(header + 257, "ustar\00000", 8);
    header[156] = (uint8_t)kind;
    tar_seal(header);
}

/* A member: header, bytes, zeros. bytes may be NULL where size is 0. */
static inline void tar_add(tar *t, const char *name, const void *bytes, int size, char kind)
{
    static const uint8_t zeros[512];
    uint8_t header[512];

    tar_header(header, name, size, kind);
    tar_put(t, header, 512);
    tar_put(t, bytes, size);
    tar_put(t, zeros, (512 - size % 512) % 512);
}

static inline void tar_end(tar *t)
{
    static const uint8_t zeros[1024];

    tar_put(t, zeros, 1024);
}

#endif
