/*
 * The validation accuracies of all runs by epoch, as SVG: the best ones in colours, with a legend,
 * the others grey behind them. A title on each curve says which it is; nothing needs a script.
 */
#include <math.h>
#include <string.h>

#include "report.h"

#define WIDTH 900
#define HEIGHT 420
#define LEFT 56
#define RIGHT 620 /* of the plot; the legend stands behind it */
#define TOP 16
#define BOTTOM 380
#define COLOURS 8
#define TICKS 8 /* about so many on an axis */

typedef struct {
    double epochs, low, high; /* x goes from 1 (0 where there is one epoch alone) to epochs */
} axes;

static double x_of(const axes *a, double epoch)
{
    return a->epochs > 1 ? LEFT + (RIGHT - LEFT) * (epoch - 1) / (a->epochs - 1)
                         : (LEFT + RIGHT) / 2.0;
}

static double y_of(const axes *a, double share)
{
    return BOTTOM - (BOTTOM - TOP) * (share - a->low) / (a->high - a->low);
}

void report_escape(FILE *out, const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;

        if (c == '&') fputs("&amp;", out);
        else if (c == '<') fputs("&lt;", out);
        else if (c == '>') fputs("&gt;", out);
        else if (c == '"') fputs("&quot;", out);
        else putc(c < ' ' || c == 0x7f ? ' ' : c, out);
    }
}

/* Whole tenths around all accuracies. */
static axes find_axes(const report_list *list)
{
    axes a = {fmax(list->epochs, 1), 1, 0};

    for (int i = 0; i < list->count; i++)
        for (int k = 0; k < list->runs[i].epoch_count; k++) {
            const double share = list->runs[i].epochs[k].validation;

            a.low = fmin(a.low, share); /* fmin and fmax pass over a NaN */
            a.high = fmax(a.high, share);
        }
    a.low = a.low > a.high ? 0 : floor(a.low * 10) / 10;
    a.high = fmin(1, ceil(a.high * 10) / 10);
    if (!(a.high > a.low)) a.high = a.low + 0.1;
    return a;
}

static void print_axes(FILE *out, const axes *a)
{
    const double span = a->high - a->low, step = span > 0.45 ? 0.1 : span > 0.2 ? 0.05 : 0.02;
    double every = 1;

    while ((a->epochs - 1) / every > TICKS) every = every < 2 ? 2 : every < 5 ? 5 : 2 * every;
    for (int i = 0; a->low + i * step < a->high + 1e-9; i++) {
        const double share = a->low + i * step, y = y_of(a, share);

        fprintf(out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/><text x=\"%d\" y=\"%.1f\" "
                     "text-anchor=\"end\">%.0f %%</text>\n",
                LEFT, y, RIGHT, LEFT - 6, y + 4, 100 * share);
    }
    for (double e = 1; e <= a->epochs; e = e < every ? every : e + every)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n", x_of(a, e),
                BOTTOM + 18, e);
    fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>\n",
            (LEFT + RIGHT) / 2, BOTTOM + 36);
}

static void print_curve(FILE *out, const axes *a, const report_run *run, int rank)
{
    double x = 0, y = 0;
    int points = 0;

    fprintf(out, "<g class=\"run %s%d\"><title>", rank < COLOURS ? "c" : "rest c", rank);
    report_escape(out, run->path);
    fprintf(out, "</title><path d=\"");
    for (int k = 0; k < run->epoch_count; k++) {
        if (!(run->epochs[k].validation >= 0)) continue;
        x = x_of(a, run->epochs[k].epoch);
        y = y_of(a, run->epochs[k].validation);
        fprintf(out, "%c%.1f %.1f", points++ ? 'L' : 'M', x, y);
    }
    fprintf(out, "\"/>");
    if (points) fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\"/>", x, y);
    fprintf(out, "</g>\n");
}

/* The end of a path, which tells more of it than its beginning. */
static const char *tail(const char *path)
{
    const size_t length = strlen(path);
    const char *end = path;

    if (length > 26) end += length - 26;
    while ((*end & 0xc0) == 0x80) end++; /* in the middle of a character */
    return end;
}

static void print_legend(FILE *out, const report_list *list)
{
    for (int i = 0; i < list->count && i < COLOURS; i++) {
        const report_run *run = &list->runs[i];
        const int y = TOP + 10 + 22 * i;

        fprintf(out, "<g class=\"run c%d\"><path d=\"M%d %dh18\"/></g><text x=\"%d\" y=\"%d\">", i,
                RIGHT + 14, y, RIGHT + 38, y + 4);
        if (run->state == REPORT_DONE && run->validation >= 0)
            fprintf(out, "%.2f %%  ", 100 * run->validation);
        report_escape(out, tail(run->path));
        fprintf(out, "</text>\n");
    }
    if (list->count > COLOURS)
        fprintf(out, "<text x=\"%d\" y=\"%d\">grey: %d more</text>\n", RIGHT + 38,
                TOP + 14 + 22 * COLOURS, list->count - COLOURS);
}

static void print_colours(FILE *out, const char *const colour[COLOURS])
{
    for (int i = 0; i < COLOURS; i++)
        fprintf(out, ".curves .c%d path{stroke:%s}.curves .c%d circle{fill:%s}\n", i, colour[i], i,
                colour[i]);
}

/* Colours that can be told apart on white and on black, by eyes that see red and green alike too
 * (Okabe and Ito, "Color universal design"). */
static void print_style(FILE *out)
{
    static const char *const light[COLOURS] = {"#0072b2", "#d55e00", "#009e73", "#aa4499",
                                               "#8a6d00", "#2aa3d9", "#882255", "#555555"};
    static const char *const dark[COLOURS] = {"#56b4e9", "#ff8c42", "#2fd6a3", "#e08fd0",
                                              "#f0e442", "#9ad7ff", "#ff7fb0", "#cccccc"};

    fprintf(out, "<style>\n.curves{font:12px system-ui,sans-serif}.curves text{fill:#222}"
                 ".curves .grid{stroke:#ddd}.curves .run path{fill:none;stroke-width:2}"
                 ".curves .rest path{stroke:#bbb;stroke-width:1}.curves .rest circle{fill:#bbb}\n");
    print_colours(out, light);
    fprintf(out, "@media(prefers-color-scheme:dark){.curves text{fill:#ddd}"
                 ".curves .grid{stroke:#444}.curves .rest path{stroke:#666}"
                 ".curves .rest circle{fill:#666}\n");
    print_colours(out, dark);
    fprintf(out, "}\n</style>\n");
}

void report_svg(FILE *out, const report_list *list, int alone)
{
    const axes a = find_axes(list);

    fprintf(out, "<svg class=\"curves\" viewBox=\"0 0 %d %d\" role=\"img\" "
                 "aria-label=\"validation accuracy by epoch\"", WIDTH, HEIGHT);
    if (alone)
        fprintf(out, " xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\"", WIDTH,
                HEIGHT);
    fprintf(out, ">\n");
    print_style(out);
    print_axes(out, &a);
    for (int i = list->count - 1; i >= 0; i--) print_curve(out, &a, &list->runs[i], i);
    print_legend(out, list);
    fprintf(out, "</svg>\n");
}
