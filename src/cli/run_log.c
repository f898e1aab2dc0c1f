/* The log of a training run; see run_log.h. */
#include "run_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "events.h"
#include "files.h"
#include "kiln.h"
#include "say.h"

#define PATH_SIZE 4096

static struct {
    int count; /* words of the command */
    char **words;
    const char *path; /* NULL: no log is wanted */
    int json;
    FILE *file;
    int failure; /* errno of the first line that was not taken */
    int step;    /* that the run reached; -1: it took none */
    int done;    /* its last line was told */
} current = {.step = -1};

void cli_log_prepare(int argc, char **argv)
{
    current.count = argc;
    current.words = argv;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0) break;
        if (strcmp(argv[i], "--json") == 0) current.json = 1;
        if (strcmp(argv[i], "--log") == 0 && i + 1 < argc) current.path = argv[++i];
        if (strncmp(argv[i], "--log=", 6) == 0) current.path = argv[i] + 6;
    }
    if (current.path && !*current.path) current.path = NULL;
}

/* Each folder on the way; what cannot be made is told when the file is. */
static void make_folders(const char *path)
{
    char folder[PATH_SIZE];

    for (const char *p = path; (p = strchr(p, '/')); p++) {
        if (p == path || p - path >= PATH_SIZE) continue;
        snprintf(folder, sizeof folder, "%.*s", (int)(p - path), path);
        mkdir(folder, 0777);
    }
}

static int complain(const char *what)
{
    cli_say("kiln: %s: %s: %s\n", current.path, what, strerror(errno));
    current.path = NULL; /* nothing of it can be told there */
    return CLI_FAILED;
}

/* The file before keeps its second name, as a checkpoint's does. */
static int keep_previous(void)
{
    char before[PATH_SIZE + 8];
    struct stat about;

    if (stat(current.path, &about) < 0 || !S_ISREG(about.st_mode)) return 0;
    snprintf(before, sizeof before, "%s.prev", current.path);
    return rename(current.path, before);
}

static void print_run(void)
{
    kiln_json *j = cli_event("run");

    kiln_json_string(j, "version", kiln_version());
    kiln_json_string(j, "mode", kiln_mode());
    kiln_json_array(j, "command");
    for (int i = 0; i < current.count; i++) {
        char word[PATH_SIZE];

        snprintf(word, sizeof word, "%s", current.words[i]);
        kiln_json_string(j, NULL, cli_clean(word));
    }
    kiln_json_close(j);
    cli_log_line(cli_event_text(j));
}

int cli_log_open(void)
{
    if (!current.path || current.file) return 0;
    if (strlen(current.path) >= PATH_SIZE) {
        errno = ENAMETOOLONG;
        return complain("cannot be written");
    }
    make_folders(current.path);
    if (keep_previous() < 0) return complain("cannot be set aside");
    if (!(current.file = fopen(current.path, "w"))) return complain("cannot be written");
    print_run();
    return 0;
}

void cli_log_leave(void)
{
    current.path = NULL;
}

void cli_log_line(const char *object)
{
    if (!object || !current.file || current.failure) return;
    errno = 0;
    if (fprintf(current.file, "%s\n", object) >= 0 && fflush(current.file) == 0) return;
    current.failure = errno ? errno : EIO;
    fprintf(stderr, "kiln: %s: cannot be written: %s; training goes on without it\n", current.path,
            strerror(current.failure));
}

void cli_log_reached(int step)
{
    current.step = step;
}

void cli_log_done(void)
{
    current.done = 1;
}

void cli_log_failed(int code)
{
    const char *text;
    kiln_json *j;

    if (current.done || (cli_log_open() != 0 && !current.json)) return;
    j = cli_event("failed");
    kiln_json_int(j, "exit", code);
    kiln_json_string(j, "reason", cli_said());
    if (current.step >= 0) kiln_json_int(j, "step", current.step);
    if (!(text = cli_event_text(j))) return;
    if (current.json) cli_event_print(text);
    cli_log_line(text);
}

int cli_log_close(int code)
{
    if (!current.file) return code;
    if (fclose(current.file) != 0 && !current.failure) current.failure = errno;
    current.file = NULL;
    if (!current.failure || code) return code;
    cli_say("kiln: %s: cannot be written: %s\n", current.path, strerror(current.failure));
    return CLI_FAILED;
}
