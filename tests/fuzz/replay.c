/*
 * Runs a fuzz target without libFuzzer: over the files of its corpus, and over mutations of them.
 *
 * `make test-c` links this with each fuzz_*.c under the sanitizers, so that inputs which once broke
 * something stay fixed on any compiler. The mutations are drawn from a fixed seed: the same ones in
 * every run, a shallow stand-in for `make fuzz`.
 *
 *   replay-NAME [FILE | FOLDER]...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    LONGEST = 1 << 20,       /* bytes of an input; the rest of a longer file is not read */
    MUTATIONS_OF_FILE = 200, /* of each file of the corpus */
    RANDOM_INPUTS = 2000     /* from nothing */
};

static uint8_t buffer[LONGEST];
static long inputs;

/* xorshift64: all a mutation needs. */
static uint32_t draw(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15u;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 32);
}

/* The target gets a block of exactly its size, so that reading past the end is seen. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);

    if (!exact) abort();
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    inputs++;
}

/* One of: a changed bit, a changed byte, a cut, a repeated end. */
static void run_mutation(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(2 * size + 1);
    size_t length = size;

    if (!copy) abort();
    memcpy(copy, data, size);
    for (int changes = 1 + (int)(draw() % 4); changes > 0 && length > 0; changes--) {
        const size_t at = draw() % length;

        switch (draw() % 4) {
        case 0: copy[at] ^= (uint8_t)(1u << (draw() % 8)); break;
        case 1: copy[at] = (uint8_t)draw(); break;
        case 2: length = at; break;
        default:
            if (2 * length - at <= 2 * size) {
                memcpy(copy + length, copy + at, length - at);
                length += length - at;
            }
        }
    }
    run(copy, length);
    free(copy);
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        perror(path);
        return -1;
    }
    size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    run(buffer, size);
    for (int i = 0; i < MUTATIONS_OF_FILE; i++) run_mutation(buffer, size);
    return 0;
}

static int run_path(const char *path)
{
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, alphasort);
    int result = 0;

    if (count < 0) return run_file(path);
    for (int i = 0; i < count; i++) {
        char inner[4096];

        snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        if (result == 0 && entries[i]->d_name[0] != '.') result = run_path(inner);
        free(entries[i]);
    }
    free(entries);
    return result;
}

int main(int argc, char **argv)
{
    run((const uint8_t *)"", 0);
    for (int i = 0; i < RANDOM_INPUTS; i++) {
        uint8_t bytes[64];
        const size_t size = draw() % sizeof bytes;

        for (size_t j = 0; j < size; j++) bytes[j] = (uint8_t)draw();
        run(bytes, size);
    }
    for (int i = 1; i < argc; i++)
        if (run_path(argv[i]) < 0) return 1;
    printf("replayed %ld inputs\n", inputs);
    return 0;
}
