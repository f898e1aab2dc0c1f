/*
 * The public functions of data sets: kiln.h, "data sets". Arguments are checked here, the bytes of
 * files in src/data.
 */
#include <limits.h>
#include <stdio.h>

#include "api/api_layers.h"
#include "api/api_text.h"
#include "api/handles.h"
#include "base/keyvalue.h"
#include "base/status.h"
#include "data/batch.h"
#include "data/signature.h"
#include "kernels/vec.h"
#include "kiln.h"
#include "layers/layers.h"

_Static_assert((int)KILN_TRAIN == 0 && (int)KILN_VALIDATION == 1 && (int)KILN_TEST == 2,
               "splits are numbered as in data/dataset.h");
_Static_assert((int)KILN_BY_NAME == KILN_SPLIT_BY_NAME, "as in data/dataset.h");
_Static_assert((int)KILN_FILE_RECORDS == KILN_IS_RECORDS && (int)KILN_FILE_GZIP ==
               KILN_IS_GZIP && (int)KILN_FILE_TAR == KILN_IS_TAR, "as in data/signature.h");

/* What a handle stands for; first the data set, so that others may read the pointer as one. */
typedef struct {
    kiln_dataset set;
    kiln_arena self;
} data_object;

static const char *const split_name[KILN_SPLITS] = {"training", "validation", "test"};

/* ---- making and ending ----------------------------------------------------------------------- */

typedef struct {
    int64_t seed, count[KILN_SPLITS]; /* -1: the standard */
} set_options;

static int read_set_options(set_options *o, const char *text)
{
    static const char *const keys[] = {"train", "validation", "test", "data-seed"};
    const int count = sizeof keys / sizeof *keys;
    kiln_keyvalue pair;
    int more;

    *o = (set_options){1, {-1, -1, -1}};
    while ((more = kiln_keyvalue_next(&text, &pair)) > 0) {
        int which = 0;

        while (which < count && strcmp(keys[which], pair.key) != 0) which++;
        if (which == count) return kiln_key_unknown(pair.key, keys, count);
        if (which == 3)
            KILN_TRY(kiln_value_int(&pair, 0, 4294967295, &o->seed));
        else
            KILN_TRY(kiln_value_int(&pair, -1, 1000000, &o->count[which]));
    }
    return more;
}

static int make_object(data_object **object)
{
    kiln_arena self;

    KILN_TRY(kiln_arena_create(&self, sizeof **object, "the data set"));
    *object = (data_object *)(void *)self.base;
    (*object)->self = self;
    return KILN_OK;
}

static void free_object(data_object *object)
{
    kiln_arena self = object->self;

    kiln_dataset_destroy(&object->set);
    kiln_arena_destroy(&self);
}

/* A handle; the object is freed when there is none, or when `status` says that making it failed. */
static int put(data_object *object, int status)
{
    const int handle = status < 0 ? status : kiln_handle_put(KILN_KIND_DATA, object);

    if (handle < 0) free_object(object);
    return handle;
}

static kiln_dataset *get(int handle)
{
    return kiln_handle_get(KILN_KIND_DATA, handle);
}

int kiln_data_builtin_create(const char *options)
{
    static const int standard[KILN_SPLITS] = {8000, 1000, 1000};
    int count[KILN_SPLITS];
    data_object *object;
    set_options o;

    KILN_TRY(read_set_options(&o, options));
    for (int i = 0; i < KILN_SPLITS; i++)
        count[i] = o.count[i] < 0 ? standard[i] : (int)o.count[i];
    KILN_TRY(make_object(&object));
    return put(object, kiln_builtin_begin(&object->set, (uint32_t)o.seed, count[0], count[1],
                                          count[2]));
}

int kiln_data_builtin_draw(int data, int images)
{
    kiln_dataset *d = get(data);

    if (!d) return KILN_E_HANDLE;
    if (!d->builtin) return kiln_fail(KILN_E_STATE, "data set: only a built-in one is drawn");
    if (images < 1) return kiln_fail(KILN_E_ARG, "data set: %d images to draw", images);
    return d->finished ? 0 : kiln_builtin_draw(d, images);
}

int kiln_data_builtin(const char *options)
{
    int data;

    KILN_TRY(data = kiln_data_builtin_create(options));
    kiln_builtin_draw(get(data), INT_MAX);
    return data;
}

int kiln_data_create(void)
{
    data_object *object;

    KILN_TRY(make_object(&object));
    return put(object, kiln_fileset_create(&object->set));
}

int kiln_data_destroy(int data)
{
    data_object *object = kiln_handle_take(KILN_KIND_DATA, data);

    if (!object) return KILN_E_HANDLE;
    free_object(object);
    return KILN_OK;
}

/* ---- reading files --------------------------------------------------------------------------- */

int kiln_data_kind(const char *name, const uint8_t *head, int size, int total)
{
    if (!name || size < 0 || (!head && size > 0))
        return kiln_fail(KILN_E_ARG, "data set: a file needs a name and its first bytes");
    const int kind = kiln_signature_read(name, head, size, total);

    return kind > KILN_IS_TAR ? KILN_FILE_RECORDS : kind;
}

