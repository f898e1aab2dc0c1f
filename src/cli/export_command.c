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

/* Is it one of the library's formats? 0, or an exit code after a sentence that lists them. */
static int check_format(const char *format)
{
    char name[FORMATS_MAX][NAME_SIZE];
    const char *names[FORMATS_MAX], *near;
    const int status = kiln_formats();
    int count = 0;

    if (status < 0) return cli_fail(status);
    for (const char *v = cli_first(kiln_text()); v && count < FORMATS_MAX; v = cli_next(v)) {
        names[count] = cli_field_text(name[count], NAME_SIZE, v, "name");
        if (strcmp(names[count++], format) == 0) return CLI_OK;
    }
    fprintf(stderr, "kiln: --format: ");
    for (int i = 0; i < count; i++)
        fprintf(stderr, "%s%s", names[i], i + 2 < count ? ", " : i + 2 == count ? " or " : "");
    near = kiln_closest(format, names, count);
    fprintf(stderr, ", not \"%s\"%s%s\n", format, near ? "; did you mean " : "", near ? near : "");
    return CLI_USAGE;
}

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
    int size = 0, code = check_format(format);

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
    if (a->value[CLI_SAVE] && (code = cli_file_check(to))) return code;
    bytes = cli_file_read(from, &size);
    if (!bytes) return CLI_BAD_CHECKPOINT;
    size = kiln_export(format, bytes, size);
    free(bytes);
    if (size < 0) return cli_fail_in(from, size);
    code = cli_file_save(to, kiln_exported(), size);
    if (code == 0 && a->value[CLI_JSON]) tell(format, to, size);
    return code;
}
