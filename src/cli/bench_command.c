/* kiln bench: how many images a net is trained on in a second, and where in the net the time goes.
 * */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"

#define STEPS_MAX 100000
#define WARM_UP 3        /* steps not counted */
#define EPOCH_STEPS 50   /* steps between two checks, whose time is not counted either */
#define LAYERS_MAX 256

typedef struct {
    double seconds; /* of all steps counted */
    int count, batch;
    double step[STEPS_MAX];
} times;

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A small built-in set and a run over it that does not end by itself. */
static int prepare(cli_arguments *a, int *batch)
{
    char text[32];
    int code = cli_apply_preset(a);

    if (code) return code;
    if (!cli_given(a, "batch", text, sizeof text)) snprintf(text, sizeof text, "64");
    *batch = atoi(text);
    if (*batch < 1) *batch = 1;
    snprintf(text, sizeof text, "%d", *batch > 2000 ? *batch : EPOCH_STEPS * *batch);
    a->value[CLI_PRESET] = NULL; /* done */
    if ((code = cli_arguments_add(a, "train", text)) ||
        (code = cli_arguments_add(a, "validation", "1")) ||
        (code = cli_arguments_add(a, "test", "0")) ||
        (code = cli_arguments_add(a, "check-train", "1")) ||
        (code = cli_arguments_add(a, "epochs", "10000")) ||
        (code = cli_arguments_add(a, "max-steps", "0")) ||
        (code = cli_arguments_add(a, "patience", "0")))
        return code;
    return 0;
}

static int measure(times *t, const cli_session *s, double seconds)
{
    for (int i = 0; t->seconds < seconds && t->count < STEPS_MAX; i++) {
        const double began = cli_seconds();
        const int flags = kiln_trainer_step(s->trainer);
        const double took = cli_seconds() - began;

        if (flags < 0) return cli_fail(flags);
        if (flags & KILN_EPOCH) continue;
        if (i == WARM_UP - 1) /* from here on */
            kiln_net_profile(kiln_trainer_net(s->trainer), 1);
        if (i < WARM_UP) continue;
        t->step[t->count++] = took;
        t->seconds += took;
    }
    return 0;
}

/* ---- layers ---------------------------------------------------------------------------------- */

typedef struct {
    char name[48];
    int product;  /* a convolution or a matrix product */
    double flops; /* of one image forward */
    double forward, backward; /* milliseconds of a step */
} layer_time;

/* Layers with a matrix of weights, trained or not, which are products of matrices. */
static int find_products(layer_time *layer, int count, int net)
{
    const int status = kiln_net_tensors(net);

    if (status < 0) return -cli_fail(status);
    for (const char *t = cli_first(kiln_text()); t; t = cli_next(t)) {
        const int l = (int)cli_field_number(t, "layer", count);
        char name[64];

        cli_field_text(name, sizeof name, t, "name");
        if (l < count && strlen(name) > 2 && strcmp(name + strlen(name) - 2, ".w") == 0)
            layer[l].product = 1;
    }
    return 0;
}

static int read_layers(layer_time *layer, const cli_session *s, const char *net, int batch)
{
    char options[32];
    int count = 0, i = 0, status;

    if ((status = kiln_net_profile(kiln_trainer_net(s->trainer), 0)) < 0) return -cli_fail(status);
    for (const char *l = cli_first(kiln_text()); l && count < LAYERS_MAX; l = cli_next(l)) {
        const double calls = cli_field_number(l, "calls", 1);

        cli_field_text(layer[count].name, sizeof layer[count].name, l, "name");
        layer[count].forward = cli_field_number(l, "forward", 0) / (calls > 0 ? calls : 1);
        layer[count++].backward = cli_field_number(l, "backward", 0) / (calls > 0 ? calls : 1);
    }
    snprintf(options, sizeof options, "batch=%d\n", batch);
    if ((status = kiln_summary(net, options)) < 0) return -cli_fail(status);
    for (const char *l = cli_first(cli_field(kiln_text(), "layers")); l && i < count;
         l = cli_next(l), i++)
        layer[i].flops = cli_field_number(l, "flops", 0);
    status = find_products(layer, count, kiln_trainer_net(s->trainer));
    return status < 0 ? status : count;
}

/* A gradient of the input and one of the weights cost what forward does; the first layer has only
 * one. */
