/* kiln data: what a data set holds; a sheet of its images; any set as a kiln set or, where its
 * images are such, as CIFAR-10 files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"

#define CLASSES 1000
#define COLUMNS 16 /* images of a class on a sheet */
#define PIXELS (3 * 64 * 64) /* of an image, at most */
#define RECORD_PIXELS 3072   /* of one of CIFAR-10 */
#define SHEET_CLASSES 100
#define FILE_RECORDS 10000

static void print_numbers(const char *key)
{
    for (const char *v = cli_first(cli_field(kiln_text(), key)); v; v = cli_next(v))
        printf(" %.4f", cli_number(v));
    printf("\n");
}

static void print_info(int data)
{
    static const char *const split[] = {"train", "validation", "test"};
    char text[64], list[256];
    int classes = 0;

    if (kiln_data_info(data) < 0) return;
    printf("%s, images ", cli_field_text(text, sizeof text, kiln_text(), "name"));
    printf("%s\n", cli_field_raw(list, sizeof list, kiln_text(), "shape"));
    for (int i = 0; i < 3; i++)
        printf("%-12s %.0f images\n", split[i], cli_field_number(kiln_text(), split[i], 0));
    printf("%-12s", "classes");
    for (const char *c = cli_first(cli_field(kiln_text(), "classes")); c; c = cli_next(c))
        printf("%s%d %s", classes ? ", " : " ", classes, cli_text(text, sizeof text, c)), classes++;
    printf("\n%-12s", "mean");
    print_numbers("mean");
    printf("%-12s", "deviation");
    print_numbers("std");
    printf("%-12s %s\n", "hash", cli_field_text(text, sizeof text, kiln_text(), "hash"));
}

/* ---- a sheet --------------------------------------------------------------------------------- */

/* Channels, height, width, and the number of classes. */
typedef struct {
    int C, H, W, classes;
} shape;

static shape shape_of(int data)
{
    shape s = {0, 0, 0, 0};
    const char *number;

    if (kiln_data_info(data) < 0) return s;
    number = cli_first(cli_field(kiln_text(), "shape"));
    s.C = (int)cli_number(number);
    s.H = (int)cli_number(number = cli_next(number));
    s.W = (int)cli_number(cli_next(number));
    for (const char *c = cli_first(cli_field(kiln_text(), "classes")); c; c = cli_next(c))
        s.classes++;
    return s;
}

/* Grey ones with all three colours alike. */
static void put_image(uint8_t *sheet, int width, int row, int column, const uint8_t *image,
                      const shape *s)
{
    for (int h = 0; h < s->H; h++)
        for (int w = 0; w < s->W; w++)
            for (int c = 0; c < 3; c++)
                sheet[((row * (s->H + 2) + 1 + h) * width + column * (s->W + 2) + 1 + w) * 3 + c] =
                    image[((s->C == 1 ? 0 : c) * s->H + h) * s->W + w];
}

