/*
 * Safetensors reader: the header is read twice, once to learn the sizes and once into one arena
 * that holds the tables and the names. See safetensors.h for the format and what is refused. The
 * writer is safetensors_write.c.
 *
 * "No hole, no overlap": tensors sorted by offset must each begin where the one before ends, the
 * first at 0 and the last at the end of the file. Empty tensors take no place and may lie at any
 * such border.
 */
#include "net/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/status.h"

typedef struct {
    kiln_json_reader json;
    const uint8_t *bytes, *data; /* the file; the first byte of the tensors */
    size_t size, data_size;
    const char *what;
    kiln_safetensors *file; /* tables NULL in the first reading */
    char *names;            /* capacity for all strings; NULL in the first reading */
    size_t names_size, names_used;
    size_t hash_at; /* offset of the sixteen digits; 0: none */
    char key[KILN_SAFETENSORS_NAME_MAX + 1];
} reading;

static int refuse(const reading *r, const char *name, const char *sentence)
{
    return kiln_fail(KILN_E_CHECKPOINT, "%s: tensor \"%.60s\": %s", r->what, name, sentence);
}

/* ---- one tensor ------------------------------------------------------------------------------ */

static int read_type(reading *r, kiln_safetensor *t)
{
    char type[8];

    KILN_TRY(kiln_json_read_string(&r->json, type, sizeof type));
    for (int i = 0; i < KILN_SAFETENSORS_TYPES; i++) {
        t->type = (enum kiln_safetensors_type)i;
        if (strcmp(type, kiln_safetensors_type_name(t->type)) == 0) return KILN_OK;
    }
    return refuse(r, r->key, "its type is none of F32, I32, U8, F64, I64, F16, BF16");
}

static int read_shape(reading *r, kiln_safetensor *t)
{
    int more;

    t->dims = 0;
    KILN_TRY(kiln_json_enter_array(&r->json));
    while ((more = kiln_json_next(&r->json, NULL, 0)) > 0) {
        int64_t size;

        if (t->dims == 4) return refuse(r, r->key, "has more than 4 dimensions");
        KILN_TRY(kiln_json_read_int(&r->json, 0, KILN_SAFETENSORS_ELEMENTS_MAX, &size));
        t->shape[t->dims++] = (int)size;
    }
    return more;
}

static int read_offsets(reading *r, size_t offset[2])
{
    KILN_TRY(kiln_json_enter_array(&r->json));
    for (int i = 0; i < 2; i++) {
        int64_t value;
        const int more = kiln_json_next(&r->json, NULL, 0);

        if (more < 0) return more;
        if (!more) return refuse(r, r->key, "data_offsets are not two numbers");
        KILN_TRY(kiln_json_read_int(&r->json, 0, INT64_MAX, &value));
        if ((uint64_t)value > r->data_size) return refuse(r, r->key, "lies beyond the file's end");
        offset[i] = (size_t)value;
    }
    return kiln_json_next(&r->json, NULL, 0) > 0
               ? refuse(r, r->key, "data_offsets are not two numbers")
               : r->json.failed;
}

/* Bytes that type and shape ask for, against those between the offsets. */
static int check_size(const reading *r, const kiln_safetensor *t, const size_t offset[2])
{
    uint64_t elements = 1;

    for (int i = 0; i < t->dims; i++) {
        elements *= (uint64_t)t->shape[i]; /* at most 2^28 times 2^28 */
        if (elements > KILN_SAFETENSORS_ELEMENTS_MAX)
            return refuse(r, r->key, "has more than 2^28 elements");
    }
    elements *= (uint64_t)kiln_safetensors_type_bytes(t->type);
    if (offset[1] < offset[0] || offset[1] - offset[0] != elements)
        return refuse(r, r->key, "its shape and its data_offsets disagree");
    return KILN_OK;
}

/* A copy of `text` among the names; NULL in the first reading, which only counts. */
static const char *keep(reading *r, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = r->names ? r->names + r->names_used : NULL;

    if (copy) memcpy(copy, text, size);
    r->names_used += size;
    return copy;
}

static int read_tensor(reading *r)
{
    kiln_safetensor t = {0};
    size_t offset[2] = {0, 0};
    int seen = 0, more;
    char field[16];

    if (r->file->tensors == KILN_SAFETENSORS_TENSORS_MAX)
        return kiln_fail(KILN_E_CHECKPOINT, "%s: more than %d tensors", r->what,
                         KILN_SAFETENSORS_TENSORS_MAX);
    KILN_TRY(kiln_json_enter_object(&r->json));
    while ((more = kiln_json_next(&r->json, field, sizeof field)) > 0) {
        const int which = !strcmp(field, "dtype")          ? 1
                          : !strcmp(field, "shape")        ? 2
                          : !strcmp(field, "data_offsets") ? 4
                                                           : 0;

        if (!which || (seen & which))
            return refuse(r, r->key, "has a field twice, or one of another format");
        seen |= which;
        KILN_TRY(which == 1   ? read_type(r, &t)
                 : which == 2 ? read_shape(r, &t)
                              : read_offsets(r, offset));
    }
    if (more < 0) return more;
    if (seen != 7) return refuse(r, r->key, "lacks dtype, shape or data_offsets");
    KILN_TRY(check_size(r, &t, offset));
    t.name = keep(r, r->key);
    t.bytes = offset[1] - offset[0];
    t.data = r->data + offset[0];
    if (r->file->tensor) r->file->tensor[r->file->tensors] = t;
    r->file->tensors++;
    return KILN_OK;
}

