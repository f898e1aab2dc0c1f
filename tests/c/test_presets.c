/* Presets: every net parses, every option is one, and the ones that others name are there. */
#include "train/presets.h"

#include "base/status.h"
#include "check.h"
#include "net/notation.h"
#include "train/options.h"

static void nets_and_options_are_valid(void **state)
{
    static kiln_plan plan;
    kiln_train_options o;

    (void)state;
    for (int i = 0; i < kiln_preset_count; i++) {
        const kiln_preset *p = &kiln_preset_table[i];

        if (kiln_notation_parse(&plan, p->net, 3, 32, 32) < 0)
            CHECK_FAIL("%s: %s", p->name, kiln_error());
        assert_int_equal(plan.classes, 10);
        kiln_train_options_default(&o);
        if (kiln_train_options_read(&o, p->options, KILN_OPTIONS_ALL) < 0)
            CHECK_FAIL("%s: %s", p->name, kiln_error());
    }
}

static void names_are_known_and_single(void **state)
{
    const char *const wanted[] = {"default",     "linear-softmax", "linear-svm", "two-layer",
                                  "three-layer", "convnetjs",      "batchnorm",  "residual",
                                  "80-percent",  "90-percent",     "93-percent",
                                  "94-percent"};

    (void)state;
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
        int found = 0;

        for (int i = 0; i < kiln_preset_count; i++)
            found += !strcmp(kiln_preset_table[i].name, wanted[w]);
        if (found != 1) CHECK_FAIL("%s occurs %d times", wanted[w], found);
    }
}

static void json(void **state)
{
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_json_begin(&j);
    assert_int_equal(kiln_presets_json(&j), KILN_OK);
    assert_true(kiln_json_end(&j) > 0);
    assert_non_null(
        strstr(kiln_json_text(&j), "\"net\":\"affine 10 - svm\",\"options\":{\"epochs\":\"10\","));
    kiln_json_free(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nets_and_options_are_valid),
        cmocka_unit_test(names_are_known_and_single),
        cmocka_unit_test(json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
