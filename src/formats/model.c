/*
 * Reading a model: the file's structure and hash (net/safetensors.c), then that kiln wrote it, then
 * its net as a sketch, then each of the net's tensors by name and shape.
 */
#include "formats/model.h"

#include <stdio.h>
#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"
#include "train/checkpoint_head.h"

/* A JSON list of 1 to KILN_MODEL_CHANNELS numbers; returns how many. */
static int read_numbers(const kiln_model *m, const char *key, float *out)
{
    const char *list;
    int n;

    KILN_TRY(kiln_checkpoint_text(&m->file, key, &list));
    KILN_TRY(n = kiln_checkpoint_numbers(out, KILN_MODEL_CHANNELS, list, key));
    if (n > KILN_MODEL_CHANNELS)
        return kiln_fail(KILN_E_CHECKPOINT, "export: \"%s\" has more than %d channels", key,
                         KILN_MODEL_CHANNELS);
    return n ? n : kiln_fail(KILN_E_CHECKPOINT, "export: the list \"%s\" is empty", key);
}

static int read_normalisation(kiln_model *m)
{
    int deviations;

    KILN_TRY(kiln_checkpoint_text(&m->file, "classes", &m->classes));
    KILN_TRY(kiln_checkpoint_text(&m->file, "normalize", &m->normalize));
    KILN_TRY(m->channels = read_numbers(m, "mean", m->mean));
    KILN_TRY(deviations = read_numbers(m, "std", m->std));
    if (deviations == m->channels) return KILN_OK;
    return kiln_fail(KILN_E_CHECKPOINT, "export: %d means and %d deviations", m->channels,
                     deviations);
}

static int same_shape(const kiln_tensor *t, const kiln_safetensor *s)
{
    if (s->type != KILN_F32 || s->dims != t->dims) return 0;
    for (int i = 0; i < t->dims; i++)
        if (s->shape[i] != t->shape[i]) return 0;
    return 1;
}

static int find_tensors(kiln_model *m)
{
    for (int i = 0; i < kiln_net_tensor_count(m->net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(m->net, i);
        const kiln_safetensor *s = kiln_safetensors_find(&m->file, t->name);

        if (!s || !same_shape(t, s))
            return kiln_fail(KILN_E_CHECKPOINT, "export: tensor \"%s\" is %s", t->name,
                             s ? "not of the shape that the file's net gives it"
                               : "not in the file, though its net has it");
        m->value[i] = s->data;
    }
    return KILN_OK;
}

/* What the run of a checkpoint leaves as it is; an export has no run. */
static void read_freeze(const kiln_model *m, kiln_net_options *o)
{
    const char *options = kiln_safetensors_metadata(&m->file, "options");
    kiln_keyvalue pair;

    while (kiln_keyvalue_next(&options, &pair) > 0)
        if (strcmp(pair.key, "freeze") == 0)
            snprintf(o->freeze, sizeof o->freeze, "%.*s", (int)sizeof o->freeze - 1, pair.value);
}

static int read_net(kiln_model *m)
{
    kiln_net_options o;
    const char *net;
    char sentence[400];

    KILN_TRY(kiln_checkpoint_text(&m->file, "net", &net));
    kiln_net_options_default(&o);
    KILN_TRY(kiln_checkpoint_input(&m->file, &o.C, &o.H, &o.W));
    o.C = m->channels;
    read_freeze(m, &o);
    if (kiln_net_sketch(&m->net, net, &o) >= 0) return find_tensors(m);
    m->net = NULL;
    snprintf(sentence, sizeof sentence, "%s", kiln_error());
    return kiln_fail(KILN_E_CHECKPOINT, "export: %s", sentence);
}

int kiln_model_read(kiln_model *m, const uint8_t *bytes, size_t size)
{
    const char *version;
    int status;

    memset(m, 0, sizeof *m);
    m->bytes = bytes;
    m->size = size;
    KILN_TRY(kiln_safetensors_read(&m->file, bytes, size, "checkpoint"));
    status = kiln_checkpoint_origin(&m->file, &version);
    if (status >= 0) status = read_normalisation(m);
    if (status >= 0) status = read_net(m);
    if (status < 0) kiln_model_free(m);
    return status;
}

void kiln_model_free(kiln_model *m)
{
    kiln_net_free(m->net);
    m->net = NULL;
    kiln_safetensors_free(&m->file);
}

const kiln_tensor *kiln_model_tensor(const kiln_model *m, int l, int i, const void **value)
{
    const int number = kiln_net_tensor_of(m->net, l, i);

    if (number < 0) return NULL;
    *value = m->value[number];
    return kiln_net_tensor_at(m->net, number);
}

int kiln_model_has_run(const kiln_model *m)
{
    return kiln_safetensors_metadata(&m->file, "options") != NULL;
}
