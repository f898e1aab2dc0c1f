/*
 * TensorFlow.js's layers format: a zip archive of a folder, tfjs/.
 *
 *   model.json       the model and the list of its weights, for tf.loadLayersModel
 *   weights.bin      the weights, float32, one after the other
 *   model_keras.py   the same model for Keras, which reads both
 *
 * The model takes pixels (N, H, W, C), 0..255, and gives scores (N, classes). Pixels are normalised
 * in it by a BatchNormalization that has their means and variances, and is not trained.
 */
#include "formats/tfjs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/zip.h"
#include "net/kinds.h"

#define FOLDER "tfjs/"

/* ---- layers ---------------------------------------------------------------------------------- */

void kiln_tfjs_open(kiln_tfjs *g, const char *type, const char *name)
{
    kiln_bytes_line(&g->topology, ",\n{\"class_name\":\"%s\",\"config\":{\"name\":\"%s\"", type,
                    name);
    kiln_bytes_line(&g->python, "    %s = layers.%s(", name, type);
}

void kiln_tfjs_argument(kiln_tfjs *g, const char *key, const char *format, ...)
{
    char value[120];
    va_list args;

    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    kiln_bytes_line(&g->topology, ",\"%s\":%s", key, value);
    kiln_bytes_line(&g->python, "%s=%s, ", key, value);
}

void kiln_tfjs_flag(kiln_tfjs *g, const char *key, int value)
{
    kiln_bytes_line(&g->topology, ",\"%s\":%s", key, value ? "true" : "false");
    kiln_bytes_line(&g->python, "%s=%s, ", key, value ? "True" : "False");
}

void kiln_tfjs_end(kiln_tfjs *g, const char *name, const char *x2)
{
    kiln_bytes_line(&g->topology, "},\"name\":\"%s\",\"inbound_nodes\":[[[\"%s\",0,0,{}]", name,
                    g->x);
    kiln_bytes_line(&g->python, "name=\"%s\")(%s%s", name, x2 ? "[" : "", g->x);
    if (x2) {
        kiln_bytes_line(&g->topology, ",[\"%s\",0,0,{}]", x2);
        kiln_bytes_line(&g->python, ", %s]", x2);
    }
    kiln_bytes_text(&g->topology, "]]}");
    kiln_bytes_text(&g->python, ")\n");
    snprintf(g->x, sizeof g->x, "%s", name);
}

void kiln_tfjs_weight(kiln_tfjs *g, const char *layer, const char *weight, const int *shape,
                      int dims)
{
    kiln_bytes_line(&g->manifest, "%s\n{\"name\":\"%s/%s\",\"dtype\":\"float32\",\"shape\":[",
                    g->manifest.size ? "," : "", layer, weight);
    for (int i = 0; i < dims; i++) kiln_bytes_line(&g->manifest, "%s%d", i ? "," : "", shape[i]);
    kiln_bytes_text(&g->manifest, "]}");
}

/* ---- the model ------------------------------------------------------------------------------- */

/* pixels, and x, which is pixels normalised. */
static void put_input(kiln_tfjs *g)
{
    const kiln_model *m = g->m;
    const kiln_plan *plan = kiln_net_plan(m->net);
    const int shape[1] = {plan->C};
    const float one = 1;

    kiln_bytes_line(&g->topology, "{\"class_name\":\"InputLayer\",\"config\":{\"name\":\"pixels\","
                    "\"dtype\":\"float32\",\"batch_input_shape\":[null,%d,%d,%d]},"
                    "\"name\":\"pixels\",\"inbound_nodes\":[]}", plan->H, plan->W, plan->C);
    kiln_bytes_line(&g->python, "    pixels = keras.Input((%d, %d, %d), name=\"pixels\")\n",
                    plan->H, plan->W, plan->C);
    snprintf(g->x, sizeof g->x, "pixels");
    if (strcmp(m->normalize, "none") == 0) {
        kiln_tfjs_open(g, "Activation", "x");
        kiln_tfjs_argument(g, "activation", "\"linear\"");
        kiln_tfjs_end(g, "x", NULL);
        return;
    }
    kiln_tfjs_open(g, "BatchNormalization", "x");
    kiln_tfjs_argument(g, "epsilon", "0");
    kiln_tfjs_flag(g, "trainable", 0);
    kiln_tfjs_end(g, "x", NULL);
    kiln_tfjs_weight(g, "x", "gamma", shape, 1);
    for (int c = 0; c < plan->C; c++) kiln_bytes_put(&g->weights, &one, sizeof one);
    kiln_tfjs_weight(g, "x", "beta", shape, 1);
    kiln_bytes_zeros(&g->weights, (size_t)plan->C * sizeof(float));
    kiln_tfjs_weight(g, "x", "moving_mean", shape, 1);
    kiln_bytes_put(&g->weights, m->mean, (size_t)plan->C * sizeof(float));
    kiln_tfjs_weight(g, "x", "moving_variance", shape, 1);
    for (int c = 0; c < plan->C; c++) {
        const float variance = m->std[c] * m->std[c];

        kiln_bytes_put(&g->weights, &variance, sizeof variance);
    }
}

