/*
 * Fuzz target: a CIFAR-10 file. What is taken must be there byte for byte; what is refused must
 * leave the set as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"

enum { RECORD = 3073 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t one[RECORD] = {7, 1, 2, 3};
    kiln_dataset d;

    if (kiln_fileset_create(&d) < 0) abort();
    if (kiln_fileset_add_file(&d, "data_batch_1.bin", one, RECORD, KILN_SPLIT_BY_NAME) < 0) abort();

    const int taken = kiln_fileset_add_file(&d, "mine.bin", data, (int)size, 0) >= 0;

    if (kiln_fileset_finish(&d, -1, 0, -1, 1) < 0) abort();
    if (d.count[0] != 1 + (taken ? (int)(size / RECORD) : 0)) abort();
    if (d.label[0][0] != 7 || memcmp(d.image[0], one + 1, RECORD - 1) != 0) abort();
    if (taken && size % RECORD != 0) abort();
    for (int i = 1; i < d.count[0]; i++) {
        const uint8_t *record = data + (size_t)(i - 1) * RECORD;

        if (d.label[0][i] != record[0] || record[0] > 9) abort();
        if (memcmp(d.image[0] + (size_t)i * (RECORD - 1), record + 1, RECORD - 1) != 0) abort();
    }
    kiln_dataset_destroy(&d);
    return 0;
}
