/*
 * Reading a tar archive of CIFAR-10 or CIFAR-100 piece by piece, its records into the places of
 * reader.h.
 */
#ifndef KILN_DATA_ARCHIVE_H
#define KILN_DATA_ARCHIVE_H

#include "data/reader.h"

#define KILN_ARCHIVE_BLOCK 512
#define KILN_ARCHIVE_PATH 4096

/* Where the reading of an archive stands. */
typedef struct {
    int state, seen; /* seen: bit i for the known member i */
    uint8_t header[KILN_ARCHIVE_BLOCK];
    int have;           /* bytes of header, or of notes */
    int64_t left, pad;  /* bytes of the member and its padding still to come */
    int64_t total;      /* bytes fed so far */
    int notes_kind;     /* of the extended header in notes: x, g, L or K; n: names of classes */
    char notes[65536];
    char path[KILN_ARCHIVE_PATH]; /* of the next member, by an extended header; "" for none */
    int64_t size;                 /* of the next member, likewise; -1 for none */
    char name[KILN_NAME_SIZE];
    kiln_record_sink sink;
} kiln_archive;

void kiln_archive_begin(kiln_archive *a); /* a is zeroed */
/* The next bytes. KILN_E_DATA for what is no such archive; nothing goes on after that. */
int kiln_archive_feed(kiln_dataset *d, kiln_archive *a, const uint8_t *bytes, int size);
/* Records of the member under way that are not whole yet. */
int kiln_archive_missing(const kiln_archive *a);
/* KILN_E_DATA when an archive was begun and not ended. */
int kiln_archive_finish(const kiln_archive *a);

/* Is this the first block of a tar archive? */
int kiln_archive_begins(const uint8_t *head, int size);

#endif
