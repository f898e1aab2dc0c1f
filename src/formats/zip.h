/*
 * A zip archive while it is written: files one after the other, stored and not compressed, then the
 * directory. Every date is the first there is, so that the same files give the same bytes.
 *
 * Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12, 4.3.16.
 */
#ifndef KILN_FORMATS_ZIP_H
#define KILN_FORMATS_ZIP_H

#include "formats/bytes.h"

typedef struct {
    kiln_bytes *out;
    kiln_bytes directory; /* of the files so far */
    int count;
} kiln_zip;

/* A file of two parts, `head` and `data`. KILN_E_MEMORY for an archive of 2 GiB and more. */
int kiln_zip_add(kiln_zip *z, const char *name, const void *head, size_t head_size,
                 const void *data, size_t size);
/* A file of growing bytes, which it frees; their failure is its own. */
int kiln_zip_take(kiln_zip *z, const char *name, kiln_bytes *file);
/* Writes the directory after the last file and frees it; a status that is negative is kept, and
 * then it only frees. */
int kiln_zip_end(kiln_zip *z, int status);

/* CRC-32 of zip (ISO 3309), reflected, polynomial 0xEDB88320; 0 before the first bytes. */
uint32_t kiln_crc32(uint32_t crc, const uint8_t *bytes, size_t size);

#endif
