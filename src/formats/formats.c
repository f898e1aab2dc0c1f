/* The table of formats, and what is the same for all of them. */
#include "formats/formats.h"

#include <string.h>

#include "base/keyvalue.h"
#include "base/status.h"

static const kiln_format table[] = {
    {"safetensors", "safetensors", "parameters",
     "parameters by kiln's names, for kiln and for every reader of safetensors",
     kiln_write_safetensors},
    {"npz", "npz", "parameters",
     "parameters by the course's names (W1, b1, gamma1), for NumPy's load", kiln_write_npz},
    {"onnx", "onnx", "parameters", "an ONNX graph that takes pixels, 0..255: for ONNX Runtime",
     kiln_write_onnx},
    {"onnx-normalized", "onnx", "parameters",
     "an ONNX graph that takes pixels which are normalised already",
     kiln_write_onnx_normalized},
    {"pytorch", "zip", "parameters",
     "a folder for PyTorch: the module, its weights, and a program that trains it on",
     kiln_write_pytorch},
    {"pytorch-weights", "safetensors", "parameters",
     "the weights by the names and in the shapes of that module: a state_dict",
     kiln_write_pytorch_weights},
    {"tfjs", "zip", "parameters",
     "a folder for TensorFlow.js: model.json that takes pixels, 0..255, and its weights",
     kiln_write_tfjs},
    {"csv", "csv", "history", "a line an epoch: losses, accuracies and learning rate",
     kiln_write_csv},
    {"csv-losses", "csv", "history", "a line a step: the loss", kiln_write_csv_losses},
    {"json", "json", "history", "all that the checkpoint tells of itself, and the curves",
     kiln_write_json},
    {"markdown", "md", "summary", "a table of the layers for web pages and READMEs",
     kiln_write_markdown},
    {"latex", "tex", "summary", "a table of the layers for papers: a tabular to \\input",
     kiln_write_latex},
};

#define COUNT ((int)(sizeof table / sizeof *table))

const kiln_format *kiln_format_at(int i)
{
    return i >= 0 && i < COUNT ? &table[i] : NULL;
}

static int unknown(const char *name)
{
    const char *names[COUNT], *near;

    for (int i = 0; i < COUNT; i++) names[i] = table[i].name;
    near = kiln_closest(name, names, COUNT);
    return kiln_fail(KILN_E_ARG, "format: there is no \"%.40s\"%s%s%s", name,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

int kiln_format_write(kiln_bytes *out, const char *name, const uint8_t *bytes, size_t size)
{
    const kiln_format *format = NULL;
    kiln_model model;
    int status;

    *out = (kiln_bytes){0};
    for (int i = 0; i < COUNT; i++)
        if (strcmp(table[i].name, name) == 0) format = &table[i];
    if (!format) return unknown(name);
    KILN_TRY(kiln_model_read(&model, bytes, size));
    status = format->write(out, &model);
    if (status >= 0) status = kiln_bytes_end(out);
    if (status < 0) kiln_bytes_free(out);
    kiln_model_free(&model);
    return status;
}

void kiln_formats_json(kiln_json *j)
{
    kiln_json_array(j, NULL);
    for (int i = 0; i < COUNT; i++) {
        kiln_json_object(j, NULL);
        kiln_json_string(j, "name", table[i].name);
        kiln_json_string(j, "ending", table[i].ending);
        kiln_json_string(j, "holds", table[i].holds);
        kiln_json_string(j, "sentence", table[i].sentence);
        kiln_json_close(j);
    }
    kiln_json_close(j);
}
