/*
 * Weights of other programs as an export of kiln's: safetensors (PyTorch's) and .npz (NumPy's).
 * What a tensor is, its name says by its last part; which layer it belongs to, its whole name or,
 * failing that, its place: layers in the order of running take modules in the order of their names,
 * in which numbers count as numbers. Nothing is taken that does not fit, and nothing is left over.
 */
#ifndef KILN_FORMATS_IMPORT_H
#define KILN_FORMATS_IMPORT_H

#include "base/json.h"
#include "formats/formats.h"
#include "net/net.h"
#include "net/safetensors.h"

/* One array of a file. */
typedef struct {
    kiln_safetensor t;  /* its name without an ending; data in the file, perhaps unaligned */
    int column_major;   /* 1: of two dimensions, stored with the first index fastest */
    int used;
} kiln_import_array;

typedef struct {
    kiln_import_array *array;
    int count;
    kiln_arena arena; /* the list, and names */
} kiln_import_list;

/* The arrays of an .npz, or KILN_E_CHECKPOINT with a sentence; ends with kiln_arena_destroy. The
 * archive is stored, as numpy.savez writes it, and borrowed. */
int kiln_npz_read(kiln_import_list *list, const uint8_t *bytes, size_t size);
/* Is it a zip archive, by its first bytes? */
int kiln_is_zip(const uint8_t *bytes, size_t size);

/* The arrays of a file, and which of them is which tensor of a net. */
typedef struct {
    kiln_net *net;       /* a sketch */
    kiln_net_options of; /* how large its images are */
    kiln_import_list list;
    int from[KILN_TENSORS_MAX]; /* of each tensor of the net: an array of the list, or -1 */
    char course[KILN_TENSORS_MAX][KILN_NPZ_NAME];
    kiln_safetensor out[KILN_TENSORS_MAX]; /* what the net gets */
    const kiln_safetensors *told; /* metadata of the net that the file names; NULL without */
} kiln_import_matching;

/* Finds `from` for the net and the list; KILN_E_CHECKPOINT for what does not fit. */
int kiln_import_match(kiln_import_matching *m);
int kiln_import_is_float(const kiln_import_array *a);
/* Is the array stored with the tensor's two dimensions the other way round? */
int kiln_import_is_transposed(const kiln_import_array *a, const kiln_tensor *t);

/* The weights for a net of this notation over images of o's size (NULL: as the file's metadata
 * "input" says) as an export, and into j an array that says what went
 * where: kiln_formats.h, kiln_import. 1, or 0 where the file is kiln's own and needs none of this.
 * KILN_E_CHECKPOINT, KILN_E_ARG, KILN_E_NOTATION, KILN_E_MEMORY; *out is empty then. */
int kiln_import_weights(kiln_bytes *out, kiln_json *j, const char *net, const kiln_net_options *o,
                        const char *version, const uint8_t *bytes, size_t size);

#endif
