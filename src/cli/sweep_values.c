/* Lists and ranges of a sweep; see sweep_values.h. */
#include "sweep_values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digits.h"
#include "base/keyvalue.h"
#include "base/rng.h"
#include "base/scalar.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "say.h"

#define CHOICES 64

/* What the table of options says of one. */
typedef struct {
    char type[16];
    double min, max;
    char text[CHOICES][32];
    const char *choices[CHOICES];
    int choice_count;
} option_row;

static int find_row(option_row *row, const char *key)
{
    char name[SWEEP_KEY];
    int status;

    if ((status = kiln_options()) < 0) return cli_fail(status);
    for (const char *r = cli_first(kiln_text()); r; r = cli_next(r)) {
        if (strcmp(cli_field_text(name, sizeof name, r, "name"), key) != 0) continue;
        cli_field_text(row->type, sizeof row->type, r, "type");
        row->min = cli_field_number(r, "min", -HUGE_VAL);
        row->max = cli_field_number(r, "max", HUGE_VAL);
        row->choice_count = 0;
        for (const char *c = cli_first(cli_field(r, "choices")); c && row->choice_count < CHOICES;
             c = cli_next(c)) {
            char *text = row->text[row->choice_count];

            row->choices[row->choice_count++] = cli_text(text, sizeof row->text[0], c);
        }
        return 0;
    }
    return CLI_USAGE; /* not to be: the names come from the same table */
}

/* ---- one piece ------------------------------------------------------------------------------- */

static int refuse(const char *key, const sweep_piece *p, const char *what)
{
    cli_say("kiln sweep: --%s: %.*s: %s\n", key, p->length, p->text, what);
    return CLI_USAGE;
}

/* A number of the option, in a text of its own. 0, or an exit code with a sentence. */
static int read_number(double *out, const char *key, const option_row *row, const char *text,
                       int length)
{
    static kiln_keyvalue pair;
    int64_t whole = 0;
    int status;

    snprintf(pair.key, sizeof pair.key, "%s", key);
    snprintf(pair.value, sizeof pair.value, "%.*s", length, text);
    if (strcmp(row->type, "int") == 0) {
        status = kiln_value_int(&pair, (int64_t)row->min, (int64_t)row->max, &whole);
        *out = (double)whole;
    } else {
        status = kiln_value_double(&pair, row->min, row->max, out);
    }
    return status < 0 ? cli_fail(status) : 0;
}

/* FROM..TO, with :log and :N behind it, in any order. */
static int read_range(sweep_piece *p, const char *key, const option_row *row, const char *dots)
{
    const char *end = p->text + p->length, *colon = memchr(dots, ':', (size_t)(end - dots));
    const char *last = colon ? colon : end;
    int code = read_number(&p->from, key, row, p->text, (int)(dots - p->text));

    if (code == 0) code = read_number(&p->to, key, row, dots + 2, (int)(last - dots - 2));
    if (code) return code;
    p->whole = strcmp(row->type, "int") == 0;
    while (colon) {
        const char *word = colon + 1;
        const int length = (colon = memchr(word, ':', (size_t)(end - word)), colon)
                               ? (int)(colon - word) : (int)(end - word);
        char *stop, number[16];

        snprintf(number, sizeof number, "%.*s", length, word);
        if (strcmp(number, "log") == 0 && !p->logarithmic) {
            p->logarithmic = 1;
            continue;
        }
        p->count = p->count ? -1 : strtol(number, &stop, 10);
        if (p->count < 2 || p->count > SWEEP_RUNS || *stop)
            return refuse(key, p, "behind a range stand log, and how many numbers (2..100000)");
    }
    if (!(p->from < p->to)) return refuse(key, p, "a range goes from a smaller number to a larger");
    if (p->logarithmic && p->from <= 0) return refuse(key, p, "a range of ratios begins above 0");
    if (p->whole && !p->count && !p->logarithmic) p->count = (int64_t)(p->to - p->from) + 1;
    if (p->whole && p->count > p->to - p->from + 1)
        return refuse(key, p, "there are not so many whole numbers in it");
    p->text = NULL;
    return 0;
}

