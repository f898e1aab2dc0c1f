/* kiln export: the parameters of a checkpoint as safetensors, its history as CSV, all it tells as
 * JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/keyvalue.h"
#include "commands.h"
#include "fields.h"
#include "files.h"
#include "kiln.h"

/* Text that is put out whole. */
typedef struct {
    char *text;
    size_t length;
} buffer;

static int append(buffer *b, const char *text, size_t length)
{
    char *grown = realloc(b->text, b->length + length + 1);

    if (!grown) {
        fprintf(stderr, "kiln: no memory for the export\n");
        return CLI_NO_MEMORY;
    }
    b->text = grown;
    memcpy(grown + b->length, text, length);
    grown[b->length += length] = 0;
    return 0;
}

static int append_text(buffer *b, const char *text)
{
    return append(b, text, strlen(text));
}

static int export_csv(buffer *b, const cli_session *s)
{
    static const char *const keys[] = {"epoch",         "step",        "trainLoss",
                                       "trainAccuracy", "valAccuracy", "lr"};
    const int status = kiln_trainer_history(s->trainer);
    char value[40];
    int code;

    if (status < 0) return cli_fail(status);
    for (int i = 0; i < 6; i++)
        if ((code = append_text(b, keys[i])) || (code = append_text(b, i < 5 ? "," : "\n")))
            return code;
    for (const char *e = cli_first(cli_field(kiln_text(), "epochs")); e; e = cli_next(e))
        for (int i = 0; i < 6; i++) {
            cli_field_raw(value, sizeof value, e, keys[i]);
            if (strcmp(value, "null") == 0) value[0] = 0;
            if ((code = append_text(b, value)) || (code = append_text(b, i < 5 ? "," : "\n")))
                return code;
        }
    return 0;
}

static int export_json(buffer *b, const cli_session *s, const char *path)
{
    int size = 0, status, code;
    uint8_t *bytes = cli_file_read(path, &size);

    if (!bytes) return CLI_BAD_CHECKPOINT;
    status = kiln_checkpoint_info(bytes, size);
    free(bytes);
    if (status < 0) return cli_fail_in(path, status);
    if ((code = append_text(b, "{\"checkpoint\":")) || (code = append_text(b, kiln_text())))
        return code;
    if ((status = kiln_trainer_history(s->trainer)) < 0) return cli_fail(status);
    if ((code = append_text(b, ",\"history\":")) || (code = append_text(b, kiln_text())))
        return code;
    return append_text(b, "}\n");
}

static int export_as(const cli_arguments *a, const cli_session *s, const char *format)
{
    const char *path = a->value[CLI_SAVE] ? a->value[CLI_SAVE] : "-";
    buffer b = {NULL, 0};
    int code;

    if (strcmp(format, "safetensors") == 0) {
        const int size = kiln_trainer_export(s->trainer);

        if (size < 0) return cli_fail(size);
        return cli_file_save(path, kiln_trainer_saved(s->trainer), size);
    }
    code = strcmp(format, "csv") == 0 ? export_csv(&b, s)
                                      : export_json(&b, s, a->value[CLI_RESUME]);
    if (code == 0) code = cli_file_save(path, b.text, (int64_t)b.length);
    free(b.text);
    return code;
}

/* The checkpoint over a few images of the built-in set: an export looks at none. */
static int open_checkpoint(cli_session *s, const cli_arguments *a)
{
    const char *path = a->value[CLI_RESUME];
    int size = 0, code = 0;
    uint8_t *bytes = cli_file_read(path, &size);

    if (!bytes) return CLI_BAD_CHECKPOINT;
    *s = (cli_session){kiln_data_builtin("train=64\nvalidation=0\ntest=0\n"), 0};
    if (s->data < 0) code = cli_fail(s->data);
    if (code == 0) s->trainer = kiln_trainer_load(s->data, bytes, size, "");
    if (code == 0 && s->trainer < 0) code = cli_fail_in(path, s->trainer);
    free(bytes);
    if (code) cli_session_close(s);
    return code;
}

int cli_export(cli_arguments *a)
{
    static const char *const formats[] = {"safetensors", "csv", "json"};
    const char *format = a->value[CLI_FORMAT] ? a->value[CLI_FORMAT] : "safetensors";
    cli_session session;
    int known = 0, code;

    for (int i = 0; i < 3; i++) known |= strcmp(format, formats[i]) == 0;
    if (!known) {
        const char *near = kiln_closest(format, formats, 3);

        fprintf(stderr, "kiln: --format: safetensors, csv or json, not \"%s\"%s%s\n", format,
                near ? "; did you mean " : "", near ? near : "");
        return CLI_USAGE;
    }
    if (!a->value[CLI_RESUME]) {
        fprintf(stderr, "kiln export: which checkpoint? kiln export model.safetensors\n");
        return CLI_USAGE;
    }
    if (a->value[CLI_SAVE] && (code = cli_file_check(a->value[CLI_SAVE]))) return code;
    if ((code = open_checkpoint(&session, a))) return code;
    code = export_as(a, &session, format);
    cli_session_close(&session);
    return code;
}
