/*
 * kiln verify: trains what a receipt claims again, and compares: the first parameters, those after
 * each epoch with the epoch's numbers, those at the end, and the accuracies. It stops at the first
 * difference. Of many receipts a bad one is a row with the reason, and stops no other.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digits.h"
#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln_formats.h"
#include "run_receipt.h"
#include "say.h"

#define TEXT_MAX 32768
#define METRICS 2048
#define HASH 24

typedef struct {
    const char *path;
    char text[TEXT_MAX]; /* the receipt, as the library read it */
    cli_arguments run;   /* its options, and its data */
    cli_session session;
    int quiet, spot;     /* spot < 0: the whole run */
    int checked;         /* epochs that agree */
} verification;

/* ---- the receipt ----------------------------------------------------------------------------- */

static int read_receipt(verification *v)
{
    struct stat about;
    uint8_t *bytes;
    int size = 0, status;

    if (stat(v->path, &about) == 0 && about.st_size > TEXT_MAX) {
        cli_say("kiln: %s: is larger than a receipt\n", v->path);
        return CLI_BAD_DATA;
    }
    if (!(bytes = cli_file_read(v->path, &size))) return CLI_FAILED;
    status = kiln_receipt_read(bytes, size);
    free(bytes);
    if (status < 0) return cli_fail_in(v->path, status);
    snprintf(v->text, sizeof v->text, "%s", kiln_text());
    return 0;
}

/* Its options as arguments. The data set is the built-in one, or that of --data. */
static int read_run(verification *v, const cli_arguments *a)
{
    const char *options = cli_field(v->text, "options"), *value;
    char key[40], data[256], mode[16];
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
    cli_field_text(data, sizeof data, v->text, "data");
    if (strcmp(data, "builtin") == 0) return 0;
    v->run.value[CLI_DATA] = a->value[CLI_DATA];
    if (v->run.value[CLI_DATA]) return 0;
    cli_say("kiln: %s: was trained on %s; say where that is with --data\n", v->path,
            *data ? data : "a data set that it does not name");
    return CLI_USAGE;
}

