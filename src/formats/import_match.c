/*
 * Matching the arrays of another program to the tensors of a net: import.h has the rules.
 *
 * A name is a module and a role: "features.3.weight" is the weight of module features.3, "W2" (the
 * course's) the weight of module 2. PyTorch stores a linear layer's weight as (M, D), kiln and the
 * course as (D, M): what is called "weight" and has two dimensions is transposed, what is called
 * "w" or "W" is not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "formats/import.h"

#define NAME_SIZE (KILN_SAFETENSORS_NAME_MAX + 1)
#define NAMES_MAX 4
#define LIST_SIZE 200

/* ---- names ----------------------------------------------------------------------------------- */

/* Where the role begins in a name, and where its module ends. */
static const char *split_name(const char *name, char module[NAME_SIZE])
{
    static const char *const course[] = {"W", "b", "gamma", "beta", "running_mean", "running_var",
                                         "slope"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; i < sizeof course / sizeof *course && !dot; i++) {
        const size_t length = strlen(course[i]);

        if (strncmp(name, course[i], length) != 0 || !name[length] ||
            strspn(name + length, "0123456789") != strlen(name + length))
            continue;
        strcpy(module, name + length);
        return course[i];
    }
    snprintf(module, NAME_SIZE, "%.*s", dot ? (int)(dot - name) : 0, name);
    return dot ? dot + 1 : name;
}

static const char *role_of(const kiln_tensor *t)
{
    return strrchr(t->name, '.') + 1;
}

/* Is this role of another program the tensor's? */
static int is_role(const char *role, const kiln_tensor *t)
{
    static const char *const other[][NAMES_MAX] = {
        {"w", "W", "weight"}, {"b", "bias"}, {"gamma", "weight"}, {"beta", "bias"},
        {"slope", "weight"}};
    const char *own = role_of(t);

    if (strcmp(role, own) == 0) return 1;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        for (int k = 1; strcmp(other[i][0], own) == 0 && k < NAMES_MAX && other[i][k]; k++)
            if (strcmp(role, other[i][k]) == 0) return 1;
    return 0;
}

/* The order of names, in which numbers count as numbers: 2 comes before 10. */
static int by_name(const char *a, const char *b)
{
    while (*a && *b) {
        const size_t n = strspn(a, "0123456789"), m = strspn(b, "0123456789");

        if (n && m) {
            if (n != m) return n < m ? -1 : 1;
            const int order = strncmp(a, b, n);

            if (order) return order;
            a += n, b += m;
            continue;
        }
        if (*a != *b) return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        a++, b++;
    }
    return (*a != 0) - (*b != 0);
}

static int by_array_name(const void *a, const void *b)
{
    return by_name(((const kiln_import_array *)a)->t.name, ((const kiln_import_array *)b)->t.name);
}

/* ---- what fits ------------------------------------------------------------------------------- */

int kiln_import_is_float(const kiln_import_array *a)
{
    return a->t.type == KILN_F32 || a->t.type == KILN_F64;
}

int kiln_import_is_transposed(const kiln_import_array *a, const kiln_tensor *t)
{
    char module[NAME_SIZE];

    return t->dims == 2 && strcmp(split_name(a->t.name, module), "weight") == 0;
}

static int fits(const kiln_import_array *a, const kiln_tensor *t)
{
    const int turn = kiln_import_is_transposed(a, t);

    if (a->used || !kiln_import_is_float(a) || a->t.dims != t->dims) return 0;
    for (int i = 0; i < t->dims; i++)
        if (a->t.shape[i] != t->shape[turn ? 1 - i : i]) return 0;
    return 1;
}

/* The array of a module that is the tensor, or -1. */
static int member(const kiln_import_matching *m, const char *module, const kiln_tensor *t)
{
    char own[NAME_SIZE];

    for (int i = 0; i < m->list.count; i++) {
        const kiln_import_array *a = &m->list.array[i];
        const char *role = split_name(a->t.name, own);

        if (strcmp(own, module) == 0 && is_role(role, t) && fits(a, t)) return i;
    }
    return -1;
}

/* Takes a module's arrays for layer l, where they are all there; running statistics may be missing,
 * as the course keeps them elsewhere. */
static int take_module(kiln_import_matching *m, int l, const char *module)
{
    int taken = 0, number;

    for (int i = 0; (number = kiln_net_tensor_of(m->net, l, i)) >= 0; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, number);

        m->from[number] = member(m, module, t);
        if (m->from[number] < 0 && t->parameter) return 0;
        taken++;
    }
    for (int i = 0; i < taken; i++) {
        number = kiln_net_tensor_of(m->net, l, i);
        if (m->from[number] >= 0) m->list.array[m->from[number]].used = 1;
    }
    return 1;
}

