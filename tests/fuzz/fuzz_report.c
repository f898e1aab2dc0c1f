/*
 * Fuzz target: logs of runs, as `kiln report` reads them. Two logs, cut at the first byte 0, make a
 * report; whatever they say is text in its page and its curves: as many '<' as '>', and no control
 * character.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/cli/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_page(void (*print)(FILE *out, const report_list *list), const report_list *list)
{
    char *text = NULL;
    size_t size = 0;
    long open = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) abort();
    print(out, list);
    if (fclose(out) != 0) abort();
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' && text[i] != '\n') abort();
        open += text[i] == '<' ? 1 : text[i] == '>' ? -1 : 0;
        if (open < 0 || open > 1) abort();
    }
    if (open != 0) abort();
    free(text);
}

static void print_curves(FILE *out, const report_list *list)
{
    report_svg(out, list, 1);
}

/* A run that is not known to be done has a reason; what is known of it lies in its range. */
static void check_run(const report_run *run)
{
    char value[64];

    if (run->state != REPORT_DONE && run->state != REPORT_FAILED && run->state != REPORT_OPEN)
        abort();
    if (run->state == REPORT_OPEN && !*run->reason) abort();
    if (run->exit < 0 || run->exit > 255) abort();
    for (int i = 0; i < run->epoch_count; i++)
        if (run->epochs[i].epoch < 1 || (i && run->epochs[i].epoch <= run->epochs[i - 1].epoch))
            abort();
    report_option(run, "net", value, sizeof value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
    const size_t first = cut ? (size_t)(cut - data) : size;
    report_run runs[2];
    static report_list list; /* large */

    list = (report_list){.runs = runs, .count = cut ? 2 : 1};
    report_read_text(&runs[0], "a", (const char *)data, first);
    if (cut) report_read_text(&runs[1], "b", (const char *)cut + 1, size - first - 1);
    for (int i = 0; i < list.count; i++) {
        runs[i].place = i;
        check_run(&runs[i]);
        list.done += runs[i].state == REPORT_DONE;
        list.failed += runs[i].state == REPORT_FAILED;
        for (int k = 0; k < runs[i].epoch_count; k++)
            if (runs[i].epochs[k].epoch > list.epochs) list.epochs = runs[i].epochs[k].epoch;
    }
    report_sort(&list);
    check_page(report_html, &list);
    check_page(print_curves, &list);
    for (int i = 0; i < list.count; i++) report_free(&runs[i]);
    return 0;
}
