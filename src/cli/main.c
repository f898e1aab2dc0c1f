/*
 * kiln, the program: finds the command, answers --help and --version, and runs the build of the
 * other mode where --mode asks for it. Only kiln.h and the tools of base are used here.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/keyvalue.h"
#include "base/status.h"
#include "commands.h"
#include "events.h"
#include "files.h"
#include "help.h"
#include "kiln.h"
#include "run_log.h"
#include "say.h"

#define ALWAYS (CLI_BIT(CLI_JSON) | CLI_BIT(CLI_QUIET) | CLI_BIT(CLI_HELP) | CLI_BIT(CLI_MODE) | \
                CLI_BIT(CLI_THREADS))
#define CLI_PICTURES (CLI_BIT(CLI_DATA) | CLI_BIT(CLI_INPUT) | CLI_BIT(CLI_FIT))

typedef struct {
    cli_command command;
    int (*run)(cli_arguments *a);
} entry;

static const entry entries[] = {
    {{"train", "kiln train: trains a net.",
      "  kiln train\n"
      "  kiln train --net \"conv 5x5x16 - relu - maxpool 2 - affine 10 - softmax\" --epochs 5\n"
      "  kiln train --preset batchnorm --data cifar-10-binary.tar.gz --save best.safetensors\n"
      "  kiln train --resume best.safetensors --data cifar-10-binary.tar.gz --epochs 20\n"
      "  kiln train --init-from weights.safetensors --lr 0.001\n",
      "*",
      ALWAYS | CLI_PICTURES | CLI_BIT(CLI_PRESET) | CLI_BIT(CLI_SAVE) | CLI_BIT(CLI_RESUME) |
          CLI_BIT(CLI_INIT_FROM) | CLI_BIT(CLI_BEST) | CLI_BIT(CLI_LOG) |
          CLI_BIT(CLI_RECEIPT) | CLI_BIT(CLI_SPOTS) | CLI_BIT(CLI_PRINT),
      CLI_NONE}, cli_train},
    {{"sweep", "kiln sweep: runs of lists and ranges of options, as commands, or trained here.",
      "  kiln sweep --lr 0.1,0.01,0.001 --batch 32,64 --epochs 3\n"
      "  kiln sweep --lr 1e-4..1e-1:log --dropout 0..0.5 --random 20 --run\n"
      "  kiln sweep --lr 0.1,0.01 --seed 1..10 | parallel\n"
      "  kiln sweep --lr 0.1,0.01 --seed 1..10 --run --index $SLURM_ARRAY_TASK_ID\n",
      "*",
      ALWAYS | CLI_PICTURES | CLI_BIT(CLI_PRESET) | CLI_BIT(CLI_SAVE) |
          CLI_BIT(CLI_INIT_FROM) | CLI_BIT(CLI_BEST) | CLI_BIT(CLI_LOG) | CLI_BIT(CLI_RANDOM) |
          CLI_BIT(CLI_SEARCH_SEED) | CLI_BIT(CLI_INDEX) | CLI_BIT(CLI_RUN) | CLI_BIT(CLI_JOBS),
      CLI_NONE}, cli_sweep},
    {{"report", "kiln report: the logs of runs as a table, curves, a page, CSV.",
      "  kiln report runs/*.json\n"
      "  kiln report runs/*.json --html report.html --svg curves.svg\n"
      "  kiln report runs/*.json --csv > runs.csv\n",
      "", ALWAYS | CLI_BIT(CLI_HTML) | CLI_BIT(CLI_SVG) | CLI_BIT(CLI_CSV), CLI_FILES},
     cli_report},
    {{"verify", "kiln verify: trains what receipts claim again, and compares.",
      "  kiln verify run.json\n"
      "  kiln verify run.json --data cifar-10-binary.tar.gz --spot 3\n"
      "  kiln verify receipts/*.json --data cifar-10-binary.tar.gz --csv > verified.csv\n",
      "", ALWAYS | CLI_PICTURES | CLI_BIT(CLI_SPOT) | CLI_BIT(CLI_VERDICTS), CLI_FILES},
     cli_verify},
    {{"eval",
      "kiln eval: accuracy and confusion of a checkpoint, an export, or nearest neighbours.",
      "  kiln eval --resume model.safetensors\n"
      "  kiln eval model.safetensors --data cifar-10-binary.tar.gz --views 10\n"
      "  kiln eval model.safetensors --data cifar-10-binary.tar.gz --views 6 --share 0.25\n"
      "  kiln eval weights.npz --net \"affine 100 - relu - affine 10 - softmax\"\n"
      "  kiln eval --knn 5 --train 5000 --test 500 --data cifar-10-binary.tar.gz\n",
      " net train validation test data-seed ",
      ALWAYS | CLI_PICTURES | CLI_BIT(CLI_RESUME) | CLI_BIT(CLI_SPLIT) | CLI_BIT(CLI_VIEWS) |
          CLI_BIT(CLI_SHARE) | CLI_BIT(CLI_KNN),
      CLI_RESUME}, cli_eval},
    {{"predict", "kiln predict: what a model says of pictures, PNG or JPEG; - for standard input.",
      "  kiln predict model.safetensors cat.jpg dog.png\n"
      "  kiln predict model.safetensors pictures/*.png --top 1 --json\n"
      "  kiln predict model.safetensors - < cat.jpg\n"
      "  kiln predict model.safetensors cat.jpg --layers views\n",
      "", ALWAYS | CLI_BIT(CLI_VIEWS) | CLI_BIT(CLI_TOP) | CLI_BIT(CLI_FIT) |
          CLI_BIT(CLI_LAYERS_TO), CLI_FILES},
     cli_predict},
    {{"summary", "kiln summary: layers, shapes, parameters, work and memory of a net.",
      "  kiln summary \"[conv 3x3x32 - relu]x2 - maxpool 2 - affine 10 - softmax\"\n"
      "  kiln summary --preset residual --batch 64\n"
      "  kiln summary \"conv 11x11x96 stride 4 pad 0 - affine 10 - softmax\" --input 3x227x227\n",
      " net seed init batch freeze ",
      ALWAYS | CLI_BIT(CLI_PRESET) | CLI_BIT(CLI_INPUT) | CLI_BIT(CLI_STEPS), CLI_NET},
     cli_summary},
    {{"gradcheck", "kiln gradcheck: numeric gradients of every layer against the library's.",
      "  kiln gradcheck \"conv 3x3x4 - batchnorm - relu - maxpool 2 - affine 10 - softmax\"\n"
      "  kiln gradcheck --preset residual --input 3x8x8\n",
      " net seed init batch freeze ", ALWAYS | CLI_BIT(CLI_PRESET) | CLI_BIT(CLI_INPUT), CLI_NET},
     cli_gradcheck},
    {{"export", "kiln export: a checkpoint as a file for other programs.",
      "  kiln export model.safetensors --save weights.safetensors\n"
      "  kiln export model.safetensors --format npz --save weights.npz\n"
      "  kiln export model.safetensors --format onnx --save model.onnx\n"
      "  kiln export model.safetensors --format pytorch --save some/folder\n"
      "  kiln export model.safetensors --format csv > history.csv\n"
      "  kiln export model.safetensors --format json\n",
      "", ALWAYS | CLI_BIT(CLI_RESUME) | CLI_BIT(CLI_SAVE) | CLI_BIT(CLI_FORMAT), CLI_RESUME},
     cli_export},
    {{"bench", "kiln bench: images trained in a second.",
      "  kiln bench --preset convnetjs --threads 1\n"
      "  kiln bench --layers \"conv 7x7x32 - relu - maxpool 2 - affine 10 - softmax\" --batch 50\n",
      "*", ALWAYS | CLI_BIT(CLI_PRESET) | CLI_BIT(CLI_SECONDS) | CLI_BIT(CLI_LAYERS), CLI_NET},
     cli_bench},
    {{"data", "kiln data: what a set holds; pictures of it; the set as other files.",
      "  kiln data cifar-10-binary.tar.gz\n"
      "  kiln data --sheet sheet.ppm\n"
      "  kiln data builtin --train 5000 --save some/folder\n"
      "  kiln data train-images-idx3-ubyte.gz,train-labels-idx1-ubyte.gz --save mnist.kilnset\n",
      " train validation test data-seed ",
      ALWAYS | CLI_PICTURES | CLI_BIT(CLI_SHEET) | CLI_BIT(CLI_SAVE), CLI_DATA}, cli_data},
};
enum { ENTRIES = sizeof entries / sizeof *entries };

/* From the tables of base/status.h: a line a code, with the statuses that it stands for. */
static void print_exit_codes(FILE *out)
{
#define EXIT(exit_code, meaning) {exit_code, meaning},
#define STATUS(name, status, exit_code, cause, remedy) {exit_code, "E_" #name},
    static const struct {
        int code;
        const char *text;
    } exits[] = {KILN_EXITS(EXIT)}, statuses[] = {KILN_STATUSES(STATUS)};
#undef EXIT
#undef STATUS

    fprintf(out, "\nExit codes\n  0    done\n");
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++) {
        const char *before = "(";

        fprintf(out, "  %-3d  %s ", exits[i].code, exits[i].text);
        for (size_t k = 0; k < sizeof statuses / sizeof *statuses; k++) {
            if (statuses[k].code != exits[i].code) continue;
            fprintf(out, "%s%s", before, statuses[k].text);
            before = ", ";
        }
        fprintf(out, ")\n");
    }
    fprintf(out, "  %d  interrupted, and saved\n", CLI_INTERRUPTED);
}