/* ---- matching -------------------------------------------------------------------------------- */

static void forget(kiln_import_matching *m)
{
    for (int i = 0; i < KILN_TENSORS_MAX; i++) m->from[i] = -1;
    for (int i = 0; i < m->list.count; i++) m->list.array[i].used = 0;
}

/* Every parameter by kiln's name or the course's. */
static int match_names(kiln_import_matching *m)
{
    for (int i = 0; i < kiln_net_tensor_count(m->net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, i);

        for (int k = 0; k < m->list.count; k++) {
            kiln_import_array *a = &m->list.array[k];

            if ((strcmp(a->t.name, t->name) && strcmp(a->t.name, m->course[i])) || !fits(a, t))
                continue;
            m->from[i] = k;
            a->used = 1;
            break;
        }
        if (m->from[i] < 0 && t->parameter) return 0;
    }
    return 1;
}

static int has_tensors(const kiln_import_matching *m, int l)
{
    return kiln_net_tensor_of(m->net, l, 0) >= 0;
}

/* Every layer from the module of its name, "conv1". */
static int match_modules(kiln_import_matching *m)
{
    const kiln_plan *plan = kiln_net_plan(m->net);

    for (int l = 0; l < plan->count; l++)
        if (has_tensors(m, l) && !take_module(m, l, plan->layer[l].name)) return 0;
    return 1;
}

/* The first arrays that are not used, for a sentence. */
static void list_unused(const kiln_import_matching *m, char out[LIST_SIZE])
{
    int listed = 0, at = snprintf(out, LIST_SIZE, "nothing");

    for (int i = 0; i < m->list.count && listed < 3; i++) {
        const kiln_safetensor *t = &m->list.array[i].t;

        if (m->list.array[i].used) continue;
        if (!listed) at = 0;
        at += snprintf(out + at, (size_t)(LIST_SIZE - at), "%s%.24s %s (", listed++ ? ", " : "",
                       t->name, kiln_safetensors_type_name(t->type));
        for (int d = 0; d < t->dims; d++)
            at += snprintf(out + at, (size_t)(LIST_SIZE - at), "%s%d", d ? ", " : "", t->shape[d]);
        at += snprintf(out + at, (size_t)(LIST_SIZE - at), ")");
    }
}

static int nothing_fits(const kiln_import_matching *m, int l)
{
    const kiln_tensor *t = kiln_net_tensor_at(m->net, kiln_net_tensor_of(m->net, l, 0));
    char shape[64] = "", left[LIST_SIZE];

    for (int i = 0, at = 0; i < t->dims; i++)
        at += snprintf(shape + at, sizeof shape - (size_t)at, "%s%d", i ? ", " : "", t->shape[i]);
    list_unused(m, left);
    return kiln_fail(KILN_E_CHECKPOINT,
                     "import: no float32 or float64 arrays fit %s with %s (%s); left are %s",
                     kiln_net_plan(m->net)->layer[l].name, t->name, shape, left);
}

/* Layers in the order of running take modules in the order of their names. */
static int match_order(kiln_import_matching *m)
{
    const kiln_plan *plan = kiln_net_plan(m->net);
    char module[NAME_SIZE];

    for (int l = 0; l < plan->count; l++) {
        int found = !has_tensors(m, l);

        for (int i = 0; i < m->list.count && !found; i++) {
            if (m->list.array[i].used) continue;
            split_name(m->list.array[i].t.name, module);
            found = take_module(m, l, module);
        }
        if (!found) return nothing_fits(m, l);
    }
    return KILN_OK;
}

/* Counters of PyTorch's batch normalisation, and what kiln's own .npz tells of pixels. */
static int needs_no_place(const kiln_import_array *a)
{
    const char *name = a->t.name;
    char module[NAME_SIZE];

    return !strcmp(split_name(name, module), "num_batches_tracked") || !strcmp(name, "mean") ||
           !strcmp(name, "std");
}

static int check_rest(const kiln_import_matching *m)
{
    for (int i = 0; i < m->list.count; i++)
        if (!m->list.array[i].used && !needs_no_place(&m->list.array[i]))
            return kiln_fail(KILN_E_CHECKPOINT, "import: the net has no place for %.60s",
                             m->list.array[i].t.name);
    return KILN_OK;
}

int kiln_import_match(kiln_import_matching *m)
{
    qsort(m->list.array, (size_t)m->list.count, sizeof *m->list.array, by_array_name);
    kiln_npz_names(m->course, m->net);
    forget(m);
    if (match_names(m)) return check_rest(m);
    forget(m);
    if (match_modules(m)) return check_rest(m);
    forget(m);
    KILN_TRY(match_order(m));
    return check_rest(m);
}
