/*
 * A folder of folders of pictures as a data set: each folder a class by its name, in the order of
 * the names' bytes. They are gathered as a kiln set (src/data/kilnset.c) in memory, which the
 * library splits by its seed, of every class its share.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "files.h"
#include "kiln.h"
#include "pictures.h"
#include "say.h"

#define PATH_SIZE 4096
#define CLASSES_MOST 1000
#define NAME_MOST 63 /* bytes of the name of a class */
#define BYTES_MOST 200000000 /* of records */
#define LISTED 10 /* files that were left out */
#define FEW 10    /* pictures of a class */
#define SIDE_MOST 64

int cli_form_read(cli_form *form, const cli_arguments *a)
{
    const char *input = a->value[CLI_INPUT], *fit = a->value[CLI_FIT];
    int end = 0;

    *form = (cli_form){3, 32, 32, CLI_FIT_CROP};
    if (input && (sscanf(input, "%1dx%2dx%2d%n", &form->C, &form->H, &form->W, &end) != 3 ||
                  input[end] || (form->C != 1 && form->C != 3) || form->H < 1 ||
                  form->H > SIDE_MOST || form->W < 1 || form->W > SIDE_MOST)) {
        cli_say("kiln: --input: pictures become 1xHxW (grey) or 3xHxW, H and W from 1 to %d, not "
                "\"%s\"\n", SIDE_MOST, input);
        return CLI_USAGE;
    }
    if (fit && strcmp(fit, "crop") != 0 && strcmp(fit, "pad") != 0) {
        cli_say("kiln: --fit: \"%s\" is neither crop nor pad\n", fit);
        return CLI_USAGE;
    }
    if (fit && strcmp(fit, "pad") == 0) form->fit = CLI_FIT_PAD;
    return 0;
}

/* What is gathered. */
typedef struct {
    const cli_form *form;
    uint8_t *records;
    size_t used, capacity;
    int classes, class_count[CLASSES_MOST + 1], count, left_out;
    char *class_name[CLASSES_MOST];
} gathering;

