/*
 * A data set from files, or from an archive of them: what each is, its bytes tell (signature.c), at
 * the end it is split. CIFAR-10 and CIFAR-100: reader.c; MNIST's kind: idx.c; own pictures:
 * kilnset.c. Pixels stay bytes; where they lie is reader.c's.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "data/archive.h"
#include "data/reader.h"
#include "data/signature.h"

#define CLASSES 10
#define STANDARD_VALIDATION 1000

static const char *const class_name[CLASSES] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                                "dog",      "frog",       "horse", "ship", "truck"};

#define PIXELS_MAX (KILN_CHANNELS_MAX * KILN_SIDE_MAX * KILN_SIDE_MAX)

/* A set that is being read: first the reader, as reader.c expects. */
typedef struct {
    kiln_reader reader;
    kiln_archive archive;
} reading;

static reading *reading_of(kiln_dataset *d)
{
    return d->reader;
}

int kiln_fileset_create(kiln_dataset *d)
{
    kiln_dataset set = {0};

    *d = set;
    for (int pass = 0; pass < 2; pass++) { /* plan, then take */
        set.reader = kiln_arena_take(&set.arena, 1, sizeof(reading));
        set.mean_image = kiln_arena_take(&set.arena, PIXELS_MAX, sizeof *set.mean_image);
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
static int kind_of(const char *name, const kiln_record_format *format, int split)
{
    static const int kinds[KILN_SPLITS] = {KILN_READ_TRAIN, -1, KILN_READ_TEST};

    if (split == KILN_SPLIT_BY_NAME) return kiln_reader_kind(name, format);
    if (split >= 0 && split < KILN_SPLITS && kinds[split] >= 0) return kinds[split];
    return kiln_fail(KILN_E_ARG, "%s: a file holds training images (0) or test images (2), not "
                                 "split %d; validation images are the last of training", name,
                     split);
}

/* The name without the end that a packed file has. */
static void name_of(char name[KILN_NAME_SIZE], const char *path)
{
    size_t length;

    kiln_reader_name(name, path);
    length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, ".gz") == 0) name[length - 3] = 0;
}

static int add_records(kiln_dataset *d, const char *name, const kiln_record_format *format,
                       const uint8_t *bytes, int size, int split)
{
    kiln_record_sink sink;
    int kind;

    KILN_TRY(kiln_reader_look(d, name, format, bytes, size));
    KILN_TRY(kind = kind_of(name, format, split));
    KILN_TRY(kiln_reader_open(d, &sink, name, format, size, kind));
    return kiln_reader_fill(&sink, bytes, (size_t)size);
}

/* Nothing of a file is taken before all of it was seen to be right. */
int kiln_fileset_add_file(kiln_dataset *d, const char *path, const uint8_t *bytes, int size,
                          int split)
{
    char name[KILN_NAME_SIZE];
    int is, kind;

    KILN_TRY(check_open(d));
    KILN_TRY(kiln_archive_finish(&reading_of(d)->archive)); /* its records must not move now */
    name_of(name, path);
    KILN_TRY(is = kiln_signature_read(name, bytes, size, size));
    switch (is) {
    case KILN_IS_RECORDS:
        return add_records(d, name, &kiln_format_cifar10, bytes, size, split);
    case KILN_IS_CIFAR100:
        return add_records(d, name, &kiln_format_cifar100, bytes, size, split);
    case KILN_IS_NAMES: return kiln_kilnset_names(d, name, bytes, size);
    case KILN_IS_KILNSET: return kiln_kilnset_add(d, name, bytes, size);
    case KILN_IS_IDX:
        KILN_TRY(kind = kind_of(name, NULL, split));
        return kiln_idx_add(d, name, bytes, size, kind);
    default:
        kiln_reader_name(name, path);
        return kiln_fail(KILN_E_DATA, "%s: is %s, not records of images", name,
                         is == KILN_IS_GZIP ? "compressed (gzip)" : "a tar archive");
    }
}

int kiln_fileset_feed_tar(kiln_dataset *d, const uint8_t *bytes, int size)
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

/* Names from a file or its header, else those that are known, else numbers. */
static int name_classes(kiln_dataset *d, kiln_reader *r)
{
    char *at = r->names;

    if (r->names_file[0] && r->format != &kiln_format_cifar100)
        return kiln_fail(KILN_E_DATA, "%s: belongs to CIFAR-100, whose train.bin or test.bin is "
                                      "missing", r->names_file);
    for (int i = 0; i < d->classes; i++) {
        if (r->format == &kiln_format_cifar10) {
            d->class_name[i] = class_name[i];
            continue;
        }
        if (!r->names_count) snprintf(at, 12, "%d", i);
        d->class_name[i] = at;
        at += strlen(at) + 1;
    }
    return KILN_OK;
}

