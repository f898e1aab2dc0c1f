/*
 * The log of a training run: JSON objects, one a line, as `kiln report` reads them.
 *
 *   {"event":"run","version","mode","command":["train","--lr",..]}    the command as given
 *   {"event":"begin","data","dataHash","options":{..}}                all options, as text
 *   {"event":"epoch",..}                                              as --json prints it
 *   {"event":"done",..} or {"event":"failed","exit","reason","step"}  the end
 *
 * A file is whole from its first line on: who reads it while the run lasts, or after its machine
 * went down, finds all lines but the end.
 */
#ifndef KILN_CLI_RUN_LOG_H
#define KILN_CLI_RUN_LOG_H

#include "base/json.h"

/* Looks for --json and --log among the words of a command, before they are read: what is wrong with
 * the words themselves is an end of the run as well. */
void cli_log_prepare(int argc, char **argv);
/* Makes the file, and the folders it is in; one that is there becomes PATH.prev. 0 where no log is
 * wanted; an exit code with a sentence. */
int cli_log_open(void);
/* No log from now on: its name turned out to be that of another file. */
void cli_log_leave(void);
/* A line, the text of an object; NULL is none. A disk that takes no more ends no run: it is said
 * once. */
void cli_log_line(const char *object);
/* The step that the run has come to, where it fails. */
void cli_log_reached(int step);
/* The run is done, and its last line told: what goes wrong later, a save say, is no event. */
void cli_log_done(void);
/* The end of a run that failed, with what was said (say.h): into the log, and onto stdout for
 * --json. */
void cli_log_failed(int code);
/* Closes the file. code, or CLI_FAILED where the file did not take all lines. */
int cli_log_close(int code);

#endif
