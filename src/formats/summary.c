/*
 * The summary of a net as a table for papers and web pages: a line a layer, with its output's
 * shape, parameters and FLOPs of one image forward (a multiply-add is two), and a line for all.
 * Markdown as GitHub has it; LaTeX's tabular, which needs no package.
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "net/notation.h"

#define TEXT_SIZE 160
#define COLUMNS 5

/* What stands around a table, its lines and its cells, and the characters that need a backslash. */
typedef struct {
    const char *head, *line, *between, *end, *after_titles, *before_total, *tail;
    const char *escaped;
} dialect;

static const dialect markdown = {
    .line = "| ", .between = " | ", .end = " |\n",
    .head = "", .after_titles = "| --- | --- | --- | ---: | ---: |\n", .before_total = "",
    .tail = "", .escaped = "|\\*_`<[]#"};

static const dialect latex = {
    .line = "", .between = " & ", .end = " \\\\\n",
    .head = "\\begin{tabular}{lllrr}\n\\hline\n", .after_titles = "\\hline\n",
    .before_total = "\\hline\n", .tail = "\\hline\n\\end{tabular}\n", .escaped = "#$%&_{}"};

static void put_line(kiln_bytes *out, const dialect *d, const char *const cell[COLUMNS])
{
    kiln_bytes_text(out, d->line);
    for (int i = 0; i < COLUMNS; i++) {
        if (i) kiln_bytes_text(out, d->between);
        for (const char *c = cell[i]; *c; c++) {
            if (strchr(d->escaped, *c)) kiln_bytes_text(out, "\\");
            kiln_bytes_put(out, c, 1);
        }
    }
    kiln_bytes_text(out, d->end);
}

static void put_layer(kiln_bytes *out, const dialect *d, const kiln_layer *l)
{
    char text[TEXT_SIZE], shape[48], parameters[32], flops[32];

    kiln_layer_text(text, sizeof text, l);
    if (l->spatial)
        snprintf(shape, sizeof shape, "%dx%dx%d", l->C, l->H, l->W);
    else
        snprintf(shape, sizeof shape, "%d", l->C);
    snprintf(parameters, sizeof parameters, "%.0f", l->parameters);
    snprintf(flops, sizeof flops, "%.0f", l->flops);
    put_line(out, d, (const char *const[COLUMNS]){l->name, text, shape, parameters, flops});
}

static int put_table(kiln_bytes *out, const dialect *d, const kiln_model *m)
{
    const kiln_plan *plan = kiln_net_plan(m->net);
    char parameters[32], flops[32];

    kiln_bytes_text(out, d->head);
    put_line(out, d, (const char *const[COLUMNS]){"layer", "notation", "output", "parameters",
                                                  "FLOPs"});
    kiln_bytes_text(out, d->after_titles);
    for (int l = 0; l < plan->count; l++) put_layer(out, d, &plan->layer[l]);
    snprintf(parameters, sizeof parameters, "%.0f", plan->parameters);
    snprintf(flops, sizeof flops, "%.0f", plan->flops);
    kiln_bytes_text(out, d->before_total);
    put_line(out, d, (const char *const[COLUMNS]){"all", "", "", parameters, flops});
    kiln_bytes_text(out, d->tail);
    return KILN_OK;
}

int kiln_write_markdown(kiln_bytes *out, const kiln_model *m)
{
    return put_table(out, &markdown, m);
}

int kiln_write_latex(kiln_bytes *out, const kiln_model *m)
{
    return put_table(out, &latex, m);
}