/* Images in each split, and the first one of each among the records of its kind. */
typedef struct {
    int count[KILN_SPLITS], first[KILN_SPLITS];
} cuts;

static int at_most(int wanted, int there)
{
    return wanted >= 0 && wanted < there ? wanted : there;
}

static int check_training(int all, int validation, int train)
{
    if (all && validation >= all)
        return kiln_fail(KILN_E_ARG, "data set: %d validation images leave none of %d to train on",
                         validation, all);
    if (all && train == 0)
        return kiln_fail(KILN_E_ARG, "data set: at least one training image is needed");
    return KILN_OK;
}

/* The last training images are for validation; test images are records of their own. */
static int cut_official(cuts *c, const kiln_record_store *s, int train, int validation, int test)
{
    const int all = s[KILN_READ_TRAIN].count;

    if (all == 0 && s[KILN_READ_TEST].count == 0)
        return kiln_fail(KILN_E_DATA, "data set: no images; add data_batch_1.bin or the whole "
                                      "cifar-10-binary.tar.gz");
    if (all == 0) validation = 0; /* test images alone: for evaluating */
    if (validation < 0 && all / 10 < STANDARD_VALIDATION) validation = all / 10;
    if (validation < 0) validation = STANDARD_VALIDATION;
    KILN_TRY(check_training(all, validation, train));
    *c = (cuts){{at_most(train, all - validation), validation,
                 at_most(test, s[KILN_READ_TEST].count)},
                {0, all - validation, 0}};
    return KILN_OK;
}

/* A file that says how it is split: at most so many of each. */
static int cut_as_told(cuts *c, const int split[KILN_SPLITS], int train, int validation, int test)
{
    KILN_TRY(check_training(split[0], 0, train));
    *c = (cuts){{at_most(train, split[0]), at_most(validation, split[1]), at_most(test, split[2])},
                {0, split[0], split[0] + split[1]}};
    return KILN_OK;
}

/* A tenth, but one at least where there are three. */
static int tenth(int all)
{
    return all < 10 ? all >= 3 : all / 10;
}

/* Test images first, then those for validation, then the others: see kilnset.c. */
static int cut_by_classes(cuts *c, int all, int train, int validation, int test)
{
    if (validation < 0) validation = tenth(all);
    if (test < 0) test = tenth(all);
    if (validation >= all || test >= all - validation)
        return kiln_fail(KILN_E_ARG, "data set: %d validation and %d test images leave none of %d "
                                     "to train on", validation, test, all);
    KILN_TRY(check_training(all, 0, train));
    *c = (cuts){{at_most(train, all - validation - test), validation, test},
                {validation + test, test, 0}};
    return KILN_OK;
}

static int cut(cuts *c, const kiln_reader *r, int train, int validation, int test)
{
    if (r->is_unsplit)
        return cut_by_classes(c, r->store[KILN_READ_TRAIN].count, train, validation, test);
    if (r->format == &r->own && !r->is_idx)
        return cut_as_told(c, r->split, train, validation, test);
    return cut_official(c, r->store, train, validation, test);
}

int kiln_fileset_finish(kiln_dataset *d, int train, int validation, int test, uint32_t seed)
{
    kiln_reader *r;
    cuts c;

    KILN_TRY(check_open(d));
    KILN_TRY(kiln_archive_finish(&reading_of(d)->archive));
    r = &reading_of(d)->reader;
    if (r->is_idx) KILN_TRY(kiln_idx_finish(d));
    KILN_TRY(cut(&c, r, train, validation, test));
    d->C = r->format->C, d->H = r->format->H, d->W = r->format->W;
    d->classes = r->format->classes;
    d->name = r->format->set;
    KILN_TRY(name_classes(d, r));
    if (r->is_unsplit) KILN_TRY(kiln_kilnset_shuffle(d, seed));
    for (int i = 0; i < KILN_SPLITS; i++) {
        const int is_apart = r->format != &r->own || r->is_idx;
        const kiln_record_store *s =
            &r->store[is_apart && i == 2 ? KILN_READ_TEST : KILN_READ_TRAIN];

        if (c.count[i] == 0) continue; /* its store may have no memory at all */
        d->count[i] = c.count[i];
        d->image[i] = s->image + (size_t)c.first[i] * (size_t)kiln_format_pixels(r->format);
        d->label[i] = s->label + c.first[i];
    }
    d->reader = NULL;
    kiln_dataset_measure(d);
    return KILN_OK;
}
