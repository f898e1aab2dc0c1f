/* The data set of the checkpoint fuzzer and of its seeds. */
#ifndef KILN_TESTS_FUZZ_DATA_H
#define KILN_TESTS_FUZZ_DATA_H

#include <stdlib.h>

#include "data/dataset.h"

static inline const kiln_dataset *fuzz_data(void)
{
    static kiln_dataset data;

    if (!data.finished && kiln_builtin_create(&data, 1, 20, 10, 10) < 0) abort();
    return &data;
}

#endif
