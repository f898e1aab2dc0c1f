/* whiten-epochs: behind its epochs a whitening's bias stays as it is, every other parameter learns
 * to the same bits as if it did not, and the backward pass does less. */
#include "net/net_internal.h"
#include "runs.h"
#include "train/checkpoint.h"

#define STEPS_AN_EPOCH 5
#define SAID "batch=20\nepochs=3\nvalidation=0\ncheck-train=0\nlr=0.003\n"

static const char *const nets[] = {
    "whiten 2x2 - gelu - conv 3x3x6 nobias - maxpool 2 - batchnorm fixed - gelu - affine 10 - "
    "softmax",
    "whiten 2x2 - relu - conv 5x5x4 - relu - maxpool 4 - affine 10 - softmax",
    "whiten 3x3 - maxpool 2 - relu - conv 3x3x4 - maxpool 3 - affine 10 - softmax",
    "whiten 2x2 - batchnorm - relu - conv 3x3x4 - batchnorm - maxpool 4 - affine 10 - softmax",
    "whiten 2x2 - prelu - avgpool 4 - conv 3x3x4 - affine 10 - softmax",
    "whiten 2x2 - gelu - residual(conv 3x3x24 - gelu) - maxpool 4 - affine 10 - softmax",
    "whiten 2x2 - maxpool 4 - affine 10 - softmax",
    "whiten 2x2 - groupnorm 4 - tanh - conv 3x3x4 stride 2 - layernorm - affine 10 - svm",
};
static const char *const rules[] = {
    "optimizer=sgd\nreg=0.001\n",
    "optimizer=momentum\nweight-decay=0.01\n",
    "optimizer=nesterov\nbias-lr=8\nbias-decay=1\nweight-decay=0.01\nlookahead=2\n",
    "optimizer=rmsprop\n",
    "optimizer=adam\nweight-decay=0.01\nbias-decay=1\n",
    "optimizer=adamw\nweight-decay=0.01\nbias-decay=1\n",
    "optimizer=muon\nweight-decay=0.01\n",
};
#define NETS (int)(sizeof nets / sizeof *nets)
#define RULES (int)(sizeof rules / sizeof *rules)

static kiln_run *make(const char *net, const char *rule, const char *more)
{
    char text[1024];

    snprintf(text, sizeof text, "net=%s\n" SAID "%s%s", net, rule, more);
    return make_run(text);
}

static kiln_tensor *bias_of(kiln_run *r)
{
    kiln_net *net = r->learner.net;

    return kiln_net_tensor_at(net, kiln_net_tensor_of(net, 0, 1));
}

/* Run b as run a is. */
static void copy_state(kiln_run *b, const kiln_run *a)
{
    const kiln_learner *from = &a->learner, *to = &b->learner;

    memcpy(to->w, from->w, from->floats * sizeof(float));
    for (int i = 0; i < from->states; i++)
        memcpy(to->state[i], from->state[i], from->floats * sizeof(float));
    kiln_statistics_copy(to->net, from->net);
    if (!from->averaged) return;
    memcpy(to->average.w, from->average.w, from->floats * sizeof(float));
    memcpy(to->average.statistics, from->average.statistics, from->statistics * sizeof(float));
}

/* The same bits in both blocks but for tensor t, which is where it was, or, a gradient, zero. */
static void check_all_but(const kiln_run *a, const kiln_run *b, const kiln_tensor *t,
                          const float *before, int rested)
{
    const size_t at = (size_t)(t->data - a->learner.w), size = (size_t)t->size;
    const size_t rest = a->learner.floats - at - size;

    CHECK_SAME_BITS(a->learner.w, b->learner.w, at);
    CHECK_SAME_BITS(a->learner.dw, b->learner.dw, at);
    CHECK_SAME_BITS(a->learner.w + at + size, b->learner.w + at + size, rest);
    CHECK_SAME_BITS(a->learner.dw + at + size, b->learner.dw + at + size, rest);
    if (rested) CHECK_SAME_BITS(t->data, before, size);
    for (size_t i = 0; i < size; i++) CHECK(t->gradient[i] == 0);
}

