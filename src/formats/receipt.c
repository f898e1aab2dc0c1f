/*
 * Receipts; see receipt.h. The lines of a run and the receipt are read by one table of members: a
 * receipt has all of its own and no others, a line may have more.
 */
#include "formats/receipt.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"

#define VERSION 1
#define STEPS_MAX 1000000000000
#define EPOCHS_MAX 10000
#define LOSS_MAX 1e30

/* ---- values ---------------------------------------------------------------------------------- */

static int refuse(kiln_json_reader *r, const char *member, const char *what)
{
    if (!r->failed) r->failed = kiln_fail(r->status, "%s: \"%s\" %s", r->what, member, what);
    return r->failed;
}

/* Sixteen hexadecimal digits, or null. */
static void read_hash(kiln_json_reader *r, const char *member, char out[17])
{
    char text[40];

    out[0] = 0;
    if (kiln_json_peek(r) == 'n') {
        kiln_json_skip(r);
        return;
    }
    if (kiln_json_read_string(r, text, sizeof text) < 0) return;
    if (strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16)
        refuse(r, member, "is no hash of sixteen digits 0..9, a..f");
    else
        strcpy(out, text);
}

/* A number in a range, or null: NaN. */
static void read_number(kiln_json_reader *r, const char *member, double min, double max,
                        double *out)
{
    *out = NAN;
    if (kiln_json_peek(r) == 'n')
        kiln_json_skip(r);
    else if (kiln_json_read_number(r, out) >= 0 && !(*out >= min && *out <= max))
        refuse(r, member, "is out of its range");
}

/* The first control character, of ASCII or Latin-1, which a terminal might obey; NULL for none. */
static char *control_in(const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p < ' ' || *p == 127 || (*p == 0xc2 && p[1] < 0xa0)) return (char *)p;
    return NULL;
}

/* A receipt has no control characters; in the name of a run's data set they are lost. */
static void read_text(kiln_json_reader *r, const char *member, char *out, size_t size)
{
    out[0] = 0;
    if (kiln_json_peek(r) == 'n') {
        kiln_json_skip(r);
        return;
    }
    if (kiln_json_read_string(r, out, size) < 0) return;
    for (char *p; (p = control_in(out)) && !r->failed; *p = '?') {
        if (strcmp(r->what, "receipt") == 0) refuse(r, member, "has a control character");
        if ((unsigned char)*p == 0xc2) p[1] = '?';
    }
}

