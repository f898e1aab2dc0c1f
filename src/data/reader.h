/*
 * The records of CIFAR-10 while they are being read: a store of training records and one of test
 * records, each filled file by file in the official order whatever order the files come in.
 *
 * archive.c (members of an archive) and cifar10.c (single files, the finished set) use it.
 */
#ifndef KILN_DATA_READER_H
#define KILN_DATA_READER_H

#include "data/dataset.h"

#define KILN_RECORD_PIXELS 3072
#define KILN_RECORD_BYTES (1 + KILN_RECORD_PIXELS)
#define KILN_RECORD_CLASSES 10
#define KILN_FILE_RECORDS_MAX 10000
#define KILN_FILES_MAX 100 /* of a kind: training, test */
#define KILN_NAME_SIZE 80

enum { KILN_READ_TRAIN, KILN_READ_TEST, KILN_READ_KINDS };

/* A file whose records are in, or being read into, its place. */
typedef struct {
    char name[KILN_NAME_SIZE]; /* without folders */
    int order;                 /* of its records among those of its kind */
    int first, count;          /* records */
} kiln_record_file;

/* All records of a kind, files in order: first the pixels of `capacity` records, then their
 * labels. */
typedef struct {
    kiln_record_file file[KILN_FILES_MAX];
    int files, count, capacity;
    uint8_t *image, *label;
} kiln_record_store;

/* A place being filled with the bytes of one file. */
typedef struct {
    char name[KILN_NAME_SIZE];
    uint8_t *image, *label; /* of record 0 */
    int64_t at, size;       /* bytes read, bytes in all */
} kiln_record_sink;

typedef struct {
    kiln_record_store store[KILN_READ_KINDS];
    int failed; /* status of the first failure that leaves nothing to go on with */
} kiln_reader;

/* The last part of a path, with what is no printable ASCII made '?', cut to fit. */
void kiln_reader_name(char name[KILN_NAME_SIZE], const char *path);
/* KILN_READ_TRAIN or _TEST for the official names, data_batch_N.bin and test_batch.bin, exactly as
 * they are written there; KILN_E_SPLIT for any other. */
int kiln_reader_kind(const char *name);

/* Makes a place for a file of `size` bytes and kind `kind` in its order among its kind and sets
 * *sink. The records count as there from now on. */
int kiln_reader_open(kiln_dataset *d, kiln_record_sink *sink, const char *name, int64_t size,
                     int kind);
/* The next bytes of the file. KILN_E_DATA for a label out of range. */
int kiln_reader_fill(kiln_record_sink *sink, const uint8_t *bytes, size_t size);
/* All bytes are there. KILN_E_DATA when an earlier file holds the very same records. */
int kiln_reader_close(kiln_dataset *d, const kiln_record_sink *sink);

/* Looks through the bytes of a whole file: KILN_E_DATA for a size that is no number of records, a
 * label out of range, or the records of an earlier file. */
int kiln_reader_look(kiln_dataset *d, const char *name, const uint8_t *bytes, int64_t size);

#endif