/* The first training images of each of the first classes, a row each, as a portable pixmap. */
static int write_sheet(int data, const char *path)
{
    const shape s = shape_of(data);
    const int width = COLUMNS * (s.W + 2), train = cli_split_count(data, KILN_TRAIN);
    const int classes = s.classes < SHEET_CLASSES ? s.classes : SHEET_CLASSES;
    const int height = classes * (s.H + 2);
    int found[CLASSES] = {0}, used, code;
    uint8_t image[PIXELS], *file;
    char head[64];

    used = snprintf(head, sizeof head, "P6\n%d %d\n255\n", width, height);
    file = calloc(1, (size_t)(used + 3 * width * height));
    if (!file) {
        fprintf(stderr, "kiln: no memory for %s\n", path);
        return CLI_NO_MEMORY;
    }
    memcpy(file, head, (size_t)used);
    for (int i = 0; i < train; i++) {
        const int label = kiln_data_image(data, KILN_TRAIN, i, image);

        if (label >= 0 && label < classes && found[label] < COLUMNS)
            put_image(file + used, width, label, found[label]++, image, &s);
    }
    code = cli_file_save(path, file, used + 3 * width * height);
    free(file);
    return code;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* `count` records, from image `first` of training and validation images in a row, or of the test
 * images. */
static int write_records(int data, const char *path, int test, int first, int count, int train)
{
    uint8_t *file = malloc((size_t)count * (RECORD_PIXELS + 1) + 1);
    int code;

    if (!file) {
        fprintf(stderr, "kiln: no memory for %s\n", path);
        return CLI_NO_MEMORY;
    }
    for (int i = 0; i < count; i++) {
        uint8_t *record = file + (size_t)i * (RECORD_PIXELS + 1);
        const int n = first + i;
        const int split = test ? KILN_TEST : n < train ? KILN_TRAIN : KILN_VALIDATION;

        record[0] = (uint8_t)kiln_data_image(data, split, split == KILN_VALIDATION ? n - train : n,
                                             record + 1);
    }
    code = cli_file_save(path, file, (int64_t)count * (RECORD_PIXELS + 1));
    free(file);
    return code;
}

static int is_batch(const struct dirent *entry)
{
    int number = 0, end = 0;

    if (strcmp(entry->d_name, "test_batch.bin") == 0) return 1;
    sscanf(entry->d_name, "data_batch_%3d.bin%n", &number, &end);
    return end > 0 && !entry->d_name[end];
}

/* Batches of a larger set that was here before would be read with this one: they become .prev, as
 * the files do that are written anew. */
static int set_aside(const char *folder, int files, int test)
{
    struct dirent **entry;
    char path[4500], before[4510];
    const int count = scandir(folder, &entry, is_batch, alphasort);
    int code = 0;

    for (int i = 0; i < count; i++) {
        int number = 0;

        sscanf(entry[i]->d_name, "data_batch_%d", &number);
        snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        snprintf(before, sizeof before, "%s.prev", path);
        free(entry[i]);
        if (code || (number ? number <= files : test > 0)) continue;
        if (rename(path, before) == 0) continue;
        fprintf(stderr, "kiln: %s: cannot be set aside: %s\n", path, strerror(errno));
        code = CLI_FAILED;
    }
    if (count >= 0) free(entry);
    return code;
}

static int write_files(int data, const char *folder)
{
    const int train = cli_split_count(data, KILN_TRAIN), test = cli_split_count(data, KILN_TEST);
    const int all = train + cli_split_count(data, KILN_VALIDATION);
    char path[4200];
    int code;

    if (test > FILE_RECORDS) {
        fprintf(stderr, "kiln: test_batch.bin holds %d images at most, not %d: --test %d\n",
                FILE_RECORDS, test, FILE_RECORDS);
        return CLI_USAGE;
    }
    if ((code = cli_folder_make(folder))) return code;
    code = set_aside(folder, (all + FILE_RECORDS - 1) / FILE_RECORDS, test);
    for (int first = 0, n = 1; first < all && code == 0; first += FILE_RECORDS, n++) {
        snprintf(path, sizeof path, "%s/data_batch_%d.bin", folder, n);
        code = write_records(data, path, 0, first,
                             all - first < FILE_RECORDS ? all - first : FILE_RECORDS, train);
    }
    snprintf(path, sizeof path, "%s/test_batch.bin", folder);
    if (code == 0 && test > 0) code = write_records(data, path, 1, 0, test, train);
    return code;
}

/* The header of a kiln set (src/data/kilnset.c); its length. Lists are as kiln_data_info's. */
static int put_header(char *head, size_t size, int data, int count)
{
    static char classes[CLASSES * 136];
    char name[136], list[64];
    int split[3];

    for (int i = 0; i < 3; i++) split[i] = cli_split_count(data, i);
    cli_field_raw(name, sizeof name, kiln_text(), "name");
    cli_field_raw(list, sizeof list, kiln_text(), "shape");
    cli_field_raw(classes, sizeof classes, kiln_text(), "classes");
    return snprintf(head, size, "KILNSET 1\n{\"name\":%s,\"shape\":%s,\"classes\":%s,"
                                "\"count\":%d,\"split\":[%d,%d,%d]}\n", name, list, classes, count,
                    split[0], split[1], split[2]);
}

/* One file, the splits as they are. */
static int write_kilnset(int data, const char *path)
{
    static char head[CLASSES * 136 + 512];
    const shape s = shape_of(data);
    const int labels = s.classes > 256 ? 2 : 1, bytes = labels + s.C * s.H * s.W;
    int count = 0, used, code;
    uint8_t *file, *record;

    for (int split = 0; split < 3; split++) count += cli_split_count(data, split);
    used = put_header(head, sizeof head, data, count);
    if (!(file = malloc((size_t)used + (size_t)count * (size_t)bytes))) {
        fprintf(stderr, "kiln: no memory for %s\n", path);
        return CLI_NO_MEMORY;
    }
    memcpy(file, head, (size_t)used);
    record = file + used;
    for (int split = 0; split < 3; split++)
        for (int i = 0, n = cli_split_count(data, split); i < n; i++, record += bytes) {
            const int label = kiln_data_image(data, split, i, record + labels);

            record[0] = (uint8_t)label;
            if (labels > 1) record[1] = (uint8_t)(label >> 8);
        }
    code = cli_file_save(path, file, record - file);
    free(file);
    return code;
}

static int save(int data, const char *path)
{
    const shape s = shape_of(data);
    const size_t length = strlen(path);

    if (length > 8 && strcmp(path + length - 8, ".kilnset") == 0) return write_kilnset(data, path);
    if (s.C == 3 && s.H == 32 && s.W == 32 && s.classes <= 10) return write_files(data, path);
    fprintf(stderr, "kiln: %s: CIFAR-10's files hold 3x32x32 pixels and ten classes, this set "
                    "%dx%dx%d and %d; name a file that ends in .kilnset\n", path, s.C, s.H, s.W,
            s.classes);
    return CLI_USAGE;
}

int cli_data(cli_arguments *a)
{
    const char *sheet = a->value[CLI_SHEET];
    const int to_stdout = sheet && strcmp(sheet, "-") == 0;
    int code = cli_use_threads(a), data;

    if (code) return code;
    if (to_stdout && a->value[CLI_JSON]) {
        fprintf(stderr, "kiln data: --sheet - and --json both want stdout; name a file\n");
        return CLI_USAGE;
    }
    if (sheet && (code = cli_file_check(sheet))) return code;
    data = cli_data_open(a);
    if (data < 0) return -data;
    if (sheet) code = write_sheet(data, sheet);
    if (code == 0 && a->value[CLI_SAVE]) code = save(data, a->value[CLI_SAVE]);
    if (code == 0 && a->value[CLI_JSON] && kiln_data_info(data) >= 0)
        printf("%s\n", kiln_text());
    else if (code == 0 && !a->value[CLI_QUIET] && !to_stdout)
        print_info(data);
    kiln_data_destroy(data);
    return code;
}
