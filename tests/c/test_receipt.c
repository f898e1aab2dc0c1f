/* Receipts: of the lines of a run, written, read back, and refused. */
#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "check.h"
#include "formats/receipt.h"
#include "train/presets.h"

#define BEGIN                                                                                      \
    "{\"event\":\"begin\",\"version\":\"0.1.0\",\"mode\":\"strict\",\"preset\":\"two-layer\","     \
    "\"data\":\"builtin\",\"dataHash\":\"0123456789abcdef\",\"options\":{\"net\":\"affine 10 - "   \
    "softmax\",\"lr\":\"0.01\"},\"parameterHash\":\"00000000000000aa\"}\n"
#define EPOCH(n)                                                                                   \
    "{\"event\":\"epoch\",\"epoch\":" #n ",\"step\":" #n "0,\"trainLoss\":2.5,"                    \
    "\"trainAccuracy\":0.25,\"valAccuracy\":null,\"parameterHash\":\"00000000000000b" #n "\"}\n"
#define DONE                                                                                       \
    "{\"event\":\"done\",\"parameterHash\":\"00000000000000cc\",\"valAccuracy\":0.5,"              \
    "\"testAccuracy\":0.25,\"best\":true,\"seconds\":1.5,\"machine\":\"one\",\"other\":[1]}\n"

static const char whole[] =
    "{\"receipt\":1,\"kiln\":\"0.1.0\",\"mode\":\"strict\",\"preset\":null,"
    "\"data\":\"builtin\",\"dataHash\":\"0123456789abcdef\",\"options\":{\"net\":\"affine 10 - "
    "softmax\",\"lr\":\"0.01\"},\"start\":\"00000000000000aa\",\"epochs\":"
    "[[1,10,2.5,0.25,null,\"00000000000000b1\"],[2,20,2.5,0.25,null,\"00000000000000b2\"]],"
    "\"best\":true,\"end\":\"00000000000000cc\",\"valAccuracy\":0.5,\"testAccuracy\":0.25,"
    "\"notChecked\":{\"seconds\":1.5,\"machine\":\"one\"}}";

static kiln_receipt_run run;
static kiln_json out;

static const char *written(void)
{
    kiln_json_begin(&out);
    kiln_receipt_json(&run, &out);
    assert_true(kiln_json_end(&out) > 0);
    return kiln_json_text(&out);
}

static void of_lines(void **state)
{
    static const char text[] = BEGIN EPOCH(1) "{\"event\":\"step\",\"loss\":1}\n" EPOCH(2) DONE;

    (void)state;
    assert_int_equal(kiln_receipt_of_lines(&run, text, sizeof text - 1), KILN_OK);
    assert_string_equal(written(), whole);
    assert_int_equal(kiln_receipt_parse(&run, whole, sizeof whole - 1), KILN_OK);
    assert_string_equal(written(), whole);
}

/* A run that went on: what it began with is not known, nor what it was before epoch 7. */
static void without(void **state)
{
    static const char text[] = "{\"event\":\"begin\",\"mode\":\"fused\",\"dataHash\":"
                               "\"0123456789abcdef\",\"options\":{\"lr\":\"1\"}}\n" EPOCH(7)
                               "{\"event\":\"done\",\"parameterHash\":\"00000000000000cc\"}";

    (void)state;
    assert_int_equal(kiln_receipt_of_lines(&run, text, sizeof text - 1), KILN_OK);
    assert_string_equal(run.start, "");
    assert_int_equal(run.epoch_count, 1);
    assert_true(isnan(run.test));
    written();
    assert_int_equal(kiln_receipt_parse(&run, kiln_json_text(&out), out.length), KILN_OK);
}

