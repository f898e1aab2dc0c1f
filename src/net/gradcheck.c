/*
 * Numeric gradients of one layer at a time; see gradcheck.h.
 *
 *   f(v) = Σ_i dout_i · out_i(v)      df/dv ≈ (f(v + h) - f(v - h)) / 2h
 *
 * where out is computed in double by the layer's twin from the floats the net holds. The library's
 * gradients are floats, so errors of 1e-7 to 1e-4 are what to expect. Of a convolution only the
 * outputs that an entry reaches are computed: those of its filter, or those whose window holds its
 * pixel; the others cancel in the difference.
 *
 * An entry within h of a corner (relu at 0, two equal values under a maximum) has no derivative:
 * its one-sided differences disagree. Another is drawn, and it is counted.
 */
#include "net/gradcheck.h"

#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "net/net_internal.h"
#include "ref/ref_layers.h"

#define STEP 1e-5 /* h */

enum { X, SHORTCUT, FIRST, SECOND, INPUTS }; /* FIRST, SECOND: w and b, or gamma and beta */

typedef struct {
    kiln_net *net;
    const kiln_layer *layer;
    int l, n;
    double *in[INPUTS];       /* NULL where the layer has none */
    size_t size[INPUTS];      /* doubles of each */
    double *out, *dout;       /* of the layer */
    double *mean, *inv_std;   /* caches of the twins of normalisations */
    double *patch, *filtered; /* of convolution: a piece of the padded image, and its outputs */
    const int *y;
    kiln_arena arena;
} check;

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/* ---- convolution: what one entry reaches ----------------------------------------------------- */

/* Outputs lo..hi whose windows hold row `r` (of `size` outputs). */
static void reached(int r, int window, int stride, int pad, int size, int *lo, int *hi)
{
    const int from = r + pad - window + 1;

    *lo = from > 0 ? (from + stride - 1) / stride : 0;
    *hi = (r + pad) / stride;
    if (*hi > size - 1) *hi = size - 1;
}

/* f over the windows that hold the pixel of entry `entry` of x. */
static double conv_around_pixel(check *c, size_t entry)
{
    kiln_conv_shape s = c->layer->u.conv, part;
    const int pixel = (int)(entry / (size_t)s.C), image = pixel / (s.H * s.W);
    const int r = pixel / s.W % s.H, q = pixel % s.W;
    int i0, i1, j0, j1;
    double sum = 0;

    reached(r, s.HH, s.stride, s.pad_h, s.OH, &i0, &i1);
    reached(q, s.WW, s.stride, s.pad_w, s.OW, &j0, &j1);
    if (i1 < i0 || j1 < j0) return 0; /* between the windows */
    part = s;
    part.N = 1, part.pad_h = part.pad_w = 0;
    part.OH = i1 - i0 + 1, part.OW = j1 - j0 + 1;
    part.H = (i1 - i0) * s.stride + s.HH, part.W = (j1 - j0) * s.stride + s.WW;
    for (int y = 0; y < part.H; y++) {
        for (int x = 0; x < part.W; x++) {
            const int row = i0 * s.stride - s.pad_h + y, column = j0 * s.stride - s.pad_w + x;
            const int inside = row >= 0 && row < s.H && column >= 0 && column < s.W;
            const size_t from = (size_t)(image * s.H + row) * (size_t)s.W + (size_t)column;

            for (int k = 0; k < s.C; k++)
                c->patch[(y * part.W + x) * s.C + k] =
                    inside ? c->in[X][from * (size_t)s.C + (size_t)k] : 0;
        }
    }
    ref_conv2d_forward(c->filtered, c->patch, c->in[FIRST], c->in[SECOND], &part);
    for (int i = i0; i <= i1; i++)
        for (int j = j0; j <= j1; j++)
            sum += dot(c->filtered + ((i - i0) * part.OW + j - j0) * s.F,
                       c->dout +
                           ((size_t)(image * s.OH + i) * (size_t)s.OW + (size_t)j) * (size_t)s.F,
                       (size_t)s.F);
    return sum;
}

