/*
 * kiln verify: trains what a receipt claims again, and compares: the first parameters, those after
 * each epoch with the epoch's numbers, those at the end, and the accuracies. It stops at the first
 * difference. Of many receipts a bad one is a row with the reason, and stops no other. What differs
 * is "no"; what could not be checked (another mode, no data, no receipt) is "unchecked".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln_formats.h"
#include "run_receipt.h"
#include "say.h"

#define TEXT_MAX 32768
#define RECEIPT_MAX 32000 /* bytes of a file; the library says what is one */
#define METRICS 2048
#define HASH 24

typedef struct {
    const char *path;
    char text[TEXT_MAX]; /* the receipt, as the library read it */
    cli_arguments run;   /* its options, and its data */
    cli_session session;
    int quiet, spot;     /* spot < 0: the whole run */
    int checked;         /* epochs that agree */
    int refuted;         /* the claim is not true, or contradicts itself */
    int images;          /* test images the accuracy is of; -1: not known */
} verification;

/* ---- the receipt ----------------------------------------------------------------------------- */

static int read_receipt(verification *v)
{
    int size = 0, status;
    uint8_t *bytes = cli_file_read_small(v->path, RECEIPT_MAX, &size);

    if (!bytes) return CLI_FAILED;
    status = kiln_receipt_read(bytes, size);
    free(bytes);
    if (status >= 0 || status == KILN_E_ARG) snprintf(v->text, sizeof v->text, "%s", kiln_text());
    v->refuted = status == KILN_E_ARG;
    return status < 0 ? cli_fail_in(v->path, status) : 0;
}

/* Its options as arguments. */
static int read_run(verification *v)
{
    const char *options = cli_field(v->text, "options"), *value;
    char key[40], mode[16];
    static char text[8448];

    memset(&v->run, 0, sizeof v->run);
    for (const char *p = NULL; (p = cli_member(options, p, key, sizeof key, &value));)
        if (cli_arguments_add(&v->run, key, cli_text(text, sizeof text, value)))
            return CLI_BAD_DATA;
    cli_field_text(mode, sizeof mode, v->text, "mode");
    if (strcmp(mode, kiln_mode()) != 0) {
        cli_say("kiln: %s: was trained in the %s mode; verify it with --mode %s\n", v->path, mode,
                mode);
        return CLI_USAGE;
    }
    return 0;
}

/* Opens the built-in set (NULL), or that of --data, in place of what is open; its hash. */
static int try_data(verification *v, const char *from, char hash[HASH])
{
    if (v->session.data > 0) kiln_data_destroy(v->session.data);
    v->run.value[CLI_DATA] = from;
    v->session.data = cli_data_open(&v->run);
    if (v->session.data < 0) return -v->session.data;
    if (kiln_data_info(v->session.data) < 0) return cli_fail(KILN_E_STATE);
    cli_field_text(hash, HASH, kiln_text(), "hash");
    return 0;
}

/* The data set by its hash: a set that was saved and read again may have the name of the built-in
 * one and other images. */
static int open_data(verification *v, const char *given)
{
    char name[256], wanted[HASH], hash[HASH] = "";
    int builtin, code = 0;

    cli_field_text(name, sizeof name, v->text, "data");
    cli_field_text(wanted, sizeof wanted, v->text, "dataHash");
    builtin = strcmp(name, "builtin") == 0;
    if (!builtin && !given) {
        cli_say("kiln: %s: was trained on %s; say where that is with --data\n", v->path,
                *name ? name : "a data set that it does not name");
        return CLI_USAGE;
    }
    if (builtin) code = try_data(v, NULL, hash);
    if (code == 0 && given && strcmp(hash, wanted) != 0) code = try_data(v, given, hash);
    if (code || strcmp(hash, wanted) == 0) return code;
    cli_say("kiln: %s: was trained on other data: their hash is %s, not %s%s\n", v->path, wanted,
            hash, given ? "" : "; say where they are with --data");
    return CLI_BAD_DATA;
}

