/* kiln predict: what a checkpoint or an export says of pictures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "pictures.h"
#include "predict_layers.h"
#include "say.h"

#define CLASSES_MOST 1000
#define NAME_SIZE 64
#define NOTATION_SIZE 16384
#define SHOWN 5 /* classes of a picture, unless --top says otherwise */

typedef struct {
    cli_form form;
    int classes, views, top, data, trainer;
    uint8_t *model; /* its file */
    int size;
    cli_layer_views layers; /* folder NULL: none are wanted */
    char net[NOTATION_SIZE], name[CLASSES_MOST][NAME_SIZE];
    float probability[CLASSES_MOST];
    uint8_t planes[3 * 64 * 64];
} predictor;

/* The size of its images and the names of its classes, from the file. */
static int read_model(predictor *p, const char *path)
{
    const int status = kiln_checkpoint_info(p->model, p->size);
    const char *number;

    if (status < 0) return cli_fail_in(path, status);
    number = cli_first(cli_field(kiln_text(), "input"));
    p->form.C = (int)cli_number(number);
    p->form.H = (int)cli_number(number = cli_next(number));
    p->form.W = (int)cli_number(cli_next(number));
    cli_field_text(p->net, sizeof p->net, kiln_text(), "net");
    for (const char *c = cli_first(cli_field(kiln_text(), "classes")); c; c = cli_next(c))
        if (p->classes < CLASSES_MOST) cli_text(p->name[p->classes++], NAME_SIZE, c);
    if (p->classes >= 2 && p->form.C != 2) return 0;
    cli_say("kiln predict: %s does not say which classes it tells apart\n", path);
    return CLI_BAD_CHECKPOINT;
}

/* A data set of one image, the planes, of class `label`, with the model's classes by number; a
 * trainer normalises it by the model's own means. The handle, or a status. */
static int make_data(const predictor *p, int label)
{
    const int labels = p->classes > 256 ? 2 : 1;
    const int pixels = p->form.C * p->form.H * p->form.W;
    static uint8_t file[CLASSES_MOST * 12 + 3 * 64 * 64 + 256];
    int used = sprintf((char *)file, "KILNSET 1\n{\"name\":\"pictures\",\"shape\":[%d,%d,%d],"
                                     "\"count\":1,\"split\":[0,0,1],\"classes\":[",
                       p->form.C, p->form.H, p->form.W), data, status;

    for (int c = 0; c < p->classes; c++)
        used += sprintf((char *)file + used, "%s\"%d\"", c ? "," : "", c);
    used += sprintf((char *)file + used, "]}\n");
    file[used] = (uint8_t)label;
    if (labels > 1) file[used + 1] = (uint8_t)(label >> 8);
    memcpy(file + used + labels, p->planes, (size_t)pixels);
    if ((data = kiln_data_create()) < 0) return data;
    status = kiln_data_add_file(data, "pictures", file, used + labels + pixels, KILN_BY_NAME);
    if (status >= 0) status = kiln_data_finish(data, "");
    if (status < 0) kiln_data_destroy(data);
    return status < 0 ? status : data;
}

/* The model and a data set to it, of the planes as they are. 0 or an exit code. */
static int make_trainer(const predictor *p, int label, const char *path, int *data, int *trainer)
{
    if ((*data = make_data(p, label)) < 0) return cli_fail(*data);
    *trainer = kiln_trainer_load(*data, p->model, p->size, "");
    return *trainer < 0 ? cli_fail_in(path, *trainer) : 0;
}

static void end_trainer(int data, int trainer)
{
    if (trainer > 0) kiln_trainer_destroy(trainer);
    if (data > 0) kiln_data_destroy(data);
}

static int open_model(predictor *p, const char *path)
{
    int code;

    if (!(p->model = cli_file_read(path, &p->size))) return CLI_BAD_CHECKPOINT;
    if ((code = read_model(p, path))) return code;
    p->layers.net = p->net;
    p->layers.form = p->form;
    return make_trainer(p, 0, path, &p->data, &p->trainer); /* of a black image */
}

/* The likeliest class that is less likely than `before`, or as likely and later; -1: none. */
static int next_class(const predictor *p, int before)
{
    int best = -1;

    for (int c = 0; c < p->classes; c++) {
        const float x = p->probability[c];

        if (before >= 0 && (x > p->probability[before] ||
                            (x == p->probability[before] && c <= before)))
            continue;
        if (best < 0 || x > p->probability[best]) best = c;
    }
    return best;
}