static double rate(const layer_time *l, int first, int batch)
{
    const double ms = l->forward + l->backward;

    return ms > 0 ? l->flops * batch * (first ? 2 : 3) / (ms * 1e6) : 0;
}

static void print_layers(const layer_time *layer, int count, int batch, double step_ms,
                         kiln_json *j)
{
    double all = 0, products = 0;

    if (j)
        kiln_json_array(j, "layers");
    else
        printf("\n%-14s %12s %12s %10s %8s\n", "layer", "forward ms", "backward ms", "GFLOP/s",
               "share");
    for (int i = 0; i < count; i++) {
        const double ms = layer[i].forward + layer[i].backward;
        const double speed = rate(&layer[i], i == 0, batch);

        all += ms;
        if (layer[i].product) products += ms;
        if (j) {
            kiln_json_object(j, NULL);
            kiln_json_string(j, "name", layer[i].name);
            kiln_json_number(j, "forward", cli_rounded(layer[i].forward, 1e4));
            kiln_json_number(j, "backward", cli_rounded(layer[i].backward, 1e4));
            kiln_json_number(j, "gflops", cli_rounded(speed, 1e2));
            kiln_json_number(j, "share", cli_rounded(ms / step_ms, 1e4));
            kiln_json_close(j);
        } else {
            printf("%-14s %12.3f %12.3f %10.1f %6.1f %%\n", layer[i].name, layer[i].forward,
                   layer[i].backward, speed, 100 * ms / step_ms);
        }
    }
    if (j) {
        kiln_json_close(j);
        kiln_json_number(j, "outside", cli_rounded(1 - products / step_ms, 1e4));
    } else {
        printf("%-14s %12s %12.3f %10s %6.1f %%\n"
               "outside convolution and affine layers: %.1f %% of a step\n", "the rest", "",
               step_ms - all, "", 100 * (step_ms - all) / step_ms, 100 * (1 - products / step_ms));
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

static int report(const cli_arguments *a, times *t, const cli_session *s)
{
    static layer_time layer[LAYERS_MAX];
    static char net[8448];
    const double step_ms = 1e3 * t->seconds / t->count;
    const double images = t->batch * t->count / t->seconds;
    kiln_json *j = a->value[CLI_JSON] ? cli_event("done") : NULL;
    int count = 0;

    qsort(t->step, (size_t)t->count, sizeof *t->step, by_size);
    if (kiln_trainer_options(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    cli_field_text(net, sizeof net, kiln_text(), "net");
    if (a->value[CLI_LAYERS] && (count = read_layers(layer, s, net, t->batch)) < 0) return -count;
    if (j) {
        kiln_json_number(j, "imagesPerSecond", cli_rounded(images, 1e2));
        kiln_json_number(j, "stepMs", cli_rounded(step_ms, 1e4));
        kiln_json_number(j, "medianStepMs", cli_rounded(1e3 * t->step[t->count / 2], 1e4));
        kiln_json_int(j, "batch", t->batch);
        kiln_json_int(j, "steps", t->count);
        kiln_json_string(j, "mode", kiln_mode());
        kiln_json_int(j, "lanes", kiln_lanes());
    } else {
        printf("%s\n%.0f images/s; %.3f ms a step of %d images, median %.3f ms, %d steps (%s, %d "
               "lanes)\n", net, images, step_ms, t->batch, 1e3 * t->step[t->count / 2], t->count,
               kiln_mode(), kiln_lanes());
    }
    if (count) print_layers(layer, count, t->batch, step_ms, j);
    if (j) cli_event_end(j);
    return 0;
}

int cli_bench(cli_arguments *a)
{
    static times t;
    cli_session session;
    double seconds = 2;
    int code;

    if (a->value[CLI_SECONDS]) {
        char *end;

        seconds = strtod(a->value[CLI_SECONDS], &end);
        if (*end || !(seconds > 0 && seconds <= 3600)) {
            fprintf(stderr, "kiln: --seconds: more than 0, up to 3600, not \"%s\"\n",
                    a->value[CLI_SECONDS]);
            return CLI_USAGE;
        }
    }
    if ((code = prepare(a, &t.batch)) || (code = cli_session_open(&session, a))) return code;
    code = measure(&t, &session, seconds);
    if (code == 0) code = report(a, &t, &session);
    cli_session_close(&session);
    return code;
}