static size_t pixels_of(const cli_form *form)
{
    return (size_t)(form->C * form->H * form->W);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strcmp(entry->d_name, "Thumbs.db") != 0 &&
           strcmp(entry->d_name, "desktop.ini") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* 'd', 'f', or 0 for anything else, also for paths that are too long. */
static int kind_of(char *path, const char *folder, const char *name)
{
    struct stat about;

    if (snprintf(path, PATH_SIZE, "%s/%s", folder, name) >= PATH_SIZE) return 0;
    if (stat(path, &about) < 0) return 0;
    return S_ISDIR(about.st_mode) ? 'd' : S_ISREG(about.st_mode) ? 'f' : 0;
}

static int is_named_picture(const char *name)
{
    static const char *const ends[] = {"png", "jpg", "jpeg", "PNG", "JPG", "JPEG", "Jpg", "Png"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof ends / sizeof *ends; i++)
        if (strcmp(dot + 1, ends[i]) == 0) return 1;
    return 0;
}

static void free_entries(struct dirent **entry, int count)
{
    for (int i = 0; i < count; i++) free(entry[i]);
    if (count >= 0) free(entry);
}

int cli_pictures_are_in(const char *folder)
{
    char path[PATH_SIZE], inner[PATH_SIZE];
    struct dirent **entry, **file;
    const int count = scandir(folder, &entry, is_visible, by_bytes);
    int found = 0;

    for (int i = 0; i < count && !found; i++) {
        if (kind_of(path, folder, entry[i]->d_name) != 'd') continue;

        const int files = scandir(path, &file, is_visible, by_bytes);

        for (int k = 0; k < files && !found; k++)
            found = is_named_picture(file[k]->d_name) &&
                    kind_of(inner, path, file[k]->d_name) == 'f';
        free_entries(file, files);
    }
    free_entries(entry, count);
    return found;
}

static void leave_out(gathering *g, const char *path, const char *why)
{
    g->left_out++;
    if (g->left_out <= LISTED) cli_say("kiln: left out: %s: %s\n", path, why);
}

static int grow(gathering *g, size_t more)
{
    uint8_t *larger;

    if (g->used + more > BYTES_MOST) {
        cli_say("kiln: more pictures than a data set may have: %d MB at this size\n",
                BYTES_MOST / 1000000);
        return CLI_BAD_DATA;
    }
    if (g->used + more <= g->capacity) return 0;
    g->capacity = 2 * (g->used + more);
    if (!(larger = realloc(g->records, g->capacity))) {
        cli_say("kiln: no memory for the pictures\n");
        return CLI_NO_MEMORY;
    }
    g->records = larger;
    return 0;
}

/* Labels take two bytes here, and one in the end where there are few classes. */
static int add_picture(gathering *g, const char *path)
{
    const size_t pixels = pixels_of(g->form);
    const char *wrong;
    int code;

    if ((code = grow(g, 2 + pixels))) return code;
    if ((wrong = cli_picture_read(g->records + g->used + 2, g->form, path))) {
        leave_out(g, path, wrong);
        return 0;
    }
    g->records[g->used] = (uint8_t)g->classes;
    g->records[g->used + 1] = (uint8_t)(g->classes >> 8);
    g->used += 2 + pixels;
    g->class_count[g->classes]++;
    g->count++;
    return 0;
}

/* Can a class have the folder's name? */
static int is_class_name(const char *name)
{
    char copy[PATH_SIZE];

    snprintf(copy, sizeof copy, "%s", name);
    if (strlen(copy) > NAME_MOST || strcmp(cli_clean(copy), name) != 0) return 0;
    for (; *name; name++)
        if ((unsigned char)*name < ' ' || *name == 0x7f) return 0;
    return 1;
}

static int refuse_name(const char *path)
{
    char copy[PATH_SIZE];

    snprintf(copy, sizeof copy, "%s", path);
    cli_clean(copy);
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    cli_say("kiln: %s: no class has such a name (at most %d bytes of UTF-8, no control "
            "characters); rename the folder\n", copy, NAME_MOST);
    return CLI_BAD_DATA;
}

/* The pictures of one class. Folders in it are told, not looked into. */
static int add_class(gathering *g, const char *path, const char *name)
{
    char file[PATH_SIZE];
    struct dirent **entry;
    const int count = scandir(path, &entry, is_visible, by_bytes);
    int code = 0;

    if (count < 0) leave_out(g, path, "the folder cannot be read");
    for (int i = 0; i < count && code == 0; i++) {
        const int kind = kind_of(file, path, entry[i]->d_name);

        if (kind == 'f')
            code = add_picture(g, file);
        else
            leave_out(g, file, kind ? "a folder in the folder of a class" : "no file");
    }
    free_entries(entry, count);
    if (code || g->class_count[g->classes] == 0) return code; /* no picture, no class */
    if (!is_class_name(name)) return refuse_name(path);
    if (g->classes == CLASSES_MOST) {
        cli_say("kiln: more than %d classes\n", CLASSES_MOST);
        return CLI_BAD_DATA;
    }
    g->class_name[g->classes++] = strdup(name);
    return 0;
}

static void tell(const gathering *g)
{
    int few = 0, least = -1;

    if (g->left_out > LISTED) cli_say("kiln: left out: %d files more\n", g->left_out - LISTED);
    for (int c = 0; c < g->classes; c++) {
        few += g->class_count[c] < FEW;
        if (least < 0 || g->class_count[c] < g->class_count[least]) least = c;
    }
    if (few)
        cli_say("kiln: few pictures: %d of %d classes have fewer than %d (%s has %d); what is "
                "learnt and measured by so few says little\n", few, g->classes, FEW,
                g->class_name[least], g->class_count[least]);
}

/* The kiln set of what was gathered, in its own buffer; the size, 0 where memory ran out. */
static size_t compose(const gathering *g, uint8_t **file)
{
    const size_t pixels = pixels_of(g->form);
    const size_t labels = g->classes > 256 ? 2 : 1;
    static kiln_json j;
    uint8_t *to;
    int head;

    kiln_json_begin(&j);
    kiln_json_object(&j, NULL);
    kiln_json_string(&j, "name", "pictures");
    kiln_json_array(&j, "shape");
    kiln_json_int(&j, NULL, g->form->C);
    kiln_json_int(&j, NULL, g->form->H);
    kiln_json_int(&j, NULL, g->form->W);
    kiln_json_close(&j);
    kiln_json_array(&j, "classes");
    for (int c = 0; c < g->classes; c++) kiln_json_string(&j, NULL, g->class_name[c]);
    kiln_json_close(&j);
    kiln_json_int(&j, "count", g->count);
    kiln_json_close(&j);
    head = kiln_json_end(&j);
    *file = head < 0 ? NULL : malloc(11 + (size_t)head + (size_t)g->count * (labels + pixels));
    if (!*file) return 0;
    to = *file + sprintf((char *)*file, "KILNSET 1\n%s\n", kiln_json_text(&j));

    for (size_t at = 0; at < g->used; at += 2 + pixels) {
        memcpy(to, g->records + at, labels);
        memcpy(to + labels, g->records + at + 2, pixels);
        to += labels + pixels;
    }
    return (size_t)(to - *file);
}

static int add_set(const gathering *g, int data, const char *folder)
{
    uint8_t *file;
    const size_t size = compose(g, &file);
    int status;

    if (!size) {
        cli_say("kiln: no memory for the pictures\n");
        return CLI_NO_MEMORY;
    }
    status = kiln_data_add_file(data, folder, file, (int)size, KILN_BY_NAME);
    free(file);
    return status < 0 ? cli_fail(status) : 0;
}

int cli_pictures_add(int data, const char *folder, const cli_form *form)
{
    static gathering g;
    char path[PATH_SIZE];
    struct dirent **entry;
    const int count = scandir(folder, &entry, is_visible, by_bytes);
    int code = 0;

    g = (gathering){.form = form};
    for (int i = 0; i < count && code == 0; i++) {
        if (kind_of(path, folder, entry[i]->d_name) == 'd')
            code = add_class(&g, path, entry[i]->d_name);
        else
            leave_out(&g, path, "not in the folder of a class");
    }
    free_entries(entry, count);
    if (code == 0) tell(&g);
    if (code == 0 && g.classes < 2) {
        cli_say("kiln: %s: pictures of %d class%s; a data set has two or more, each in a folder of "
                "its own\n", folder, g.classes, g.classes == 1 ? "" : "es");
        code = CLI_BAD_DATA;
    }
    if (code == 0) code = add_set(&g, data, folder);
    for (int c = 0; c < g.classes; c++) free(g.class_name[c]);
    free(g.records);
    return code;
}
