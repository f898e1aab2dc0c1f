/*
 * Safetensors writer, and the hash of a file: FNV-1a, 64 bits (Fowler, Noll, Vo), in which every
 * step is a bijection of the state, so that no change of a single byte goes unseen.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"
#include "net/safetensors.h"

#define ZEROS "0000000000000000"

void kiln_safetensors_hash(char digits[17], const uint8_t *bytes, size_t size, size_t digits_at)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (size_t i = 0; i < size; i++) {
        const uint8_t byte = i - digits_at < 16 ? '0' : bytes[i];

        hash = (hash ^ byte) * 0x100000001b3;
    }
    snprintf(digits, 17, "%016llx", (unsigned long long)hash);
}

const char *kiln_safetensors_type_name(enum kiln_safetensors_type type)
{
    static const char *const names[] = {"F32", "I32", "U8", "F64", "I64", "F16", "BF16"};

    return names[type];
}

int kiln_safetensors_type_bytes(enum kiln_safetensors_type type)
{
    static const int bytes[] = {4, 4, 1, 8, 8, 2, 2};

    return bytes[type];
}

/* Bytes of a tensor, or -1 beyond the limits. */
static int64_t tensor_bytes(const kiln_safetensor *t)
{
    int64_t elements = 1;

    if (t->dims < 0 || t->dims > 4) return -1;
    for (int i = 0; i < t->dims; i++) {
        if (t->shape[i] < 0) return -1;
        elements *= t->shape[i];
        if (elements > KILN_SAFETENSORS_ELEMENTS_MAX) return -1;
    }
    return elements * kiln_safetensors_type_bytes(t->type);
}

static int write_tensor(kiln_json *json, const kiln_safetensor *t, int64_t *offset)
{
    const int64_t bytes = tensor_bytes(t);
    const size_t length = strlen(t->name);

    if (bytes < 0 || !length || length > KILN_SAFETENSORS_NAME_MAX)
        return kiln_fail(KILN_E_ARG, "tensor \"%.60s\": name or shape outside the limits", t->name);
    kiln_json_object(json, t->name);
    kiln_json_string(json, "dtype", kiln_safetensors_type_name(t->type));
    kiln_json_array(json, "shape");
    for (int i = 0; i < t->dims; i++) kiln_json_int(json, NULL, t->shape[i]);
    kiln_json_close(json);
    kiln_json_array(json, "data_offsets");
    kiln_json_int(json, NULL, *offset);
    kiln_json_int(json, NULL, *offset += bytes);
    kiln_json_close(json);
    kiln_json_close(json);
    return KILN_OK;
}

static int write_header(kiln_json *json, const kiln_safetensor *tensor, int tensors,
                        const kiln_metadata *entry, int entries, int64_t *bytes)
{
    kiln_json_begin(json);
    kiln_json_object(json, NULL);
    kiln_json_object(json, "__metadata__");
    kiln_json_string(json, KILN_SAFETENSORS_HASH, ZEROS);
    for (int i = 0; i < entries; i++) kiln_json_string(json, entry[i].key, entry[i].value);
    kiln_json_close(json);
    *bytes = 0;
    for (int i = 0; i < tensors; i++) KILN_TRY(write_tensor(json, &tensor[i], bytes));
    kiln_json_close(json);
    return kiln_json_end(json);
}

/* Header and tensors into *out. The header is padded with spaces, so that floats lie aligned. */
static int write_file(kiln_arena *out, size_t *size, const char *header, size_t length,
                      const kiln_safetensor *tensor, int tensors, int64_t bytes)
{
    const size_t padded = (length + 7) / 8 * 8;
    const size_t digits_at = 8 + (size_t)(strstr(header, ZEROS) - header);
    uint8_t *at;

    if (padded > KILN_SAFETENSORS_HEADER_MAX)
        return kiln_fail(KILN_E_ARG, "a checkpoint's header of %zu bytes is longer than %d", padded,
                         KILN_SAFETENSORS_HEADER_MAX);
    if ((uint64_t)bytes > kiln_memory_limit())
        return kiln_fail(KILN_E_MEMORY, "a checkpoint needs %.1f MB", (double)bytes / 1e6);
    *size = 8 + padded + (size_t)bytes;
    KILN_TRY(kiln_arena_create(out, *size, "a checkpoint"));
    at = (uint8_t *)out->base;
    for (int i = 0; i < 8; i++) at[i] = (uint8_t)((uint64_t)padded >> 8 * i);
    memset(at + 8, ' ', padded);
    memcpy(at + 8, header, length);
    at += 8 + padded;
    for (int i = 0; i < tensors; i++) {
        const size_t count = (size_t)tensor_bytes(&tensor[i]);

        if (count) memcpy(at, tensor[i].data, count);
        at += count;
    }
    char digits[17];

    kiln_safetensors_hash(digits, (uint8_t *)out->base, *size, digits_at);
    memcpy(out->base + digits_at, digits, 16);
    return KILN_OK;
}

/* No name twice: the reader would refuse it. */
static int check_unique(const kiln_safetensor *tensor, int tensors, const kiln_metadata *entry,
                        int entries)
{
    if (tensors > KILN_SAFETENSORS_TENSORS_MAX || entries >= KILN_SAFETENSORS_TENSORS_MAX)
        return kiln_fail(KILN_E_ARG, "a checkpoint of more than %d tensors or entries",
                         KILN_SAFETENSORS_TENSORS_MAX);
    for (int i = 0; i < tensors; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(tensor[i].name, tensor[j].name) == 0)
                return kiln_fail(KILN_E_ARG, "tensor \"%.60s\" twice", tensor[i].name);
    for (int i = 0; i < entries; i++) {
        int twice = strcmp(entry[i].key, KILN_SAFETENSORS_HASH) == 0;

        for (int j = 0; j < i; j++) twice |= strcmp(entry[i].key, entry[j].key) == 0;
        if (twice || strlen(entry[i].key) > KILN_SAFETENSORS_NAME_MAX)
            return kiln_fail(KILN_E_ARG, "metadata \"%.60s\" twice or too long", entry[i].key);
    }
    return KILN_OK;
}

int kiln_safetensors_write(kiln_arena *out, size_t *size, const kiln_safetensor *tensor,
                           int tensors, const kiln_metadata *entry, int entries)
{
    kiln_json json;
    int64_t bytes;
    int status;

    memset(&json, 0, sizeof json);
    memset(out, 0, sizeof *out);
    KILN_TRY(check_unique(tensor, tensors, entry, entries));
    status = write_header(&json, tensor, tensors, entry, entries, &bytes);
    if (status >= 0)
        status = write_file(out, size, kiln_json_text(&json), (size_t)status, tensor, tensors,
                            bytes);
    kiln_json_free(&json);
    return status;
}
