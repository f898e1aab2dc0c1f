/*
 * Trains a small convnet on the built-in set and saves a checkpoint, which `kiln eval` and
 * predict_a_class.c read.
 *
 *   cc train_a_net.c $(pkg-config --cflags --libs kiln) -o train_a_net
 *   ./train_a_net model.safetensors
 */
#include <kiln.h>
#include <stdio.h>

/* Says what went wrong; the exit code. */
static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, kiln_error());
    return 1;
}

static int save(int run, const char *path)
{
    const int size = kiln_trainer_save(run);
    FILE *file;
    size_t written;

    if (size < 0) return fail("saving");
    if (!(file = fopen(path, "wb"))) return perror(path), 1;
    written = fwrite(kiln_trainer_saved(run), 1, (size_t)size, file);
    if (fclose(file) != 0 || written != (size_t)size) return perror(path), 1;
    return 0;
}

int main(int argc, char **argv)
{
    const char *data_options = "train=1000\nvalidation=200\ntest=0\n";
    const char *options = "net=conv 3x3x8 - relu - maxpool 4 - affine 10 - softmax\n"
                          "epochs=2\noptimizer=adam\nlr=0.005\n";
    int data, run, flags = 0;

    if (argc != 2) return fprintf(stderr, "usage: %s model.safetensors\n", argv[0]), 2;
    kiln_threads_use(2); /* before anything is made; results do not depend on it */
    if ((data = kiln_data_builtin(data_options)) < 0) return fail("data");
    if ((run = kiln_trainer_create(data, options)) < 0) return fail("trainer");
    while (!(flags & KILN_DONE)) {
        if ((flags = kiln_trainer_step(run)) < 0) return fail("step");
        if (!(flags & KILN_EPOCH)) continue;
        if (kiln_trainer_metrics(run) < 0) return fail("metrics");
        puts(kiln_text()); /* {"step":..,"trainLoss":..,"valAccuracy":..} */
    }
    if (save(run, argv[1])) return 1;
    kiln_trainer_destroy(run);
    kiln_data_destroy(data);
    return 0;
}
