/*
 * PyTorch: a zip archive of a folder, pytorch/, in which the run goes on without kiln.
 *
 *   model.py              the module: pytorch_layers.c
 *   weights.safetensors   its state_dict, which kiln reads back (import.h)
 *   state.safetensors     the update rule's state, "v.conv1.weight", and lookahead's,
 *                         "average.conv1.weight", laid out as the parameters
 *   run.json              options, where the run stands, what each parameter is
 *   train.py              pytorch_train.c; of kiln's doings it takes kiln.py, pytorch_kiln.c, and
 *   data.py               pytorch_data.c
 *   check.safetensors     pytorch_check.c
 *
 * The module's names and layouts: PyTorch keeps the weight of a linear layer as (M, D).
 */
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/pytorch.h"
#include "formats/zip.h"
#include "net/kinds.h"
#include "train/rules.h"

#define FOLDER "pytorch/"
#define AVERAGE "average."
#define LISTS (KILN_RULE_STATES + 1) /* of the state: and the average */

/* ---- tensors --------------------------------------------------------------------------------- */

/* A list of tensors in the module's layout while it grows. */
typedef struct {
    kiln_safetensor list[LISTS * KILN_TENSORS_MAX];
    char name[LISTS * KILN_TENSORS_MAX][KILN_TORCH_NAME];
    int count;
    kiln_arena transposed; /* values that lie otherwise than in the file */
} tensors;

static void add(tensors *to, const char *prefix, const kiln_tensor *t, const void *data)
{
    kiln_safetensor *s = &to->list[to->count];
    const int rows = t->shape[0], columns = t->shape[1];

    kiln_torch_name(to->name[to->count], prefix, t);
    *s = (kiln_safetensor){
        .name = to->name[to->count++], .type = KILN_F32, .dims = t->dims, .data = data};
    memcpy(s->shape, t->shape, sizeof t->shape);
    if (!kiln_torch_is_transposed(t)) return;
    s->shape[0] = columns, s->shape[1] = rows;

    char *out = kiln_arena_take(&to->transposed, (size_t)t->size, sizeof(float));

    s->data = out;
    for (int c = 0; c < columns; c++)
        for (int r = 0; r < rows; r++, out += sizeof(float))
            memcpy(out, (const char *)data + ((size_t)r * (size_t)columns + (size_t)c) *
                                                 sizeof(float), sizeof(float));
}

static int put_tensors(kiln_zip *zip, const char *file, const tensors *list)
{
    kiln_bytes bytes = {0};

    KILN_TRY(kiln_safetensors_write(&bytes.arena, &bytes.size, list->list, list->count, NULL, 0));
    return kiln_zip_take(zip, file, &bytes);
}

/* The weights as a file of their own, and in its metadata what kiln wants to know of them. */
static int write_weights(kiln_bytes *out, const kiln_model *m, tensors *list)
{
    static const char *const taught[] = {"input",     "data", "data_hash", "classes",
                                         "normalize", "mean", "std"};
    kiln_metadata entry[2 + sizeof taught / sizeof *taught] = {
        {"format", "pt"}, {"net", kiln_net_plan(m->net)->notation}};
    int entries = 2;

    for (size_t k = 0; k < sizeof taught / sizeof *taught; k++) {
        const char *value = kiln_safetensors_metadata(&m->file, taught[k]);

        if (value) entry[entries++] = (kiln_metadata){taught[k], value};
    }
    for (int i = 0; i < kiln_net_tensor_count(m->net); i++)
        add(list, "", kiln_net_tensor_at(m->net, i), m->value[i]);
    return kiln_safetensors_write(&out->arena, &out->size, list->list, list->count, entry,
                                  entries);
}

static int put_state(kiln_zip *zip, const kiln_model *m, const kiln_checkpoint_head *h,
                     tensors *list)
{
    const kiln_rule *rule = kiln_rule_table[h->o.optimizer];

    for (int k = 0; k < kiln_rule_states(rule); k++)
        for (int i = 0; i < kiln_net_tensor_count(m->net); i++) {
            const kiln_tensor *t = kiln_net_tensor_at(m->net, i);
            char name[KILN_TORCH_NAME], prefix[16];

            if (!t->trained) continue;
            snprintf(prefix, sizeof prefix, "%s.", rule->state[k]);
            snprintf(name, sizeof name, "optimizer.%s%s", prefix, t->name);
            add(list, prefix, t, kiln_safetensors_find(&m->file, name)->data);
        }
    for (int i = 0; h->o.lookahead && i < kiln_net_tensor_count(m->net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, i);
        char name[KILN_TORCH_NAME];

        snprintf(name, sizeof name, AVERAGE "%s", t->name);
        add(list, AVERAGE, t, kiln_safetensors_find(&m->file, name)->data);
    }
    return put_tensors(zip, FOLDER "state.safetensors", list);
}

