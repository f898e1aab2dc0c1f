/* Reading the command line by getopt_long, over a table made of kiln_options() and our own. */
#include "arguments.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyvalue.h"
#include "fields.h"
#include "kiln.h"
#include "say.h"

#define NAMES_MAX 96
#define FIRST_LIBRARY 1000 /* getopt's value of the first library option */

typedef struct {
    const char *name;
    char letter; /* short form, or 0 */
    const char *value; /* what stands for its value in the help; NULL: a flag */
    const char *help;
} own_option;

static const own_option own[CLI_OPTIONS] = {
    [CLI_DATA] = {"data", 0, "SET", "builtin, or CIFAR-10, CIFAR-100, MNIST, a kiln set: an "
                                    "archive, a folder, files (a,b; train=a,test=b where names do "
                                    "not tell), - for stdin; or a folder of folders of PNG and "
                                    "JPEG pictures, a class each"},
    [CLI_PRESET] = {"preset", 0, "NAME", "a net with options that train it well"},
    [CLI_SAVE] = {"save", 0, "FILE", "the file to write (train: a checkpoint, at the end of each "
                                     "epoch and of the run; data: a folder)"},
    [CLI_RESUME] = {"resume", 0, "FILE", "the checkpoint to go on from (eval: also weights alone)"},
    [CLI_INIT_FROM] = {"init-from", 0, "FILE", "begin a new run with the weights of a checkpoint, "
                                               "an export, or, with --net, PyTorch's safetensors "
                                               "or NumPy's .npz"},
    [CLI_BEST] = {"best", 0, NULL, "end with the parameters of the best validation accuracy"},
    [CLI_SPLIT] = {"split", 0, "NAME", "train, validation or test (the default)"},
    [CLI_VIEWS] = {"views", 0, "N", "average over 1, 2 (flips), 6 or 10 (flips, shifts) views (as "
                                    "the run's eval-views)"},
    [CLI_SHARE] = {"share", 0, "S", "of --views: the least confident share of the images gets "
                                    "them, 0..1, the others one (1)"},
    [CLI_KNN] = {"knn", 0, "K", "nearest neighbours on raw pixels instead of a net"},
    [CLI_STEPS] = {"steps", 0, NULL, "what is fused with what, and what has no buffer"},
    [CLI_INPUT] = {"input", 0, "CxHxW", "size of an image, also of what pictures become "
                                        "(3x32x32; 1x28x28 is grey)"},
    [CLI_FIT] = {"fit", 0, "HOW", "pictures of other proportions: crop (about the middle) or pad "
                                  "(with white)"},
    [CLI_TOP] = {"top", 0, "N", "the N likeliest classes of a picture (5)"},
    [CLI_FORMAT] = {"format", 0, "KIND", "safetensors, npz, onnx, csv, json, markdown, latex .."},
    [CLI_SHEET] = {"sheet", 0, "FILE.ppm", "write a picture: sixteen images of each class"},
    [CLI_SECONDS] = {"seconds", 0, "S", "measure for so long (2)"},
    [CLI_LAYERS] = {"layers", 0, NULL, "time, GFLOP/s and share of each layer"},
    [CLI_LAYERS_TO] = {"layers", 0, "DIR", "write what each layer makes of each picture, outputs "
                                           "and gradients, into this folder as PNG files"},
    [CLI_THREADS] = {"threads", 0, "N", "threads (all cores); results do not depend on it"},
    [CLI_MODE] = {"mode", 0, "MODE", "strict or fused multiply-add arithmetic"},
    [CLI_LOG] = {"log", 0, "FILE", "write options, epochs and the end of a run, a JSON object a "
                                   "line, for kiln report (sweep: runs/{}.json; {} is the index)"},
    [CLI_RANDOM] = {"random", 0, "N", "N runs drawn from lists and ranges, instead of all of a "
                                      "grid"},
    [CLI_SEARCH_SEED] = {"search-seed", 0, "N", "what --random draws (1)"},
    [CLI_INDEX] = {"index", 0, "I", "run number I alone, from 1"},
    [CLI_RUN] = {"run", 0, NULL, "train them here, instead of printing the commands"},
    [CLI_JOBS] = {"jobs", 0, "N", "runs at a time (all cores)"},
    [CLI_HTML] = {"html", 0, "FILE.html", "write a page that needs nothing else"},
    [CLI_SVG] = {"svg", 0, "FILE.svg", "write the curves as a picture"},
    [CLI_CSV] = {"csv", 0, NULL, "a line a run on stdout, with all options"},
    [CLI_VERDICTS] = {"csv", 0, NULL, "a row a receipt: file, preset, claimed test accuracy, "
                                      "verified, reason, data set, test images; verified is yes, "
                                      "no, or unchecked for what could not be tried (another "
                                      "mode, no --data, no receipt)"},
    [CLI_RECEIPT] = {"receipt", 0, "FILE", "write what kiln verify needs to check the run"},
    [CLI_SPOTS] = {"spots", 0, NULL, "a checkpoint an epoch beside the receipt, for --spot"},
    [CLI_SPOT] = {"spot", 0, "E", "check the epoch after E alone, from the checkpoint of E beside "
                                  "the receipt (0: from the start)"},
    [CLI_PRINT] = {"print", 0, "WHAT", "print the set-up as a link of the page, a tag or a "
                                       "command, and train nothing: link | tag | command"},
    [CLI_JSON] = {"json", 0, NULL, "one JSON object a line on stdout"},
    [CLI_QUIET] = {"quiet", 'q', NULL, "print errors, and what --json or a file - asks for, alone"},
    [CLI_HELP] = {"help", 'h', NULL, "this text"},
    [CLI_VERSION] = {"version", 'V', NULL, "version, mode and vector width"},
};

