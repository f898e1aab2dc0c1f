/*
 * The formats in which a model leaves: one table, from which the program, the bindings and the page
 * take names, endings and sentences. A format is a row, and a writer in a file of its own.
 *
 * Writers get a model that was read and checked, and put a whole file. What a format has no words
 * for is refused by its name: KILN_E_ARG with a sentence.
 */
#ifndef KILN_FORMATS_FORMATS_H
#define KILN_FORMATS_FORMATS_H

#include "base/json.h"
#include "formats/bytes.h"
#include "formats/model.h"

typedef struct {
    const char *name;     /* "npz": the word behind --format */
    const char *ending;   /* of its files: "npz" */
    const char *holds;    /* "parameters": for lists */
    const char *sentence; /* what it is for */
    int (*write)(kiln_bytes *out, const kiln_model *m);
} kiln_format;

/* Format i of all; NULL behind the last. */
const kiln_format *kiln_format_at(int i);

/* A checkpoint, or an export of one, as a file of the format named: KILN_E_ARG for an unknown name
 * or what the format has no words for; errors of kiln_model_read. On failure *out is empty. */
int kiln_format_write(kiln_bytes *out, const char *name, const uint8_t *bytes, size_t size);

/* The array that kiln_formats.h describes. */
void kiln_formats_json(kiln_json *j);

/* The names of a net's tensors in an .npz, by number of the tensor and without ".npy". */
#define KILN_NPZ_NAME 56
void kiln_npz_names(char name[][KILN_NPZ_NAME], kiln_net *net);

/* The writers, a file each. */
int kiln_write_safetensors(kiln_bytes *out, const kiln_model *m); /* format_safetensors.c */
int kiln_write_npz(kiln_bytes *out, const kiln_model *m);         /* npz.c */
int kiln_write_onnx(kiln_bytes *out, const kiln_model *m);        /* onnx.c */
int kiln_write_onnx_normalized(kiln_bytes *out, const kiln_model *m);
int kiln_write_pytorch(kiln_bytes *out, const kiln_model *m);     /* pytorch.c */
int kiln_write_pytorch_weights(kiln_bytes *out, const kiln_model *m);
int kiln_write_tfjs(kiln_bytes *out, const kiln_model *m);        /* tfjs.c */
int kiln_write_csv(kiln_bytes *out, const kiln_model *m);         /* curves.c */
int kiln_write_csv_losses(kiln_bytes *out, const kiln_model *m);  /* curves.c */
int kiln_write_json(kiln_bytes *out, const kiln_model *m);        /* curves.c */
int kiln_write_markdown(kiln_bytes *out, const kiln_model *m);    /* summary.c */
int kiln_write_latex(kiln_bytes *out, const kiln_model *m);       /* summary.c */

#endif
