/*
 * What the files of a net share.
 *
 * A net runs by a list of steps, written when it is made (net_schedule.c). A step is one layer over
 * all images, or a fused group of layers that is taken image by image. A value that one group makes
 * and takes is transient: it has no buffer, only a place in the scratch of a thread.
 *
 * Time, for the memory plan, is the number of a step; the loss is between those of the forward and
 * those of the backward pass. What any layer of a group needs lives through the whole step.
 */
#ifndef KILN_NET_NET_INTERNAL_H
#define KILN_NET_NET_INTERNAL_H

#include "base/rng.h"
#include "net/kinds.h"
#include "net/net.h"

#define KILN_BUFFERS_MAX (4 * KILN_LAYERS_MAX)
#define KILN_STEPS_MAX (4 * KILN_LAYERS_MAX)   /* each layer alone and its sums, both ways */
#define KILN_ACTIONS_MAX (5 * KILN_LAYERS_MAX)
#define KILN_FOREVER 0x7fffffff
#define KILN_ALIGN_FLOATS 16

/* Floats that live from one time to another, both included. */
typedef struct {
    size_t floats, offset;
    int from, to;
} kiln_buffer;

enum kiln_act {
    KILN_DO_FORWARD,  /* a layer's output */
    KILN_DO_SUMS,     /* its sums over the batch: moments forward, dots backward */
    KILN_DO_AGAIN,    /* its transient output once more, for the backward pass that reads it */
    KILN_DO_BACKWARD  /* its gradients, from that of its output */
};

/* What a step does with one layer. A relu that a neighbour does has no action of its own. */
typedef struct {
    unsigned char what;
    unsigned char idle; /* nobody wants it at present */
    short layer;
} kiln_action;

/* Actions first .. first + count - 1, in this order: for all images one after the other, or, fused,
 * all of them for at most `chunk` images, then for the next. */
typedef struct {
    short first, count;
    short grouped; /* backward: layer whose gradients are summed in groups of images, or -1 */
    unsigned char backward, fused;
    unsigned char idle; /* all its actions are */
    int chunk;
} kiln_step;

typedef struct {
    /* The schedule. */
    short step[2];                    /* numbers of the steps it runs in: forward, backward */
    unsigned char wants_gradient;     /* something before it, or itself, is trained at present */
    unsigned char relu;               /* stores max(0, out): the relu behind it is done here */
    unsigned char relu_backward;      /* does the backward pass of the relu behind or before it */
    unsigned char transient;          /* its output is, .. */
    unsigned char transient_gradient; /* .. and the gradient of that */
    int consumers;                    /* layers that take the output */
    int last_consumer; /* the highest of them: the first to write the gradient */
    /* The memory plan: numbers of buffers, -1: none. Layers that share one work in place. */
    int out_buffer, dout_buffer, temp_buffer, place_buffer;
    size_t transient_at[2], transient_gradient_at; /* in a thread's scratch; forward, backward */
    int tensors; /* how many it has; their numbers, in the order of its row: */
    int tensor[KILN_LAYER_TENSORS_MAX];
    int trained;      /* how many of them are trained at present */
    const void *made; /* what its kind planned, or NULL */
    /* The memory. */
    float *out, *dout, *temp, *cache;
    int32_t *place; /* of maxima */
} kiln_node;

struct kiln_net {
    kiln_arena self, plans, arena; /* this struct; plans of layers; all else that it points to */
    kiln_net_options options;
    kiln_plan plan;
    kiln_node node[KILN_LAYERS_MAX];
    kiln_tensor tensor[KILN_TENSORS_MAX];
    int tensors, learned; /* all; those whose rows are trained come first, though some be frozen */
    kiln_buffer *buffer; /* while the memory is planned; then their places in the pool are left: */
    size_t buffer_at[KILN_BUFFERS_MAX];
    int buffers;
    size_t parameter_floats, statistic_floats, pool_floats, work_floats, sums_floats, spare_floats;
    float *input, *parameters, *gradients, *statistics, *pool, *work;
    size_t thread_floats; /* scratch of a thread, for transient values */
    float *threads;
    float *sums; /* of the layer whose sums over the batch were taken last */
    kiln_step step_list[KILN_STEPS_MAX]; /* forward_steps of the forward pass, then backward */
    int steps, forward_steps;
    kiln_action action[KILN_ACTIONS_MAX];
    float *spare; /* running statistics of a pass that must not change the real ones */
    int64_t step;
    float dropout; /* of all dropout layers; negative: the notation's */
    int last_n, last_train;
    int profiling, calls;
    double forward_seconds[KILN_LAYERS_MAX], backward_seconds[KILN_LAYERS_MAX];
};

