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

/* The net has a tensor of each group: filters, the head, a matrix between, shifts, and gamma. */
static kiln_run *make_grouped(const kiln_dataset *data, const char *options)
{
    kiln_train_options o;
    kiln_run *r;
    char text[300];

    snprintf(text, sizeof text,
             "net=conv 3x3x6 - batchnorm - relu - maxpool 4 - affine 9 - relu - affine 10 - softmax"
             "\nbatch=20\n%s", options);
    kiln_train_options_default(&o);
    assert_int_equal(kiln_train_options_read(&o, text, KILN_OPTIONS_ALL), 0);
    assert_int_equal(kiln_run_make(&r, data, &o), 0);
    return r;
}

enum { SHIFTS, HEAD, FILTERS, OTHERS };

static int group_of(const kiln_tensor *t)
{
    const char *letter = strrchr(t->name, '.') + 1;

    if (!strcmp(letter, "b") || !strcmp(letter, "beta")) return SHIFTS;
    if (!strcmp(t->name, "affine2.w")) return HEAD;
    return strcmp(t->name, "conv1.w") ? OTHERS : FILTERS;
}

/* Two steps of the same gradients in both. */
static void take_steps(kiln_run *a, kiln_run *b, int zero)
{
    for (int step = 1; step <= 2; step++) {
        check_random(a->learner.dw, a->learner.floats, (uint32_t)step);
        if (zero) memset(a->learner.dw, 0, a->learner.floats * sizeof(float));
        memcpy(b->learner.dw, a->learner.dw, a->learner.floats * sizeof(float));
        kiln_learner_step(&a->learner, &a->o, 0.01f, step);
        kiln_learner_step(&b->learner, &b->o, 0.01f, step);
    }
}

/* What an option of one group does to the tensors of that group, and to no other. */
static void check_group(const char *rule, const char *option, int group)
{
    kiln_dataset data;
    kiln_run *start, *usual, *other;
    char plain[100], text[140];
    int seen = 0;

    assert_int_equal(kiln_builtin_create(&data, check_seed(), 100, 20, 10), 0);
    snprintf(plain, sizeof plain, "optimizer=%s\n", rule);
    snprintf(text, sizeof text, "optimizer=%s\n%s=8\n", rule, option);
    start = make_grouped(&data, plain);
    usual = make_grouped(&data, plain), other = make_grouped(&data, text);
    take_steps(usual, other, 0);
    for (int k = 0; k < kiln_net_tensor_count(usual->learner.net); k++) {
        const kiln_tensor *a = kiln_net_tensor_at(usual->learner.net, k);
        const float *b = kiln_net_tensor_at(other->learner.net, k)->data;
        const float *w = kiln_net_tensor_at(start->learner.net, k)->data;

        if (group_of(a) != group) {
            CHECK_SAME_BITS(a->data, b, (size_t)a->size);
            continue;
        }
        seen++;
        for (int j = 0; j < a->size; j++)
            CHECK_NEAR(b[j] - (double)w[j], 8 * (a->data[j] - (double)w[j]), 2e-6);
    }
    assert_int_equal(seen, group == SHIFTS ? 4 : 1);
    kiln_run_free(start), kiln_run_free(usual), kiln_run_free(other);
    kiln_dataset_destroy(&data);
}

/* Shifts, the head and filters, and they alone, go by their own rate. */
static void groups_have_rates_of_their_own(void **state)
{
    (void)state;
    for (int i = 0; i < KILN_RULE_COUNT; i++) {
        check_group(kiln_rule_table[i]->name, "bias-lr", SHIFTS);
        check_group(kiln_rule_table[i]->name, "head-lr", HEAD);
        check_group(kiln_rule_table[i]->name, "filter-lr", FILTERS);
    }
}

/* And by their own decay: sgd without a gradient leaves w (1 - lr·decay)² after two steps. */
static void groups_have_decays_of_their_own(void **state)
{
    static const double times[] = {[SHIFTS] = 0.5, [HEAD] = 3, [FILTERS] = 2, [OTHERS] = 1};
    const char *const options = "optimizer=sgd\nweight-decay=0.5\nbias-decay=0.5\nhead-decay=3\n"
                                "filter-decay=2\nhead-lr=4\n";
    kiln_dataset data;
    kiln_run *before, *after, *spare;

    (void)state;
    assert_int_equal(kiln_builtin_create(&data, check_seed(), 100, 20, 10), 0);
    before = make_grouped(&data, options), after = make_grouped(&data, options);
    spare = make_grouped(&data, options);
    take_steps(after, spare, 1);
    for (int k = 0; k < kiln_net_tensor_count(after->learner.net); k++) {
        const kiln_tensor *t = kiln_net_tensor_at(after->learner.net, k);
        const float *w = kiln_net_tensor_at(before->learner.net, k)->data;
        const int group = group_of(t), decays = group != OTHERS || t->regularised;
        const double left = 1 - 0.01 * (group == HEAD ? 4 : 1) * 0.5 * times[group] * decays;

        if (!t->parameter) continue;
        for (int j = 0; j < t->size; j++) CHECK_NEAR(t->data[j], w[j] * left * left, 1e-6);
    }
    kiln_run_free(before), kiln_run_free(after), kiln_run_free(spare);
    kiln_dataset_destroy(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(weights_are_matrices),
        cmocka_unit_test(groups_have_rates_of_their_own),
        cmocka_unit_test(groups_have_decays_of_their_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
