/* The list of steps for readers: what is fused with what, and which values have no buffer. */
#include <stdio.h>

#include "net/net_internal.h"

#define TEXT 80

static const char *name_of(const kiln_net *net, int l)
{
    return net->plan.layer[l].name;
}

/* The relu that an action of layer l does as well, or -1. */
static int relu_of(const kiln_net *net, int l, enum kiln_act what)
{
    const kiln_node *node = &net->node[l];

    if (what != KILN_DO_BACKWARD) return node->relu ? l + 1 : -1;
    if (!node->relu_backward) return -1;
    return kiln_net_kind(net, l)->relu_backward == KILN_RELU_BEFORE ? net->plan.layer[l].from
                                                                     : l + 1;
}

static void write_action(kiln_json *j, const kiln_net *net, const kiln_action *action)
{
    const enum kiln_act what = (enum kiln_act)action->what;
    const int l = action->layer, relu = relu_of(net, l, what);
    char text[TEXT];

    if (what == KILN_DO_SUMS)
        snprintf(text, sizeof text, "sums of %s", name_of(net, l));
    else
        snprintf(text, sizeof text, "%s%s%s%s", name_of(net, l), relu < 0 ? "" : " with ",
                 relu < 0 ? "" : name_of(net, relu), what == KILN_DO_AGAIN ? " again" : "");
    kiln_json_string(j, NULL, text);
}

/* Values that this step makes in the scratch of threads: "conv1", its gradient "dconv1". */
static void write_transient(kiln_json *j, const kiln_net *net, const kiln_step *step)
{
    kiln_json_array(j, "transient");
    for (int i = step->first; i < step->first + step->count; i++) {
        const int l = net->action[i].layer, what = net->action[i].what;
        char text[TEXT];

        if (what == KILN_DO_BACKWARD && net->node[l].transient_gradient) {
            snprintf(text, sizeof text, "d%s", name_of(net, l));
            kiln_json_string(j, NULL, text);
        } else if (what == KILN_DO_AGAIN || (what == KILN_DO_FORWARD && net->node[l].transient)) {
            kiln_json_string(j, NULL, name_of(net, l));
        }
    }
    kiln_json_close(j);
}

static void write_step(kiln_json *j, const kiln_net *net, const kiln_step *step)
{
    kiln_json_object(j, NULL);
    kiln_json_string(j, "pass", step->backward ? "backward" : "forward");
    kiln_json_array(j, "layers");
    for (int i = step->first; i < step->first + step->count; i++)
        write_action(j, net, &net->action[i]);
    kiln_json_close(j);
    kiln_json_int(j, "images", step->fused ? step->chunk : net->options.batch);
    if (step->grouped >= 0) {
        const kiln_node *node = &net->node[step->grouped];

        kiln_json_int(j, "groups",
                      kiln_net_kind(net, step->grouped)->groups(node->made, net->options.batch));
    }
    write_transient(j, net, step);
    kiln_json_close(j);
}

void kiln_net_write_steps(kiln_json *j, const char *key, const kiln_net *net)
{
    kiln_json_array(j, key);
    for (int s = 0; s < net->steps; s++) write_step(j, net, &net->step_list[s]);
    kiln_json_close(j);
}
