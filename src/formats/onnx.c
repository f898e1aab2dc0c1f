/*
 * ONNX: the model, the graph around the layers, and what nodes and constants are made of. Numbers
 * of fields are onnx.proto's. Fields of a message may come in any order, so that a layer writes its
 * constants where it writes its nodes.
 *
 * The graph takes "pixels" (N, C, H, W), floats 0..255, and normalises them as the net was taught,
 * or takes "x", normalised already. It gives "scores" (N, classes) and, behind a softmax,
 * "probabilities". Classes, means and deviations stand in the metadata, as JSON.
 */
#include "formats/onnx.h"

#include <string.h>

#include "base/status.h"
#include "formats/formats.h"
#include "formats/protobuf.h"
#include "net/kinds.h"

#define IR_VERSION 8
#define OPSET 17

enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER, MODEL_PRODUCER_VERSION, MODEL_GRAPH = 7,
       MODEL_OPSET = 8, MODEL_METADATA = 14 };
enum { OPSET_VERSION = 2 };
enum { ENTRY_KEY = 1, ENTRY_VALUE };
enum { GRAPH_NODE = 1, GRAPH_NAME, GRAPH_CONSTANT = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT };
enum { NODE_INPUT = 1, NODE_OUTPUT, NODE_OP = 4, NODE_ATTRIBUTE };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_FLOAT, ATTRIBUTE_INT, ATTRIBUTE_INTS = 8,
       ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_INTS = 7 };
enum { TENSOR_DIM = 1, TENSOR_TYPE, TENSOR_NAME = 8, TENSOR_RAW };
enum { DATA_FLOAT = 1, DATA_INT64 = 7 };
enum { VALUE_NAME = 1, VALUE_TYPE, TYPE_TENSOR = 1, TENSOR_ELEMENT = 1, TENSOR_SHAPE, SHAPE_DIM = 1,
       DIM_SIZE = 1, DIM_NAME };

/* ---- nodes and constants --------------------------------------------------------------------- */

size_t kiln_onnx_node(kiln_onnx *g, const char *op, const char *y, const char *const *in)
{
    const size_t node = kiln_proto_open(g->out, GRAPH_NODE);

    for (; *in; in++) kiln_proto_text(g->out, NODE_INPUT, *in);
    kiln_proto_text(g->out, NODE_OUTPUT, y);
    kiln_proto_text(g->out, NODE_OP, op);
    return node;
}

void kiln_onnx_end(kiln_onnx *g, size_t node)
{
    kiln_proto_close(g->out, node);
}

static size_t open_attribute(kiln_onnx *g, const char *name)
{
    const size_t attribute = kiln_proto_open(g->out, NODE_ATTRIBUTE);

    kiln_proto_text(g->out, ATTRIBUTE_NAME, name);
    return attribute;
}

static void close_attribute(kiln_onnx *g, size_t attribute, int type)
{
    kiln_proto_int(g->out, ATTRIBUTE_TYPE, type);
    kiln_proto_close(g->out, attribute);
}

void kiln_onnx_ints(kiln_onnx *g, const char *name, const int *value, int count)
{
    const size_t attribute = open_attribute(g, name);

    for (int i = 0; i < count; i++) kiln_proto_int(g->out, ATTRIBUTE_INTS, value[i]);
    close_attribute(g, attribute, TYPE_INTS);
}

void kiln_onnx_int(kiln_onnx *g, const char *name, int value)
{
    const size_t attribute = open_attribute(g, name);

    kiln_proto_int(g->out, ATTRIBUTE_INT, value);
    close_attribute(g, attribute, TYPE_INT);
}

void kiln_onnx_float(kiln_onnx *g, const char *name, float value)
{
    const size_t attribute = open_attribute(g, name);

    kiln_proto_float(g->out, ATTRIBUTE_FLOAT, value);
    close_attribute(g, attribute, TYPE_FLOAT);
}

/* A constant, up to its values. */
static size_t open_constant(kiln_onnx *g, const char *name, int type, const int *shape, int dims)
{
    const size_t constant = kiln_proto_open(g->out, GRAPH_CONSTANT);

    for (int i = 0; i < dims; i++) kiln_proto_int(g->out, TENSOR_DIM, shape[i]);
    kiln_proto_int(g->out, TENSOR_TYPE, type);
    kiln_proto_text(g->out, TENSOR_NAME, name);
    return constant;
}

void kiln_onnx_floats(kiln_onnx *g, const char *name, const int *shape, int dims, const void *data)
{
    const size_t constant = open_constant(g, name, DATA_FLOAT, shape, dims);
    size_t bytes = sizeof(float);

    for (int i = 0; i < dims; i++) bytes *= (size_t)shape[i];
    kiln_proto_data(g->out, TENSOR_RAW, data, bytes);
    kiln_proto_close(g->out, constant);
}

void kiln_onnx_fill(kiln_onnx *g, const char *name, int count, float value)
{
    const size_t constant = open_constant(g, name, DATA_FLOAT, &count, 1);
    const size_t data = kiln_proto_open(g->out, TENSOR_RAW);

    for (int i = 0; i < count; i++) kiln_bytes_put(g->out, &value, sizeof value);
    kiln_proto_close(g->out, data);
    kiln_proto_close(g->out, constant);
}

