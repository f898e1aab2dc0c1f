/*
 * Every array of a run under the name a checkpoint gives it. Writing hands the list to the
 * safetensors writer; reading lists a fresh run the same way and fills each array from the tensor
 * of its name, so the two cannot disagree.
 *
 *   conv1.w, batchnorm1.running_mean, ...   the net, in the course's shapes
 *   optimizer.v.conv1.w, ...                the update rule's state: v; cache; m and v
 *   best.conv1.w, ...                       the net of the best validation accuracy, once there is
 *                                           one
 *   history.loss, .loss_step, .epoch, .epoch_values
 */
#ifndef KILN_TRAIN_TENSOR_LIST_H
#define KILN_TRAIN_TENSOR_LIST_H

#include "net/safetensors.h"
#include "train/trainer.h"

#define KILN_TENSOR_LIST_NAME 80 /* "optimizer.cache." and a tensor's name */

typedef struct {
    kiln_safetensor *tensor; /* data points into the run; of a sketch it is NULL */
    char (*name)[KILN_TENSOR_LIST_NAME];
    int count;
    kiln_arena arena;
} kiln_tensor_list;

/* An empty list with capacity for all of r; ends with kiln_arena_destroy(&l->arena). */
int kiln_tensor_list_make(kiln_tensor_list *l, const kiln_run *r);
void kiln_tensor_list_net(kiln_tensor_list *l, kiln_run *r); /* adds the net alone */
/* Adds everything. Of a run that is sketched (its net without memory, its sizes alone) it tells
 * names and shapes. */
void kiln_tensor_list_run(kiln_tensor_list *l, kiln_run *r);

#endif
