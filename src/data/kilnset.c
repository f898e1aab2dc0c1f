/*
 * A kiln set: a data set in one file that describes itself, as CIFAR-style records behind a list of
 * classes. People's own pictures are kept in it, and `kiln data --save NAME.kilnset` writes it.
 *
 *   file   = "KILNSET 1\n" header "\n" record..    nothing follows the last record
 *   header = one line of JSON: {"name":"pictures","shape":[C,H,W],"classes":["cat","dog",..],
 *            "count":N} and, where the set is split, "split":[train,validation,test], sum N
 *   record = label, C·H·W pixels: planes of H rows of W bytes; the label is one byte, or where
 *            there are more than 256 classes two, the low one first
 *
 * Split records come in the order of the splits; others are put in an order that has of every class
 * its share from whatever beginning: image j of the n of its class, once these are shuffled,
 * stands at (2j + 1) / 2n of the whole.
 */
#include <string.h>

#include "base/json.h"
#include "base/rng.h"
#include "base/status.h"
#include "data/reader.h"

#define MAGIC "KILNSET 1\n"
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define RECORDS_MAX 1000000

static kiln_reader *reader_of(kiln_dataset *d)
{
    return d->reader;
}

/* ---- the header ------------------------------------------------------------------------------ */

typedef struct {
    kiln_json_reader json;
    kiln_record_format format;
    int count, is_split, split[KILN_SPLITS], seen; /* seen: bit i for key i */
    char name[KILN_CLASS_SIZE], names[KILN_CLASSES_TEXT];
    int used; /* bytes of names */
} header;

static int read_ints(kiln_json_reader *j, int *out, int n, int64_t min, int64_t max)
{
    int64_t value = 0;
    int i = 0;

    KILN_TRY(kiln_json_enter_array(j));
    for (; kiln_json_next(j, NULL, 0) > 0; i++) {
        KILN_TRY(kiln_json_read_int(j, min, max, &value));
        if (i < n) out[i] = (int)value;
    }
    if (j->failed || i == n) return j->failed;
    return kiln_fail(j->status, "%s: a list of %d numbers in its header, not of %d", j->what, i, n);
}

static int has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) return 1;
    return 0;
}

/* No name twice, none empty: two classes of one name could not be told apart. */
static int check_name(const header *h, const char *name)
{
    const char *before = h->names;

    for (int i = 0; i < h->format.classes; i++, before += strlen(before) + 1)
        if (strcmp(before, name) == 0)
            return kiln_fail(KILN_E_DATA, "%s: its header names the class \"%s\" twice",
                             h->json.what, name);
    if (*name && !has_control(name) && h->format.classes < KILN_CLASSES_MAX) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: its header has %s", h->json.what,
                     !*name ? "a class without a name"
                     : has_control(name) ? "a control character in the name of a class"
                                         : "more than 1000 classes");
}

static int read_classes(header *h)
{
    char name[KILN_CLASS_SIZE];

    h->format.classes = h->used = 0;
    KILN_TRY(kiln_json_enter_array(&h->json));
    while (kiln_json_next(&h->json, NULL, 0) > 0) {
        int length;

        KILN_TRY(length = kiln_json_read_string(&h->json, name, sizeof name));
        KILN_TRY(check_name(h, name));
        memcpy(h->names + h->used, name, (size_t)length + 1);
        h->used += length + 1;
        h->format.classes++;
    }
    return h->json.failed;
}

static int read_member(header *h, int key)
{
    int shape[3];
    int64_t count;

    h->seen |= 1 << key;
    switch (key) {
    case 0: return kiln_json_read_string(&h->json, h->name, sizeof h->name);
    case 1:
        KILN_TRY(read_ints(&h->json, shape, 3, 1, KILN_SIDE_MAX));
        h->format.C = shape[0], h->format.H = shape[1], h->format.W = shape[2];
        if (shape[0] == 1 || shape[0] == 3) return KILN_OK;
        return kiln_fail(KILN_E_DATA, "%s: images of %d channels; grey ones have 1, colour ones 3",
                         h->json.what, shape[0]);
    case 2: return read_classes(h);
    case 3:
        KILN_TRY(kiln_json_read_int(&h->json, 1, RECORDS_MAX, &count));
        h->count = (int)count;
        return KILN_OK;
    default: return read_ints(&h->json, h->split, KILN_SPLITS, 0, RECORDS_MAX);
    }
}

enum { NAME, SHAPE, CLASSES, COUNT, SPLIT, KEYS };

