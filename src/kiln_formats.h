/*
 * The public C API of the export formats, beside kiln.h, whose rules go for it. It is a header of
 * its own because the modules that train in a browser leave these functions out.
 */
#ifndef KILN_KILN_FORMATS_H
#define KILN_KILN_FORMATS_H

#include "kiln.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Text: what a model can leave as, [{"name":"npz","ending":"npz","holds":"parameters", "history"
 * or "summary","sentence"}]. */
KILN_API int kiln_formats(void);
/* A checkpoint, or an export of one (then without curves), of `size` bytes as a file of that
 * format. Returns its size in bytes. KILN_E_ARG for an unknown format, or for what the format has
 * no words for, by its name; KILN_E_CHECKPOINT; KILN_E_MEMORY. */
KILN_API int kiln_export(const char *format, const uint8_t *bytes, int size);
/* Weights of another program in `bytes`, a safetensors file (PyTorch's) or an .npz (NumPy's,
 * stored), for a net of this notation, as an export that kiln_trainer_load and kiln_trainer_begin
 * read; net NULL or "": as the file's metadata "net" says. Options: "input=1x28x28\n", the size of
 * the images that the net takes; NULL or "": as the metadata "input" of a file that names a net
 * says, else 3x32x32. Returns its size in bytes, or 0 where the file is kiln's own and can be read
 * as it is. Arrays are matched by kiln's names, the course's (W1), those of a module for each
 * layer ("conv1.weight"), or by order and shape; what PyTorch stores as (M, D) is transposed;
 * types are float32 and float64. Text: what went where, [{"tensor","shape":[..],"from": a name or
 * null,"how":"as it is", "transposed" or "start value"}]. KILN_E_ARG where no net is known,
 * KILN_E_NOTATION; KILN_E_CHECKPOINT for what does not fit, lacks a tensor or holds one too many;
 * KILN_E_MEMORY. */
KILN_API int kiln_import(const char *net, const char *options, const uint8_t *bytes, int size);
/* That file: it belongs to the library and lives until the next kiln_export that succeeds; NULL
 * before the first one. */
KILN_API const uint8_t *kiln_exported(void);

/* Text: the receipt of a run, by which it can be checked (src/formats/receipt.h has its members),
 * of the run's events in `bytes`, a JSON object a line: "begin" with "version", "mode", "data",
 * "dataHash", "options" and the "parameterHash" of its first parameters; "epoch" with the
 * members of kiln_trainer_history and "parameterHash"; "done" with "parameterHash", "valAccuracy",
 * "testAccuracy", "best", "seconds" and "machine". KILN_E_DATA. */
KILN_API int kiln_receipt(const uint8_t *bytes, int size);
/* Text: the receipt in `bytes`, once all of it was read. KILN_E_DATA for what is none, or is of a
 * kiln that knows more; KILN_E_ARG where it contradicts itself, and the text is there then too. */
KILN_API int kiln_receipt_read(const uint8_t *bytes, int size);

#ifdef __cplusplus
}
#endif

#endif