int kiln_data_add_file(int data, const char *name, const uint8_t *bytes, int size, int split)
{
    kiln_dataset *d = get(data);

    if (!d) return KILN_E_HANDLE;
    if (!name || size < 0 || (!bytes && size > 0))
        return kiln_fail(KILN_E_ARG, "data set: a file needs a name and its bytes");
    return kiln_fileset_add_file(d, name, bytes, size, split);
}

int kiln_data_feed_tar(int data, const uint8_t *bytes, int size)
{
    kiln_dataset *d = get(data);

    if (!d) return KILN_E_HANDLE;
    if (size < 0 || (!bytes && size > 0))
        return kiln_fail(KILN_E_ARG, "data set: an archive needs its bytes");
    return kiln_fileset_feed_tar(d, bytes, size);
}

int kiln_data_finish(int data, const char *options)
{
    kiln_dataset *d = get(data);
    set_options o;

    if (!d) return KILN_E_HANDLE;
    KILN_TRY(read_set_options(&o, options));
    return kiln_fileset_finish(d, (int)o.count[0], (int)o.count[1], (int)o.count[2],
                               (uint32_t)o.seed);
}

/* ---- looking at images ----------------------------------------------------------------------- */

/* The data set, finished; NULL with the status in *status. */
static const kiln_dataset *get_finished(int handle, int *status)
{
    const kiln_dataset *d = get(handle);

    *status = KILN_E_HANDLE;
    if (!d || d->finished) return d;
    *status = kiln_fail(KILN_E_STATE, "data set: finish it before using it");
    return NULL;
}

static int check_range(const kiln_dataset *d, int split, int first, int n)
{
    if (split < 0 || split >= KILN_SPLITS)
        return kiln_fail(KILN_E_ARG, "split: 0 (train), 1 (validation) or 2 (test), not %d", split);
    if (d->count[split] == 0)
        return kiln_fail(KILN_E_ARG, "data set: there are no %s images", split_name[split]);
    if (first < 0 || n < 0 || first > d->count[split] - n)
        return kiln_fail(KILN_E_ARG, "data set: image %d and %d more of %d %s images", first, n - 1,
                         d->count[split], split_name[split]);
    return KILN_OK;
}

int kiln_data_info(int data)
{
    static const char *const key[KILN_SPLITS] = {"train", "validation", "test"};
    int status;
    const kiln_dataset *d = get_finished(data, &status);
    char hash[17];
    kiln_json *j;

    if (!d) return status;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)d->hash);
    j = kiln_text_begin();
    kiln_json_object(j, NULL);
    kiln_json_string(j, "name", d->name);
    kiln_json_array(j, "classes");
    for (int i = 0; i < d->classes; i++) kiln_json_string(j, NULL, d->class_name[i]);
    kiln_json_close(j);
    kiln_json_array(j, "shape");
    kiln_json_int(j, NULL, d->C);
    kiln_json_int(j, NULL, d->H);
    kiln_json_int(j, NULL, d->W);
    kiln_json_close(j);
    for (int i = 0; i < KILN_SPLITS; i++) kiln_json_int(j, key[i], d->count[i]);
    kiln_json_array(j, "mean");
    for (int c = 0; c < d->C; c++) kiln_json_number(j, NULL, d->mean[c]);
    kiln_json_close(j);
    kiln_json_array(j, "std");
    for (int c = 0; c < d->C; c++) kiln_json_number(j, NULL, d->std[c]);
    kiln_json_close(j);
    kiln_json_string(j, "hash", hash);
    kiln_json_close(j);
    return kiln_text_end();
}

int kiln_data_image(int data, int split, int i, uint8_t *out)
{
    int status;
    const kiln_dataset *d = get_finished(data, &status);

    if (!d) return status;
    KILN_TRY(check_range(d, split, i, 1));
    kiln_dataset_want(d, split, NULL, i, 1);
    if (out) {
        const size_t D = (size_t)(d->C * d->H * d->W);

        memcpy(out, d->image[split] + (size_t)i * D, D);
    }
    return d->label[split][i];
}

static int read_normalize(const char *text, int *normalize)
{
    static const char *const keys[] = {"normalize"};
    kiln_keyvalue pair;
    int more;

    *normalize = KILN_NORMALIZE_CHANNEL;
    while ((more = kiln_keyvalue_next(&text, &pair)) > 0) {
        if (strcmp(pair.key, keys[0]) != 0) return kiln_key_unknown(pair.key, keys, 1);
        *normalize = kiln_value_choice(&pair, kiln_normalize_names, KILN_NORMALIZE_COUNT);
        if (*normalize < 0) return *normalize;
    }
    return more;
}