static int read_header(header *h, const char *text, size_t length)
{
    static const char *const keys[KEYS] = {"name", "shape", "classes", "count", "split"};
    char key[16];

    kiln_json_read(&h->json, text, length, h->json.what, KILN_E_DATA);
    KILN_TRY(kiln_json_enter_object(&h->json));
    while (kiln_json_next(&h->json, key, sizeof key) > 0) {
        int i = 0;

        while (i < KEYS && strcmp(key, keys[i])) i++;
        if (i == KEYS || h->seen >> i & 1)
            return kiln_fail(KILN_E_DATA, "%s: \"%s\" in its header is %s", h->json.what, key,
                             i == KEYS ? "unknown" : "there twice");
        KILN_TRY(read_member(h, i));
    }
    KILN_TRY(kiln_json_read_end(&h->json));
    for (int i = NAME; i <= COUNT; i++)
        if (!(h->seen >> i & 1))
            return kiln_fail(KILN_E_DATA, "%s: its header has no \"%s\"", h->json.what, keys[i]);
    h->is_split = h->seen >> SPLIT & 1;
    return KILN_OK;
}

static int check_header(header *h, int64_t size)
{
    const int sum = h->split[0] + h->split[1] + h->split[2];
    int64_t wanted;

    if (h->format.classes < 2 || !h->name[0] || has_control(h->name))
        return kiln_fail(KILN_E_DATA, "%s: its header has %s", h->json.what,
                         h->format.classes < 2 ? "fewer than two classes" : "no readable name");
    if (h->is_split && sum != h->count)
        return kiln_fail(KILN_E_DATA, "%s: its splits have %d images, and it says it has %d",
                         h->json.what, sum, h->count);
    h->format.labels = h->format.classes > 256 ? KILN_LABEL_WIDE : KILN_LABEL_BYTE;
    h->format.records_max = RECORDS_MAX;
    wanted = (int64_t)h->count * kiln_format_bytes(&h->format);
    if (wanted == size) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: %s: its header tells of %lld bytes of records, and it has "
                                  "%lld", h->json.what, size < wanted ? "cut short" : "too long",
                     (long long)wanted, (long long)size);
}

/* ---- the file -------------------------------------------------------------------------------- */

/* What was checked becomes the data set's. */
static int take(kiln_dataset *d, header *h, const char *name, const uint8_t *records, int64_t size)
{
    kiln_reader *r = reader_of(d);
    kiln_record_sink sink;

    h->format.set = h->name;
    KILN_TRY(kiln_reader_look(d, name, &h->format, records, size));
    r->own = h->format;
    r->own.set = r->own_name;
    KILN_TRY(kiln_reader_open(d, &sink, name, &r->own, size, KILN_READ_TRAIN));
    memcpy(r->own_name, h->name, sizeof r->own_name);
    memcpy(r->names, h->names, (size_t)h->used);
    r->names_count = h->format.classes;
    memcpy(r->split, h->split, sizeof r->split);
    r->is_unsplit = !h->is_split;
    return kiln_reader_fill(&sink, records, (size_t)size);
}

int kiln_kilnset_add(kiln_dataset *d, const char *name, const uint8_t *bytes, int size)
{
    const uint8_t *text = bytes + MAGIC_SIZE;
    const uint8_t *end = size > (int)MAGIC_SIZE
                             ? memchr(text, '\n', (size_t)size - MAGIC_SIZE) : NULL;
    kiln_arena arena;
    header *h;
    int status;

    if (reader_of(d)->format)
        return kiln_fail(KILN_E_DATA, "%s: is a whole data set, and there are images already",
                         name);
    if (!end || memcmp(bytes, MAGIC, MAGIC_SIZE) != 0)
        return kiln_fail(KILN_E_DATA, "%s: a kiln set of another version, or whose "
                                      "header is cut short", name);
    KILN_TRY(kiln_arena_create(&arena, sizeof *h, "the header of a data set"));
    h = (header *)(void *)arena.base;
    h->json.what = name;
    status = read_header(h, (const char *)text, (size_t)(end - text));
    if (status >= 0) status = check_header(h, bytes + size - (end + 1));
    if (status >= 0) status = take(d, h, name, end + 1, bytes + size - (end + 1));
    kiln_arena_destroy(&arena);
    return status < 0 ? status : KILN_OK;
}

/* ---- CIFAR-100's names ----------------------------------------------------------------------- */

/* The lines of a text, without the empty ones: printable ASCII, each once. */
static int read_lines(header *h, const uint8_t *bytes, int size)
{
    for (int at = 0; at < size;) {
        int length = 0;

        while (at + length < size && bytes[at + length] > ' ' && bytes[at + length] < 127) length++;
        if (length >= KILN_CLASS_SIZE || (at + length < size && bytes[at + length] != '\n' &&
                                          bytes[at + length] != '\r'))
            return kiln_fail(KILN_E_DATA, "%s: line %d is no name of a class", h->json.what,
                             h->format.classes + 1);
        if (length > 0) {
            char *name = h->names + h->used;

            memcpy(name, bytes + at, (size_t)length);
            KILN_TRY(check_name(h, name));
            h->used += length + 1;
            h->format.classes++;
        }
        at += length + 1;
    }
    return KILN_OK;
}

