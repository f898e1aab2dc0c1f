/* Reading the log of a run; see report.h. Lines of events that are not known here are skipped, so
 * that logs of later versions can be read. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "files.h"
#include "report.h"
#include "run_log.h"

#define LARGEST_LOG (64 << 20)
#define EPOCHS_MAX 10000 /* of a run */
#define VALUE_MAX 8448   /* a notation */

static const double unknown = NAN;

/* ---- members --------------------------------------------------------------------------------- */

/* A number, or null; what is no number is refused. */
static void read_number(kiln_json_reader *r, double *out)
{
    if (kiln_json_peek(r) == 'n')
        kiln_json_skip(r);
    else
        kiln_json_read_number(r, out);
}

static void read_whole(kiln_json_reader *r, int64_t most, int *out)
{
    int64_t value = 0;

    if (kiln_json_peek(r) == 'n')
        kiln_json_skip(r);
    else if (kiln_json_read_int(r, 0, most, &value) == 0)
        *out = (int)value;
}

/* Text is told on one line, and sends no commands to the terminal that shows it. */
static void blank_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f) *text = ' ';
}

static void read_text(kiln_json_reader *r, char *out, size_t size)
{
    if (kiln_json_peek(r) == 'n')
        kiln_json_skip(r);
    else if (kiln_json_read_string(r, out, size) >= 0)
        blank_controls(out);
}

static int fail_reader(kiln_json_reader *r, const char *what)
{
    if (!r->failed) r->failed = kiln_fail(r->status, "%s: %s", r->what, what);
    return r->failed;
}

/* Appends to a text of REPORT_OPTION_TEXT bytes. */
static void append(kiln_json_reader *r, char **text, const char *a, const char *b, const char *c)
{
    size_t used;

    if (r->failed) return;
    if (!*text && !(*text = calloc(1, REPORT_OPTION_TEXT))) {
        fail_reader(r, "there is no memory for it");
        return;
    }
    used = strlen(*text);
    if (used + strlen(a) + strlen(b) + strlen(c) >= REPORT_OPTION_TEXT) {
        fail_reader(r, "its options are too long");
        return;
    }
    strcpy(*text + used, a);
    strcat(*text + used, b);
    strcat(*text + used, c);
}

/* {"lr":"0.01",..} as lines. */
static void read_options(kiln_json_reader *r, report_run *run)
{
    char key[40], value[VALUE_MAX];

    if (run->options) run->options[0] = 0;
    if (kiln_json_enter_object(r) < 0) return;
    while (kiln_json_next(r, key, sizeof key) == 1) {
        if (kiln_json_read_string(r, value, sizeof value) < 0) return;
        if (strpbrk(value, "\n\r") || strpbrk(key, "=\n\r")) {
            fail_reader(r, "an option of more than one line");
            return;
        }
        blank_controls(key);
        blank_controls(value);
        append(r, &run->options, key, "=", value);
        append(r, &run->options, "\n", "", "");
    }
}