int kiln_data_batch(int data, int split, int first, int n, const char *options, float *x, int *y)
{
    enum { AT_ONCE = 16 };
    int status, normalize;
    const kiln_dataset *d = get_finished(data, &status);
    kiln_arena arena;
    float *rows;

    if (!d) return status;
    KILN_TRY(check_range(d, split, first, n));
    KILN_TRY(read_normalize(options, &normalize));
    if (!x) return kiln_fail(KILN_E_ARG, "data set: nowhere to put the batch");
    if (!d->count[KILN_TRAIN] && normalize != KILN_NORMALIZE_NONE)
        return kiln_fail(KILN_E_DATA, "data set: it has no training images to be normalised by");

    const int S = d->H * d->W, D = d->C * S;

    KILN_TRY(kiln_scratch(&arena, "batch", &rows, (size_t[]){(size_t)AT_ONCE * (size_t)D}, 1));
    for (int i = 0; i < n; i += AT_ONCE) {
        const int part = n - i < AT_ONCE ? n - i : AT_ONCE;

        kiln_batch_decode(rows, y ? y + i : NULL, d, split, NULL, first + i, part, normalize, NULL,
                          0, 0);
        kiln_vec_nhwc_to_nchw(x + (size_t)i * (size_t)D, rows, part, d->C, S);
    }
    kiln_arena_destroy(&arena);
    return KILN_OK;
}

/* ---- nearest neighbours ---------------------------------------------------------------------- */

#define KNN_TEST 100   /* test images and ... */
#define KNN_TRAIN 1000 /* ... training images multiplied at a time */

typedef struct {
    const kiln_dataset *d;
    int train, D;
    float *work;
    int32_t *piece;     /* distances of KNN_TEST images to KNN_TRAIN */
    int32_t *distances; /* (KNN_TEST, train) */
    int *labels, *vote_work;
    kiln_arena arena;
} knn;

static int knn_create(knn *s)
{
    const size_t train = (size_t)s->train;

    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
        s->work = kiln_arena_take(
            &s->arena, kiln_knn_distances_work(KNN_TEST, KNN_TRAIN, s->D), sizeof(float));
        s->piece = kiln_arena_take(&s->arena, KNN_TEST * KNN_TRAIN, sizeof *s->piece);
        s->distances = kiln_arena_take(&s->arena, KNN_TEST * train, sizeof *s->distances);
        s->labels = kiln_arena_take(&s->arena, train, sizeof(int));
        s->vote_work = kiln_arena_take(&s->arena, train, sizeof(int));
        if (pass == 0) KILN_TRY(kiln_arena_create(&s->arena, s->arena.used, "kNN"));
    }
    kiln_dataset_want(s->d, KILN_TRAIN, NULL, 0, s->train);
    for (int i = 0; i < s->train; i++) s->labels[i] = s->d->label[KILN_TRAIN][i];
    return KILN_OK;
}

/* Distances of test images first .. first + n - 1 to all training images. */
static void knn_measure(knn *s, int first, int n)
{
    const size_t D = (size_t)s->D;

    for (int at = 0; at < s->train; at += KNN_TRAIN) {
        const int part = s->train - at < KNN_TRAIN ? s->train - at : KNN_TRAIN;

        kiln_knn_distances(s->piece, s->d->image[KILN_TEST] + (size_t)first * D,
                           s->d->image[KILN_TRAIN] + (size_t)at * D, n, part, s->D, s->work);
        for (int m = 0; m < n; m++)
            memcpy(s->distances + (size_t)m * (size_t)s->train + at, s->piece + (size_t)m * part,
                   (size_t)part * sizeof *s->piece);
    }
}

int kiln_data_knn(int data, int k, int train, int first, int n, int *predictions)
{
    int status, correct = 0;
    const kiln_dataset *d = get_finished(data, &status);

    if (!d) return status;
    KILN_TRY(check_range(d, KILN_TEST, first, n));
    if (train < 1 || train > d->count[KILN_TRAIN] || n < 1)
        return kiln_fail(KILN_E_ARG, "kNN: %d training and %d test images; there are %d and %d",
                         train, n, d->count[KILN_TRAIN], d->count[KILN_TEST]);
    if (k < 1 || k > train)
        return kiln_fail(KILN_E_ARG, "kNN: k = %d is not from 1 to %d", k, train);

    knn s = {.d = d, .train = train, .D = d->C * d->H * d->W};

    KILN_TRY(knn_create(&s));
    for (int at = 0; at < n; at += KNN_TEST) {
        const int part = n - at < KNN_TEST ? n - at : KNN_TEST;

        kiln_dataset_want(d, KILN_TEST, NULL, first + at, part);
        knn_measure(&s, first + at, part);
        for (int m = 0; m < part; m++) {
            const int32_t *row = s.distances + (size_t)m * (size_t)train;
            const int label = kiln_knn_vote(row, s.labels, train, k, d->classes, s.vote_work);

            if (predictions) predictions[at + m] = label;
            correct += label == d->label[KILN_TEST][first + at + m];
        }
    }
    kiln_arena_destroy(&s.arena);
    return correct;
}
