/* The layers' view of a picture, as files; see predict_layers.h. */
#include "predict_layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "say.h"
#include "tiles.h"

#define PATH_SIZE 4096
#define UNIT 4 /* pixels of one number of a vector, drawn twice as large */
#define UNIT_SCALE 2

enum { OUTPUT, GRADIENT }; /* as kiln_net_inspect counts them */

/* What is drawn of one picture. */
typedef struct {
    const cli_layer_views *views;
    const char *picture; /* its file */
    int net;             /* a handle for kiln_net_inspect */
    int shown;           /* layers so far, the input being the first */
    int files;
    float *values; /* of a layer, and their colours */
    uint8_t *rgb;
    char path[PATH_SIZE]; /* of the file that was written last */
} drawing;

/* ---- names ----------------------------------------------------------------------------------- */

/* Where the name begins, and its length without the ending; ".png" is all name. */
static const char *stem(const char *path, int *length)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const char *point;

    if (strcmp(path, "-") == 0) name = "stdin";
    point = strrchr(name, '.');
    *length = (int)(point && point > name ? (size_t)(point - name) : strlen(name));
    return name;
}

static int compare_stems(const void *a, const void *b)
{
    int m, n;
    const char *one = stem(*(char *const *)a, &m), *other = stem(*(char *const *)b, &n);
    const int order = strncmp(one, other, (size_t)(m < n ? m : n));

    return order ? order : m - n;
}

