/*
 * Weights of other programs: what is taken goes where it belongs, in the order that the other
 * program stores it; what does not fit, lacks something or holds one array too many is refused with
 * a sentence, and nothing is kept.
 */
#include "formats/import.h"
#include "formats/zip.h"

#include "base/status.h"
#include "check.h"
#include "checkpoints.h"
#include "formats/formats.h"

#define TWO "affine 4 - relu - affine 10 - softmax"
#define NORMED "conv 3x3x2 - batchnorm - relu - avgpool - affine 10 - softmax"
#define PIXELS 3072

static float w1[PIXELS * 4], w1_transposed[PIXELS * 4], b1[4], w2[40], w2_transposed[40], b2[10];
static kiln_json table;

/* An array of a file to be made. */
typedef struct {
    const char *name;
    enum kiln_safetensors_type type;
    int dims, shape[4];
    const void *data;
} array;

static kiln_bytes write_safetensors(const array *a, int count)
{
    kiln_safetensor t[16];
    kiln_bytes out = {0};

    for (int i = 0; i < count; i++) {
        t[i] = (kiln_safetensor){
            .name = a[i].name, .type = a[i].type, .dims = a[i].dims, .data = a[i].data};
        memcpy(t[i].shape, a[i].shape, sizeof a[i].shape);
    }
    if (kiln_safetensors_write(&out.arena, &out.size, t, count,
                               &(kiln_metadata){"format", "pt"}, 1) < 0)
        CHECK_FAIL("%s", kiln_error());
    return out;
}

/* The weights of `net` from a file, or the status; the export is read as any other is. */
static int import(kiln_bytes *out, const char *net, const kiln_bytes *file)
{
    int status;

    kiln_json_begin(&table);
    status = kiln_import_weights(out, &table, net, NULL, VERSION, (uint8_t *)file->arena.base,
                                 file->size);
    if (status > 0) assert_true(kiln_json_end(&table) > 0);
    return status;
}

static void taken(const kiln_bytes *file, const char *net, const float *w, const float *w_last,
                  const char *told)
{
    kiln_bytes out;
    kiln_run *r;
    kiln_net *n;

    if (import(&out, net, file) != 1) CHECK_FAIL("%s", kiln_error());
    if (!strstr(kiln_json_text(&table), told))
        CHECK_FAIL("%s is not in %s", told, kiln_json_text(&table));
    if (kiln_checkpoint_begin(&r, &data, (uint8_t *)out.arena.base, out.size, "batch=10") < 0)
        CHECK_FAIL("%s", kiln_error());
    n = r->learner.net;
    CHECK_SAME_BITS(kiln_net_tensor_at(n, 0)->data, w, kiln_net_tensor_at(n, 0)->size);
    for (int i = 0; i < kiln_net_tensor_count(n); i++)
        if (!strcmp(kiln_net_tensor_at(n, i)->name, "affine2.w"))
            CHECK_SAME_BITS(kiln_net_tensor_at(n, i)->data, w_last, 40);
    assert_true(kiln_run_step(r) >= 0);
    kiln_run_free(r);
    if (kiln_checkpoint_load(&r, &data, (uint8_t *)out.arena.base, out.size, NULL) < 0)
        CHECK_FAIL("%s", kiln_error());
    assert_true(kiln_evaluate(&r->test, 2, 0, 10, 1, NULL, NULL) >= 0);
    kiln_run_free(r);
    kiln_bytes_free(&out);
}

static void refused_import(const kiln_bytes *file, const char *net, int status, const char *why)
{
    const size_t live = kiln_arena_live();
    kiln_bytes out;

    assert_int_equal(import(&out, net, file), status);
    if (!strstr(kiln_error(), why)) CHECK_FAIL("\"%s\", not \"%s\"", kiln_error(), why);
    CHECK(kiln_arena_live() <= live + table.arena.size && out.size == 0);
}

/* ---- safetensors ----------------------------------------------------------------------------- */

