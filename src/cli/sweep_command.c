/*
 * kiln sweep: a grid of options, or runs drawn at random, as lines that a shell, GNU parallel or a
 * cluster runs, or trained here. What run number I is depends on the options and I alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "commands.h"
#include "events.h"
#include "files.h"
#include "kiln.h"
#include "say.h"
#include "sweep.h"

#define LOG_PATTERN "runs/{}.json"

/* ---- a command ------------------------------------------------------------------------------- */

typedef struct {
    sweep_command *c;
    int count, used; /* words; bytes of their text */
} writing;

/* 0, or 1 where it does not fit. */
static int add_word(writing *w, const char *word)
{
    const int length = (int)strlen(word) + 1;

    if (w->count >= SWEEP_WORDS - 1 || w->used + length > SWEEP_TEXT) return 1;
    w->c->words[w->count++] = memcpy(w->c->text + w->used, word, (size_t)length);
    w->c->words[w->count] = NULL;
    w->used += length;
    return 0;
}

static int add_option(writing *w, const char *name, const char *value)
{
    char word[SWEEP_KEY + 2];

    snprintf(word, sizeof word, "--%s", name);
    return add_word(w, word) || (value && add_word(w, value));
}

/* The name of a file of the run: {} becomes its number, with as many digits as the last one has. */
static int add_file(writing *w, int option, const char *pattern, int64_t number, int64_t last)
{
    char path[4096], digits[24];
    const int width = snprintf(digits, sizeof digits, "%lld", (long long)last);
    int used = 0;

    for (const char *p = pattern; *p && used < (int)sizeof path - width - 1;) {
        if (strncmp(p, "{}", 2) == 0) {
            used += sprintf(path + used, "%0*lld", width, (long long)number);
            p += 2;
        } else {
            path[used++] = *p++;
        }
    }
    path[used] = 0;
    return add_option(w, cli_own_name(option), path);
}

/* A flag takes its value after =. */
static int add_value(writing *w, const char *key, const char *value, int is_flag)
{
    char word[SWEEP_KEY + 16];

    if (!is_flag) return add_option(w, key, value);
    snprintf(word, sizeof word, "--%s=%.8s", key, value);
    return add_word(w, word);
}

int sweep_compose(sweep_command *c, const sweep_plan *plan, const cli_arguments *a, int64_t run)
{
    static const int same[] = {CLI_PRESET, CLI_DATA, CLI_INPUT, CLI_FIT, CLI_INIT_FROM,
                               CLI_MODE};
    static char value[KILN_VALUE_MAX];
    const char *log = a->value[CLI_LOG] ? a->value[CLI_LOG] : LOG_PATTERN;
    writing w = {c, 0, 0};
    int full = add_word(&w, cli_program()) || add_word(&w, "train");

    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (a->value[same[i]])
            full = full || add_option(&w, cli_own_name(same[i]), a->value[same[i]]);
    for (int i = 0; i < plan->axis_count; i++) {
        sweep_value(value, plan, i, run);
        full = full || add_value(&w, plan->axes[i].key, value, plan->axes[i].is_flag);
    }
    full = full || (a->value[CLI_BEST] && add_option(&w, "best", NULL)) ||
           add_option(&w, "threads", a->value[CLI_THREADS] ? a->value[CLI_THREADS] : "1") ||
           (a->value[CLI_SAVE] &&
            add_file(&w, CLI_SAVE, a->value[CLI_SAVE], run + 1, plan->runs)) ||
           add_option(&w, "quiet", NULL) || add_file(&w, CLI_LOG, log, run + 1, plan->runs);
    if (full) {
        cli_say("kiln sweep: the command of run %lld is too long\n", (long long)run + 1);
        return CLI_USAGE;
    }
    c->log = c->words[w.count - 1];
    return 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void print_command(const sweep_command *c, const sweep_plan *plan, int64_t run, int json)
{
    static char line[2 * SWEEP_TEXT], value[KILN_VALUE_MAX];
    int used = 0;
    kiln_json *j;

    for (char *const *word = c->words; *word && used < (int)sizeof line - 8; word++) {
        if (used) line[used++] = ' ';
        used += cli_quote(line + used, (int)sizeof line - used, *word);
    }
    if (!json) {
        puts(line);
        return;
    }
    j = cli_event("command");
    kiln_json_int(j, "index", run + 1);
    kiln_json_string(j, "command", cli_clean(line));
    kiln_json_string(j, "log", c->log);
    kiln_json_object(j, "options");
    for (int i = 0; i < plan->axis_count; i++) {
        sweep_value(value, plan, i, run);
        kiln_json_string(j, plan->axes[i].key, value);
    }
    kiln_json_close(j);
    cli_event_end(j);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* A mistake in a net is told once, before anything runs. */
static int check_nets(const sweep_plan *plan)
{
    static char net[KILN_VALUE_MAX];

    for (int i = 0; i < plan->axis_count; i++) {
        const sweep_axis *axis = &plan->axes[i];

        for (int k = 0; k < axis->piece_count && strcmp(axis->key, "net") == 0; k++) {
            int status;

            snprintf(net, sizeof net, "%.*s", axis->pieces[k].length, axis->pieces[k].text);
            status = kiln_summary(net, NULL);
            if (status == KILN_E_NOTATION) return cli_fail_net(net, status);
        }
    }
    return 0;
}

/* Each run has files of its own. */
static int check_pattern(const cli_arguments *a, int option)
{
    const char *pattern = a->value[option];

    if (!pattern || strstr(pattern, "{}")) return 0;
    cli_say("kiln sweep: --%s: %s: all runs would write one file; say where their numbers go: "
            "runs/{}%s\n", cli_own_name(option), pattern,
            option == CLI_LOG ? ".json" : ".safetensors");
    return CLI_USAGE;
}

static int check_data(const cli_arguments *a)
{
    if (!a->value[CLI_DATA] || strcmp(a->value[CLI_DATA], "-") != 0) return 0;
    cli_say("kiln sweep: --data -: standard input can be read by one run alone; name a file\n");
    return CLI_USAGE;
}

int cli_sweep(cli_arguments *a)
{
    static sweep_plan plan;
    static sweep_command command;
    const int json = a->value[CLI_JSON] != NULL;
    int64_t first = 0, last;
    int index = 0, code = sweep_read(&plan, a);

    if (code || (code = check_nets(&plan)) || (code = check_pattern(a, CLI_LOG)) ||
        (code = check_pattern(a, CLI_SAVE)) || (code = check_data(a)) ||
        (code = cli_own_int(a, CLI_INDEX, 1, (int)plan.runs, &index)))
        return code;
    last = plan.runs;
    if (index) {
        first = index - 1;
        last = index;
    }
    if (a->value[CLI_RUN]) return sweep_train(&plan, a, first, last);
    for (int64_t run = first; run < last; run++) {
        if ((code = sweep_compose(&command, &plan, a, run))) return code;
        print_command(&command, &plan, run, json);
    }
    return 0;
}
