/*
 * A receipt: what makes a training run checkable by training it again. One JSON object, version 1:
 *
 *   {"receipt":1,"kiln":"0.1.0","mode":"strict","preset":null or a name,"data":"builtin",
 *    "dataHash":"..","options":{"net":"..","seed":"1",..},"start":"hash of the first parameters",
 *    "epochs":[[epoch, step, trainLoss, trainAccuracy, valAccuracy, "hash of the parameters"],..],
 *    "best":false,"end":"hash","valAccuracy":..,"testAccuracy":..,
 *    "notChecked":{"seconds":..,"machine":".."}}
 *
 * Hashes are those of kiln_net_hash. "preset": the one whose net and options these are. "best": the
 * run ended with the parameters of its best validation accuracy; else its end is what the last
 * epoch left. It stays below 20 kB: of many epochs pairs are kept that follow each other, every
 * fourth, eighth .. epoch and the one before; the last two are there. Reading is as strict as of a
 * checkpoint: every member once, no other, each in its range.
 */
#ifndef KILN_FORMATS_RECEIPT_H
#define KILN_FORMATS_RECEIPT_H

#include "base/json.h"

#define KILN_RECEIPT_BYTES 20000
#define KILN_RECEIPT_EPOCHS 80
#define KILN_RECEIPT_OPTIONS 11000 /* bytes of the lines of options: a notation and the others */

typedef struct {
    int64_t epoch, step;
    double train_loss, train_accuracy, validation; /* NaN where the run did not look */
    char hash[17];
} kiln_receipt_epoch;

typedef struct {
    char version[24], mode[8], preset[40], data[200], data_hash[17];
    char options[KILN_RECEIPT_OPTIONS]; /* key=value lines */
    char start[17], end[17];            /* "" for start: not known */
    kiln_receipt_epoch epochs[KILN_RECEIPT_EPOCHS];
    int epoch_count, every; /* every: of so many epochs two are kept; 1: all are */
    int best;
    double validation, test, seconds; /* NaN where not known */
    char machine[120];
} kiln_receipt_run;

/* Of the lines of a run: events begin, epoch and done as they come, others are passed over. Members
 * are those of `kiln train --log`, with "parameterHash" in each, and "best" and "machine" in done.
 * KILN_E_DATA with a sentence, also where no event done ends it. */
int kiln_receipt_of_lines(kiln_receipt_run *run, const char *text, size_t size);
/* A receipt. KILN_E_DATA with a sentence. */
int kiln_receipt_parse(kiln_receipt_run *run, const char *text, size_t size);
/* The preset whose net and options these are, but for the seed, the data set, and what is looked at
 * only: train, validation, test, check-train, check-val, eval-views, eval-share. "" for none. */
const char *kiln_receipt_preset(const kiln_receipt_run *run);
/* KILN_E_ARG with a sentence where one part of it contradicts another: an end that is not what the
 * last epoch left, or a preset whose net and options are others. KILN_E_DATA for a preset, or
 * options, that this kiln does not know. */
int kiln_receipt_check(const kiln_receipt_run *run);
/* The object that is a receipt. */
void kiln_receipt_json(const kiln_receipt_run *run, kiln_json *j);

#endif