static void kilns_and_pytorchs_names(void **state)
{
    const array own[] = {{"affine1.w", KILN_F32, 2, {PIXELS, 4}, w1},
                         {"affine1.b", KILN_F32, 1, {4}, b1},
                         {"affine2.w", KILN_F32, 2, {4, 10}, w2},
                         {"affine2.b", KILN_F32, 1, {10}, b2}};
    const array modules[] = {{"affine1.bias", KILN_F32, 1, {4}, b1},
                             {"affine1.weight", KILN_F32, 2, {4, PIXELS}, w1_transposed},
                             {"affine2.bias", KILN_F32, 1, {10}, b2},
                             {"affine2.weight", KILN_F32, 2, {10, 4}, w2_transposed}};
    /* A sequence: "10" comes after "2", whatever the order of the file. */
    const array sequence[] = {{"net.10.bias", KILN_F32, 1, {10}, b2},
                              {"net.10.weight", KILN_F32, 2, {10, 4}, w2_transposed},
                              {"net.2.bias", KILN_F32, 1, {4}, b1},
                              {"net.2.weight", KILN_F32, 2, {4, PIXELS}, w1_transposed}};
    kiln_bytes f;

    (void)state;
    f = write_safetensors(own, 4);
    taken(&f, TWO, w1, w2, "\"from\":\"affine1.w\",\"how\":\"as it is\"");
    kiln_bytes_free(&f);
    f = write_safetensors(modules, 4);
    taken(&f, TWO, w1, w2, "\"from\":\"affine2.weight\",\"how\":\"transposed\"");
    kiln_bytes_free(&f);
    f = write_safetensors(sequence, 4);
    taken(&f, TWO, w1, w2, "\"tensor\":\"affine1.w\",\"shape\":[3072,4],\"from\":\"net.2.weight\"");
    kiln_bytes_free(&f);
}

static void doubles_and_counters(void **state)
{
    static double wide[PIXELS * 4];
    static const float gamma[2] = {1, 2}, filters[54] = {0.5f}, last[20] = {0.25f};
    const int64_t batches = 7;
    const array two[] = {{"1.weight", KILN_F64, 2, {4, PIXELS}, wide},
                         {"1.bias", KILN_F32, 1, {4}, b1},
                         {"3.weight", KILN_F32, 2, {10, 4}, w2_transposed},
                         {"3.bias", KILN_F32, 1, {10}, b2}};
    array normed[] = {{"c.weight", KILN_F32, 4, {2, 3, 3, 3}, filters},
                      {"c.bias", KILN_F32, 1, {2}, gamma},
                      {"d.weight", KILN_F32, 1, {2}, gamma},
                      {"d.bias", KILN_F32, 1, {2}, gamma},
                      {"d.running_mean", KILN_F32, 1, {2}, gamma},
                      {"d.running_var", KILN_F32, 1, {2}, gamma},
                      {"d.num_batches_tracked", KILN_I64, 0, {0}, &batches},
                      {"e.weight", KILN_F32, 2, {10, 2}, last},
                      {"e.bias", KILN_F32, 1, {10}, b2}};
    kiln_bytes f;

    (void)state;
    for (int i = 0; i < PIXELS * 4; i++) wide[i] = w1_transposed[i];
    f = write_safetensors(two, 4);
    taken(&f, TWO, w1, w2, "\"from\":\"1.weight\"");
    kiln_bytes_free(&f);
    f = write_safetensors(normed, 9);
    taken(&f, NORMED, filters, NULL, "\"from\":\"d.running_var\",\"how\":\"as it is\"");
    kiln_bytes_free(&f);
    wide[5] = 1e300;
    f = write_safetensors(two, 4);
    refused_import(&f, TWO, KILN_E_CHECKPOINT, "1.weight holds a value that is no finite float32");
    kiln_bytes_free(&f);
}