static void check_run(const char *net, const char *rule)
{
    kiln_run *a = make(net, rule, "whiten-epochs=0.5\n"), *b = make(net, rule, "");
    const kiln_tensor *t = bias_of(a);
    const int size = t->size, looks = a->learner.averaged;
    float *before = check_floats((size_t)size);

    for (int step = 0; step < 2 * STEPS_AN_EPOCH + 1; step++) {
        memcpy(before, t->data, (size_t)size * sizeof *before);
        copy_state(b, a);
        must_step(a), must_step(b);
        if (step < 3) { /* half of five steps, rounded up */
            CHECK_SAME_BITS(a->learner.w, b->learner.w, a->learner.floats);
            CHECK_SAME_BITS(a->learner.dw, b->learner.dw, a->learner.floats);
            CHECK(!t->held && memcmp(t->data, before, (size_t)size * sizeof *before) != 0);
        } else {
            CHECK(t->held);
            check_all_but(a, b, t, before, !looks); /* the average goes on */
        }
    }
    kiln_run_free(a), kiln_run_free(b);
    check_free(before);
}

static void all_else_learns_the_same(void **state)
{
    (void)state;
    for (int i = 0; i < NETS; i++) check_run(nets[i], rules[i % RULES]);
    for (int i = 0; i < RULES; i++) check_run(nets[0], rules[i]);
}

static int idle_actions(const kiln_net *net, int *idle_steps)
{
    int count = 0;

    *idle_steps = 0;
    for (int s = net->forward_steps; s < net->steps; s++) {
        const kiln_step *step = &net->step_list[s];

        *idle_steps += step->idle;
        for (int i = step->first; i < step->first + step->count; i++) count += net->action[i].idle;
    }
    return count;
}

/* The backward pass of the whitening and of what follows it is left out, and so is dx of the
 * convolution behind it: the FLOPs fall by just these. */
static void the_backward_pass_does_less(void **state)
{
    (void)state;
    for (int i = 0; i < NETS; i++) {
        kiln_run *r = make(nets[i], rules[0], "whiten-epochs=1\n");
        kiln_net *net = r->learner.net;
        const kiln_plan *plan = kiln_net_plan(net);
        double whole, wanted = 0;
        int steps;

        while (r->place.step < STEPS_AN_EPOCH) must_step(r);
        whole = kiln_net_backward_flops(net);
        assert_int_equal(idle_actions(net, &steps), 0);
        must_step(r);
        for (int l = 0, trained = 0; l < plan->count - 1; l++) {
            const kiln_layer *layer = &plan->layer[l];
            const kiln_node *node = &net->node[l];

            if (layer->from >= 0 && !trained) wanted += layer->flops; /* its dx is left out */
            trained |= node->trained > 0;
        }
        CHECK(wanted > 0);
        CHECK_NEAR(whole - kiln_net_backward_flops(net), wanted, 0);
        CHECK(idle_actions(net, &steps) >= 1);
        if (i == 0) assert_int_equal(steps, 1); /* whiten1 and gelu1 */
        kiln_run_free(r);
    }
}

/* It may be changed on the way, both ways, and from the first step on; a larger batch's net is held
 * as well. */
static void it_is_live(void **state)
{
    kiln_run *a = make(nets[0], rules[1], "whiten-epochs=0\n"), *b = make(nets[0], rules[1], "");
    const kiln_tensor *t = bias_of(a);
    float before[64];

    (void)state;
    must_step(a);
    for (int i = 0; i < t->size; i++) CHECK(t->data[i] == 0);
    assert_int_equal(kiln_run_set(a, "whiten-epochs=-1"), KILN_OK);
    must_step(b);
    copy_state(b, a);
    must_step(a), must_step(b);
    CHECK_SAME_BITS(a->learner.w, b->learner.w, a->learner.floats);
    CHECK_SAME_BITS(a->learner.dw, b->learner.dw, a->learner.floats);
    assert_int_equal(kiln_run_set(a, "whiten-epochs=0.1"), KILN_OK);
    assert_int_equal(kiln_run_set(a, "batch=40"), KILN_OK);
    t = bias_of(a);
    memcpy(before, t->data, (size_t)t->size * sizeof *before);
    must_step(a);
    CHECK_SAME_BITS(t->data, before, (size_t)t->size);
    CHECK(before[0] < 0 || before[0] > 0);
    kiln_run_free(a), kiln_run_free(b);
}

static void what_is_no_number_of_epochs(void **state)
{
    kiln_train_options o;

    (void)state;
    kiln_train_options_default(&o);
    assert_int_equal(kiln_train_options_read(&o, "whiten-epochs=-0.5", KILN_OPTIONS_ALL),
                     KILN_E_ARG);
    assert_string_equal(kiln_error(), "whiten-epochs: -0.5 is neither 0 or more nor -1");
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), 20 * STEPS_AN_EPOCH, 20, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_else_learns_the_same),
        cmocka_unit_test(the_backward_pass_does_less),
        cmocka_unit_test(it_is_live),
        cmocka_unit_test(what_is_no_number_of_epochs),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
