/*
 * The option freeze: names, what becomes of a net that is frozen in part, and of a run over it.
 *
 * The gradients that are left must have the bits of the whole net's, whatever is frozen, however
 * the layers are fused, on any number of threads: so the twins that prove those prove these.
 */
#include "base/json.h"
#include "base/threads.h"
#include "checkpoints.h"
#include "net/gradcheck.h"
#include "net/kinds.h"
#include "net/net.h"

enum { BATCH = 5 };

static int make_frozen(kiln_net **net, const char *notation, const char *freeze, int keep)
{
    kiln_net_options o;

    kiln_net_options_default(&o);
    o.H = o.W = 12, o.batch = BATCH, o.seed = check_seed(), o.keep = keep;
    snprintf(o.freeze, sizeof o.freeze, "%s", freeze);
    return kiln_net_make(net, notation, &o);
}

static kiln_net *make(const char *notation, const char *freeze, int keep)
{
    kiln_net *net = NULL;

    if (make_frozen(&net, notation, freeze, keep) < 0)
        CHECK_FAIL("%s, %s: %s", notation, freeze, kiln_error());
    return net;
}

/* A pass there and back. */
static void pass(kiln_net *net)
{
    const int y[BATCH] = {1, 9, 0, 4, 4};

    check_random(kiln_net_input(net), BATCH * 3 * 12 * 12, 9);
    kiln_net_forward(net, BATCH, 1);
    kiln_net_data_loss(net, y, BATCH);
    kiln_net_backward(net, BATCH);
}

/* ---- gradients ------------------------------------------------------------------------------- */

static const char *const nets[] = {
    "conv 3x3x4 - relu - maxpool 2 - conv 3x3x6 nobias - batchnorm - relu - conv 5x5x4 stride 2 - "
    "relu - affine 9 - relu - affine 10 - softmax",
    "[conv 3x3x8 - batchnorm - relu]x3 - maxpool 2 - conv 3x3x16 - groupnorm 4 - gelu - avgpool - "
    "affine 10 - softmax",
    "conv 3x3x16 - layernorm - prelu - conv 3x3x16 - prelu - affine 12 - layernorm - tanh - affine "
    "11 - batchnorm fixed - relu - dropout 0.3 - affine 10 - svm",
    "whiten 2x2 - gelu - conv 3x3x8 - residual(conv 3x3x8 - batchnorm - relu - conv 3x3x8 - "
    "batchnorm) - relu - residual(conv 3x3x4 stride 2 | conv 1x1x4 stride 2) - affine 10 - softmax",
};

/* Every tensor of the frozen net against the whole one's, after a pass. */
static void compare(kiln_net *whole, const char *notation, const char *freeze, int keep)
{
    kiln_net *net = make(notation, freeze, keep);
    int frozen = 0;

    pass(net);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i), *was = kiln_net_tensor_at(whole, i);

        assert_string_equal(t->name, was->name);
        CHECK_SAME_BITS(t->data, was->data, (size_t)t->size); /* drawn alike; statistics moved */
        assert_int_equal(t->trained + t->frozen, was->trained);
        assert_int_equal(t->gradient != NULL, t->trained);
        if (t->gradient) CHECK_SAME_BITS(t->gradient, was->gradient, (size_t)t->size);
        frozen += t->frozen;
    }
    CHECK(frozen > 0);
    kiln_net_free(net);
}

/* Each tensor alone, each layer alone, and all layers up to each but the last. */
static void compare_all(const char *notation, int keep)
{
    kiln_net *whole = make(notation, "", keep);
    const kiln_plan *plan = kiln_net_plan(whole);
    char below[KILN_FREEZE_TEXT] = "";

    pass(whole);
    for (int l = 0; l < plan->count; l++) {
        const char *name = plan->layer[l].name;
        int trained = 0;

        for (int i = 0; i < kiln_net_tensor_count(whole); i++) {
            const kiln_tensor *t = kiln_net_tensor_at(whole, i);

            if (t->layer != l || !t->trained) continue;
            trained++;
            compare(whole, notation, t->name, keep);
        }
        if (!trained) continue;
        compare(whole, notation, name, keep);
        snprintf(below + strlen(below), sizeof below - strlen(below), "%s%s", *below ? "," : "",
                 name);
        if (l < plan->count - 2) compare(whole, notation, below, keep);
    }
    kiln_net_free(whole);
}

