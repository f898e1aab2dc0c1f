/*
 * Checkpoints: a run resumed anywhere is the run that never stopped, bit for bit; what a file is
 * evaluated or begun from holds its very weights. What is refused: test_checkpoint_refused.c.
 */
#include "checkpoints.h"
#include "data/batch.h"

#define STEPS 14 /* of six an epoch */

/* ---- going on ----------------------------------------------------------------------------------
 */

/* Whole files are compared: parameters, state, statistics, best, history, options and place. */
static void goes_on(const char *text)
{
    kiln_run *unbroken = make_run(text);
    file end;

    advance(unbroken, STEPS);
    end = save(unbroken);
    for (int64_t stop = 0; stop < STEPS; stop += stop < 2 ? 1 : 4) {
        kiln_run *first = make_run(text), *second;
        file middle, ours;

        advance(first, stop);
        middle = save(first);
        kiln_run_free(first);
        second = must_load(middle, NULL);
        assert_int_equal(second->place.step, stop);
        advance(second, STEPS);
        assert_true(kiln_net_hash64(second->learner.net) == kiln_net_hash64(unbroken->learner.net));
        ours = save(second);
        if (ours.size != end.size || memcmp(ours.arena.base, end.arena.base, end.size) != 0)
            CHECK_FAIL("stopped after %d steps, the final files differ: %s", (int)stop, text);
        kiln_run_free(second);
        kiln_arena_destroy(&middle.arena);
        kiln_arena_destroy(&ours.arena);
    }
    kiln_arena_destroy(&end.arena);
    kiln_run_free(unbroken);
}

static void momentum_shuffle_augment(void **state)
{
    (void)state;
    goes_on(NET "batch=10\noptimizer=momentum\nlr=0.01\naugment=flip,crop4,cutout8\n"
                "schedule=onecycle\nepochs=3\nreg=0.01\n");
}

static void adam_replacement(void **state)
{
    (void)state;
    goes_on(NET "batch=10\noptimizer=adam\ndraw=replacement\nschedule=cosine\nwarmup=1\nepochs=3\n"
                "clip=1\ncheck-first=1\n");
}

static void rmsprop_groupnorm(void **state)
{
    (void)state;
    goes_on(
        "net=conv 3x3x4 - groupnorm 2 - residual(conv 3x3x4 - relu) - avgpool - affine 10 - svm\n"
        "batch=9\noptimizer=rmsprop\nschedule=exponential\nepochs=3\nnormalize=mean-image\n");
}

static void adamw_layernorm(void **state)
{
    (void)state;
    goes_on("net=affine 12 - layernorm - gelu - dropout 0.5 - affine 10 - softmax smoothing 0.1\n"
            "batch=10\noptimizer=adamw\nweight-decay=0.01\ninit=gaussian 0.01\nepochs=3\n");
}

/* The average is part of a run, and so are fractions of an epoch. */
static void lookahead_jitter_part_of_an_epoch(void **state)
{
    (void)state;
    goes_on("net=whiten 2x2 - conv 3x3x4 nobias - batchnorm fixed - gelu - maxpool 8 - affine 10 - "
            "softmax\nbatch=10\noptimizer=nesterov\nlr=0.01\nbias-lr=8\nhead-lr=2\n"
            "whiten-epochs=1.2\nlookahead=5\nepochs=2.4\naugment=brightness14,contrast13,crop2\n");
}

/* One tensor of a layer that is trained, and one that is not. */
static void adam_prelu_fixed_scale(void **state)
{
    (void)state;
    goes_on("net=conv 3x3x4 nobias - batchnorm fixed - prelu - scale 0.5 - maxpool 4 - silu - "
            "affine 10 - softmax\n"
            "batch=10\noptimizer=adam\nlr=0.01\nreg=0.01\nepochs=3\n");
}

static void muon_normed(void **state)
{
    (void)state;
    goes_on(NET "batch=10\noptimizer=muon\nweight-decay=0.01\nlr=0.02\nepochs=3\n");
}

