/*
 * Numeric gradients of one layer at a time; see gradcheck.h.
 *
 *   f(v) = Σ_i dout_i · out_i(v)      df/dv ≈ (f(v + h) - f(v - h)) / 2h
 *
 * where out is computed in double by the layer's twin from the floats the net holds. The library's
 * gradients are floats, so errors of 1e-7 to 1e-4 are what to expect. Of a convolution only the
 * outputs that an entry reaches are computed (the row's objective); the others cancel in the
 * difference.
 *
 * An entry within h of a corner (relu at 0, two equal values under a maximum) has no derivative:
 * its one-sided differences disagree. Another is drawn, and it is counted.
 */
#include "net/gradcheck.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "net/net_internal.h"

#define STEP 1e-5 /* h */

/* What is differentiated by: x, an add's shortcut, the tensors in the order of the row. */
enum { X, SHORTCUT, TENSORS, INPUTS = TENSORS + KILN_LAYER_TENSORS_MAX };

typedef struct {
    kiln_net *net;
    const kiln_layer *layer;
    int l, n;
    double *in[INPUTS];  /* NULL where the layer has none */
    size_t size[INPUTS]; /* doubles of each */
    double *out, *dout;  /* of the layer */
    kiln_twin twin;
    const int *y;
    kiln_arena arena;
} check;

static double objective(check *c, int what, size_t entry)
{
    const kiln_layer_kind *kind = c->layer->kind;
    const size_t count = (size_t)c->n * kiln_net_elements(c->net, c->l);
    double sum = 0;

    if (kind->twin_loss) return kind->twin_loss(c->layer, c->in[X], c->y, c->n);
    if (kind->objective)
        return kind->objective(&c->twin, c->dout, what == X ? KILN_TWIN_X : what - TENSORS, entry);
    kind->twin(&c->twin);
    for (size_t i = 0; i < count; i++) sum += c->out[i] * c->dout[i];
    return sum;
}

/* ---- one layer ------------------------------------------------------------------------------- */

/* Centred difference at an entry; 0 where the one-sided ones disagree: a corner. */
static int numeric(check *c, int what, size_t entry, double *gradient)
{
    double *v = &c->in[what][entry];
    const double kept = *v;
    double above, at = 0, below;

    *v = kept + STEP;
    above = objective(c, what, entry);
    *v = kept - STEP;
    below = objective(c, what, entry);
    *v = kept;
    *gradient = (above - below) / (2 * STEP);
    if (!c->layer->kind->corners) return 1;
    at = objective(c, what, entry);
    const double bend = (above - at) / STEP -
                        (at - below) / STEP; /* of straight pieces: 0 or a corner */

    return (bend < 0 ? -bend : bend) < 1e-5;
}

static double relative_error(double a, double n)
{
    const double difference = a > n ? a - n : n - a;
    const double size = (a < 0 ? -a : a) + (n < 0 ? -n : n);

    return difference / (size > 1e-8 ? size : 1e-8);
}

static double largest(const float *x, size_t count)
{
    double most = 1e-30; /* of zeros: any difference is large */

    for (size_t i = 0; i < count; i++) {
        const double v = (double)x[i];

        if ((v < 0 ? -v : v) > most) most = v < 0 ? -v : v;
    }
    return most;
}

static kiln_gradcheck_row compare(check *c, int what, const char *name, const float *analytic)
{
    const double most = largest(analytic, c->size[what]);
    const size_t size = c->size[what];
    const int all = size <= KILN_GRADCHECK_ENTRIES;
    const kiln_rng rng = {c->net->options.seed, KILN_RNG_CHECK,
                          (uint64_t)(c->l * INPUTS + what + 1)};
    kiln_gradcheck_row row = {.error = 0};
    const int draws = all ? (int)size : 10 * KILN_GRADCHECK_ENTRIES;

    snprintf(row.tensor, sizeof row.tensor, "d%s", name);
    for (int draw = 0; draw < draws && row.entries < KILN_GRADCHECK_ENTRIES; draw++) {
        const size_t entry = all ? (size_t)draw
                                 : kiln_rng_below(rng, (uint64_t)draw, (uint32_t)size);
        double n;

        if (!numeric(c, what, entry, &n)) {
            row.kinks++;
            continue;
        }
        const double a = (double)analytic[entry], error = relative_error(a, n);
        const double share = (a > n ? a - n : n - a) / most;

        if (!(error <= row.error)) row.error = error; /* a NaN shows */
        if (!(share <= row.share)) row.share = share;
        row.entries++;
    }
    return row;
}

static void widen(double *out, const float *x, size_t count)
{
    for (size_t i = 0; i < count; i++) out[i] = (double)x[i];
}

/* `count` doubles, on real memory with the floats of `from`. */
static double *take(check *c, size_t count, const float *from)
{
    double *out = kiln_arena_take(&c->arena, count, sizeof(double));

    if (out && from) widen(out, from, count);
    return out;
}

