/*
 * One row a layer kind: all that the program knows of it. The notation, shapes, tensors, memory
 * plan, passes and gradient check ask the row; nobody else asks which kind a layer is.
 *
 * The rows stand in kind_<family>.c, and kind_families.c lists the families. A new kind is a row,
 * the functions it names, and nothing more: what a row leaves out is none, 0 or as a comment here
 * says.
 */
#ifndef KILN_NET_KINDS_H
#define KILN_NET_KINDS_H

#include "base/rng.h"
#include "kernels/vec.h"
#include "net/plan.h"

#define KILN_KINDS_MAX 64
#define KILN_LAYER_TENSORS_MAX 6
#define KILN_NORM_EPS 1e-5f    /* cs231n: batchnorm, layernorm, groupnorm */
#define KILN_NORM_MOMENTUM 0.9 /* cs231n: batchnorm */

/* ---- notation -------------------------------------------------------------------------------- */

enum kiln_attribute_type {
    KILN_WHOLE,  /* a whole number from min to max */
    KILN_SHARE,  /* at least 0 and below 1; a float */
    KILN_NUMBER, /* from min to max; a float */
    KILN_FLAG    /* its word alone: 1, without it 0 */
};

/* What may stand behind a layer's name. Those without a word come first, in their order; those
 * with a word may come in any order, or not at all. */
typedef struct {
    const char *name; /* public, as exports and summaries give it: "kernelHeight" */
    const char *word; /* that stands before it: "stride" */
    char lead;        /* character that stands before it: the 'x' of 3x3 */
    int optional;     /* of those without a word */
    enum kiln_attribute_type type;
    const char *what; /* for messages, an example behind a comma: "the stride, as in stride 2" */
    float min, max;   /* of whole numbers and numbers */
    float standard;   /* where the notation names none; it is left out of canonical text */
    double (*derive)(const double *value); /* in place of `standard`: from the other attributes */
} kiln_attribute;

/* ---- tensors --------------------------------------------------------------------------------- */

typedef struct {
    const char *name;   /* "w": the net calls it "conv1.w", its gradient is "dw" */
    int shape[4];       /* the course's; a size of 0 ends it */
    float start;        /* every value at the start, unless it is drawn */
    unsigned random : 1;      /* drawn as options say (he, xavier, gaussian) */
    unsigned regularised : 1; /* has a share in reg·ΣW² */
    unsigned shift : 1;       /* is added: a bias, a norm's beta; may have a rate of its own */
    unsigned statistic : 1;   /* a running statistic, no parameter */
    unsigned frozen : 1;      /* a parameter that is not trained; statistics never are */
    unsigned early : 1;       /* is trained in the first epochs alone, where options say so */
} kiln_tensor_row;

/* ---- passes ---------------------------------------------------------------------------------- */

/* What a layer's functions get. x, x2 (an add's shortcut), out, dout, dx and place are those of the
 * n images at hand, the first of which is number `first` of `all`. */
typedef struct {
    const kiln_layer *layer;
    float *data[KILN_LAYER_TENSORS_MAX], *gradient[KILN_LAYER_TENSORS_MAX]; /* as its row lists */
    const void *plan;           /* what its row planned, for the largest batch */
    float *cache, *sums, *work; /* floats as its row says, for the largest batch */
    const float *x, *x2, *dout;
    float *out, *dx;            /* backward: out is what forward gave; dx NULL: nobody wants it */
    int32_t *place;             /* of maxima; NULL: there is no backward pass */
    int n, first, all;
    int train;
    int relu;          /* forward: stores max(0, out) */
    int relu_backward; /* the backward pass of a relu is done as well: see kiln_layer_kind */
    int group, thread; /* of a kind with groups */
    float rate;        /* of dropout for all layers; negative: the layer's own */
    kiln_rng rng;      /* of this layer in this step */
} kiln_pass;

/* A layer in double, for gradient checks: out from x (and x2) over n images, train mode. */
typedef struct {
    const kiln_layer *layer;
    double *data[KILN_LAYER_TENSORS_MAX];
    const double *x, *x2;
    double *out, *work;
    int n;
    double rate; /* as in a pass */
    kiln_rng rng;
} kiln_twin;

enum { KILN_TAKES_ANY, KILN_TAKES_IMAGES, KILN_TAKES_ROWS }; /* rows: images are flattened first */
enum { KILN_READS_X = 1, KILN_READS_OUT = 2, KILN_READS_PLACE = 4 }; /* going backward */
enum { KILN_RELU_BEFORE = 1, KILN_RELU_BEHIND }; /* whose backward pass it does as well */

/* ---- the row --------------------------------------------------------------------------------- */

struct kiln_layer_kind {
    const char *name;     /* "conv": layers are called conv1, conv2 */
    const char *notation; /* the word that writes it; NULL: it is never written */
    const char *advice;   /* of one that is never written: what is expected in its place */
    const char *aliases[5]; /* what people call it elsewhere, */
    const char *example;    /* and what they then meant; NULL: its word */
    const kiln_attribute *attribute; /* up to one without a name; NULL: none */

