/* Looking into a net: values of layers, the first that is not finite, times, and the hash of all
 * tensors. */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "kernels/vec.h"
#include "net/net_internal.h"

/* The loss shows what its scores mean: probabilities (softmax) or the scores themselves (svm). */
static void loss_value(const kiln_net *net, const float *scores, float *out)
{
    const kiln_layer *layer = &net->plan.layer[net->plan.count - 1];

    if (layer->kind->probabilities)
        kiln_softmax(out, scores, 1, layer->C);
    else
        kiln_vec_copy(out, scores, layer->C);
}

int kiln_net_value(kiln_net *net, int l, int what, int image, float *out)
{
    const int is_loss = l == net->plan.count - 1;
    const int at = is_loss ? net->plan.layer[l].from : l; /* of a loss: that of its scores */
    const kiln_layer *layer;
    const float *block;
    int count;

    if (l < 0 || l >= net->plan.count || what < 0 || what > 1)
        return kiln_fail(KILN_E_ARG, "inspect: there is no value %d of layer %d", what, l);
    if (!net->options.keep)
        return kiln_fail(KILN_E_STATE, "inspect: the net was not made with keep=1");
    layer = &net->plan.layer[l];
    count = (int)kiln_net_elements(net, l);
    if (!out) return count;
    if (image < 0 || image >= net->last_n)
        return kiln_fail(KILN_E_ARG, "inspect: image %d is not in the last pass of %d", image,
                         net->last_n);
    block = what ? net->node[at].dout : net->node[at].out;
    if (!block) return kiln_fail(KILN_E_STATE, "inspect: this net has no gradients");
    block += (size_t)image * (size_t)count;
    if (is_loss && !what)
        loss_value(net, block, out);
    else
        kiln_vec_nhwc_to_nchw(out, block, 1, layer->C, layer->H * layer->W);
    return count;
}

/* ---- what is not finite ---------------------------------------------------------------------- */

static void say(const kiln_net *net, int l, const char *tensor, char *out, int size)
{
    snprintf(out, (size_t)size, "layer %d (%s), tensor %s", l + 1, net->plan.layer[l].name, tensor);
}

/* Of the parameters (gradients 0) or their gradients, the last layer first as they come. */
static int find_in_tensors(const kiln_net *net, int gradients, char *out, int size)
{
    for (int i = net->learned - 1; i >= 0; i--) {
        const kiln_tensor *t = &net->tensor[i];
        const float *data = gradients ? t->gradient : t->data;
        char name[64];

        if (!data || kiln_vec_all_finite(data, t->size)) continue;
        snprintf(name, sizeof name, "%s%s", gradients ? "d" : "", strchr(t->name, '.') + 1);
        say(net, t->layer, name, out, size);
        return 1;
    }
    return 0;
}

/* Finite all, and yet no norm: of the gradients or the parameters, as above. */
static int find_overflow(const kiln_net *net, int gradients, char *out, int size)
{
    for (int i = net->learned - 1; i >= 0; i--) {
        const kiln_tensor *t = &net->tensor[i];
        const float *data = gradients ? t->gradient : t->data;
        const double squares = data && t->trained ? kiln_vec_sum_squares(data, t->size) : 0;
        char name[64];

        if (squares - squares == 0) continue;
        snprintf(name, sizeof name, "%s%s, whose squares overflow", gradients ? "d" : "",
                 strchr(t->name, '.') + 1);
        say(net, t->layer, name, out, size);
        return 1;
    }
    return 0;
}

/* The first layer of a step whose output is not finite for some image, or -1. The pass is run once
 * more for it, as buffers are shared. */
static int find_in_step(kiln_net *net, const kiln_step *step)
{
    const kiln_action *action = &net->action[step->first];
    const int n = net->last_n, train = net->last_train;
    const int images = kiln_net_image_by_image(net, action[0].layer) ? 1 : n;
    int found = step->count;

    for (int i = 0; i < step->count; i++) {
        const int l = action[i].layer;

        if (action[i].what != KILN_DO_FORWARD) continue;
        if (train && kiln_net_kind(net, l)->moments) kiln_net_moments(net, l, n, 0, n);
        kiln_net_begin_forward(net, l, n, train, 1);
    }
    for (int at = 0; at < n; at += images)
        for (int i = 0; i < found; i++) {
            const int l = action[i].layer;

            if (action[i].what != KILN_DO_FORWARD) continue;
            kiln_net_forward_images(net, l, at, images, train, 0);
            if (!kiln_vec_all_finite(kiln_net_out_at(net, l, at, 0, 0),
                                     images * (int)kiln_net_elements(net, l)))
                found = i;
        }
    return found < step->count ? action[found].layer : -1;
}

void kiln_net_find_nonfinite(kiln_net *net, char *out, int size)
{
    const int n = net->last_n, loss = net->plan.count - 1;

    if (!kiln_vec_all_finite(net->input, n * (int)kiln_net_elements(net, -1))) {
        snprintf(out, (size_t)size, "the input");
        return;
    }
    if (find_in_tensors(net, 0, out, size)) return;
    for (int s = 0; s < net->forward_steps; s++) {
        const int found = find_in_step(net, &net->step_list[s]);

        if (found < 0) continue;
        say(net, found, "out", out, size);
        return;
    }
    if (find_in_tensors(net, 1, out, size) || find_overflow(net, 1, out, size) ||
        find_overflow(net, 0, out, size))
        return;
    say(net, loss, "loss", out, size);
}

/* ---- time and hash --------------------------------------------------------------------------- */

void kiln_net_profile_on(kiln_net *net, int on)
{
    net->profiling = on != 0;
    net->calls = 0;
    memset(net->forward_seconds, 0, sizeof net->forward_seconds);
    memset(net->backward_seconds, 0, sizeof net->backward_seconds);
}

int kiln_net_profile_read(kiln_net *net, const double **forward, const double **backward)
{
    *forward = net->forward_seconds;
    *backward = net->backward_seconds;
    return net->calls;
}

uint64_t kiln_net_hash64(const kiln_net *net)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (int i = 0; i < net->tensors; i++) {
        for (int k = 0; k < net->tensor[i].size; k++) {
            uint32_t bits;

            memcpy(&bits, &net->tensor[i].data[k], sizeof bits);
            for (int byte = 0; byte < 4; byte++, bits >>= 8)
                hash = (hash ^ (bits & 0xff)) * 0x100000001b3;
        }
    }
    return hash;
}
