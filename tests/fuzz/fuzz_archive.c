/*
 * Fuzz target: the tar reader. Fed at once or in pieces, an archive must give the same status and
 * the same set, with every label below ten.
 */
#include <stdint.h>
#include <stdlib.h>

#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(kiln_dataset *d, const uint8_t *data, size_t size, size_t piece)
{
    int status = kiln_fileset_create(d);

    for (size_t at = 0; status >= 0 && at < size; at += piece)
        status = kiln_fileset_feed_tar(d, data + at, (int)(size - at < piece ? size - at : piece));
    return status < 0 ? status : kiln_fileset_finish(d, -1, -1, -1, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kiln_dataset whole, pieces;
    const int status = load(&whole, data, size, size + 1);

    if (load(&pieces, data, size, 509) != status) abort();
    if (status >= 0) {
        if (whole.hash != pieces.hash || whole.count[0] < 1) abort();
        for (int s = 0; s < KILN_SPLITS; s++)
            for (int i = 0; i < whole.count[s]; i++)
                if (whole.label[s][i] > 9) abort();
    }
    kiln_dataset_destroy(&whole);
    kiln_dataset_destroy(&pieces);
    return 0;
}