static void what_does_not_fit(void **state)
{
    static const uint16_t half[40];
    const array more[] = {{"1.weight", KILN_F32, 2, {4, PIXELS}, w1_transposed},
                          {"1.bias", KILN_F32, 1, {4}, b1},
                          {"3.weight", KILN_F32, 2, {10, 4}, w2_transposed},
                          {"3.bias", KILN_F32, 1, {10}, b2},
                          {"4.scale", KILN_F32, 1, {10}, b2}};
    const array halves[] = {{"1.weight", KILN_F32, 2, {4, PIXELS}, w1_transposed},
                            {"1.bias", KILN_F32, 1, {4}, b1},
                            {"3.weight", KILN_F16, 2, {10, 4}, half},
                            {"3.bias", KILN_F32, 1, {10}, b2}};
    kiln_bytes f = write_safetensors(more, 5), out;
    kiln_run *r = make_run(NET "batch=10\n");

    (void)state;
    refused_import(&f, TWO, KILN_E_CHECKPOINT, "the net has no place for 4.scale");
    refused_import(&f, "affine 5 - affine 10 - softmax", KILN_E_CHECKPOINT,
                   "fit affine1 with affine1.w (3072, 5); left are 1.bias F32 (4)");
    refused_import(&f, "affine - softmax", KILN_E_NOTATION, "net: column");
    refused_import(&f, NULL, KILN_E_ARG, "names no net");
    kiln_bytes_free(&f);
    f = write_safetensors(more, 3);
    refused_import(&f, TWO, KILN_E_CHECKPOINT, "fit affine2");
    kiln_bytes_free(&f);
    f = write_safetensors(halves, 4);
    refused_import(&f, TWO, KILN_E_CHECKPOINT, "3.weight F16 (10, 4)");
    f.size--;
    refused_import(&f, TWO, KILN_E_CHECKPOINT, "");
    kiln_bytes_free(&f);
    f.arena = (kiln_arena){0};
    assert_true(kiln_checkpoint_export(r, VERSION, &f.arena, &f.size) >= 0);
    assert_int_equal(import(&out, NULL, &f), 0); /* kiln's own: as it is */
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* ---- .npz ------------------------------------------------------------------------------------ */

/* What leaves as .npz comes back with the same bits, normalisation and all. */
static void kilns_own_npz(void **state)
{
    kiln_run *r = make_run(NET "batch=10\n"), *on;
    kiln_bytes npz, back, cut;
    file f = save(r);

    (void)state;
    kiln_arena_destroy(&f.arena);
    advance(r, 9);
    f = save(r);
    assert_true(kiln_format_write(&npz, "npz", (uint8_t *)f.arena.base, f.size) >= 0);
    if (import(&back, r->o.net, &npz) != 1) CHECK_FAIL("%s", kiln_error());
    if (kiln_checkpoint_load(&on, &data, (uint8_t *)back.arena.base, back.size, NULL) < 0)
        CHECK_FAIL("%s", kiln_error());
    assert_true(kiln_net_hash64(on->learner.net) == kiln_net_hash64(r->learner.net));
    CHECK_SAME_BITS(on->data->mean, data.mean, 3);
    CHECK_SAME_BITS(on->data->std, data.std, 3);
    kiln_run_free(on);
    for (size_t size = 0; size < npz.size; size += 1 + npz.size / 200) {
        cut = npz, cut.size = size;
        refused_import(&cut, r->o.net, KILN_E_CHECKPOINT, "");
        npz.arena.base[size] ^= 0x10;
        if (import(&cut, r->o.net, &npz) == 1) kiln_bytes_free(&cut); /* a date, or padding */
        npz.arena.base[size] ^= 0x10;
    }
    kiln_bytes_free(&npz), kiln_bytes_free(&back);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

static void put_entry(kiln_bytes *b, const char *magic, const char *name, const kiln_bytes *npy,
                      int method, size_t at)
{
    const int directory = magic[2] == 1;

    kiln_bytes_put(b, magic, 4);
    kiln_bytes_little_endian(b, 20, directory ? 4 : 2);
    kiln_bytes_little_endian(b, 0, 2);
    kiln_bytes_little_endian(b, (uint64_t)method, 2);
    kiln_bytes_zeros(b, 4);
    kiln_bytes_little_endian(b, kiln_crc32(0, (uint8_t *)npy->arena.base, npy->size), 4);
    kiln_bytes_little_endian(b, directory ? npy->size : UINT32_MAX, 4); /* as numpy.savez does */
    kiln_bytes_little_endian(b, directory ? npy->size : UINT32_MAX, 4);
    kiln_bytes_little_endian(b, strlen(name), 2);
    kiln_bytes_little_endian(b, 0, 2);
    if (directory) kiln_bytes_zeros(b, 10), kiln_bytes_little_endian(b, at, 4);
    kiln_bytes_text(b, name);
}

/* An archive of one array, or of three with the biases of TWO. */
typedef struct {
    const char *head; /* of W1 */
    const void *data;
    size_t bytes;
    int method;
} npz;

static kiln_bytes write_npz(const npz *z)
{
    static const char *const names[] = {"W1.npy", "b1.npy", "W2.npy", "b2.npy"};
    static const char *const heads[] = {
        NULL, "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }\n",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (4, 10), }\n",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10,), }\n"};
    const void *const values[] = {z->data, b1, w2_transposed, b2};
    const size_t bytes[] = {z->bytes, sizeof b1, sizeof w2_transposed, sizeof b2};
    kiln_bytes out = {0}, npy[4] = {{{0}, 0, 0}};
    size_t at[4], directory;

    for (int i = 0; i < 4; i++) {
        const char *head = i ? heads[i] : z->head;

        kiln_bytes_put(&npy[i], "\x93NUMPY\1\0", 8);
        kiln_bytes_little_endian(&npy[i], strlen(head), 2);
        kiln_bytes_text(&npy[i], head);
        kiln_bytes_put(&npy[i], values[i], bytes[i]);
        at[i] = out.size;
        put_entry(&out, "PK\3\4", names[i], &npy[i], z->method, 0);
        kiln_bytes_put(&out, npy[i].arena.base, npy[i].size);
    }
    directory = out.size;
    for (int i = 0; i < 4; i++) put_entry(&out, "PK\1\2", names[i], &npy[i], z->method, at[i]);
    kiln_bytes_put(&out, "PK\5\6\0\0\0\0\4\0\4\0", 12);
    kiln_bytes_little_endian(&out, out.size - 12 - directory, 4);
    kiln_bytes_little_endian(&out, directory, 4);
    kiln_bytes_zeros(&out, 2);
    for (int i = 0; i < 4; i++) kiln_bytes_free(&npy[i]);
    return out;
}

static void the_courses_npz(void **state)
{
    static double wide[PIXELS * 4];
    const npz taken_ones[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3072, 4), }\n", wide, sizeof wide, 0},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (3072, 4), }\n", w1_transposed,
         sizeof w1, 0},
    };
    const struct {
        npz z;
        const char *why;
    } wrong[] = {
        {{"{'descr': '<f4', 'fortran_order': False, 'shape': (3072, 4), }\n", w1, sizeof w1, 8},
         "W1: is compressed; write it with numpy.savez"},
        {{"{'descr': '>f4', 'fortran_order': False, 'shape': (3072, 4), }\n", w1, sizeof w1, 0},
         "neither float32 nor float64"},
        {{"{'descr': '<f4', 'fortran_order': False, 'shape': (3072, 5), }\n", w1, sizeof w1, 0},
         "its shape and its size disagree"},
        {{"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }\n", w1, sizeof w1, 0},
         "its shape is none"},
        {{"{'descr': '<f4', 'shape': (3072, 4), }\n", w1, sizeof w1, 0}, "names no order"},
        {{"{'descr': '<f4', 'fortran_order': False}\n", w1, sizeof w1, 0}, "has no shape"},
        {{"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2, 2, 2, 2), }\n", w1, 192, 0},
         "more than 4 dimensions"},
        {{"{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2, 2), }\n", w1, 48, 0},
         "np.ascontiguousarray"},
        {{"{'descr': '<f4', 'fortran_order': False, 'shape': (3072, 3), }\n", w1, sizeof w1 / 4 * 3,
          0}, "fit affine1"},
    };

    (void)state;
    for (int i = 0; i < PIXELS * 4; i++) wide[i] = w1[i];
    for (size_t i = 0; i < sizeof taken_ones / sizeof *taken_ones; i++) {
        kiln_bytes f = write_npz(&taken_ones[i]);

        taken(&f, TWO, w1, w2, "\"from\":\"W1\",\"how\":\"as it is\"");
        kiln_bytes_free(&f);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        kiln_bytes f = write_npz(&wrong[i].z);

        refused_import(&f, TWO, KILN_E_CHECKPOINT, wrong[i].why);
        kiln_bytes_free(&f);
    }
}

