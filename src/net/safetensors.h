/*
 * Safetensors files in memory: 8 bytes little-endian length of the header, the header (a JSON
 * object), then the tensors' bytes (huggingface/safetensors, README "Format"). Little-endian
 * machines only, as the format is.
 *
 * The reader is strict: header at most 1 MiB that begins with '{'; at most 4,096 tensors of at most
 * 4 dimensions and 2^28 elements; names at most 256 bytes, metadata at most 1 MiB;
 * sizes by checked products; tensors lie one after the other without hole or overlap and end with
 * the file; no name or key twice. Types F32, I32, U8, F64, I64, F16, BF16.
 *
 * Metadata "kiln.hash" is FNV-1a (64 bits) over the whole file with its own sixteen digits read as
 * '0'. The writer puts it first; a file that has it must match; a file without it (written by
 * others) is taken.
 */
#ifndef KILN_NET_SAFETENSORS_H
#define KILN_NET_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define KILN_SAFETENSORS_HEADER_MAX (1 << 20)
#define KILN_SAFETENSORS_TENSORS_MAX 4096
#define KILN_SAFETENSORS_NAME_MAX 256
#define KILN_SAFETENSORS_ELEMENTS_MAX (1 << 28)
#define KILN_SAFETENSORS_HASH "kiln.hash"

enum kiln_safetensors_type { KILN_F32, KILN_I32, KILN_U8, KILN_F64, KILN_I64, KILN_F16, KILN_BF16 };
#define KILN_SAFETENSORS_TYPES 7

typedef struct {
    const char *name;
    enum kiln_safetensors_type type;
    int shape[4], dims; /* dims 0: one element */
    size_t bytes;       /* set by the reader; the writer derives it */
    const void *data;   /* reader: into the file, perhaps unaligned: use memcpy */
} kiln_safetensor;

typedef struct {
    const char *key, *value;
} kiln_metadata;

typedef struct {
    int tensors, entries;
    kiln_safetensor *tensor; /* in the order of the header */
    kiln_metadata *entry;
    int hashed; /* 1: carried a hash, and it matched */
    kiln_arena arena;
} kiln_safetensors;

/* Borrows `bytes`, which must outlive the result. KILN_E_CHECKPOINT with a sentence that begins
 * with `what`
 * ("run.safetensors"), KILN_E_MEMORY. On failure nothing is held. */
int kiln_safetensors_read(kiln_safetensors *file, const uint8_t *bytes, size_t size,
                          const char *what);
void kiln_safetensors_free(kiln_safetensors *file); /* any number of times */

const kiln_safetensor *kiln_safetensors_find(const kiln_safetensors *file,
                                             const char *name);                       /* or NULL */
const char *kiln_safetensors_metadata(const kiln_safetensors *file, const char *key); /* or NULL */

/* Writes the whole file into a fresh arena: out->base, *size bytes. Entries must not hold
 * "kiln.hash" themselves. KILN_E_ARG for names twice or outside the limits, KILN_E_MEMORY. */
int kiln_safetensors_write(kiln_arena *out, size_t *size, const kiln_safetensor *tensor,
                           int tensors, const kiln_metadata *entry, int entries);

/* Of a type: its name in files, and the bytes of one element. */
const char *kiln_safetensors_type_name(enum kiln_safetensors_type type);
int kiln_safetensors_type_bytes(enum kiln_safetensors_type type);

/* The hash of a file whose sixteen digits stand at digits_at. */
void kiln_safetensors_hash(char digits[17], const uint8_t *bytes, size_t size, size_t digits_at);

#endif