int kiln_kilnset_names(kiln_dataset *d, const char *name, const uint8_t *bytes, int size)
{
    kiln_reader *r = reader_of(d);
    kiln_arena arena;
    header *h;
    int status;

    if (r->names_count) return kiln_fail(KILN_E_DATA, "%s: the classes are named already", name);
    KILN_TRY(kiln_reader_same(d, name, &kiln_format_cifar100));
    KILN_TRY(kiln_arena_create(&arena, sizeof *h, "names of classes"));
    h = (header *)(void *)arena.base;
    h->json.what = name;
    status = read_lines(h, bytes, size);
    if (status >= 0 && h->format.classes != kiln_format_cifar100.classes)
        status = kiln_fail(KILN_E_DATA, "%s: %d names; CIFAR-100 has %d classes", name,
                           h->format.classes, kiln_format_cifar100.classes);
    if (status >= 0) {
        memcpy(r->names, h->names, (size_t)h->used);
        memcpy(r->names_file, name, strlen(name) + 1);
        r->names_count = h->format.classes;
    }
    kiln_arena_destroy(&arena);
    return status;
}

/* ---- the order of a set that is not split ---------------------------------------------------- */

typedef struct {
    int *order;          /* records as they will stand; (count) */
    int *own;            /* records class by class, each shuffled; (count) */
    int *first, *taken;  /* of each class, in own; (classes + 1), (classes) */
    int *draw;           /* (count) */
    uint8_t *image;      /* one */
} shuffling;

static void group(shuffling *s, const uint16_t *label, int count, int classes, uint32_t seed)
{
    for (int i = 0; i < count; i++) s->first[label[i] + 1]++;
    for (int c = 0; c < classes; c++) s->first[c + 1] += s->first[c];
    for (int i = 0; i < count; i++) s->draw[s->first[label[i]] + s->taken[label[i]]++] = i;
    for (int c = 0; c < classes; c++) {
        const int n = s->first[c + 1] - s->first[c];
        int *place = s->order; /* not in use yet */

        kiln_rng_permutation(place, n, (kiln_rng){seed, KILN_RNG_SPLIT, (uint64_t)c});
        for (int i = 0; i < n; i++) s->own[s->first[c] + i] = s->draw[s->first[c] + place[i]];
        s->taken[c] = 0;
    }
}

/* The class whose next image stands first: the least (2 taken + 1) / count. */
static int next_class(const shuffling *s, int classes)
{
    int best = -1;
    int64_t best_over = 0, best_under = 1;

    for (int c = 0; c < classes; c++) {
        const int64_t over = 2 * (int64_t)s->taken[c] + 1, under = s->first[c + 1] - s->first[c];

        if (s->taken[c] == under || (best >= 0 && over * best_under >= best_over * under)) continue;
        best = c;
        best_over = over;
        best_under = under;
    }
    return best;
}

/* Puts record order[i] in place i, cycle by cycle. */
static void permute(const shuffling *s, kiln_record_store *store, size_t D)
{
    for (int start = 0; start < store->count; start++) {
        const uint16_t label = store->label[start];
        int at = start;

        if (s->order[start] < 0) continue;
        memcpy(s->image, store->image + (size_t)start * D, D);
        for (int from = s->order[at]; from != start; at = from, from = s->order[at]) {
            memcpy(store->image + (size_t)at * D, store->image + (size_t)from * D, D);
            store->label[at] = store->label[from];
            s->order[at] = -1;
        }
        memcpy(store->image + (size_t)at * D, s->image, D);
        store->label[at] = label;
        s->order[at] = -1;
    }
}

int kiln_kilnset_shuffle(kiln_dataset *d, uint32_t seed)
{
    kiln_record_store *store = &reader_of(d)->store[KILN_READ_TRAIN];
    const size_t n = (size_t)store->count, D = (size_t)kiln_format_pixels(reader_of(d)->format);
    const int classes = reader_of(d)->format->classes;
    kiln_arena arena = {0};
    shuffling s = {0};

    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
        s.order = kiln_arena_take(&arena, n, sizeof(int));
        s.own = kiln_arena_take(&arena, n, sizeof(int));
        s.draw = kiln_arena_take(&arena, n, sizeof(int));
        s.first = kiln_arena_take(&arena, (size_t)classes + 1, sizeof(int));
        s.taken = kiln_arena_take(&arena, (size_t)classes, sizeof(int));
        s.image = kiln_arena_take(&arena, 1, D);
        if (pass == 0) KILN_TRY(kiln_arena_create(&arena, arena.used, "splitting the images"));
    }
    group(&s, store->label, store->count, classes, seed);
    for (int i = 0; i < store->count; i++) {
        const int c = next_class(&s, classes);

        s.order[i] = s.own[s.first[c] + s.taken[c]++];
    }
    permute(&s, store, D);
    kiln_arena_destroy(&arena);
    return KILN_OK;
}
