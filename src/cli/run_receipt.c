/* The receipt of a run; see run_receipt.h. */
#include "run_receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln_formats.h"
#include "say.h"

static struct {
    const char *path; /* NULL: none is wanted */
    int spots, best;
    int failed_spot; /* exit code of a checkpoint that could not be saved */
    int first, last; /* epochs that were seen; 0: none yet */
    char *lines;
    size_t length, capacity;
} receipt;

int cli_receipt_open(const cli_arguments *a)
{
    receipt.path = a->value[CLI_RECEIPT];
    receipt.spots = a->value[CLI_SPOTS] != NULL;
    receipt.best = a->value[CLI_BEST] != NULL;
    if (!receipt.path) return 0;
    if (strcmp(receipt.path, "-") != 0) return cli_file_check(receipt.path);
    cli_say("kiln train: --receipt wants a file\n");
    return CLI_USAGE;
}

static int add_line(const char *text)
{
    const size_t more = text ? strlen(text) + 1 : 0;

    if (!text) return CLI_NO_MEMORY;
    if (receipt.length + more > receipt.capacity) {
        const size_t capacity = 2 * (receipt.length + more);
        char *larger = realloc(receipt.lines, capacity);

        if (!larger) return CLI_NO_MEMORY;
        receipt.lines = larger;
        receipt.capacity = capacity;
    }
    memcpy(receipt.lines + receipt.length, text, more - 1);
    receipt.lines[receipt.length + more - 1] = '\n';
    receipt.length += more;
    return 0;
}

static int tell_hash(kiln_json *j, const cli_session *s)
{
    const int status = kiln_net_hash(kiln_trainer_net(s->trainer));

    if (status < 0) return cli_fail(status);
    kiln_json_string(j, "parameterHash", kiln_text());
    return 0;
}

/* Of a run that goes on, what it began with is not known. */
static int has_steps(const cli_session *s)
{
    return kiln_trainer_metrics(s->trainer) < 0 || cli_field_number(kiln_text(), "step", 0) > 0;
}

/* A run that training anew with its options would not give has no receipt: it could not be
 * verified, however honest. */
