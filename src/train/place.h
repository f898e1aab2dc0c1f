/* Where a run stands: with its seed and what it has learned, this decides all that follows. */
#ifndef KILN_TRAIN_PLACE_H
#define KILN_TRAIN_PLACE_H

#include <stdint.h>

typedef struct {
    int64_t step; /* steps taken */
    int64_t position; /* images of the present epoch already seen */
    int epoch; /* epochs done */
    double loss_sum; /* of the present epoch's steps */
    int64_t loss_count;
} kiln_place;

#endif
