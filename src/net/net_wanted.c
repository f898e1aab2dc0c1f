/*
 * Which gradients somebody reads, and what of the backward pass is left out where nobody does.
 *
 * A value wants its gradient where something before it is trained, or the layer itself is. Steps
 * and memory are planned once, for all tensors that may be trained (net_schedule.c, net_memory.c);
 * while the early ones are held (a whitening's bias behind its first epochs), the actions that only
 * they wanted stand idle in the same list, and a convolution whose dx nobody wants leaves it out.
 * So the backward pass ends a layer earlier, and no other bit changes.
 */
#include <string.h>

#include "net/net_internal.h"

void kiln_net_find_wanted(kiln_net *net)
{
    for (int l = 0; l < net->plan.count; l++) {
        const int sources[2] = {net->plan.layer[l].from, net->plan.layer[l].from2};
        kiln_node *node = &net->node[l];

        node->wants_gradient = net->options.keep || node->trained > 0;
        for (int i = 0; i < 2; i++)
            if (sources[i] >= 0) node->wants_gradient |= net->node[sources[i]].wants_gradient;
        if (net->options.inference) node->wants_gradient = 0;
    }
}

static int gives(const kiln_net *net, int l)
{
    const int from = net->plan.layer[l].from;

    return from >= 0 && net->node[from].wants_gradient;
}

int kiln_net_is_wanted(const kiln_net *net, int l)
{
    const kiln_layer_kind *kind = kiln_net_kind(net, l);

    if (!net->node[l].wants_gradient) return 0;
    return kind->joins || net->node[l].trained || gives(net, l) || kind->always_dx;
}

/* A value is made again for the layers behind it in the step, sums are taken for their own. */
static void find_idle(kiln_net *net, kiln_step *step)
{
    kiln_action *action = &net->action[step->first];

    step->idle = 1;
    for (int i = step->count - 1; i >= 0; i--) {
        const int l = action[i].layer;

        switch ((enum kiln_act)action[i].what) {
        case KILN_DO_SUMS: action[i].idle = !net->node[l].wants_gradient; break;
        case KILN_DO_BACKWARD: action[i].idle = !kiln_net_is_wanted(net, l); break;
        case KILN_DO_AGAIN: action[i].idle = step->idle; break;
        case KILN_DO_FORWARD: break;
        }
        step->idle &= action[i].idle;
    }
}

void kiln_net_hold(kiln_net *net, int held)
{
    int changed = 0;

    for (int i = 0; i < net->learned; i++) {
        kiln_tensor *t = &net->tensor[i];

        if (!t->early || t->held == held) continue;
        t->held = held;
        net->node[t->layer].trained += held ? -1 : 1;
        if (t->gradient) memset(t->gradient, 0, (size_t)t->size * sizeof *t->gradient);
        changed = 1;
    }
    if (!changed) return;
    kiln_net_find_wanted(net);
    for (int s = net->forward_steps; s < net->steps; s++) find_idle(net, &net->step_list[s]);
}

double kiln_net_backward_flops(const kiln_net *net)
{
    double flops = 0;

    for (int l = 0; l < net->plan.count; l++)
        if (kiln_net_is_wanted(net, l) && gives(net, l)) flops += net->plan.layer[l].flops;
    for (int i = 0; i < net->learned; i++) {
        const kiln_tensor *t = &net->tensor[i];

        if (t->trained && t->regularised && !t->held) flops += net->plan.layer[t->layer].flops;
    }
    return flops;
}