static void what_is_left_has_the_gradients_of_the_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
        for (int threads = 1; threads <= 3; threads += 2) {
            CHECK(kiln_threads_set(threads) >= 1);
            compare_all(nets[i], 0);
            if (threads == 1) compare_all(nets[i], 1);
        }
    CHECK(kiln_threads_set(1) == 1);
}

/* The nets above have every kind that is trained. */
static void every_kind_is_frozen_here(void **state)
{
    const kiln_layer_kind *kind;

    (void)state;
    for (int k = 0; (kind = kiln_kind_at(k)); k++) {
        int found = !kind->tensors;

        for (size_t i = 0; i < sizeof nets / sizeof *nets; i++)
            found |= strstr(nets[i], kind->name) != NULL;
        if (!found) CHECK_FAIL("no net here has a %s", kind->name);
    }
}

/* Numeric gradients of the layers of frozen nets: of x, and of what is trained alone. */
static void gradients_are_right(void **state)
{
    static const char *const frozen[] = {"conv*,*norm1,*.b", "conv*,groupnorm1.gamma,*.b",
                                         "conv*,prelu1,layernorm*,*.b", "conv*,whiten1"};
    kiln_net_options o;

    (void)state;
    kiln_net_options_default(&o);
    o.H = o.W = 12, o.seed = check_seed();
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        kiln_net *net = NULL;

        strcpy(o.freeze, frozen[i]);
        assert_int_equal(kiln_gradcheck_make(&net, nets[i], &o), KILN_OK);
        for (int l = 0; l < kiln_net_plan(net)->count; l++) {
            kiln_gradcheck_row row[KILN_GRADCHECK_ROWS];
            const int rows = kiln_gradcheck_layer(net, l, row);

            CHECK(rows >= 0);
            for (int k = 0; k < rows; k++)
                if (!(row[k].error < 1e-3))
                    CHECK_FAIL("%s: %s of %s is wrong by %g", nets[i], row[k].tensor,
                               kiln_net_plan(net)->layer[l].name, row[k].error);
            if (!strcmp(kiln_net_plan(net)->layer[l].kind->name, "conv")) /* dx at most */
                CHECK(rows == (kiln_net_plan(net)->layer[l].from >= 0));
        }
        kiln_net_free(net);
    }
}

/* ---- cost ------------------------------------------------------------------------------------ */

/* The layers of all backward steps, one after the other. */
static void backward_layers(char *out, size_t size, const char *freeze)
{
    kiln_net *net = make(nets[0], freeze, 0);
    kiln_json j = {0};
    kiln_json_reader r;
    char key[16], text[96];

    kiln_json_begin(&j);
    kiln_net_write_steps(&j, NULL, net);
    CHECK(kiln_json_end(&j) > 0);
    kiln_json_read(&r, kiln_json_text(&j), strlen(kiln_json_text(&j)), "steps", KILN_E_ARG);
    *out = 0;
    CHECK(kiln_json_enter_array(&r) >= 0);
    while (kiln_json_next(&r, NULL, 0) > 0) {
        char pass_name[16] = "";

        CHECK(kiln_json_enter_object(&r) >= 0);
        while (kiln_json_next(&r, key, sizeof key) > 0) {
            if (!strcmp(key, "pass")) {
                CHECK(kiln_json_read_string(&r, pass_name, sizeof pass_name) > 0);
                continue;
            }
            if (strcmp(key, "layers") != 0) {
                CHECK(kiln_json_skip(&r) >= 0);
                continue;
            }
            CHECK(kiln_json_enter_array(&r) >= 0);
            while (kiln_json_next(&r, NULL, 0) > 0) {
                CHECK(kiln_json_read_string(&r, text, sizeof text) > 0);
                if (!strcmp(pass_name, "backward"))
                    snprintf(out + strlen(out), size - strlen(out), "%s%s", *out ? ", " : "", text);
            }
        }
    }
    CHECK(kiln_json_read_end(&r) >= 0);
    kiln_json_free(&j);
    kiln_net_free(net);
}

