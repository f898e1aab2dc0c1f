/*
 * The curves of a run: a line an epoch or a line a loss as CSV (RFC 4180, but for its line ends),
 * and everything as JSON. An export of the net alone has none and is refused.
 */
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/status.h"
#include "formats/formats.h"
#include "train/checkpoint.h"
#include "train/checkpoint_head.h"
#include "train/history.h"

/* A tensor of the history into out, `count` rows of `width` four-byte values. */
static int copy_rows(void *out, const kiln_model *m, const char *name, int count, int width)
{
    const kiln_safetensor *t = kiln_safetensors_find(&m->file, name);
    const size_t bytes = (size_t)count * (size_t)width * 4;

    if (!count) return KILN_OK;
    if (!t || t->bytes != bytes)
        return kiln_fail(KILN_E_CHECKPOINT, "export: \"%s\" has another size than the file's "
                         "metadata says", name);
    memcpy(out, t->data, bytes);
    return KILN_OK;
}

static int read_history(kiln_history *h, const kiln_model *m)
{
    kiln_checkpoint_head head;

    if (!kiln_model_has_run(m))
        return kiln_fail(KILN_E_ARG, "export: this file holds the net alone; curves are in the "
                         "checkpoint that it came from");
    KILN_TRY(kiln_checkpoint_head_read(&head, &m->file));
    h->losses = head.losses;
    h->epochs = head.epochs;
    h->stride = head.stride;
    kiln_history_note_change(h, head.changed);
    KILN_TRY(copy_rows(h->loss, m, "history.loss", h->losses, 1));
    KILN_TRY(copy_rows(h->loss_step, m, "history.loss_step", h->losses, 1));
    KILN_TRY(copy_rows(h->epoch_at, m, "history.epoch", h->epochs, 2));
    return copy_rows(h->epoch_value, m, "history.epoch_values", h->epochs, 4);
}

static void put_step(kiln_bytes *out, int32_t step)
{
    char digits[KILN_DIGITS];

    snprintf(digits, sizeof digits, "%d,", (int)step);
    kiln_bytes_text(out, digits);
}

/* What was not measured is left empty. */
static void put_cell(kiln_bytes *out, float value, int known, char end)
{
    char digits[KILN_DIGITS];

    if (known && value - value == 0) kiln_bytes_text(out, kiln_digits_float(digits, value));
    kiln_bytes_put(out, &end, 1);
}

static int put_epochs(kiln_bytes *out, const kiln_history *h, const kiln_model *m)
{
    (void)m;
    kiln_bytes_text(out, "epoch,step,trainLoss,trainAccuracy,valAccuracy,lr\n");
    for (int i = 0; i < h->epochs; i++) {
        const float *value = h->epoch_value[i];

        for (int k = 0; k < 2; k++) put_step(out, h->epoch_at[i][k]);
        for (int k = 0; k < 4; k++) /* accuracies below 0 were not checked */
            put_cell(out, value[k], k == 0 || k == 3 || value[k] >= 0, k < 3 ? ',' : '\n');
    }
    return KILN_OK;
}

/* Losses of single steps; where a run had many, of every so manyth. */
static int put_losses(kiln_bytes *out, const kiln_history *h, const kiln_model *m)
{
    (void)m;
    kiln_bytes_text(out, "step,loss\n");
    for (int i = 0; i < h->losses; i++) {
        put_step(out, h->loss_step[i]);
        put_cell(out, h->loss[i], 1, '\n');
    }
    return KILN_OK;
}

static int put_all(kiln_bytes *out, const kiln_history *h, const kiln_model *m)
{
    kiln_json j = {0};
    int status = kiln_checkpoint_json(m->bytes, m->size, (kiln_json_begin(&j), &j));

    if (status >= 0) status = kiln_json_end(&j);
    if (status >= 0) {
        kiln_bytes_text(out, "{\"checkpoint\":");
        kiln_bytes_text(out, kiln_json_text(&j));
        kiln_json_begin(&j);
        kiln_history_json(h, &j);
        status = kiln_json_end(&j);
    }
    if (status >= 0) {
        kiln_bytes_text(out, ",\"history\":");
        kiln_bytes_text(out, kiln_json_text(&j));
        kiln_bytes_text(out, "}\n");
    }
    kiln_json_free(&j);
    return status < 0 ? status : KILN_OK;
}

typedef int put(kiln_bytes *out, const kiln_history *h, const kiln_model *m);

static int write(kiln_bytes *out, const kiln_model *m, put *curves)
{
    kiln_arena arena;
    kiln_history *h;
    int status;

    KILN_TRY(kiln_arena_create(&arena, sizeof *h, "the curves"));
    h = (kiln_history *)(void *)arena.base;
    status = read_history(h, m);
    if (status >= 0) status = curves(out, h, m);
    kiln_arena_destroy(&arena);
    return status;
}

int kiln_write_csv(kiln_bytes *out, const kiln_model *m)
{
    return write(out, m, put_epochs);
}

int kiln_write_csv_losses(kiln_bytes *out, const kiln_model *m)
{
    return write(out, m, put_losses);
}

int kiln_write_json(kiln_bytes *out, const kiln_model *m)
{
    return write(out, m, put_all);
}
