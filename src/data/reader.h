/*
 * State of reading CIFAR-10, between its creation and kiln_cifar10_finish: the records so far, and
 * the tar archive that is under way. Shared by cifar10.c (files, records) and archive.c (members of
 * an archive).
 */
#ifndef KILN_DATA_READER_H
#define KILN_DATA_READER_H

#include "data/dataset.h"

#define KILN_RECORD_PIXELS 3072
#define KILN_RECORD_BYTES (1 + KILN_RECORD_PIXELS)
#define KILN_FILE_RECORDS_MAX 10000
#define KILN_FILES_MAX 16 /* of a kind: training, test */
#define KILN_NAME_SIZE 40

enum { KILN_READ_TRAIN, KILN_READ_TEST, KILN_READ_KINDS };

/* A file whose records are in, or being read into, its place. */
typedef struct {
    char name[KILN_NAME_SIZE]; /* without folders */
    int order;                 /* of its records among those of its kind */
    int first, count;          /* records */
} kiln_record_file;

/* All records of a kind, files in order: first the pixels of `capacity` records, then their labels.
 * */
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

/* Where the reading of an archive stands. */
typedef struct {
    int state, seen; /* seen: bit i for the known member i */
    uint8_t header[512];
    int have;           /* bytes of header, or of notes */
    int64_t left, pad;  /* bytes of the member and its padding still to come */
    int64_t total;      /* bytes fed so far */
    char notes[4096];   /* an extended header */
    char name[KILN_NAME_SIZE];
    kiln_record_sink sink;
} kiln_archive;

typedef struct {
    kiln_record_store store[KILN_READ_KINDS];
    kiln_archive archive;
    int failed; /* status of the first failure that leaves nothing to go on with */
} kiln_reader;

/* The last part of a path, with what is no plain character made '?', cut to fit. */
void kiln_reader_name(char name[KILN_NAME_SIZE], const char *path);

/* Makes room for a file of `size` bytes named `name` in its order among its kind and sets *sink.
 * The records count as there from now on. */
int kiln_reader_open(kiln_dataset *d, kiln_record_sink *sink, const char *name, int64_t size);
/* The next bytes of the file. KILN_E_DATA for a label out of range. */
int kiln_reader_fill(kiln_record_sink *sink, const uint8_t *bytes, size_t size);

/* KILN_E_STATE once finished, the first failure again when an archive was refused. */
int kiln_reader_check(const kiln_dataset *d);

/* KILN_E_DATA when an archive was begun and not ended. */
int kiln_archive_finish(const kiln_archive *a);

#endif