/* net_tensors.c: names, shapes and places of parameters and running statistics; their start values.
 */
void kiln_net_list_tensors(kiln_net *net);
void kiln_net_place_tensors(kiln_net *net); /* floats of each block, by what is trained */
void kiln_net_initialise(kiln_net *net);

/* freeze.c: between listing and placing, what options freeze is marked as not trained. KILN_E_ARG
 * where a name fits nothing, or nothing is left to train. */
int kiln_net_freeze(kiln_net *net);

/* net_schedule.c: the list of steps, and what follows from it for each layer. */
void kiln_net_plan_steps(kiln_net *net);
int kiln_net_reads_input(const kiln_net *net, int l); /* backward */
int kiln_net_reads_output(const kiln_net *net, int l);
int kiln_net_in_place(const kiln_net *net, int l); /* may write its output over its input */
int kiln_net_is_fused_relu(const kiln_net *net, int l); /* done by the layer before it */

/* net_wanted.c: which gradients somebody reads. */
void kiln_net_find_wanted(kiln_net *net);
/* Layer l computes one: its own tensors' or its input's. */
int kiln_net_is_wanted(const kiln_net *net, int l);

/* net_memory.c: which values share which buffers, and where these lie. */
void kiln_net_plan_memory(kiln_net *net);

/* net_layers.c: one layer of a pass over n images. begin, then images, any at a time, from tasks
 * of the pool too (`thread` is the task's), and backward end. Before begin come the sums, where its
 * kind has them. observing: running statistics go to net->spare. */
int kiln_net_image_by_image(const kiln_net *net, int l); /* else images is called once, for all */
void kiln_net_begin_forward(kiln_net *net, int l, int n, int train, int observing);
void kiln_net_forward_images(kiln_net *net, int l, int first, int count, int train, int thread);
void kiln_net_begin_backward(kiln_net *net, int l, int n);
/* Images of a group, where its kind has groups. */
void kiln_net_backward_images(kiln_net *net, int l, int n, int group, int first, int count,
                              int thread);
void kiln_net_end_backward(kiln_net *net, int l, int n);
/* Output of layer l from an image on, in a forward or backward pass; of a transient one, those at
 * hand. */
float *kiln_net_out_at(const kiln_net *net, int l, int first, int thread, int backward);

/* All of backward over all images, but for the sums; with them. */
void kiln_net_backward_whole(kiln_net *net, int l, int n);
void kiln_net_backward_layer(kiln_net *net, int l, int n);

/* Sums of layer l over some images. */
int kiln_net_sums_by_image(const kiln_net *net, int l); /* it has sums, and they may be so taken */
void kiln_net_moments(kiln_net *net, int l, int n, int first, int count);
void kiln_net_dots(kiln_net *net, int l, int n, int first, int count);
/* Makes a transient output again, in a backward pass. */
void kiln_net_make_again(kiln_net *net, int l, int first, int count, int thread);

const float *kiln_net_output(const kiln_net *net, int l); /* of layer l; -1: the input */
kiln_rng kiln_net_dropout_rng(const kiln_net *net, int l);
const kiln_layer_kind *kiln_net_kind(const kiln_net *net, int l);

/* Floats of one image's output of layer l; -1: of the input. */
size_t kiln_net_elements(const kiln_net *net, int l);

#endif
