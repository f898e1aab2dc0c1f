/*
 * The public functions of nets: kiln.h, "nets". Arguments are checked here; src/net only asserts.
 *
 * Images come in the course's order (N, C, H, W) and are transposed to channels last on the way in.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api_net.h"
#include "api/api_text.h"
#include "api/handles.h"
#include "base/keyvalue.h"
#include "base/status.h"
#include "kernels/vec.h"
#include "kiln.h"
#include "net/kinds.h"
#include "net/net.h"
#include "net/notation.h"
#include "train/option_words.h"

/* ---- options --------------------------------------------------------------------------------- */

/* "3x32x32" */
static int read_input(const kiln_keyvalue *pair, kiln_net_options *o)
{
    const char *at = pair->value;
    long size[3] = {0};

    for (int i = 0; i < 3 && *at >= '0' && *at <= '9'; i++) {
        char *end;

        size[i] = strtol(at, &end, 10);
        if (size[i] > KILN_DIM_MAX) size[i] = 0;
        at = i < 2 && *end == 'x' ? end + 1 : end;
    }
    if (size[0] < 1 || size[1] < 1 || size[2] < 1 || *at)
        return kiln_fail(KILN_E_ARG,
                         "input: \"%.40s\" is not CxHxW as in 3x32x32, each from 1 to %d",
                         pair->value, KILN_DIM_MAX);
    o->C = (int)size[0], o->H = (int)size[1], o->W = (int)size[2];
    return KILN_OK;
}

static int read_init(const kiln_keyvalue *pair, kiln_net_options *o)
{
    kiln_init init;

    KILN_TRY(kiln_init_read(&init, pair->value, 1e6));
    o->init = init.kind, o->dirac = init.dirac;
    if (init.kind == KILN_INIT_GAUSSIAN) o->init_scale = init.scale;
    return KILN_OK;
}

static int read_freeze(const kiln_keyvalue *pair, kiln_net_options *o)
{
    if (strlen(pair->value) >= sizeof o->freeze)
        return kiln_fail(KILN_E_ARG, "freeze: the value is longer than %d characters",
                         (int)sizeof o->freeze - 1);
    strcpy(o->freeze, pair->value);
    return KILN_OK;
}

int kiln_net_options_text(kiln_net_options *o, const char *text)
{
    static const char *const keys[] = {"input", "batch", "seed", "init", "keep", "steps", "freeze"};
    kiln_keyvalue pair;
    int more;

    kiln_net_options_default(o);
    while ((more = kiln_keyvalue_next(&text, &pair)) > 0) {
        int64_t number = 0;

        if (!strcmp(pair.key, "input")) {
            KILN_TRY(read_input(&pair, o));
        } else if (!strcmp(pair.key, "batch")) {
            KILN_TRY(kiln_value_int(&pair, 1, KILN_BATCH_MAX, &number));
            o->batch = (int)number;
        } else if (!strcmp(pair.key, "seed")) {
            KILN_TRY(kiln_value_int(&pair, 0, UINT32_MAX, &number));
            o->seed = (uint32_t)number;
        } else if (!strcmp(pair.key, "init")) {
            KILN_TRY(read_init(&pair, o));
        } else if (!strcmp(pair.key, "keep")) {
            KILN_TRY(kiln_value_bool(&pair, &o->keep));
        } else if (!strcmp(pair.key, "steps")) {
            KILN_TRY(kiln_value_bool(&pair, &o->steps));
        } else if (!strcmp(pair.key, "freeze")) {
            KILN_TRY(read_freeze(&pair, o));
        } else {
            return kiln_key_unknown(pair.key, keys, sizeof keys / sizeof *keys);
        }
    }
    return more;
}

/* ---- the summary ----------------------------------------------------------------------------- */

static void write_attributes(kiln_json *j, const kiln_layer *l)
{
    kiln_json_object(j, "attributes");
    for (int i = 0; i < kiln_attribute_count(l->kind); i++) {
        const kiln_attribute *a = &l->kind->attribute[i];

        if (a->type == KILN_FLAG)
            kiln_json_bool(j, a->name, l->value[i] > 0);
        else
            kiln_json_number(j, a->name, kiln_attribute_shown(a, l->value[i]));
    }
    kiln_json_close(j);
}

/* Parameters of layer l that the option freeze holds; of all layers: l -1. */
static double count_frozen(kiln_net *net, int l)
{
    double count = 0;

    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->frozen && (l < 0 || t->layer == l)) count += t->size;
    }
    return count;
}

static void write_layer(kiln_json *j, kiln_net *net, int number)
{
    const kiln_layer *l = &kiln_net_plan(net)->layer[number];
    char text[96];

    kiln_layer_text(text, sizeof text, l);
    kiln_json_object(j, NULL);
    kiln_json_string(j, "name", l->name);
    kiln_json_string(j, "kind", l->kind->name);
    kiln_json_string(j, "text", text);
    write_attributes(j, l);
    kiln_json_array(j, "output");
    kiln_json_int(j, NULL, l->C);
    if (l->spatial) {
        kiln_json_int(j, NULL, l->H);
        kiln_json_int(j, NULL, l->W);
    }
    kiln_json_close(j);
    kiln_json_number(j, "parameters", l->parameters);
    kiln_json_number(j, "frozen", count_frozen(net, number));
    kiln_json_number(j, "flops", l->flops);
    kiln_json_number(j, "bytes", l->bytes);
    if (l->kind->algorithm)
        kiln_json_string(j, "algorithm", l->kind->algorithm(l, kiln_net_made_with(net)->batch));
    kiln_json_int(j, "unread", l->unread);
    kiln_json_int(j, "column", l->column);
    kiln_json_int(j, "end", l->end);
    kiln_json_close(j);
}