static void print_help(FILE *out)
{
    fprintf(out,
            "kiln trains convolutional networks on CIFAR-10 and on a built-in set.\n\n"
            "Examples\n"
            "  kiln train\n"
            "  kiln train --net \"conv 5x5x16 - relu - maxpool 2 - affine 10 - softmax\" "
            "--save model.safetensors\n"
            "  kiln eval model.safetensors\n"
            "  kiln summary --preset residual\n"
            "  kiln bench --preset three-layer --layers\n\n"
            "Commands (kiln COMMAND --help)\n");
    for (int i = 0; i < ENTRIES; i++)
        fprintf(out, "  %-10s %s\n", entries[i].command.name,
                strchr(entries[i].command.line, ':') + 2);
    if (out == stdout) {
        printf("\nPresets (--preset NAME)\n");
        cli_help_presets(1);
    }
    print_exit_codes(out);
    fprintf(out, "kiln --completion bash (or zsh) prints a script for the shell, "
                 "kiln --manual FOLDER\nwrites manual pages.\n");
    fprintf(out, "An interrupted run (Ctrl-C, a closed terminal) is saved to its --save file, or "
                 "to\nkiln-interrupted.safetensors in the current folder.\n");
}

/* For `make install`: pages of the manual into a folder, or a completion on stdout. */
static int print_for_install(const char *option, const char *value)
{
    const cli_command *commands[ENTRIES];

    for (int i = 0; i < ENTRIES; i++) commands[i] = &entries[i].command;
    return strcmp(option, "--manual") == 0 ? help_manual(commands, ENTRIES, value)
                                           : help_completion(commands, ENTRIES, value);
}