/* f over the outputs of one filter. */
static double conv_of_filter(check *c, int filter)
{
    kiln_conv_shape s = c->layer->u.conv;
    const size_t F = (size_t)s.F, window = (size_t)s.C * (size_t)s.HH * (size_t)s.WW;
    double sum = 0;

    s.N = c->n, s.F = 1;
    ref_conv2d_forward(c->filtered, c->in[X], c->in[FIRST] + (size_t)filter * window,
                       c->in[SECOND] + filter, &s);
    for (size_t i = 0; i < (size_t)s.N * (size_t)s.OH * (size_t)s.OW; i++)
        sum += c->filtered[i] * c->dout[i * F + (size_t)filter];
    return sum;
}

static double conv_objective(check *c, int what, size_t entry)
{
    const kiln_conv_shape *s = &c->layer->u.conv;

    if (what == X) return conv_around_pixel(c, entry);
    return conv_of_filter(
        c, (int)(what == FIRST ? entry / ((size_t)s->C * (size_t)s->HH * (size_t)s->WW) : entry));
}

/* ---- the twins ------------------------------------------------------------------------------- */

static void norm_twin(check *c)
{
    const kiln_layer *layer = c->layer;
    const double *x = c->in[X], *gamma = c->in[FIRST], *beta = c->in[SECOND];
    const int S = layer->H * layer->W, C = layer->C;
    const int G = layer->kind == KILN_GROUPNORM ? layer->u.groups : 1;

    if (layer->kind == KILN_BATCHNORM)
        ref_batchnorm_forward(c->out, c->mean, c->inv_std, x, gamma, beta, c->n * S, C,
                              KILN_NORM_EPS);
    else if (layer->kind == KILN_LAYERNORM && !layer->spatial)
        ref_layernorm_forward(c->out, c->mean, c->inv_std, x, gamma, beta, c->n, C, KILN_NORM_EPS);
    else
        ref_groupnorm_forward(c->out, c->mean, c->inv_std, x, gamma, beta, c->n, S, C, G,
                              KILN_NORM_EPS);
}

static void run_twin(check *c)
{
    const kiln_layer *layer = c->layer;
    const int count = c->n * (int)kiln_net_elements(c->net, c->l);
    const double *x = c->in[X];
    kiln_pool_shape pool = layer->u.pool;

    pool.N = c->n;
    switch (layer->kind) {
    case KILN_AFFINE:
        ref_affine_forward(c->out, x, c->in[FIRST], c->in[SECOND], c->n, layer->in_C, layer->C);
        break;
    case KILN_MAXPOOL: ref_maxpool_forward(c->out, x, &pool); break;
    case KILN_AVGPOOL: ref_avgpool_forward(c->out, x, &pool); break;
    case KILN_FLATTEN:
        ref_flatten_forward(c->out, x, c->n, layer->in_H * layer->in_W, layer->in_C);
        break;
    case KILN_RELU: ref_relu_forward(c->out, x, count); break;
    case KILN_LEAKYRELU: ref_leaky_relu_forward(c->out, x, count, (double)layer->u.slope); break;
    case KILN_GELU: ref_gelu_forward(c->out, x, count); break;
    case KILN_TANH: ref_tanh_forward(c->out, x, count); break;
    case KILN_SIGMOID: ref_sigmoid_forward(c->out, x, count); break;
    case KILN_DROPOUT:
        ref_dropout(c->out, x, count, (double)kiln_net_dropout_rate(c->net, c->l),
                    kiln_net_dropout_rng(c->net, c->l), 0);
        break;
    case KILN_ADD: ref_residual_add(c->out, x, c->in[SHORTCUT], count); break;
    default: norm_twin(c);
    }
}