    /* Shapes and costs. infer: KILN_OK, or a sentence by kiln_misfit; on entry the output is as the
     * input, and flops are `flops` for each of its values. */
    int takes;
    double flops;
    int (*infer)(kiln_layer *l);
    int (*tensors)(const kiln_layer *l, kiln_tensor_row *t); /* how many */
    /* Start values from the first training images x (n, H, W, C), as the net gets them; NULL: none.
     * Such a layer takes the images themselves. KILN_OK or KILN_E_MEMORY. */
    int (*start)(const kiln_layer *l, float *const *data, const float *x, int n);
    int (*least_batch)(const kiln_layer *l);                 /* in train mode; NULL: 1 */
    const char *(*algorithm)(const kiln_layer *l, int n);    /* for the summary */

    /* What it knows before it sees values, in plan_bytes: made with the net for batches of n. */
    size_t plan_bytes;
    void (*plan)(void *plan, const kiln_layer *l, int n);

    /* Floats for a batch of n: scratch while it runs, and what is kept from forward to backward. */
    size_t (*work)(const kiln_layer *l, int n);
    size_t (*cache)(const kiln_layer *l, int n);

    /* How it may run. */
    unsigned reads : 3;             /* KILN_READS_* */
    unsigned in_place : 1;          /* out may be x, dx may be dout */
    unsigned in_place_backward : 1; /* dx alone may be dout */
    unsigned always_dx : 1;         /* backward needs a place for dx even where nobody wants it */
    unsigned pools : 1;             /* windows without filters */
    unsigned joins : 1;             /* x + x2: both get dout as it is */
    unsigned relu : 1;              /* max(0, x): the kind before it may do this, */
    unsigned fuses_relu : 1;        /* as this kind does */
    unsigned relu_backward : 2;     /* KILN_RELU_*: does the backward pass of a relu that takes its
                                       output, or gives its input */
    unsigned corners : 1;           /* has points without a derivative */
    unsigned probabilities : 1;     /* a loss whose scores mean probabilities, by softmax */
    int by_image; /* 0: takes the whole batch at once; else any images at a time, where an image
                     has a multiple of so many values */

    void (*begin_forward)(const kiln_pass *p); /* before any images; x is the batch's */
    void (*forward)(const kiln_pass *p);
    void (*begin_backward)(const kiln_pass *p);
    void (*backward)(const kiln_pass *p);
    void (*end_backward)(const kiln_pass *p);
    void (*backward_all)(const kiln_pass *p); /* the three at once; NULL: one after the other */

    /* A kind that needs sums over the whole batch before its first image: moments of x, forward,
     * and dots of dout and x, backward, of some images at a time where sums_by_image says so. x and
     * dout are the batch's. */
    size_t (*sums)(const kiln_layer *l, int n); /* floats */
    int (*sums_by_image)(const kiln_layer *l);
    void (*moments)(const kiln_pass *p);
    void (*dots)(const kiln_pass *p);

    /* A kind whose gradients are summed in groups of images, several images a step. Its scratch
     * holds what begin made, so no two such kinds run at a time. */
    int (*groups)(const void *plan, int n);
    int (*group_first)(int n, int groups, int group); /* image; at groups: n */
    int (*group_step)(const void *plan);

    /* A loss, the last layer: mean loss of the scores x; dx is the gradient, NULL: not wanted. */
    double (*loss)(const kiln_layer *l, float *dx, const float *x, const int *y, int n);

    /* The twins. objective: Σ dout·out over what entry `entry` of input `what` reaches, where that
     * is far less than all; `what` is KILN_TWIN_X or the number of a tensor. */
    void (*twin)(const kiln_twin *t);
    double (*twin_loss)(const kiln_layer *l, const double *x, const int *y, int n);
    size_t (*twin_work)(const kiln_layer *l, int n); /* doubles */
    double (*objective)(const kiln_twin *t, const double *dout, int what, size_t entry);
};

#define KILN_TWIN_X (-1)

/* Families: rows up to one without a name. */
extern const kiln_layer_kind kiln_kinds_conv[], kiln_kinds_pool[], kiln_kinds_affine[];
extern const kiln_layer_kind kiln_kinds_activation[], kiln_kinds_norm[], kiln_kinds_dropout[];
extern const kiln_layer_kind kiln_kinds_join[], kiln_kinds_loss[];
extern const kiln_layer_kind *const kiln_kind_families[]; /* up to NULL */

/* Kind i of all, in the order in which messages list them; NULL behind the last. */
const kiln_layer_kind *kiln_kind_at(int i);
const kiln_layer_kind *kiln_kind_named(const char *name);

/* ---- for rows -------------------------------------------------------------------------------- */

/* Values of one image's output. */
static inline size_t kiln_layer_elements(const kiln_layer *l)
{
    return (size_t)l->C * (size_t)l->H * (size_t)l->W;
}

static inline void kiln_copy_values(float *out, const float *x, int count)
{
    if (out != x) kiln_vec_copy(out, x, count);
}

static inline int kiln_attribute_count(const kiln_layer_kind *kind)
{
    int count = 0;

    while (kind->attribute && kind->attribute[count].name) count++;
    return count;
}

/* What attribute `a` is where the notation names none, the others' values being known. */
double kiln_attribute_standard(const kiln_attribute *a, const double *value);
/* A value as the notation writes it: 0.01, where the layer has the float next to that. */
double kiln_attribute_shown(const kiln_attribute *a, double value);
/* KILN_E_SHAPE: "net: column 9: conv 3x3x8 SENTENCE". */
int kiln_misfit(const kiln_layer *layer, const char *sentence);
/* How many of the `size` rows no window of `window` rows, `stride` apart, covers. */
int kiln_unread(int size, int window, int stride, int pad, int windows);

#endif
