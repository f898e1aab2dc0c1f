/*
 * Which parameters a training run leaves as they are: the list `freeze` of net.h against the names
 * of layers and tensors.
 *
 * A name is that of a layer, conv1, which stands for all its parameters, or of one parameter,
 * conv1.w; * in it fits any characters, as in a shell. Running statistics are no parameters: those
 * of a frozen batchnorm follow the batches of training all the same, as PyTorch's do where
 * requires_grad is off and the module is in train mode.
 */
#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"
#include "net/net_internal.h"

/* Does the pattern, `length` characters of it, fit the whole name? Where a character misfits, the
 * last * takes one more. */
static int fits(const char *pattern, size_t length, const char *name)
{
    const char *const end = pattern + length, *star = NULL, *from = NULL;

    while (*name) {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            from = name;
        } else if (pattern < end && *pattern == *name) {
            pattern++, name++;
        } else if (star) {
            pattern = star;
            name = ++from;
        } else {
            return 0;
        }
    }
    while (pattern < end && *pattern == '*') pattern++;
    return pattern == end;
}

/* Marks what the pattern names; returns how many parameters. */
static int mark(kiln_net *net, const char *pattern, size_t length)
{
    int found = 0;

    for (int i = 0; i < net->tensors; i++) {
        kiln_tensor *t = &net->tensor[i];

        if (!t->parameter || (!fits(pattern, length, t->name) &&
                              !fits(pattern, length, net->plan.layer[t->layer].name)))
            continue;
        found++;
        t->frozen |= t->trained;
        t->trained = t->early = 0;
    }
    return found;
}

/* The layers that have parameters: "conv1, conv2, affine1", as many as there is space for. */
static int nothing_of_that_name(kiln_net *net, const char *pattern, size_t length)
{
    const char *names[KILN_LAYERS_MAX], *near;
    char word[32], list[200] = "";
    int count = 0;

    for (int l = 0; l < net->plan.count; l++) {
        const size_t used = strlen(list);

        if (!net->node[l].tensors) continue;
        names[count] = net->plan.layer[l].name;
        snprintf(list + used, sizeof list - used, "%s%s", count++ ? ", " : "",
                 net->plan.layer[l].name);
    }
    snprintf(word, sizeof word, "%.*s", (int)length, pattern);
    near = kiln_closest(word, names, count);
    if (near)
        return kiln_fail(KILN_E_ARG, "freeze: the net has no \"%.*s\"; did you mean \"%s\"?",
                         (int)length, pattern, near);
    return kiln_fail(KILN_E_ARG, "freeze: the net has no \"%.*s\"; its layers with parameters are "
                                 "%s, and these are named as %s", (int)length, pattern, list,
                     kiln_net_tensor_at(net, 0)->name);
}

int kiln_net_freeze(kiln_net *net)
{
    const char *at = net->options.freeze;
    int left = 0;

    if (!*at || strcmp(at, "none") == 0) return KILN_OK;
    at += strspn(at, ", ");
    do {
        const size_t length = strcspn(at, ", ");

        if (!mark(net, at, length)) return nothing_of_that_name(net, at, length);
        at += length + strspn(at + length, ", ");
    } while (*at);
    for (int i = 0; i < net->tensors; i++) left += net->tensor[i].trained;
    if (left) return KILN_OK;
    return kiln_fail(KILN_E_ARG, "freeze: \"%s\" leaves nothing to train; let one layer learn",
                     net->options.freeze);
}
