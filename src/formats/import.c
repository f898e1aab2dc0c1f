/*
 * Writing the arrays of another program, once they are matched (import_match.c), as an export.
 */
#include "formats/import.h"

#include <stdio.h>
#include <string.h>

#include "base/simd.h"
#include "base/status.h"
#include "formats/formats.h"
#include "kernels/vec.h"
#include "train/checkpoint.h"
#include "train/checkpoint_head.h"

#define KILN_IMPORT_TOLD 6

/* ---- values ---------------------------------------------------------------------------------- */

static float value_at(const kiln_import_array *a, size_t i)
{
    double wide;
    float value;

    if (a->t.type == KILN_F64) {
        memcpy(&wide, (const char *)a->t.data + i * sizeof wide, sizeof wide);
        return (float)wide;
    }
    memcpy(&value, (const char *)a->t.data + i * sizeof value, sizeof value);
    return value;
}

/* The tensor's values in kiln's order. An array (R, C) whose rows do not lie one after the other,
 * and one whose rows are the tensor's columns, are read across; both together are as they are. */
static int copy_values(float *out, const kiln_import_array *a, const kiln_tensor *t)
{
    const int across = t->dims == 2 && kiln_import_is_transposed(a, t) != a->column_major;
    const size_t rows = across ? (size_t)t->shape[0] : 1, columns = (size_t)t->size / rows;

    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[r * columns + c] = value_at(a, across ? c * rows + r : c);
    if (kiln_vec_all_finite(out, t->size)) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "import: %.60s holds a value that is no finite float32",
                     a->t.name);
}

static void tell(kiln_json *j, const kiln_tensor *t, const kiln_import_array *a)
{
    kiln_json_object(j, NULL);
    kiln_json_string(j, "tensor", t->name);
    kiln_json_array(j, "shape");
    for (int i = 0; i < t->dims; i++) kiln_json_int(j, NULL, t->shape[i]);
    kiln_json_close(j);
    if (a)
        kiln_json_string(j, "from", a->t.name);
    else
        kiln_json_null(j, "from");
    kiln_json_string(j, "how", !a                    ? "start value"
                               : kiln_import_is_transposed(a, t) ? "transposed"
                                                     : "as it is");
    kiln_json_close(j);
}

/* The net's tensors into m->out, their values into a fresh arena. */
static int collect(kiln_import_matching *m, kiln_arena *values, kiln_json *j)
{
    const int count = kiln_net_tensor_count(m->net);
    kiln_arena plan = {0};

    for (int i = 0; i < count; i++)
        kiln_arena_take(&plan, (size_t)kiln_net_tensor_at(m->net, i)->size, sizeof(float));
    KILN_TRY(kiln_arena_create(values, plan.used, "the imported weights"));
    kiln_json_array(j, NULL);
    for (int i = 0; i < count; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, i);
        const kiln_import_array *a = m->from[i] < 0 ? NULL : &m->list.array[m->from[i]];
        float *to = kiln_arena_take(values, (size_t)t->size, sizeof *to);

        m->out[i] = (kiln_safetensor){
            .name = t->name, .type = KILN_F32, .dims = t->dims, .data = to};
        memcpy(m->out[i].shape, t->shape, sizeof t->shape);
        if (a)
            KILN_TRY(copy_values(to, a, t));
        else
            kiln_vec_fill(to, t->size, t->start);
        tell(j, t, a);
    }
    kiln_json_close(j);
    return KILN_OK;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* What kiln told of the net in the metadata of its own file for PyTorch; how many entries. */
static int copy_told(kiln_metadata *entry, const kiln_safetensors *told)
{
    static const char *const keys[KILN_IMPORT_TOLD] = {"data", "data_hash", "classes",
                                                       "normalize", "mean", "std"};
    int entries = 0;

    for (int k = 0; told && k < KILN_IMPORT_TOLD; k++) {
        const char *value = kiln_safetensors_metadata(told, keys[k]);

        if (value) entry[entries++] = (kiln_metadata){keys[k], value};
    }
    return entries;
}

/* The means or deviations that an .npz of kiln's tells, as JSON, min..255 each: 1; 0 where there
 * are none, KILN_E_CHECKPOINT where they are none of pixels. */
static int list_pixels(const kiln_import_matching *m, const char *name, double min, char out[80])
{
    for (int i = 0; i < m->list.count; i++) {
        const kiln_import_array *a = &m->list.array[i];
        int at = 0;

        if (strcmp(a->t.name, name) || !kiln_import_is_float(a) || a->t.dims != 1 ||
            a->t.shape[0] != m->of.C)
            continue;
        for (int c = 0; c < m->of.C; c++) {
            const double value = (double)value_at(a, (size_t)c);

            if (!(value >= min && value <= 255))
                return kiln_fail(KILN_E_CHECKPOINT, "import: %s holds %g, which is none of pixels",
                                 name, value);
            at += snprintf(out + at, (size_t)(80 - at), "%c%.9g", c ? ',' : '[', value);
        }
        strcpy(out + at, "]");
        return 1;
    }
    return 0;
}

