/*
 * NumPy's .npz: a zip archive of .npy arrays, stored and not compressed, which np.load opens.
 *
 * Names are the course's: layers with weights are numbered 1, 2, .. in order of running, and a
 * norm, or slopes, bear the number of the layer with weights before them, as in cs231n's
 * fc_net.py: W1, b1, gamma1, beta1, running_mean1, running_var1, W2, ... A name that is taken (two
 * norms behind one layer), or that would have the number 0, is kiln's own: "batchnorm2.gamma".
 * mean and std (C) are those of the training pixels, 0..255. Shapes are the course's: W (F, C, HH,
 * WW) or (D, M).
 *
 * Sources: numpy.lib.format, version 1.0; PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12, 4.3.16.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"

#define HEADER_SIZE 128 /* of a .npy: a multiple of 64, enough for four dimensions */
#define ENTRIES_MAX (KILN_TENSORS_MAX + 2)
#define DATE 0x21 /* 1 January 1980, the first there is: the same model gives the same file */

typedef struct {
    char name[KILN_NPZ_NAME + 4]; /* and ".npy" */
    uint32_t crc, size, at;
} entry;

typedef struct {
    kiln_bytes *out;
    entry *list;
    char (*course)[KILN_NPZ_NAME]; /* of the net's tensors */
    int count;
} archive;

uint32_t kiln_crc32(uint32_t crc, const uint8_t *bytes, size_t size)
{
    uint32_t table[256];

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++) table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xEDB88320u : 0);
    }
    crc = ~crc;
    for (size_t i = 0; i < size; i++) crc = table[(crc ^ bytes[i]) & 255] ^ crc >> 8;
    return ~crc;
}

/* What a local header and the directory say alike of an entry: versions to length of the name. */
static void put_facts(kiln_bytes *b, const entry *e)
{
    kiln_bytes_little_endian(b, 20, 2); /* zip 2.0 opens it */
    kiln_bytes_little_endian(b, 0, 4);  /* no flags; stored */
    kiln_bytes_little_endian(b, (uint64_t)DATE << 16, 4);
    kiln_bytes_little_endian(b, e->crc, 4);
    kiln_bytes_little_endian(b, e->size, 4); /* packed, and unpacked */
    kiln_bytes_little_endian(b, e->size, 4);
    kiln_bytes_little_endian(b, strlen(e->name), 2);
    kiln_bytes_little_endian(b, 0, 2); /* nothing extra */
}

/* The head of a .npy: magic, version 1.0, a Python dictionary, spaces and a line end. */
static void npy_header(uint8_t out[HEADER_SIZE], const int *shape, int dims)
{
    char text[HEADER_SIZE];
    int length = snprintf(text, sizeof text, "{'descr': '<f4', 'fortran_order': False, 'shape': (");

    for (int i = 0; i < dims; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%d,%s", shape[i],
                           i + 1 < dims ? " " : "");
    length += snprintf(text + length, sizeof text - (size_t)length, "), }");
    memset(out, ' ', HEADER_SIZE);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = HEADER_SIZE - 10, out[9] = 0;
    memcpy(out + 10, text, (size_t)length);
    out[HEADER_SIZE - 1] = '\n';
}

static int add(archive *a, const char *name, const int *shape, int dims, const void *data)
{
    entry *e = &a->list[a->count++];
    uint8_t header[HEADER_SIZE];
    size_t bytes = sizeof(float);

    for (int i = 0; i < dims; i++) bytes *= (size_t)shape[i];
    if (a->out->size + bytes > INT_MAX)
        return kiln_fail(KILN_E_MEMORY, "npz: the file would have more than %d bytes", INT_MAX);
    npy_header(header, shape, dims);
    snprintf(e->name, sizeof e->name, "%s", name);
    e->size = (uint32_t)(HEADER_SIZE + bytes);
    e->at = (uint32_t)a->out->size;
    e->crc = kiln_crc32(kiln_crc32(0, header, HEADER_SIZE), data, bytes);
    kiln_bytes_text(a->out, "PK\x03\x04");
    put_facts(a->out, e);
    kiln_bytes_text(a->out, e->name);
    kiln_bytes_put(a->out, header, HEADER_SIZE);
    kiln_bytes_put(a->out, data, bytes);
    return KILN_OK;
}