/* ["train","--lr","0.1"] as the words of one line. */
static void read_command(kiln_json_reader *r, report_run *run)
{
    char word[VALUE_MAX];

    if (run->command) run->command[0] = 0;
    if (kiln_json_enter_array(r) < 0) return;
    while (kiln_json_next(r, NULL, 0) == 1) {
        const char *quote;

        if (kiln_json_read_string(r, word, sizeof word) < 0) return;
        blank_controls(word);
        quote = *word && !strpbrk(word, " \"'|()[]&;$<>*?") ? "" : strchr(word, '\'') ? "\"" : "'";
        append(r, &run->command, run->command && *run->command ? " " : "", quote, word);
        append(r, &run->command, quote, "", "");
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static void add_epoch(kiln_json_reader *r, report_run *run, const report_epoch *epoch)
{
    if (r->failed) return;
    if (epoch->epoch < 1) {
        fail_reader(r, "an epoch without a number");
        return;
    }
    /* a run that went back to an earlier state trains some epochs again */
    while (run->epoch_count > 0 && run->epochs[run->epoch_count - 1].epoch >= epoch->epoch)
        run->epoch_count--;
    if (run->epoch_count == run->epoch_capacity) {
        const int capacity = run->epoch_capacity ? 2 * run->epoch_capacity : 64;
        report_epoch *larger = realloc(run->epochs, (size_t)capacity * sizeof *larger);

        if (!larger) {
            fail_reader(r, "there is no memory for it");
            return;
        }
        run->epochs = larger;
        run->epoch_capacity = capacity;
    }
    run->epochs[run->epoch_count++] = *epoch;
}

/* What any event may tell of a run, and what of an epoch. */
static void read_members(kiln_json_reader *r, report_run *run, report_epoch *epoch)
{
    char key[64], net[VALUE_MAX] = "";

    while (kiln_json_next(r, key, sizeof key) == 1) {
        if (!strcmp(key, "options")) read_options(r, run);
        else if (!strcmp(key, "command")) read_command(r, run);
        else if (!strcmp(key, "version")) read_text(r, run->version, sizeof run->version);
        else if (!strcmp(key, "mode")) read_text(r, run->mode, sizeof run->mode);
        else if (!strcmp(key, "data")) read_text(r, run->data, sizeof run->data);
        else if (!strcmp(key, "parameterHash")) read_text(r, run->hash, sizeof run->hash);
        else if (!strcmp(key, "reason")) read_text(r, run->reason, sizeof run->reason);
        else if (!strcmp(key, "exit")) read_whole(r, 255, &run->exit);
        else if (!strcmp(key, "step")) read_number(r, &run->steps);
        else if (!strcmp(key, "seconds")) read_number(r, &run->seconds);
        else if (!strcmp(key, "testAccuracy")) read_number(r, &run->test);
        else if (!strcmp(key, "valAccuracy")) read_number(r, &epoch->validation);
        else if (!strcmp(key, "trainLoss")) read_number(r, &epoch->train_loss);
        else if (!strcmp(key, "trainAccuracy")) read_number(r, &epoch->train_accuracy);
        else if (!strcmp(key, "epoch")) read_whole(r, EPOCHS_MAX, &epoch->epoch);
        else if (!strcmp(key, "net") && !run->options) {
            read_text(r, net, sizeof net);
            if (*net) append(r, &run->options, "net=", net, "\n");
        } else kiln_json_skip(r);
    }
}

static int in_share(double x)
{
    return x != x || (x >= 0 && x <= 1);
}

/* One line: its event, which comes first, and what it tells. */
static int read_event(report_run *run, const char *line, size_t length, const char *what)
{
    report_epoch epoch = {0, unknown, unknown, unknown};
    kiln_json_reader r;
    char key[64], event[32] = "";

    kiln_json_read(&r, line, length, what, KILN_E_DATA);
    kiln_json_enter_object(&r);
    if (kiln_json_next(&r, key, sizeof key) == 1 && strcmp(key, "event") == 0)
        kiln_json_read_string(&r, event, sizeof event);
    else
        fail_reader(&r, "is no line of kiln train --log or --json");
    if (strcmp(event, "step") == 0) { /* of which there are thousands */
        run->is_log |= !r.failed;
        return r.failed;
    }
    read_members(&r, run, &epoch);
    kiln_json_read_end(&r);
    if (!in_share(epoch.validation) || !in_share(run->test))
        fail_reader(&r, "an accuracy lies outside of 0..1");
    if (strcmp(event, "epoch") == 0) add_epoch(&r, run, &epoch);
    if (r.failed) return r.failed;
    run->is_log = 1;
    if (strcmp(event, "run") == 0) { /* a new one begins in the same file */
        run->state = REPORT_OPEN;
        run->epoch_count = 0;
        run->reason[0] = 0;
    }
    if (strcmp(event, "done") == 0) {
        run->state = REPORT_DONE;
        run->validation = epoch.validation;
    } else if (strcmp(event, "failed") == 0) {
        run->state = REPORT_FAILED;
    }
    return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void fail_run(report_run *run, const char *reason)
{
    run->state = REPORT_FAILED;
    snprintf(run->reason, sizeof run->reason, "%s", reason);
}

static void begin(report_run *run, const char *path)
{
    *run = (report_run){.path = path, .state = REPORT_OPEN, .validation = unknown,
                        .test = unknown, .seconds = unknown, .steps = unknown};
}

void report_read_text(report_run *run, const char *path, const char *text, size_t size)
{
    const char *end = text + size;
    char what[40];

    begin(run, path);
    for (int number = 1; text < end; number++) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));

        if (!stop) break; /* cut off while it was written */
        snprintf(what, sizeof what, "line %d", number);
        if (read_event(run, text, (size_t)(stop - text), what) < 0) {
            fail_run(run, kiln_error());
            return;
        }
        text = stop + 1;
    }
    if (run->state == REPORT_OPEN)
        snprintf(run->reason, sizeof run->reason,
                 size ? "has no end: it is still running, or was killed" : "is empty");
    if (size == 0) run->state = REPORT_FAILED;
}

void report_read(report_run *run, const char *path)
{
    uint8_t *bytes;
    struct stat about;
    int size = 0;

    begin(run, path);
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode) && about.st_size > LARGEST_LOG) {
        fail_run(run, "is larger than 64 MB, and no log");
        return;
    }
    if (!(bytes = cli_file_read(path, &size))) {
        fail_run(run, "cannot be read");
        return;
    }
    report_read_text(run, path, (const char *)bytes, (size_t)size);
    free(bytes);
}

void report_free(report_run *run)
{
    free(run->options);
    free(run->command);
    free(run->epochs);
    *run = (report_run){0};
}

const char *report_option(const report_run *run, const char *key, char *value, int size)
{
    const size_t length = strlen(key);

    for (const char *line = run->options; line && *line; line = strchr(line, '\n') + 1) {
        if (strncmp(line, key, length) != 0 || line[length] != '=') continue;
        snprintf(value, (size_t)size, "%.*s", (int)strcspn(line + length + 1, "\n"),
                 line + length + 1);
        return value;
    }
    return NULL;
}