/* What torch.save writes is a zip archive too; nothing in it is run. */
static void a_pickle_is_called_one(void **state)
{
    const npz z = {"{'descr': '<f4', 'fortran_order': False, 'shape': (3072, 4), }\n", w1,
                   sizeof w1, 0};
    kiln_bytes f = write_npz(&z);

    (void)state;
    for (size_t i = 0; i + 6 <= f.size; i++)
        if (!memcmp(f.arena.base + i, "W1.npy", 6)) memcpy(f.arena.base + i, "W1.pkl", 6);
    refused_import(&f, TWO, KILN_E_CHECKPOINT, "safetensors.torch.save_file");
    kiln_bytes_free(&f);
}

/* An affine layer of 16 pixels, of a file that names the net and says `input`; 0, or the status. */
static int import_sixteen(const char *input, const kiln_net_options *o, kiln_bytes *out)
{
    const kiln_safetensor t[] = {{.name = "affine1.weight", .type = KILN_F32, .dims = 2,
                                  .shape = {10, 16}, .data = w1},
                                 {.name = "affine1.bias", .type = KILN_F32, .dims = 1,
                                  .shape = {10}, .data = b2}};
    const kiln_metadata named[] = {{"net", "affine 10 - softmax"}, {"input", input}};
    kiln_bytes file = {0};
    int status;

    assert_true(kiln_safetensors_write(&file.arena, &file.size, t, 2, named, 2) >= 0);
    kiln_json_begin(&table);
    status = kiln_import_weights(out, &table, NULL, o, VERSION, (uint8_t *)file.arena.base,
                                 file.size);
    kiln_bytes_free(&file);
    return status;
}