static int open_data(verification *v)
{
    char wanted[HASH], hash[HASH];

    v->session.data = cli_data_open(&v->run);
    if (v->session.data < 0) return -v->session.data;
    if (kiln_data_info(v->session.data) < 0) return cli_fail(KILN_E_STATE);
    cli_field_text(hash, sizeof hash, kiln_text(), "hash");
    cli_field_text(wanted, sizeof wanted, v->text, "dataHash");
    if (strcmp(hash, wanted) == 0) return 0;
    cli_say("kiln: %s: was trained on other data: their hash is %s, not %s\n", v->path, wanted,
            hash);
    return CLI_BAD_DATA;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static int differs(const verification *v, const char *when, const char *what, const char *claimed,
                   const char *found)
{
    cli_say("kiln: %s: %s: the %s %s claimed, %s found\n", v->path, when, what, claimed, found);
    return CLI_FAILED;
}

static int compare_hash(const verification *v, const char *when, const char *claimed)
{
    const int status = kiln_net_hash(kiln_trainer_net(v->session.trainer));

    if (status < 0) return cli_fail(status);
    return strcmp(claimed, kiln_text()) ? differs(v, when, "parameters are", claimed, kiln_text())
                                        : 0;
}

/* Two numbers of JSON, the claim as it stands there, to the rounding of a float. */
static int compare_number(const verification *v, const char *when, const char *what,
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

/* After an epoch. What the receipt leaves out agrees. */
static int compare_epoch(verification *v)
{
    static const char *const names[] = {"step", "trainLoss", "trainAccuracy", "valAccuracy"};
    static const char *const words[] = {"step is", "training loss is", "training accuracy is",
                                        "validation accuracy is"};
    char metrics[METRICS], when[32], hash[HASH];
    const char *value;
    int epoch, code;

    if (kiln_trainer_metrics(v->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    snprintf(metrics, sizeof metrics, "%s", kiln_text());
    epoch = (int)cli_field_number(metrics, "epoch", 0);
    if (!(value = find_epoch(v, epoch))) return 0;
    snprintf(when, sizeof when, "epoch %d", epoch);
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

static int compare_end(const verification *v)
{
    static const char *const names[] = {"valAccuracy", "testAccuracy"};
    static const char *const words[] = {"validation accuracy is", "test accuracy is"};
    char hash[HASH], best[8], found[KILN_DIGITS];
    const char *last = last_of(cli_field(v->text, "epochs"));
    double accuracy[2];
    int code, whole;

    if (kiln_trainer_metrics(v->session.trainer) < 0) return cli_fail(KILN_E_MEMORY);
    whole = !last || cli_number(cli_first(last)) <= cli_field_number(kiln_text(), "epoch", 0);
    if (!whole) return differs(v, "the end", "epochs are", "more", "fewer");
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

        if ((flags = kiln_trainer_step(v->session.trainer)) < 0) return cli_fail_in(v->path, flags);
        if (!(flags & KILN_EPOCH)) continue;
        if ((code = compare_epoch(v))) return code;
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
        cli_say("kiln: %s: the receipt does not have both epoch %d and epoch %d\n", v->path,
                v->spot, v->spot + 1);
        return CLI_USAGE;
    }
    cli_spot_path(path, sizeof path, v->path, v->spot);
    if (!(bytes = cli_file_read(path, &size))) return CLI_BAD_CHECKPOINT;
    status = kiln_trainer_resume(v->session.data, bytes, size, NULL);
    free(bytes);
    if (status < 0) return cli_fail_in(path, status);
    v->session.trainer = status;
    if ((status = kiln_trainer_options(v->session.trainer)) < 0) return cli_fail(status);
    for (const char *p = NULL; (p = cli_member(kiln_text(), p, key, sizeof key, &value));) {
        static char ours[8448], claimed[8448];

        cli_text(ours, sizeof ours, value);
        if (!cli_given(&v->run, key, claimed, sizeof claimed) || strcmp(ours, claimed) != 0) {
            cli_say("kiln: %s: its option %s is not the receipt's\n", path, key);
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

    if (code == 0) code = read_run(v, a);
    if (code == 0) code = open_data(v);
    if (code == 0) code = v->spot > 0 ? begin_spot(v) : begin(v);
    if (code == 0) code = train(v);
    if (code == 0 && v->spot >= 0 && v->checked != 1) {
        cli_say("kiln: %s: the receipt has no epoch %d\n", v->path, v->spot + 1);
        code = CLI_USAGE;
    }
    cli_session_close(&v->session);
    return code;
}

static void print_json(const verification *v, int code)
{
    char value[64], path[4096];
    kiln_json *j = cli_event("verified");

    snprintf(path, sizeof path, "%s", v->path);
    kiln_json_string(j, "file", cli_clean(path));
    kiln_json_raw(j, "preset", *v->text ? cli_field_raw(value, sizeof value, v->text, "preset")
                                        : "null");
    kiln_json_raw(j, "claimed",
                  *v->text ? cli_field_raw(value, sizeof value, v->text, "testAccuracy") : "null");
    kiln_json_bool(j, "verified", code == 0);
    kiln_json_int(j, "epochs", v->checked);
    if (code) kiln_json_string(j, "reason", cli_said());
    cli_event_end(j);
}

static void print_csv(const verification *v, int code)
{
    char preset[64] = "", claimed[40] = "";

    if (*v->text) {
        cli_field_text(preset, sizeof preset, v->text, "preset");
        cli_field_raw(claimed, sizeof claimed, v->text, "testAccuracy");
        if (*claimed == 'n') claimed[0] = 0;
    }
    cli_csv_field(v->path);
    putchar(',');
    cli_csv_field(preset);
    printf(",%s,%s,", claimed, code ? "no" : "yes");
    cli_csv_field(code ? cli_said() : "");
    putchar('\n');
}

int cli_verify(cli_arguments *a)
{
    static verification v;
    int spot = -1, bad = 0, code;

    if (a->bare_count == 0) {
        cli_say("kiln verify: which receipts? kiln verify run.json, after kiln train --receipt "
                "run.json\n");
        return CLI_USAGE;
    }
    if ((code = cli_own_int(a, CLI_SPOT, 0, 10000, &spot)) || (code = cli_use_threads(a)))
        return code;
    if (a->value[CLI_CSV] && !a->value[CLI_JSON]) printf("file,preset,claimed,verified,reason\n");
    for (int i = 0; i < a->bare_count; i++) {
        memset(&v, 0, sizeof v);
        v.path = a->bare[i];
        v.quiet = a->value[CLI_QUIET] != NULL;
        v.spot = spot;
        cli_forget();
        code = verify(&v, a);
        bad += code != 0;
        if (a->value[CLI_JSON])
            print_json(&v, code);
        else if (a->value[CLI_CSV])
            print_csv(&v, code);
        else if (code == 0)
            printf("%s: verified, %d %s\n", v.path, v.checked, v.checked == 1 ? "epoch" : "epochs");
        fflush(stdout);
    }
    return bad == 0 ? 0 : a->bare_count == 1 ? code : CLI_FAILED;
}
