/*
 * What leaves: each format of the table over a small run, its bytes against what the format says,
 * and files that are refused with a sentence.
 */
#include "base/json.h"
#include "base/status.h"
#include "exported.h"
#include "formats/onnx.h"
#include "formats/protobuf.h"
#include "net/kinds.h"

static kiln_run *run;

static int set_up(void **state)
{
    (void)state;
    CHECK(draw_data(1, 60, 20, 10) == 0);
    run = make_run("net=" NET "\nbatch=10\nepochs=2\n");
    while (!kiln_run_over(run)) must_step(run);
    save_both(run);
    return 0;
}

static int tear_down(void **state)
{
    kiln_run_free(run);
    return free_both(state);
}

static void every_format_writes_the_same_file_twice(void **state)
{
    (void)state;
    for (int i = 0; kiln_format_at(i); i++) {
        const kiln_format *f = kiln_format_at(i);

        if (strcmp(f->name, "tfjs") == 0) continue; /* it has no groupnorm: below */

        kiln_bytes once = write_as(f->name), twice = write_as(f->name);

        CHECK(once.size > 0 && once.size == twice.size);
        assert_memory_equal(once.arena.base, twice.arena.base, once.size);
        CHECK(strlen(f->ending) > 0 && strlen(f->holds) > 0 && strlen(f->sentence) > 0);
        kiln_bytes_free(&once);
        kiln_bytes_free(&twice);
    }
}

static void safetensors_is_the_export_of_the_run(void **state)
{
    kiln_bytes out = write_as("safetensors"), again;

    (void)state;
    assert_int_equal(out.size, net_alone_size);
    assert_memory_equal(out.arena.base, net_alone.base, net_alone_size);
    /* What was exported is exported again. */
    CHECK(kiln_format_write(&again, "safetensors", (uint8_t *)out.arena.base, out.size) >= 0);
    assert_int_equal(again.size, out.size);
    assert_memory_equal(again.arena.base, out.arena.base, out.size);
    kiln_bytes_free(&out);
    kiln_bytes_free(&again);
}

/* The array of a name in a stored .npz: behind its local header's name, 128 bytes of .npy. */
static const char *array_of(const kiln_bytes *b, const char *name, const char *shape)
{
    const size_t length = strlen(name);

    for (size_t at = 30; at + length + 128 < b->size; at++) {
        const char *p = b->arena.base + at;

        if (memcmp(p - 30, "PK\x03\x04", 4) || memcmp(p, name, length) ||
            memcmp(p + length, "\x93NUMPY\x01", 7))
            continue;
        if (!strstr(p + length + 10, shape)) CHECK_FAIL("%s has not the shape %s", name, shape);
        return p + length + 128;
    }
    CHECK_FAIL("no array %s", name);
    return NULL;
}

static void npz_has_the_names_and_shapes_of_the_course(void **state)
{
    static const struct {
        const char *name, *shape, *tensor;
    } expected[] = {
        {"W1.npy", "(4, 3, 3, 3,)", "conv1.w"},
        {"b1.npy", "(4,)", "conv1.b"},
        {"gamma1.npy", "(4,)", "batchnorm1.gamma"},
        {"beta1.npy", "(4,)", "batchnorm1.beta"},
        {"running_mean1.npy", "(4,)", "batchnorm1.running_mean"},
        {"running_var1.npy", "(4,)", "batchnorm1.running_var"},
        {"groupnorm1.gamma.npy", "(4,)", "groupnorm1.gamma"}, /* gamma1 is taken */
        {"W2.npy", "(256, 10,)", "affine1.w"},
        {"b2.npy", "(10,)", "affine1.b"},
    };
    kiln_bytes out = write_as("npz");

    (void)state;
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        const char *array = array_of(&out, expected[k].name, expected[k].shape);

        for (int i = 0; i < kiln_net_tensor_count(run->learner.net); i++) {
            const kiln_tensor *t = kiln_net_tensor_at(run->learner.net, i);

            if (strcmp(t->name, expected[k].tensor) == 0)
                assert_memory_equal(array, t->data, (size_t)t->size * sizeof(float));
        }
    }
    assert_memory_equal(array_of(&out, "mean.npy", "(3,)"), data.mean, 3 * sizeof(float));
    assert_memory_equal(array_of(&out, "std.npy", "(3,)"), data.std, 3 * sizeof(float));
    kiln_bytes_free(&out);
}