int cli_layers_check(const cli_layer_views *v, char *const *pictures, int count)
{
    char **sorted = malloc((size_t)count * sizeof *sorted);
    int length, twice = 0;

    if (!sorted) {
        cli_say("kiln predict: there is no memory for the names of %d pictures\n", count);
        return CLI_NO_MEMORY;
    }
    memcpy(sorted, pictures, (size_t)count * sizeof *sorted);
    qsort(sorted, (size_t)count, sizeof *sorted, compare_stems);
    for (int i = 1; i < count && !twice; i++) {
        if (compare_stems(&sorted[i - 1], &sorted[i]) != 0) continue;
        twice = 1;
        const char *name = stem(sorted[i], &length);

        cli_say("kiln predict: --layers: %s and %s would both be written to %s/%.*s-..; give each "
                "a folder of its own\n", sorted[i - 1], sorted[i], v->folder, length, name);
    }
    free(sorted);
    return twice ? CLI_USAGE : 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The colours in d->rgb as the next file, "cat-01-conv1" and `what`. */
static int save(drawing *d, const char *layer, const char *what, const cli_grid *grid)
{
    int length, code;
    const char *name = stem(d->picture, &length);

    if (snprintf(d->path, PATH_SIZE, "%s/%.*s-%02d-%s%s.png", d->views->folder, length, name,
                 d->shown, layer, what) >= PATH_SIZE) {
        cli_say("kiln predict: --layers: the name of the folder is too long\n");
        return CLI_USAGE;
    }
    if ((code = cli_grid_save(d->path, grid, d->rgb))) return code;
    d->files++;
    return 0;
}

/* As large as the page draws it: small maps are enlarged. */
static int scale_of(int W)
{
    return W >= 20 ? 1 : W >= 10 ? 2 : W >= 5 ? 4 : 6;
}

static int draw_input(drawing *d, const uint8_t *planes)
{
    const cli_form *f = &d->views->form;
    const cli_grid grid = {1, f->H, f->W, 1, UNIT_SCALE};
    kiln_json *j;
    int code;

    cli_paint_bytes(d->rgb, planes, f->H * f->W, f->C);
    if ((code = save(d, "input", "", &grid)) || !d->views->as_json) return code;
    j = cli_event("layer");
    kiln_json_string(j, "picture", d->picture);
    kiln_json_string(j, "layer", "input");
    kiln_json_string(j, "output", d->path);
    cli_event_end(j);
    return 0;
}

/* Outputs or gradients of a layer of this shape; the file, and what its colours mean, go to j. */
static int draw_values(drawing *d, int layer, int what, const char *name, const cli_grid *grid,
                       kiln_json *j)
{
    static const char *const keys[][3] = {{"output", "low", "high"},
                                          {"gradient", "gradientLow", "gradientHigh"}};
    const int n = kiln_net_inspect(d->net, layer, what, 0, d->values);
    const cli_range range = cli_range_of(d->values, n > 0 ? n : 0);
    int code;

    if (n < 0) return cli_fail(n);
    (what == OUTPUT ? cli_paint_grey : cli_paint_signed)(d->rgb, d->values, n, range);
    code = save(d, name, what == OUTPUT ? "-output" : "-gradient", grid);
    if (code || !j) return code;
    kiln_json_string(j, keys[what][0], d->path);
    kiln_json_float(j, keys[what][1], range.low);
    kiln_json_float(j, keys[what][2], range.high);
    return 0;
}

/* Of a layer's values, and of their colours. */
static int take_memory(drawing *d, int n)
{
    float *values = realloc(d->values, (size_t)n * sizeof *values);
    uint8_t *rgb = realloc(d->rgb, (size_t)n * 3);

    if (values) d->values = values;
    if (rgb) d->rgb = rgb;
    if (values && rgb) return 0;
    cli_say("kiln predict: --layers: there is no memory for a layer of %d numbers\n", n);
    return CLI_NO_MEMORY;
}

/* The output's shape of a row of the summary, 1 where it has no more; returns its dimensions. */
static int shape_of(int shape[3], const char *row)
{
    int dims = 0;

    shape[0] = shape[1] = shape[2] = 1;
    for (const char *s = cli_first(cli_field(row, "output")); s && dims < 3; s = cli_next(s))
        shape[dims++] = (int)cli_number(s);
    return dims;
}

/* A row of the summary: maps as tiles, a vector as squares. */
static int draw_layer(drawing *d, int layer, const char *row, const int shape[3])
{
    char name[64], text[64];
    kiln_json *j = NULL;
    cli_grid grid;
    int code;

    cli_field_text(name, sizeof name, row, "name");
    cli_field_raw(text, sizeof text, row, "output");
    if (shape[1] * shape[2] > 1)
        grid = (cli_grid){shape[0], shape[1], shape[2], 1, scale_of(shape[2])};
    else
        grid = (cli_grid){shape[0], 1, 1, UNIT, UNIT_SCALE};
    if ((code = take_memory(d, shape[0] * shape[1] * shape[2]))) return code;
    d->shown++;
    if (d->views->as_json) {
        j = cli_event("layer");
        kiln_json_string(j, "picture", d->picture);
        kiln_json_string(j, "layer", name);
        kiln_json_raw(j, "shape", text);
    }
    code = draw_values(d, layer, OUTPUT, name, &grid, j);
    if (!code) code = draw_values(d, layer, GRADIENT, name, &grid, j);
    if (!code && j) cli_event_end(j);
    return code;
}

/* The layers of the model. Where maps become a vector as long as they, which goes before an affine
 * layer, the numbers are the same again, and are not drawn. */
static int draw_layers(drawing *d, const char *summary)
{
    const cli_form *f = &d->views->form;
    int layer = 0, code = 0, maps = f->C * f->H * f->W; /* of the layer before; 0: a vector */

    for (const char *row = cli_first(cli_field(summary, "layers")); row && !code;
         row = cli_next(row), layer++) {
        int shape[3];
        const int dims = shape_of(shape, row);

        if (dims > 1 || shape[0] != maps) code = draw_layer(d, layer, row, shape);
        maps = dims > 1 ? shape[0] * shape[1] * shape[2] : 0;
    }
    return code;
}

/* The library's text of the model's layers, to be freed; it would not outlive what is asked next.
 */
static char *summarise(const cli_layer_views *v, int *code)
{
    char input[64], *copy;
    int status;

    snprintf(input, sizeof input, "input=%dx%dx%d\n", v->form.C, v->form.H, v->form.W);
    if ((status = kiln_summary(v->net, input)) < 0) {
        *code = cli_fail(status);
        return NULL;
    }
    if ((copy = malloc(strlen(kiln_text()) + 1))) return strcpy(copy, kiln_text());
    cli_say("kiln predict: --layers: there is no memory for the list of layers\n");
    *code = CLI_NO_MEMORY;
    return NULL;
}

int cli_layers_write(const cli_layer_views *v, int trainer, const char *path, const uint8_t *planes)
{
    drawing d = {.views = v, .picture = path};
    int code = 0, length;
    char *summary = summarise(v, &code);
    const char *name = stem(path, &length);

    if (!summary) return code;
    d.net = kiln_trainer_inspect(trainer, KILN_TEST, 0);
    if (d.net < 0) code = cli_fail(d.net);
    if (!code) code = take_memory(&d, v->form.C * v->form.H * v->form.W);
    if (!code) code = draw_input(&d, planes);
    if (!code) code = draw_layers(&d, summary);
    if (!code && !v->as_json)
        printf("  %d pictures of its layers: %s/%.*s-*.png\n", d.files, v->folder, length, name);
    free(summary);
    free(d.values);
    free(d.rgb);
    return code;
}
