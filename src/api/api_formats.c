/* The public functions of the export formats: kiln_formats.h. */
#include <limits.h>

#include "api/api_net.h"
#include "api/api_text.h"
#include "base/status.h"
#include "formats/formats.h"
#include "formats/import.h"
#include "formats/receipt.h"
#include "kiln_formats.h"

static kiln_bytes exported; /* the last file, until the next */

int kiln_formats(void)
{
    kiln_formats_json(kiln_text_begin());
    return kiln_text_end();
}

/* A file in place of the last one; its size. */
static int keep(kiln_bytes file)
{
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

int kiln_export(const char *format, const uint8_t *bytes, int size)
{
    kiln_bytes file;

    if (!format || !bytes || size < 0)
        return kiln_fail(KILN_E_ARG, "export: there is no %s", format ? "checkpoint" : "format");
    KILN_TRY(kiln_format_write(&file, format, bytes, (size_t)size));
    return keep(file);
}

int kiln_import(const char *net, const char *options, const uint8_t *bytes, int size)
{
    kiln_net_options o;
    kiln_bytes file;
    int status;

    if (!bytes || size < 0) return kiln_fail(KILN_E_ARG, "import: there is no file");
    KILN_TRY(kiln_net_options_text(&o, options));
    status = kiln_import_weights(&file, kiln_text_begin(), net, options && *options ? &o : NULL,
                                 kiln_version(), bytes, (size_t)size);
    if (status <= 0) return status;
    status = kiln_text_end();
    if (status >= 0) return keep(file);
    kiln_bytes_free(&file);
    return status;
}

static kiln_receipt_run run; /* of the receipt that is made or read */

typedef int reader(kiln_receipt_run *run, const char *text, size_t size);

static int leave_receipt(reader *read, const uint8_t *bytes, int size)
{
    if (!bytes || size < 0) return kiln_fail(KILN_E_ARG, "receipt: there is no text");
    KILN_TRY(read(&run, (const char *)bytes, (size_t)size));
    kiln_receipt_json(&run, kiln_text_begin());
    return kiln_text_end();
}

int kiln_receipt(const uint8_t *bytes, int size)
{
    return leave_receipt(kiln_receipt_of_lines, bytes, size);
}

int kiln_receipt_read(const uint8_t *bytes, int size)
{
    const int status = leave_receipt(kiln_receipt_parse, bytes, size);

    KILN_TRY(status);
    KILN_TRY(kiln_receipt_check(&run));
    return status;
}

const uint8_t *kiln_exported(void)
{
    return (const uint8_t *)exported.arena.base;
}
