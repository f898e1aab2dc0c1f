/* The bounded history: what is kept when it is full, and its JSON. */
#include "train/history.h"

#include "check.h"

static kiln_history h;

static void keeps_every_stride(void **state)
{
    (void)state;
    kiln_history_clear(&h);
    for (int64_t step = 1; step <= 50000; step++) {
        kiln_history_add_loss(&h, step, (double)step);
        CHECK(h.losses > 0 && h.losses <= KILN_HISTORY_LOSSES);
    }
    assert_int_equal(h.stride, 16);
    for (int i = 0; i < h.losses; i++) {
        assert_int_equal(h.loss_step[i], (i + 1) * h.stride);
        assert_true(h.loss[i] == (float)h.loss_step[i]);
    }
    assert_int_equal(h.loss_step[h.losses - 1], 50000);
}

static void keeps_the_latest_epoch(void **state)
{
    (void)state;
    kiln_history_clear(&h);
    for (int epoch = 1; epoch <= 5000; epoch++) {
        const kiln_epoch_record r = {epoch, 7 * epoch, 0.5f, 0.25f, -1, 0.125f};

        kiln_history_add_epoch(&h, &r);
        assert_int_equal(h.epoch_at[h.epochs - 1][0], epoch);
        assert_int_equal(h.epoch_at[h.epochs - 1][1], 7 * epoch);
        CHECK(h.epochs <= KILN_HISTORY_EPOCHS);
    }
    for (int i = 1; i < h.epochs; i++) CHECK(h.epoch_at[i][0] > h.epoch_at[i - 1][0]);
}

static void json(void **state)
{
    const kiln_epoch_record r = {1, 7, 0.5f, 0.25f, -1, 0.125f};
    kiln_json j;

    (void)state;
    memset(&j, 0, sizeof j);
    kiln_history_clear(&h);
    kiln_history_add_loss(&h, 1, 2.5);
    kiln_history_add_loss(&h, 2, 2.25);
    kiln_history_add_epoch(&h, &r);
    kiln_json_begin(&j);
    kiln_history_json(&h, &j);
    assert_true(kiln_json_end(&j) > 0);
    assert_string_equal(kiln_json_text(&j),
                        "{\"loss\":[[1,2.5],[2,2.25]],\"epochs\":[{\"epoch\":1,\"step\":7,"
                        "\"trainLoss\":0.5,\"trainAccuracy\":0.25,\"valAccuracy\":null,"
                        "\"lr\":0.125}],\"changed\":null}");
    kiln_history_note_change(&h, NULL);
    kiln_history_note_change(&h, "lr");
    kiln_history_note_change(&h, "epochs"); /* the first is told */
    kiln_json_begin(&j);
    kiln_history_json(&h, &j);
    assert_true(kiln_json_end(&j) > 0);
    assert_non_null(strstr(kiln_json_text(&j), "],\"changed\":\"lr\"}"));
    kiln_json_free(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_stride),
        cmocka_unit_test(keeps_the_latest_epoch),
        cmocka_unit_test(json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
