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
/* That file: it belongs to the library and lives until the next kiln_export that succeeds; NULL
 * before the first one. */
KILN_API const uint8_t *kiln_exported(void);

#ifdef __cplusplus
}
#endif

#endif