/* FLOPs of the backward pass; where tensors are early, their names, and FLOPs while these are
 * held. */
static void write_backward(kiln_json *j, kiln_net *net)
{
    int early = 0;

    kiln_json_number(j, "backwardFlops", kiln_net_backward_flops(net));
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (!t->early) continue;
        if (!early++) kiln_json_array(j, "early");
        kiln_json_string(j, NULL, t->name);
    }
    if (!early) return;
    kiln_json_close(j);
    kiln_net_hold(net, 1);
    kiln_json_number(j, "heldFlops", kiln_net_backward_flops(net));
}

int kiln_summary(const char *notation, const char *options)
{
    const kiln_plan *plan;
    kiln_net_options o;
    kiln_net *net = NULL;
    kiln_json *j;

    if (!notation) return kiln_fail(KILN_E_ARG, "summary: the notation is missing");
    KILN_TRY(kiln_net_options_text(&o, options));
    KILN_TRY(kiln_net_sketch(&net, notation, &o));
    plan = kiln_net_plan(net);
    j = kiln_text_begin();
    kiln_json_object(j, NULL);
    kiln_json_array(j, "layers");
    for (int l = 0; l < plan->count; l++) write_layer(j, net, l);
    kiln_json_close(j);
    kiln_json_number(j, "parameters", plan->parameters);
    kiln_json_number(j, "frozen", count_frozen(net, -1));
    kiln_json_number(j, "flops", plan->flops);
    kiln_json_number(j, "bytes", plan->bytes);
    kiln_json_number(j, "memory", kiln_net_planned_bytes(net));
    if (o.steps) kiln_net_write_steps(j, "steps", net);
    write_backward(j, net);
    kiln_json_string(j, "notation", plan->notation);
    kiln_json_close(j);
    kiln_net_free(net);
    return kiln_text_end();
}

/* ---- nets and their tensors ------------------------------------------------------------------ */

int kiln_net_create(const char *notation, const char *options)
{
    kiln_net_options o;
    kiln_net *net;
    int handle;

    if (!notation) return kiln_fail(KILN_E_ARG, "net: the notation is missing");
    KILN_TRY(kiln_net_options_text(&o, options));
    KILN_TRY(kiln_net_make(&net, notation, &o));
    handle = kiln_handle_put(KILN_KIND_NET, net);
    if (handle < 0) kiln_net_free(net);
    return handle;
}

int kiln_net_destroy(int handle)
{
    kiln_net *net = kiln_handle_get(KILN_KIND_NET, handle);

    if (!net) return KILN_E_HANDLE;
    if (!kiln_handle_take(KILN_KIND_NET, handle)) return KILN_E_STATE; /* a trainer's own */
    kiln_net_free(net);
    return KILN_OK;
}

static kiln_net *get(int handle)
{
    return kiln_handle_get(KILN_KIND_NET, handle);
}

int kiln_net_classes(int handle)
{
    kiln_net *net = get(handle);

    return net ? kiln_net_plan(net)->classes : KILN_E_HANDLE;
}

static int input_size(const kiln_net *net)
{
    const kiln_net_options *o = kiln_net_made_with(net);

    return o->C * o->H * o->W;
}

int kiln_net_input_size(int handle)
{
    kiln_net *net = get(handle);

    return net ? input_size(net) : KILN_E_HANDLE;
}

int kiln_net_tensors(int handle)
{
    kiln_net *net = get(handle);
    kiln_json *j;

    if (!net) return KILN_E_HANDLE;
    j = kiln_text_begin();
    kiln_json_array(j, NULL);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", t->name);
        kiln_json_array(j, "shape");
        for (int d = 0; d < t->dims; d++) kiln_json_int(j, NULL, t->shape[d]);
        kiln_json_close(j);
        kiln_json_int(j, "size", t->size);
        kiln_json_bool(j, "parameter", t->parameter);
        kiln_json_bool(j, "trained", t->trained);
        if (t->early) kiln_json_bool(j, "early", 1);
        kiln_json_bool(j, "regularised", t->regularised);
        kiln_json_int(j, "layer", t->layer);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    return kiln_text_end();
}

/* Tensor i of a net, or NULL with the error set and *status. */
static kiln_tensor *get_tensor(int handle, int i, const void *buffer, int *status)
{
    kiln_net *net = get(handle);

    *status = KILN_E_HANDLE;
    if (!net) return NULL;
    if (i >= 0 && i < kiln_net_tensor_count(net) && buffer) return kiln_net_tensor_at(net, i);
    *status = kiln_fail(KILN_E_ARG, "tensor %d of %d, or the array for it, is missing", i,
                        kiln_net_tensor_count(net));
    return NULL;
}