/* One value of a list, or a range. */
static int read_piece(sweep_piece *p, const char *key, const option_row *row)
{
    static kiln_keyvalue pair;
    const char *dots = NULL;
    double number;
    int truth, status = 0;

    for (int i = 0; i + 1 < p->length && !dots; i++)
        if (p->text[i] == '.' && p->text[i + 1] == '.') dots = p->text + i;
    if (p->length == 0) return refuse(key, p, "a value is missing");
    if (strcmp(row->type, "int") == 0 || strcmp(row->type, "float") == 0)
        return dots ? read_range(p, key, row, dots)
                    : read_number(&number, key, row, p->text, p->length);
    if (dots) return refuse(key, p, "ranges are of numbers; name the values: a,b,c");
    snprintf(pair.key, sizeof pair.key, "%s", key);
    snprintf(pair.value, sizeof pair.value, "%.*s", p->length, p->text);
    if (strcmp(row->type, "choice") == 0)
        status = kiln_value_choice(&pair, row->choices, row->choice_count);
    if (strcmp(row->type, "flag") == 0) status = kiln_value_bool(&pair, &truth);
    return status < 0 ? cli_fail(status) : 0;
}

/* ---- all of them ----------------------------------------------------------------------------- */

typedef struct {
    sweep_plan *plan;
    int used; /* pieces */
} reading;

static int add_piece(reading *r, sweep_axis *axis, const option_row *row, const char *text,
                     int length)
{
    sweep_piece *p = &r->plan->pieces[r->used];
    int code;

    if (r->used == SWEEP_PIECES) {
        cli_say("kiln sweep: more than %d values\n", SWEEP_PIECES);
        return CLI_USAGE;
    }
    *p = (sweep_piece){.text = text, .length = length};
    if ((code = read_piece(p, axis->key, row))) return code;
    if (!p->text && !p->count && !r->plan->random) {
        cli_say("kiln sweep: --%s: a range of which no number is told is for --random N; in a grid "
                "say how many: %s:4\n", axis->key, p->logarithmic ? "..:log" : "..");
        return CLI_USAGE;
    }
    r->used++;
    axis->piece_count++;
    axis->count += p->text ? 1 : p->count;
    return 0;
}

/* A text is one value, others are lists. */
static int add_values(reading *r, sweep_axis *axis, const option_row *row, const char *value)
{
    const int length = (int)strcspn(value, "\n"), is_text = strcmp(row->type, "text") == 0;

    for (int at = 0; at <= length;) {
        const char *comma = memchr(value + at, ',', (size_t)(length - at));
        const int end = comma && !is_text ? (int)(comma - value) : length;
        const int code = add_piece(r, axis, row, value + at, end - at);

        if (code) return code;
        at = end + 1;
    }
    return 0;
}

static int is_key(const char *line, const char *key)
{
    return strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == '=';
}

/* All values of the option whose first one stands in this line. */
static int add_axis(reading *r, const char *line)
{
    static option_row row;
    sweep_axis *axis = &r->plan->axes[r->plan->axis_count];
    const int length = (int)strcspn(line, "=");
    int code;

    if (r->plan->axis_count == SWEEP_AXES) {
        cli_say("kiln sweep: more than %d options\n", SWEEP_AXES);
        return CLI_USAGE;
    }
    *axis = (sweep_axis){.pieces = r->plan->pieces + r->used};
    snprintf(axis->key, sizeof axis->key, "%.*s", length, line);
    for (int i = 0; i < r->plan->axis_count; i++)
        if (strcmp(r->plan->axes[i].key, axis->key) == 0) return 0; /* with its first line */
    if ((code = find_row(&row, axis->key))) return code;
    axis->is_flag = strcmp(row.type, "flag") == 0;
    for (; *line; line = strchr(line, '\n') + 1)
        if (is_key(line, axis->key) && (code = add_values(r, axis, &row, line + length + 1)))
            return code;
    r->plan->axis_count++;
    return 0;
}