static int write_export(kiln_bytes *out, const kiln_import_matching *m, const char *net,
                        const char *version)
{
    char input[32], mean[80], std[80];
    kiln_metadata entry[6 + KILN_IMPORT_TOLD] = {{"format", KILN_CHECKPOINT_FORMAT},
                                                 {"format_version", KILN_CHECKPOINT_VERSION},
                                                 {"version", version},
                                                 {"mode", KILN_FUSED ? "fused" : "strict"},
                                                 {"net", net},
                                                 {"input", input}};
    int entries = 6, told;

    KILN_TRY(told = list_pixels(m, "mean", 0, mean));
    if (told) KILN_TRY(told = list_pixels(m, "std", KILN_STD_MIN, std));
    snprintf(input, sizeof input, "%dx%dx%d", m->of.C, m->of.H, m->of.W);
    entries += copy_told(entry + entries, m->told);
    if (entries == 6) {
        entry[entries++] = (kiln_metadata){"normalize", "channel"};
        if (told) {
            entry[entries++] = (kiln_metadata){"mean", mean};
            entry[entries++] = (kiln_metadata){"std", std};
        }
    }
    return kiln_safetensors_write(&out->arena, &out->size, m->out,
                                  kiln_net_tensor_count(m->net), entry, entries);
}

/* The list of a safetensors file's arrays. */
static int list_safetensors(kiln_import_list *list, const kiln_safetensors *f)
{
    KILN_TRY(kiln_arena_create(&list->arena, ((size_t)f->tensors + 1) * sizeof *list->array,
                               "the list of arrays"));
    list->array = (kiln_import_array *)(void *)list->arena.base;
    list->count = f->tensors;
    for (int i = 0; i < f->tensors; i++) list->array[i].t = f->tensor[i];
    return KILN_OK;
}

static int import_list(kiln_bytes *out, kiln_json *j, const char *net, const char *version,
                       kiln_import_matching *m)
{
    kiln_arena values = {0};
    int status;

    KILN_TRY(kiln_net_sketch(&m->net, net, &m->of));
    status = kiln_import_match(m);
    if (status >= 0) status = collect(m, &values, j);
    if (status >= 0) status = write_export(out, m, net, version);
    kiln_arena_destroy(&values);
    kiln_net_free(m->net);
    return status < 0 ? status : 1;
}

static int import_with(kiln_bytes *out, kiln_json *j, const char *net, const kiln_net_options *o,
                       const char *version, kiln_import_list list, const kiln_safetensors *told)
{
    kiln_arena arena;
    kiln_import_matching *m;
    int status;

    KILN_TRY(kiln_arena_create(&arena, sizeof *m, "the matching of tensors"));
    m = (kiln_import_matching *)(void *)arena.base;
    m->list = list;
    m->told = told;
    m->of = *o;
    status = import_list(out, j, net, version, m);
    kiln_arena_destroy(&arena);
    return status;
}

static int no_net(void)
{
    return kiln_fail(KILN_E_ARG, "import: the file is another program's and names no net; say "
                                 "which net its weights are of, by the option net");
}

static int import_safetensors(kiln_bytes *out, kiln_json *j, const char *net,
                              const kiln_net_options *o, const char *version,
                              const kiln_safetensors *f)
{
    const char *format = kiln_safetensors_metadata(f, "format"), *format_version;
    const char *own = kiln_safetensors_metadata(f, "net");
    kiln_import_list list = {0};
    kiln_net_options told;
    int status;

    if (format && strcmp(format, KILN_CHECKPOINT_FORMAT) == 0 && f->hashed)
        return kiln_checkpoint_origin(f, &format_version);
    if (!net || !*net) net = own;
    if (!net) return no_net();
    kiln_net_options_default(&told);
    if (!o && own)
        KILN_TRY(kiln_checkpoint_input(f, &told.C, &told.H, &told.W));
    KILN_TRY(list_safetensors(&list, f));
    status = import_with(out, j, net, o ? o : &told, version, list,
                         own && strcmp(own, net) == 0 ? f : NULL);
    kiln_arena_destroy(&list.arena);
    return status;
}

int kiln_import_weights(kiln_bytes *out, kiln_json *j, const char *net, const kiln_net_options *o,
                        const char *version, const uint8_t *bytes, size_t size)
{
    kiln_net_options standard;
    kiln_import_list list;
    kiln_safetensors f;
    int status;

    *out = (kiln_bytes){0};
    if (o && (o->C > KILN_CHANNELS_MAX || o->H > KILN_SIDE_MAX || o->W > KILN_SIDE_MAX))
        return kiln_fail(KILN_E_ARG, "import: images have at most %d channels of %dx%d, not "
                         "%dx%dx%d", KILN_CHANNELS_MAX, KILN_SIDE_MAX, KILN_SIDE_MAX, o->C, o->H,
                         o->W);
    if (!kiln_is_zip(bytes, size)) {
        KILN_TRY(kiln_safetensors_read(&f, bytes, size, "checkpoint"));
        status = import_safetensors(out, j, net, o, version, &f);
        kiln_safetensors_free(&f);
        return status;
    }
    if (!net || !*net) return no_net();
    kiln_net_options_default(&standard);
    KILN_TRY(kiln_npz_read(&list, bytes, size));
    status = import_with(out, j, net, o ? o : &standard, version, list, NULL);
    kiln_arena_destroy(&list.arena);
    return status;
}
