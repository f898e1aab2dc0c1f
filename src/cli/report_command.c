/* kiln report: logs of runs as one table, sorted by validation accuracy, as a picture of their
 * curves, as a page, as CSV or JSON. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"
#include "report.h"
#include "say.h"

#define VALUE_MAX 8448

/* ---- which options differ -------------------------------------------------------------------- */

/* Among those that are done, which come first: they are what the table has. */
static int differs(const report_list *list, const char *key)
{
    static char first[VALUE_MAX], value[VALUE_MAX];
    int seen = 0;

    for (int i = 0; i < list->done; i++) {
        if (!report_option(&list->runs[i], key, value, sizeof value)) continue;
        if (seen && strcmp(value, first) != 0) return 1;
        if (!seen++) strcpy(first, value);
    }
    return 0;
}

static int is_among(const char keys[][40], int count, const char *key)
{
    for (int i = 0; i < count; i++)
        if (strcmp(keys[i], key) == 0) return 1;
    return 0;
}

/* Keys in the order of the first run that has them. */
static void find_keys(report_list *list)
{
    const report_list *known = list;

    for (int i = 0; i < list->count; i++) {
        const char *line = list->runs[i].options;

        for (; line && *line; line = strchr(line, '\n') + 1) {
            char key[40];

            snprintf(key, sizeof key, "%.*s", (int)strcspn(line, "="), line);
            if (list->key_count == REPORT_KEYS) return;
            if (is_among(known->keys, known->key_count, key)) continue;
            strcpy(list->keys[list->key_count++], key);
            if (differs(list, key)) strcpy(list->varied[list->varied_count++], key);
        }
    }
}

int report_is_default(const char *key, const char *value)
{
    char name[40];
    static char standard[VALUE_MAX];

    if (kiln_options() < 0) return 0;
    for (const char *row = cli_first(kiln_text()); row; row = cli_next(row))
        if (strcmp(cli_field_text(name, sizeof name, row, "name"), key) == 0)
            return strcmp(cli_field_text(standard, sizeof standard, row, "default"), value) == 0;
    return 0;
}

void report_words(char *out, int size, const report_run *run, const report_list *list)
{
    static char value[VALUE_MAX];
    int used = 0;

    out[0] = 0;
    for (const char *line = run->options; line && *line; line = strchr(line, '\n') + 1) {
        char key[40];

        snprintf(key, sizeof key, "%.*s", (int)strcspn(line, "="), line);
        snprintf(value, sizeof value, "%.*s", (int)strcspn(line, "\n") - (int)strlen(key) - 1,
                 line + strlen(key) + 1);
        if (report_is_default(key, value) && !is_among(list->varied, list->varied_count, key))
            continue;
        if (used + (int)strlen(value) + 50 > size) continue;
        used += sprintf(out + used, strchr(value, ' ') ? "%s--%s \"%s\"" : "%s--%s %s",
                        used ? " " : "", key, value);
    }
}

/* ---- sorting --------------------------------------------------------------------------------- */

static int compare(const void *left, const void *right)
{
    const report_run *a = left, *b = right;
    const double x = a->state == REPORT_DONE ? a->validation : -2;
    const double y = b->state == REPORT_DONE ? b->validation : -2;
    const double one = x == x ? x : -1, other = y == y ? y : -1; /* NaN: without validation */

    if (one != other) return one > other ? -1 : 1;
    return a->place - b->place; /* as the files were given */
}

void report_sort(report_list *list)
{
    qsort(list->runs, (size_t)list->count, sizeof *list->runs, compare);
    find_keys(list);
}

/* Is this the file of one of the runs before, by the same name or another? */
static int is_again(const report_list *list, const struct stat *about)
{
    for (int i = 0; i < list->count; i++)
        if (list->runs[i].device == about->st_dev && list->runs[i].inode == about->st_ino) return 1;
    return 0;
}

static int read_all(report_list *list, const cli_arguments *a)
{
    int logs = 0;

    *list = (report_list){0};
    if (!(list->runs = calloc((size_t)a->bare_count, sizeof *list->runs))) {
        cli_say("kiln report: there is no memory for %d runs\n", a->bare_count);
        return CLI_NO_MEMORY;
    }
    for (int i = 0; i < a->bare_count; i++) {
        report_run *run = &list->runs[list->count];
        struct stat about;
        const int is_file = stat(a->bare[i], &about) == 0 && S_ISREG(about.st_mode);

        if (is_file && is_again(list, &about)) {
            cli_say("kiln report: %s is given twice, and counts once\n", a->bare[i]);
            continue;
        }
        list->count++;
        report_read(run, a->bare[i]);
        if (is_file) run->device = about.st_dev, run->inode = about.st_ino;
        run->place = i;
        list->done += run->state == REPORT_DONE;
        list->failed += run->state == REPORT_FAILED;
        logs += run->is_log;
        for (int k = 0; k < run->epoch_count; k++)
            list->epochs = fmax(list->epochs, run->epochs[k].epoch);
    }
    report_sort(list);
    return logs ? 0 : CLI_BAD_DATA;
}

static void free_all(report_list *list)
{
    for (int i = 0; i < list->count && list->runs; i++) report_free(&list->runs[i]);
    free(list->runs);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void svg_alone(FILE *out, const report_list *list)
{
    report_svg(out, list, 1);
}

/* What `print` writes, as a whole file. */
static int save(const char *path, void (*print)(FILE *out, const report_list *list),
                const report_list *list)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int code = CLI_NO_MEMORY, whole = out != NULL;

    if (out) {
        print(out, list);
        whole = !ferror(out);
        whole = fclose(out) == 0 && whole;
    }
    if (whole)
        code = cli_file_save(path, text, (int64_t)size);
    else
        cli_say("kiln report: there is no memory for %s\n", path);
    free(text);
    return code;
}

static int is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static int check(const cli_arguments *a)
{
    const int here = (a->value[CLI_JSON] != NULL) + (a->value[CLI_CSV] != NULL) +
                     is_stdout(a->value[CLI_HTML]) + is_stdout(a->value[CLI_SVG]);

    if (a->bare_count == 0) {
        cli_say("kiln report: which logs? kiln report runs/*.json, after kiln train --log "
                "runs/1.json or kiln sweep --run\n");
        return CLI_USAGE;
    }
    if (here > 1) {
        cli_say("kiln report: one of --json, --csv, --html - and --svg - can have stdout; name "
                "files for the others\n");
        return CLI_USAGE;
    }
    if (a->value[CLI_HTML] && cli_file_check(a->value[CLI_HTML])) return CLI_USAGE;
    return a->value[CLI_SVG] ? cli_file_check(a->value[CLI_SVG]) : 0;
}

int cli_report(cli_arguments *a)
{
    static report_list list;
    int code = check(a), logs;

    if (code) return code;
    if ((logs = read_all(&list, a)) && logs != CLI_BAD_DATA) code = logs;
    if (code == 0 && a->value[CLI_HTML]) code = save(a->value[CLI_HTML], report_html, &list);
    if (code == 0 && a->value[CLI_SVG]) code = save(a->value[CLI_SVG], svg_alone, &list);
    if (code == 0 && a->value[CLI_JSON])
        report_print_json(&list);
    else if (code == 0 && a->value[CLI_CSV])
        report_print_csv(&list);
    else if (code == 0 && !is_stdout(a->value[CLI_HTML]) && !is_stdout(a->value[CLI_SVG]))
        report_print_table(&list);
    free_all(&list);
    if (code == 0 && logs) cli_say("kiln report: no log among these files\n");
    return code ? code : logs;
}