static int count_runs(sweep_plan *plan)
{
    int varied = 0;

    for (int i = 0; i < plan->axis_count; i++) {
        const sweep_axis *axis = &plan->axes[i];

        varied += axis->piece_count > 1 || axis->count != 1;
        if (plan->random) continue;
        plan->runs *= axis->count;
        if (plan->runs <= SWEEP_RUNS) continue;
        cli_say("kiln sweep: more than %d runs; give fewer values, or draw some: --random 20\n",
                SWEEP_RUNS);
        return CLI_USAGE;
    }
    if (varied) return 0;
    cli_say("kiln sweep: nothing varies: give an option several values, --lr 0.01,0.001, or a "
            "range, --lr 1e-4..1e-1:log:4\n");
    return CLI_USAGE;
}

int sweep_read(sweep_plan *plan, const cli_arguments *a)
{
    static kiln_keyvalue pair = {.key = "search-seed"};
    reading r = {plan, 0};
    int runs = 1, code;
    int64_t seed = 1;

    *plan = (sweep_plan){.random = a->value[CLI_RANDOM] != NULL};
    if ((code = cli_own_int(a, CLI_RANDOM, 1, SWEEP_RUNS, &runs))) return code;
    if (a->value[CLI_SEARCH_SEED]) {
        snprintf(pair.value, sizeof pair.value, "%s", a->value[CLI_SEARCH_SEED]);
        if ((code = kiln_value_int(&pair, 0, UINT32_MAX, &seed)) < 0) return cli_fail(code);
    }
    plan->runs = runs;
    plan->seed = (uint32_t)seed;
    for (const char *line = a->text; *line; line = strchr(line, '\n') + 1)
        if ((code = add_axis(&r, line))) return code;
    return count_runs(plan);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void print_number(char *out, double value, const sweep_piece *p)
{
    char rounded[KILN_DIGITS];

    if (p->whole) {
        snprintf(out, KILN_DIGITS, "%.0f", rint(value));
        return;
    }
    snprintf(rounded, sizeof rounded, "%.4g", value);
    kiln_digits(out, strtod(rounded, NULL));
}

/* The point at a share 0..1 of a range. Both ends are as they were given. */
static void print_point(char *out, const sweep_piece *p, double share)
{
    if (share <= 0 || share >= 1) {
        kiln_digits(out, share <= 0 ? p->from : p->to);
        return;
    }
    print_number(out, p->logarithmic ? p->from * kiln_pow(p->to / p->from, share)
                                     : p->from + share * (p->to - p->from), p);
}

/* FNV-1a of the key: what is drawn for an option does not depend on the others. */
static uint64_t stream_of(const char *key)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *key; key++) hash = (hash ^ (uint8_t)*key) * 0x100000001b3u;
    return hash;
}

static void draw(char *out, const sweep_axis *axis, uint32_t seed, int64_t run)
{
    const kiln_rng rng = {seed, KILN_RNG_USER, stream_of(axis->key)};
    const sweep_piece *p;
    uint32_t words[4];
    double share;

    kiln_rng_words(words, rng, (uint64_t)run);
    p = &axis->pieces[(uint64_t)words[0] * (uint64_t)axis->piece_count >> 32];
    share = ((double)words[1] + 0.5) / 4294967296.0;
    if (p->text)
        snprintf(out, KILN_VALUE_MAX, "%.*s", p->length, p->text);
    else if (p->whole && !p->logarithmic) /* each number as likely as the others */
        print_number(out, floor(p->from + share * (p->to - p->from + 1)), p);
    else
        print_point(out, p, share);
}

void sweep_value(char *out, const sweep_plan *plan, int axis, int64_t run)
{
    const sweep_axis *a = &plan->axes[axis];
    const sweep_piece *p = a->pieces;
    int64_t at = run;

    if (plan->random) {
        draw(out, a, plan->seed, run);
        return;
    }
    for (int i = plan->axis_count - 1; i > axis; i--) at /= plan->axes[i].count;
    at %= a->count; /* the last option changes from run to run */
    for (; at >= (p->text ? 1 : p->count); p++) at -= p->text ? 1 : p->count;
    if (p->text)
        snprintf(out, KILN_VALUE_MAX, "%.*s", p->length, p->text);
    else
        print_point(out, p, (double)at / (double)(p->count - 1));
}
