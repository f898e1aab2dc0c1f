/*
 * Fuzz target: a file of any data set, by what its bytes say it is: the first byte picks its name.
 * What is taken makes a set whose labels and sizes hold together, the same one each time; what is
 * refused leaves an empty one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "data/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {"mine", "train-x", "t10k-x.gz", "train.bin", "test.bin",
                                    "fine_label_names.txt", "data_batch_1.bin"};
enum { NAMES = sizeof names / sizeof *names };

static int load(kiln_dataset *d, const char *name, const uint8_t *data, size_t size)
{
    int status = kiln_fileset_create(d);

    if (status >= 0) status = kiln_fileset_add_file(d, name, data, (int)size, KILN_SPLIT_BY_NAME);
    if (status == KILN_E_SPLIT) status = kiln_fileset_add_file(d, name, data, (int)size, 0);
    /* An idx file alone lacks the other of its pair: here labels, all 0 where bytes are left. */
    if (status >= 0 && size > 8 && memcmp(data, "\0\0\x08\3", 4) == 0) {
        const uint32_t n = (uint32_t)data[6] << 8 | data[7];
        uint8_t *labels = calloc(1, 8 + n);

        if (!labels) abort();
        memcpy(labels, "\0\0\x08\1", 4);
        labels[6] = data[6], labels[7] = data[7];
        kiln_fileset_add_file(d, name, labels, 8 + (int)n, data[5] % 2 ? 2 : KILN_SPLIT_BY_NAME);
        free(labels);
    }
    return status < 0 ? status : kiln_fileset_finish(d, -1, -1, -1, 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *name = names[size ? data[0] % NAMES : 0];
    kiln_dataset one, two;
    const int status = size ? load(&one, name, data + 1, size - 1) : -1;

    if (!size) return 0;
    if (load(&two, name, data + 1, size - 1) != status) abort();
    if (status >= 0) {
        if (one.hash != two.hash || one.classes < 2 || one.classes > KILN_CLASSES_MAX) abort();
        if (one.C < 1 || one.C > 3 || one.H > KILN_SIDE_MAX || one.W > KILN_SIDE_MAX) abort();
        for (int c = 0; c < one.classes; c++)
            if (strcmp(one.class_name[c], two.class_name[c]) != 0) abort();
        for (int s = 0; s < KILN_SPLITS; s++)
            for (int i = 0; i < one.count[s]; i++)
                if (one.label[s][i] >= one.classes) abort();
    }
    kiln_dataset_destroy(&one);
    kiln_dataset_destroy(&two);
    return 0;
}