/* Sizes, and on real memory the floats of the net as doubles. */
static void lay_out(check *c)
{
    const kiln_layer *layer = c->layer;
    const kiln_node *node = &c->net->node[c->l];
    const size_t outputs = (size_t)c->n * kiln_net_elements(c->net, c->l);

    c->size[X] = (size_t)c->n * kiln_net_elements(c->net, layer->from);
    c->in[X] = take(c, c->size[X], kiln_net_output(c->net, layer->from));
    if (layer->kind->joins) {
        c->size[SHORTCUT] = c->size[X];
        c->in[SHORTCUT] = take(c, c->size[X], kiln_net_output(c->net, layer->from2));
    }
    for (int i = 0; i < node->tensors; i++) {
        const kiln_tensor *t = &c->net->tensor[node->tensor[i]];

        c->size[TENSORS + i] = (size_t)t->size;
        c->in[TENSORS + i] = take(c, (size_t)t->size, t->data);
        c->twin.data[i] = c->in[TENSORS + i];
    }
    c->out = take(c, outputs, NULL);
    c->dout = take(c, outputs, NULL);
    c->twin.layer = layer;
    c->twin.n = c->n;
    c->twin.x = c->in[X];
    c->twin.x2 = c->in[SHORTCUT];
    c->twin.out = c->out;
    if (layer->kind->twin_work) c->twin.work = take(c, layer->kind->twin_work(layer, c->n), NULL);
    c->twin.rate = (double)c->net->dropout;
    c->twin.rng = kiln_net_dropout_rng(c->net, c->l);
}

/* Random dout, and the library's backward pass on it; dx lands in the gradients of its inputs. */
static void run_backward(check *c)
{
    const kiln_layer *layer = c->layer;
    kiln_node *node = c->net->node;
    const int sources[2] = {layer->from, layer->from2};
    const size_t outputs = (size_t)c->n * kiln_net_elements(c->net, c->l);
    const kiln_rng rng = {c->net->options.seed, KILN_RNG_CHECK,
                          (uint64_t)(c->l * INPUTS) + (1 << 20)};

    kiln_rng_fill_normal(node[c->l].dout, (int)outputs, rng, 0);
    widen(c->dout, node[c->l].dout, outputs);
    for (int i = 0; i < 2; i++)
        if (sources[i] >= 0)
            memset(node[sources[i]].dout, 0,
                   sizeof(float) * (size_t)c->n * kiln_net_elements(c->net, sources[i]));
    kiln_net_backward_layer(c->net, c->l, c->n);
}

static int compare_all(check *c, kiln_gradcheck_row rows[KILN_GRADCHECK_ROWS])
{
    const kiln_layer *layer = c->layer;
    const kiln_node *node = &c->net->node[c->l];
    int count = 0;

    if (layer->from >= 0) rows[count++] = compare(c, X, "x", c->net->node[layer->from].dout);
    if (layer->from2 >= 0)
        rows[count++] = compare(c, SHORTCUT, "shortcut", c->net->node[layer->from2].dout);
    for (int i = 0; i < node->tensors; i++) {
        const kiln_tensor *t = &c->net->tensor[node->tensor[i]];

        if (t->gradient)
            rows[count++] = compare(c, TENSORS + i, strchr(t->name, '.') + 1, t->gradient);
    }
    return count;
}

int kiln_gradcheck_layer(kiln_net *net, int l, kiln_gradcheck_row rows[KILN_GRADCHECK_ROWS])
{
    check c = {.net = net, .layer = &net->plan.layer[l], .l = l, .n = net->options.batch};
    const kiln_rng rng = {net->options.seed, KILN_RNG_CHECK, 0};
    int y[KILN_GRADCHECK_BATCH], count;

    for (int i = 0; i < c.n; i++)
        y[i] = (int)kiln_rng_below(rng, (uint64_t)i, (uint32_t)net->plan.classes);
    c.y = y;
    lay_out(&c);
    KILN_TRY(kiln_arena_create(&c.arena, c.arena.used, "the gradient check"));
    lay_out(&c);
    if (l < net->plan.count - 1)
        run_backward(&c);
    else
        kiln_net_data_loss(net, y, c.n);
    count = compare_all(&c, rows);
    kiln_arena_destroy(&c.arena);
    return count;
}

int kiln_gradcheck_make(kiln_net **net, const char *notation, const kiln_net_options *o)
{
    kiln_net_options options = *o;
    const kiln_rng rng = {o->seed, KILN_RNG_CHECK, (uint64_t)1 << 40};

    options.batch = KILN_GRADCHECK_BATCH;
    options.keep = 1;
    options.inference = 0;
    KILN_TRY(kiln_net_make(net, notation, &options));
    kiln_rng_fill_normal((*net)->input, options.batch * (int)kiln_net_elements(*net, -1), rng, 0);
    kiln_net_forward(*net, options.batch, 1);
    return KILN_OK;
}
