/* Test mode of a run: the ten views, the confusion's orientation, and the images of an epoch's
 * training accuracy, each against the same done by hand. */
#include "base/rng.h"
#include "base/status.h"
#include "runs.h"

#define TRAIN 90
#define VALIDATION 30
#define TEST 40
#define SIDE 32
#define PIXELS (3 * SIDE * SIDE)
#define NET "net=conv 3x3x4 - relu - maxpool 4 - affine 10 - softmax\nnormalize=none\n"

static kiln_run *make(const char *text)
{
    kiln_run *r = make_run(text);

    /* Smaller, so that no probability is 0 or 1. */
    for (size_t i = 0; i < r->learner.floats; i++) r->learner.w[i] *= 0.1f;
    return r;
}

/* i, or its mirror image within 0 .. SIDE - 1. */
static int reflected(int i)
{
    return i < 0 ? -i : i > SIDE - 1 ? 2 * (SIDE - 1) - i : i;
}

/* out[y, x] = in[y - dy, x - dx], in mirrored first; black beyond the border, or its reflection. */
static void move(uint8_t *out, const uint8_t *in, int flip, int dx, int dy, int reflect)
{
    for (int i = 0; i < PIXELS; i++) {
        const int x0 = i % SIDE - dx, y0 = i / SIDE % SIDE - dy;
        const int x = reflect ? reflected(x0) : x0, y = reflect ? reflected(y0) : y0;
        const int inside = x >= 0 && x < SIDE && y >= 0 && y < SIDE;
        const int row = i / (SIDE * SIDE) * SIDE + y;

        out[i] = inside ? in[row * SIDE + (flip ? SIDE - 1 - x : x)] : 0;
    }
}

/* Ten views: the image as it is, and two pixels left, right, up and down; each mirrored too. */
static void ten_views_by_hand(void **state)
{
    static const int way[5][2] = {{0, 0}, {-2, 0}, {2, 0}, {0, -2}, {0, 2}};
    kiln_run *r = make(NET "batch=7\n");
    float ten[10], one[10];
    uint8_t moved[PIXELS];

    (void)state;
    for (int i = 0; i < 5; i++) {
        const uint8_t *image = data.image[2] + (size_t)i * PIXELS;
        double mean[10] = {0};

        for (int v = 0; v < 10; v++) {
            move(moved, image, v % 2, way[v / 2][0], way[v / 2][1], 0);
            kiln_predict(&r->test, moved, 1, 1, one);
            for (int c = 0; c < 10; c++) mean[c] += one[c] / 10.0;
        }
        kiln_predict(&r->test, image, 1, 10, ten);
        for (int c = 0; c < 10; c++) CHECK_NEAR(ten[c], mean[c], 1e-6);
    }
    kiln_run_free(r);
}

/* Six: the image and its mirror image, a quarter each, and both moved along the diagonal. */
static void six_views_by_hand(void **state)
{
    static const int way[3] = {0, -1, 1};
    kiln_run *r = make(NET "batch=7\n");
    float six[10], one[10];
    uint8_t moved[PIXELS];

    (void)state;
    for (int i = 0; i < 5; i++) {
        const uint8_t *image = data.image[2] + (size_t)i * PIXELS;
        double mean[10] = {0};

        for (int v = 0; v < 6; v++) {
            move(moved, image, v % 2, way[v / 2], way[v / 2], 1);
            kiln_predict(&r->test, moved, 1, 1, one);
            for (int c = 0; c < 10; c++) mean[c] += one[c] * (v < 2 ? 0.25 : 0.125);
        }
        kiln_predict(&r->test, image, 1, 6, six);
        for (int c = 0; c < 10; c++) CHECK_NEAR(six[c], mean[c], 1e-6);
    }
    kiln_run_free(r);
}

/* A row of the confusion is a label, a column what it was taken for. */
static void rows_are_labels(void **state)
{
    kiln_run *r = make(NET "batch=7\n");
    int confusion[10][10] = {{0}}, expected[10][10] = {{0}};
    float p[10];

    (void)state;
    kiln_evaluate(&r->test, 2, 0, TEST, 1, NULL, confusion[0]);
    for (int i = 0; i < TEST; i++) {
        int best = 0;

        kiln_predict(&r->test, data.image[2] + (size_t)i * PIXELS, 1, 1, p);
        for (int c = 1; c < 10; c++) best = p[c] > p[best] ? c : best;
        expected[data.label[2][i]][best]++;
    }
    assert_memory_equal(confusion, expected, sizeof expected);
    kiln_run_free(r);
}

/* The training accuracy of a check is that of as many images as asked for, drawn anew each time. */
static void training_images_are_drawn(void **state)
{
    kiln_run *r = make(NET "batch=7\nseed=3\ncheck-train=60\nlr=0.0001\n");

    (void)state;
    for (int step = 1; step <= 3; step++) {
        const kiln_rng rng = {3, KILN_RNG_CHECK, (uint64_t)step};
        int correct = 0;

        CHECK(kiln_run_step(r) >= 0);
        kiln_run_begin_check(r);
        assert_int_equal(kiln_check_on(&r->check, &r->test, 0), 1);
        for (int i = 0; i < 60; i++)
            correct += kiln_evaluate(&r->test, 0, (int)kiln_rng_below(rng, (uint64_t)i, TRAIN), 1,
                                     1, NULL, NULL);
        assert_int_equal(r->check.train_right, correct);
    }
    kiln_run_free(r);
}

/* check-val looks at the first so many validation images; 0 is all. */
static void validation_images_are_counted(void **state)
{
    kiln_run *r = make(NET "batch=7\n");

    (void)state;
    for (int wanted = 0; wanted <= VALIDATION + 2; wanted++) {
        const int n = wanted == 0 || wanted > VALIDATION ? VALIDATION : wanted;
        char text[40];

        snprintf(text, sizeof text, "check-val=%d\n", wanted);
        CHECK(kiln_run_set(r, text) >= 0);
        kiln_run_begin_check(r);
        assert_int_equal(kiln_check_on(&r->check, &r->test, 0), 1);
        assert_int_equal(r->check.validation, n);
        assert_int_equal(r->check.validation_right,
                         kiln_evaluate(&r->test, 1, 0, n, 1, NULL, NULL));
    }
    kiln_run_free(r);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), TRAIN, VALIDATION, TEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_views_by_hand),
        cmocka_unit_test(six_views_by_hand),
        cmocka_unit_test(rows_are_labels),
        cmocka_unit_test(training_images_are_drawn),
        cmocka_unit_test(validation_images_are_counted),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