static int taken(char name[][KILN_NPZ_NAME], kiln_net *net, const char *wanted)
{
    for (int i = 0; i < kiln_net_tensor_count(net); i++)
        if (strcmp(name[i], wanted) == 0) return 1;
    return 0;
}

void kiln_npz_names(char name[][KILN_NPZ_NAME], kiln_net *net)
{
    int weights = 0, at; /* layers with weights so far */

    for (int i = 0; i < kiln_net_tensor_count(net); i++) name[i][0] = 0;
    for (int l = 0; l < kiln_net_plan(net)->count; l++)
        for (int i = 0; (at = kiln_net_tensor_of(net, l, i)) >= 0; i++) {
            const kiln_tensor *t = kiln_net_tensor_at(net, at);
            const char *own = strchr(t->name, '.') + 1;
            char course[KILN_NPZ_NAME];

            weights += t->random; /* weights are what is drawn at the start */
            snprintf(course, sizeof course, "%s%d", strcmp(own, "w") == 0 ? "W" : own, weights);
            if (!weights || taken(name, net, course))
                snprintf(course, sizeof course, "%s", t->name);
            strcpy(name[at], course);
        }
}

static int add_tensors(archive *a, const kiln_model *m)
{
    char file[KILN_NPZ_NAME + 4];
    int at;

    kiln_npz_names(a->course, m->net);
    for (int l = 0; l < kiln_net_plan(m->net)->count; l++)
        for (int i = 0; (at = kiln_net_tensor_of(m->net, l, i)) >= 0; i++) {
            const kiln_tensor *t = kiln_net_tensor_at(m->net, at);

            snprintf(file, sizeof file, "%s.npy", a->course[at]);
            KILN_TRY(add(a, file, t->shape, t->dims, m->value[at]));
        }
    KILN_TRY(add(a, "mean.npy", &m->channels, 1, m->mean));
    return add(a, "std.npy", &m->channels, 1, m->std);
}

static void put_directory(archive *a)
{
    const size_t at = a->out->size;
    size_t bytes;

    for (int i = 0; i < a->count; i++) {
        kiln_bytes_text(a->out, "PK\x01\x02");
        kiln_bytes_little_endian(a->out, 20, 2); /* made by zip 2.0 */
        put_facts(a->out, &a->list[i]);
        kiln_bytes_zeros(a->out, 10); /* no comment, disk 0, attributes */
        kiln_bytes_little_endian(a->out, a->list[i].at, 4);
        kiln_bytes_text(a->out, a->list[i].name);
    }
    bytes = a->out->size - at;
    kiln_bytes_text(a->out, "PK\x05\x06");
    kiln_bytes_zeros(a->out, 4); /* disk 0 of 0 */
    kiln_bytes_little_endian(a->out, (uint64_t)a->count, 2);
    kiln_bytes_little_endian(a->out, (uint64_t)a->count, 2);
    kiln_bytes_little_endian(a->out, bytes, 4);
    kiln_bytes_little_endian(a->out, at, 4);
    kiln_bytes_zeros(a->out, 2); /* no comment */
}

int kiln_write_npz(kiln_bytes *out, const kiln_model *m)
{
    archive a = {.out = out};
    kiln_arena list = {0};
    int status;

    for (int pass = 0; pass < 2; pass++) {
        if (pass) KILN_TRY(kiln_arena_create(&list, list.used, "the list of arrays"));
        a.list = kiln_arena_take(&list, ENTRIES_MAX, sizeof *a.list);
        a.course = kiln_arena_take(&list, KILN_TENSORS_MAX, sizeof *a.course);
    }
    status = add_tensors(&a, m);
    if (status >= 0) put_directory(&a);
    kiln_arena_destroy(&list);
    return status;
}
