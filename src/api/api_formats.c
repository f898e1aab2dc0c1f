/* The public functions of the export formats: kiln_formats.h. */
#include <limits.h>

#include "api/api_text.h"
#include "base/status.h"
#include "formats/formats.h"
#include "kiln_formats.h"

static kiln_bytes exported; /* the last file, until the next */

int kiln_formats(void)
{
    kiln_formats_json(kiln_text_begin());
    return kiln_text_end();
}

int kiln_export(const char *format, const uint8_t *bytes, int size)
{
    kiln_bytes file;

    if (!format || !bytes || size < 0)
        return kiln_fail(KILN_E_ARG, "export: there is no %s", format ? "checkpoint" : "format");
    KILN_TRY(kiln_format_write(&file, format, bytes, (size_t)size));
    if (file.size > INT_MAX) {
        const size_t much = file.size;

        kiln_bytes_free(&file);
        return kiln_fail(KILN_E_MEMORY, "the export has %zu bytes, more than a file here may",
                         much);
    }
    kiln_bytes_free(&exported);
    exported = file;
    return (int)file.size;
}

const uint8_t *kiln_exported(void)
{
    return (const uint8_t *)exported.arena.base;
}