static int print_version(void)
{
    printf("kiln %s (%s, %d lanes)\n", kiln_version(), kiln_mode(), kiln_lanes());
    return 0;
}

static int unknown_command(const char *word)
{
    const char *names[ENTRIES], *near;

    for (int i = 0; i < ENTRIES; i++) names[i] = entries[i].command.name;
    near = kiln_closest(word, names, ENTRIES);
    cli_say("kiln: there is no command \"%s\"", word);
    if (near)
        cli_say("; did you mean %s?\n", near);
    else
        cli_say("; kiln --help lists them\n");
    return CLI_USAGE;
}

/* --mode: becomes the program of the other mode, which lies beside this one. */
static int change_mode(const char *wanted, char **argv)
{
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
    char *name;

    if (strcmp(wanted, kiln_mode()) == 0) return 0;
    if (strcmp(wanted, "strict") != 0 && strcmp(wanted, "fused") != 0) {
        cli_say("kiln: --mode: strict or fused, not \"%s\"\n", wanted);
        return CLI_USAGE;
    }
    if (length > 0) {
        path[length] = 0;
        name = strrchr(path, '/') + 1;
        strcpy(name, strcmp(wanted, "fused") == 0 ? "kiln-fused" : "kiln");
        if (access(path, X_OK) == 0) {
            execv(path, argv);
            perror(path);
            return CLI_FAILED;
        }
    }
    cli_say("kiln: --mode: this program is %s, and the %s one is not beside it\n",
            kiln_mode(), wanted);
    return CLI_USAGE;
}

/* Is stdout for people to read, and not what --json, a file named - or a command asks for? */
static int is_for_people(const cli_arguments *a, const entry *e)
{
    static const int files[] = {CLI_SHEET, CLI_HTML, CLI_SVG};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (a->value[files[i]] && strcmp(a->value[files[i]], "-") == 0) return 0;
    return !a->value[CLI_JSON] && !a->value[CLI_CSV] && !a->value[CLI_VERDICTS] &&
           e->run != cli_export && e->run != cli_sweep;
}

/* A descriptor that is closed would become the next file's, and what is printed part of it: each of
 * the three is open, if only to fail. */
static void open_standard_files(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            exit(CLI_FAILED);
}

static int read_and_run(const entry *e, int argc, char **argv)
{
    static cli_arguments a;
    int code = cli_arguments_read(&a, &e->command, argc, argv);

    if (code) return code;
    if (a.value[CLI_HELP]) return cli_help(&e->command), 0;
    if ((code = cli_contradictions(&a))) return code;
    if (a.value[CLI_MODE] && (code = change_mode(a.value[CLI_MODE], argv - 1))) return code;
    if (is_for_people(&a, e) && a.value[CLI_QUIET] && !freopen("/dev/null", "w", stdout))
        return CLI_FAILED;
    code = e->run(&a);
    kiln_threads_use(1); /* ends the pool */
    return code;
}

static int run_command(const entry *e, int argc, char **argv)
{
    int code;

    if (e->run != cli_train) return read_and_run(e, argc, argv);
    cli_log_prepare(argc, argv);
    code = read_and_run(e, argc, argv);
    if (code) cli_log_failed(code);
    return cli_log_close(code);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    open_standard_files();
    if (argc > 0) cli_set_program(argv[0]);
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
        print_help(stdout);
        return cli_output_end(0);
    }
    if (!strcmp(word, "--version") || !strcmp(word, "-V")) return cli_output_end(print_version());
    if (argc == 3 && (!strcmp(word, "--manual") || !strcmp(word, "--completion")))
        return cli_output_end(print_for_install(word, argv[2]));
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of write() like any other */
    for (int i = 0; i < ENTRIES; i++)
        if (strcmp(entries[i].command.name, word) == 0)
            return cli_output_end(run_command(&entries[i], argc - 1, argv + 1));
    return unknown_command(word);
}
