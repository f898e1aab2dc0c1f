/* The table of update rules: a row a name, states that a checkpoint can tell apart, options that
 * there are, and which tensors are matrices. */
#include "train/rules.h"

#include "check.h"
#include "data/dataset.h"
#include "train/trainer.h"

static void rows_are_whole(void **state)
{
    char text[80];

    (void)state;
    for (int i = 0; i < KILN_RULE_COUNT; i++) {
        const kiln_rule *rule = kiln_rule_table[i];
        kiln_train_options o;

        CHECK(rule->update && rule->help);
        kiln_train_options_default(&o);
        snprintf(text, sizeof text, "optimizer=%s", rule->name);
        assert_int_equal(kiln_train_options_read(&o, text, KILN_OPTIONS_ALL), 0);
        assert_int_equal(o.optimizer, i);
        for (int k = 0; k < 6 && rule->options[k]; k++) { /* each is an option */
            snprintf(text, sizeof text, "%s=0.5", rule->options[k]);
            assert_int_equal(kiln_train_options_read(&o, text, KILN_OPTIONS_ALL), 0);
        }
        if (kiln_rule_states(rule) == 2) assert_string_not_equal(rule->state[0], rule->state[1]);
    }
    assert_int_equal(kiln_rule_states(kiln_rule_table[KILN_RULE_sgd]), 0);
    assert_int_equal(kiln_rule_states(kiln_rule_table[KILN_RULE_momentum]), 1);
    assert_int_equal(kiln_rule_states(kiln_rule_table[KILN_RULE_adam]), 2);
}

static void weights_are_matrices(void **state)
{
    kiln_net_options o;
    kiln_net *net;
    int rows, columns, matrices = 0;

    (void)state;
    kiln_net_options_default(&o);
    assert_int_equal(
        kiln_net_make(&net, "conv 5x3x7 pad 0 - batchnorm - relu - maxpool 4 - affine 10 - softmax",
                      &o), 0);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        if (!kiln_rule_matrix(t, &rows, &columns)) continue;
        matrices++;
        if (!strcmp(t->name, "conv1.w"))
            CHECK(rows == 7 && columns == 3 * 5 * 3);
        else
            CHECK(!strcmp(t->name, "affine1.w") && columns == 10 && rows * columns == t->size);
    }
    assert_int_equal(matrices, 2);
    kiln_net_free(net);
}

static kiln_run *make_run(const kiln_dataset *data, const char *rule, double bias_lr)
{
    kiln_train_options o;
    kiln_run *r;
    char text[200];

    snprintf(text, sizeof text,
             "net=conv 3x3x6 - batchnorm - relu - maxpool 4 - affine 10 - softmax\nbatch=20\n"
             "optimizer=%s\nbias-lr=%g", rule, bias_lr);
    kiln_train_options_default(&o);
    assert_int_equal(kiln_train_options_read(&o, text, KILN_OPTIONS_ALL), 0);
    assert_int_equal(kiln_run_make(&r, data, &o), 0);
    return r;
}

/* Biases and betas, and they alone, go by their own rate. */
static void shifts_have_a_rate_of_their_own(void **state)
{
    kiln_dataset data;

    (void)state;
    assert_int_equal(kiln_builtin_create(&data, check_seed(), 100, 20, 10), 0);
    for (int i = 0; i < KILN_RULE_COUNT; i++) {
        kiln_run *usual = make_run(&data, kiln_rule_table[i]->name, 1);
        kiln_run *other = make_run(&data, kiln_rule_table[i]->name, 8);
        int shifts = 0;

        for (int step = 1; step <= 2; step++) {
            check_random(usual->learner.dw, usual->learner.floats, (uint32_t)step);
            memcpy(other->learner.dw, usual->learner.dw, usual->learner.floats * sizeof(float));
            kiln_learner_step(&usual->learner, &usual->o, 0.01f, step);
            kiln_learner_step(&other->learner, &other->o, 0.01f, step);
        }
        for (int k = 0; k < kiln_net_tensor_count(usual->learner.net); k++) {
            const kiln_tensor *a = kiln_net_tensor_at(usual->learner.net, k);
            const kiln_tensor *b = kiln_net_tensor_at(other->learner.net, k);

            if (!a->shift) {
                CHECK_SAME_BITS(a->data, b->data, (size_t)a->size);
                continue;
            }
            shifts++; /* from 0 */
            for (int j = 0; j < a->size; j++) CHECK_NEAR(b->data[j], 8 * (double)a->data[j], 1e-6);
        }
        assert_int_equal(shifts, 3);
        kiln_run_free(usual);
        kiln_run_free(other);
    }
    kiln_dataset_destroy(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(weights_are_matrices),
        cmocka_unit_test(shifts_have_a_rate_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