/* What is not said in ONNX is refused by its name, and all that there is today is said. */
static void onnx_knows_every_kind_or_refuses_it_by_name(void **state)
{
    const kiln_layer_kind mystery = {.name = "mystery"};
    const kiln_layer unknown = {.kind = &mystery, .name = "mystery3"};
    int kinds = 0, known = 0;

    (void)state;
    for (const kiln_layer_kind *kind; (kind = kiln_kind_at(kinds)); kinds++) {
        kiln_layer l = {.kind = kind};

        snprintf(l.name, sizeof l.name, "%s7", kind->name);
        if (kiln_onnx_row(&l) >= 0)
            known++;
        else
            CHECK(strstr(kiln_error(), l.name));
    }
    CHECK(known >= 20 && known <= kinds);
    assert_int_equal(kiln_onnx_row(&unknown), KILN_E_ARG);
    assert_string_equal(kiln_error(),
                        "onnx: mystery3 cannot leave: there is no ONNX form of mystery here");
}

static int holds(const kiln_bytes *b, const void *part, size_t size)
{
    for (size_t at = 0; at + size <= b->size; at++)
        if (memcmp(b->arena.base + at, part, size) == 0) return 1;
    return 0;
}

static void onnx_holds_the_parameters_bit_for_bit(void **state)
{
    kiln_bytes out = write_as("onnx");

    (void)state;
    for (int i = 0; i < kiln_net_tensor_count(run->learner.net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(run->learner.net, i);

        CHECK(holds(&out, t->name, strlen(t->name)));
        CHECK(holds(&out, t->data, (size_t)t->size * sizeof(float)));
    }
    CHECK(holds(&out, data.mean, 3 * sizeof(float)) && holds(&out, "pixels", 6));
    kiln_bytes_free(&out);
}

static void bytes_grow_and_nothing_is_nothing(void **state)
{
    kiln_bytes b = {0};

    (void)state;
    kiln_bytes_text(&b, "");
    kiln_bytes_zeros(&b, 0);
    assert_int_equal(kiln_bytes_end(&b), KILN_OK);
    CHECK(b.size == 0 && !b.arena.base);
    for (int i = 0; i < 3000; i++) kiln_bytes_little_endian(&b, 0x01020304, 4);
    assert_int_equal(b.size, 12000);
    for (int i = 0; i < 12000; i++) assert_int_equal(b.arena.base[i], 4 - i % 4);
    kiln_bytes_free(&b);
    kiln_bytes_free(&b);
}

/* protobuf.dev, "Encoding": 150 is 96 01, testing is 07 74 65 .., -1 ten bytes; a message's length
 * may be longer than it must. */
static void protobuf_is_encoded_as_its_page_says(void **state)
{
    static const uint8_t expected[] = {
        0x08, 0x96, 0x01, 0x12, 0x07, 't', 'e', 's', 't', 'i', 'n', 'g',
        0x1a, 0x83, 0x80, 0x80, 0x80, 0x00, 0x08, 0x96, 0x01,
        0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        0xa5, 0x01, 0x00, 0x00, 0x80, 0x3f};
    kiln_bytes b = {0};
    size_t inner;

    (void)state;
    kiln_proto_int(&b, 1, 150);
    kiln_proto_text(&b, 2, "testing");
    inner = kiln_proto_open(&b, 3);
    kiln_proto_int(&b, 1, 150);
    kiln_proto_close(&b, inner);
    kiln_proto_int(&b, 1, -1);
    kiln_proto_float(&b, 20, 1);
    assert_int_equal(kiln_bytes_end(&b), KILN_OK);
    assert_int_equal(b.size, sizeof expected);
    assert_memory_equal(b.arena.base, expected, sizeof expected);
    kiln_bytes_free(&b);
}

static void curves_are_those_of_the_run(void **state)
{
    kiln_bytes csv = write_as("csv"), json = write_as("json");
    kiln_bytes losses = write_as("csv-losses");
    kiln_json j = {0};
    const char *line;
    int lines = 0;

    (void)state;
    kiln_bytes_zeros(&csv, 1);
    kiln_bytes_zeros(&json, 1);
    kiln_bytes_zeros(&losses, 1);
    CHECK(strncmp(csv.arena.base, "epoch,step,trainLoss,trainAccuracy,valAccuracy,lr\n1,6,", 54) ==
          0);
    for (line = csv.arena.base; (line = strchr(line, '\n')); line++) lines++;
    assert_int_equal(lines, 1 + run->history.epochs);
    CHECK(strncmp(losses.arena.base, "step,loss\n1,", 12) == 0);
    lines = 0;
    for (line = losses.arena.base; (line = strchr(line, '\n')); line++) {
        if (lines < run->history.losses) {
            char *rest;

            assert_int_equal(strtol(line + 1, &rest, 10), run->history.loss_step[lines]);
            CHECK(*rest == ',' && strtof(rest + 1, NULL) == run->history.loss[lines]);
        }
        lines++;
    }
    assert_int_equal(lines, 1 + run->history.losses);
    kiln_json_begin(&j);
    kiln_history_json(&run->history, &j);
    CHECK(kiln_json_end(&j) > 0);
    CHECK(strstr(json.arena.base, kiln_json_text(&j)));
    CHECK(strncmp(json.arena.base, "{\"checkpoint\":{", 15) == 0);
    kiln_json_free(&j);
    kiln_bytes_free(&csv);
    kiln_bytes_free(&losses);
    kiln_bytes_free(&json);
}

static void summaries_are_tables_of_the_plan(void **state)
{
    const kiln_plan *plan = kiln_net_plan(run->learner.net);
    kiln_bytes md = write_as("markdown"), tex = write_as("latex");
    char line[160];
    int lines = 0;

    (void)state;
    kiln_bytes_zeros(&md, 1);
    kiln_bytes_zeros(&tex, 1);
    for (const char *at = md.arena.base; (at = strchr(at, '\n')); at++) lines++;
    assert_int_equal(lines, plan->count + 3); /* titles, what is under them, all */
    for (int l = 0; l < plan->count; l++) CHECK(strstr(md.arena.base, plan->layer[l].name));
    CHECK(strstr(md.arena.base, "| conv1 | conv 3x3x4 | 4x32x32 | 112 | 221184 |\n"));
    CHECK(strstr(md.arena.base, "| affine1 | affine 10 | 10 | 2570 | 5120 |\n"));
    CHECK(strstr(tex.arena.base, "conv1 & conv 3x3x4 & 4x32x32 & 112 & 221184 \\\\\n"));
    snprintf(line, sizeof line, "| all |  |  | %.0f | %.0f |\n", plan->parameters, plan->flops);
    CHECK(strstr(md.arena.base, line));
    kiln_bytes_free(&md);
    kiln_bytes_free(&tex);
}

static void refuses_with_a_sentence(void **state)
{
    uint8_t *damaged = malloc(saved_size);
    const kiln_metadata foreign = {"format", "pt"};
    kiln_arena other;
    size_t size;

    (void)state;
    refused("nzp", saved.base, saved_size, KILN_E_ARG, "did you mean \"npz\"");
    run->o.normalize = KILN_NORMALIZE_MEAN_IMAGE; /* its mean image is in no file */
    CHECK(kiln_checkpoint_export(run, VERSION, &other, &size) >= 0);
    run->o.normalize = KILN_NORMALIZE_CHANNEL;
    refused("onnx", other.base, size, KILN_E_ARG, "use onnx-normalized");
    kiln_arena_destroy(&other);
    refused("csv", net_alone.base, net_alone_size, KILN_E_ARG, "holds the net alone");
    memcpy(damaged, saved.base, saved_size);
    damaged[saved_size - 9] ^= 1;
    refused("npz", damaged, saved_size, KILN_E_CHECKPOINT, "checkpoint");
    for (size_t cut = 0; cut < saved_size; cut += saved_size / 40)
        refused("npz", saved.base, cut, KILN_E_CHECKPOINT, "");
    CHECK(kiln_safetensors_write(&other, &size, NULL, 0, &foreign, 1) >= 0);
    refused("npz", other.base, size, KILN_E_CHECKPOINT, "none that kiln wrote");
    kiln_arena_destroy(&other);
    free(damaged);
}

/* A file whose hash is right, but that lacks a tensor, or has it in another shape, or whose lists
 * and net do not fit. */
static void refuses_what_contradicts_itself(void **state)
{
    static const struct {
        const char *net, *mean, *words;
    } cases[] = {
        {"affine 10 - softmax", "[1,2,3]", "\"affine1.w\" is not in the file"},
        {"affine 2 - softmax", "[1,2,3]", "\"affine1.b\" is not of the shape"},
        {"rleu", "[1,2,3]", "rleu"},
        {"affine 2 - softmax", "[]", "is empty"},
        {"affine 2 - softmax", "[1,2,3,4,5]", "more than 4 channels"},
        {"affine 2 - softmax", "[1,2,]", "mean"},
        {"affine 2 - softmax", "[1,2]", "2 means and 3 deviations"},
    };
    static const float zeros[2 * 3072];
    const kiln_safetensor tensor[] = {
        {.name = "affine1.w", .shape = {3072, 2}, .dims = 2, .data = zeros},
        {.name = "affine1.b", .shape = {3}, .dims = 1, .data = zeros}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const kiln_metadata entry[] = {
            {"format", "kiln"}, {"format_version", "2"}, {"net", cases[i].net},
            {"classes", "[\"a\",\"b\"]"}, {"normalize", "channel"}, {"mean", cases[i].mean},
            {"std", "[1,1,1]"}};
        kiln_arena file;
        size_t size;

        CHECK(kiln_safetensors_write(&file, &size, tensor + (i == 0), i == 0 ? 1 : 2, entry, 7) >=
              0);
        refused("npz", file.base, size, KILN_E_CHECKPOINT, cases[i].words);
        kiln_arena_destroy(&file);
    }
}

static void memory_that_runs_out_is_an_error(void **state)
{
    const size_t limit = kiln_memory_limit();

    (void)state;
    for (int i = 0; kiln_format_at(i); i++) {
        kiln_memory_limit_set(1000); /* of one arena */
        refused(kiln_format_at(i)->name, saved.base, saved_size, KILN_E_MEMORY, "");
        kiln_memory_limit_set(limit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_writes_the_same_file_twice),
        cmocka_unit_test(safetensors_is_the_export_of_the_run),
        cmocka_unit_test(npz_has_the_names_and_shapes_of_the_course),
        cmocka_unit_test(onnx_knows_every_kind_or_refuses_it_by_name),
        cmocka_unit_test(onnx_holds_the_parameters_bit_for_bit),
        cmocka_unit_test(bytes_grow_and_nothing_is_nothing),
        cmocka_unit_test(protobuf_is_encoded_as_its_page_says),
        cmocka_unit_test(curves_are_those_of_the_run),
        cmocka_unit_test(summaries_are_tables_of_the_plan),
        cmocka_unit_test(refuses_with_a_sentence),
        cmocka_unit_test(refuses_what_contradicts_itself),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
