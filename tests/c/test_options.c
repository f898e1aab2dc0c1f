/* The table of training options: defaults, reading, ranges, what may change live, and the way back
 * to text. */
#include "train/options.h"

#include "base/status.h"
#include "check.h"
#include "net/net.h"
#include "train/presets.h"

static kiln_train_options o;

static int fresh(void **state)
{
    (void)state;
    kiln_train_options_default(&o);
    return 0;
}

static void refused(const char *text, int which, const char *sentence)
{
    const kiln_train_options before = o;

    assert_int_equal(kiln_train_options_read(&o, text, which), KILN_E_ARG);
    if (!strstr(kiln_error(), sentence))
        CHECK_FAIL("\"%s\" gives \"%s\", not \"%s\"", text, kiln_error(), sentence);
    assert_memory_equal(&before, &o, sizeof o);
}

static void defaults(void **state)
{
    (void)state;
    assert_string_equal(o.net, KILN_DEFAULT_NET);
    assert_int_equal(o.init, KILN_INIT_HE);
    assert_int_equal(o.normalize, KILN_NORMALIZE_CHANNEL);
    assert_int_equal(o.epochs, 8);
    assert_true(o.dropout == -1 && o.momentum == 0.9 && !o.augmented);
}

static void reads_every_type(void **state)
{
    (void)state;
    assert_int_equal(
        kiln_train_options_read(&o,
                                "net = affine 10 - softmax\n\nepochs=3\nlr=1e-2\n"
                                "optimizer=NESTEROV\ncheck-first=on\nseed=4294967295\n",
                                KILN_OPTIONS_ALL),
        KILN_OK);
    assert_string_equal(o.net, "affine 10 - softmax");
    assert_int_equal(o.epochs, 3);
    assert_true(o.lr == 1e-2);
    assert_int_equal(o.optimizer, KILN_RULE_nesterov);
    assert_int_equal(o.check_first, 1);
    assert_true(o.seed == 4294967295);
}

static void init_and_augment(void **state)
{
    (void)state;
    assert_int_equal(
        kiln_train_options_read(&o, "init=gaussian 0.001\naugment=flip, crop4,reflect,cutout8",
                                KILN_OPTIONS_ALL),
        KILN_OK);
    assert_int_equal(o.init, KILN_INIT_GAUSSIAN);
    assert_true(o.init_scale == 0.001 && o.augmented);
    assert_int_equal(o.augment.flip, KILN_FLIP_RANDOM);
    assert_int_equal(o.augment.crop, 4);
    assert_int_equal(o.augment.crop_pad, KILN_PAD_REFLECT);
    assert_int_equal(o.augment.cutout, 8);
    assert_int_equal(kiln_train_options_read(&o, "augment=brightness14,contrast100",
                                             KILN_OPTIONS_ALL), 0);
    assert_true(o.augmented && o.augment.brightness == 14 && o.augment.contrast == 100);
    assert_int_equal(kiln_train_options_read(&o, "augment=none\ninit=xavier", KILN_OPTIONS_ALL), 0);
    assert_int_equal(o.init, KILN_INIT_XAVIER);
    assert_false(o.augmented || o.dirac);
    assert_int_equal(kiln_train_options_read(&o, "augment=altflip\ninit=gaussian 0.5 dirac",
                                             KILN_OPTIONS_ALL), 0);
    assert_int_equal(o.augment.flip, KILN_FLIP_ALTERNATING);
    assert_true(o.init == KILN_INIT_GAUSSIAN && o.init_scale == 0.5 && o.dirac);
}

