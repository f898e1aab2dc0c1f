/* Fuzzes the reader of PNG and JPEG pictures, and what makes them small: a picture is refused with
 * a sentence, or it has pixels. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "../../src/cli/pictures.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t planes[3 * 32 * 32];
    const cli_form form = {3, 32, 32, size % 2 ? CLI_FIT_PAD : CLI_FIT_CROP};
    cli_pixels p;
    const char *wrong = cli_picture_decode(&p, bytes, size);

    if (wrong ? !*wrong || p.rgb : !p.rgb) abort();
    if (!wrong && (double)p.H * p.W < 1e6 && cli_picture_reduce(planes, &form, &p) < 0) abort();
    free(p.rgb);
    return 0;
}
