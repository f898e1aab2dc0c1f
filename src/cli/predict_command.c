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
#include "say.h"

#define CLASSES_MOST 1000
#define NAME_SIZE 64
#define SHOWN 5 /* classes of a picture, unless --top says otherwise */

typedef struct {
    cli_form form;
    int classes, views, top, data, trainer;
    char name[CLASSES_MOST][NAME_SIZE];
    float probability[CLASSES_MOST];
    uint8_t planes[3 * 64 * 64];
} predictor;

/* The size of its images and the names of its classes, from the file. */
static int read_model(predictor *p, const uint8_t *bytes, int size, const char *path)
{
    const int status = kiln_checkpoint_info(bytes, size);
    const char *number;

    if (status < 0) return cli_fail_in(path, status);
    number = cli_first(cli_field(kiln_text(), "input"));
    p->form.C = (int)cli_number(number);
    p->form.H = (int)cli_number(number = cli_next(number));
    p->form.W = (int)cli_number(cli_next(number));
    for (const char *c = cli_first(cli_field(kiln_text(), "classes")); c; c = cli_next(c))
        if (p->classes < CLASSES_MOST) cli_text(p->name[p->classes++], NAME_SIZE, c);
    if (p->classes >= 2 && p->form.C != 2) return 0;
    cli_say("kiln predict: %s does not say which classes it tells apart\n", path);
    return CLI_BAD_CHECKPOINT;
}

/* A data set of one black image with the model's classes: a trainer wants one, whose images only
 * the model's own means normalise. */
static int make_data(predictor *p)
{
    const int labels = p->classes > 256 ? 2 : 1;
    const int pixels = p->form.C * p->form.H * p->form.W;
    static uint8_t file[CLASSES_MOST * 12 + 3 * 64 * 64 + 256];
    int used = sprintf((char *)file, "KILNSET 1\n{\"name\":\"pictures\",\"shape\":[%d,%d,%d],"
                                     "\"count\":1,\"split\":[0,0,1],\"classes\":[",
                       p->form.C, p->form.H, p->form.W), status;

    for (int c = 0; c < p->classes; c++)
        used += sprintf((char *)file + used, "%s\"%d\"", c ? "," : "", c);
    used += sprintf((char *)file + used, "]}\n");
    memset(file + used, 0, (size_t)(labels + pixels));
    if ((p->data = kiln_data_create()) < 0) return cli_fail(p->data);
    status = kiln_data_add_file(p->data, "pictures", file, used + labels + pixels, KILN_BY_NAME);
    if (status >= 0) status = kiln_data_finish(p->data, "");
    return status < 0 ? cli_fail(status) : 0;
}

static int open_model(predictor *p, const char *path)
{
    int size, code;
    uint8_t *bytes = cli_file_read(path, &size);

    if (!bytes) return CLI_BAD_CHECKPOINT;
    code = read_model(p, bytes, size, path);
    if (code == 0) code = make_data(p);
    if (code == 0) {
        p->trainer = kiln_trainer_load(p->data, bytes, size, "");
        code = p->trainer < 0 ? cli_fail_in(path, p->trainer) : 0;
    }
    free(bytes);
    return code;
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

static void print_table(const predictor *p, const char *path)
{
    printf("%s\n", path);
    for (int i = 0, c = next_class(p, -1); i < p->top && c >= 0; i++, c = next_class(p, c))
        printf("  %5.1f %%  %s\n", 100.0 * (double)p->probability[c], p->name[c]);
}

/* 0, or an exit code; of a picture that cannot be read the others are not less well known. */
static int predict(predictor *p, const char *path, int as_json)
{
    const char *wrong = cli_picture_read(p->planes, &p->form, path);
    int status;

    if (wrong) {
        cli_say("kiln: %s: %s\n", path, wrong);
        return CLI_BAD_DATA;
    }
    status = kiln_trainer_predict(p->trainer, p->planes, 1, p->views, p->probability);
    if (status < 0) return cli_fail(status);
    if (as_json)
        print_json(p, path);
    else
        print_table(p, path);
    return 0;
}

int cli_predict(cli_arguments *a)
{
    static predictor p;
    int code = cli_use_threads(a), bad = 0;

    if (code) return code;
    p.views = 1;
    p.top = SHOWN;
    if ((code = cli_own_int(a, CLI_VIEWS, 1, 10, &p.views))) return code;
    if ((code = cli_own_int(a, CLI_TOP, 1, CLASSES_MOST, &p.top))) return code;
    if ((code = cli_form_read(&p.form, a))) return code; /* --fit; the model says the size */
    if (a->bare_count < 2) {
        cli_say("kiln predict: which %s? kiln predict model.safetensors picture.png\n",
                a->bare_count ? "pictures" : "model");
        return CLI_USAGE;
    }
    code = open_model(&p, a->bare[0]);
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
    if (p.trainer > 0) kiln_trainer_destroy(p.trainer);
    if (p.data > 0) kiln_data_destroy(p.data);
    return code ? code : bad ? CLI_BAD_DATA : 0;
}