/* A perfect score of one image is not one of ten thousand, so a verdict says of how many it is. */
static int count_images(verification *v)
{
    char text[40];
    int wanted;

    cli_field_raw(text, sizeof text, v->text, "testAccuracy");
    if (v->spot >= 0 || *text == 'n') return 0;
    if (kiln_data_info(v->session.data) < 0) return cli_fail(KILN_E_STATE);
    v->images = (int)cli_field_number(kiln_text(), "test", 0);
    wanted = cli_given(&v->run, "test", text, sizeof text) ? atoi(text) : -1;
    if (wanted >= 0 && wanted < v->images) v->images = wanted;
    return 0;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int differs(verification *v, const char *when, const char *what, const char *claimed,
                   const char *found)
{
    v->refuted = 1;
    cli_say("kiln: %s: %s: the %s %s claimed, %s found\n", v->path, when, what, claimed, found);
    return CLI_FAILED;
}

static int compare_hash(verification *v, const char *when, const char *claimed)
{
    const int status = kiln_net_hash(kiln_trainer_net(v->session.trainer));

    if (status < 0) return cli_fail(status);
    return strcmp(claimed, kiln_text()) ? differs(v, when, "parameters are", claimed, kiln_text())
                                        : 0;
}

/* Two numbers of JSON, the claim as it stands there, to the rounding of a float. */
static int compare_number(verification *v, const char *when, const char *what,
                          const char *claimed, const char *found)
{
    const int none = *claimed == 'n' || *found == 'n';
    char words[2][40];

    if (none ? *claimed == *found : (float)cli_number(claimed) == (float)cli_number(found))
        return 0;
    snprintf(words[0], sizeof words[0], "%.*s", (int)(cli_after(claimed) - claimed), claimed);
    snprintf(words[1], sizeof words[1], "%.*s", (int)(cli_after(found) - found), found);
    return differs(v, when, what, words[0], words[1]);
}

/* The last of a list's members; NULL where it has none. */
static const char *last_of(const char *list)
{
    const char *last = NULL;

    for (const char *member = cli_first(list); member; member = cli_next(member)) last = member;
    return last;
}

/* The row of an epoch: [epoch, step, trainLoss, trainAccuracy, valAccuracy, hash]; NULL where the
 * receipt has none. */
static const char *find_epoch(const verification *v, int epoch)
{
    for (const char *row = cli_first(cli_field(v->text, "epochs")); row; row = cli_next(row))
        if ((int)cli_number(cli_first(row)) == epoch) return row;
    return NULL;
}

static int last_epoch(const verification *v)
{
    const char *last = last_of(cli_field(v->text, "epochs"));

    return last ? (int)cli_number(cli_first(last)) : 0;
}

/* After an epoch, the last one if `over`. What the receipt leaves out agrees; but nothing comes
 * behind its last row, or a run would be trained for as long as its options say. */
static int compare_epoch(verification *v, int over)
{
    const int last = last_epoch(v);
    static const char *const names[] = {"step", "trainLoss", "trainAccuracy", "valAccuracy"};
    static const char *const words[] = {"step is", "training loss is", "training accuracy is",
                                        "validation accuracy is"};
    char metrics[METRICS], when[32], hash[HASH];
    const char *value;
    int epoch, code;

    if (kiln_trainer_metrics(v->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    snprintf(metrics, sizeof metrics, "%s", kiln_text());
    epoch = (int)cli_field_number(metrics, "epoch", 0);
    snprintf(when, sizeof when, "epoch %d", epoch);
    if (last && epoch >= last && !over)
        return differs(v, when, "run is", "over", "not over");
    if (!(value = find_epoch(v, epoch))) return 0;
    if ((code = compare_hash(v, when, cli_text(hash, sizeof hash, last_of(value))))) return code;
    value = cli_first(value);
    for (int i = 0; i < 4; i++) {
        value = cli_next(value);
        if ((code = compare_number(v, when, words[i], value, cli_field(metrics, names[i]))))
            return code;
    }
    v->checked++;
    if (!v->quiet) fprintf(stderr, "%s: epoch %d agrees\n", v->path, epoch);
    return 0;
}

static int compare_end(verification *v)
{
    static const char *const names[] = {"valAccuracy", "testAccuracy"};
    static const char *const words[] = {"validation accuracy is", "test accuracy is"};
    char hash[HASH], best[8], found[KILN_DIGITS];
    double accuracy[2];
    int code;

    if (kiln_trainer_metrics(v->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    if (last_epoch(v) > (int)cli_field_number(kiln_text(), "epoch", 0))
        return differs(v, "the end", "epochs are", "more", "fewer");
    cli_field_raw(best, sizeof best, v->text, "best");
    if (strcmp(best, "true") == 0 && (code = kiln_trainer_restore_best(v->session.trainer)) < 0)
        return cli_fail(code);
    cli_field_text(hash, sizeof hash, v->text, "end");
    if ((code = compare_hash(v, "the end", hash))) return code;
    code = cli_run_accuracies(&v->session, strcmp(best, "true") == 0, &accuracy[0], &accuracy[1]);
    for (int i = 0; i < 2 && code == 0; i++) {
        if (accuracy[i] == accuracy[i])
            kiln_digits(found, accuracy[i]);
        else
            strcpy(found, "null");
        code = compare_number(v, "the end", words[i], cli_field(v->text, names[i]), found);
    }
    return code;
}

/* ---- the run --------------------------------------------------------------------------------- */

/* Epochs to the end, or one alone. */
static int train(verification *v)
{
    for (int flags = 0; !(flags & KILN_DONE);) {
        int code;

        flags = kiln_trainer_step(v->session.trainer);
        v->refuted = flags == KILN_E_DIVERGED;
        if (flags < 0) return cli_fail_in(v->path, flags);
        if (!(flags & KILN_EPOCH)) continue;
        if ((code = compare_epoch(v, flags & KILN_DONE))) return code;
        if (v->spot >= 0) return 0;
    }
    return compare_end(v);
}

static int begin(verification *v)
{
    char hash[HASH];
    int status = kiln_trainer_create(v->session.data, v->run.text);

    if (status < 0) return cli_fail_in(v->path, status);
    v->session.trainer = status;
    cli_field_text(hash, sizeof hash, v->text, "start");
    return *hash ? compare_hash(v, "the start", hash) : 0;
}

/* The checkpoint of an epoch: it has the receipt's options and hash, so what it holds of the update
 * rule is what one epoch more will tell. */
static int begin_spot(verification *v)
{
    const char *row = find_epoch(v, v->spot), *value;
    char path[4200], when[48], key[40], hash[HASH];
    int size = 0, status;
    uint8_t *bytes;

    if (!row || !find_epoch(v, v->spot + 1)) {
        cli_say("kiln: %s: --spot %d wants epochs %d and %d of the receipt; its last is %d\n",
                v->path, v->spot, v->spot, v->spot + 1, last_epoch(v));
        return CLI_USAGE;
    }
    cli_spot_path(path, sizeof path, v->path, v->spot);
    if (!(bytes = cli_file_read(path, &size))) {
        cli_say("kiln: it is one that kiln train --receipt leaves with --spots\n");
        return CLI_BAD_CHECKPOINT;
    }
    status = kiln_trainer_resume(v->session.data, bytes, size, NULL);
    free(bytes);
    if (status < 0) return cli_fail_in(path, status);
    v->session.trainer = status;
    if ((status = kiln_trainer_options(v->session.trainer)) < 0) return cli_fail(status);
    for (const char *p = NULL; (p = cli_member(kiln_text(), p, key, sizeof key, &value));) {
        static char ours[8448], claimed[8448];

        if (strcmp(key, "memory") == 0) continue; /* of this reading, not of the run */
        cli_text(ours, sizeof ours, value);
        if (!cli_given(&v->run, key, claimed, sizeof claimed) || strcmp(ours, claimed) != 0) {
            cli_say("kiln: %s: its option %s is not the receipt's\n", path, key);
            v->refuted = 1;
            return CLI_BAD_CHECKPOINT;
        }
    }
    snprintf(when, sizeof when, "the checkpoint of epoch %d", v->spot);
    return compare_hash(v, when, cli_text(hash, sizeof hash, last_of(row)));
}

/* ---- the command ----------------------------------------------------------------------------- */

static int verify(verification *v, const cli_arguments *a)
{
    int code = read_receipt(v);

    if (code == 0) code = read_run(v);
    if (code == 0) code = open_data(v, a->value[CLI_DATA]);
    if (code == 0) code = count_images(v);
    if (code == 0) code = v->spot > 0 ? begin_spot(v) : begin(v);
    if (code == 0) code = train(v);
    if (code == 0 && v->spot >= 0 && v->checked != 1) {
        cli_say("kiln: %s: the receipt has no epoch %d\n", v->path, v->spot + 1);
        code = CLI_USAGE;
    }
    cli_session_close(&v->session);
    return code;
}

/* What the receipt claims, as far as it was read: "" for what it leaves open. */
typedef struct {
    char path[4200], preset[40], accuracy[40], data[200];
    const char *verified; /* "yes", "no", "unchecked" */
    const char *reason;
} verdict;

/* One epoch says nothing of the accuracy at the end, which is no claim then. */
static verdict judge(const verification *v, int code)
{
    static char alone[100];
    verdict d = {.verified = code == 0 ? "yes" : v->refuted ? "no" : "unchecked",
                 .reason = code ? cli_said() : ""};

    snprintf(d.path, sizeof d.path, "%s", v->path);
    cli_clean(d.path);
    if (*v->text) cli_field_text(d.preset, sizeof d.preset, v->text, "preset");
    if (*v->text) cli_field_text(d.data, sizeof d.data, v->text, "data");
    if (*v->text && (v->spot < 0 || code))
        cli_field_raw(d.accuracy, sizeof d.accuracy, v->text, "testAccuracy");
    if (*d.accuracy == 'n') d.accuracy[0] = 0;
    if (code || v->spot < 0) return d;
    snprintf(alone, sizeof alone, "epoch %d alone was checked, and no accuracy of the end",
             v->spot + 1);
    d.reason = alone;
    return d;
}

static void print_json(const verification *v, const verdict *d)
{
    kiln_json *j = cli_event("verified");

    kiln_json_string(j, "file", d->path);
    if (*d->preset)
        kiln_json_string(j, "preset", d->preset);
    else
        kiln_json_null(j, "preset");
    kiln_json_raw(j, "claimed", *d->accuracy ? d->accuracy : "null");
    if (*d->verified == 'u')
        kiln_json_null(j, "verified");
    else
        kiln_json_bool(j, "verified", *d->verified == 'y');
    kiln_json_int(j, "epochs", v->checked);
    if (*d->reason) kiln_json_string(j, "reason", d->reason);
    if (*d->data) kiln_json_string(j, "data", d->data);
    if (v->images >= 0) kiln_json_int(j, "images", v->images);
    cli_event_end(j);
}

static void print_csv(const verification *v, const verdict *d)
{
    cli_csv_field(d->path);
    printf(",%s,%s,%s,", d->preset, d->accuracy, d->verified);
    cli_csv_field(d->reason);
    putchar(',');
    cli_csv_field(d->data);
    putchar(',');
    if (v->images >= 0) printf("%d", v->images);
    putchar('\n');
}

static void print_text(const verification *v, const verdict *d)
{
    char path[4096];

    snprintf(path, sizeof path, "%s", v->path);
    cli_printable(path);
    if (v->spot >= 0) {
        printf("%s: agrees; %s\n", path, d->reason);
        return;
    }
    printf("%s: verified, %d %s", path, v->checked, v->checked == 1 ? "epoch" : "epochs");
    if (*d->accuracy) printf("; %s of %d test images of %s", d->accuracy, v->images, d->data);
    putchar('\n');
}

/* A name that a spreadsheet would read as a formula gets its folder. */
static void set_path(verification *v, const char *path)
{
    static char with_folder[4200];

    v->path = path;
    if (!*path || !strchr("=+-@\t\r", *path) || strcmp(path, "-") == 0) return;
    snprintf(with_folder, sizeof with_folder, "./%s", path);
    v->path = with_folder;
}

int cli_verify(cli_arguments *a)
{
    static verification v;
    int spot = -1, bad = 0, code;
    verdict d;

    if (a->bare_count == 0) {
        cli_say("kiln verify: which receipts? kiln verify run.json, after kiln train --receipt "
                "run.json\n");
        return CLI_USAGE;
    }
    if ((code = cli_own_int(a, CLI_SPOT, 0, 10000, &spot)) || (code = cli_use_threads(a)))
        return code;
    if (a->value[CLI_VERDICTS] && !a->value[CLI_JSON])
        printf("file,preset,claimed,verified,reason,data,images\n");
    for (int i = 0; i < a->bare_count; i++) {
        memset(&v, 0, sizeof v);
        set_path(&v, a->bare[i]);
        v.quiet = a->value[CLI_QUIET] != NULL;
        v.spot = spot;
        v.images = -1;
        cli_forget();
        code = verify(&v, a);
        bad += code != 0;
        d = judge(&v, code);
        if (a->value[CLI_JSON])
            print_json(&v, &d);
        else if (a->value[CLI_VERDICTS])
            print_csv(&v, &d);
        else if (code == 0)
            print_text(&v, &d);
        fflush(stdout);
    }
    return bad == 0 ? 0 : a->bare_count == 1 ? code : CLI_FAILED;
}