/* ---- the header ------------------------------------------------------------------------------ */

/* A value of the metadata among the names. The first reading takes its length as written, escapes
 * and all, as an upper bound. */
static int read_value(reading *r, const char **value)
{
    const int kind = kiln_json_peek(&r->json);
    const char *from = r->json.at;

    if (!r->names && kind == '"') {
        KILN_TRY(kiln_json_skip(&r->json));
        r->names_used += (size_t)(r->json.at - from);
        return KILN_OK;
    }
    if (!r->names) return kiln_json_read_string(&r->json, r->key, 1); /* fails: no string */
    *value = r->names + r->names_used;
    const int length = kiln_json_read_string(&r->json, r->names + r->names_used,
                                             r->names_size - r->names_used);

    r->names_used += length < 0 ? 0 : (size_t)length + 1;
    return length;
}

static int read_metadata(reading *r)
{
    int more;

    KILN_TRY(kiln_json_enter_object(&r->json));
    while ((more = kiln_json_next(&r->json, r->key, sizeof r->key)) > 0) {
        kiln_metadata entry = {keep(r, r->key), NULL};

        if (r->file->entries == KILN_SAFETENSORS_TENSORS_MAX)
            return kiln_fail(KILN_E_CHECKPOINT, "%s: more than %d entries of metadata", r->what,
                             KILN_SAFETENSORS_TENSORS_MAX);
        if (kiln_json_peek(&r->json) == '"' && !strcmp(r->key, KILN_SAFETENSORS_HASH))
            r->hash_at = (size_t)((const uint8_t *)r->json.at + 1 - r->bytes);
        KILN_TRY(read_value(r, &entry.value));
        if (r->file->entry) r->file->entry[r->file->entries] = entry;
        r->file->entries++;
    }
    return more;
}

static int read_header(reading *r, size_t length)
{
    int more, metadata = 0;

    r->file->tensors = r->file->entries = 0;
    r->names_used = 0;
    kiln_json_read(&r->json, (const char *)r->bytes + 8, length, r->what, KILN_E_CHECKPOINT);
    KILN_TRY(kiln_json_enter_object(&r->json));
    while ((more = kiln_json_next(&r->json, r->key, sizeof r->key)) > 0) {
        if (strcmp(r->key, "__metadata__") != 0) {
            KILN_TRY(read_tensor(r));
        } else {
            if (metadata++)
                return kiln_fail(KILN_E_CHECKPOINT, "%s: __metadata__ stands twice", r->what);
            KILN_TRY(read_metadata(r));
        }
    }
    return more < 0 ? more : kiln_json_read_end(&r->json);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const kiln_safetensor *const *)a)->name,
                  (*(const kiln_safetensor *const *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const kiln_metadata *const *)a)->key, (*(const kiln_metadata *const *)b)->key);
}

/* By offset, the empty ones first. */
static int by_place(const void *a, const void *b)
{
    const kiln_safetensor *t = *(const kiln_safetensor *const *)a;
    const kiln_safetensor *u = *(const kiln_safetensor *const *)b;

    if (t->data != u->data) return (const char *)t->data < (const char *)u->data ? -1 : 1;
    return (t->bytes > 0) - (u->bytes > 0);
}

static int check_names(const reading *r, const void **order)
{
    const kiln_safetensors *f = r->file;

    for (int i = 0; i < f->entries; i++) order[i] = &f->entry[i];
    qsort(order, (size_t)f->entries, sizeof *order, by_key);
    for (int i = 1; i < f->entries; i++)
        if (by_key(&order[i - 1], &order[i]) == 0)
            return kiln_fail(KILN_E_CHECKPOINT, "%s: metadata \"%.60s\" stands twice", r->what,
                             ((const kiln_metadata *)order[i])->key);
    for (int i = 0; i < f->tensors; i++) order[i] = &f->tensor[i];
    qsort(order, (size_t)f->tensors, sizeof *order, by_name);
    for (int i = 1; i < f->tensors; i++)
        if (by_name(&order[i - 1], &order[i]) == 0)
            return refuse(r, ((const kiln_safetensor *)order[i])->name, "stands twice");
    return KILN_OK;
}

