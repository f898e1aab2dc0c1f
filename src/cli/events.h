/*
 * Lines of --json on stdout: one object a line that begins with its event's name. They are written
 * by the library's JSON writer, so that no number or name is spelt here again.
 */
#ifndef KILN_CLI_EVENTS_H
#define KILN_CLI_EVENTS_H

#include "base/json.h"

/* Begins a line; one at a time. */
kiln_json *cli_event(const char *name);
/* Ends the line: its text, which stays until the next one begins; NULL where memory ran out. */
const char *cli_event_text(kiln_json *j);
/* Prints it at once: 0, or the errno of stdout. */
int cli_event_print(const char *text);
/* Both. */
int cli_event_end(kiln_json *j);

/* A field of CSV on stdout (RFC 4180): quotes around what has commas, quotes or line ends. */
void cli_csv_field(const char *text);

/* The end of all output: `code`, or CLI_FAILED with a sentence where stdout did not take it all. */
int cli_output_end(int code);

/* x in whole thousandths, say, for parts = 1e3: what lies behind them is noise of a clock. */
double cli_rounded(double x, double parts);

#endif
