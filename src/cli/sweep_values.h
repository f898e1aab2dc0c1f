/*
 * What the options of a sweep may be: lists and ranges.
 *
 *   0.1,0.01        a list; options whose values are text (net, init, augment) are given again
 *   1..10           whole numbers, each
 *   0.1..0.9:5      five numbers at equal distances, both ends among them
 *   1e-4..1e-1:log:4   four numbers at equal ratios; without the 4 to be drawn from (--random)
 *
 * What is computed is rounded to four digits, so that it is short and the same on every machine.
 */
#ifndef KILN_CLI_SWEEP_VALUES_H
#define KILN_CLI_SWEEP_VALUES_H

#include "arguments.h"

#define SWEEP_AXES 32
#define SWEEP_PIECES 4096 /* of all options together */
#define SWEEP_RUNS 100000
#define SWEEP_KEY 40

/* A value, or a range. */
typedef struct {
    const char *text; /* the value, or NULL: a range */
    int length;
    int whole, logarithmic;
    int64_t count; /* numbers in the range; 0: it is there to be drawn from alone */
    double from, to;
} sweep_piece;

typedef struct {
    char key[SWEEP_KEY];
    const sweep_piece *pieces;
    int piece_count, is_flag;
    int64_t count; /* values of all pieces */
} sweep_axis;

typedef struct {
    sweep_axis axes[SWEEP_AXES]; /* the options that were given, in the order they were */
    int axis_count;
    sweep_piece pieces[SWEEP_PIECES];
    int64_t runs;
    int random;    /* drawn, not a grid */
    uint32_t seed; /* of what is drawn */
} sweep_plan;

/* Reads a->text, --random and --search-seed; the texts stay in `a`. 0, or an exit code with a
 * sentence. */
int sweep_read(sweep_plan *plan, const cli_arguments *a);
/* The value of an option in run number `run`, from 0. `out` has KILN_VALUE_MAX bytes. */
void sweep_value(char *out, const sweep_plan *plan, int axis, int64_t run);

#endif
