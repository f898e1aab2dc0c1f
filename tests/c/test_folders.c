/*
 * What leaves as a folder, for PyTorch and for TensorFlow.js: its files, names and layouts, and
 * what is refused. That these programs compute the same is tests/formats' business.
 */
#include "base/status.h"
#include "exported.h"
#include "formats/pytorch.h"
#include "formats/tfjs.h"
#include "net/kinds.h"

static int set_up(void **state)
{
    kiln_run *run;

    (void)state;
    CHECK(draw_data(1, 60, 20, 10) == 0);
    run = make_run("net=" NET "\nbatch=10\nepochs=1\n");
    for (int i = 0; i < 3; i++) must_step(run);
    save_both(run);
    kiln_run_free(run);
    return 0;
}

static int holds(const kiln_bytes *b, const void *part, size_t size)
{
    for (size_t at = 0; at + size <= b->size; at++)
        if (memcmp(b->arena.base + at, part, size) == 0) return 1;
    return 0;
}

static void pytorch_knows_every_kind_or_refuses_it_by_name(void **state)
{
    const kiln_layer_kind mystery = {.name = "mystery"};
    const kiln_layer unknown = {.kind = &mystery, .name = "mystery3"};
    int kinds = 0;

    (void)state;
    for (const kiln_layer_kind *kind; (kind = kiln_kind_at(kinds)); kinds++) {
        kiln_layer l = {.kind = kind};

        snprintf(l.name, sizeof l.name, "%s7", kind->name);
        if (kiln_torch_row(&l) < 0) CHECK(strstr(kiln_error(), l.name));
    }
    assert_int_equal(kiln_torch_row(&unknown), KILN_E_ARG);
    CHECK(strstr(kiln_error(), "pytorch: mystery3 cannot leave"));
}

/* PyTorch's names and layouts; the rule's state; the losses of the check, of which kiln's own
 * reader takes the weights back. */
static void pytorch_is_a_folder_that_goes_on(void **state)
{
    static const char *const parts[] = {
        "pytorch/model.py", "pytorch/train.py", "pytorch/kiln.py", "pytorch/data.py",
        "pytorch/weights.safetensors", "pytorch/state.safetensors", "pytorch/check.safetensors",
        "pytorch/run.json",
        "self.conv1 = nn.Conv2d(3, 4, (3, 3), stride=1, padding=(1, 1))  # conv_forward: W1, b1",
        "self.groupnorm1 = nn.GroupNorm(2, 4, eps=1e-5)", "\"affine1.weight\"",
        "\"shape\":[10,256]", "\"m.conv1.weight\"", "\"v.batchnorm1.bias\"",
        "\"regularised\":[\"conv1.weight\",\"affine1.weight\"]"};
    kiln_bytes out = write_as("pytorch"), again = write_as("pytorch");

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!holds(&out, parts[i], strlen(parts[i]))) CHECK_FAIL("no %s", parts[i]);
    assert_int_equal(out.size, again.size);
    assert_memory_equal(out.arena.base, again.arena.base, out.size);
    kiln_bytes_free(&out);
    kiln_bytes_free(&again);
    refused("pytorch", net_alone.base, net_alone_size, KILN_E_ARG, "holds the net alone");
}

static void tfjs_is_a_folder_or_refuses_a_kind_by_name(void **state)
{
    static const char *const parts[] = {
        "tfjs/model.json", "tfjs/weights.bin", "tfjs/model_keras.py",
        "{\"name\":\"conv1/kernel\",\"dtype\":\"float32\",\"shape\":[3,3,3,4]}",
        "{\"name\":\"prelu1/alpha\",\"dtype\":\"float32\",\"shape\":[1,1,4]}",
        "\"inbound_nodes\":[[[\"relu1\",0,0,{}],[\"maxpool1\",0,0,{}]]]",
        "    affine1 = layers.Dense(units=10, use_bias=True, name=\"affine1\")(flatten1)\n"};
    kiln_run *other = make_run("net=conv 3x3x4 - prelu - maxpool 4 - residual(relu) - affine 10 - "
                               "svm\nbatch=10\n");
    kiln_bytes once, twice;
    kiln_arena file;
    size_t size;
    int known = 0;

    (void)state;
    refused("tfjs", saved.base, saved_size, KILN_E_ARG, "tfjs: groupnorm1 cannot leave");
    for (const kiln_layer_kind *kind; (kind = kiln_kind_at(known)); known++) {
        kiln_layer l = {.kind = kind};

        snprintf(l.name, sizeof l.name, "%s7", kind->name);
        if (kiln_tfjs_row(&l) < 0) CHECK(strstr(kiln_error(), l.name));
    }
    CHECK(kiln_checkpoint_write(other, VERSION, &file, &size) >= 0);
    CHECK(kiln_format_write(&once, "tfjs", (uint8_t *)file.base, size) >= 0);
    CHECK(kiln_format_write(&twice, "tfjs", (uint8_t *)file.base, size) >= 0);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.arena.base, twice.arena.base, once.size);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!holds(&once, parts[i], strlen(parts[i]))) CHECK_FAIL("no %s", parts[i]);
    kiln_bytes_free(&once);
    kiln_bytes_free(&twice);
    kiln_arena_destroy(&file);
    kiln_run_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pytorch_knows_every_kind_or_refuses_it_by_name),
        cmocka_unit_test(pytorch_is_a_folder_that_goes_on),
        cmocka_unit_test(tfjs_is_a_folder_or_refuses_a_kind_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, free_both);
}
