/*
 * Rows of the convolution, layers/conv2d.c, and of one that whitens, net/whiten.c.
 *
 * FLOPs 2 C HH WW F OH OW. Packed filters lie in the scratch from begin on; gradients of filters
 * are summed in groups of images (kernels/conv.h).
 */
#include <stdio.h>

#include "base/status.h"
#include "net/kinds.h"
#include "net/whiten.h"
#include "ref/ref_layers.h"

enum { HEIGHT, WIDTH, FILTERS, STRIDE, PAD, NOBIAS }; /* attributes */
enum { W, B };                                /* tensors */

/* ---- shapes ---------------------------------------------------------------------------------- */

/* An odd side of the filter is padded so that it keeps that size of the image. */
static int same(double side)
{
    return (int)side % 2 ? ((int)side - 1) / 2 : 0;
}

/* -1: each side its own. */
static double standard_pad(const double *value)
{
    const int rows = same(value[HEIGHT]), columns = same(value[WIDTH]);

    return rows == columns ? rows : -1;
}

static int does_not_fit(kiln_layer *l)
{
    const kiln_conv_shape *s = &l->u.conv;
    const int rows = s->HH - s->H, columns = s->WW - s->W;
    const int missing = rows > columns ? rows : columns;
    char sentence[200], pad[24] = "";

    if (s->pad_h == s->pad_w) snprintf(pad, sizeof pad, "pad %d ", s->pad_h);
    snprintf(sentence, sizeof sentence,
             "%sdoes not fit the %dx%d image it gets; drop a pool above, or use pad %d or more",
             pad, s->H, s->W, (missing + 1) / 2);
    l->value[PAD] = standard_pad(l->value); /* the pad is in the sentence */
    return kiln_misfit(l, sentence);
}

static int infer(kiln_layer *l)
{
    kiln_conv_shape *s = &l->u.conv;
    const int own = l->value[PAD] < 0;

    *s = (kiln_conv_shape){.N = 1, .C = l->in_C, .H = l->in_H, .W = l->in_W};
    s->HH = (int)l->value[HEIGHT], s->WW = (int)l->value[WIDTH], s->F = (int)l->value[FILTERS];
    s->stride = (int)l->value[STRIDE];
    s->pad_h = own ? same(s->HH) : (int)l->value[PAD];
    s->pad_w = own ? same(s->WW) : (int)l->value[PAD];
    l->largest = (l->in_H + 2.0 * s->pad_h) * (l->in_W + 2.0 * s->pad_w) * l->in_C;
    if (l->largest > KILN_ELEMENTS_MAX)
        return kiln_misfit(l, "pads its image beyond 2^28 values");
    if (!kiln_conv_shape_finish(s)) return does_not_fit(l);
    l->C = s->F, l->H = s->OH, l->W = s->OW;
    l->unread = kiln_unread(s->H, s->HH, s->stride, s->pad_h, s->OH) +
                kiln_unread(s->W, s->WW, s->stride, s->pad_w, s->OW);
    l->flops = 2.0 * s->C * s->HH * s->WW * s->F * s->OH * s->OW;
    return KILN_OK;
}

static int tensors(const kiln_layer *l, kiln_tensor_row *t)
{
    const kiln_conv_shape *s = &l->u.conv;

    t[W] = (kiln_tensor_row){
        .name = "w", .shape = {s->F, s->C, s->HH, s->WW}, .random = 1, .regularised = 1};
    t[B] = (kiln_tensor_row){.name = "b", .shape = {s->F}, .shift = 1};
    return l->value[NOBIAS] > 0 ? 1 : 2;
}

static kiln_conv_shape shape_of(const kiln_layer *l, int n)
{
    kiln_conv_shape s = l->u.conv;

    s.N = n;
    return s;
}

static const char *algorithm(const kiln_layer *l, int n)
{
    (void)n;
    return kiln_conv2d_algorithm(&l->u.conv)->name;
}

static void plan(void *made, const kiln_layer *l, int n)
{
    const kiln_conv_shape s = shape_of(l, n);

    kiln_conv2d_plan_make(made, &s);
}

