/*
 * Checkpoints: a run resumed anywhere is the run that never stopped, bit for bit; a damaged,
 * foreign or misfitting file is refused with a sentence and leaves nothing behind.
 */
#include "train/checkpoint.h"

#include "../fuzz/mend_hash.h"
#include "base/status.h"
#include "check.h"
#include "net/safetensors.h"

#define TRAIN 60
#define STEPS 14 /* of six an epoch */
#define NET "net=conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.3 - affine 10 - softmax\n"
#define VERSION "1.2.3"

static kiln_dataset data;

static kiln_run *make(const char *text)
{
    kiln_train_options o;
    kiln_run *r;

    kiln_train_options_default(&o);
    if (kiln_train_options_read(&o, text, KILN_OPTIONS_ALL) < 0 || kiln_run_make(&r, &data, &o) < 0)
        CHECK_FAIL("%s", kiln_error());
    return r;
}

static void advance(kiln_run *r, int64_t to)
{
    while (r->place.step < to)
        if (kiln_run_step(r) < 0) CHECK_FAIL("%s", kiln_error());
}

typedef struct {
    kiln_arena arena;
    size_t size;
} file;

static file save(kiln_run *r)
{
    file f;

    if (kiln_checkpoint_write(r, VERSION, &f.arena, &f.size) < 0) CHECK_FAIL("%s", kiln_error());
    return f;
}

static int load(kiln_run **r, file f, const char *options)
{
    return kiln_checkpoint_read(r, &data, (const uint8_t *)f.arena.base, f.size, options);
}

static kiln_run *must_load(file f, const char *options)
{
    kiln_run *r;

    if (load(&r, f, options) < 0) CHECK_FAIL("%s", kiln_error());
    return r;
}

/* ---- going on ----------------------------------------------------------------------------------
 */

