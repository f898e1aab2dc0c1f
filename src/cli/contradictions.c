/* Options that cannot hold together, told before anything is read or trained. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "arguments.h"
#include "files.h"
#include "run_log.h"
#include "say.h"

/* Two options of the program of which only one has a meaning, and why. */
static const struct {
    int one, other;
    const char *reason;
} pairs[] = {
    {CLI_RESUME, CLI_PRESET, "a checkpoint has its own net and options"},
    {CLI_RESUME, CLI_INIT_FROM, "one goes on with a run, the other begins a new one"},
    {CLI_INIT_FROM, CLI_PRESET, "the file has its own net"},
    {CLI_KNN, CLI_RESUME, "nearest neighbours have no checkpoint"},
    {CLI_KNN, CLI_VIEWS, "nearest neighbours look at an image once"},
    {CLI_KNN, CLI_SPLIT, "nearest neighbours are sought for test images"},
};

/* Options of files that a run writes. */
static const int written[][2] = {
    {CLI_LOG, CLI_SAVE}, {CLI_LOG, CLI_RECEIPT}, {CLI_SAVE, CLI_RECEIPT}};

static int refuse(const char *one, const char *other, const char *reason)
{
    cli_say("kiln: --%s and --%s contradict each other: %s\n", one, other, reason);
    return CLI_USAGE;
}

/* Of two paths, which may be spelled differently: one name, in one folder. */
static int is_one_file(const char *one, const char *other)
{
    const char *name[2];
    struct stat folder[2];

    if (!one || !other) return 0;
    for (int i = 0; i < 2; i++) {
        const char *path = i ? other : one, *slash = strrchr(path, '/');
        char copy[4096];

        name[i] = slash ? slash + 1 : path;
        snprintf(copy, sizeof copy, "%.*s", slash ? (int)(slash + 1 - path) : 1,
                 slash ? path : ".");
        if (stat(copy, &folder[i]) < 0) return strcmp(one, other) == 0; /* it is still to be made */
    }
    return strcmp(name[0], name[1]) == 0 && folder[0].st_dev == folder[1].st_dev &&
           folder[0].st_ino == folder[1].st_ino;
}

static int is_stdin(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* How many of the files that are to be read are "-". */
static int count_stdin(const cli_arguments *a)
{
    int count = is_stdin(a->value[CLI_DATA]) + is_stdin(a->value[CLI_RESUME]) +
                is_stdin(a->value[CLI_INIT_FROM]);

    for (int i = 0; i < a->bare_count; i++) count += is_stdin(a->bare[i]);
    return count;
}

int cli_contradictions(const cli_arguments *a)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (a->value[pairs[i].one] && a->value[pairs[i].other])
            return refuse(cli_own_name(pairs[i].one), cli_own_name(pairs[i].other),
                          pairs[i].reason);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        const int one = written[i][0], other = written[i][1];

        if (!is_one_file(a->value[one], a->value[other])) continue;
        cli_log_leave(); /* the refusal is not written there either */
        return refuse(cli_own_name(one), cli_own_name(other), "both would write one file");
    }
    if (a->value[CLI_SHARE] && !a->value[CLI_VIEWS]) {
        cli_say("kiln: --share: of which views? Name their number by --views\n");
        return CLI_USAGE;
    }
    if (a->value[CLI_SPOTS] && !a->value[CLI_RECEIPT]) {
        cli_say("kiln: --spots: checkpoints lie beside a receipt; name it by --receipt\n");
        return CLI_USAGE;
    }
    if (a->value[CLI_INIT_FROM] && cli_given(a, "init", NULL, 0))
        return refuse("init-from", "init", "the first weights are the file's");
    if (count_stdin(a) > 1) {
        cli_say("kiln: - is standard input, which can be read once; name files for the others\n");
        return CLI_USAGE;
    }
    return 0;
}
