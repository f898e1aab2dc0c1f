/*
 * Fuzz target: receipts, and the lines of a run that one is made of. What is taken is written as a
 * receipt below its size, and that reads back to the same one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "formats/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const kiln_receipt_run *run)
{
    static kiln_receipt_run again;
    static kiln_json first, second;
    int length;

    kiln_json_begin(&first);
    kiln_receipt_json(run, &first);
    length = kiln_json_end(&first);
    if (length < 0 || length > KILN_RECEIPT_BYTES) abort();
    if (kiln_receipt_parse(&again, kiln_json_text(&first), (size_t)length) < 0) abort();
    kiln_json_begin(&second);
    kiln_receipt_json(&again, &second);
    if (kiln_json_end(&second) < 0) abort();
    if (strcmp(kiln_json_text(&first), kiln_json_text(&second)) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kiln_receipt_run run;
    char *text = malloc(size + 1); /* exactly as long, so that reading past the end is seen */
    char *bytes = size ? realloc(text, size) : text;

    if (size) memcpy(bytes, data, size);
    if (kiln_receipt_parse(&run, bytes, size) >= 0) write_and_read(&run);
    if (kiln_receipt_of_lines(&run, bytes, size) >= 0) write_and_read(&run);
    free(bytes);
    return 0;
}