static void print_json(const predictor *p, const char *path)
{
    kiln_json *j = cli_event("picture");

    kiln_json_string(j, "file", path);
    kiln_json_string(j, "class", p->name[next_class(p, -1)]);
    kiln_json_object(j, "probabilities");
    for (int i = 0, c = next_class(p, -1); i < p->top && c >= 0; i++, c = next_class(p, c))
        kiln_json_float(j, p->name[c], p->probability[c]);
    kiln_json_close(j);
    cli_event_end(j);
}

static const char *name_of(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static void print_table(const predictor *p, const char *path)
{
    printf("%s\n", name_of(path));
    for (int i = 0, c = next_class(p, -1); i < p->top && c >= 0; i++, c = next_class(p, c))
        printf("  %5.1f %%  %s\n", 100.0 * (double)p->probability[c], p->name[c]);
}

/* The library looks at images of data sets: of the picture one is made, with the likeliest class
 * as its label. */
static int write_layers(const predictor *p, const char *path)
{
    int data = 0, trainer = 0;
    int code = make_trainer(p, next_class(p, -1), path, &data, &trainer);

    if (code == 0) code = cli_layers_write(&p->layers, trainer, path, p->planes);
    end_trainer(data, trainer);
    return code;
}

/* 0, or an exit code; of a picture that cannot be read the others are not less well known. */
static int predict(predictor *p, const char *path, int as_json)
{
    const char *wrong = cli_picture_read(p->planes, &p->form, path);
    int status;

    if (wrong) {
        cli_say("kiln: %s: %s\n", name_of(path), wrong);
        return CLI_BAD_DATA;
    }
    status = kiln_trainer_predict(p->trainer, p->planes, 1, p->views, p->probability);
    if (status < 0) return cli_fail(status);
    if (as_json)
        print_json(p, path);
    else
        print_table(p, path);
    return p->layers.folder ? write_layers(p, path) : 0;
}

/* What the options say, before anything is read. 0 or an exit code. */
static int read_options(predictor *p, const cli_arguments *a)
{
    int code;

    p->views = 1;
    p->top = SHOWN;
    p->layers.folder = a->value[CLI_LAYERS_TO];
    p->layers.as_json = a->value[CLI_JSON] != NULL;
    if ((code = cli_own_int(a, CLI_VIEWS, 1, 10, &p->views))) return code;
    if ((code = cli_own_int(a, CLI_TOP, 1, CLASSES_MOST, &p->top))) return code;
    if ((code = cli_form_read(&p->form, a))) return code; /* --fit; the model says the size */
    if (a->bare_count < 2) {
        cli_say("kiln predict: which %s? kiln predict model.safetensors picture.png\n",
                a->bare_count ? "pictures" : "model");
        return CLI_USAGE;
    }
    if (p->layers.folder && strcmp(p->layers.folder, "-") == 0) {
        cli_say("kiln predict: --layers writes a folder, which stdout is none of; name one\n");
        return CLI_USAGE;
    }
    return p->layers.folder ? cli_layers_check(&p->layers, a->bare + 1, a->bare_count - 1) : 0;
}

int cli_predict(cli_arguments *a)
{
    static predictor p;
    int code = cli_use_threads(a), bad = 0;

    if (code || (code = read_options(&p, a))) return code;
    code = open_model(&p, a->bare[0]);
    if (code == 0 && p.layers.folder) code = cli_folder_make(p.layers.folder);
    for (int i = 1; i < a->bare_count && code == 0; i++) {
        const int one = predict(&p, a->bare[i], a->value[CLI_JSON] != NULL);

        if (one == CLI_BAD_DATA)
            bad++;
        else
            code = one;
    }
    if (code == 0 && a->value[CLI_JSON]) {
        kiln_json *j = cli_event("done");

        kiln_json_int(j, "pictures", a->bare_count - 1 - bad);
        kiln_json_int(j, "unreadable", bad);
        kiln_json_string(j, "mode", kiln_mode());
        cli_event_end(j);
    }
    end_trainer(p.data, p.trainer);
    free(p.model);
    return code ? code : bad ? CLI_BAD_DATA : 0;
}
