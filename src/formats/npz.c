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
 * Source: numpy.lib.format, version 1.0.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/zip.h"

#define HEADER_SIZE 128 /* of a .npy: a multiple of 64, enough for four dimensions */

typedef struct {
    kiln_zip zip;
    char (*course)[KILN_NPZ_NAME]; /* of the net's tensors */
} archive;

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
    uint8_t header[HEADER_SIZE];
    size_t bytes = sizeof(float);

    for (int i = 0; i < dims; i++) bytes *= (size_t)shape[i];
    npy_header(header, shape, dims);
    return kiln_zip_add(&a->zip, name, header, HEADER_SIZE, data, bytes);
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

int kiln_write_npz(kiln_bytes *out, const kiln_model *m)
{
    archive a = {.zip = {.out = out}};
    kiln_arena names;

    KILN_TRY(kiln_arena_create(&names, KILN_TENSORS_MAX * sizeof *a.course, "the arrays' names"));
    a.course = (char (*)[KILN_NPZ_NAME])(void *)names.base;

    const int status = kiln_zip_end(&a.zip, add_tensors(&a, m));

    kiln_arena_destroy(&names);
    return status;
}
