/*
 * Reads a checkpoint and says what it takes an image for: here images of the built-in set, but any
 * 3x32x32 bytes will do.
 *
 *   cc predict_a_class.c $(pkg-config --cflags --libs kiln) -o predict_a_class
 *   ./predict_a_class model.safetensors 5
 */
#include <kiln.h>
#include <stdio.h>
#include <stdlib.h>

#define CLASSES 10
#define PIXELS (3 * 32 * 32)

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, kiln_error());
    return 1;
}

/* The whole file, to be given to kiln_free, or NULL. */
static uint8_t *read_file(const char *path, int *size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long length = -1;

    if (file && fseek(file, 0, SEEK_END) == 0) length = ftell(file);
    if (length > 0 && length < 100000000) bytes = (uint8_t *)kiln_alloc((int)length);
    if (bytes) rewind(file);
    if (bytes && fread(bytes, 1, (size_t)length, file) != (size_t)length) {
        kiln_free(bytes);
        bytes = NULL;
    }
    if (file) fclose(file);
    *size = (int)length;
    return bytes;
}

int main(int argc, char **argv)
{
    const int images = argc == 3 ? atoi(argv[2]) : 5;
    uint8_t pixels[PIXELS], *bytes;
    float probabilities[CLASSES];
    int data, run, size;

    if (argc < 2) return fprintf(stderr, "usage: %s model.safetensors [images]\n", argv[0]), 2;
    if (!(bytes = read_file(argv[1], &size))) return fprintf(stderr, "%s: no file\n", argv[1]), 1;
    if ((data = kiln_data_builtin("train=1\nvalidation=0\ntest=100\n")) < 0) return fail("data");
    run = kiln_trainer_load(data, bytes, size, NULL);
    kiln_free(bytes);
    if (run < 0) return fail(argv[1]);
    for (int i = 0; i < images; i++) {
        const int label = kiln_data_image(data, KILN_TEST, i, pixels);
        int best = 0;

        if (label < 0) return fail("image");
        if (kiln_trainer_predict(run, pixels, 1, 1, probabilities) < 0) return fail("predicting");
        for (int k = 1; k < CLASSES; k++)
            if (probabilities[k] > probabilities[best]) best = k;
        printf("image %d: class %d with probability %.3f; it is %d\n", i, best,
               (double)probabilities[best], label);
    }
    kiln_trainer_destroy(run);
    kiln_data_destroy(data);
    return 0;
}