static void sentences(void **state)
{
    (void)state;
    refused("epcohs=3", KILN_OPTIONS_ALL, "did you mean \"epochs\"?");
    refused("epochs=0", KILN_OPTIONS_ALL, "from 0.01 to 10000");
    refused("epochs=3\nlr=nan", KILN_OPTIONS_ALL, "lr: \"nan\"");
    refused("lr=0", KILN_OPTIONS_ALL, "lr: must be more than 0");
    refused("lr", KILN_OPTIONS_ALL, "key=value");
    refused("optimizer=adma", KILN_OPTIONS_ALL, "did you mean \"adam\"?");
    refused("init=gaussian", KILN_OPTIONS_ALL, "needs a scale");
    refused("init=he 3", KILN_OPTIONS_ALL, "takes no number");
    refused("init=hee", KILN_OPTIONS_ALL, "did you mean \"he\"?");
    refused("init=dirac", KILN_OPTIONS_ALL, "init: \"dirac\"");
    refused("init=he dirac 3", KILN_OPTIONS_ALL, "takes no number");
    refused("augment=flip,altflip", KILN_OPTIONS_ALL, "name one");
    refused("augment=filp", KILN_OPTIONS_ALL, "did you mean \"flip\"?");
    refused("augment=crop", KILN_OPTIONS_ALL, "crop wants its pixels, 1 to 8");
    refused("augment=crop9", KILN_OPTIONS_ALL, "1 to 8");
    refused("augment=contrast0", KILN_OPTIONS_ALL, "contrast wants its per cent, 1 to 100");
    refused("augment=contrats13", KILN_OPTIONS_ALL, "did you mean \"contrast13\"?");
    refused("augment=reflect", KILN_OPTIONS_ALL, "name a crop too");
    refused("dropout=-0.5", KILN_OPTIONS_ALL, "neither a share");
    refused("momentum=1", KILN_OPTIONS_ALL, "from 0 to 0.9999");
}

/* Fixed options may be repeated in a live change, not changed. */
static void live(void **state)
{
    (void)state;
    assert_int_equal(
        kiln_train_options_read(&o, "lr=0.5\nbatch=8\noptimizer=adam", KILN_OPTIONS_LIVE), KILN_OK);
    assert_true(o.lr == 0.5 && o.batch == 8);
    refused("optimizer=sgd", KILN_OPTIONS_LIVE, "optimizer: cannot change while training");
    refused("lr=0.1\nseed=2", KILN_OPTIONS_LIVE, "seed: cannot change");
}

static void prints_what_it_reads(void **state)
{
    static char text[KILN_TRAIN_OPTIONS_TEXT], again[KILN_TRAIN_OPTIONS_TEXT];
    kiln_train_options back;

    (void)state;
    assert_int_equal(
        kiln_train_options_read(&o,
                                "lr=0.1\nreg=3.3333333333333335e-05\nschedule=onecycle\n"
                                "augment=flip,crop4\ndropout=0.3\ninit=gaussian 1e-3",
                                KILN_OPTIONS_ALL),
        KILN_OK);
    kiln_train_options_print(&o, text, sizeof text);
    assert_non_null(strstr(text, "\nlr=0.1\n"));
    assert_non_null(strstr(text, "\nreg=3.3333333333333335e-05\n"));
    kiln_train_options_default(&back);
    assert_int_equal(kiln_train_options_read(&back, text, KILN_OPTIONS_ALL), KILN_OK);
    assert_memory_equal(&back, &o, sizeof o);
    kiln_train_options_print(&back, again, sizeof again);
    assert_string_equal(text, again);
}

/* The longest values that fit still print whole. */
static void longest_text(void **state)
{
    static char text[KILN_TRAIN_OPTIONS_TEXT];

    (void)state;
    memset(o.net, 'x', sizeof o.net - 1);
    memset(o.augment_text, 'x', sizeof o.augment_text - 1);
    o.lr = o.reg = o.clip = o.final_lr = o.warmup = -1.2345678901234567e-300;
    kiln_train_options_print(&o, text, sizeof text);
    assert_non_null(strstr(text, "\npatience=0\n"));
}

static void describes_the_table(void **state)
{
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_json_begin(&j);
    kiln_train_options_table(&j);
    assert_true(kiln_json_end(&j) > 0);
    assert_non_null(
        strstr(kiln_json_text(&j),
               "{\"name\":\"schedule\",\"type\":\"choice\",\"default\":\"onecycle\",\"choices\":["
               "\"constant\",\"step\",\"exponential\",\"cosine\",\"onecycle\",\"linear\"],"
               "\"live\":true,\"group\":\"training\","));
    assert_non_null(strstr(kiln_json_text(&j),
                           "\"name\":\"epochs\",\"type\":\"float\",\"default\":\"8\","
                           "\"min\":0.01,\"max\":10000,\"live\":true"));
    kiln_json_free(&j);
}