static int refuse_changed(const cli_session *s)
{
    static const struct {
        const char *changed, *sentence;
    } sentences[] = {
        {"weights", "it began with the weights of a file"},
        {"best", "it goes on from its best parameters"},
        {"recover", "with the option recover it has no one history"},
    };
    char changed[40], recover[8];
    const char *why = NULL;

    if (kiln_trainer_options(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    cli_field_text(recover, sizeof recover, kiln_text(), "recover");
    if (kiln_trainer_history(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    cli_field_text(changed, sizeof changed, kiln_text(), "changed");
    if (strcmp(recover, "1") == 0) snprintf(changed, sizeof changed, "recover");
    if (!*changed) return 0;
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(changed, sentences[i].changed) == 0) why = sentences[i].sentence;
    cli_say("kiln train: --receipt: this run cannot be checked by training it again: %s%s\n",
            why ? why : changed, why ? "" : " was changed on the way");
    return CLI_USAGE;
}

int cli_receipt_begin(const cli_session *s)
{
    char name[512], hash[64];
    kiln_json *j;
    int code;

    if (!receipt.path) return 0;
    if ((code = refuse_changed(s))) return code;
    j = cli_event("begin");
    kiln_json_string(j, "version", kiln_version());
    kiln_json_string(j, "mode", kiln_mode());
    if (kiln_data_info(s->data) < 0) return cli_fail(KILN_E_STATE);
    kiln_json_raw(j, "data", cli_field_raw(name, sizeof name, kiln_text(), "name"));
    kiln_json_raw(j, "dataHash", cli_field_raw(hash, sizeof hash, kiln_text(), "hash"));
    if (kiln_trainer_options(s->trainer) < 0) return cli_fail(KILN_E_MEMORY);
    kiln_json_raw(j, "options", kiln_text());
    if (!has_steps(s) && tell_hash(j, s)) return CLI_FAILED;
    return add_line(cli_event_text(j));
}

void cli_spot_path(char *out, int size, const char *path, int epoch)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    const int ended = dot && dot > (slash ? slash + 1 : path); /* ".hid" is all name */
    const int stem = ended ? (int)(dot - path) : (int)strlen(path);

    snprintf(out, (size_t)size, "%.*s.epoch-%d.safetensors", stem, path, epoch);
}

/* A full disk ends no run: the receipt, and checkpoints of later epochs, may still be written. */
static void save_spot(const cli_session *s, int epoch)
{
    const int size = kiln_trainer_save(s->trainer);
    char path[4200];
    int code;

    cli_spot_path(path, sizeof path, receipt.path, epoch);
    code = size < 0 ? cli_fail(size) : cli_file_save(path, kiln_trainer_saved(s->trainer), size);
    if (!code) return;
    receipt.failed_spot = code;
    cli_say("kiln: the checkpoint of epoch %d is not saved; training goes on\n", epoch);
}

void cli_receipt_interrupted(void)
{
    if (receipt.path) cli_say("kiln: %s: not written: the run is not over\n", receipt.path);
}

int cli_receipt_epoch(const cli_session *s, const char *metrics)
{
    static const char *const told[] = {"epoch", "step", "trainLoss", "trainAccuracy",
                                       "valAccuracy"};
    const int epoch = (int)cli_field_number(metrics, "epoch", 0);
    kiln_json *j;
    int code;

    if (!receipt.path) return 0;
    if (!receipt.first) receipt.first = epoch;
    receipt.last = epoch;
    j = cli_event("epoch");
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        char value[40];

        kiln_json_raw(j, told[i], cli_field_raw(value, sizeof value, metrics, told[i]));
    }
    if ((code = tell_hash(j, s)) || (code = add_line(cli_event_text(j)))) return code;
    if (receipt.spots) save_spot(s, epoch);
    return 0;
}

/* Of many epochs a receipt has pairs: a checkpoint whose epoch has no row, or none behind it, is of
 * no use to --spot. */
static void remove_idle_spots(const char *text)
{
    const char *row = cli_first(cli_field(text, "epochs")), *next;

    for (int epoch = receipt.first; epoch && epoch <= receipt.last; epoch++) {
        char path[4200];

        while (row && (int)cli_number(cli_first(row)) < epoch) row = cli_next(row);
        next = row && (int)cli_number(cli_first(row)) == epoch ? cli_next(row) : NULL;
        if (next && (int)cli_number(cli_first(next)) == epoch + 1) continue;
        cli_spot_path(path, sizeof path, receipt.path, epoch);
        unlink(path);
    }
}

/* "Intel(R) Xeon(R) Processor, 2 cores", or the cores alone. */
static void describe_machine(char *out, size_t size)
{
    FILE *about = fopen("/proc/cpuinfo", "r");
    char line[256], model[100] = "";

    while (about && !*model && fgets(line, sizeof line, about)) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) != 0 || !colon) continue;
        snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 1, "\n"), colon + 1);
    }
    if (about) fclose(about);
    snprintf(out, size, "%s%s%ld cores", model + strspn(model, " "), *model ? ", " : "",
             sysconf(_SC_NPROCESSORS_ONLN));
    cli_clean(out);
}

int cli_receipt_done(const char *done)
{
    char machine[119];
    static char text[10000], line[32768];
    kiln_json *j;
    int code, status;

    if (!receipt.path) return 0;
    describe_machine(machine, sizeof machine);
    snprintf(text, sizeof text, "%s", done);
    j = cli_event("done");
    for (const char *const *key = (const char *const[]){"parameterHash", "valAccuracy",
                                                        "testAccuracy", "seconds", NULL}; *key;
         key++) {
        char value[40];

        kiln_json_raw(j, *key, cli_field_raw(value, sizeof value, text, *key));
    }
    kiln_json_bool(j, "best", receipt.best);
    kiln_json_string(j, "machine", machine);
    if ((code = add_line(cli_event_text(j)))) return code;
    status = kiln_receipt((const uint8_t *)receipt.lines, (int)receipt.length);
    if (status < 0) return cli_fail_in(receipt.path, status);
    status = snprintf(line, sizeof line, "%s\n", kiln_text());
    code = cli_file_save(receipt.path, line, status);
    if (code == 0 && receipt.spots) remove_idle_spots(kiln_text());
    free(receipt.lines);
    receipt.lines = NULL;
    return code ? code : receipt.failed_spot;
}