static void the_size_of_the_images(void **state)
{
    kiln_net_options o;
    kiln_json head = {0};
    kiln_bytes out;

    (void)state;
    assert_int_equal(import_sixteen("1x4x4", NULL, &out), 1);
    kiln_json_begin(&head);
    assert_true(kiln_checkpoint_json((uint8_t *)out.arena.base, out.size, &head) >= 0);
    assert_true(kiln_json_end(&head) > 0);
    assert_non_null(strstr(kiln_json_text(&head), "\"input\":[1,4,4]"));
    kiln_json_free(&head);
    kiln_bytes_free(&out);
    assert_int_equal(import_sixteen("4x4", NULL, &out), KILN_E_CHECKPOINT); /* of 3 channels */
    kiln_net_options_default(&o);
    o.C = 1, o.H = 2, o.W = 8; /* what is asked for goes before what the file says */
    assert_int_equal(import_sixteen("1x4x4", &o, &out), 1);
    kiln_bytes_free(&out);
    o.W = KILN_SIDE_MAX + 1;
    assert_int_equal(import_sixteen("1x4x4", &o, &out), KILN_E_ARG);
    static const char *const wrong[] = {"", "x", "1x4", "0x4x4", "5x4x4", "1x4x", "1x4x4x4",
                                        "1x65x4", "16", "01x4x4", "1x4x4 "};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (import_sixteen(wrong[i], NULL, &out) != KILN_E_CHECKPOINT) CHECK_FAIL("%s", wrong[i]);
}

static int fill_weights(void **state)
{
    for (int d = 0; d < PIXELS; d++)
        for (int m = 0; m < 4; m++)
            w1[d * 4 + m] = w1_transposed[m * PIXELS + d] = 1e-3f * (float)(d - 500 * m);
    for (int d = 0; d < 4; d++)
        for (int m = 0; m < 10; m++) w2[d * 10 + m] = w2_transposed[m * 4 + d] = (float)(d + 7 * m);
    return set_up(state);
}

static int free_all(void **state)
{
    kiln_json_free(&table);
    return free_data(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kilns_and_pytorchs_names), cmocka_unit_test(doubles_and_counters),
        cmocka_unit_test(what_does_not_fit),        cmocka_unit_test(kilns_own_npz),
        cmocka_unit_test(the_courses_npz),          cmocka_unit_test(a_pickle_is_called_one),
        cmocka_unit_test(the_size_of_the_images),
    };

    return cmocka_run_group_tests(tests, fill_weights, free_all);
}