/* The options that the table says a schedule reads are those its factor depends on. */
static void schedules_read_what_the_table_says(void **state)
{
    static const char *const changes[][2] = {
        {"lr-decay", "lr-decay=0.5\n"}, {"decay-every", "decay-every=3\n"},
        {"start-lr", "start-lr=0.125\n"}, {"final-lr", "final-lr=0.25\n"}};
    static const char *const reads[][4] = {{"step", "exponential", "", ""}, {"step", "", "", ""},
                                           {"onecycle", "linear", "", ""},
                                           {"cosine", "onecycle", "linear", ""}};
    static const char *const kinds[] = {"constant", "step", "exponential", "cosine", "onecycle",
                                        "linear"};
    char text[80];

    (void)state;
    for (int k = 0; k < 6; k++)
        for (int c = 0; c < 4; c++) {
            kiln_train_options plain = o, changed;
            int differs = 0, told = 0;

            snprintf(text, sizeof text, "schedule=%s\nwarmup=2", kinds[k]);
            assert_int_equal(kiln_train_options_read(&plain, text, KILN_OPTIONS_ALL), 0);
            changed = plain;
            assert_int_equal(
                kiln_train_options_read(&changed, changes[c][1], KILN_OPTIONS_ALL), 0);
            for (int step = 0; step < 200; step++)
                differs |= kiln_schedule_factor(&plain.schedule, step, 10, 200) !=
                           kiln_schedule_factor(&changed.schedule, step, 10, 200);
            for (int i = 0; i < 4; i++) told |= !strcmp(reads[c][i], kinds[k]);
            if (differs != told) CHECK_FAIL("%s and %s", kinds[k], changes[c][0]);
        }
}

static void relevance_and_words(void **state)
{
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_json_begin(&j);
    kiln_train_options_table(&j);
    assert_true(kiln_json_end(&j) > 0);
    assert_non_null(strstr(kiln_json_text(&j), "\"usedBy\":{\"optimizer\":[\"momentum\","
                                               "\"nesterov\",\"muon\"]}"));
    assert_non_null(strstr(kiln_json_text(&j), "\"usedBy\":{\"optimizer\":[\"rmsprop\"]}"));
    assert_non_null(strstr(kiln_json_text(&j), "\"usedBy\":{\"schedule\":[\"step\","
                                               "\"exponential\"]}"));
    assert_non_null(strstr(kiln_json_text(&j), "{\"name\":\"crop\",\"min\":1,\"max\":8,"
                                               "\"unit\":\"pixels\"}"));
    assert_non_null(strstr(kiln_json_text(&j), "{\"name\":\"reflect\",\"needs\":\"crop\"}"));
    assert_non_null(strstr(kiln_json_text(&j), "{\"name\":\"gaussian\",\"min\":0,\"max\":100}"));
    kiln_json_free(&j);
}

static void contradictions(void **state)
{
    static const char *const pairs[][3] = {
        {"patience=3\nvalidation=0", "patience", "validation=0"},
        {"check-val=100\nvalidation=0", "check-val", "validation=0"},
        {"warmup=9\nepochs=8", "warmup", "epochs=8"},
    };

    (void)state;
    assert_int_equal(kiln_train_options_check(&o), KILN_OK);
    for (int i = 0; i < 3; i++) {
        kiln_train_options both = o;

        assert_int_equal(kiln_train_options_read(&both, pairs[i][0], KILN_OPTIONS_ALL), KILN_OK);
        assert_int_equal(kiln_train_options_check(&both), KILN_E_ARG);
        CHECK(strstr(kiln_error(), pairs[i][1]) && strstr(kiln_error(), pairs[i][2]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults, fresh),
        cmocka_unit_test_setup(reads_every_type, fresh),
        cmocka_unit_test_setup(init_and_augment, fresh),
        cmocka_unit_test_setup(sentences, fresh),
        cmocka_unit_test_setup(live, fresh),
        cmocka_unit_test_setup(prints_what_it_reads, fresh),
        cmocka_unit_test_setup(longest_text, fresh),
        cmocka_unit_test(describes_the_table),
        cmocka_unit_test_setup(contradictions, fresh),
        cmocka_unit_test_setup(schedules_read_what_the_table_says, fresh),
        cmocka_unit_test(relevance_and_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
