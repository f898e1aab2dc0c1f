/* Threads, presets, checkpoints and trainers, as several commands need them; see commands.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/keyvalue.h"
#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln_formats.h"
#include "say.h"

#define THREADS_MAX 16

static const char *const split_key[] = {"train", "validation", "test"};

double cli_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int cli_use_threads(const cli_arguments *a)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (int)cores;
    int status = cli_own_int(a, CLI_THREADS, 1, THREADS_MAX, &threads);
    sigset_t all, before;

    if (status) return status;
    sigfillset(&all); /* signals are the program's own thread's, which may hold them (files.c) */
    sigprocmask(SIG_BLOCK, &all, &before);
    status = kiln_threads_use(threads);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status < 0 ? cli_fail(status) : 0;
}

/* ---- presets --------------------------------------------------------------------------------- */

static int unknown_preset(const char *wanted)
{
    static char text[32][32];
    const char *names[32], *near;
    int count = 0;

    for (const char *p = cli_first(kiln_text()); p && count < 32; p = cli_next(p), count++)
        names[count] = cli_field_text(text[count], sizeof text[0], p, "name");
    near = kiln_closest(wanted, names, count);
    cli_say("kiln: --preset: there is no \"%s\"", wanted);
    if (near) cli_say("; did you mean %s?", near);
    cli_say("\nkiln: the presets are");
    for (int i = 0; i < count; i++) cli_say("%s %s", i ? "," : "", names[i]);
    cli_say("\n");
    return CLI_USAGE;
}

