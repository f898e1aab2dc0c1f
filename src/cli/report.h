/*
 * Logs of training runs (run_log.h), or what `kiln train --json` printed, as they are read and told
 * by `kiln report`. Files come from anywhere: each is read strictly, and a bad one is a run that
 * failed, with the reason.
 */
#ifndef KILN_CLI_REPORT_H
#define KILN_CLI_REPORT_H

#include <stdio.h>
#include <sys/types.h>

#include "base/json.h"

#define REPORT_OPTION_TEXT 16384
#define REPORT_KEYS 128 /* what is beyond them is read, and not shown */

typedef struct {
    int epoch;
    double train_loss, train_accuracy, validation; /* NaN where not known */
} report_epoch;

enum { REPORT_DONE, REPORT_FAILED, REPORT_OPEN /* no end: still running, or killed */ };

typedef struct {
    const char *path;
    dev_t device;         /* which file it is; 0 and 0: none that has a place */
    ino_t inode;
    int place;            /* among the files, as they were given */
    int state, is_log;    /* is_log: at least its first line is one of a log */
    int exit;             /* of a run that failed; 0: not known */
    char reason[1100];    /* in words; "" of a run that is done */
    char *options;        /* key=value lines; all of them where the run began, else what is known */
    char *command;        /* as it was given, as one line; NULL where not known */
    report_epoch *epochs; /* in order */
    int epoch_count, epoch_capacity;
    double validation, test, seconds, steps; /* NaN where not known */
    char hash[24], mode[16], data[512], version[24];
} report_run;

/* Always gives a run, REPORT_FAILED with a reason where the file cannot be read. To be given to
 * report_free. */
void report_read(report_run *run, const char *path);
void report_read_text(report_run *run, const char *path, const char *text, size_t size);
void report_free(report_run *run);
/* The value of an option, cut to fit; NULL where the run does not know it. */
const char *report_option(const report_run *run, const char *key, char *value, int size);

/* All runs of a report: first those that are done by validation accuracy, best first, then the
 * others in the order of their files. */
typedef struct {
    report_run *runs;
    int count, done, failed; /* the others have no end */
    char keys[REPORT_KEYS][40]; /* of all options that any run has */
    char varied[REPORT_KEYS][40]; /* of those in which runs differ */
    int key_count, varied_count;
    double epochs; /* the most of any run */
} report_list;

/* Puts the runs in their order and finds the keys; the counts are there already. */
void report_sort(report_list *list);
/* Does the table of options say this value by itself? */
int report_is_default(const char *key, const char *value);
/* The options of a run that are no defaults, or that runs of the list differ in, as words of a
 * command line. */
void report_words(char *out, int size, const report_run *run, const report_list *list);

/* Text of any origin between tags, or in an attribute. */
void report_escape(FILE *out, const char *text);

void report_print_table(const report_list *list);            /* for people, on stdout */
void report_print_csv(const report_list *list);              /* RFC 4180, on stdout */
void report_print_json(const report_list *list);             /* an object a line, on stdout */
void report_svg(FILE *out, const report_list *list, int alone); /* alone: a file of its own */
void report_html(FILE *out, const report_list *list);

#endif
