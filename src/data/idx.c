/*
 * MNIST and Fashion-MNIST: images in one file, their labels in another, and any other set of that
 * form (EMNIST, KMNIST): grey images up to 64 x 64, labels 0..255.
 *
 *   images = 00 00 08 03, count, rows, columns (each 4 bytes, the high one first), pixels
 *   labels = 00 00 08 01, count, labels
 *
 * Both kinds come in any order; that they belong together is looked at when both are there. The two
 * sets have files of the same names and sizes: the first ten labels tell which one it is.
 *
 * Source: LeCun, Cortes, Burges, "The MNIST database", "File formats"; Xiao, Rasul, Vollgraf,
 * "Fashion-MNIST", 2017, table 1 and github.com/zalandoresearch/fashion-mnist.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "data/reader.h"

#define IMAGES_HEAD 16
#define LABELS_HEAD 8
#define COUNT_MAX 1000000
#define CLASSES_LEAST 10 /* of a set whose images show fewer */

static const char fashion_names[] = "T-shirt/top\0Trouser\0Pullover\0Dress\0Coat\0Sandal\0Shirt\0"
                                    "Sneaker\0Bag\0Ankle boot";
static const uint8_t fashion_begins[KILN_READ_KINDS][10] = {{9, 0, 0, 3, 0, 2, 7, 2, 5, 5},
                                                            {9, 2, 1, 1, 6, 1, 4, 6, 5, 7}};

static kiln_reader *reader_of(kiln_dataset *d)
{
    return d->reader;
}

static int64_t word_at(const uint8_t *bytes)
{
    return (int64_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static int check_length(const char *name, const char *what, int64_t count, int64_t wanted,
                        int64_t size)
{
    if (count < 1 || count > COUNT_MAX)
        return kiln_fail(KILN_E_DATA, "%s: says it has %lld %s; kiln reads 1 to %d", name,
                         (long long)count, what, COUNT_MAX);
    if (size == wanted) return KILN_OK;
    return kiln_fail(KILN_E_DATA, "%s: %s: %lld %s are %lld bytes, and it has %lld", name,
                     size < wanted ? "cut short" : "too long", (long long)count, what,
                     (long long)wanted, (long long)size);
}

static int add_images(kiln_dataset *d, const char *name, const uint8_t *bytes, int size, int kind)
{
    kiln_reader *r = reader_of(d);
    kiln_record_store *s = &r->store[kind];
    const int64_t count = word_at(bytes + 4), rows = word_at(bytes + 8), W = word_at(bytes + 12);

    if (rows < 1 || rows > KILN_SIDE_MAX || W < 1 || W > KILN_SIDE_MAX)
        return kiln_fail(KILN_E_DATA, "%s: images of %lld x %lld; kiln takes sides of 1 to %d",
                         name, (long long)rows, (long long)W, KILN_SIDE_MAX);
    KILN_TRY(check_length(name, "images", count, IMAGES_HEAD + count * rows * W, size));
    if (s->image) return kiln_fail(KILN_E_DATA, "%s: these images are there already, in %s", name,
                                   r->idx[kind].images);
    if (r->own.H && (r->own.H != rows || r->own.W != W))
        return kiln_fail(KILN_E_DATA, "%s: images of %d x %d, and those before are %d x %d", name,
                         (int)rows, (int)W, r->own.H, r->own.W);
    KILN_TRY(kiln_arena_create(&d->store[kind], (uint64_t)(count * rows * W), "the images"));
    s->image = (uint8_t *)d->store[kind].base;
    memcpy(s->image, bytes + IMAGES_HEAD, (size_t)(count * rows * W));
    memcpy(r->idx[kind].images, name, strlen(name) + 1);
    s->count = (int)count;
    r->own.H = (int)rows;
    r->own.W = (int)W;
    return KILN_OK;
}

static int add_labels(kiln_dataset *d, const char *name, const uint8_t *bytes, int size, int kind)
{
    kiln_idx_pair *p = &reader_of(d)->idx[kind];
    kiln_arena *arena = &d->store[KILN_READ_KINDS + kind];
    const int64_t count = word_at(bytes + 4);

    KILN_TRY(check_length(name, "labels", count, LABELS_HEAD + count, size));
    if (p->label)
        return kiln_fail(KILN_E_DATA, "%s: these labels are there already, in %s", name, p->labels);
    KILN_TRY(kiln_arena_create(arena, (uint64_t)count * sizeof *p->label, "the labels"));
    p->label = (uint16_t *)(void *)arena->base;
    memcpy(p->labels, name, strlen(name) + 1);
    for (int64_t i = 0; i < count; i++) {
        const int label = bytes[LABELS_HEAD + i];

        p->label[i] = (uint16_t)label;
        if (label > p->labels_most) p->labels_most = label;
    }
    p->labels_count = (int)count;
    p->is_fashion = count >= 10 && memcmp(bytes + LABELS_HEAD, fashion_begins[kind], 10) == 0;
    return KILN_OK;
}

int kiln_idx_add(kiln_dataset *d, const char *name, const uint8_t *bytes, int size, int kind)
{
    kiln_reader *r = reader_of(d);
    const int is_images = bytes[3] == 3;

    if (size < (is_images ? IMAGES_HEAD : LABELS_HEAD))
        return kiln_fail(KILN_E_DATA, "%s: cut short within its header", name);
    if (r->format && !r->is_idx)
        return kiln_fail(KILN_E_DATA, "%s: is of MNIST's kind, and the files before it are of "
                                      "another data set (%s)", name, r->format->set);
    KILN_TRY(is_images ? add_images(d, name, bytes, size, kind)
                       : add_labels(d, name, bytes, size, kind));
    r->own.C = 1;
    r->own.set = "mnist";
    r->format = &r->own;
    r->is_idx = 1;
    return KILN_OK;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Images and labels that belong together; a kind may have neither. */
static int check_pair(kiln_record_store *s, kiln_idx_pair *p)
{
    if (!s->image && !p->label) return KILN_OK;
    if (!s->image || !p->label)
        return kiln_fail(KILN_E_DATA, s->image ? "%s: its labels are missing: give the file of "
                                                 "labels (…labels-idx1-ubyte) too"
                                               : "%s: its images are missing: give the file of "
                                                 "images (…images-idx3-ubyte) too",
                         s->image ? p->images : p->labels);
    if (s->count != p->labels_count)
        return kiln_fail(KILN_E_DATA, "%s has %d images, and %s %d labels", p->images, s->count,
                         p->labels, p->labels_count);
    s->label = p->label;
    return KILN_OK;
}

static void name_classes(kiln_reader *r, int classes, int is_fashion)
{
    char *at = r->names;

    r->names_count = classes;
    if (is_fashion) memcpy(at, fashion_names, sizeof fashion_names);
    for (int i = 0; i < classes && !is_fashion; i++)
        at += snprintf(at, 12, "%d", i) + 1;
}

int kiln_idx_finish(kiln_dataset *d)
{
    kiln_reader *r = reader_of(d);
    int is_fashion = 0, most = CLASSES_LEAST - 1;

    for (int kind = 0; kind < KILN_READ_KINDS; kind++) {
        KILN_TRY(check_pair(&r->store[kind], &r->idx[kind]));
        if (r->idx[kind].labels_most > most) most = r->idx[kind].labels_most;
        is_fashion |= r->idx[kind].is_fashion;
    }
    is_fashion = is_fashion && most < CLASSES_LEAST;
    r->own.classes = most + 1;
    r->own.set = is_fashion ? "fashion-mnist" : "mnist";
    name_classes(r, r->own.classes, is_fashion);
    return KILN_OK;
}