int kiln_net_tensor_get(int handle, int i, float *out)
{
    int status;
    const kiln_tensor *t = get_tensor(handle, i, out, &status);

    if (!t) return status;
    kiln_vec_copy(out, t->data, t->size);
    return t->size;
}

int kiln_net_tensor_set(int handle, int i, const float *values)
{
    int status;
    kiln_tensor *t = get_tensor(handle, i, values, &status);

    if (!t) return status;
    kiln_vec_copy(t->data, values, t->size);
    return t->size;
}

int kiln_net_gradient_get(int handle, int i, float *out)
{
    int status;
    const kiln_tensor *t = get_tensor(handle, i, out, &status);

    if (!t) return status;
    if (!t->gradient)
        return kiln_fail(KILN_E_ARG, "%s is not trained and has no gradient", t->name);
    kiln_vec_copy(out, t->gradient, t->size);
    return t->size;
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Checks n and puts the images into the net. */
static int load(kiln_net *net, const float *x, int n)
{
    const kiln_net_options *o = kiln_net_made_with(net);

    if (!x) return kiln_fail(KILN_E_ARG, "net: the images are missing");
    if (n < 1 || n > o->batch)
        return kiln_fail(KILN_E_ARG, "net: %d images, but the net was made for a batch of 1 to %d",
                         n, o->batch);
    kiln_vec_nchw_to_nhwc(kiln_net_input(net), x, n, o->C, o->H * o->W);
    return KILN_OK;
}

int kiln_net_scores(int handle, float *scores, const float *x, int n, int train)
{
    kiln_net *net = get(handle);

    if (!net) return KILN_E_HANDLE;
    if (!scores) return kiln_fail(KILN_E_ARG, "net: the array of scores is missing");
    KILN_TRY(load(net, x, n));
    if (train) KILN_TRY(kiln_net_check_batch(net, n));
    kiln_vec_copy(scores, kiln_net_forward(net, n, train), n * kiln_net_plan(net)->classes);
    return KILN_OK;
}

static int loss_of(int handle, double *loss, const float *x, const int *y, int n, double reg,
                   int gradients)
{
    kiln_net *net = get(handle);

    if (!net) return KILN_E_HANDLE;
    if (!loss || !y)
        return kiln_fail(KILN_E_ARG, "net: the labels, or a place for the loss, are missing");
    if (!(reg >= 0 && reg <= 1e6))
        return kiln_fail(KILN_E_ARG, "reg: %g is not a number from 0 to 1e6", reg);
    KILN_TRY(load(net, x, n));
    KILN_TRY(kiln_net_check_batch(net, n));
    for (int i = 0; i < n; i++)
        if (y[i] < 0 || y[i] >= kiln_net_plan(net)->classes)
            return kiln_fail(KILN_E_ARG, "net: label y[%d] is %d, but must be from 0 to %d", i,
                             y[i], kiln_net_plan(net)->classes - 1);
    kiln_net_forward(net, n, 1);
    *loss = kiln_net_data_loss(net, y, n);
    if (gradients) kiln_net_backward(net, n);
    *loss += kiln_net_regularise(net, reg, gradients, NULL);
    return KILN_OK;
}

int kiln_net_loss(int handle, double *loss, const float *x, const int *y, int n, double reg)
{
    return loss_of(handle, loss, x, y, n, reg, 0);
}

int kiln_net_loss_and_gradients(int handle, double *loss, const float *x, const int *y, int n,
                                double reg)
{
    return loss_of(handle, loss, x, y, n, reg, 1);
}

/* ---- looking in ------------------------------------------------------------------------------ */

int kiln_net_inspect(int handle, int layer, int what, int image, float *out)
{
    kiln_net *net = get(handle);

    return net ? kiln_net_value(net, layer, what, image, out) : KILN_E_HANDLE;
}

int kiln_net_profile(int handle, int on)
{
    kiln_net *net = get(handle);
    const double *forward, *backward;
    kiln_json *j;
    int calls;

    if (!net) return KILN_E_HANDLE;
    calls = kiln_net_profile_read(net, &forward, &backward);
    j = kiln_text_begin();
    kiln_json_array(j, NULL);
    for (int l = 0; l < kiln_net_plan(net)->count; l++) {
        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", kiln_net_plan(net)->layer[l].name);
        kiln_json_number(j, "forward", 1e3 * forward[l]);
        kiln_json_number(j, "backward", 1e3 * backward[l]);
        kiln_json_int(j, "calls", calls);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    kiln_net_profile_on(net, on);
    return kiln_text_end();
}

int kiln_net_hash(int handle)
{
    kiln_net *net = get(handle);
    char digits[20];
    kiln_json *j;

    if (!net) return KILN_E_HANDLE;
    snprintf(digits, sizeof digits, "%016llx", (unsigned long long)kiln_net_hash64(net));
    j = kiln_text_begin();
    kiln_json_raw(j, NULL, digits);
    return kiln_text_end();
}