static void the_backward_pass_ends_where_nothing_below_is_trained(void **state)
{
    static const char *const cases[][2] = {
        {"none", "affine2, relu4, affine1, flatten1, relu3, conv3, sums of batchnorm1, batchnorm1 "
                 "with relu2, conv2, maxpool1 with relu1, conv1"},
        {"conv1", "affine2, relu4, affine1, flatten1, relu3, conv3, sums of batchnorm1, batchnorm1 "
                  "with relu2, conv2"},
        {"conv1,conv2,batch*", "affine2, relu4, affine1, flatten1, relu3, conv3"},
        {"conv*,batch*", "affine2, relu4, affine1"},
        {"conv*,batch*,affine1", "affine2"},
        {"conv*,batch*,affine1.w", "affine2, relu4, affine1"},
    };
    char found[400];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        backward_layers(found, sizeof found, cases[i][0]);
        assert_string_equal(found, cases[i][1]);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The frozen tensors of a net, "conv1.w conv1.b". */
static void check_names(const char *freeze, const char *frozen)
{
    kiln_net *net = make("conv 3x3x2 - conv 3x3x2 - batchnorm fixed - affine 3 - affine 10 - svm",
                         freeze, 0);
    char found[200] = "";

    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (t->frozen)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%s%s",
                     *found ? " " : "", t->name);
    }
    assert_string_equal(found, frozen);
    kiln_net_free(net);
}

static void names_and_patterns(void **state)
{
    (void)state;
    check_names("", "");
    check_names("none", "");
    check_names("conv1", "conv1.w conv1.b");
    check_names("conv2.b", "conv2.b");
    check_names("conv*", "conv1.w conv1.b conv2.w conv2.b");
    check_names("*.w", "conv1.w conv2.w affine1.w affine2.w");
    check_names(" affine2 ,,conv1.b ", "conv1.b affine2.w affine2.b");
    check_names("*1", "conv1.w conv1.b batchnorm1.beta affine1.w affine1.b");
    check_names("c*v*1.*", "conv1.w conv1.b");
    check_names("batchnorm1", "batchnorm1.beta"); /* its scale is fixed, and is no option's */
    check_names("**norm1*a", "batchnorm1.beta");
}

#define NAMED ", and these are named as conv1.w"

static void wrong_names_are_told(void **state)
{
    static const char *const cases[][2] = {
        {"conv", "freeze: the net has no \"conv\"; did you mean \"conv1\"?"},
        {"conv1,afine1", "freeze: the net has no \"afine1\"; did you mean \"affine1\"?"},
        {"relu1", "freeze: the net has no \"relu1\"; its layers with parameters are conv1, "
                  "batchnorm1, affine1" NAMED},
        {"batchnorm1.running_mean", "freeze: the net has no \"batchnorm1.running_mean\"; its "
                                    "layers with parameters are conv1, batchnorm1, affine1" NAMED},
        {",", "freeze: the net has no \"\"; its layers with parameters are conv1, batchnorm1, "
              "affine1" NAMED},
        {"*", "freeze: \"*\" leaves nothing to train; let one layer learn"},
        {"conv1,none", "freeze: the net has no \"none\"; its layers with parameters are conv1, "
                       "batchnorm1, affine1" NAMED},
    };
    kiln_net *net = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(make_frozen(&net, "conv 3x3x2 - batchnorm - relu - affine 10 - softmax",
                                     cases[i][0], 0), KILN_E_ARG);
        assert_string_equal(kiln_error(), cases[i][1]);
    }
}

/* ---- runs ------------------------------------------------------------------------------------ */

#define RUN NET "batch=20\nepochs=4\nlr=0.01\nreg=0.01\nweight-decay=0.01\nbias-decay=1\n" \
            "clip=1\nlookahead=2\nvalidation=20\ncheck-train=10\n"

/* What is frozen stays as it is under every rule, with every way to shrink weights; the rest, and
 * the statistics, move. */
static void no_rule_moves_what_is_frozen(void **state)
{
    static const char *const rules[] = {"sgd", "momentum", "nesterov", "rmsprop",
                                        "adam", "adamw", "muon"};

    (void)state;
    assert_int_equal(sizeof rules / sizeof *rules, KILN_RULE_COUNT);
    for (int k = 0; k < KILN_RULE_COUNT; k++) {
        char text[600];
        kiln_run *r, *start;

        snprintf(text, sizeof text, RUN "optimizer=%s\nfreeze=conv1,batchnorm1.gamma,*.b\n",
                 rules[k]);
        r = make_run(text), start = make_run(text);
        advance(r, 6);
        for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
            const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);
            const kiln_tensor *was = kiln_net_tensor_at(start->learner.net, i);
            const int moved = memcmp(t->data, was->data, (size_t)t->size * sizeof(float)) != 0;

            if (moved == t->frozen)
                CHECK_FAIL("%s: %s is %s", rules[k], t->name, moved ? "moved" : "not moved");
        }
        kiln_run_free(r);
        kiln_run_free(start);
    }
}

/* Saved after some steps and read, a run ends in the same bits; the file says what was frozen, and
 * no other list is taken. */