/* A preset's name is found by its net and options; what a run does not read from it may differ. */
static void presets(void **state)
{
    static const struct {
        const char *options, *preset;
    } cases[] = {
        {"schedule=linear\n", ""},
        {"reg=0\n", ""},
        {"", "linear-softmax"},
        {"seed=7\ntrain=300\nvalidation=9\ntest=8\ndata-seed=2\ncheck-val=5\neval-views=6\n",
         "linear-softmax"},
        {"lr=0.00030\nmemory=90\n", "linear-softmax"},
        {"epochs=9\n", ""},
        {"max-steps=9\n", ""},
        {"net=affine 100 - softmax\n", "linear-softmax"}, /* of CIFAR-100 */
        {"net=affine 10 - svm\n", ""},
        {"stranger=1\n", ""},
    };

    (void)state;
    memset(&run, 0, sizeof run);
    run.best = run.epoch_count = 1;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(run.options, sizeof run.options,
                 "net=affine 10 - softmax\nepochs=10\nbatch=200\noptimizer=momentum\nlr=0.0003\n"
                 "reg=0.03\nschedule=cosine\ninit=gaussian 0.0001\n%s", cases[i].options);
        assert_string_equal(kiln_receipt_preset(&run), cases[i].preset);
        strcpy(run.preset, "linear-softmax");
        if (*cases[i].preset)
            assert_int_equal(kiln_receipt_check(&run), KILN_OK);
        else
            assert_true(kiln_receipt_check(&run) < 0);
    }
    for (const kiln_preset *p = kiln_preset_table; p < kiln_preset_table + kiln_preset_count; p++) {
        snprintf(run.options, sizeof run.options, "net=%s\n%s\nseed=4\ntrain=512\n", p->net,
                 p->options);
        assert_string_equal(kiln_receipt_preset(&run), p->name);
        strcpy(run.preset, p->name);
        assert_int_equal(kiln_receipt_check(&run), KILN_OK);
    }
    strcpy(run.preset, "a-later-one");
    assert_int_equal(kiln_receipt_check(&run), KILN_E_DATA);
}

/* Without the best parameters the end is what the last epoch left. */
static void contradictions(void **state)
{
    (void)state;
    assert_int_equal(kiln_receipt_parse(&run, whole, sizeof whole - 1), KILN_OK);
    assert_int_equal(kiln_receipt_check(&run), KILN_OK);
    run.best = 0;
    assert_int_equal(kiln_receipt_check(&run), KILN_E_ARG);
    strcpy(run.end, run.epochs[1].hash);
    assert_int_equal(kiln_receipt_check(&run), KILN_OK);
    strcpy(run.preset, "two-layer");
    assert_int_equal(kiln_receipt_check(&run), KILN_E_ARG);
    assert_non_null(strstr(kiln_error(), "not of the preset two-layer, whose net is another one"));
}

/* Of many epochs every second pair is left out until they fit; the last two are there. */
static void many_epochs(void **state)
{
    const int most = 10000, size = 400 * most;
    char *text = malloc((size_t)size);
    int used = sprintf(text, "%s", BEGIN);

    (void)state;
    for (int i = 1; i <= most; i++) {
        used += sprintf(text + used, "{\"event\":\"epoch\",\"epoch\":%d,\"step\":%d00,"
                                     "\"trainLoss\":1.2345678,\"trainAccuracy\":0.1234567,"
                                     "\"valAccuracy\":0.7654321,\"parameterHash\":\"%016x\"}\n",
                        i, i, i);
        if (i != 81 && i != 300 && i != 9999 && i != most) continue;
        sprintf(text + used, "%s", DONE);
        assert_int_equal(kiln_receipt_of_lines(&run, text, strlen(text)), KILN_OK);
        assert_in_range(run.epoch_count, KILN_RECEIPT_EPOCHS / 2, KILN_RECEIPT_EPOCHS);
        for (int k = 0; k + 2 < run.epoch_count; k++)
            assert_int_equal(run.epochs[k].epoch, (k / 2 + 1) * run.every - (k + 1) % 2);
        assert_int_equal(run.epochs[run.epoch_count - 2].epoch, i - 1);
        assert_int_equal(run.epochs[run.epoch_count - 1].epoch, i);
        assert_true(strlen(written()) < KILN_RECEIPT_BYTES);
        assert_int_equal(kiln_receipt_parse(&run, kiln_json_text(&out), out.length), KILN_OK);
        assert_int_equal(run.epochs[run.epoch_count - 1].epoch, i);
    }
    free(text);
}

/* The whole receipt with one part of it changed. */
static void refused(const char *from, const char *to, const char *sentence)
{
    char text[2048];
    const char *at = strstr(whole, from);

    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    assert_int_equal(kiln_receipt_parse(&run, text, strlen(text)), KILN_E_DATA);
    if (!strstr(kiln_error(), sentence)) fail_msg("%s: %s", to, kiln_error());
}