static size_t work(const kiln_layer *l, int n)
{
    kiln_conv2d_plan made;

    plan(&made, l, n);
    return made.work;
}

/* ---- passes ---------------------------------------------------------------------------------- */

static void begin_forward(const kiln_pass *p)
{
    kiln_conv2d_begin_forward(p->data[W], p->plan, p->work);
}

static void forward(const kiln_pass *p)
{
    kiln_conv2d_forward_images(p->out, p->x, p->data[B], p->plan, p->n, p->relu, p->work);
}

static void begin_backward(const kiln_pass *p)
{
    kiln_conv2d_begin_backward(p->data[W], p->plan, p->dx != NULL, p->work);
}

static void backward(const kiln_pass *p)
{
    const int wanted =
        (p->gradient[W] ? KILN_WANTS_DW : 0) | (p->gradient[B] ? KILN_WANTS_DB : 0);

    kiln_conv2d_backward_images(p->dx, p->dout, p->x, p->plan, p->all, p->group, p->first,
                                p->first + p->n, p->thread, wanted, p->work);
}

static void end_backward(const kiln_pass *p)
{
    kiln_conv2d_end_backward(p->gradient[W], p->gradient[B], p->plan, p->all, p->work);
}

static void backward_all(const kiln_pass *p)
{
    kiln_conv2d_backward(p->dx, p->gradient[W], p->gradient[B], p->dout, p->x, p->data[W], p->plan,
                         p->all, p->work);
}

static int groups(const void *made, int n)
{
    const kiln_conv2d_plan *p = made;

    return kiln_conv_groups(&p->conv, n);
}

static int group_step(const void *made)
{
    const kiln_conv2d_plan *p = made;

    return p->conv.dw.step;
}

/* ---- the twin, and what one entry reaches ---------------------------------------------------- */

static void twin(const kiln_twin *t)
{
    const kiln_conv_shape s = shape_of(t->layer, t->n);

    ref_conv2d_forward(t->out, t->x, t->data[W], t->data[B], &s);
}

/* A piece of the padded image, two windows each way, and the outputs of it or of one filter. */
static size_t piece_floats(const kiln_conv_shape *s)
{
    return 4 * (size_t)s->HH * (size_t)s->WW;
}

static size_t twin_work(const kiln_layer *l, int n)
{
    const kiln_conv_shape *s = &l->u.conv;

    return piece_floats(s) * (size_t)(s->C + s->F) + (size_t)n * (size_t)s->OH * (size_t)s->OW;
}