int cli_apply_preset(cli_arguments *a)
{
    static char given[sizeof a->text], net[8448];
    const char *wanted = a->value[CLI_PRESET], *preset, *value;
    char name[64], key[64], text[64];

    if (!wanted) return 0;
    if (kiln_presets() < 0) return cli_fail(KILN_E_MEMORY);
    for (preset = cli_first(kiln_text()); preset; preset = cli_next(preset))
        if (strcmp(cli_field_text(name, sizeof name, preset, "name"), wanted) == 0) break;
    if (!preset) return unknown_preset(wanted);
    strcpy(given, a->text); /* later lines win: the preset's go first */
    a->text[0] = 0;
    if (cli_arguments_add(a, "net", cli_field_text(net, sizeof net, preset, "net")))
        return CLI_USAGE;
    const char *options = cli_field(preset, "options");

    for (const char *p = NULL; (p = cli_member(options, p, key, sizeof key, &value));)
        if (cli_arguments_add(a, key, cli_text(text, sizeof text, value))) return CLI_USAGE;
    if (strlen(a->text) + strlen(given) + 1 > sizeof a->text) return CLI_USAGE;
    strcat(a->text, given);
    return 0;
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* The data set of a checkpoint, as far as the command line leaves it open. */
static int take_from_checkpoint(cli_arguments *a, const uint8_t *bytes, int size)
{
    static const char *const keys[] = {"train", "validation", "test", "data-seed"};
    const int status = kiln_checkpoint_info(bytes, size);
    char value[64];
    const char *options;

    if (status < 0) return cli_fail_in(a->value[CLI_RESUME], status);
    options = cli_field(kiln_text(), "options");
    for (int i = 0; i < 4; i++) {
        if (cli_given(a, keys[i], NULL, 0) || !cli_field(options, keys[i])) continue;
        cli_field_raw(value, sizeof value, options, keys[i]);
        if (value[0] == '"') cli_field_text(value, sizeof value, options, keys[i]);
        if (cli_arguments_add(a, keys[i], value)) return CLI_USAGE;
    }
    if (a->value[CLI_DATA]) return 0;
    cli_field_text(value, sizeof value, kiln_text(), "data");
    if (!*value || strcmp(value, "builtin") == 0) return 0;
    cli_say("kiln: %s: was trained on %s; say where that is with --data\n",
            a->value[CLI_RESUME], value);
    return CLI_USAGE;
}

/* What went where of another program's weights, a line a tensor. */
static void print_import(const char *path)
{
    char tensor[64], from[280], how[16];

    cli_say("weights: the net's, and what they are in %s\n", path);
    for (const char *row = cli_first(kiln_text()); row; row = cli_next(row)) {
        cli_field_text(tensor, sizeof tensor, row, "tensor");
        cli_field_text(from, sizeof from, row, "from");
        cli_field_text(how, sizeof how, row, "how");
        cli_say("  %-28s %s%s%s\n", tensor, *from ? from : "not in the file",
                strcmp(how, "as it is") ? ", " : "", strcmp(how, "as it is") ? how : "");
    }
}

/* A file of kiln's says which net it holds. */
static int own_net(void)
{
    cli_say("kiln: --resume and --net contradict each other: a checkpoint has its own net\n");
    return CLI_USAGE;
}

/* How large its images are, where there is a data set to tell, as kiln_import takes it. */
static int size_of_images(char text[40], int *data, const cli_arguments *a)
{
    const char *side;
    int used = 6;

    if (!a->value[CLI_DATA] || strcmp(a->value[CLI_DATA], "builtin") == 0) return CLI_OK;
    if ((*data = cli_data_open(a)) < 0) return -*data;
    if (kiln_data_info(*data) < 0) return cli_fail(KILN_E_MEMORY);
    strcpy(text, "input=");
    for (side = cli_first(cli_field(kiln_text(), "shape")); side; side = cli_next(side))
        used += snprintf(text + used, (size_t)(40 - used), used > 6 ? "x%d" : "%d",
                         (int)cli_number(side));
    return CLI_OK;
}

/* Weights of another program become an export, in their place; the data set that says how large
 * their images are is opened for it, into *data. 0 or an exit code. */
static int import(int *data, uint8_t **bytes, int *size, const char *path, const cli_arguments *a)
{
    static char net[8448];
    const char *given = cli_given(a, "net", net, sizeof net);
    int status = kiln_import(given, NULL, *bytes, *size), code;
    char input[40] = "";
    uint8_t *copy;

    if (status > 0 || status == KILN_E_CHECKPOINT || status == KILN_E_NOTATION) {
        if ((code = size_of_images(input, data, a))) return code;
        if (*input) status = kiln_import(given, input, *bytes, *size);
    }
    if (status == KILN_E_NOTATION) return given ? cli_fail_net(given, status) : cli_fail(status);
    if (status < 0) return cli_fail_in(path, status);
    if (status == 0) return given && a->value[CLI_RESUME] ? own_net() : CLI_OK;
    if (!(copy = malloc((size_t)status))) return cli_fail(KILN_E_MEMORY);
    if (!a->value[CLI_QUIET]) print_import(path);
    memcpy(copy, kiln_exported(), (size_t)status);
    free(*bytes);
    *bytes = copy;
    *size = status;
    return CLI_OK;
}

/* An export, which no run can go on from. */
static int holds_weights_alone(const uint8_t *bytes, int size)
{
    char has_run[8];

    return kiln_checkpoint_info(bytes, size) >= 0 &&
           strcmp(cli_field_raw(has_run, sizeof has_run, kiln_text(), "hasRun"), "false") == 0;
}

/* It is said where the classes of a file and of the data have other names; `then` is what follows
 * from that. */
static void compare_classes(const char *path, int data, const uint8_t *bytes, int size,
                            const char *then)
{
    static char taught[4096], here[4096];

    if (kiln_checkpoint_info(bytes, size) < 0) return;
    cli_field_raw(taught, sizeof taught, kiln_text(), "classes");
    if (kiln_data_info(data) < 0) return;
    cli_field_raw(here, sizeof here, kiln_text(), "classes");
    if (*taught == '[' && strcmp(taught, here) != 0)
        cli_say("kiln: %s was taught other classes than this data set has, %s; %s\n", path, taught,
                then);
}

typedef int reader(int data, const uint8_t *bytes, int size, const char *options);

static int resume(cli_session *s, cli_arguments *a, reader *read)
{
    const char *path = a->value[CLI_RESUME];
    int size = 0, code, status;
    uint8_t *bytes;

    if (read == kiln_trainer_resume && cli_given(a, "net", NULL, 0)) return own_net();
    if (!(bytes = cli_file_read(path, &size))) return CLI_BAD_CHECKPOINT;
    code = read == kiln_trainer_load ? import(&s->data, &bytes, &size, path, a) : CLI_OK;
    if (code == 0) code = take_from_checkpoint(a, bytes, size);
    if (code == 0 && !s->data) {
        s->data = cli_data_open(a);
        code = s->data < 0 ? -s->data : 0;
    }
    if (code == 0) {
        /* the data set's options may differ from the run's where it is only evaluated */
        status = s->trainer =
            read(s->data, bytes, size, read == kiln_trainer_load ? "" : a->text);
        if (status < 0) code = cli_fail_in(path, status);
        if (status >= 0 && read == kiln_trainer_load && !a->value[CLI_QUIET])
            compare_classes(path, s->data, bytes, size, "they are compared by their numbers");
        if (status < 0 && holds_weights_alone(bytes, size))
            cli_say("kiln: begin a new run with them: kiln train --init-from %s\n", path);
    }
    free(bytes);
    return code;
}

/* The file that a new run takes its weights from; bytes NULL where it takes none. */
typedef struct {
    const char *path;
    uint8_t *bytes;
    int size;
} weights;

/* A new trainer over a data set, or a status. */
static int begin_run(int data, const cli_arguments *a, const weights *from)
{
    return from->bytes ? kiln_trainer_begin(data, from->bytes, from->size, a->text)
                       : kiln_trainer_create(data, a->text);
}

/* Says why there is none; the exit code. */
static int fail_run(int status, const cli_arguments *a, const weights *from)
{
    static char net[8448];

    if (status == KILN_E_CHECKPOINT) return cli_fail_in(from->path, status);
    return cli_given(a, "net", net, sizeof net) ? cli_fail_net(net, status) : cli_fail(status);
}

/* Could it be the data set's images or classes that the net does not fit? */
static int may_fit_other_data(const cli_arguments *a, int status)
{
    const char *data = a->value[CLI_DATA];

    return data && strcmp(data, "builtin") != 0 &&
           (status == KILN_E_SHAPE || status == KILN_E_CHECKPOINT);
}

/* The run over two images, the fewest that every net can be trained on, so that a mistake is told
 * before seconds of reading data. */
static int rehearse(const cli_arguments *a, const weights *from)
{
    cli_session s = {kiln_data_builtin("train=2\nvalidation=0\ntest=0\n"), 0};
    int code;

    if (s.data < 0) return cli_fail(s.data);
    s.trainer = begin_run(s.data, a, from);
    code = s.trainer < 0 && !may_fit_other_data(a, s.trainer) ? fail_run(s.trainer, a, from) : 0;
    cli_session_close(&s);
    return code;
}

/* How many texts a list of the last text has. */
static int count_classes(void)
{
    int count = 0;

    for (const char *v = cli_first(cli_field(kiln_text(), "classes")); v; v = cli_next(v)) count++;
    return count;
}

/* Weights of other classes lose their head (kiln_trainer_begin): that is said. */
static void tell_new_head(const weights *from, int data)
{
    int taught, here;

    if (kiln_checkpoint_info(from->bytes, from->size) < 0) return;
    taught = cli_field(kiln_text(), "classes") ? count_classes() : 0;
    if (!taught || kiln_data_info(data) < 0) return;
    here = count_classes();
    if (here != taught)
        cli_say("weights: of %d classes, and this data set has %d: the last layer begins anew\n",
                taught, here);
    else
        compare_classes(from->path, data, from->bytes, from->size,
                        "the last layer is kept, class by class in this order");
}

static int begin(cli_session *s, const cli_arguments *a)
{
    weights from = {a->value[CLI_INIT_FROM], NULL, 0};
    int code;

    if (from.path && !(from.bytes = cli_file_read(from.path, &from.size)))
        return CLI_BAD_CHECKPOINT;
    code = from.path ? import(&s->data, &from.bytes, &from.size, from.path, a) : CLI_OK;
    if (code == 0) code = rehearse(a, &from);
    if (code == 0) {
        if (!s->data) s->data = cli_data_open(a);
        s->trainer = s->data < 0 ? 0 : begin_run(s->data, a, &from);
        code = s->data < 0 ? -s->data : s->trainer < 0 ? fail_run(s->trainer, a, &from) : 0;
        if (code == 0 && from.path && !a->value[CLI_QUIET]) tell_new_head(&from, s->data);
    }
    free(from.bytes);
    return code;
}

static int open_session(cli_session *s, cli_arguments *a, reader *read)
{
    int code = cli_use_threads(a);

    *s = (cli_session){0, 0};
    if (code == 0) code = cli_apply_preset(a);
    if (code == 0) code = a->value[CLI_RESUME] ? resume(s, a, read) : begin(s, a);
    if (code) cli_session_close(s);
    return code;
}

int cli_session_open(cli_session *s, cli_arguments *a)
{
    return open_session(s, a, kiln_trainer_resume);
}

int cli_session_load(cli_session *s, cli_arguments *a)
{
    return open_session(s, a, kiln_trainer_load);
}

void cli_session_close(cli_session *s)
{
    if (s->trainer > 0) kiln_trainer_destroy(s->trainer);
    if (s->data > 0) kiln_data_destroy(s->data);
    *s = (cli_session){0, 0};
}

/* ---- whole splits ---------------------------------------------------------------------------- */

int cli_split_count(int data, int split)
{
    if (kiln_data_info(data) < 0) return cli_fail(KILN_E_STATE), -1;
    return (int)cli_field_number(kiln_text(), split_key[split], 0);
}

int cli_evaluate(const cli_session *s, int split, int views, double share, double *loss,
                 int *confusion)
{
    const int survey = kiln_survey_create(s->trainer, split, cli_split_count(s->data, split), views,
                                          share);
    int status;

    *loss = 0;
    if (survey < 0) return survey;
    status = kiln_survey_next(survey, 0);
    if (status >= 0) status = kiln_survey_result(survey, loss, confusion);
    kiln_survey_destroy(survey);
    return status;
}