static void strictness(void **state)
{
    static char large[KILN_RECEIPT_BYTES + 2];

    (void)state;
    refused("\"receipt\":1", "\"receipt\":2", "later version");
    refused("\"receipt\":1,", "", "\"receipt\" is missing");
    refused("\"mode\":\"strict\"", "\"mode\":\"fast\"", "neither strict nor fused");
    refused("\"mode\"", "\"modes\"", "no member of a receipt");
    refused("\"best\":true", "\"best\":1", "neither true nor false");
    refused("\"best\":true", "\"best\":true,\"best\":true", "twice");
    refused("\"lr\":\"0.01\"", "\"lr\":0.01", "receipt");
    refused("\"lr\":\"0.01\"", "\"net\":\"x\"", "\"net\" is there twice");
    refused("\"lr\":\"0.01\"", "\"lr\":\"1\\nseed=2\"", "name or value");
    refused("\"lr\":\"0.01\"", "\"lr\":\"\\\"\"", "name or value");
    refused("\"lr\":", "\"l=r\":", "name or value");
    refused("00000000000000aa", "00000000000000AA", "no hash");
    refused("00000000000000aa", "aa", "no hash");
    refused("\"end\":\"00000000000000cc\"", "\"end\":null", "\"end\" is missing");
    refused("\"valAccuracy\":0.5", "\"valAccuracy\":1.5", "out of its range");
    refused("[1,10,", "[2,10,", "not in order");
    refused("[2,20,", "[2,5,", "not in order");
    refused("[1,10,", "[0,10,", "receipt");
    refused("[1,10,", "[1,", "receipt");
    refused(",\"00000000000000b1\"]", "]", "six members");
    refused(",\"00000000000000b1\"]", ",\"00000000000000b1\",1]", "six members");
    refused("\"preset\":null", "\"preset\":\"=cmd|'/c calc'!A1\"", "no name of a preset");
    refused("\"preset\":null", "\"preset\":\"-1\"", "no name of a preset");
    refused("\"one\"", "\"o\\u001b[2Jne\"", "control character");
    refused("\"one\"", "\"o\\u009b2Jne\"", "control character");
    refused("\"builtin\"", "\"b\\u007f\"", "control character");
    refused("[[1,10,2.5,0.25,null,\"00000000000000b1\"],"
            "[2,20,2.5,0.25,null,\"00000000000000b2\"]]", "[]", "are missing");
    refused("\"seconds\":1.5,", "", "\"seconds\" is missing");
    refused("\"seconds\":1.5", "\"seconds\":-1", "out of its range");
    refused("\"one\"}}", "\"one\"}} x", "receipt");
    refused("\"one\"}}", "\"one\"}", "receipt");
    memset(large, ' ', sizeof large);
    memcpy(large, whole, sizeof whole - 1);
    assert_int_equal(kiln_receipt_parse(&run, large, KILN_RECEIPT_BYTES), KILN_OK);
    assert_int_equal(kiln_receipt_parse(&run, large, KILN_RECEIPT_BYTES + 1), KILN_E_DATA);
    for (size_t i = 0; i < sizeof whole - 1; i++) /* cut short anywhere */
        assert_int_equal(kiln_receipt_parse(&run, whole, i), KILN_E_DATA);
}

static void lines_refused(void **state)
{
    static const char *const texts[] = {
        "", BEGIN, BEGIN EPOCH(1), DONE, EPOCH(1) DONE, BEGIN EPOCH(2) EPOCH(1) DONE,
        BEGIN "{\"event\":\"epoch\",\"step\":1,\"parameterHash\":\"00000000000000b1\"}\n" DONE,
        BEGIN "{\"event\":\"epoch\",\"epoch\":1,\"parameterHash\":\"00000000000000b1\"}\n" DONE,
        BEGIN BEGIN "[]\n" DONE, BEGIN "{\"loss\":1}\n" DONE, BEGIN "x\n" DONE};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(kiln_receipt_of_lines(&run, texts[i], strlen(texts[i])), KILN_E_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_lines),    cmocka_unit_test(without),
        cmocka_unit_test(many_epochs), cmocka_unit_test(strictness),
        cmocka_unit_test(lines_refused), cmocka_unit_test(presets),
        cmocka_unit_test(contradictions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