static double dot(const double *a, const double *b, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

/* Outputs lo..hi whose windows hold row `r` (of `size` outputs). */
static void reached(int r, int window, int stride, int pad, int size, int *lo, int *hi)
{
    const int from = r + pad - window + 1;

    *lo = from > 0 ? (from + stride - 1) / stride : 0;
    *hi = (r + pad) / stride;
    if (*hi > size - 1) *hi = size - 1;
}

/* Σ dout·out over the windows that hold the pixel of entry `entry` of x. */
static double around_pixel(const kiln_twin *t, const double *dout, size_t entry)
{
    const kiln_conv_shape s = t->layer->u.conv;
    const int pixel = (int)(entry / (size_t)s.C), image = pixel / (s.H * s.W);
    const int r = pixel / s.W % s.H, q = pixel % s.W;
    double *piece = t->work, *out = piece + piece_floats(&s) * (size_t)s.C, sum = 0;
    kiln_conv_shape part = s;
    int i0, i1, j0, j1;

    reached(r, s.HH, s.stride, s.pad_h, s.OH, &i0, &i1);
    reached(q, s.WW, s.stride, s.pad_w, s.OW, &j0, &j1);
    if (i1 < i0 || j1 < j0) return 0; /* between the windows */
    part.N = 1, part.pad_h = part.pad_w = 0;
    part.OH = i1 - i0 + 1, part.OW = j1 - j0 + 1;
    part.H = (i1 - i0) * s.stride + s.HH, part.W = (j1 - j0) * s.stride + s.WW;
    for (int y = 0; y < part.H; y++) {
        for (int x = 0; x < part.W; x++) {
            const int row = i0 * s.stride - s.pad_h + y, column = j0 * s.stride - s.pad_w + x;
            const int inside = row >= 0 && row < s.H && column >= 0 && column < s.W;
            const size_t from = (size_t)(image * s.H + row) * (size_t)s.W + (size_t)column;

            for (int k = 0; k < s.C; k++)
                piece[(y * part.W + x) * s.C + k] =
                    inside ? t->x[from * (size_t)s.C + (size_t)k] : 0;
        }
    }
    ref_conv2d_forward(out, piece, t->data[W], t->data[B], &part);
    for (int i = i0; i <= i1; i++)
        for (int j = j0; j <= j1; j++)
            sum += dot(out + ((i - i0) * part.OW + j - j0) * s.F,
                       dout + ((size_t)(image * s.OH + i) * (size_t)s.OW + (size_t)j) * (size_t)s.F,
                       (size_t)s.F);
    return sum;
}

/* Σ dout·out over the outputs of one filter. */
static double of_filter(const kiln_twin *t, const double *dout, size_t filter)
{
    kiln_conv_shape s = shape_of(t->layer, t->n);
    const size_t F = (size_t)s.F, window = (size_t)s.C * (size_t)s.HH * (size_t)s.WW;
    double sum = 0;

    s.F = 1;
    ref_conv2d_forward(t->work, t->x, t->data[W] + filter * window,
                       t->data[B] ? t->data[B] + filter : NULL, &s);
    for (size_t i = 0; i < (size_t)s.N * (size_t)s.OH * (size_t)s.OW; i++)
        sum += t->work[i] * dout[i * F + filter];
    return sum;
}

static double objective(const kiln_twin *t, const double *dout, int what, size_t entry)
{
    const kiln_conv_shape *s = &t->layer->u.conv;

    if (what == KILN_TWIN_X) return around_pixel(t, dout, entry);
    return of_filter(
        t, dout, what == W ? entry / ((size_t)s->C * (size_t)s->HH * (size_t)s->WW) : entry);
}

/* ---- whitening ------------------------------------------------------------------------------- */

enum { WHITEN_HEIGHT, WHITEN_WIDTH, WHITEN_NOBIAS }; /* attributes */

static int whiten_infer(kiln_layer *l)
{
    kiln_conv_shape *s = &l->u.conv;
    char sentence[160];
    double values;

    *s = (kiln_conv_shape){.N = 1, .C = l->in_C, .H = l->in_H, .W = l->in_W, .stride = 1};
    s->HH = (int)l->value[WHITEN_HEIGHT], s->WW = (int)l->value[WHITEN_WIDTH];
    if (l->from >= 0)
        return kiln_misfit(l, "whitens the images themselves; let it be the first layer");
    values = (double)s->C * s->HH * s->WW; /* more than an int counts, where it is refused */
    if (values > KILN_WHITEN_MAX) {
        snprintf(sentence, sizeof sentence,
                 "has %.0f values a patch, of at most %d; use whiten 2x2", values, KILN_WHITEN_MAX);
        return kiln_misfit(l, sentence);
    }
    s->F = 2 * s->C * s->HH * s->WW;
    if (!kiln_conv_shape_finish(s)) return kiln_misfit(l, "does not fit into the image it gets");
    l->C = s->F, l->H = s->OH, l->W = s->OW;
    l->flops = 2.0 * s->C * s->HH * s->WW * s->F * s->OH * s->OW;
    return KILN_OK;
}

static int whiten_tensors(const kiln_layer *l, kiln_tensor_row *t)
{
    const kiln_conv_shape *s = &l->u.conv;

    t[W] = (kiln_tensor_row){
        .name = "w", .shape = {s->F, s->C, s->HH, s->WW}, .random = 1, .frozen = 1};
    t[B] = (kiln_tensor_row){.name = "b", .shape = {s->F}, .shift = 1, .early = 1};
    return l->value[WHITEN_NOBIAS] > 0 ? 1 : 2;
}

static int whiten_start(const kiln_layer *l, float *const *data, const float *x, int n)
{
    return kiln_whiten_filters(data[W], x, n, &l->u.conv);
}

/* The sums of each image's dout, which the bias alone learns from: where a convolution has them. */
static float *sums_of(const kiln_pass *p, int image)
{
    const kiln_conv2d_plan *made = p->plan;

    return p->work + made->db + (size_t)image * (size_t)made->conv.shape.F;
}

static void whiten_backward(const kiln_pass *p)
{
    const kiln_conv_shape *s = &p->layer->u.conv;
    const int pixels = s->OH * s->OW;

    for (int i = 0; i < p->n; i++)
        kiln_vec_column_sums(sums_of(p, p->first + i), p->dout + (size_t)i * pixels * s->F, pixels,
                             s->F);
}

static void whiten_end_backward(const kiln_pass *p)
{
    if (p->gradient[B])
        kiln_vec_column_sums(p->gradient[B], sums_of(p, 0), p->all, p->layer->u.conv.F);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const kiln_attribute conv_attributes[] = {
    [HEIGHT] = {.name = "kernelHeight", .what = "the filter's height, as in conv 3x3x32",
                .min = 1, .max = KILN_DIM_MAX},
    [WIDTH] = {.name = "kernelWidth", .lead = 'x',
               .what = "the filter's width, as in conv 3x3x32", .min = 1, .max = KILN_DIM_MAX},
    [FILTERS] = {.name = "filters", .lead = 'x',
                 .what = "the number of filters, as in conv 3x3x32", .min = 1,
                 .max = KILN_DIM_MAX},
    [STRIDE] = {.name = "stride", .word = "stride", .what = "the stride", .min = 1,
                .max = KILN_DIM_MAX, .standard = 1},
    [PAD] = {.name = "pad", .word = "pad", .what = "the pad", .max = KILN_DIM_MAX,
             .derive = standard_pad},
    [NOBIAS] = {.name = "noBias", .word = "nobias", .type = KILN_FLAG},
    {0}};

static const kiln_attribute whiten_attributes[] = {
    [WHITEN_HEIGHT] = {.name = "kernelHeight", .what = "the patch's height, as in whiten 2x2",
                       .min = 1, .max = KILN_DIM_MAX},
    [WHITEN_WIDTH] = {.name = "kernelWidth", .lead = 'x',
                      .what = "the patch's width, as in whiten 2x2", .min = 1,
                      .max = KILN_DIM_MAX},
    [WHITEN_NOBIAS] = {.name = "noBias", .word = "nobias", .type = KILN_FLAG},
    {0}};

const kiln_layer_kind kiln_kinds_conv[] = {
    {
        .name = "conv",
        .notation = "conv",
        .aliases = {"convolution"},
        .attribute = conv_attributes,
        .takes = KILN_TAKES_IMAGES,
        .infer = infer,
        .tensors = tensors,
        .algorithm = algorithm,
        .plan_bytes = sizeof(kiln_conv2d_plan),
        .plan = plan,
        .work = work,
        .reads = KILN_READS_X,
        .fuses_relu = 1,
        .by_image = 1,
        .begin_forward = begin_forward,
        .forward = forward,
        .begin_backward = begin_backward,
        .backward = backward,
        .end_backward = end_backward,
        .backward_all = backward_all,
        .groups = groups,
        .group_first = kiln_conv_group,
        .group_step = group_step,
        .twin = twin,
        .twin_work = twin_work,
        .objective = objective,
    },
    {
        .name = "whiten",
        .notation = "whiten",
        .attribute = whiten_attributes,
        .takes = KILN_TAKES_IMAGES,
        .infer = whiten_infer,
        .tensors = whiten_tensors,
        .start = whiten_start,
        .algorithm = algorithm,
        .plan_bytes = sizeof(kiln_conv2d_plan),
        .plan = plan,
        .work = work,
        .fuses_relu = 1,
        .by_image = 1,
        .begin_forward = begin_forward,
        .forward = forward,
        .backward = whiten_backward,
        .end_backward = whiten_end_backward,
        .groups = groups,
        .group_first = kiln_conv_group,
        .group_step = group_step,
        .twin = twin,
        .twin_work = twin_work,
        .objective = objective,
    },
    {0},
};
