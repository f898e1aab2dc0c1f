/*
 * The course's sanity checks ("Before learning: sanity checks", Neural Networks 3; the cells of the
 * notebooks): the first loss is chance, regularisation raises it by 0.5·reg·ΣW², and a small set
 * can be overfitted.
 */
#include "base/status.h"
#include "runs.h"

#define FULLY_CONNECTED "net=affine 100 - relu - affine 100 - relu - affine 10 - softmax\n"
#define CONVNET "net=conv 7x7x32 - relu - maxpool 2 - affine 100 - relu - affine 10 - softmax\n"

/* Metrics of the first step. */
static kiln_run_metrics first(const char *text)
{
    kiln_run *r = make_run(text);
    kiln_run_metrics m;

    if (kiln_run_step(r) < 0) CHECK_FAIL("%s", kiln_error());
    m = r->metrics;
    kiln_run_free(r);
    return m;
}

/* Small weights make all scores equal: ln 10 for softmax, 9 margins of 1 for the SVM. */
static void first_loss_is_chance(void **state)
{
    (void)state;
    CHECK_NEAR(first(FULLY_CONNECTED "init=gaussian 1e-3\nbatch=50\n").loss, log(10), 1e-3);
    CHECK_NEAR(first(CONVNET "init=gaussian 1e-3\nbatch=50\n").loss, log(10), 1e-3);
    CHECK_NEAR(first("net=affine 10 - softmax\ninit=gaussian 1e-4\nbatch=50\n").loss, log(10),
               2e-2);
    CHECK_NEAR(first("net=affine 10 - svm\ninit=gaussian 1e-4\nbatch=50\n").loss, 9, 2e-1);
}

static void regularisation_adds_to_it(void **state)
{
    kiln_run *r = make_run(CONVNET "init=gaussian 1e-3\nbatch=50\n");
    double squares = 0, loss, with;

    (void)state;
    for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
        const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);

        for (int k = 0; t->regularised && k < t->size; k++)
            squares += (double)t->data[k] * t->data[k];
    }
    kiln_run_free(r);
    loss = first(CONVNET "init=gaussian 1e-3\nbatch=50\n").loss;
    with = first(CONVNET "init=gaussian 1e-3\nbatch=50\nreg=0.5\n").loss;
    CHECK_NEAR(with - loss, 0.5 * 0.5 * squares, 1e-6);
    CHECK_NEAR(with - loss, 0.2, 0.05); /* the course: about 0.2 */
}

/* Trains until every image is right, at most `epochs`. */
static void overfits(const char *text, int epochs, int images, double wanted)
{
    kiln_run *r = make_run(text);
    double accuracy = 0;

    while (r->place.epoch < epochs && accuracy < 1) {
        const int flags = kiln_run_step(r);

        if (flags < 0) CHECK_FAIL("%s", kiln_error());
        if (flags & KILN_RUN_EPOCH)
            accuracy = (double)kiln_evaluate(&r->test, 0, 0, images, 1, NULL, NULL) / images;
    }
    if (!(accuracy >= wanted))
        CHECK_FAIL("%g of %d images after %d epochs", accuracy, images, r->place.epoch);
    kiln_run_free(r);
}

static void overfit_50_images_fully_connected(void **state)
{
    (void)state;
    overfits(
        FULLY_CONNECTED
        "train=50\nbatch=25\nepochs=40\noptimizer=sgd\nschedule=constant\nlr=0.1\ncheck-train=0\n",
        40, 50, 1.0);
}

static void overfit_100_images_convnet(void **state)
{
    (void)state;
    overfits(CONVNET "train=100\nbatch=50\nepochs=30\noptimizer=adam\nschedule=constant\nlr=0."
                     "001\ninit=gaussian 0.01\n"
                     "normalize=mean-image\ncheck-train=0\n",
             30, 100, 1.0);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), 100, 10, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_loss_is_chance),
        cmocka_unit_test(regularisation_adds_to_it),
        cmocka_unit_test(overfit_50_images_fully_connected),
        cmocka_unit_test(overfit_100_images_convnet),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
