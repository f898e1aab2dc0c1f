/* Files of the program: whole ones in, whole ones out without ever harming the last good one, and
 * data sets. */
#ifndef KILN_CLI_FILES_H
#define KILN_CLI_FILES_H

#include <stdint.h>

#include "arguments.h"
#include "base/status.h"

/* Exit codes of the program, those of base/status.h but for two: 0 and an interrupt. */
enum {
    CLI_OK = 0,
    CLI_FAILED = KILN_EXIT_IO,
    CLI_USAGE = KILN_EXIT_ARG,
    CLI_BAD_DATA = KILN_EXIT_DATA,
    CLI_BAD_CHECKPOINT = KILN_EXIT_CHECKPOINT,
    CLI_NO_MEMORY = KILN_EXIT_MEMORY,
    CLI_DIVERGED = KILN_EXIT_DIVERGED,
    CLI_INTERRUPTED = 130
};

/* Prints kiln_error() and gives the exit code of a status. */
int cli_fail(int status);
int cli_fail_net(const char *net, int status); /* with a mark under the column of the notation */
int cli_fail_in(const char *file, int status); /* with the name of a file before it */

/* The file, pipe or standard input ("-"), to be freed, and its size; NULL with a sentence on
 * stderr. */
uint8_t *cli_file_read(const char *path, int *size);
/* The same of a file that has at most so many bytes. */
uint8_t *cli_file_read_small(const char *path, int most, int *size);
/* Up to `size` bytes, fewer only at the end; -1 with errno. */
int64_t cli_read(int fd, void *bytes, int64_t size);
/* The `have` bytes at head and all that still comes, to be freed; reading ends after more than
 * `most` bytes, *size says how many there are. NULL with a sentence on stderr. */
uint8_t *cli_read_rest(int fd, const char *path, const void *head, int64_t have, int64_t most,
                       int *size);
/* Writes a new file beside it under a name that nobody else uses, forces it to the disk and only
 * then puts it in place, with the mode of the file that was there, which becomes PATH.prev. 0, or
 * an exit code with a sentence on stderr; then the file is as it was. */
int cli_file_save(const char *path, const void *bytes, int64_t size);
/* Can there be a file of this name? 0, or 2 with a sentence. */
int cli_file_check(const char *path);

/* The folder, made where it is not there. 0, or 2 with a sentence. */
int cli_folder_make(const char *path);

/* A data set handle by --data (builtin when there is none) and the options that split it. Negative:
 * minus an exit code, the sentence on stderr. */
int cli_data_open(const cli_arguments *a);

#endif
