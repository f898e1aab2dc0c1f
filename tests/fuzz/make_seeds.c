/*
 * Writes the seeds of the fuzz targets that read what kiln writes: checkpoints of every update rule
 * and family of layers, and exports. They are made when built, so they are of today's format and
 * of today's built-in set; test_seeds.c proves that each loads. For the importer, the same net as
 * .npz and under PyTorch's names.
 *
 *   make_seeds FOLDER      writes FOLDER/checkpoint, /formats, /safetensors and /import
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/status.h"
#include "formats/formats.h"
#include "fuzz_data.h"
#include "train/checkpoint.h"

#define SMALL "net=conv 3x3x2 - relu - maxpool 8 - affine 10 - softmax\n"
#define NORMED "net=conv 3x3x2 - batchnorm - relu - avgpool 8 - affine 10 - svm\n"

static const struct {
    const char *name, *options;
    int steps;
} runs[] = {
    {"fresh", SMALL "optimizer=sgd\n", 0},
    {"sgd", SMALL "optimizer=sgd\nreg=0.01\n", 3},
    {"momentum", NORMED "optimizer=momentum\naugment=flip,crop4\nclip=1\n", 5},
    {"nesterov", SMALL "optimizer=nesterov\nschedule=cosine\nwarmup=1\n", 4},
    {"rmsprop", "net=avgpool 8 - affine 10 - softmax\noptimizer=rmsprop\n"
                "normalize=mean-image\n", 5},
    {"adam", NORMED "optimizer=adam\ndraw=replacement\ncheck-first=1\n", 5},
    {"adamw", "net=avgpool 8 - affine 4 - layernorm - gelu - dropout 0.5 - affine 10 - "
              "softmax\noptimizer=adamw\nweight-decay=0.01\ninit=gaussian 0.01\n", 5},
    {"muon", "net=conv 3x3x4 stride 4 - groupnorm 2 - residual(conv 1x1x4 - prelu) - avgpool - "
             "affine 10 - softmax smoothing 0.1\noptimizer=muon\nlr=0.02\n", 5},
};

/* 0, or 1 with a sentence. */
static int write_file(const char *folder, const char *target, const char *name, const char *kind,
                      const char *ending, const kiln_arena *file, size_t size)
{
    char path[400];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", folder, target);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return perror(path), 1;
    snprintf(path, sizeof path, "%s/%s/%s%s.%s", folder, target, name, kind, ending);
    out = fopen(path, "wb");
    if (!out || fwrite(file->base, 1, size, out) != size || fclose(out) != 0)
        return perror(path), 1;
    return 0;
}

static int write_seed(const char *folder, const char *name, kiln_run *r, int whole)
{
    static const char *const targets[] = {"checkpoint", "formats", "safetensors"};
    const char *kind = whole ? "" : "-export";
    kiln_arena file;
    size_t size;
    int failed = 0;

    if ((whole ? kiln_checkpoint_write : kiln_checkpoint_export)(r, "seed", &file, &size) < 0)
        return fprintf(stderr, "%s: %s\n", name, kiln_error()), 1;
    for (int i = 0; i < 3 && !failed; i++)
        failed = write_file(folder, targets[i], name, kind, "safetensors", &file, size);
    kiln_arena_destroy(&file);
    return failed;
}

/* The net of a checkpoint as .npz, and with other names of its tensors. */
static int write_foreign(const char *folder, const char *name, kiln_run *r)
{
    static const char *const modules[] = {"0.weight", "0.bias", "1.weight", "1.bias", "4.weight",
                                          "4.bias", "1.running_mean", "1.running_var"};
    kiln_safetensor t[8];
    kiln_arena file, other;
    kiln_safetensors f;
    kiln_bytes npz;
    size_t size, other_size;
    int failed;

    if (kiln_checkpoint_export(r, "seed", &file, &size) < 0 ||
        kiln_format_write(&npz, "npz", (uint8_t *)file.base, size) < 0 ||
        kiln_safetensors_read(&f, (uint8_t *)file.base, size, name) < 0)
        return fprintf(stderr, "%s: %s\n", name, kiln_error()), 1;
    for (int i = 0; i < 8; i++) t[i] = f.tensor[i], t[i].name = modules[i];
    t[4].shape[0] = f.tensor[4].shape[1], t[4].shape[1] = f.tensor[4].shape[0];
    if (kiln_safetensors_write(&other, &other_size, t, 8, NULL, 0) < 0)
        return fprintf(stderr, "%s: %s\n", name, kiln_error()), 1;
    failed = write_file(folder, "import", name, "", "npz", &npz.arena, npz.size) ||
             write_file(folder, "import", name, "", "safetensors", &other, other_size);
    kiln_safetensors_free(&f);
    kiln_arena_destroy(&file), kiln_arena_destroy(&other);
    kiln_bytes_free(&npz);
    return failed;
}

static int make_seed(const char *folder, const char *name, const char *options, int steps)
{
    kiln_train_options o;
    kiln_run *r;
    int failed = 0;

    kiln_train_options_default(&o);
    if (kiln_train_options_read(&o, "batch=4\ntrain=20\nepochs=9\n", KILN_OPTIONS_ALL) < 0 ||
        kiln_train_options_read(&o, options, KILN_OPTIONS_ALL) < 0 ||
        kiln_run_make(&r, fuzz_data(), &o) < 0)
        return fprintf(stderr, "%s: %s\n", name, kiln_error()), 1;
    for (int i = 0; i < steps && !failed; i++) failed = kiln_run_step(r) < 0;
    if (failed) fprintf(stderr, "%s: %s\n", name, kiln_error());
    failed = failed || write_seed(folder, name, r, 1) || write_seed(folder, name, r, 0);
    if (!failed && strstr(options, NORMED)) failed = write_foreign(folder, name, r);
    kiln_run_free(r);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc != 2) return fprintf(stderr, "make_seeds FOLDER\n"), 2;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (make_seed(argv[1], runs[i].name, runs[i].options, runs[i].steps)) return 1;
    return 0;
}
