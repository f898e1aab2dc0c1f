/*
 * Weights that leave as safetensors and npz come back as they were, bit for bit, of a net with
 * every layer kind: into an evaluation, and as the beginning of a run of that net.
 */
#include "formats/import.h"

#include "base/status.h"
#include "check.h"
#include "checkpoints.h"
#include "formats/formats.h"
#include "net/kinds.h"
#include "net/plan.h"

/* Between them every kind: a new one wants a place here. */
static const char *const nets[] = {
    "whiten 2x2 - gelu - conv 3x3x4 - batchnorm - relu - maxpool 4 - scale 0.5 - affine 10 - svm",
    "conv 3x3x4 stride 2 - layernorm - leakyrelu 0.1 - residual(conv 3x3x4 - groupnorm 2 - prelu) "
    "- avgpool 4 - affine 12 - tanh - dropout 0.2 - affine 12 - sigmoid - affine 10 - softmax",
    "conv 5x3x6 stride 2 pad 1 nobias - batchnorm fixed - silu - residual(conv 3x3x8 stride 2 | "
    "conv 1x1x8 stride 2) - avgpool - affine 12 - batchnorm - prelu - affine 12 - layernorm - "
    "affine 12 - groupnorm 3 - residual(affine 12) - affine 10 nobias - softmax smoothing 0.1",
};
#define NETS (int)(sizeof nets / sizeof *nets)

static kiln_run *run_on(const char *net)
{
    char options[1000];
    kiln_run *r;

    snprintf(options, sizeof options, "net=%s\nbatch=10\nlr=0.001\n", net);
    r = make_run(options);
    advance(r, 4);
    return r;
}

/* The file has the net of the run: its parameters and what layers keep beside them. */
static void same_net(const char *format, const kiln_bytes *file, const kiln_run *wanted)
{
    kiln_run *r;

    if (kiln_checkpoint_load(&r, &data, (uint8_t *)file->arena.base, file->size, NULL) < 0)
        CHECK_FAIL("%s of %s: %s", format, wanted->o.net, kiln_error());
    if (kiln_net_hash64(r->learner.net) != kiln_net_hash64(wanted->learner.net))
        CHECK_FAIL("%s of %s: other parameters", format, wanted->o.net);
    for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);

        CHECK_SAME_BITS(t->data, kiln_net_tensor_at(wanted->learner.net, i)->data, t->size);
    }
    kiln_run_free(r);
}

/* The export as the beginning of a run of this net: kiln's own safetensors needs no import. */
static void is_taken(const char *what, const kiln_bytes *file, const kiln_run *run, int imported)
{
    kiln_bytes back = {0};
    kiln_json table = {0};
    int status;

    kiln_json_begin(&table);
    status = kiln_import_weights(&back, &table, run->o.net, NULL, VERSION,
                                 (uint8_t *)file->arena.base, file->size);
    if (status != imported)
        CHECK_FAIL("%s of %s: %d, %s", what, run->o.net, status, kiln_error());
    same_net(what, imported ? &back : file, run);
    kiln_json_free(&table);
    kiln_bytes_free(&back);
}

/* The same tensors without what kiln says of itself, as another program would save them. */
static kiln_bytes anonymous(const kiln_bytes *file)
{
    kiln_safetensors s;
    kiln_bytes out = {0};

    assert_int_equal(
        kiln_safetensors_read(&s, (uint8_t *)file->arena.base, file->size, "the export"), KILN_OK);
    if (kiln_safetensors_write(&out.arena, &out.size, s.tensor, s.tensors,
                               &(kiln_metadata){"format", "pt"}, 1) < 0)
        CHECK_FAIL("%s", kiln_error());
    kiln_arena_destroy(&s.arena);
    return out;
}

static void comes_back(const char *format, const file *checkpoint, const kiln_run *run)
{
    const int is_own = strcmp(format, "safetensors") == 0;
    kiln_bytes out, other;

    if (kiln_format_write(&out, format, (uint8_t *)checkpoint->arena.base, checkpoint->size) < 0)
        CHECK_FAIL("%s of %s: %s", format, run->o.net, kiln_error());
    is_taken(format, &out, run, !is_own);
    if (is_own) {
        other = anonymous(&out);
        is_taken("safetensors of another program", &other, run, 1);
        kiln_bytes_free(&other);
    }
    kiln_bytes_free(&out);
}

static void every_kind_comes_back(void **state)
{
    int seen[KILN_KINDS_MAX] = {0};

    (void)state;
    for (int i = 0; i < NETS; i++) {
        kiln_run *r = run_on(nets[i]);
        const kiln_plan *plan = kiln_net_plan(r->learner.net);
        file f = save(r);

        for (int l = 0; l < plan->count; l++)
            for (int k = 0; kiln_kind_at(k); k++) seen[k] |= plan->layer[l].kind == kiln_kind_at(k);
        comes_back("safetensors", &f, r);
        comes_back("npz", &f, r);
        kiln_arena_destroy(&f.arena);
        kiln_run_free(r);
    }
    for (int k = 0; kiln_kind_at(k); k++)
        if (!seen[k]) CHECK_FAIL("layer kind %s is in no net", kiln_kind_at(k)->name);
}

static int setup(void **state)
{
    (void)state;
    return draw_data(1, TRAIN, 0, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_comes_back)};

    return cmocka_run_group_tests(tests, setup, free_data);
}
