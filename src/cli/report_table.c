/* A report as text: a table for people, CSV, JSON. */
#include <math.h>
#include <string.h>

#include "base/digits.h"
#include "events.h"
#include "report.h"
#include "say.h"

#define COLUMNS 24 /* options that a table for people shows */
#define CELL 40
#define VALUE_MAX 8448

static const char *const states[] = {"done", "failed", "open"};

/* ---- for people ------------------------------------------------------------------------------ */

/* Cut to a cell, with a mark where something is missing. */
static void shorten(char cell[CELL], const char *text)
{
    int length = (int)strlen(text);

    if (length >= CELL) {
        for (length = CELL - 4; length > 0 && (text[length] & 0xc0) == 0x80;) length--;
        snprintf(cell, CELL, "%.*s..", length, text);
    } else {
        strcpy(cell, text);
    }
}

static void percent(char cell[CELL], double share)
{
    if (share == share)
        snprintf(cell, CELL, "%.2f %%", 100 * share);
    else
        strcpy(cell, "-");
}

/* The name of a file on one line, whatever it is made of. */
static void print_path(const char *path)
{
    for (; *path; path++) putchar((unsigned char)*path < ' ' || *path == 0x7f ? '?' : *path);
}

/* Column c of a run: accuracies, epochs, seconds, then the options in which runs differ. */
static void fill_cell(char cell[CELL], const report_list *list, const report_run *run, int c)
{
    static char value[VALUE_MAX];

    if (c == 0) percent(cell, run->validation);
    else if (c == 1) percent(cell, run->test);
    else if (c == 2) snprintf(cell, CELL, "%d", run->epoch_count);
    else if (c == 3) snprintf(cell, CELL, run->seconds >= 0 ? "%.1f" : "-", run->seconds);
    else if (report_option(run, list->varied[c - 4], value, sizeof value)) shorten(cell, value);
    else strcpy(cell, "-");
}

static void print_runs(const report_list *list)
{
    static const char *const heads[] = {"validation", "test", "epochs", "seconds"};
    const int columns = 4 + (list->varied_count < COLUMNS ? list->varied_count : COLUMNS);
    int width[4 + COLUMNS];
    char cell[CELL];

    printf("   #");
    for (int c = 0; c < columns; c++) {
        const char *head = c < 4 ? heads[c] : list->varied[c - 4];

        width[c] = (int)strlen(head);
        for (int i = 0; i < list->done; i++) {
            fill_cell(cell, list, &list->runs[i], c);
            if ((int)strlen(cell) > width[c]) width[c] = (int)strlen(cell);
        }
        printf("  %*s", width[c], head);
    }
    printf("  file\n");
    for (int i = 0; i < list->done; i++) {
        printf("%4d", i + 1);
        for (int c = 0; c < columns; c++) {
            fill_cell(cell, list, &list->runs[i], c);
            printf("  %*s", width[c], cell);
        }
        printf("  ");
        print_path(list->runs[i].path);
        printf("\n");
    }
}

void report_print_table(const report_list *list)
{
    static char words[REPORT_OPTION_TEXT];

    if (list->done > 0) {
        print_runs(list);
        report_words(words, sizeof words, &list->runs[0], list);
        printf("\nbest: ");
        print_path(list->runs[0].path);
        printf("\n  kiln train %s\n", words);
    }
    if (list->done == list->count) return;
    printf("%sfailed, or without an end:\n", list->done ? "\n" : "");
    for (int i = list->done; i < list->count; i++) {
        const report_run *run = &list->runs[i];

        printf("  ");
        print_path(run->path);
        printf(": ");
        if (run->exit) printf("exit code %d: ", run->exit);
        printf("%s\n", run->reason);
        if (run->command) printf("    kiln %s\n", run->command);
    }
}

/* ---- CSV ------------------------------------------------------------------------------------- */

void cli_csv_field(const char *text)
{
    if (!text[strcspn(text, ",\"\n\r")]) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_number(double value)
{
    char digits[KILN_DIGITS];

    putchar(',');
    if (value == value) fputs(kiln_digits(digits, value), stdout);
}

void report_print_csv(const report_list *list)
{
    static char value[VALUE_MAX];

    fputs("file,state,exit,reason,valAccuracy,testAccuracy,epochs,steps,seconds,parameterHash,"
          "mode,data", stdout);
    for (int k = 0; k < list->key_count; k++) {
        putchar(',');
        cli_csv_field(list->keys[k]);
    }
    putchar('\n');
    for (int i = 0; i < list->count; i++) {
        const report_run *run = &list->runs[i];

        cli_csv_field(run->path);
        printf(",%s,", states[run->state]);
        if (run->exit) printf("%d", run->exit);
        putchar(',');
        cli_csv_field(run->reason);
        print_number(run->validation);
        print_number(run->test);
        printf(",%d", run->epoch_count);
        print_number(run->steps);
        print_number(run->seconds);
        putchar(',');
        cli_csv_field(run->hash);
        putchar(',');
        cli_csv_field(run->mode);
        putchar(',');
        cli_csv_field(run->data);
        for (int k = 0; k < list->key_count; k++) {
            putchar(',');
            if (report_option(run, list->keys[k], value, sizeof value)) cli_csv_field(value);
        }
        putchar('\n');
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void tell_options(kiln_json *j, const report_run *run)
{
    static char value[VALUE_MAX];

    kiln_json_object(j, "options");
    for (const char *line = run->options; line && *line; line = strchr(line, '\n') + 1) {
        char key[40];

        snprintf(key, sizeof key, "%.*s", (int)strcspn(line, "="), line);
        kiln_json_string(j, key, report_option(run, key, value, sizeof value));
    }
    kiln_json_close(j);
}

static void tell_run(const report_run *run)
{
    char path[4096];
    kiln_json *j = cli_event("run");

    snprintf(path, sizeof path, "%s", run->path);
    kiln_json_string(j, "file", cli_clean(path));
    kiln_json_string(j, "state", states[run->state]);
    if (run->exit) kiln_json_int(j, "exit", run->exit);
    if (*run->reason) kiln_json_string(j, "reason", run->reason);
    kiln_json_number(j, "valAccuracy", run->validation);
    kiln_json_number(j, "testAccuracy", run->test);
    kiln_json_number(j, "step", run->steps);
    kiln_json_number(j, "seconds", run->seconds);
    kiln_json_string(j, "parameterHash", run->hash);
    kiln_json_string(j, "mode", run->mode);
    kiln_json_string(j, "data", run->data);
    if (run->command) kiln_json_string(j, "line", run->command);
    tell_options(j, run);
    kiln_json_array(j, "epochs");
    for (int i = 0; i < run->epoch_count; i++) {
        const report_epoch *e = &run->epochs[i];

        kiln_json_object(j, NULL);
        kiln_json_int(j, "epoch", e->epoch);
        kiln_json_number(j, "trainLoss", e->train_loss);
        kiln_json_number(j, "trainAccuracy", e->train_accuracy);
        kiln_json_number(j, "valAccuracy", e->validation);
        kiln_json_close(j);
    }
    kiln_json_close(j);
    cli_event_end(j);
}

void report_print_json(const report_list *list)
{
    kiln_json *j;

    for (int i = 0; i < list->count; i++) tell_run(&list->runs[i]);
    j = cli_event("done");
    kiln_json_int(j, "runs", list->count);
    kiln_json_int(j, "done", list->done);
    kiln_json_int(j, "failed", list->failed);
    kiln_json_int(j, "open", list->count - list->done - list->failed);
    cli_event_end(j);
}
