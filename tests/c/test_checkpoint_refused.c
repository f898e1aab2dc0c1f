/*
 * Checkpoints that are damaged, foreign, misfitting or contradict themselves are refused with a
 * sentence and leave nothing behind; and who describes a file takes what going on takes.
 */
#include "../fuzz/mend_hash.h"
#include "checkpoints.h"

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
    kiln_run *r = make_run(NET "batch=10\n");
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
    kiln_run *r = make_run(NET "batch=10\n"), *next = NULL;
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
    kiln_run *r = make_run(NET "batch=10\noptimizer=momentum\n");
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
    kiln_run *r = make_run(NET "batch=10\n");
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
    kiln_run *r = make_run(NET "batch=10\noptimizer=momentum\n");
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

/* ---- who describes a file can go on from it -------------------------------------------------- */

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
    static const char *const values[] = {"",   "0",     "1", "-1",   "2",
                                         "60", "65536", "x", "none", "adam"};
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
    const size_t low = (uint8_t)f.arena.base[0], high = (uint8_t)f.arena.base[1];
    const size_t header = 8 + low + 256 * high;

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
    kiln_run *r = make_run(NET "batch=10\ntrain=60\noptimizer=adam\n");
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
    kiln_run *r = make_run(NET "batch=60\nmemory=1\n"), *next = NULL;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_and_changed_files),
        cmocka_unit_test(another_data_set),
        cmocka_unit_test(forged_files),
        cmocka_unit_test(a_net_larger_than_the_file),
        cmocka_unit_test(places_that_contradict_themselves),
        cmocka_unit_test(described_files_go_on),
        cmocka_unit_test(memory_is_the_readers),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