static void put_python_head(kiln_tfjs *g)
{
    kiln_bytes_text(&g->python,
                    "\"\"\"The net that kiln trained, for Keras:\n\n");
    kiln_bytes_text(&g->python, kiln_net_plan(g->m->net)->notation);
    kiln_bytes_text(&g->python,
                    "\n\nIt takes pixels, 0..255, and gives scores. This file is written for Keras "
                    "2 and was not\ntested: kiln's tests open model.json by TensorFlow.js alone.\n"
                    "\"\"\"\nimport json\nimport os\n\nimport numpy as np\n"
                    "from tensorflow import keras\nfrom tensorflow.keras import layers\n\n"
                    "HERE = os.path.dirname(os.path.abspath(__file__))\n\n\n"
                    "def make():\n");
}

static void put_python_tail(kiln_tfjs *g)
{
    kiln_bytes_line(&g->python, "    return keras.Model(pixels, %s)\n\n\n", g->x);
    kiln_bytes_text(
        &g->python,
        "def load():\n"
        "    model, values, at = make(), {}, 0\n"
        "    data = np.fromfile(os.path.join(HERE, \"weights.bin\"), \"<f4\")\n"
        "    with open(os.path.join(HERE, \"model.json\")) as f:\n"
        "        manifest = json.load(f)[\"weightsManifest\"][0][\"weights\"]\n"
        "    for weight in manifest:\n"
        "        size = int(np.prod(weight[\"shape\"]))\n"
        "        value = data[at:at + size].reshape(weight[\"shape\"])\n"
        "        values.setdefault(weight[\"name\"].split(\"/\")[0], []).append(value)\n"
        "        at += size\n"
        "    for layer, own in values.items():\n"
        "        model.get_layer(layer).set_weights(own)\n"
        "    return model\n\n\n"
        "if __name__ == \"__main__\":\n"
        "    load().summary()\n");
}

static int put_model(kiln_tfjs *g)
{
    const kiln_plan *plan = kiln_net_plan(g->m->net);

    for (int l = 0; l < plan->count; l++) KILN_TRY(kiln_tfjs_row(&plan->layer[l]));
    put_python_head(g);
    put_input(g);
    for (g->l = 0; g->l < plan->count; g->l++) {
        const int from = (g->layer = &plan->layer[g->l])->from;

        if (g->l + 1 < plan->count)
            snprintf(g->x, sizeof g->x, "%s", from < 0 ? "x" : plan->layer[from].name);
        KILN_TRY(kiln_tfjs_layer(g));
    }
    put_python_tail(g);
    return KILN_OK;
}

/* model.json around the list of layers and that of weights. */
static int put_json(kiln_zip *zip, kiln_tfjs *g)
{
    static const char *const told[] = {"net", "classes", "normalize"};
    kiln_bytes b = {0};
    kiln_json j = {0};
    int status;

    kiln_json_begin(&j);
    kiln_json_object(&j, NULL);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *value = kiln_safetensors_metadata(&g->m->file, told[i]);

        kiln_json_string(&j, told[i], value ? value : "");
    }
    kiln_json_close(&j);
    status = kiln_json_end(&j);
    kiln_bytes_text(&b, "{\"format\":\"layers-model\",\"generatedBy\":\"kiln\","
                        "\"convertedBy\":null,"
                        "\"modelTopology\":{\"keras_version\":\"2.15.0\",\"backend\":"
                        "\"tensorflow\",\"model_config\":{\"class_name\":\"Functional\","
                        "\"config\":{\"name\":\"kiln\",\"layers\":[\n");
    kiln_bytes_put(&b, g->topology.arena.base, g->topology.size);
    kiln_bytes_line(&b, "],\n\"input_layers\":[[\"pixels\",0,0]],\"output_layers\":[[\"%s\",0,0]]"
                        "}}},\n\"weightsManifest\":[{\"paths\":[\"weights.bin\"],\"weights\":[",
                    g->x);
    kiln_bytes_put(&b, g->manifest.arena.base, g->manifest.size);
    kiln_bytes_text(&b, "]}],\n\"userDefinedMetadata\":");
    if (status >= 0) kiln_bytes_text(&b, kiln_json_text(&j));
    kiln_bytes_text(&b, "}\n");
    kiln_json_free(&j);
    if (status >= 0) return kiln_zip_take(zip, FOLDER "model.json", &b);
    kiln_bytes_free(&b);
    return status;
}

int kiln_write_tfjs(kiln_bytes *out, const kiln_model *m)
{
    kiln_zip zip = {.out = out};
    kiln_tfjs g = {.m = m};
    int status;

    if (strcmp(m->normalize, "mean-image") == 0)
        return kiln_fail(KILN_E_ARG, "tfjs: this net takes images less the mean image, which is "
                                     "not in the file");
    status = put_model(&g);
    if (status >= 0) status = kiln_bytes_end(&g.topology);
    if (status >= 0) status = kiln_bytes_end(&g.manifest);
    if (status >= 0) status = put_json(&zip, &g);
    if (status >= 0) status = kiln_zip_take(&zip, FOLDER "weights.bin", &g.weights);
    if (status >= 0) status = kiln_zip_take(&zip, FOLDER "model_keras.py", &g.python);
    kiln_bytes_free(&g.topology);
    kiln_bytes_free(&g.manifest);
    kiln_bytes_free(&g.weights);
    kiln_bytes_free(&g.python);
    return kiln_zip_end(&zip, status);
}
