/*
 * A kind with three learned tensors works everywhere, though the library has none: this program
 * brings its own list of families, with one more. (The linker takes an object of libkiln.a only for
 * names that are still missing, so kind_families.o, which has no other name, stays out.)
 */
#include "net/gradcheck.h"
#include "runs.h"
#include "train/checkpoint.h"

#define NET "conv 3x3x6 - parabola - maxpool 4 - affine 8 - parabola - affine 10 - softmax"

/* ---- y = a·x² + b·x + c, with an a, b and c a channel ------------------------------------ */

static int tensors(const kiln_layer *l, kiln_tensor_row *t)
{
    t[0] = (kiln_tensor_row){.name = "a", .shape = {l->C}, .start = 0.25f};
    t[1] = (kiln_tensor_row){.name = "b", .shape = {l->C}, .start = 1, .regularised = 1};
    t[2] = (kiln_tensor_row){.name = "c", .shape = {l->C}};
    return 3;
}

static int count(const kiln_pass *p)
{
    return p->n * (int)kiln_layer_elements(p->layer);
}

static void forward(const kiln_pass *p)
{
    for (int i = 0, c; i < count(p); i++) {
        c = i % p->layer->C;
        p->out[i] = (p->data[0][c] * p->x[i] + p->data[1][c]) * p->x[i] + p->data[2][c];
    }
}

static void backward(const kiln_pass *p)
{
    for (int t = 0; t < 3; t++) kiln_vec_fill(p->gradient[t], p->layer->C, 0.0f);
    for (int i = 0, c; i < count(p); i++) {
        const float x = p->x[i], dout = p->dout[i];

        c = i % p->layer->C;
        p->gradient[0][c] += dout * x * x;
        p->gradient[1][c] += dout * x;
        p->gradient[2][c] += dout;
        if (p->dx) p->dx[i] = dout * (2 * p->data[0][c] * x + p->data[1][c]);
    }
}

static void twin(const kiln_twin *t)
{
    for (int i = 0, c; i < t->n * (int)kiln_layer_elements(t->layer); i++) {
        c = i % t->layer->C;
        t->out[i] = (t->data[0][c] * t->x[i] + t->data[1][c]) * t->x[i] + t->data[2][c];
    }
}

static const kiln_layer_kind parabola[] = {{.name = "parabola",
                                            .notation = "parabola",
                                            .flops = 4,
                                            .tensors = tensors,
                                            .reads = KILN_READS_X,
                                            .forward = forward,
                                            .backward = backward,
                                            .twin = twin},
                                           {0}};

const kiln_layer_kind *const kiln_kind_families[] = {
    kiln_kinds_conv, kiln_kinds_pool,    kiln_kinds_affine, kiln_kinds_activation, parabola,
    kiln_kinds_norm, kiln_kinds_dropout, kiln_kinds_join,   kiln_kinds_loss,       NULL};

/* ---- everywhere ------------------------------------------------------------------------------ */

static void is_planned(void **state)
{
    static const char *const name[] = {"conv1.w",     "conv1.b",   "parabola1.a", "parabola1.b",
                                       "parabola1.c", "affine1.w", "affine1.b",   "parabola2.a",
                                       "parabola2.b", "parabola2.c", "affine2.w", "affine2.b"};
    kiln_net_options o;
    kiln_net *net;

    (void)state;
    kiln_net_options_default(&o);
    CHECK(kiln_net_make(&net, NET, &o) == KILN_OK);
    assert_int_equal(kiln_net_tensor_count(net), 12);
    for (int i = 0; i < 12; i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        assert_string_equal(t->name, name[i]);
        assert_int_equal(t->regularised, strstr(name[i], ".w") || strstr(name[i], "a1.b") ||
                                             strstr(name[i], "a2.b"));
    }
    CHECK_NEAR(kiln_net_tensor_at(net, 2)->data[5], 0.25, 0);
    CHECK_NEAR(kiln_net_tensor_at(net, 3)->data[5], 1, 0);
    CHECK_NEAR(kiln_net_tensor_at(net, 4)->data[5], 0, 0);
    CHECK_NEAR(kiln_net_plan(net)->parameters,
               3 * 9 * 6 + 6 + 3 * 6 + 384 * 8 + 8 + 3 * 8 + 8 * 10 + 10, 0);
    kiln_net_free(net);
}

static void is_checked(void **state)
{
    static const char *const name[] = {"dx", "da", "db", "dc"};
    kiln_net_options o;
    kiln_net *net;

    (void)state;
    kiln_net_options_default(&o);
    o.C = 3, o.H = o.W = 8;
    o.seed = check_seed();
    CHECK(kiln_gradcheck_make(&net, NET, &o) == KILN_OK);
    for (int l = 0; l < kiln_net_plan(net)->count; l++) {
        kiln_gradcheck_row row[KILN_GRADCHECK_ROWS];
        const int rows = kiln_gradcheck_layer(net, l, row);

        if (strncmp(kiln_net_plan(net)->layer[l].name, "parabola", 8)) continue;
        assert_int_equal(rows, 4);
        for (int i = 0; i < 4; i++) {
            assert_string_equal(row[i].tensor, name[i]);
            if (!(row[i].error < 1e-3 && row[i].entries > 0))
                CHECK_FAIL("%s of layer %d is wrong by %g", row[i].tensor, l, row[i].error);
        }
    }
    kiln_net_free(net);
}

/* Each rule trains it, and a run that was saved and read goes on with the same bits. */
static void is_trained_and_saved(void **state)
{
    CHECK(draw_data(1, 60, 10, 10) == 0);
    for (int rule = 0; rule < KILN_RULE_COUNT; rule++) {
        kiln_run *r, *on;
        kiln_arena file;
        char text[300];
        size_t size;

        snprintf(text, sizeof text,
                 "net=%s\noptimizer=%s\nlr=0.001\nbatch=10\nepochs=2\nreg=0.01\n", NET,
                 kiln_rule_table[rule]->name);
        r = make_run(text);
        for (int i = 0; i < 7; i++) must_step(r);
        for (int i = 2; i < 5; i++) {
            const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);

            if (t->data[0] == (i == 2 ? 0.25f : i == 3 ? 1.0f : 0.0f))
                CHECK_FAIL("%s did not move %s", kiln_rule_table[rule]->name, t->name);
        }
        CHECK(kiln_checkpoint_write(r, "test", &file, &size) == KILN_OK);
        if (kiln_checkpoint_read(&on, &data, (const uint8_t *)file.base, size, NULL) < 0)
            CHECK_FAIL("%s: %s", kiln_rule_table[rule]->name, kiln_error());
        for (int i = 0; i < 3; i++) must_step(r), must_step(on);
        assert_memory_equal(r->learner.w, on->learner.w, r->learner.floats * sizeof(float));
        kiln_run_free(on);
        kiln_run_free(r);
        kiln_arena_destroy(&file);
    }
    free_data(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_planned),
        cmocka_unit_test(is_checked),
        cmocka_unit_test(is_trained_and_saved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
