/*
 * What the files of a net share.
 *
 * A stretch is some layers in a row that a pass takes image by image: all of them for a few images,
 * then all of them for the next, so that one layer reads what is still in the cache from the one
 * before. net_run.c says which and why. A value is fleeting where one stretch makes it and takes
 * it: it lives in the room of a thread, for the images at hand. A batchnorm's output that the
 * backward pass needs is made again there, from its input.
 *
 * Time, for the memory plan: layer l runs forward at time l and backward at 2 L - 2 - l, L being
 * the number of layers; the last layer is the loss, whose two times are one. In a stretch the times
 * of all its layers are one: what any of them needs lives through it.
 */
#ifndef KILN_NET_NET_INTERNAL_H
#define KILN_NET_NET_INTERNAL_H

#include "base/rng.h"
#include "net/kinds.h"
#include "net/net.h"

#define KILN_BUFFERS_MAX (4 * KILN_LAYERS_MAX)
#define KILN_FOREVER 0x7fffffff
#define KILN_ALIGN_FLOATS 16

/* Floats that live from one time to another, both included. */
typedef struct {
    size_t floats, offset;
    int from, to;
} kiln_buffer;

/* Layers first .. last. */
typedef struct {
    int first, last;
} kiln_stretch;

typedef struct {
    kiln_stretch forward, backward; /* that this layer is in */
    /* The plan: numbers of buffers, -1: none. Layers that share one work in place. */
    int out_buffer, dout_buffer, temp_buffer, place_buffer;
    int consumers;      /* layers that take the output */
    int last_consumer;  /* the highest of them: the first to write the gradient */
    int wants_gradient; /* something before it, or itself, has parameters */
    int relu;           /* stores max(0, out): the relu behind it is done here */
    int done;           /* this relu is done by the layer before it */
    int relu_back;      /* its backward pass goes through the relu behind it or before it as well */
    int done_back;      /* this relu's backward pass is done by such a neighbour */
    int tensors;        /* how many it has; their numbers, in the order of its row: */
    int tensor[KILN_LAYER_TENSORS_MAX];
    int trained;        /* how many of them */
    const void *made;   /* what its kind planned, or NULL */
    /* The memory. */
    float *out, *dout, *temp, *cache;
    int32_t *place; /* of maxima */
    /* Fleeting values: where they lie in a thread's room, forward and backward. */
    int fleeting, fleeting_dout;
    int again; /* this fleeting batchnorm is made again backward */
    size_t out_room[2], dout_room;
} kiln_node;

struct kiln_net {
    kiln_arena self, plans, arena; /* this struct; plans of layers; all else that it points to */
    kiln_net_options options;
    kiln_plan plan;
    kiln_node node[KILN_LAYERS_MAX];
    kiln_tensor tensor[KILN_TENSORS_MAX];
    int tensors, learned; /* all, and those that are trained, which come first */
    kiln_buffer buffer[KILN_BUFFERS_MAX];
    int buffers;
    size_t parameter_floats, statistic_floats, pool_floats, work_floats, sums_floats, spare_floats;
    float *input, *parameters, *gradients, *statistics, *pool, *work;
    size_t room_floats; /* of a thread */
    float *rooms;
    float *sums; /* of the batchnorm `summed`, taken by the stretch before it; -1: none */
    int summed;
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
void kiln_net_initialise(kiln_net *net);

/* net_memory.c: which values share which buffers, and where these lie. */
void kiln_net_plan_memory(kiln_net *net);

/* net_layers.c: one layer of a pass over n images. begin, then images, any at a time, from tasks
 * of the pool too (`thread` is the task's), and backward end. observing: running statistics go to
 * net->spare. */
int kiln_net_image_by_image(const kiln_net *net, int l); /* else images is called once, for all */
int kiln_net_does_nothing(const kiln_net *net, int l);   /* a neighbour does its work */
void kiln_net_begin_forward(kiln_net *net, int l, int n, int train, int observing);
void kiln_net_forward_images(kiln_net *net, int l, int first, int count, int train, int thread);
void kiln_net_begin_backward(kiln_net *net, int l, int n);
/* Images of a group, where its kind has groups. */
void kiln_net_backward_images(kiln_net *net, int l, int n, int group, int first, int count,
                              int thread);
void kiln_net_end_backward(kiln_net *net, int l, int n);
/* Output of layer l from an image on, in a forward or backward pass; of a fleeting one, those at
 * hand. */
float *kiln_net_out_at(const kiln_net *net, int l, int first, int thread, int backward);

/* All of it, over all images. */
void kiln_net_forward_layer(kiln_net *net, int l, int n, int train, int observing);
void kiln_net_backward_layer(kiln_net *net, int l, int n);

/* Sums of layer l over some images; begin takes what no stretch has taken. */
int kiln_net_sums_by_image(const kiln_net *net, int l); /* it has sums, and they may be so taken */
void kiln_net_moments(kiln_net *net, int l, int n, int first, int count);
void kiln_net_dots(kiln_net *net, int l, int n, int first, int count);
/* Makes a fleeting output again, in a backward pass. */
void kiln_net_make_again(kiln_net *net, int l, int first, int count, int thread);

/* net_run.c: which layers make up stretches; how many images of a stretch are taken at a time at
 * most. */
void kiln_net_plan_stretches(kiln_net *net);
int kiln_net_chunk(const kiln_net *net, kiln_stretch layers, int n, int backward);

const float *kiln_net_output(const kiln_net *net, int l); /* of layer l; -1: the input */
kiln_rng kiln_net_dropout_rng(const kiln_net *net, int l);
const kiln_layer_kind *kiln_net_kind(const kiln_net *net, int l);

/* Floats of one image's output of layer l; -1: of the input. */
size_t kiln_net_elements(const kiln_net *net, int l);

#endif
