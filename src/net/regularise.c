/*
 * The regularisation loss and its gradient, with the sums of squares that a training step wants to
 * know (cs231n: 0.5·reg·ΣW², dW += reg·W).
 *
 *   loss = 0.5·reg·Σ w²     dw += reg·w     Σ dw² after that
 *
 * One pass in pieces that stay in the first-level cache, since it is memory that takes the time:
 * 12 bytes a parameter for the three together, 4 where reg is 0. Float sums of PIECE squares, added
 * in their order in double: any number of threads gives the same bits.
 */
#include "base/threads.h"
#include "kernels/vec.h"
#include "net/net_internal.h"

enum { PIECE = 4096, PIECES = 256 };

typedef struct {
    const float *w;
    float *dw;       /* NULL: nothing is done with the gradient */
    float reg;       /* 0: not added */
    int sum_w, size; /* sum_w: Σ w² is wanted */
    double w_squares[PIECES], dw_squares[PIECES];
} piece_job;

typedef struct {
    double w, dw;
} squares;

static void do_piece(void *context, int task, int thread)
{
    piece_job *j = context;
    const int at = task * PIECE, size = j->size - at < PIECE ? j->size - at : PIECE;

    (void)thread;
    j->w_squares[task] = j->sum_w ? kiln_vec_sum_squares(j->w + at, size) : 0;
    j->dw_squares[task] = 0;
    if (!j->dw) return;
    if (j->reg != 0) kiln_vec_axpy(j->dw + at, j->w + at, size, j->reg);
    j->dw_squares[task] = kiln_vec_sum_squares(j->dw + at, size);
}

/* dw += reg·w, and the squares of tensor t; of one that is not trained, 0. */
static squares pass_over(const kiln_tensor *t, float reg, int sum_w, int gradients)
{
    squares s = {0, 0};
    piece_job j;

    if (!t->trained) return s;
    for (int at = 0; at < t->size; at += PIECE * PIECES) {
        const int left = t->size - at < PIECE * PIECES ? t->size - at : PIECE * PIECES;
        const int pieces = (left + PIECE - 1) / PIECE;

        j.w = t->data + at;
        j.dw = gradients ? t->gradient + at : NULL;
        j.reg = reg;
        j.sum_w = sum_w;
        j.size = left;
        kiln_parallel(pieces, do_piece, &j);
        for (int i = 0; i < pieces; i++) {
            s.w += j.w_squares[i];
            s.dw += j.dw_squares[i];
        }
    }
    return s;
}

double kiln_net_regularise(kiln_net *net, double reg, int gradients, double *dw_squares)
{
    double w = 0, dw = 0;

    for (int i = 0; i < net->learned; i++) {
        const kiln_tensor *t = &net->tensor[i];
        const float rate = t->regularised ? (float)reg : 0;
        const squares s = pass_over(t, rate, rate != 0, gradients);

        w += s.w;
        dw += s.dw;
    }
    if (dw_squares) *dw_squares = dw;
    return 0.5 * reg * w;
}

double kiln_net_parameter_squares(kiln_net *net)
{
    double sum = 0;

    for (int i = 0; i < net->learned; i++) sum += pass_over(&net->tensor[i], 0, 1, 0).w;
    return sum;
}