static void a_frozen_run_resumes(void **state)
{
    kiln_run *whole = make_run(RUN "optimizer=adam\nfreeze=conv*\n"), *back, *other = NULL;
    kiln_run *half = make_run(RUN "optimizer=adam\nfreeze=conv*\n");
    file f;

    (void)state;
    advance(whole, 12);
    advance(half, 7);
    f = save(half);
    kiln_run_free(half);
    back = must_load(f, "freeze=conv*\n");
    assert_string_equal(back->o.freeze, "conv*");
    advance(back, 12);
    assert_true(kiln_net_hash64(back->learner.net) == kiln_net_hash64(whole->learner.net));
    CHECK_SAME_BITS(back->best.state.statistics, whole->best.state.statistics,
                    whole->learner.statistics);
    assert_int_equal(load(&other, f, "freeze=none\n"), KILN_E_ARG);
    assert_string_equal(kiln_error(), "freeze: cannot change while training; start a new run");
    assert_int_equal(kiln_run_set(back, "freeze=affine1\n"), KILN_E_ARG);
    kiln_run_free(back);
    kiln_run_free(whole);
    kiln_arena_destroy(&f.arena);
}

/* ---- fine-tuning ----------------------------------------------------------------------------- */

/* Five classes of the set: every label is halved. */
static kiln_dataset halved(void)
{
    static uint16_t labels[3][TRAIN];
    kiln_dataset d = data;

    d.classes = 5;
    for (int split = 0; split < 3; split++) {
        for (int i = 0; i < d.count[split]; i++) labels[split][i] = data.label[split][i] / 2;
        d.label[split] = labels[split];
    }
    return d;
}

static int begin(kiln_run **r, const kiln_dataset *d, file f, const char *options)
{
    return kiln_checkpoint_begin(r, d, (const uint8_t *)f.arena.base, f.size, options);
}

/* Weights of ten classes begin a run of five: the head anew, the rest as it was, and with freeze it
 * stays so while the head learns. */
static void other_classes_get_a_head_of_their_own(void **state)
{
    const kiln_dataset five = halved();
    kiln_run *taught = make_run(NET "batch=20\nepochs=4\nvalidation=20\n");
    kiln_run *r = NULL, *fresh = NULL;
    file f;

    (void)state;
    advance(taught, 6);
    f = save(taught);
    if (begin(&r, &five, f, "batch=20\nlr=0.01\nfreeze=conv*,batchnorm*\n") < 0)
        CHECK_FAIL("%s", kiln_error());
    assert_string_equal(r->o.net, "conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.3 - "
                                  "affine 5 - softmax");
    assert_int_equal(begin(&fresh, &five, f, "batch=20\nlr=0.01\nfreeze=conv*,batchnorm*\n"), 0);
    advance(r, 5);
    for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);
        const kiln_tensor *was = kiln_net_tensor_at(taught->learner.net, i);
        const kiln_tensor *start = kiln_net_tensor_at(fresh->learner.net, i);

        assert_string_equal(t->name, was->name);
        assert_int_equal(t->trained, strncmp(t->name, "affine1.", 8) == 0);
        if (t->trained) {
            CHECK(t->shape[t->dims - 1] == 5);
            CHECK(memcmp(t->data, start->data, (size_t)t->size * sizeof(float)) != 0);
            continue;
        }
        CHECK_SAME_BITS(start->data, was->data, (size_t)t->size);
        if (t->parameter) CHECK_SAME_BITS(t->data, was->data, (size_t)t->size);
    }
    kiln_run_free(fresh);
    kiln_run_free(r);
    assert_int_equal(begin(&r, &five, f, NET "batch=20\n"), KILN_OK); /* the file's net, named */
    kiln_run_free(r);
    assert_int_equal(begin(&r, &five, f, "net=conv 3x3x5 - batchnorm - relu - maxpool 4 - dropout "
                                         "0.3 - affine 5 - softmax\n"), KILN_E_ARG);
    assert_non_null(strstr(kiln_error(), "the weights are of another net"));
    kiln_run_free(taught);
    kiln_arena_destroy(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_has_the_gradients_of_the_whole),
        cmocka_unit_test(every_kind_is_frozen_here),
        cmocka_unit_test(gradients_are_right),
        cmocka_unit_test(the_backward_pass_ends_where_nothing_below_is_trained),
        cmocka_unit_test(names_and_patterns),
        cmocka_unit_test(wrong_names_are_told),
        cmocka_unit_test(no_rule_moves_what_is_frozen),
        cmocka_unit_test(a_frozen_run_resumes),
        cmocka_unit_test(other_classes_get_a_head_of_their_own),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
