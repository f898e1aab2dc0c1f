/*
 * Reading .npz: the directory of the zip archive, then each array's own head. Sizes stand in the
 * directory; what the local heads say is not believed (numpy.savez leaves them open).
 *
 * Sources: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12, 4.3.16; numpy.lib.format.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/import.h"
#include "formats/zip.h"

#define END_BYTES 22       /* of the record that ends a directory, without a comment */
#define ENTRY_BYTES 46     /* of an entry of the directory, without its name */
#define LOCAL_BYTES 30     /* of a local head */
#define ENTRIES_MAX 4096
#define NPY_BYTES 10 /* magic, version and length of the head, versions 1 */

typedef struct {
    const uint8_t *bytes;
    size_t size;
    char name[KILN_SAFETENSORS_NAME_MAX + 1]; /* of the array at hand, for sentences */
} reading;

static uint32_t little_endian(const uint8_t *at, int bytes)
{
    uint32_t value = 0;

    while (bytes--) value = value << 8 | at[bytes];
    return value;
}

static int refuse(const reading *r, const char *sentence)
{
    return kiln_fail(KILN_E_CHECKPOINT, "npz: %.60s%s%s", r->name, *r->name ? ": " : "", sentence);
}

int kiln_is_zip(const uint8_t *bytes, size_t size)
{
    return size >= 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "PK\5\6", 4));
}

/* ---- the head of an array -------------------------------------------------------------------- */

/* What follows "'key':" in a head, past spaces; NULL where it is missing. */
static const char *value_of(const char *head, const char *key)
{
    const char *at = strstr(head, key);

    if (!at) return NULL;
    at += strlen(key);
    return at + strspn(at, " ");
}

static int read_type(const reading *r, const char *head, kiln_safetensor *t)
{
    const char *type = value_of(head, "'descr':");

    if (!type) return refuse(r, "its head names no type");
    if (!strncmp(type, "'<f4'", 5)) return t->type = KILN_F32, KILN_OK;
    if (!strncmp(type, "'<f8'", 5)) return t->type = KILN_F64, KILN_OK;
    if (!strncmp(type, "'<i8'", 5)) return t->type = KILN_I64, KILN_OK;
    return refuse(r, "its type is neither float32 nor float64; use astype(np.float32)");
}

/* "(3, 4)", "(5,)", "()" */
static int read_shape(const reading *r, const char *head, kiln_safetensor *t)
{
    const char *at = value_of(head, "'shape':");

    t->dims = 0;
    if (!at || *at++ != '(') return refuse(r, "its head has no shape");
    for (at += strspn(at, " "); *at != ')'; at += strspn(at, " ,")) {
        char *end;
        const unsigned long size = strtoul(at, &end, 10);

        if (end == at || *at == '-' || size > KILN_SAFETENSORS_ELEMENTS_MAX)
            return refuse(r, "its shape is none");
        if (t->dims == 4) return refuse(r, "it has more than 4 dimensions");
        t->shape[t->dims++] = (int)size;
        at = end;
    }
    return KILN_OK;
}

/* The bytes that the shape asks for are those there are. */
static int check_size(const reading *r, const kiln_safetensor *t)
{
    uint64_t elements = 1;

    for (int i = 0; i < t->dims; i++) {
        elements *= (uint64_t)t->shape[i]; /* at most 2^28 times 2^28 */
        if (elements > KILN_SAFETENSORS_ELEMENTS_MAX)
            return refuse(r, "it has more than 2^28 elements");
    }
    if (elements * (uint64_t)kiln_safetensors_type_bytes(t->type) == t->bytes) return KILN_OK;
    return refuse(r, "its shape and its size disagree");
}

static int read_npy(const reading *r, kiln_import_array *a, const uint8_t *bytes, size_t size)
{
    const size_t lengths = size > 6 && bytes[6] > 1 ? 4 : 2;
    size_t length, begins = 8 + lengths;
    char head[512];
    const char *order;

    if (size < NPY_BYTES + 2 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] > 3)
        return refuse(r, "is no array of NumPy's; unpack the archive, and name the file of weights "
                         "in it");
    length = little_endian(bytes + 8, (int)lengths);
    if (length > size - begins || length >= sizeof head)
        return refuse(r, "its head is cut short, or longer than an array's");
    memcpy(head, bytes + begins, length);
    head[length] = 0;
    KILN_TRY(read_type(r, head, &a->t));
    KILN_TRY(read_shape(r, head, &a->t));
    order = value_of(head, "'fortran_order':");
    if (!order) return refuse(r, "its head names no order");
    a->column_major = *order == 'T' && a->t.dims > 1;
    if (a->column_major && a->t.dims > 2)
        return refuse(r, "lies in Fortran's order; use np.ascontiguousarray");
    a->t.data = bytes + begins + length;
    a->t.bytes = size - begins - length;
    return check_size(r, &a->t);
}