void kiln_onnx_shape(kiln_onnx *g, const char *name, const int *size, int count)
{
    const size_t constant = open_constant(g, name, DATA_INT64, &count, 1);
    int64_t value[4];

    for (int i = 0; i < count; i++) value[i] = size[i];
    kiln_proto_data(g->out, TENSOR_RAW, value, (size_t)count * sizeof *value);
    kiln_proto_close(g->out, constant);
}

/* ---- the graph ------------------------------------------------------------------------------- */

/* An input or output of the graph: floats (N, size...). */
static void put_value(kiln_bytes *b, int field, const char *name, const int *size, int count)
{
    const size_t value = kiln_proto_open(b, field);

    kiln_proto_text(b, VALUE_NAME, name);

    const size_t type = kiln_proto_open(b, VALUE_TYPE), tensor = kiln_proto_open(b, TYPE_TENSOR);

    kiln_proto_int(b, TENSOR_ELEMENT, DATA_FLOAT);

    const size_t shape = kiln_proto_open(b, TENSOR_SHAPE);

    for (int i = -1; i < count; i++) {
        const size_t dim = kiln_proto_open(b, SHAPE_DIM);

        if (i < 0)
            kiln_proto_text(b, DIM_NAME, "N");
        else
            kiln_proto_int(b, DIM_SIZE, size[i]);
        kiln_proto_close(b, dim);
    }
    kiln_proto_close(b, shape);
    kiln_proto_close(b, tensor);
    kiln_proto_close(b, type);
    kiln_proto_close(b, value);
}

/* x = (pixels - mean) / std, channel by channel; "none" leaves pixels as they are. */
static void put_normalisation(kiln_onnx *g)
{
    const int shape[3] = {g->m->channels, 1, 1};

    if (strcmp(g->m->normalize, "none") == 0) {
        kiln_onnx_end(g, kiln_onnx_node(g, "Identity", "x", KILN_ONNX_IN("pixels")));
        return;
    }
    kiln_onnx_floats(g, "mean", shape, 3, g->m->mean);
    kiln_onnx_floats(g, "std", shape, 3, g->m->std);
    kiln_onnx_end(g, kiln_onnx_node(g, "Sub", "x.centred", KILN_ONNX_IN("pixels", "mean")));
    kiln_onnx_end(g, kiln_onnx_node(g, "Div", "x", KILN_ONNX_IN("x.centred", "std")));
}

static int put_graph(kiln_bytes *out, const kiln_model *m, int pixels)
{
    const kiln_plan *plan = kiln_net_plan(m->net);
    const size_t graph = kiln_proto_open(out, MODEL_GRAPH);
    const int image[3] = {plan->C, plan->H, plan->W};
    kiln_onnx g = {.out = out, .m = m};

    kiln_proto_text(out, GRAPH_NAME, "kiln");
    put_value(out, GRAPH_INPUT, pixels ? "pixels" : "x", image, 3);
    if (pixels) put_normalisation(&g);
    for (g.l = 0; g.l < plan->count; g.l++) {
        g.layer = &plan->layer[g.l];
        g.x = g.layer->from < 0 ? "x" : plan->layer[g.layer->from].name;
        g.x2 = g.layer->from2 < 0 ? "x" : plan->layer[g.layer->from2].name;
        g.y = g.layer->name;
        KILN_TRY(kiln_onnx_layer(&g));
    }
    put_value(out, GRAPH_OUTPUT, "scores", &plan->classes, 1);
    if (plan->layer[plan->count - 1].kind->probabilities)
        put_value(out, GRAPH_OUTPUT, "probabilities", &plan->classes, 1);
    kiln_proto_close(out, graph);
    return KILN_OK;
}

static int write(kiln_bytes *out, const kiln_model *m, int pixels)
{
    static const char *const told[] = {"net", "classes", "normalize", "mean", "std", "data"};
    const char *version = kiln_safetensors_metadata(&m->file, "version");

    if (pixels && strcmp(m->normalize, "mean-image") == 0)
        return kiln_fail(KILN_E_ARG, "onnx: this net takes images less the mean image, which is "
                         "not in the file; use onnx-normalized, and subtract it before");
    kiln_proto_int(out, MODEL_IR_VERSION, IR_VERSION);
    kiln_proto_text(out, MODEL_PRODUCER, "kiln");
    if (version) kiln_proto_text(out, MODEL_PRODUCER_VERSION, version);

    const size_t opset = kiln_proto_open(out, MODEL_OPSET);

    kiln_proto_int(out, OPSET_VERSION, OPSET);
    kiln_proto_close(out, opset);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        const char *value = kiln_safetensors_metadata(&m->file, told[i]);
        const size_t entry = kiln_proto_open(out, MODEL_METADATA);

        kiln_proto_text(out, ENTRY_KEY, told[i]);
        kiln_proto_text(out, ENTRY_VALUE, value ? value : "");
        kiln_proto_close(out, entry);
    }
    return put_graph(out, m, pixels);
}

int kiln_write_onnx(kiln_bytes *out, const kiln_model *m)
{
    return write(out, m, 1);
}

int kiln_write_onnx_normalized(kiln_bytes *out, const kiln_model *m)
{
    return write(out, m, 0);
}