/* The bytes that transposing takes, at most, of the weights or of a rule's state. */
static size_t transposed_size(const kiln_model *m)
{
    kiln_arena plan = {0};

    for (int k = 0; k < LISTS; k++)
        for (int i = 0; i < kiln_net_tensor_count(m->net); i++) {
            const kiln_tensor *t = kiln_net_tensor_at(m->net, i);

            if (kiln_torch_is_transposed(t))
                kiln_arena_take(&plan, (size_t)t->size, sizeof(float));
        }
    return plan.used;
}

/* An empty list with room for the values of either; to be given to end_list. */
static int begin_list(tensors **list, kiln_arena *arena, const kiln_model *m)
{
    KILN_TRY(kiln_arena_create(arena, sizeof **list, "the list of tensors"));
    *list = (tensors *)(void *)arena->base;
    return kiln_arena_create(&(*list)->transposed, transposed_size(m), "the transposed weights");
}

static void end_list(tensors *list, kiln_arena *arena)
{
    if (list) kiln_arena_destroy(&list->transposed);
    kiln_arena_destroy(arena);
}

/* Weights and state, one after the other in the same memory. */
static int put_values(kiln_zip *zip, const kiln_model *m, const kiln_checkpoint_head *h)
{
    kiln_bytes weights = {0};
    kiln_arena arena = {0};
    tensors *list = NULL;
    int status = begin_list(&list, &arena, m);

    if (status >= 0) status = write_weights(&weights, m, list);
    if (status >= 0) status = kiln_zip_take(zip, FOLDER "weights.safetensors", &weights);
    if (status >= 0) {
        list->count = 0;
        list->transposed.used = 0;
        status = put_state(zip, m, h, list);
    }
    end_list(list, &arena);
    return status;
}

int kiln_write_pytorch_weights(kiln_bytes *out, const kiln_model *m)
{
    kiln_arena arena = {0};
    kiln_bytes file = {0};
    tensors *list = NULL;
    int status = begin_list(&list, &arena, m);

    if (status >= 0) status = write_weights(&file, m, list);
    if (status >= 0) kiln_bytes_put(out, file.arena.base, file.size);
    kiln_arena_destroy(&file.arena);
    end_list(list, &arena);
    return status;
}

/* ---- run.json -------------------------------------------------------------------------------- */

enum { REGULARISED, MATRICES, EARLY };

/* Names of the trained parameters that are such. */
static int is_such(const kiln_tensor *t, int which)
{
    int rows, columns;

    if (which == EARLY) return t->early;
    return which == REGULARISED ? t->regularised : kiln_rule_matrix(t, &rows, &columns);
}

static void put_names(kiln_json *j, const char *key, const kiln_model *m, int which)
{
    kiln_json_array(j, key);
    for (int i = 0; i < kiln_net_tensor_count(m->net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, i);
        char name[KILN_TORCH_NAME];

        if (!t->trained || !is_such(t, which)) continue;
        kiln_torch_name(name, "", t);
        kiln_json_string(j, NULL, name);
    }
    kiln_json_close(j);
}

/* Of parameters with a rate and a decay of their own: the word of their options, "bias". */
static void put_groups(kiln_json *j, const kiln_model *m)
{
    kiln_json_object(j, "groups");
    for (int i = 0; i < kiln_net_tensor_count(m->net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, i);
        const char *group = kiln_rule_group(t);
        char name[KILN_TORCH_NAME];

        if (!t->trained || !group) continue;
        kiln_torch_name(name, "", t);
        kiln_json_string(j, name, group);
    }
    kiln_json_close(j);
}

