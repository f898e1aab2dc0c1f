/* The public tables: kiln.h, kiln_constants, kiln_options and kiln_presets. */
#include "kiln.h" /* first: its statuses are compared with the table's below */

#include "api/api_layers.h"
#include "api/api_text.h"
#include "base/status.h"
#include "base/threads.h"
#include "data/dataset.h"
#include "train/evaluate.h"
#include "train/options.h"
#include "train/presets.h"

#define SAME_STATUS(name, code, exit_code, cause, remedy) \
    _Static_assert(KILN_E_##name == (code), "kiln.h has the statuses of base/status.h");
KILN_STATUSES(SAME_STATUS)

typedef struct {
    const char *name;
    int value;
} constant;

static void write_statuses(kiln_json *j)
{
#define ROW(name, code, exit_code, cause, remedy) {"E_" #name, code, cause, remedy},
    static const struct {
        const char *name;
        int status;
        const char *cause, *remedy;
    } rows[] = {KILN_STATUSES(ROW)};
#undef ROW

    kiln_json_array(j, "statuses");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", rows[i].name);
        kiln_json_int(j, "status", rows[i].status);
        kiln_json_int(j, "exit", kiln_status_exit(rows[i].status));
        kiln_json_string(j, "cause", rows[i].cause);
        kiln_json_string(j, "remedy", rows[i].remedy);
        kiln_json_close(j);
    }
    kiln_json_close(j);
}

int kiln_constants(void)
{
    static const char *const splits[KILN_SPLITS] = {
        [KILN_TRAIN] = "train", [KILN_VALIDATION] = "validation", [KILN_TEST] = "test"};
    static const constant flags[] = {{"stepped", KILN_STEPPED},
                                     {"epoch", KILN_EPOCH},
                                     {"done", KILN_DONE},
                                     {"best", KILN_BEST},
                                     {"checking", KILN_CHECKING},
                                     {"recovered", KILN_RECOVERED}};
    kiln_json *j = kiln_text_begin();

    kiln_json_object(j, NULL);
    write_statuses(j);
    kiln_json_array(j, "splits");
    for (int i = 0; i < KILN_SPLITS; i++) kiln_json_string(j, NULL, splits[i]);
    kiln_json_close(j);
    kiln_json_object(j, "flags");
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        kiln_json_int(j, flags[i].name, flags[i].value);
    kiln_json_close(j);
    kiln_json_array(j, "views");
    for (int i = 0; i < kiln_views_count; i++) kiln_json_int(j, NULL, kiln_views[i]);
    kiln_json_close(j);
    kiln_json_int(j, "threads", KILN_THREADS_MAX);
    kiln_json_int(j, "elements", KILN_ELEMENTS_MAX);
    kiln_json_close(j);
    return kiln_text_end();
}

int kiln_options(void)
{
    kiln_train_options_table(kiln_text_begin());
    return kiln_text_end();
}

int kiln_presets(void)
{
    KILN_TRY(kiln_presets_json(kiln_text_begin()));
    return kiln_text_end();
}
