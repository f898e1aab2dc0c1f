/*
 * The regularisation loss and its gradient, with the sums of squares that a training step wants to
 * know (cs231n: 0.5·reg·ΣW², dW += reg·W).
 *
 *   squares.w = Σ w²     squares.dw = Σ (dw + reg·w)²     over all learned tensors
 *
 * One pass in pieces that stay in the first-level cache, since it is memory that takes the time:
 * 12 bytes a parameter for the three together. Float sums of PIECE squares, added in their order
 * in double: any number of threads gives the same bits.
 */
#include "base/threads.h"
#include "kernels/vec.h"
#include "net/net_internal.h"

enum { PIECE = 4096, PIECES = 256 };

typedef struct {
    const float *w;
    float *dw; /* NULL: not wanted */
    float reg; /* 0: not added */
    int size;
    double w_squares[PIECES], dw_squares[PIECES];
} piece_job;

static void do_piece(void *context, int task, int thread)
{
    piece_job *j = context;
    const int at = task * PIECE, size = j->size - at < PIECE ? j->size - at : PIECE;

    (void)thread;
    j->w_squares[task] = kiln_vec_sum_squares(j->w + at, size);
    if (!j->dw) return;
    if (j->reg != 0) kiln_vec_axpy(j->dw + at, j->w + at, size, j->reg);
    j->dw_squares[task] = kiln_vec_sum_squares(j->dw + at, size);
}

/* dw += reg·w; the squares of tensor t. */
static kiln_squares squares_of(const kiln_tensor *t, float reg, int gradients)
{
    kiln_squares s = {0, 0};
    piece_job j;

    for (int at = 0; at < t->size; at += PIECE * PIECES) {
        const int left = t->size - at < PIECE * PIECES ? t->size - at : PIECE * PIECES;
        const int pieces = (left + PIECE - 1) / PIECE;

        j.w = t->data + at;
        j.dw = gradients ? t->gradient + at : NULL;
        j.reg = reg;
        j.size = left;
        kiln_parallel(pieces, do_piece, &j);
        for (int i = 0; i < pieces; i++) {
            s.w += j.w_squares[i];
            s.dw += gradients ? j.dw_squares[i] : 0;
        }
    }
    return s;
}

double kiln_net_regularise(kiln_net *net, double reg, int gradients, kiln_squares *squares)
{
    kiln_squares all = {0, 0};
    double regularised = 0;

    for (int i = 0; i < net->learned; i++) {
        const kiln_tensor *t = &net->tensor[i];
        const kiln_squares s = squares_of(t, t->regularised ? (float)reg : 0, gradients);

        all.w += s.w;
        all.dw += s.dw;
        if (t->regularised) regularised += s.w;
    }
    if (squares) *squares = all;
    return 0.5 * reg * regularised;
}
