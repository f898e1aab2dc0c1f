/*
 * CIFAR-10's binary files: records of 3073 bytes, a label 0..9 and the red, green and blue planes
 * of 32 x 32 pixels. Pixels stay bytes; where they lie is reader.c's.
 *
 * Source: "The CIFAR-10 dataset", cs.toronto.edu/~kriz/cifar.html, section "Binary version".
 */
#include <string.h>

#include "base/status.h"
#include "data/archive.h"
#include "data/reader.h"
#include "data/signature.h"

#define CLASSES KILN_RECORD_CLASSES
#define STANDARD_VALIDATION 1000

static const char *const class_name[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                "dog",      "frog",       "horse", "ship", "truck"};

/* A set that is being read: first the reader, as reader.c expects. */
typedef struct {
    kiln_reader reader;
    kiln_archive archive;
} reading;

static reading *reading_of(kiln_dataset *d)
{
    return d->reader;
}

int kiln_cifar10_create(kiln_dataset *d)
{
    kiln_dataset set = {.C = 3, .H = 32, .W = 32, .classes = CLASSES, .name = "cifar10"};

    *d = (kiln_dataset){0};
    for (int i = 0; i < CLASSES; i++) set.class_name[i] = class_name[i];
    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
        set.reader = kiln_arena_take(&set.arena, 1, sizeof(reading));
        set.mean_image = kiln_arena_take(&set.arena, KILN_RECORD_PIXELS, sizeof *set.mean_image);
        if (pass == 0) KILN_TRY(kiln_arena_create(&set.arena, set.arena.used, "the data set"));
    }
    kiln_archive_begin(&reading_of(&set)->archive);
    *d = set;
    return KILN_OK;
}

/* ---- files and archives ---------------------------------------------------------------------- */

/* KILN_E_STATE once finished and for a built-in set, the first failure again when an archive was
 * refused. */
static int check_open(kiln_dataset *d)
{
    if (!d->reader)
        return kiln_fail(KILN_E_STATE, "data set: %s; make a new one to read files",
                         d->finished ? "is finished" : "the built-in one is drawn");
    if (reading_of(d)->reader.failed)
        return kiln_fail(reading_of(d)->reader.failed,
                         "data set: its archive was refused; make a new one");
    return KILN_OK;
}

/* By its name where no split is given. */
static int kind_of(const char *name, int split)
{
    static const int kinds[KILN_SPLITS] = {KILN_READ_TRAIN, -1, KILN_READ_TEST};

    if (split == KILN_SPLIT_BY_NAME) return kiln_reader_kind(name);
    if (split >= 0 && split < KILN_SPLITS && kinds[split] >= 0) return kinds[split];
    return kiln_fail(KILN_E_ARG, "%s: a file holds training images (0) or test images (2), not "
                                 "split %d; validation images are the last of training", name,
                     split);
}

/* Nothing of a file is taken before all of it was seen to be right. */
int kiln_cifar10_add_file(kiln_dataset *d, const char *path, const uint8_t *bytes, int size,
                          int split)
{
    char name[KILN_NAME_SIZE];
    kiln_record_sink sink;
    int kind;

    KILN_TRY(check_open(d));
    KILN_TRY(kiln_archive_finish(&reading_of(d)->archive)); /* its records must not move now */
    kiln_reader_name(name, path);
    KILN_TRY(kind = kiln_signature_read(name, bytes, size, size));
    if (kind != KILN_IS_RECORDS)
        return kiln_fail(KILN_E_DATA, "%s: is %s, not records of images", name,
                         kind == KILN_IS_GZIP ? "compressed (gzip)" : "a tar archive");
    KILN_TRY(kiln_reader_look(d, name, bytes, size));
    KILN_TRY(kind = kind_of(name, split));
    KILN_TRY(kiln_reader_open(d, &sink, name, size, kind));
    return kiln_reader_fill(&sink, bytes, (size_t)size);
}

int kiln_cifar10_feed_tar(kiln_dataset *d, const uint8_t *bytes, int size)
{
    reading *r = reading_of(d);
    int status, records;

    KILN_TRY(check_open(d));
    if (size < 0) return kiln_fail(KILN_E_ARG, "archive: %d bytes", size);
    status = kiln_archive_feed(d, &r->archive, bytes, size);
    if (status < 0) {
        r->reader.failed = status;
        return status;
    }
    records = -kiln_archive_missing(&r->archive);
    for (int i = 0; i < KILN_READ_KINDS; i++) records += r->reader.store[i].count;
    return records;
}

/* ---- the finished set ------------------------------------------------------------------------ */

int kiln_cifar10_finish(kiln_dataset *d, int train, int validation, int test)
{
    KILN_TRY(check_open(d));
    KILN_TRY(kiln_archive_finish(&reading_of(d)->archive));

    const kiln_record_store *s = reading_of(d)->reader.store;
    const int all = s[KILN_READ_TRAIN].count;

    if (all == 0 && s[KILN_READ_TEST].count == 0)
        return kiln_fail(KILN_E_DATA, "data set: no images; add data_batch_1.bin or the whole "
                                      "cifar-10-binary.tar.gz");
    if (all == 0) validation = 0; /* test images alone: for evaluating */
    if (validation < 0 && all / 10 < STANDARD_VALIDATION) validation = all / 10;
    if (validation < 0) validation = STANDARD_VALIDATION;
    if (all && validation >= all)
        return kiln_fail(KILN_E_ARG, "data set: %d validation images leave none of %d to train on",
                         validation, all);
    if (all && train == 0)
        return kiln_fail(KILN_E_ARG, "data set: at least one training image is needed");
    d->count[0] = train > 0 && train < all - validation ? train : all - validation;
    d->count[1] = validation;
    d->count[2] = test >= 0 && test < s[KILN_READ_TEST].count ? test : s[KILN_READ_TEST].count;
    d->image[0] = s[KILN_READ_TRAIN].image;
    d->label[0] = s[KILN_READ_TRAIN].label;
    d->image[1] = d->image[0] + (size_t)(all - validation) * KILN_RECORD_PIXELS;
    d->label[1] = d->label[0] + (all - validation);
    d->image[2] = s[KILN_READ_TEST].image;
    d->label[2] = s[KILN_READ_TEST].label;
    d->reader = NULL;
    kiln_dataset_measure(d);
    return KILN_OK;
}
