/* net/regularise.c: the pass over the parameters against double loops, and on any threads. */
#include <float.h>

#include "base/status.h"
#include "base/threads.h"
#include "check.h"
#include "net/net.h"

/* 1.2 million floats in one tensor, pieces that are not full, and tensors that are not regularised.
 */
#define NOTATION "conv 3x3x5 - batchnorm - relu - affine 250 - relu - affine 10 - softmax"

static kiln_net *make(void)
{
    kiln_net_options o;
    kiln_net *net;

    kiln_net_options_default(&o);
    if (kiln_net_make(&net, NOTATION, &o) < 0) CHECK_FAIL("%s", kiln_error());
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i);

        check_random(t->data, (size_t)t->size, (uint32_t)i);
        if (t->gradient) check_random(t->gradient, (size_t)t->size, 100 + (uint32_t)i);
    }
    return net;
}

static void against_double(void **state)
{
    kiln_net *net = make(), *before = make();
    double w = 0, dw = 0, regularised = 0, loss;
    double dw_squares;

    (void)state;
    loss = kiln_net_regularise(net, 0.25, 1, &dw_squares);
    for (int i = 0; i < kiln_net_tensor_count(net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(net, i), *old = kiln_net_tensor_at(before, i);

        CHECK_SAME_BITS(t->data, old->data, (size_t)t->size);
        for (int k = 0; t->parameter && k < t->size; k++) {
            const double reg = t->regularised ? 0.25 : 0;
            const double expected = old->gradient[k] + reg * old->data[k];

            CHECK_NEAR(t->gradient[k], expected, 4 * FLT_EPSILON);
            w += (double)t->data[k] * t->data[k];
            dw += expected * expected;
            regularised += t->regularised ? (double)t->data[k] * t->data[k] : 0;
        }
    }
    CHECK_NEAR(kiln_net_parameter_squares(net), w, 260 * FLT_EPSILON * w);
    CHECK_NEAR(dw_squares, dw, 260 * FLT_EPSILON * dw);
    CHECK_NEAR(loss, 0.5 * 0.25 * regularised, 260 * FLT_EPSILON * w);
    kiln_net_free(net);
    kiln_net_free(before);
}

static void gradients_are_left_alone_when_not_wanted(void **state)
{
    kiln_net *net = make(), *before = make();
    float *w, *gradient, *old;
    const size_t floats = kiln_net_parameters(net, &w, &gradient);
    const double loss = kiln_net_regularise(net, 0.5, 0, NULL);
    double dw_squares;

    (void)state;
    CHECK(loss > 0);
    kiln_net_parameters(before, &w, &old);
    CHECK_SAME_BITS(gradient, old, floats);
    CHECK_NEAR(kiln_net_regularise(net, 0, 1, &dw_squares), 0, 0); /* measures, adds nothing */
    CHECK_SAME_BITS(gradient, old, floats);
    CHECK(dw_squares > 0);
    kiln_net_free(net);
    kiln_net_free(before);
}

static void threads_do_not_change_a_bit(void **state)
{
    kiln_net *one = make();
    float *w, *expected, *gradient;
    const size_t floats = kiln_net_parameters(one, &w, &expected);
    double of_one, of_many;
    const double loss = kiln_net_regularise(one, 0.1, 1, &of_one);
    const double squares = kiln_net_parameter_squares(one);

    (void)state;
    for (int threads = 2; threads <= 8; threads *= 2) {
        CHECK(kiln_threads_set(threads) >= 1);

        kiln_net *net = make();

        CHECK_NEAR(kiln_net_regularise(net, 0.1, 1, &of_many), loss, 0);
        kiln_net_parameters(net, &w, &gradient);
        CHECK_SAME_BITS(gradient, expected, floats);
        CHECK_NEAR(of_many, of_one, 0);
        CHECK_NEAR(kiln_net_parameter_squares(net), squares, 0);
        kiln_net_free(net);
    }
    CHECK(kiln_threads_set(1) == 1);
    kiln_net_free(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_double),
        cmocka_unit_test(gradients_are_left_alone_when_not_wanted),
        cmocka_unit_test(threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests_name("regularise", tests, NULL, NULL);
}
