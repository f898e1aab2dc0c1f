/*
 * What a file is, by its first bytes, so that one which holds no images is called what it is.
 */
#ifndef KILN_DATA_SIGNATURE_H
#define KILN_DATA_SIGNATURE_H

#include <stdint.h>

/* The kinds that can be read: the values of kiln.h, where those after KILN_IS_TAR are all files to
 * be read whole. NAMES: of CIFAR-100's classes. */
enum { KILN_IS_RECORDS, KILN_IS_GZIP, KILN_IS_TAR, KILN_IS_CIFAR100, KILN_IS_NAMES, KILN_IS_IDX,
       KILN_IS_KILNSET };

/* Of the first `size` bytes (512 are enough) of a file of `total` bytes, -1 where that is not
 * known: a kind, or KILN_E_DATA with a sentence that says what it is and what to do. Records are
 * whatever is not known to be something else. */
int kiln_signature_read(const char *name, const uint8_t *head, int size, int64_t total);

/* The set that a file or member of this name belongs to, where that is neither CIFAR-10's nor
 * CIFAR-100's binary version; NULL when it is not known. */
const char *kiln_signature_set(const char *name);

#endif