/* Whole files are compared: parameters, state, statistics, best, history, options and place. */
static void goes_on(const char *text)
{
    kiln_run *unbroken = make(text);
    file end;

    advance(unbroken, STEPS);
    end = save(unbroken);
    for (int64_t stop = 0; stop < STEPS; stop += stop < 2 ? 1 : 4) {
        kiln_run *first = make(text), *second;
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
    kiln_run *r = make(NET "batch=10\nlr=0.01\n"), *next = NULL;
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
    kiln_run *r = make(NET "batch=10\n"), *next;
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
    kiln_run *r = make(NET "batch=10\noptimizer=adam\n");
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
    kiln_run *r = make(NET "batch=10\nseed=5\n");
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

/* ---- what is refused ---------------------------------------------------------------------------
 */

static void refused(file f, const char *sentence)
{
    const size_t live = kiln_arena_live();
    kiln_run *r = NULL;

    assert_int_equal(load(&r, f, NULL), KILN_E_CHECKPOINT);
    if (!strstr(kiln_error(), sentence)) CHECK_FAIL("\"%s\", not \"%s\"", kiln_error(), sentence);
    assert_null(r);
    assert_true(kiln_arena_live() == live);
}

static void cut_and_changed_files(void **state)
{
    kiln_run *r = make(NET "batch=10\n");
    file f, cut;

    (void)state;
    advance(r, 2);
    f = save(r);
    cut = f;
    for (size_t size = 0; size < f.size; size += 1 + f.size / 300) {
        cut.size = size;
        refused(cut, "checkpoint");
    }
    for (size_t i = 0; i < f.size; i += 1 + f.size / 300) {
        f.arena.base[i] ^= 0x10;
        refused(f, "checkpoint");
        f.arena.base[i] ^= 0x10;
    }
    kiln_run_free(must_load(f, NULL));
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

static void another_data_set(void **state)
{
    kiln_run *r = make(NET "batch=10\n"), *next = NULL;
    kiln_dataset other;
    file f = save(r);

    (void)state;
    assert_true(kiln_builtin_create(&other, check_seed() + 1, TRAIN, 20, 10) >= 0);
    assert_int_equal(kiln_checkpoint_read(&next, &other, (uint8_t *)f.arena.base, f.size, NULL),
                     KILN_E_CHECKPOINT);
    assert_non_null(strstr(kiln_error(), "trained on other images of the data set builtin"));
    assert_non_null(strstr(kiln_error(), "this data set has 60, 20 and 10 images"));
    assert_null(next);
    kiln_dataset_destroy(&other);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* The file with one entry or tensor replaced, hashed anew. */
typedef struct {
    const char *key, *value; /* of the metadata; value NULL: left out */
    const char *tensor; /* changed by `how` */
    enum { KEEP, DROP, RESHAPE, SPOIL, RENAME, RETYPE } how;
    const char *sentence;
} change;

static file forge(file f, const change *c)
{
    static float spoilt[1 << 16];
    kiln_safetensors s;
    file out;
    int tensors = 0, entries = 0;

    assert_int_equal(kiln_safetensors_read(&s, (uint8_t *)f.arena.base, f.size, "x"), KILN_OK);
    for (int i = 0; i < s.entries; i++) {
        kiln_metadata e = s.entry[i];

        if (!strcmp(e.key, "kiln.hash")) continue;
        if (c->key && !strcmp(e.key, c->key)) e.value = c->value;
        if (e.value) s.entry[entries++] = e;
    }
    for (int i = 0; i < s.tensors; i++) {
        kiln_safetensor t = s.tensor[i];

        if (c->tensor && !strcmp(t.name, c->tensor)) {
            if (c->how == DROP) continue;
            if (c->how == RESHAPE && t.dims > 1) t.shape[0] *= t.shape[1], t.shape[1] = 1;
            if (c->how == RESHAPE && t.dims == 1) t.shape[1] = 1, t.dims = 2;
            if (c->how == RETYPE) t.type = t.type == KILN_F32 ? KILN_I32 : KILN_F32;
            if (c->how == RENAME) t.name = "stranger";
            if (c->how == SPOIL) {
                memcpy(spoilt, t.data, t.bytes);
                spoilt[0] = NAN;
                t.data = spoilt;
            }
        }
        s.tensor[tensors++] = t;
    }
    if (kiln_safetensors_write(&out.arena, &out.size, s.tensor, tensors, s.entry, entries) < 0)
        CHECK_FAIL("%s", kiln_error());
    kiln_safetensors_free(&s);
    return out;
}

static void forged_files(void **state)
{
    static const change changes[] = {
        {"format", "pt", NULL, KEEP, "none that kiln wrote"},
        {"format", NULL, NULL, KEEP, "none that kiln wrote"},
        {"format_version", "3", NULL, KEEP, "its format is 3"},
        {"options", "lr=-1", NULL, KEEP, "lr: \"-1\""},
        {"options", "net=affine 10 - softmax", NULL, KEEP, "two nets"},
        {"net", NULL, NULL, KEEP, "no \"net\""},
        {"data_hash", "0123456789abcdef", NULL, KEEP, "trained on other images"},
        {"data", "mine", NULL, KEEP, "on the data set mine, this data set is builtin"},
        {"classes", "", NULL, KEEP, "classes: ends too early"},
        {"classes", "[]", NULL, KEEP, "\"classes\" is empty"},
        {"classes", "[\"a\",]", NULL, KEEP, "classes: byte 6"},
        {"classes", "[\"a\",\"b\"]", NULL, KEEP, "10 scores, and it names 2 classes"},
        {"mean", "[1,2]", NULL, KEEP, "2 means and 3 deviations"},
        {"mean", "[1,2,3,4,5]", NULL, KEEP, "more channels"},
        {"mean", "[1,2,1e300]", NULL, KEEP, "none of pixels"},
        {"std", "[1,0,1]", NULL, KEEP, "none of pixels"},
        {"normalize", "none", NULL, KEEP, "two ways to normalize"},
        {"normalize", "channel\nlr=5", NULL, KEEP, "more than one line"},
        {"data_hash", "0123", NULL, KEEP, "sixteen digits"},
        {"mean", "[1,2", NULL, KEEP, "mean: ends too early"},
        {"std", "{}", NULL, KEEP, "std: byte 1: found '{'"},
        {"std", "[1] 2", NULL, KEEP, "std: byte 5"},
        {"step", "1.5", NULL, KEEP, "not a whole number"},
        {"step", "-1", NULL, KEEP, "step"},
        {"position", "60", NULL, KEEP, "stands at image 60 of an epoch"},
        {"best_accuracy", "nan", NULL, KEEP, "best_accuracy"},
        {"history_losses", "3", NULL, KEEP, "history.loss has another shape"},
        {"history_losses", "0", NULL, KEEP, "it holds"},
        {NULL, NULL, "conv1.w", DROP, "it holds"},
        {NULL, NULL, "conv1.w", RENAME, "conv1.w is missing"},
        {NULL, NULL, "conv1.w", RESHAPE, "another shape"},
        {NULL, NULL, "conv1.w", SPOIL, "not finite"},
        {NULL, NULL, "optimizer.v.conv1.w", SPOIL, "not finite"},
    };
    kiln_run *r = make(NET "batch=10\noptimizer=momentum\n");
    file f;

    (void)state;
    advance(r, 7);
    f = save(r);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        file g = forge(f, &changes[i]);

        refused(g, changes[i].sentence);
        kiln_arena_destroy(&g.arena);
    }
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* A few kilobytes that ask for a huge net are refused before anything is allocated for it. */
static void a_net_larger_than_the_file(void **state)
{
    static char text[KILN_TRAIN_OPTIONS_TEXT];
    const char *const net = "affine 20000 - affine 10 - softmax";
    kiln_run *r = make(NET "batch=10\n");
    kiln_train_options o = r->o;
    file f = save(r), g, h;

    (void)state;
    strcpy(o.net, net);
    kiln_train_options_print(&o, text, sizeof text);
    g = forge(f, &(change){.key = "options", .value = text});
    h = forge(g, &(change){.key = "net", .value = net});
    refused(h, "parameters, the file");
    kiln_arena_destroy(&f.arena), kiln_arena_destroy(&g.arena), kiln_arena_destroy(&h.arena);
    kiln_run_free(r);
}

/* To be evaluated it takes any data of its shape, normalised by its own training data; it takes no
 * steps, and what is saved from it names its own data. */
static void evaluates_on_other_data(void **state)
{
    kiln_run *r = make(NET "batch=10\n"), *on;
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
    kiln_run *r = make("net=affine 10 - softmax\nnormalize=mean-image\nbatch=10\n"), *on;
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

/* Numbers that are within their ranges, and no place of a run together. Describing and going on
 * refuse the same files. */
static void places_that_contradict_themselves(void **state)
{
    static const change changes[] = {
        {"step", "0", NULL, KEEP, "epoch, loss_count and step"},
        {"step", "3", NULL, KEEP, "history_losses"},
        {"step", "2147483647", NULL, KEEP, "step"},
        {"epoch", "9999", NULL, KEEP, "epoch, loss_count and step"},
        {"epoch", "2147483647", NULL, KEEP, "epoch"},
        {"position", "0", NULL, KEEP, "position and loss_count"},
        {"loss_count", "0", NULL, KEEP, "position and loss_count"},
        {"loss_count", "2147483647", NULL, KEEP, "epoch, loss_count and step"},
        {"best_epoch", "2147483647", NULL, KEEP, "best_epoch"},
        {"history_stride", "3", NULL, KEEP, "no power of two"},
        {"history_stride", "1073741824", NULL, KEEP, "history_losses"},
        {"history_losses", "6", NULL, KEEP, "another shape"},
        {"history_epochs", "2", NULL, KEEP, "another shape"},
        {"history_epochs", "900", NULL, KEEP, "history_epochs"},
        {"seed", "2", NULL, KEEP, "two seeds"},
        {"version", NULL, NULL, KEEP, "version"},
        {"mean", "[]", NULL, KEEP, "mean"},
        {"classes", "[", NULL, KEEP, "classes"},
    };
    kiln_run *r = make(NET "batch=10\noptimizer=momentum\n");
    kiln_json j;
    file f;

    (void)state;
    memset(&j, 0, sizeof j);
    advance(r, 7);
    f = save(r);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        file g = forge(f, &changes[i]);

        refused(g, changes[i].sentence);
        kiln_json_begin(&j);
        if (kiln_checkpoint_json((uint8_t *)g.arena.base, g.size, &j) != KILN_E_CHECKPOINT)
            CHECK_FAIL("%s=%s is described", changes[i].key, changes[i].value);
        assert_true(kiln_json_end(&j) >= 0);
        kiln_arena_destroy(&g.arena);
    }
    kiln_json_free(&j);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* ---- who describes a file can go on from it ---------------------------------------------------- */

typedef struct {
    int taken, refused;
} tally;

/* Describing takes what going on takes, and no more, but for what is not the file's to say: other
 * data, and the batch and memory that this reader grants. */
static void described_as_read(tally *t, const uint8_t *bytes, size_t size, const char *what)
{
    const size_t live = kiln_arena_live();
    kiln_run *r = NULL;
    kiln_json j;
    int described, read;
    char why[400];

    memset(&j, 0, sizeof j);
    kiln_json_begin(&j);
    described = kiln_checkpoint_json(bytes, size, &j);
    snprintf(why, sizeof why, "%s", kiln_error());
    if (described >= 0) assert_true(kiln_json_end(&j) > 0);
    kiln_json_free(&j);
    read = kiln_checkpoint_read(&r, &data, bytes, size, NULL);
    if (described < 0 && read >= 0) CHECK_FAIL("%s: taken, but not described: %s", what, why);
    if (described >= 0 && read < 0 && read != KILN_E_MEMORY && !strstr(kiln_error(), "data set") &&
        !strstr(kiln_error(), "may ask for") && !strstr(kiln_error(), "a step of"))
        CHECK_FAIL("%s: described, but not taken: %s", what, kiln_error());
    t->taken += read >= 0;
    t->refused += described < 0;
    kiln_run_free(r);
    assert_true(kiln_arena_live() == live);
}

static void described_as_forged(tally *t, file f, const change *c)
{
    file g = forge(f, c);
    char what[200];

    snprintf(what, sizeof what, "%s=%.60s, tensor %s (%d)", c->key ? c->key : "-",
             c->value ? c->value : "(left out)", c->tensor ? c->tensor : "-", (int)c->how);
    described_as_read(t, (uint8_t *)g.arena.base, g.size, what);
    kiln_arena_destroy(&g.arena);
}

/* Every entry of the metadata left out and with other values, its own neighbours' too. */
static void change_entries(tally *t, file f, const kiln_safetensors *s)
{
    static const char *const values[] = {
        NULL, "", "0", "-1", "1", "2", "7", "59", "60", "61", "4097", "2147483647", "1e300", "nan",
        "x", "[]", "[1,2,3]", "[\"a\"]", "{}", "none", "mean-image", "\n", "affine 10 - softmax"};

    for (int i = 0; i < s->entries; i++) {
        if (!strcmp(s->entry[i].key, "kiln.hash")) continue;
        for (size_t v = 0; v < sizeof values / sizeof *values; v++)
            described_as_forged(t, f, &(change){.key = s->entry[i].key, .value = values[v]});
        for (int k = 0; k < s->entries; k++)
            described_as_forged(t, f,
                                &(change){.key = s->entry[i].key, .value = s->entry[k].value});
    }
}

/* Every line of the options left out and with other values. */
static void change_options(tally *t, file f, const char *options)
{
    static const char *const values[] = {"", "0", "1", "-1", "2", "60", "65536", "x", "none", "adam"};
    static char text[KILN_TRAIN_OPTIONS_TEXT];

    for (const char *line = options; *line; line = strchr(line, '\n') + 1) {
        const int before = (int)(line - options), key = (int)strcspn(line, "=");

        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            snprintf(text, sizeof text, "%.*s%.*s=%s%s", before, options, key, line, values[v],
                     strchr(line, '\n'));
            described_as_forged(t, f, &(change){.key = "options", .value = text});
        }
        snprintf(text, sizeof text, "%.*s%s", before, options, strchr(line, '\n') + 1);
        described_as_forged(t, f, &(change){.key = "options", .value = text});
    }
}

/* Single bytes of the header, with the hash put right: the structure, names, shapes and offsets. */
static void change_bytes(tally *t, file f)
{
    uint8_t *bytes = malloc(f.size);
    const size_t header = 8 + ((size_t)(uint8_t)f.arena.base[0] | (size_t)(uint8_t)f.arena.base[1] << 8);

    for (size_t i = 0; i < header; i++)
        for (int change = 0; change < 2; change++) {
            memcpy(bytes, f.arena.base, f.size);
            bytes[i] = change ? (uint8_t)('0' + i % 10) : bytes[i] ^ 1;
            mend_hash(bytes, f.size);
            described_as_read(t, bytes, f.size, "a byte");
        }
    free(bytes);
}

static void described_files_go_on(void **state)
{
    kiln_run *r = make(NET "batch=10\ntrain=60\noptimizer=adam\n");
    kiln_safetensors s;
    tally t = {0, 0};
    file f;

    (void)state;
    advance(r, 9);
    f = save(r);
    assert_int_equal(kiln_safetensors_read(&s, (uint8_t *)f.arena.base, f.size, "x"), KILN_OK);
    change_entries(&t, f, &s);
    change_options(&t, f, kiln_safetensors_metadata(&s, "options"));
    for (int i = 0; i < s.tensors; i++)
        for (int how = DROP; how <= RETYPE; how++)
            described_as_forged(&t, f, &(change){.tensor = s.tensor[i].name, .how = how});
    change_bytes(&t, f);
    CHECK(t.taken > 300 && t.refused > 1000); /* both happen often */
    kiln_safetensors_free(&s);
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* What a file may ask for is the reader's to say, not the file's. */
static void memory_is_the_readers(void **state)
{
    kiln_run *r = make(NET "batch=60\nmemory=1\n"), *next = NULL;
    file f = save(r);

    (void)state;
    kiln_run_free(must_load(f, NULL));
    assert_int_equal(load(&next, f, "memory=1"), KILN_E_CHECKPOINT);
    assert_non_null(strstr(kiln_error(), "allow it with memory="));
    assert_null(next);
    kiln_run_free(must_load(f, "memory=1\nbatch=2"));
    kiln_run_free(must_load(f, "memory=300"));
    kiln_arena_destroy(&f.arena);
    kiln_run_free(r);
}

/* Another mode of arithmetic is no error; the description tells. */
static void another_mode(void **state)
{
    kiln_run *r = make(NET "batch=10\n");
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
        r = make(text);
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

static int set_up(void **state)
{
    (void)state;
    return kiln_builtin_create(&data, check_seed(), TRAIN, 20, 10) < 0;
}

static int tear_down(void **state)
{
    (void)state;
    kiln_dataset_destroy(&data);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(momentum_shuffle_augment),
        cmocka_unit_test(adam_replacement),
        cmocka_unit_test(rmsprop_groupnorm),
        cmocka_unit_test(adamw_layernorm),
        cmocka_unit_test(muon_normed),
        cmocka_unit_test(adam_prelu_fixed_scale),
        cmocka_unit_test(live_options_on_resume),
        cmocka_unit_test(export_is_the_net_alone),
        cmocka_unit_test(holds_readable_names),
        cmocka_unit_test(description),
        cmocka_unit_test(cut_and_changed_files),
        cmocka_unit_test(another_data_set),
        cmocka_unit_test(forged_files),
        cmocka_unit_test(a_net_larger_than_the_file),
        cmocka_unit_test(places_that_contradict_themselves),
        cmocka_unit_test(described_files_go_on),
        cmocka_unit_test(memory_is_the_readers),
        cmocka_unit_test(evaluates_on_other_data),
        cmocka_unit_test(mean_image_wants_its_data),
        cmocka_unit_test(another_mode),
        cmocka_unit_test(adam_of_format_1),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