static double objective(check *c, int what, size_t entry)
{
    const kiln_layer *layer = c->layer;

    switch (layer->kind) {
    case KILN_SOFTMAX:
        return ref_softmax_loss(NULL, c->in[X], c->y, c->n, layer->C, (double)layer->u.smoothing);
    case KILN_SVM: return ref_svm_loss(NULL, c->in[X], c->y, c->n, layer->C);
    case KILN_CONV: return conv_objective(c, what, entry);
    default: break;
    }
    run_twin(c);
    return dot(c->out, c->dout, (size_t)c->n * kiln_net_elements(c->net, c->l));
}

/* ---- one layer ------------------------------------------------------------------------------- */

static int has_corners(enum kiln_layer_kind kind)
{
    return kind == KILN_RELU || kind == KILN_LEAKYRELU || kind == KILN_MAXPOOL || kind == KILN_SVM;
}

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
    if (!has_corners(c->layer->kind)) return 1;
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
    kiln_gradcheck_row row = {.tensor = name};
    const int draws = all ? (int)size : 10 * KILN_GRADCHECK_ENTRIES;

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

/* Sizes, and on real memory the floats of the net as doubles. */
static void lay_out(check *c)
{
    const kiln_layer *layer = c->layer;
    const kiln_conv_shape *s = &layer->u.conv;
    const kiln_node *node = &c->net->node[c->l];
    const size_t n = (size_t)c->n, outputs = n * kiln_net_elements(c->net, c->l);
    const int conv = layer->kind == KILN_CONV;
    const size_t patch = conv ? 4 * (size_t)s->HH * (size_t)s->WW : 0; /* two windows each way */
    const size_t pixels = n * (size_t)layer->H * (size_t)layer->W;
    const float *from[INPUTS] = {kiln_net_output(c->net, layer->from)};

    c->size[X] = n * kiln_net_elements(c->net, layer->from);
    if (layer->kind == KILN_ADD) {
        from[SHORTCUT] = kiln_net_output(c->net, layer->from2);
        c->size[SHORTCUT] = c->size[X];
    }
    for (int i = 0; i < 2 && node->learned >= 0; i++) {
        from[FIRST + i] = c->net->tensor[node->learned + i].data;
        c->size[FIRST + i] = (size_t)c->net->tensor[node->learned + i].size;
    }
    for (int i = 0; i < INPUTS; i++) {
        c->in[i] = kiln_arena_take(&c->arena, c->size[i], sizeof(double));
        if (c->in[i] && c->size[i]) widen(c->in[i], from[i], c->size[i]);
    }
    c->out = kiln_arena_take(&c->arena, outputs, sizeof(double));
    c->dout = kiln_arena_take(&c->arena, outputs, sizeof(double));
    c->mean = kiln_arena_take(&c->arena, n * (size_t)layer->C, sizeof(double));
    c->inv_std = kiln_arena_take(&c->arena, n * (size_t)layer->C, sizeof(double));
    c->patch = kiln_arena_take(&c->arena, conv ? patch * (size_t)s->C : 0, sizeof(double));
    c->filtered = kiln_arena_take(&c->arena, conv ? patch * (size_t)s->F + pixels : 0,
                                  sizeof(double));
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

static int compare_all(check *c, kiln_gradcheck_row rows[3])
{
    const kiln_layer *layer = c->layer;
    const kiln_node *node = &c->net->node[c->l];
    const int weights = layer->kind == KILN_CONV || layer->kind == KILN_AFFINE;
    int count = 0;

    if (layer->from >= 0) rows[count++] = compare(c, X, "dx", c->net->node[layer->from].dout);
    if (layer->from2 >= 0)
        rows[count++] = compare(c, SHORTCUT, "dshortcut", c->net->node[layer->from2].dout);
    if (node->learned < 0) return count;
    const kiln_tensor *t = &c->net->tensor[node->learned];

    rows[count++] = compare(c, FIRST, weights ? "dw" : "dgamma", t[0].gradient);
    rows[count++] = compare(c, SECOND, weights ? "db" : "dbeta", t[1].gradient);
    return count;
}

int kiln_gradcheck_layer(kiln_net *net, int l, kiln_gradcheck_row rows[3])
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
