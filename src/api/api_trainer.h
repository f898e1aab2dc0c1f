/* What the files of the public functions of training share. */
#ifndef KILN_API_API_TRAINER_H
#define KILN_API_API_TRAINER_H

#include "train/trainer.h"

/* The run of a trainer, while its data set is alive; NULL with the error set (KILN_E_HANDLE). */
kiln_run *kiln_trainer_run(int handle);
int kiln_check_views(int views);
/* first .. first + n - 1 are images of the split. */
int kiln_check_range(const kiln_dataset *d, int split, int first, int n);

#endif
