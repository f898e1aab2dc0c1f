/*
 * Records of images while they are being read: a store of training records and one of test records,
 * each filled file by file in the official order whatever order the files come in.
 *
 * archive.c (members of an archive), kilnset.c, idx.c and fileset.c (the finished set) use it.
 */
#ifndef KILN_DATA_READER_H
#define KILN_DATA_READER_H

#include "data/dataset.h"

#define KILN_FILES_MAX 100 /* of a kind: training, test */
#define KILN_NAME_SIZE 80
#define KILN_CLASS_SIZE 64          /* bytes of a class's name, its zero included */
#define KILN_CLASSES_TEXT (1 << 16) /* bytes of them all */

enum { KILN_READ_TRAIN, KILN_READ_TEST, KILN_READ_KINDS };

/* What stands before the pixels of a record: a label; a coarse one, which is passed over, and a
 * fine one; a label of two bytes, the low one first. */
enum { KILN_LABEL_BYTE, KILN_LABEL_FINE, KILN_LABEL_WIDE };

/* A record: 1 or 2 bytes of labels, then C planes of H x W pixels. */
typedef struct {
    const char *set; /* the name of data sets of it */
    int C, H, W, classes;
    int labels;      /* KILN_LABEL_* */
    int records_max; /* of a file */
} kiln_record_format;

extern const kiln_record_format kiln_format_cifar10, kiln_format_cifar100;

int kiln_format_labels(const kiln_record_format *f); /* bytes of labels, of pixels, of a record */
int kiln_format_pixels(const kiln_record_format *f);
int kiln_format_bytes(const kiln_record_format *f);

/* A file whose records are in, or being read into, its place. */
typedef struct {
    char name[KILN_NAME_SIZE]; /* without folders */
    int order;                 /* of its records among those of its kind */
    int first, count;          /* records */
} kiln_record_file;

/* All records of a kind, files in order: first the pixels of `capacity` records, then their
 * labels, both in the data set's store of that kind. */
typedef struct {
    kiln_record_file file[KILN_FILES_MAX];
    int files, count, capacity;
    uint8_t *image;
    uint16_t *label;
} kiln_record_store;

/* A place being filled with the bytes of one file. */
typedef struct {
    char name[KILN_NAME_SIZE];
    const kiln_record_format *format;
    uint8_t *image;   /* of record 0 */
    uint16_t *label;
    uint8_t first;    /* byte of the labels of the record under way */
    int64_t at, size; /* bytes read, bytes in all */
} kiln_record_sink;

/* Images and labels of an idx pair: labels lie in store KILN_READ_KINDS + kind. */
typedef struct {
    char images[KILN_NAME_SIZE], labels[KILN_NAME_SIZE]; /* "": not there yet */
    int labels_count, labels_most; /* how many there are; the largest one */
    uint16_t *label;
    int is_fashion;
} kiln_idx_pair;

typedef struct {
    const kiln_record_format *format; /* of the records there are; NULL before the first */
    kiln_record_format own;           /* where a file describes it */
    kiln_record_store store[KILN_READ_KINDS];
    kiln_idx_pair idx[KILN_READ_KINDS];
    int is_idx;
    int split[3];   /* of a file that says how it is split */
    int is_unsplit; /* one that does not */
    int failed; /* status of the first failure that leaves nothing to go on with */
    char own_name[KILN_CLASS_SIZE], names_file[KILN_NAME_SIZE];
    char names[KILN_CLASSES_TEXT]; /* of the classes, a zero after each */
    int names_count;               /* how many files or headers have named */
} kiln_reader;

/* The last part of a path, with what is no printable ASCII made '?', cut to fit. */
void kiln_reader_name(char name[KILN_NAME_SIZE], const char *path);
/* KILN_READ_TRAIN or _TEST for the official names, exactly as they are written: data_batch_N.bin
 * and test_batch.bin of CIFAR-10, train.bin and test.bin of CIFAR-100, and what begins with train-
 * or t10k- of MNIST (format NULL); KILN_E_SPLIT for any other. */
int kiln_reader_kind(const char *name, const kiln_record_format *format);

/* KILN_E_DATA where the records there are, are of another format. */
int kiln_reader_same(kiln_dataset *d, const char *name, const kiln_record_format *format);

/* Makes a place for a file of `size` bytes and kind `kind` in its order among its kind and sets
 * *sink. The records count as there from now on. */
int kiln_reader_open(kiln_dataset *d, kiln_record_sink *sink, const char *name,
                     const kiln_record_format *format, int64_t size, int kind);
/* The next bytes of the file. KILN_E_DATA for a label out of range. */
int kiln_reader_fill(kiln_record_sink *sink, const uint8_t *bytes, size_t size);
/* All bytes are there. KILN_E_DATA when an earlier file holds the very same records. */
int kiln_reader_close(kiln_dataset *d, const kiln_record_sink *sink);

/* Looks through the bytes of a whole file: KILN_E_DATA for a size that is no number of records, a
 * label out of range, or the records of an earlier file. */
int kiln_reader_look(kiln_dataset *d, const char *name, const kiln_record_format *format,
                     const uint8_t *bytes, int64_t size);

/* idx.c: a whole file of MNIST's kind, images or labels; at the end, the pairs become records.
 * KILN_E_DATA; a refused file leaves the set as it was. */
int kiln_idx_add(kiln_dataset *d, const char *name, const uint8_t *bytes, int size, int kind);
int kiln_idx_finish(kiln_dataset *d);

/* kilnset.c: a whole file that describes itself, and the file of CIFAR-100's names. At the end, the
 * order of a set that is not split: by class in turn, each class shuffled by `seed`, so that every
 * beginning of it has of every class its share. KILN_E_DATA, as above. */
int kiln_kilnset_add(kiln_dataset *d, const char *name, const uint8_t *bytes, int size);
int kiln_kilnset_names(kiln_dataset *d, const char *name, const uint8_t *bytes, int size);
int kiln_kilnset_shuffle(kiln_dataset *d, uint32_t seed);

#endif