/* ---- the archive ----------------------------------------------------------------------------- */

/* The array of the directory's entry at `at`, whose name is in r->name. */
static int read_entry(const reading *r, const uint8_t *at, kiln_import_array *a)
{
    const uint32_t flags = little_endian(at + 8, 2), method = little_endian(at + 10, 2);
    const size_t packed = little_endian(at + 20, 4), size = little_endian(at + 24, 4);
    const size_t local = little_endian(at + 42, 4);
    size_t begins;

    if (strlen(r->name) > 4 && !strcmp(r->name + strlen(r->name) - 4, ".pkl"))
        return refuse(r, "is a pickle: this is a file of torch.save; write the state_dict with "
                         "safetensors.torch.save_file");
    if (flags & 1) return refuse(r, "is encrypted");
    if (method != 0) return refuse(r, "is compressed; write it with numpy.savez");
    if (packed != size || local > r->size || r->size - local < LOCAL_BYTES ||
        memcmp(r->bytes + local, "PK\3\4", 4) != 0)
        return refuse(r, "is not where the archive's directory says");
    begins = local + LOCAL_BYTES + little_endian(r->bytes + local + 26, 2) +
             little_endian(r->bytes + local + 28, 2);
    if (begins > r->size || size > r->size - begins) return refuse(r, "is cut short");
    if (kiln_crc32(0, r->bytes + begins, size) != little_endian(at + 16, 4))
        return refuse(r, "is damaged: its checksum is another");
    return read_npy(r, a, r->bytes + begins, size);
}

/* The directory: its first byte, and how many entries it has. */
static int find_directory(const reading *r, const uint8_t **at, int *count)
{
    const uint8_t *end = r->bytes + r->size - END_BYTES;
    size_t begins;

    if (r->size < END_BYTES || memcmp(end, "PK\5\6", 4) != 0)
        return refuse(r, "is cut short: the archive's directory is not at its end");
    *count = (int)little_endian(end + 10, 2);
    begins = little_endian(end + 16, 4);
    if (*count > ENTRIES_MAX) return refuse(r, "the archive has more than 4096 arrays");
    if (begins > r->size - END_BYTES) return refuse(r, "its directory is not where it says");
    *at = r->bytes + begins;
    return KILN_OK;
}

/* The name of an entry into r->name, without ".npy". Returns the bytes of the whole entry. */
static int read_name(reading *r, const uint8_t *at)
{
    const size_t left = (size_t)(r->bytes + r->size - at);
    size_t length, whole;

    r->name[0] = 0;
    if (left < ENTRY_BYTES || memcmp(at, "PK\1\2", 4) != 0)
        return refuse(r, "an entry of its directory is none");
    length = little_endian(at + 28, 2);
    whole = ENTRY_BYTES + length + little_endian(at + 30, 2) + little_endian(at + 32, 2);
    if (length < 1 || length > KILN_SAFETENSORS_NAME_MAX || whole > left ||
        memchr(at + ENTRY_BYTES, 0, length))
        return refuse(r, "a name in its directory is longer than 256 bytes, or none");
    memcpy(r->name, at + ENTRY_BYTES, length);
    r->name[length] = 0;
    if (length > 4 && strcmp(r->name + length - 4, ".npy") == 0) r->name[length - 4] = 0;
    return (int)whole;
}

static int read_entries(reading *r, const uint8_t *at, int count, kiln_import_list *list,
                        char *names)
{
    for (int i = 0; i < count; i++) {
        kiln_import_array *a = &list->array[i];
        int bytes;

        KILN_TRY(bytes = read_name(r, at));
        for (int k = 0; k < i; k++)
            if (strcmp(list->array[k].t.name, r->name) == 0) return refuse(r, "stands twice");
        a->t.name = strcpy(names, r->name);
        names += strlen(names) + 1;
        KILN_TRY(read_entry(r, at, a));
        at += bytes;
        list->count++;
    }
    return KILN_OK;
}

int kiln_npz_read(kiln_import_list *list, const uint8_t *bytes, size_t size)
{
    reading r = {.bytes = bytes, .size = size};
    const uint8_t *directory = NULL;
    kiln_arena plan = {0};
    char *names = NULL;
    int count = 0, status;

    memset(list, 0, sizeof *list);
    KILN_TRY(find_directory(&r, &directory, &count));
    for (int pass = 0; pass < 2; pass++) {
        kiln_arena *a = pass ? &list->arena : &plan;

        if (pass) KILN_TRY(kiln_arena_create(a, plan.used, "the list of arrays"));
        list->array = kiln_arena_take(a, (size_t)count + 1, sizeof *list->array);
        names = kiln_arena_take(a, (size_t)count + 1, KILN_SAFETENSORS_NAME_MAX + 1);
    }
    status = read_entries(&r, directory, count, list, names);
    if (status < 0) kiln_arena_destroy(&list->arena);
    return status;
}