static int check_places(const reading *r, const void **order)
{
    const kiln_safetensors *f = r->file;
    const uint8_t *next = r->data;

    for (int i = 0; i < f->tensors; i++) order[i] = &f->tensor[i];
    qsort(order, (size_t)f->tensors, sizeof *order, by_place);
    for (int i = 0; i < f->tensors; i++) {
        const kiln_safetensor *t = order[i];

        if (t->data != next)
            return refuse(r, t->name, "overlaps its neighbour, or leaves a hole before it");
        next += t->bytes;
    }
    if (next == r->data + r->data_size) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "%s: %zu bytes follow the last tensor", r->what,
                     (size_t)(r->data + r->data_size - next));
}

static int check_hash(reading *r)
{
    const char *digits = kiln_safetensors_metadata(r->file, KILN_SAFETENSORS_HASH);
    char expected[17];

    r->file->hashed = 0;
    if (!digits) return KILN_OK;
    if (strlen(digits) != 16 || memcmp(digits, r->bytes + r->hash_at, 16) != 0)
        return kiln_fail(KILN_E_CHECKPOINT, "%s: its hash is not of sixteen digits", r->what);
    kiln_safetensors_hash(expected, r->bytes, r->size, r->hash_at);
    if (strcmp(expected, digits) != 0)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "%s is damaged: its hash is %s, but it says %s; take another copy",
                         r->what, expected, digits);
    r->file->hashed = 1;
    return KILN_OK;
}

/* The length of the header, or a sentence about what this is instead. */
static int begin(const uint8_t *bytes, size_t size, const char *what, size_t *length)
{
    /* A header may have 60 bytes, which is a '<' as well; a page has no zeros. */
    const int zeros = size >= 8 && memcmp(bytes + 4, "\0\0\0", 4) == 0;
    uint64_t stated = 0;

    if (size && bytes[0] == '<' && !zeros)
        return kiln_fail(KILN_E_CHECKPOINT, "%s: this is a web page, not a checkpoint", what);
    if (size < 10)
        return kiln_fail(KILN_E_CHECKPOINT, "%s: %zu bytes are too few for a checkpoint", what,
                         size);
    for (int i = 7; i >= 0; i--) stated = stated << 8 | bytes[i];
    if (stated > KILN_SAFETENSORS_HEADER_MAX || bytes[8] != '{')
        return kiln_fail(KILN_E_CHECKPOINT, "%s: this is no safetensors file", what);
    if (stated > size - 8)
        return kiln_fail(KILN_E_CHECKPOINT,
                         "%s: cut short: its header alone has %zu bytes, the "
                         "file %zu",
                         what, (size_t)stated, size);
    *length = (size_t)stated;
    return KILN_OK;
}

/* The second reading, into tables that the first has measured. */
static int read_tables(reading *r, size_t length)
{
    kiln_safetensors *f = r->file;
    const size_t tensors = (size_t)f->tensors, entries = (size_t)f->entries;
    const void **order = NULL;

    for (int pass = 0; pass < 2; pass++) {
        f->tensor = kiln_arena_take(&f->arena, tensors, sizeof *f->tensor);
        f->entry = kiln_arena_take(&f->arena, entries, sizeof *f->entry);
        order = kiln_arena_take(&f->arena, tensors + entries, sizeof *order);
        r->names_size = pass ? r->names_size : r->names_used;
        r->names = kiln_arena_take(&f->arena, r->names_size + 1, 1);
        if (!pass) KILN_TRY(kiln_arena_create(&f->arena, f->arena.used, r->what));
    }
    r->names_size++;
    KILN_TRY(read_header(r, length));
    KILN_TRY(check_names(r, order));
    KILN_TRY(check_places(r, order));
    return check_hash(r);
}

int kiln_safetensors_read(kiln_safetensors *file, const uint8_t *bytes, size_t size,
                          const char *what)
{
    reading r = {.bytes = bytes, .size = size, .what = what, .file = file};
    size_t length = 0;
    int status;

    memset(file, 0, sizeof *file);
    KILN_TRY(begin(bytes, size, what, &length));
    r.data = bytes + 8 + length;
    r.data_size = size - 8 - length;
    KILN_TRY(read_header(&r, length));
    status = read_tables(&r, length);
    if (status < 0) kiln_safetensors_free(file);
    return status;
}

void kiln_safetensors_free(kiln_safetensors *file)
{
    kiln_arena_destroy(&file->arena);
    memset(file, 0, sizeof *file);
}

const kiln_safetensor *kiln_safetensors_find(const kiln_safetensors *file, const char *name)
{
    for (int i = 0; i < file->tensors; i++)
        if (strcmp(file->tensor[i].name, name) == 0) return &file->tensor[i];
    return NULL;
}

const char *kiln_safetensors_metadata(const kiln_safetensors *file, const char *key)
{
    for (int i = 0; i < file->entries; i++)
        if (strcmp(file->entry[i].key, key) == 0) return file->entry[i].value;
    return NULL;
}
