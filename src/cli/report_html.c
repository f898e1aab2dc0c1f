/* A report as one page that needs nothing else: no script, no file beside it, light and dark. */
#include <string.h>

#include "kiln.h"
#include "report.h"

#define VALUE_MAX 8448

static void print_head(FILE *out, const report_list *list)
{
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width\">\n"
            "<title>%d runs of kiln</title>\n<style>\n"
            ":root{color-scheme:light dark;--line:#ccc;--head:#f0f0f0}\n"
            "@media(prefers-color-scheme:dark){:root{--line:#444;--head:#2a2a2a}}\n"
            "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;"
            "padding:0 1rem}\n"
            ".wide{overflow-x:auto}table{border-collapse:collapse}caption{text-align:left}\n"
            "th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:left;"
            "white-space:nowrap}\nthead th{background:var(--head)}\n"
            "td.number{text-align:right;font-variant-numeric:tabular-nums}\n"
            "td.long{white-space:normal;min-width:16rem}\n"
            "svg{width:100%%;height:auto}pre{overflow-x:auto;white-space:pre-wrap}\n"
            "</style>\n</head>\n<body>\n",
            list->count);
    fprintf(out,
            "<h1>%d runs</h1>\n<p>%d done, %d failed, %d without an end; told by kiln %s.</p>\n",
            list->count, list->done, list->failed, list->count - list->done - list->failed,
            kiln_version());
}

static void print_percent(FILE *out, double share)
{
    if (share == share)
        fprintf(out, "<td class=\"number\">%.2f %%</td>", 100 * share);
    else
        fprintf(out, "<td class=\"number\">–</td>");
}

static void print_row(FILE *out, const report_list *list, int i)
{
    static char value[VALUE_MAX];
    const report_run *run = &list->runs[i];

    fprintf(out, "<tr><td class=\"number\">%d</td>", i + 1);
    print_percent(out, run->validation);
    print_percent(out, run->test);
    fprintf(out, "<td class=\"number\">%d</td>", run->epoch_count);
    fprintf(out, run->seconds >= 0 ? "<td class=\"number\">%.1f</td>"
                                   : "<td class=\"number\">–</td>", run->seconds);
    for (int k = 0; k < list->varied_count; k++) {
        const char *found = report_option(run, list->varied[k], value, sizeof value);

        fprintf(out, found && strlen(found) > 24 ? "<td class=\"long\">" : "<td>");
        report_escape(out, found ? found : "–");
        fprintf(out, "</td>");
    }
    fprintf(out, "<th scope=\"row\">");
    report_escape(out, run->path);
    fprintf(out, "</th><td><code>");
    report_escape(out, run->hash);
    fprintf(out, "</code></td></tr>\n");
}

static void print_table(FILE *out, const report_list *list)
{
    fprintf(out, "<h2>Results</h2>\n<div class=\"wide\" tabindex=\"0\"><table>\n<caption>Sorted by "
                 "validation accuracy; of the options, those in which runs differ.</caption>\n"
                 "<thead><tr><th scope=\"col\">#</th><th scope=\"col\">validation</th>"
                 "<th scope=\"col\">test</th><th scope=\"col\">epochs</th>"
                 "<th scope=\"col\">seconds</th>");
    for (int k = 0; k < list->varied_count; k++) {
        fprintf(out, "<th scope=\"col\">");
        report_escape(out, list->varied[k]);
        fprintf(out, "</th>");
    }
    fprintf(out, "<th scope=\"col\">file</th><th scope=\"col\">parameters</th></tr></thead>\n"
                 "<tbody>\n");
    for (int i = 0; i < list->done; i++) print_row(out, list, i);
    fprintf(out, "</tbody>\n</table></div>\n");
}

static void print_best(FILE *out, const report_list *list)
{
    static char words[REPORT_OPTION_TEXT];
    const report_run *best = &list->runs[0];

    report_words(words, sizeof words, best, list);
    fprintf(out, "<h2>Best options</h2>\n<p>Of ");
    report_escape(out, best->path);
    if (*best->data) {
        fprintf(out, ", on ");
        report_escape(out, best->data);
    }
    fprintf(out, ":</p>\n<pre><code>kiln train ");
    report_escape(out, words);
    fprintf(out, "</code></pre>\n");
}

static void print_failures(FILE *out, const report_list *list)
{
    fprintf(out, "<h2>Failures</h2>\n<div class=\"wide\" tabindex=\"0\"><table>\n"
                 "<caption>Runs that failed, or whose log has no end.</caption>\n"
                 "<thead><tr><th scope=\"col\">file</th>"
                 "<th scope=\"col\">exit code</th><th scope=\"col\">reason</th>"
                 "<th scope=\"col\">command</th></tr></thead>\n<tbody>\n");
    for (int i = list->done; i < list->count; i++) {
        const report_run *run = &list->runs[i];

        fprintf(out, "<tr><th scope=\"row\">");
        report_escape(out, run->path);
        fprintf(out, "</th><td class=\"number\">");
        if (run->exit) fprintf(out, "%d", run->exit);
        fprintf(out, "</td><td class=\"long\">");
        report_escape(out, run->reason);
        fprintf(out, "</td><td class=\"long\"><code>");
        if (run->command) fprintf(out, "kiln "), report_escape(out, run->command);
        fprintf(out, "</code></td></tr>\n");
    }
    fprintf(out, "</tbody>\n</table></div>\n");
}

void report_html(FILE *out, const report_list *list)
{
    print_head(out, list);
    if (list->done > 0) print_best(out, list);
    if (list->epochs > 0) {
        fprintf(out, "<h2>Curves</h2>\n<p>Validation accuracy after each epoch.</p>\n");
        report_svg(out, list, 0);
    }
    if (list->done > 0) print_table(out, list);
    if (list->done < list->count) print_failures(out, list);
    fprintf(out, "</body>\n</html>\n");
}