/* All names of a command, ours first, for getopt and for suggestions. */
typedef struct {
    struct option option[NAMES_MAX];
    char text[NAMES_MAX][32];
    const char *name[NAMES_MAX];
    int count;
} name_table;

char cli_own(int option, const char **value, const char **help)
{
    *value = own[option].value;
    *help = own[option].help;
    return own[option].letter;
}

static const char *program = "kiln";

void cli_set_program(const char *name)
{
    program = name;
}

const char *cli_program(void)
{
    return program;
}

const char *cli_own_name(int option)
{
    return own[option].name;
}

/* ---- the table ------------------------------------------------------------------------------- */

int cli_takes(const cli_command *command, const char *name)
{
    char word[48];

    if (strcmp(command->library, "*") == 0) return 1;
    snprintf(word, sizeof word, " %s ", name);
    return strstr(command->library, word) != NULL;
}

static void add_name(name_table *t, const char *name, int argument, int value)
{
    if (t->count >= NAMES_MAX - 1) return;
    snprintf(t->text[t->count], sizeof t->text[0], "%s", name);
    t->name[t->count] = t->text[t->count];
    t->option[t->count] = (struct option){t->text[t->count], argument, NULL, value};
    t->option[++t->count] = (struct option){0};
}

static int fill_names(name_table *t, const cli_command *command)
{
    t->count = 0;
    for (int i = 0; i < CLI_OPTIONS; i++)
        if (command->own & CLI_BIT(i))
            add_name(t, own[i].name, own[i].value ? required_argument : no_argument, i);
    if (kiln_options() < 0) return 1;
    for (const char *row = cli_first(kiln_text()); row; row = cli_next(row)) {
        char name[32], type[16];

        cli_field_text(name, sizeof name, row, "name");
        cli_field_text(type, sizeof type, row, "type");
        if (cli_takes(command, name))
            add_name(t, name, strcmp(type, "flag") ? required_argument : optional_argument,
                     FIRST_LIBRARY + t->count);
    }
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

int cli_arguments_add(cli_arguments *a, const char *key, const char *value)
{
    const size_t used = strlen(a->text);

    if (strchr(value, '\n') || used + strlen(key) + strlen(value) + 3 > sizeof a->text) {
        cli_say("kiln: --%s: the value is too long, or more than one line\n", key);
        return 2;
    }
    sprintf(a->text + used, "%s=%s\n", key, value);
    return 0;
}

static int refuse(const cli_command *command, const name_table *t, const char *word)
{
    char name[64];
    const char *near;
    int matches = 0;

    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    for (int i = 0; i < t->count && strncmp(name, "--", 2) == 0; i++)
        matches += strncmp(t->name[i], name + 2, strlen(name + 2)) == 0;
    if (matches > 1) {
        cli_say("kiln %s: %s is short for several options; write it out\n", command->name,
                name);
        return 2;
    }
    for (int i = 0; i < t->count && strchr(word, '='); i++) /* getopt_long refuses these too */
        if (strcmp(t->name[i], name + strspn(name, "-")) == 0) {
            cli_say("kiln %s: %s takes no value\n", command->name, name);
            return 2;
        }
    near = kiln_closest(name + strspn(name, "-"), t->name, t->count);
    cli_say("kiln %s: unknown option %s", command->name, name);
    if (near)
        cli_say("; did you mean --%s?\n", near);
    else
        cli_say("; kiln %s --help lists them\n", command->name);
    return 2;
}

/* Most likely a variable of a script that is not set. */
static int refuse_empty(const cli_command *command, int option)
{
    cli_say("kiln %s: the value of --%s is empty\n", command->name, own[option].name);
    return 2;
}

static int take_bare(cli_arguments *a, const cli_command *command, const char *word)
{
    if (command->positional == CLI_NET && !cli_given(a, "net", NULL, 0))
        return cli_arguments_add(a, "net", word);
    if (command->positional >= 0 && !a->value[command->positional]) {
        if (!*word) return refuse_empty(command, command->positional);
        a->value[command->positional] = word;
        return 0;
    }
    cli_say("kiln %s: what is \"%s\"? Options begin with --\n", command->name, word);
    return 2;
}

/* The word that getopt_long did not know, which it has gone past; but not yet where letters follow
 * the one it did not know, "-xq". */
static const char *refused_word(int argc, char **argv)
{
    const char *next = optind < argc ? argv[optind] : "";

    return next[0] == '-' && next[1] != '-' && optopt > 0 && strchr(next, optopt) ? next
                                                                              : argv[optind - 1];
}

int cli_arguments_read(cli_arguments *a, const cli_command *command, int argc, char **argv)
{
    static name_table t;
    int found;

    memset(a, 0, sizeof *a);
    if (fill_names(&t, command)) return 1;
    opterr = 0;
    optind = 1;
    while ((found = getopt_long(argc, argv, ":hqV", t.option, NULL)) != -1) {
        if (found == ':') {
            cli_say("kiln %s: %s wants a value\n", command->name, argv[optind - 1]);
            return 2;
        }
        if (found == '?') return refuse(command, &t, refused_word(argc, argv));
        for (int i = 0; i < CLI_OPTIONS; i++)
            if (own[i].letter && own[i].letter == found) found = i;
        if (found < CLI_OPTIONS && optarg && !*optarg) return refuse_empty(command, found);
        if (found < CLI_OPTIONS)
            a->value[found] = optarg ? optarg : "1";
        else if (cli_arguments_add(a, t.name[found - FIRST_LIBRARY], optarg ? optarg : "1"))
            return 2;
    }
    if (command->positional == CLI_FILES) {
        a->bare = argv + optind;
        a->bare_count = argc - optind;
        return 0;
    }
    for (; optind < argc; optind++)
        if (take_bare(a, command, argv[optind])) return 2;
    return 0;
}

/* ---- asking ---------------------------------------------------------------------------------- */

const char *cli_given(const cli_arguments *a, const char *key, char *value, int size)
{
    const size_t length = strlen(key);
    const char *found = NULL;

    for (const char *line = a->text; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, key, length) == 0 && line[length] == '=') found = line + length + 1;
    if (found && value) snprintf(value, (size_t)size, "%.*s", (int)strcspn(found, "\n"), found);
    return found ? (value ? value : found) : NULL;
}