/* Small letters, digits and hyphens behind the first, or null. */
static void read_preset(kiln_json_reader *r, const char *member, char *out, size_t size)
{
    read_text(r, member, out, size);
    if (out[0] == '-' || out[strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        refuse(r, member, "is no name of a preset");
}

static void read_bool(kiln_json_reader *r, const char *member, int *out)
{
    const int kind = kiln_json_peek(r);

    *out = kind == 't';
    if (kind != 't' && kind != 'f') refuse(r, member, "is neither true nor false");
    kiln_json_skip(r);
}

/* As names and values of options are: nothing that JSON writes longer than it is. */
static int is_plain(const char *text)
{
    return !strpbrk(text, "\"\\") && !control_in(text);
}

/* {"lr":"0.01",..} as lines; each key once. */
static void read_options(kiln_json_reader *r, char *lines)
{
    char key[40], value[8448], line[44];
    size_t used = 0;

    lines[0] = 0;
    if (kiln_json_enter_object(r) < 0) return;
    while (kiln_json_next(r, key, sizeof key) == 1) {
        if (kiln_json_read_string(r, value, sizeof value) < 0) return;
        snprintf(line, sizeof line, "\n%s=", key);
        if (!*key || !is_plain(value) || !is_plain(key) || strpbrk(key, "= ")) {
            refuse(r, "options", "have a name or value that is none");
        } else if (strstr(lines, line) || strncmp(lines, line + 1, strlen(line + 1)) == 0) {
            refuse(r, key, "is there twice");
        } else if (used + strlen(key) + strlen(value) + 3 > KILN_RECEIPT_OPTIONS) {
            refuse(r, "options", "are too long");
        } else {
            used += (size_t)snprintf(lines + used, KILN_RECEIPT_OPTIONS - used, "%s=%s\n", key,
                                     value);
            continue;
        }
        return;
    }
}

/* ---- epochs ---------------------------------------------------------------------------------- */

/* Whether a row stays where not all can: in pairs, for of two epochs that follow each other the
 * second can be trained from the checkpoint of the first. */
static int stays(int64_t epoch, int every)
{
    return every == 1 || epoch % every == 0 || (epoch + 1) % every == 0;
}

/* Later ones than all before. Where there are too many, every second pair goes; the newest two stay
 * until the next. */
static void add_epoch(kiln_json_reader *r, kiln_receipt_run *run, const kiln_receipt_epoch *e)
{
    const kiln_receipt_epoch *last = run->epochs + run->epoch_count - 1;
    int kept = 0;

    if (r->failed) return;
    if (run->epoch_count && (e->epoch <= last->epoch || e->step <= last->step)) {
        refuse(r, "epochs", "are not in order");
        return;
    }
    if (run->epoch_count > 1 && !stays(last[-1].epoch, run->every)) {
        run->epochs[run->epoch_count - 2] = *last;
        run->epoch_count--;
    }
    if (run->epoch_count == KILN_RECEIPT_EPOCHS) {
        run->every *= run->every == 1 ? 4 : 2;
        for (int i = 0; i < run->epoch_count; i++)
            if (stays(run->epochs[i].epoch, run->every) || i == run->epoch_count - 1)
                run->epochs[kept++] = run->epochs[i];
        run->epoch_count = kept;
    }
    run->epochs[run->epoch_count++] = *e;
}

/* [epoch, step, trainLoss, trainAccuracy, valAccuracy, "hash"] */
static void read_row(kiln_json_reader *r, kiln_receipt_run *run)
{
    kiln_receipt_epoch e = {0};
    int members = 0;

    if (kiln_json_enter_array(r) < 0) return;
    while (kiln_json_next(r, NULL, 0) == 1) {
        switch (members++) {
        case 0: kiln_json_read_int(r, 1, EPOCHS_MAX, &e.epoch); break;
        case 1: kiln_json_read_int(r, 1, STEPS_MAX, &e.step); break;
        case 2: read_number(r, "trainLoss", -LOSS_MAX, LOSS_MAX, &e.train_loss); break;
        case 3: read_number(r, "trainAccuracy", 0, 1, &e.train_accuracy); break;
        case 4: read_number(r, "valAccuracy", 0, 1, &e.validation); break;
        case 5: read_hash(r, "epochs", e.hash); break;
        default: kiln_json_skip(r);
        }
    }
    if (members != 6 || !*e.hash) refuse(r, "epochs", "have a row without its six members");
    if (run->epoch_count == KILN_RECEIPT_EPOCHS) refuse(r, "epochs", "are too many");
    if (r->failed) return;
    run->every = 1; /* of a receipt nothing is left out */
    add_epoch(r, run, &e);
}

static void read_epochs(kiln_json_reader *r, kiln_receipt_run *run)
{
    if (kiln_json_enter_array(r) < 0) return;
    while (kiln_json_next(r, NULL, 0) == 1) read_row(r, run);
}

/* ---- members --------------------------------------------------------------------------------- */

enum { BEGIN = 1, EPOCH = 2, DONE = 4, RECEIPT = 8, NOT_CHECKED = 16 };
enum { M_OTHER, M_RECEIPT, M_VERSION, M_MODE, M_PRESET, M_DATA, M_DATA_HASH, M_OPTIONS, M_START,
       M_EPOCHS, M_BEST, M_END, M_VALIDATION, M_TEST, M_NOT_CHECKED, M_SECONDS, M_MACHINE };

/* Which member a key is where. */
static const struct {
    const char *key;
    int where, member;
} members[] = {
    {"receipt", RECEIPT, M_RECEIPT},
    {"kiln", RECEIPT, M_VERSION},
    {"version", BEGIN, M_VERSION},
    {"mode", BEGIN | RECEIPT, M_MODE},
    {"preset", RECEIPT, M_PRESET},
    {"data", BEGIN | RECEIPT, M_DATA},
    {"dataHash", BEGIN | RECEIPT, M_DATA_HASH},
    {"options", BEGIN | RECEIPT, M_OPTIONS},
    {"parameterHash", BEGIN, M_START},
    {"start", RECEIPT, M_START},
    {"epochs", RECEIPT, M_EPOCHS},
    {"best", DONE | RECEIPT, M_BEST},
    {"parameterHash", DONE, M_END},
    {"end", RECEIPT, M_END},
    {"valAccuracy", DONE | RECEIPT, M_VALIDATION},
    {"testAccuracy", DONE | RECEIPT, M_TEST},
    {"notChecked", RECEIPT, M_NOT_CHECKED},
    {"seconds", DONE | NOT_CHECKED, M_SECONDS},
    {"machine", DONE | NOT_CHECKED, M_MACHINE},
};

static int member_of(const char *key, int where)
{
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        if (members[i].where & where && strcmp(members[i].key, key) == 0) return members[i].member;
    return M_OTHER;
}

static void read_object(kiln_json_reader *r, kiln_receipt_run *run, int where, unsigned *seen);

static void read_member(kiln_json_reader *r, kiln_receipt_run *run, int member, const char *key,
                        unsigned *seen)
{
    int64_t version;

    switch (member) {
    case M_RECEIPT:
        if (kiln_json_read_int(r, 1, 1000000, &version) >= 0 && version != VERSION)
            refuse(r, key, "is of a later version, which this kiln does not know");
        break;
    case M_VERSION: read_text(r, key, run->version, sizeof run->version); break;
    case M_MODE:
        read_text(r, key, run->mode, sizeof run->mode);
        if (strcmp(run->mode, "strict") != 0 && strcmp(run->mode, "fused") != 0)
            refuse(r, key, "is neither strict nor fused");
        break;
    case M_PRESET: read_preset(r, key, run->preset, sizeof run->preset); break;
    case M_DATA: read_text(r, key, run->data, sizeof run->data); break;
    case M_DATA_HASH: read_hash(r, key, run->data_hash); break;
    case M_OPTIONS: read_options(r, run->options); break;
    case M_START: read_hash(r, key, run->start); break;
    case M_EPOCHS: read_epochs(r, run); break;
    case M_BEST: read_bool(r, key, &run->best); break;
    case M_END: read_hash(r, key, run->end); break;
    case M_VALIDATION: read_number(r, key, 0, 1, &run->validation); break;
    case M_TEST: read_number(r, key, 0, 1, &run->test); break;
    case M_NOT_CHECKED: read_object(r, run, NOT_CHECKED, seen); break;
    case M_SECONDS: read_number(r, key, 0, 1e12, &run->seconds); break;
    case M_MACHINE: read_text(r, key, run->machine, sizeof run->machine); break;
    default: kiln_json_skip(r);
    }
}

/* The members of an object that is entered. A receipt has no others, and each once. */
static void read_object(kiln_json_reader *r, kiln_receipt_run *run, int where, unsigned *seen)
{
    const int strict = where & (RECEIPT | NOT_CHECKED);
    char key[64];

    if (strict && kiln_json_enter_object(r) < 0) return;
    while (kiln_json_next(r, key, sizeof key) == 1) {
        const int member = member_of(key, where);

        if (strict && member == M_OTHER) refuse(r, key, "is no member of a receipt");
        if (member != M_OTHER && *seen & 1u << member) refuse(r, key, "is there twice");
        if (r->failed) return;
        *seen |= 1u << member;
        read_member(r, run, member, key, seen);
    }
}

static void begin(kiln_receipt_run *run)
{
    memset(run, 0, sizeof *run);
    run->every = 1;
    run->validation = run->test = run->seconds = NAN;
}

/* What no receipt can be without. */
static int check(kiln_json_reader *r, const kiln_receipt_run *run)
{
    if (r->failed) return r->failed;
    if (!*run->mode) return refuse(r, "mode", "is missing");
    if (!*run->data_hash) return refuse(r, "dataHash", "is missing");
    if (!*run->options) return refuse(r, "options", "are missing");
    if (!run->epoch_count) return refuse(r, "epochs", "are missing: the run has none");
    if (!*run->end) return refuse(r, "end", "is missing: the run has none");
    return KILN_OK;
}

/* ---- the three functions --------------------------------------------------------------------- */

int kiln_receipt_parse(kiln_receipt_run *run, const char *text, size_t size)
{
    static const unsigned all = (1u << (M_MACHINE + 1)) - 1 - (1u << M_OTHER);
    kiln_json_reader r;
    unsigned seen = 0;

    begin(run);
    if (size > KILN_RECEIPT_BYTES)
        return kiln_fail(KILN_E_DATA, "receipt: %zu bytes, and none has more than %d", size,
                         KILN_RECEIPT_BYTES);
    kiln_json_read(&r, text, size, "receipt", KILN_E_DATA);
    read_object(&r, run, RECEIPT, &seen);
    kiln_json_read_end(&r);
    if (!r.failed && (seen & all) != all) {
        for (size_t i = 0; i < sizeof members / sizeof *members && !r.failed; i++)
            if (members[i].where & (RECEIPT | NOT_CHECKED) && !(seen & 1u << members[i].member))
                refuse(&r, members[i].key, "is missing");
    }
    return check(&r, run);
}

/* An epoch's line. */
static void read_epoch(kiln_json_reader *r, kiln_receipt_run *run)
{
    kiln_receipt_epoch e = {0, 0, NAN, NAN, NAN, ""};
    char key[64];

    while (kiln_json_next(r, key, sizeof key) == 1) {
        if (!strcmp(key, "epoch")) kiln_json_read_int(r, 1, EPOCHS_MAX, &e.epoch);
        else if (!strcmp(key, "step")) kiln_json_read_int(r, 1, STEPS_MAX, &e.step);
        else if (!strcmp(key, "trainLoss")) read_number(r, key, -LOSS_MAX, LOSS_MAX, &e.train_loss);
        else if (!strcmp(key, "trainAccuracy")) read_number(r, key, 0, 1, &e.train_accuracy);
        else if (!strcmp(key, "valAccuracy")) read_number(r, key, 0, 1, &e.validation);
        else if (!strcmp(key, "parameterHash")) read_hash(r, key, e.hash);
        else kiln_json_skip(r);
    }
    if (e.epoch < 1 || e.step < 1) refuse(r, "epoch", "has no number, or no step");
    if (*e.hash) add_epoch(r, run, &e); /* others are of a run before this one, which saw none */
}

int kiln_receipt_of_lines(kiln_receipt_run *run, const char *text, size_t size)
{
    const char *end = text + size;
    kiln_json_reader r = {.status = KILN_E_DATA, .what = "run"};

    begin(run);
    while (text < end && !r.failed) {
        const char *stop = memchr(text, '\n', (size_t)(end - text));
        const size_t length = (size_t)((stop ? stop : end) - text);
        char key[64], event[32] = "";
        unsigned seen = 0;
        int where;

        kiln_json_read(&r, text, length, "run", KILN_E_DATA);
        kiln_json_enter_object(&r);
        if (kiln_json_next(&r, key, sizeof key) == 1 && !strcmp(key, "event"))
            kiln_json_read_string(&r, event, sizeof event);
        else
            refuse(&r, "event", "is not what a line begins with");
        where = !strcmp(event, "begin") ? BEGIN : !strcmp(event, "done") ? DONE : 0;
        if (!strcmp(event, "epoch"))
            read_epoch(&r, run);
        else
            read_object(&r, run, where, &seen);
        kiln_json_read_end(&r);
        text += length + 1;
    }
    KILN_TRY(check(&r, run));
    snprintf(run->preset, sizeof run->preset, "%s", kiln_receipt_preset(run));
    return KILN_OK;
}

static void put_text(kiln_json *j, const char *key, const char *text)
{
    if (*text) kiln_json_string(j, key, text);
    else kiln_json_null(j, key);
}

void kiln_receipt_json(const kiln_receipt_run *run, kiln_json *j)
{
    kiln_json_object(j, NULL);
    kiln_json_int(j, "receipt", VERSION);
    put_text(j, "kiln", run->version);
    kiln_json_string(j, "mode", run->mode);
    put_text(j, "preset", run->preset);
    put_text(j, "data", run->data);
    kiln_json_string(j, "dataHash", run->data_hash);
    kiln_json_object(j, "options");
    for (const char *line = run->options; *line; line = strchr(line, '\n') + 1) {
        char key[40], value[8448];
        const int length = (int)strcspn(line, "=");

        snprintf(key, sizeof key, "%.*s", length, line);
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\n") - length - 1,
                 line + length + 1);
        kiln_json_string(j, key, value);
    }
    kiln_json_close(j);
    put_text(j, "start", run->start);
    kiln_json_array(j, "epochs");
    for (const kiln_receipt_epoch *e = run->epochs; e < run->epochs + run->epoch_count; e++) {
        kiln_json_array(j, NULL);
        kiln_json_int(j, NULL, e->epoch);
        kiln_json_int(j, NULL, e->step);
        kiln_json_float(j, NULL, (float)e->train_loss);
        kiln_json_float(j, NULL, (float)e->train_accuracy);
        kiln_json_float(j, NULL, (float)e->validation);
        kiln_json_string(j, NULL, e->hash);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    kiln_json_bool(j, "best", run->best);
    kiln_json_string(j, "end", run->end);
    kiln_json_number(j, "valAccuracy", run->validation);
    kiln_json_number(j, "testAccuracy", run->test);
    kiln_json_object(j, "notChecked");
    kiln_json_number(j, "seconds", run->seconds);
    put_text(j, "machine", run->machine);
    kiln_json_close(j);
    kiln_json_close(j);
}