static void live_options_on_resume(void **state)
{
    kiln_run *r = make_run(NET "batch=10\nlr=0.01\n"), *next = NULL;
    file f;

    (void)state;
    advance(r, 3);
    f = save(r);
    next = must_load(f, "lr=0.5\nbatch=30\nepochs=20\n");
    assert_true(next->o.lr == 0.5 && next->o.batch == 30 && next->o.epochs == 20);
    assert_int_equal(kiln_net_made_with(next->learner.net)->batch, 30);
    advance(next, 5);
    kiln_run_free(next);
    next = NULL;
    assert_int_equal(load(&next, f, "optimizer=sgd"), KILN_E_ARG);
    assert_null(next);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* ---- the file ----------------------------------------------------------------------------------
 */

static void export_is_the_net_alone(void **state)
{
    kiln_run *r = make_run(NET "batch=10\n"), *next;
    kiln_safetensors s;
    const kiln_safetensor *w;
    file f;

    (void)state;
    advance(r, 7);
    assert_true(kiln_checkpoint_export(r, VERSION, &f.arena, &f.size) >= 0);
    assert_int_equal(kiln_safetensors_read(&s, (uint8_t *)f.arena.base, f.size, "x"), KILN_OK);
    assert_int_equal(s.tensors, kiln_net_tensor_count(r->learner.net));
    w = kiln_safetensors_find(&s, "conv1.w");
    assert_non_null(w);
    assert_true(w->dims == 4 && w->shape[0] == 4 && w->shape[1] == 3 && w->shape[2] == 3);
    assert_memory_equal(w->data, kiln_net_tensor_at(r->learner.net, 0)->data, w->bytes);
    assert_string_equal(kiln_safetensors_metadata(&s, "format"), "kiln");
    assert_non_null(kiln_safetensors_metadata(&s, "classes"));
    kiln_safetensors_free(&s);
    assert_int_equal(load(&next, f, NULL), KILN_E_CHECKPOINT);
    assert_non_null(strstr(kiln_error(), "export"));
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

static file export_net(kiln_run *r)
{
    file f;

    if (kiln_checkpoint_export(r, VERSION, &f.arena, &f.size) < 0) CHECK_FAIL("%s", kiln_error());
    return f;
}

/* What leaves as weights alone is evaluated as its run is, down to the bits, on data without
 * training images too, and exported again as the same bytes. */
static void an_export_is_evaluated(void **state)
{
    kiln_run *r = make_run(NET "batch=10\nnormalize=none\n"), *on;
    kiln_dataset tests = data;
    float mine[10], theirs[10];
    file f, again;

    (void)state;
    advance(r, 7);
    f = export_net(r);
    tests.count[0] = tests.count[1] = 0;
    if (kiln_checkpoint_load(&on, &tests, (uint8_t *)f.arena.base, f.size, NULL) < 0)
        CHECK_FAIL("%s", kiln_error());
    assert_true(kiln_net_hash64(on->learner.net) == kiln_net_hash64(r->learner.net));
    assert_int_equal(on->o.normalize, KILN_NORMALIZE_NONE);
    assert_int_equal(kiln_evaluate(&r->test, 2, 0, 10, 1, NULL, NULL),
                     kiln_evaluate(&on->test, 2, 0, 10, 1, NULL, NULL));
    assert_int_equal(kiln_predict(&r->test, data.image[2], 1, 1, mine), 0);
    assert_int_equal(kiln_predict(&on->test, data.image[2], 1, 1, theirs), 0);
    CHECK_SAME_BITS(mine, theirs, 10);
    assert_int_equal(kiln_run_step(on), KILN_E_STATE);
    again = export_net(on);
    CHECK(again.size == f.size && !memcmp(again.arena.base, f.arena.base, f.size));
    kiln_arena_destroy(&f.arena), kiln_arena_destroy(&again.arena);
    kiln_run_free(on), kiln_run_free(r);
}

/* A new run begins with the weights and statistics of a file, of a run or of the net alone, and
 * else as any new run does. */
static void a_run_begins_with_weights(void **state)
{
    kiln_run *r = make_run(NET "batch=10\nnormalize=none\nlr=0.5\nseed=3\n"), *on, *other;
    file files[2];

    (void)state;
    advance(r, 7);
    files[0] = save(r), files[1] = export_net(r);
    for (int i = 0; i < 2; i++) {
        const uint8_t *bytes = (uint8_t *)files[i].arena.base;
        const size_t size = files[i].size;

        if (kiln_checkpoint_begin(&on, &data, bytes, size, "batch=10\noptimizer=sgd\n") < 0)
            CHECK_FAIL("%s", kiln_error());
        assert_true(kiln_net_hash64(on->learner.net) == kiln_net_hash64(r->learner.net));
        assert_true(on->place.step == 0 && on->history.losses == 0 && on->best.accuracy < 0);
        assert_true(on->o.lr == 0.01 && on->o.seed == 1 && on->o.optimizer == KILN_RULE_sgd);
        assert_int_equal(on->o.normalize, KILN_NORMALIZE_NONE);
        advance(on, 3);
        kiln_run_free(on);
        assert_int_equal(kiln_checkpoint_begin(&other, &data, bytes, size,
                                               "net=affine 10 - softmax\n"), KILN_E_ARG);
        assert_non_null(strstr(kiln_error(), "the weights are of another net, conv 3x3x4"));
        assert_int_equal(kiln_checkpoint_begin(&other, &data, bytes, size, "epohcs=3\n"),
                         KILN_E_ARG);
        assert_int_equal(kiln_checkpoint_begin(&other, &data, bytes, size, "memory=1\nbatch=60"),
                         KILN_E_CHECKPOINT);
        kiln_arena_destroy(&files[i].arena);
    }
    kiln_run_free(r);
}

static void holds_readable_names(void **state)
{
    static const char *const names[] = {"conv1.w",
                                        "batchnorm1.running_mean",
                                        "optimizer.m.conv1.w",
                                        "optimizer.v.affine1.b",
                                        "best.affine1.w",
                                        "history.loss",
                                        "history.loss_step",
                                        "history.epoch",
                                        "history.epoch_values",
                                        "best.batchnorm1.running_var"};
    kiln_run *r = make_run(NET "batch=10\noptimizer=adam\n");
    kiln_safetensors s;
    file f;

    (void)state;
    advance(r, 7);
    f = save(r);
    assert_int_equal(kiln_safetensors_read(&s, (uint8_t *)f.arena.base, f.size, "x"), KILN_OK);
    assert_int_equal(s.hashed, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!kiln_safetensors_find(&s, names[i])) CHECK_FAIL("no tensor %s", names[i]);
    assert_string_equal(kiln_safetensors_metadata(&s, "version"), VERSION);
    assert_string_equal(kiln_safetensors_metadata(&s, "step"), "7");
    kiln_safetensors_free(&s);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

static void description(void **state)
{
    kiln_run *r = make_run(NET "batch=10\nseed=5\n");
    kiln_json j;
    file f;

    (void)state;
    memset(&j, 0, sizeof j);
    advance(r, 7);
    f = save(r);
    kiln_json_begin(&j);
    assert_int_equal(kiln_checkpoint_json((uint8_t *)f.arena.base, f.size, &j), KILN_OK);
    assert_true(kiln_json_end(&j) > 0);
    assert_non_null(
        strstr(kiln_json_text(&j), "\"version\":\"" VERSION "\",\"net\":\"conv 3x3x4 - batch"));
    assert_non_null(strstr(kiln_json_text(&j), "\"sameMode\":true"));
    assert_non_null(strstr(kiln_json_text(&j), "\"seed\":5,\"step\":7,\"epoch\":1,"));
    assert_non_null(strstr(kiln_json_text(&j), "\"data\":\"builtin\""));
    assert_non_null(strstr(kiln_json_text(&j), "\"options\":{\"net\":\"conv"));
    kiln_json_free(&j);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* To be evaluated it takes any data of its shape, normalised by its own training data; it takes no
 * steps, and what is saved from it names its own data. */
static void evaluates_on_other_data(void **state)
{
    kiln_run *r = make_run(NET "batch=10\n"), *on;
    kiln_dataset other;
    kiln_arena out;
    kiln_safetensors s;
    float mine[10], theirs[10];
    size_t size;
    file f;

    (void)state;
    advance(r, 9);
    f = save(r);
    assert_true(kiln_builtin_create(&other, check_seed() + 1, 7, 0, 5) >= 0);
    CHECK(other.mean[0] != data.mean[0]);
    assert_int_equal(kiln_checkpoint_load(&on, &other, (uint8_t *)f.arena.base, f.size, NULL), 0);
    assert_true(kiln_net_hash64(on->learner.net) == kiln_net_hash64(r->learner.net));
    assert_int_equal(kiln_predict(&r->test, other.image[2], 1, 1, mine), 0);
    assert_int_equal(kiln_predict(&on->test, other.image[2], 1, 1, theirs), 0);
    CHECK_SAME_BITS(mine, theirs, 10);
    CHECK(kiln_evaluate(&on->test, 2, 0, 5, 1, NULL, NULL) >= 0);
    assert_int_equal(kiln_run_step(on), KILN_E_STATE);
    assert_true(kiln_checkpoint_export(on, VERSION, &out, &size) >= 0);
    assert_int_equal(kiln_safetensors_read(&s, (uint8_t *)out.base, size, "x"), KILN_OK);
    char hash[20];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)data.hash);
    assert_string_equal(kiln_safetensors_metadata(&s, "data_hash"), hash);
    kiln_safetensors_free(&s);
    kiln_arena_destroy(&out);
    kiln_run_free(on);
    kiln_dataset_destroy(&other);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* The mean image is not in the file: with other data that is said, not guessed. */
static void mean_image_wants_its_data(void **state)
{
    kiln_run *r = make_run("net=affine 10 - softmax\nnormalize=mean-image\nbatch=10\n"), *on;
    kiln_dataset other;
    file f = save(r);
    float p[10];

    (void)state;
    assert_true(kiln_builtin_create(&other, check_seed() + 1, 10, 0, 5) >= 0);
    assert_int_equal(kiln_checkpoint_load(&on, &other, (uint8_t *)f.arena.base, f.size, NULL), 0);
    assert_int_equal(kiln_predict(&on->test, other.image[2], 1, 1, p), KILN_E_DATA);
    assert_int_equal(kiln_run_inspect(on, 2, 0), KILN_E_DATA);
    kiln_run_free(on);
    assert_int_equal(kiln_checkpoint_load(&on, &data, (uint8_t *)f.arena.base, f.size, NULL), 0);
    assert_int_equal(kiln_predict(&on->test, other.image[2], 1, 1, p), 0);
    kiln_run_free(on);
    kiln_dataset_destroy(&other);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* Another mode of arithmetic is no error; the description tells. */
static void another_mode(void **state)
{
    kiln_run *r = make_run(NET "batch=10\n");
    file f = save(r), g = forge(f, &(change){.key = "mode", .value = "other"});
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_run_free(must_load(g, NULL));
    kiln_json_begin(&j);
    assert_int_equal(kiln_checkpoint_json((uint8_t *)g.arena.base, g.size, &j), KILN_OK);
    assert_true(kiln_json_end(&j) > 0);
    assert_non_null(strstr(kiln_json_text(&j), "\"mode\":\"other\""));
    assert_non_null(strstr(kiln_json_text(&j), "\"sameMode\":false"));
    kiln_json_free(&j);
    kiln_arena_destroy(&f.arena), kiln_arena_destroy(&g.arena);
    kiln_run_free(r);
}

/* Format 1 knew one rule under two names: its adam with weight decay is the adamw of today. */
static void adam_of_format_1(void **state)
{
    static const struct {
        const char *options, *version;
        int optimizer;
    } cases[] = {
        {"optimizer=adam\nweight-decay=0.1\n", "1", KILN_RULE_adamw},
        {"optimizer=adam\nweight-decay=0.1\n", "2", KILN_RULE_adam},
        {"optimizer=adam\n", "1", KILN_RULE_adam},
        {"optimizer=adamw\nweight-decay=0.1\n", "1", KILN_RULE_adamw},
        {"optimizer=nesterov\nweight-decay=0.1\n", "1", KILN_RULE_nesterov},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        kiln_run *r, *next;
        file f, g;

        snprintf(text, sizeof text, "%sbatch=10\n%s", NET, cases[i].options);
        r = make_run(text);
        advance(r, 2);
        f = save(r);
        g = forge(f, &(change){.key = "format_version", .value = cases[i].version});
        next = must_load(g, NULL);
        assert_int_equal(next->o.optimizer, cases[i].optimizer);
        advance(next, 4);
        kiln_arena_destroy(&f.arena), kiln_arena_destroy(&g.arena);
        kiln_run_free(r), kiln_run_free(next);
    }
}

/* A run saved, and gone on with: what has changed, it tells after that as well. */
static void goes_on_changed(kiln_run *r, const char *options, const char *changed)
{
    file f = save(r);
    kiln_run *once = must_load(f, options), *twice;
    file g = save(once);

    assert_string_equal(once->history.changed, changed);
    twice = must_load(g, NULL);
    assert_string_equal(twice->history.changed, changed);
    kiln_run_free(once), kiln_run_free(twice);
    kiln_arena_destroy(&f.arena), kiln_arena_destroy(&g.arena);
}

/* Whether training anew with its options would give this run: a file keeps what stands against. */
static void what_has_changed(void **state)
{
    kiln_run *r = make_run(NET "batch=10\nepochs=3\nlr=0.01\n"), *begun = NULL, *other;
    file f, fused, odd;

    (void)state;
    assert_int_equal(kiln_run_set(r, "lr=0.02"), KILN_OK);
    goes_on_changed(r, "epochs=4", ""); /* no step was taken with others */
    advance(r, 6);
    goes_on_changed(r, NULL, "");
    goes_on_changed(r, "epochs=3\nmemory=900\neval-views=6\n", "");
    goes_on_changed(r, "epochs=4\nlr=0.03\n", "epochs");
    f = save(r);
    fused = forge(f, &(change){.key = "mode", .value = "another"});
    other = must_load(fused, NULL);
    goes_on_changed(other, NULL, "mode");
    kiln_run_free(other);
    if (kiln_checkpoint_begin(&begun, &data, (uint8_t *)f.arena.base, f.size, "epochs=2") < 0)
        CHECK_FAIL("%s", kiln_error());
    goes_on_changed(begun, "epochs=9", "weights");
    assert_int_equal(kiln_run_set(r, "lr=0.02"), KILN_OK); /* as it was */
    assert_string_equal(r->history.changed, "");
    assert_int_equal(kiln_run_restore_best(r), KILN_OK);
    goes_on_changed(r, "lr=0.1", "best");
    kiln_arena_destroy(&f.arena);
    f = save(r);
    odd = forge(f, &(change){.key = "changed", .value = "a\nb"});
    assert_int_equal(load(&other, odd, NULL), KILN_E_CHECKPOINT);
    kiln_arena_destroy(&f.arena), kiln_arena_destroy(&fused.arena), kiln_arena_destroy(&odd.arena);
    kiln_run_free(r), kiln_run_free(begun);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(momentum_shuffle_augment),
        cmocka_unit_test(adam_replacement),
        cmocka_unit_test(rmsprop_groupnorm),
        cmocka_unit_test(adamw_layernorm),
        cmocka_unit_test(lookahead_jitter_part_of_an_epoch),
        cmocka_unit_test(adam_prelu_fixed_scale),
        cmocka_unit_test(muon_normed),
        cmocka_unit_test(live_options_on_resume),
        cmocka_unit_test(export_is_the_net_alone),
        cmocka_unit_test(an_export_is_evaluated),
        cmocka_unit_test(a_run_begins_with_weights),
        cmocka_unit_test(holds_readable_names),
        cmocka_unit_test(description),
        cmocka_unit_test(evaluates_on_other_data),
        cmocka_unit_test(mean_image_wants_its_data),
        cmocka_unit_test(another_mode),
        cmocka_unit_test(adam_of_format_1),
        cmocka_unit_test(what_has_changed),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