void cli_arguments_pick(const cli_arguments *a, const char *keys, char *text, int size)
{
    int used = 0;

    text[0] = 0;
    for (const char *line = a->text; *line; line = strchr(line, '\n') + 1) {
        const int length = (int)(strchr(line, '\n') + 1 - line);
        char word[48];

        snprintf(word, sizeof word, " %.*s ", (int)strcspn(line, "="), line);
        if (!strstr(keys, word) || used + length >= size) continue;
        memcpy(text + used, line, (size_t)length);
        text[used += length] = 0;
    }
}

int cli_own_int(const cli_arguments *a, int option, int min, int max, int *out)
{
    char *end;
    long value;

    if (!a->value[option]) return 0;
    value = strtol(a->value[option], &end, 10);
    if (end == a->value[option] || *end || value < min || value > max) {
        cli_say("kiln: --%s: \"%s\" is no whole number from %d to %d\n", own[option].name,
                a->value[option], min, max);
        return 2;
    }
    *out = (int)value;
    return 0;
}

int cli_own_share(const cli_arguments *a, int option, double *out)
{
    char *end;
    double value;

    if (!a->value[option]) return 0;
    value = strtod(a->value[option], &end);
    if (end == a->value[option] || *end || !(value >= 0 && value <= 1)) {
        cli_say("kiln: --%s: \"%s\" is no share from 0 to 1\n", own[option].name,
                a->value[option]);
        return 2;
    }
    *out = value;
    return 0;
}
