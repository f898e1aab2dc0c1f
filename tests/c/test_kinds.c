/* The table of layer kinds: every row is whole, and what it says of itself is true. */
#include "net/kinds.h"

#include "base/status.h"
#include "check.h"
#include "net/net.h"
#include "net/notation.h"

/* A name for rows and attributes as other programs can take it: letters and digits. */
static int is_name(const char *name)
{
    if (!name || !(*name >= 'a' && *name <= 'z')) return 0;
    for (; *name; name++)
        if (!((*name | 32) >= 'a' && (*name | 32) <= 'z')) return 0;
    return 1;
}

static void rows_are_whole(void **state)
{
    const kiln_layer_kind *kind;
    int count;

    (void)state;
    for (count = 0; (kind = kiln_kind_at(count)); count++) {
        CHECK(is_name(kind->name) && strlen(kind->name) < 16);
        CHECK(kiln_kind_named(kind->name) == kind); /* no name twice */
        CHECK(kind->notation || kind->advice);
        if (kind->loss)
            CHECK(kind->twin_loss && kind->takes == KILN_TAKES_ROWS);
        else
            CHECK(kind->forward && kind->twin && (kind->backward || kind->joins));
        CHECK(!kind->objective || kind->twin_work);
        CHECK(!kind->moments == !kind->dots && !kind->moments == !kind->sums);
        CHECK(!kind->moments == !kind->sums_by_image && (!kind->moments || kind->begin_forward));
        CHECK(!kind->groups == !kind->group_first && !kind->groups == !kind->group_step);
        CHECK(!kind->groups || kind->end_backward);
        CHECK(!(kind->in_place && (kind->reads & KILN_READS_PLACE)));
        CHECK(kiln_attribute_count(kind) <= KILN_ATTRIBUTES_MAX);
        for (int i = 0; i < kiln_attribute_count(kind); i++) {
            const kiln_attribute *a = &kind->attribute[i];

            CHECK(is_name(a->name));
            CHECK(a->type == KILN_FLAG ? a->word != NULL : a->what != NULL);
            CHECK(!(a->word && (a->lead || a->optional)));
            if (i) CHECK(a->word || !kind->attribute[i - 1].word); /* those with a word are last */
        }
    }
    CHECK(count > 0 && count <= KILN_KINDS_MAX);
    CHECK(kiln_kind_named("relux") == NULL && kiln_kind_named("") == NULL);
}

/* The words of the notation and those people use elsewhere are all different. */
static void words_are_different(void **state)
{
    const char *word[KILN_KINDS_MAX * 6];
    const kiln_layer_kind *kind;
    int count = 0;

    (void)state;
    for (int k = 0; (kind = kiln_kind_at(k)); k++) {
        if (kind->notation) word[count++] = kind->notation;
        for (const char *const *alias = kind->aliases; *alias; alias++) word[count++] = *alias;
    }
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) CHECK(strcmp(word[i], word[j]) != 0);
}

/* A tensor's start value, rate of decay and gradient are what its layer's row says. */
static void tensors_are_as_their_rows_say(void **state)
{
    kiln_net_options o;
    kiln_net *net;

    (void)state;
    kiln_net_options_default(&o);
    CHECK(kiln_net_make(&net,
                        "conv 3x3x8 - batchnorm fixed - prelu - conv 3x3x8 - groupnorm 2 - "
                        "layernorm - "
                        "affine 12 - layernorm - batchnorm - tanh - affine 10 - softmax",
                        &o) == KILN_OK);
    for (int l = 0, seen = 0; l < kiln_net_plan(net)->count; l++, seen = 0) {
        const kiln_layer *layer = &kiln_net_plan(net)->layer[l];
        kiln_tensor_row row[KILN_LAYER_TENSORS_MAX];
        const int tensors = layer->kind->tensors ? layer->kind->tensors(layer, row) : 0;

        CHECK(kiln_net_tensor_of(net, l, tensors) == -1);
        for (int i = 0; i < tensors; i++, seen++) {
            const kiln_tensor *t = kiln_net_tensor_at(net, kiln_net_tensor_of(net, l, i));

            CHECK(t->layer == l);
            assert_string_equal(strchr(t->name, '.') + 1, row[i].name);
            assert_int_equal(t->parameter, !row[i].statistic);
            assert_int_equal(t->trained, !row[i].statistic && !row[i].frozen);
            assert_int_equal(t->gradient != NULL, t->trained);
            assert_int_equal(t->regularised, row[i].regularised);
            for (int k = 0; k < t->size; k++)
                CHECK(row[i].random ? t->data[k] != 0 : t->data[k] == row[i].start);
        }
        for (int i = 0; i < kiln_net_tensor_count(net); i++)
            seen -= kiln_net_tensor_at(net, i)->layer == l;
        assert_int_equal(seen, 0);
    }
    kiln_net_free(net);
}

/* Attributes carry public names and the values of the text. */
static void attributes_have_values(void **state)
{
    static kiln_plan plan;
    const kiln_layer *l;

    (void)state;
    CHECK(kiln_notation_parse(&plan,
                              "conv 3x5x8 stride 2 - maxpool 3 - leakyrelu - affine 10 - svm", 3,
                              32, 32) == KILN_OK);
    l = &plan.layer[0];
    assert_string_equal(l->kind->attribute[1].name, "kernelWidth");
    CHECK(l->value[0] == 3 && l->value[1] == 5 && l->value[2] == 8 && l->value[3] == 2);
    CHECK(plan.layer[1].value[0] == 3 && plan.layer[1].value[1] == 3); /* stride: the window */
    CHECK(plan.layer[2].value[0] == (double)0.01f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(words_are_different),
        cmocka_unit_test(tensors_are_as_their_rows_say),
        cmocka_unit_test(attributes_have_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
