/*
 * A picture made as small as a data set's images are, by areas: as good a filter as any for a
 * picture that is much larger.
 *
 *   out[c, h, w] = Σ_y down(h, y) · Σ_x across(w, x) · rgb[y, x, c]  +  255 · what is not covered
 *   grey         = 0.299 R + 0.587 G + 0.114 B                       (ITU-R BT.601)
 *
 * down and across are the shares of source pixels in an output pixel; they add up to 1 where the
 * picture covers it. Sums are double, in the order of the source, the same as the page's.
 */
#include <math.h>
#include <stdlib.h>

#include "pictures.h"

/* Output pixel i takes source pixels first[i] .. first[i] + span - 1, with weights. */
typedef struct {
    int span, *first;
    double *weight, *total; /* total[i]: of its weights */
} cover;

static void release(cover *c)
{
    free(c->first);
    free(c->weight);
    free(c->total);
}

/* `from`: where the first output pixel begins in the source; `step`: how much of it one takes. */
static int make_cover(cover *c, int size, double from, double step, int length)
{
    c->span = (int)ceil(step) + 1;
    c->first = calloc((size_t)size, sizeof *c->first);
    c->weight = calloc((size_t)size * (size_t)c->span, sizeof *c->weight);
    c->total = calloc((size_t)size, sizeof *c->total);
    if (!c->first || !c->weight || !c->total) return -1;
    for (int i = 0; i < size; i++) {
        const double low = from + i * step, high = from + (i + 1) * step;

        c->first[i] = low > 0 ? (int)low : 0;
        for (int k = 0; k < c->span; k++) {
            const int at = c->first[i] + k;
            const double part = fmin(at + 1, high) - fmax(at, low);

            if (at >= length || part <= 0) continue;
            c->weight[i * c->span + k] = part / step;
            c->total[i] += part / step;
        }
    }
    return 0;
}

/* row (W, 3): means of one row of the source. */
static void row_means(double *row, const uint8_t *rgb, const cover *across, int W)
{
    for (int w = 0; w < W; w++) {
        double sum[3] = {0};

        for (int k = 0; k < across->span; k++) {
            const double share = across->weight[w * across->span + k];
            const uint8_t *at = rgb + 3 * (size_t)(across->first[w] + k);

            if (share == 0) continue;
            for (int c = 0; c < 3; c++) sum[c] += share * at[c];
        }
        for (int c = 0; c < 3; c++) row[3 * w + c] = sum[c];
    }
}

/* sums (H, W, 3): means of the source. */
static void area_means(double *sums, double *row, const cli_pixels *p, const cover *down,
                       const cover *across, const cli_form *f)
{
    const size_t floats = 3 * (size_t)f->W;

    for (int y = 0; y < p->H; y++) {
        row_means(row, p->rgb + (size_t)y * (size_t)p->W * 3, across, f->W);
        for (int h = 0; h < f->H; h++) {
            const int k = y - down->first[h];
            const double share = k >= 0 && k < down->span ? down->weight[h * down->span + k] : 0;

            if (share == 0) continue;
            for (size_t i = 0; i < floats; i++) sums[(size_t)h * floats + i] += share * row[i];
        }
    }
}

static void store(uint8_t *planes, const double *sums, const cover *down, const cover *across,
                  const cli_form *f)
{
    const int plane = f->H * f->W;

    for (int at = 0; at < plane; at++) {
        const double bare = 1 - down->total[at / f->W] * across->total[at % f->W];
        double rgb[3];

        for (int c = 0; c < 3; c++) rgb[c] = sums[3 * at + c] + 255 * bare;
        if (f->C == 1) rgb[0] = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        for (int c = 0; c < f->C; c++) planes[c * plane + at] = (uint8_t)(rgb[c] + 0.5);
    }
}

int cli_picture_reduce(uint8_t *planes, const cli_form *f, const cli_pixels *p)
{
    const double high = (double)p->H / f->H, wide = (double)p->W / f->W;
    const double step = f->fit == CLI_FIT_CROP ? fmin(high, wide) : fmax(high, wide);
    double *sums = calloc((size_t)(f->H + 1) * (size_t)f->W * 3, sizeof *sums);
    cover across = {0}, down = {0};
    int status = sums ? 0 : -1;

    if (status == 0) status = make_cover(&across, f->W, (p->W - step * f->W) / 2, step, p->W);
    if (status == 0) status = make_cover(&down, f->H, (p->H - step * f->H) / 2, step, p->H);
    if (status == 0) {
        area_means(sums, sums + (size_t)f->H * (size_t)f->W * 3, p, &down, &across, f);
        store(planes, sums, &down, &across, f);
    }
    release(&across);
    release(&down);
    free(sums);
    return status;
}