static void describe(kiln_json *j, const kiln_model *m, const kiln_checkpoint_head *h)
{
    const kiln_rule *rule = kiln_rule_table[h->o.optimizer];
    const kiln_augment *a = &h->o.augment;
    const kiln_plan *plan = kiln_net_plan(m->net);

    kiln_json_object(j, NULL);
    kiln_json_string(j, "kiln", h->version);
    kiln_json_string(j, "data", h->data);
    kiln_json_array(j, "shape");
    kiln_json_int(j, NULL, plan->C);
    kiln_json_int(j, NULL, plan->H);
    kiln_json_int(j, NULL, plan->W);
    kiln_json_close(j);
    kiln_json_raw(j, "classes", m->classes);
    kiln_json_raw(j, "mean", h->mean);
    kiln_json_raw(j, "std", h->std);
    kiln_json_int(j, "step", h->step);
    kiln_json_int(j, "epoch", h->epoch);
    kiln_json_int(j, "position", h->position);
    kiln_json_array(j, "state");
    for (int k = 0; k < kiln_rule_states(rule); k++) kiln_json_string(j, NULL, rule->state[k]);
    kiln_json_close(j);
    kiln_json_string(j, "decay", rule->decay == KILN_DECAY_GRADIENT ? "gradient" : "decoupled");
    put_names(j, "regularised", m, REGULARISED);
    put_names(j, "matrices", m, MATRICES);
    put_names(j, "early", m, EARLY);
    put_groups(j, m);
    kiln_json_object(j, "augment");
    kiln_json_string(j, "flip", a->flip == KILN_FLIP_ALTERNATING ? "alternating"
                                : a->flip                        ? "random"
                                                                 : "never");
    kiln_json_int(j, "crop", a->crop);
    kiln_json_bool(j, "reflect", a->crop_pad == KILN_PAD_REFLECT);
    kiln_json_int(j, "brightness", a->brightness);
    kiln_json_int(j, "contrast", a->contrast);
    kiln_json_int(j, "cutout", a->cutout);
    kiln_json_close(j);
    kiln_json_object(j, "options");
    kiln_train_options_json(&h->o, j);
    kiln_json_close(j);
}

static int put_run(kiln_zip *zip, const kiln_model *m, const kiln_checkpoint_head *h,
                   const char *told)
{
    kiln_json j = {0};
    int status;

    kiln_json_begin(&j);
    describe(&j, m, h);
    kiln_json_string(&j, "check", told);
    kiln_json_close(&j);
    status = kiln_json_end(&j);
    if (status >= 0)
        status = kiln_zip_add(zip, FOLDER "run.json", NULL, 0, kiln_json_text(&j), (size_t)status);
    kiln_json_free(&j);
    return status;
}

/* ---- the folder ------------------------------------------------------------------------------ */

static int put_folder(kiln_zip *zip, const kiln_model *m, const kiln_checkpoint_head *h)
{
    char told[KILN_TORCH_TOLD];
    kiln_bytes file = {0};

    KILN_TRY(kiln_torch_model(&file, m));
    KILN_TRY(kiln_zip_take(zip, FOLDER "model.py", &file));
    file = (kiln_bytes){0};
    kiln_torch_train(&file);
    KILN_TRY(kiln_zip_take(zip, FOLDER "train.py", &file));
    file = (kiln_bytes){0};
    kiln_torch_kiln(&file);
    KILN_TRY(kiln_zip_take(zip, FOLDER "kiln.py", &file));
    file = (kiln_bytes){0};
    kiln_torch_data(&file);
    KILN_TRY(kiln_zip_take(zip, FOLDER "data.py", &file));
    KILN_TRY(put_values(zip, m, h));
    file = (kiln_bytes){0};
    KILN_TRY(kiln_torch_check(&file, told, m, h));
    KILN_TRY(kiln_zip_take(zip, FOLDER "check.safetensors", &file));
    return put_run(zip, m, h, told);
}

static int read_head(kiln_checkpoint_head *h, const kiln_model *m)
{
    if (!kiln_model_has_run(m))
        return kiln_fail(KILN_E_ARG, "pytorch: this file holds the net alone; the run that PyTorch "
                                     "goes on with is in the checkpoint that it came from");
    return kiln_checkpoint_open(h, &m->file);
}

int kiln_write_pytorch(kiln_bytes *out, const kiln_model *m)
{
    kiln_zip zip = {.out = out};
    kiln_checkpoint_head *h;
    kiln_arena arena;
    int status;

    KILN_TRY(kiln_arena_create(&arena, sizeof *h, "the checkpoint's metadata"));
    h = (kiln_checkpoint_head *)(void *)arena.base;
    status = read_head(h, m);
    if (status >= 0) status = put_folder(&zip, m, h);
    status = kiln_zip_end(&zip, status);
    kiln_arena_destroy(&arena);
    return status;
}
