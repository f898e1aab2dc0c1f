/* kiln export: a checkpoint, or an export of one, as a file of another format (kiln_formats.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyvalue.h"
#include "commands.h"
#include "events.h"
#include "fields.h"
#include "files.h"
#include "kiln_formats.h"

#define FORMATS_MAX 32
#define NAME_SIZE 32

/* Is it one of the library's formats? 0 and whether its file is an archive, or an exit code after a
 * sentence that lists them. */
static int check_format(const char *format, int *archive)
{
    char name[FORMATS_MAX][NAME_SIZE], ending[NAME_SIZE];
    const char *names[FORMATS_MAX], *near;
    const int status = kiln_formats();
    int count = 0;

    if (status < 0) return cli_fail(status);
    for (const char *v = cli_first(kiln_text()); v && count < FORMATS_MAX; v = cli_next(v)) {
        names[count] = cli_field_text(name[count], NAME_SIZE, v, "name");
        if (strcmp(names[count++], format) != 0) continue;
        *archive = strcmp(cli_field_text(ending, NAME_SIZE, v, "ending"), "zip") == 0;
        return CLI_OK;
    }
    fprintf(stderr, "kiln: --format: ");
    for (int i = 0; i < count; i++)
        fprintf(stderr, "%s%s", names[i], i + 2 < count ? ", " : i + 2 == count ? " or " : "");
    near = kiln_closest(format, names, count);
    fprintf(stderr, ", not \"%s\"%s%s\n", format, near ? "; did you mean " : "", near ? near : "");
    return CLI_USAGE;
}

/* ---- an archive as a folder ------------------------------------------------------------------ */

#define HEADER_SIZE 30 /* of a file in a zip archive: APPNOTE.TXT 4.3.7 */
#define HEADER_BEGINS "PK\x03\x04"
#define PATH_SIZE 4096

static int ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), n = strlen(end);

    return length >= n && strcmp(text + length - n, end) == 0;
}

static int64_t little_endian(const uint8_t *at, int count)
{
    int64_t value = 0;

    while (count--) value = value << 8 | at[count];
    return value;
}

/* The files of an archive of the library's own, stored, into a folder: without that of their
 * names. */
static int save_folder(const char *path, const uint8_t *zip, int64_t size)
{
    int code = cli_folder_make(path);

    for (int64_t at = 0; !code && at + HEADER_SIZE < size;) {
        const uint8_t *header = zip + at;
        const int64_t bytes = little_endian(header + 18, 4), length = little_endian(header + 26, 2);
        char to[PATH_SIZE], name[PATH_SIZE];

        if (memcmp(header, HEADER_BEGINS, 4) != 0) break;
        at += HEADER_SIZE + length;
        snprintf(name, sizeof name, "%.*s", (int)length, (const char *)header + HEADER_SIZE);
        if (snprintf(to, sizeof to, "%s/%s", path, strchr(name, '/') + 1) >= PATH_SIZE) {
            fprintf(stderr, "kiln: %s: the name of the folder is too long\n", path);
            return CLI_USAGE;
        }
        code = cli_file_check(to);
        if (!code) code = cli_file_save(to, zip + at, bytes);
        at += bytes;
    }
    return code;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* What was written where, as a line of --json. */
static void tell(const char *format, const char *to, int size)
{
    kiln_json *j = cli_event("done");

    kiln_json_string(j, "format", format);
    kiln_json_string(j, "file", to);
    kiln_json_int(j, "bytes", size);
    cli_event_end(j);
}

int cli_export(cli_arguments *a)
{
    const char *format = a->value[CLI_FORMAT] ? a->value[CLI_FORMAT] : "safetensors";
    const char *from = a->value[CLI_RESUME];
    const char *to = a->value[CLI_SAVE] ? a->value[CLI_SAVE] : "-";
    uint8_t *bytes;
    int size = 0, archive = 0, code = check_format(format, &archive), folder;

    if (code) return code;
    if (!from) {
        fprintf(stderr, "kiln export: which checkpoint? kiln export model.safetensors\n");
        return CLI_USAGE;
    }
    if (a->value[CLI_JSON] && strcmp(to, "-") == 0) {
        fprintf(stderr, "kiln export: the file and --json both want stdout; name a file by "
                        "--save\n");
        return CLI_USAGE;
    }
    folder = archive && strcmp(to, "-") != 0 && !ends_with(to, ".zip");
    if (a->value[CLI_SAVE] && !folder && (code = cli_file_check(to))) return code;
    bytes = cli_file_read(from, &size);
    if (!bytes) return CLI_BAD_CHECKPOINT;
    size = kiln_export(format, bytes, size);
    free(bytes);
    if (size < 0) return cli_fail_in(from, size);
    code = folder ? save_folder(to, kiln_exported(), size)
                  : cli_file_save(to, kiln_exported(), size);
    if (code == 0 && a->value[CLI_JSON]) tell(format, to, size);
    return code;
}
