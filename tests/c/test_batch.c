/* data/batch: positions to the pixel, normalisation, statistics of what is drawn, independence of
 * batches. */
#include "base/status.h"
#include "base/threads.h"
#include "check.h"
#include "data/batch.h"

enum { SIDE = 32, S = SIDE * SIDE, D = 3 * S, MANY = 4000 };

static kiln_dataset set;

static int setup(void **state)
{
    (void)state;
    return kiln_builtin_create(&set, 3, 200, 20, 20);
}

static int teardown(void **state)
{
    (void)state;
    kiln_dataset_destroy(&set);
    return 0;
}

/* What decode should write at [n, h, w, c], by the definition. */
static float normalised(const uint8_t *image, int c, int h, int w, int normalize)
{
    const int at = c * S + h * SIDE + w;

    if (normalize == KILN_NORMALIZE_CHANNEL) return (image[at] - set.mean[c]) / set.std[c];
    if (normalize == KILN_NORMALIZE_MEAN_IMAGE) return image[at] - set.mean_image[at];
    return image[at];
}

/* What became of an image. */
typedef struct {
    int flip, dx, dy, reflect, normalize;
} view;

static float moved(const uint8_t *image, int c, int h, int w, const view *v)
{
    int y = h + v->dy, x = w + v->dx;

    if (v->reflect) {
        y = y < 0 ? -y : y > SIDE - 1 ? 2 * (SIDE - 1) - y : y;
        x = x < 0 ? -x : x > SIDE - 1 ? 2 * (SIDE - 1) - x : x;
    }
    if (y < 0 || y >= SIDE || x < 0 || x >= SIDE) return 0;
    return normalised(image, c, y, v->flip ? SIDE - 1 - x : x, v->normalize);
}

static int is_moved(const float *x, const uint8_t *image, const view *v)
{
    for (int h = 0; h < SIDE; h++)
        for (int w = 0; w < SIDE; w++)
            for (int c = 0; c < 3; c++)
                if (x[(h * SIDE + w) * 3 + c] != moved(image, c, h, w, v)) return 0;
    return 1;
}

static void plain_batches_are_normalised_images(void **state)
{
    float *x = check_floats(5 * D);
    static const int index[5] = {17, 0, 199, 17, 42};
    int y[5];

    (void)state;
    for (int normalize = 0; normalize < 3; normalize++)
        for (int indexed = 0; indexed < 2; indexed++) {
            kiln_batch_decode(x, y, &set, 0, indexed ? index : NULL, 60, 5, normalize, NULL, 1, 1);
            for (int n = 0; n < 5; n++) {
                const int i = indexed ? index[n] : 60 + n;
                const uint8_t *image = set.image[0] + (size_t)i * D;

                assert_int_equal(y[n], set.label[0][i]);
                for (int h = 0; h < SIDE; h++)
                    for (int w = 0; w < SIDE; w++)
                        for (int c = 0; c < 3; c++)
                            CHECK_NEAR(x[((n * SIDE + h) * SIDE + w) * 3 + c],
                                       normalised(image, c, h, w, normalize), 0);
            }
        }
    check_free(x);
}

static void the_training_set_gets_mean_0_and_deviation_1(void **state)
{
    float *x = check_floats(200 * D);
    double sum[3] = {0}, squares[3] = {0};

    (void)state;
    kiln_batch_decode(x, NULL, &set, 0, NULL, 0, 200, KILN_NORMALIZE_CHANNEL, NULL, 1, 1);
    for (int i = 0; i < 200 * D; i++) {
        sum[i % 3] += x[i];
        squares[i % 3] += (double)x[i] * x[i];
    }
    for (int c = 0; c < 3; c++) {
        CHECK_NEAR(sum[c] / (200 * S), 0, 1e-5);
        CHECK_NEAR(squares[c] / (200 * S), 1, 1e-5);
    }
    check_free(x);
}

/* Every image of an augmented batch is one of the possible moves; each is about as frequent as the
 * others. */
static void check_crops(int reflect, int normalize)
{
    const kiln_augment augment = {.flip = 1, .crop = 2,
                                  .crop_pad = reflect ? KILN_PAD_REFLECT : KILN_PAD_ZERO};
    float *x = check_floats(D);
    int count[2][5][5] = {{{0}}};

    for (int step = 0; step < MANY; step++) {
        const int i = step % 200;
        int found = 0;

        kiln_batch_decode(x, NULL, &set, 0, &i, 0, 1, normalize, &augment, check_seed(), step);
        for (int k = 0; k < 50 && !found; k++) {
            const int flip = k % 2, dx = k / 2 % 5, dy = k / 10;
            const view v = {flip, dx - 2, dy - 2, reflect, normalize};

            found = is_moved(x, set.image[0] + (size_t)i * D, &v);
            count[flip][dx][dy] += found;
        }
        CHECK(found);
    }
    for (int k = 0; k < 50; k++) /* 80 expected, 6 deviations either way */
        CHECK_NEAR(count[k % 2][k / 2 % 5][k / 10], MANY / 50, 6 * sqrt(MANY / 50.0));
    check_free(x);
}

static void flips_and_crops_are_uniform_and_exact(void **state)
{
    (void)state;
    check_crops(0, KILN_NORMALIZE_CHANNEL);
    check_crops(1, KILN_NORMALIZE_CHANNEL);
    check_crops(1, KILN_NORMALIZE_MEAN_IMAGE); /* a pixel takes its own mean along */
}

static void cutout_zeroes_one_square(void **state)
{
    const kiln_augment augment = {.cutout = 8};
    float *x = check_floats(D), *plain = check_floats(D);
    int whole = 0, centres[SIDE] = {0};

    (void)state;
    for (int step = 0; step < MANY; step++) {
        const int i = step % 200;
        int top = SIDE, left = SIDE, bottom = -1, right = -1, zeros = 0;

        kiln_batch_decode(plain, NULL, &set, 0, &i, 0, 1, KILN_NORMALIZE_CHANNEL, NULL, 0, 0);
        kiln_batch_decode(x, NULL, &set, 0, &i, 0, 1, KILN_NORMALIZE_CHANNEL, &augment,
                          check_seed(), step);
        for (int p = 0; p < S; p++) {
            if (x[3 * p] == plain[3 * p]) continue;
            CHECK(x[3 * p] == 0 && x[3 * p + 1] == 0 && x[3 * p + 2] == 0);
            top = p / SIDE < top ? p / SIDE : top;
            bottom = p / SIDE > bottom ? p / SIDE : bottom;
            left = p % SIDE < left ? p % SIDE : left;
            right = p % SIDE > right ? p % SIDE : right;
            zeros++;
        }
        CHECK(zeros == (bottom - top + 1) * (right - left + 1));
        CHECK(bottom - top < 8 && right - left < 8);
        CHECK(bottom - top >= 3 && right - left >= 3); /* the centre is inside the image */
        CHECK(bottom - top == 7 || top == 0 || bottom == SIDE - 1);
        whole += zeros == 64;
        if (top > 0 && bottom < SIDE - 1) centres[top + 4]++;
    }
    CHECK_NEAR(whole, MANY * (25.0 / 32) * (25.0 / 32), 6 * sqrt(MANY / 4.0));
    for (int h = 5; h < 28; h++) CHECK_NEAR(centres[h], MANY / 32.0, 6 * sqrt(MANY / 32.0));
    check_free(x);
    check_free(plain);
}

/* Every image is seen as it is in one of two epochs and mirrored in the other, whatever the step
 * and the place in the batch; in each about half of them are mirrored. */
static void alternating_flips(void **state)
{
    float *x = check_floats(D);
    const int images = set.count[0] < 200 ? set.count[0] : 200;
    int mirrored = 0;

    (void)state;
    for (int i = 0; i < images; i++) {
        const uint8_t *image = set.image[0] + (size_t)i * S * 3;
        int flips[4];

        for (int epoch = 0; epoch < 4; epoch++) {
            const kiln_augment augment = {.flip = KILN_FLIP_ALTERNATING, .epoch = epoch};
            const view plain = {.normalize = KILN_NORMALIZE_CHANNEL};
            const view flipped = {.flip = 1, .normalize = KILN_NORMALIZE_CHANNEL};

            kiln_batch_decode(x, NULL, &set, 0, NULL, i, 1, KILN_NORMALIZE_CHANNEL, &augment, 5,
                              epoch * 1000 + i);
            flips[epoch] = is_moved(x, image, &flipped);
            CHECK(flips[epoch] != is_moved(x, image, &plain));
        }
        CHECK(flips[1] == !flips[0] && flips[2] == flips[0] && flips[3] == flips[1]);
        mirrored += flips[0];
    }
    CHECK(images >= 50 && abs(mirrored - images / 2) < 5 * (int)sqrt(images) / 2);
    check_free(x);
}

/* An image's values are (x + b)(1 + c) with one b and c for all of them; b and c fill their ranges
 * evenly, and zeros beside the image stay zero. */
static void brightness_and_contrast_are_one_line_an_image(void **state)
{
    const kiln_augment augment = {.brightness = 40, .contrast = 20, .crop = 1};
    float *x = check_floats(D), *plain = check_floats(D);
    double sum_b = 0, sum_c = 0, squares_b = 0, squares_c = 0;

    (void)state;
    for (int step = 0; step < MANY; step++) {
        const int i = step % 200;
        kiln_augment crop = augment;
        int low = -1, high = -1;
        double c, b;

        crop.brightness = crop.contrast = 0;
        kiln_batch_decode(plain, NULL, &set, 0, &i, 0, 1, KILN_NORMALIZE_CHANNEL, &crop,
                          check_seed(), step);
        kiln_batch_decode(x, NULL, &set, 0, &i, 0, 1, KILN_NORMALIZE_CHANNEL, &augment,
                          check_seed(), step);
        for (int p = 0; p < D; p++) {
            if (plain[p] == 0) continue;
            if (low < 0 || plain[p] < plain[low]) low = p;
            if (high < 0 || plain[p] > plain[high]) high = p;
        }
        c = (x[high] - (double)x[low]) / (plain[high] - (double)plain[low]);
        b = x[low] / c - plain[low];
        CHECK(fabs(b) <= 0.4001 && fabs(c - 1) <= 0.2001);
        for (int p = 0; p < D; p++) CHECK_NEAR(x[p], plain[p] == 0 ? 0 : (plain[p] + b) * c, 1e-4);
        sum_b += b, squares_b += b * b, sum_c += c - 1, squares_c += (c - 1) * (c - 1);
    }
    CHECK_NEAR(sum_b / MANY, 0, 0.4 / sqrt(3.0) * 5 / sqrt(MANY)); /* five deviations */
    CHECK_NEAR(sum_c / MANY, 0, 0.2 / sqrt(3.0) * 5 / sqrt(MANY));
    CHECK_NEAR(squares_b / MANY, 0.4 * 0.4 / 3, 0.005); /* of an even distribution */
    CHECK_NEAR(squares_c / MANY, 0.2 * 0.2 / 3, 0.00125);
    check_free(x);
    check_free(plain);
}

/* What an image becomes depends on seed, step and its position, not on the batch or the threads. */
static void draws_depend_on_seed_step_and_position(void **state)
{
    const kiln_augment augment = {.flip = 1, .crop = 4, .cutout = 6};
    float *a = check_floats(50 * D), *b = check_floats(50 * D);
    int order[50];

    (void)state;
    for (int i = 0; i < 50; i++) order[i] = 7;
    kiln_batch_decode(a, NULL, &set, 0, order, 0, 50, KILN_NORMALIZE_CHANNEL, &augment, 5, 9);
    kiln_batch_decode(b, NULL, &set, 0, order, 0, 20, KILN_NORMALIZE_CHANNEL, &augment, 5, 9);
    CHECK_SAME_BITS(a, b, 20 * D);
    assert_true(kiln_threads_set(3) >= 1);
    kiln_batch_decode(b, NULL, &set, 0, order, 0, 50, KILN_NORMALIZE_CHANNEL, &augment, 5, 9);
    assert_true(kiln_threads_set(1) == 1);
    CHECK_SAME_BITS(a, b, 50 * D);
    CHECK(memcmp(a, a + D, D * sizeof *a) != 0); /* another position */
    kiln_batch_decode(b, NULL, &set, 0, order, 0, 50, KILN_NORMALIZE_CHANNEL, &augment, 6, 9);
    CHECK(memcmp(a, b, 50 * D * sizeof *a) != 0);
    kiln_batch_decode(b, NULL, &set, 0, order, 0, 50, KILN_NORMALIZE_CHANNEL, &augment, 5, 10);
    CHECK(memcmp(a, b, 50 * D * sizeof *a) != 0);
    check_free(a);
    check_free(b);
}

static void raw_images_are_mirrored_then_moved(void **state)
{
    static const view views[] = {{0, 0, 0, 0, KILN_NORMALIZE_CHANNEL},
                                 {1, 0, 0, 0, KILN_NORMALIZE_CHANNEL},
                                 {0, 2, -3, 0, KILN_NORMALIZE_CHANNEL},
                                 {1, -4, 1, 0, KILN_NORMALIZE_MEAN_IMAGE},
                                 {1, 1, -2, 1, KILN_NORMALIZE_CHANNEL}};
    float *x = check_floats(2 * D);

    (void)state;
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        const view *v = &views[i];

        kiln_batch_decode_raw(x, set.image[2], &set, 2, v->normalize, v->flip, -v->dx, -v->dy,
                              v->reflect);
        for (int n = 0; n < 2; n++) CHECK(is_moved(x + n * D, set.image[2] + n * D, v));
    }
    check_free(x);
}

static void an_epoch_sees_every_image_once(void **state)
{
    int order[1000], other[1000], seen[1000] = {0}, fixed = 0, same = 0;

    (void)state;
    kiln_batch_shuffle(order, 1000, 4, 2);
    kiln_batch_shuffle(other, 1000, 4, 3);
    for (int i = 0; i < 1000; i++) {
        seen[order[i]]++;
        fixed += order[i] == i;
        same += order[i] == other[i];
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(seen[i], 1);
    CHECK(fixed < 10 && same < 10); /* one expected by chance */
    kiln_batch_shuffle(other, 1000, 4, 2);
    assert_memory_equal(order, other, sizeof order);
}

static void drawing_with_replacement_is_uniform(void **state)
{
    int count[10] = {0}, index[50];

    (void)state;
    for (int step = 0; step < 400; step++) {
        kiln_batch_sample(index, 50, 10, check_seed(), step);
        for (int i = 0; i < 50; i++) count[index[i]]++;
    }
    for (int i = 0; i < 10; i++) CHECK_NEAR(count[i], 2000, 5 * sqrt(2000.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_batches_are_normalised_images),
        cmocka_unit_test(the_training_set_gets_mean_0_and_deviation_1),
        cmocka_unit_test(flips_and_crops_are_uniform_and_exact),
        cmocka_unit_test(alternating_flips),
        cmocka_unit_test(cutout_zeroes_one_square),
        cmocka_unit_test(brightness_and_contrast_are_one_line_an_image),
        cmocka_unit_test(draws_depend_on_seed_step_and_position),
        cmocka_unit_test(raw_images_are_mirrored_then_moved),
        cmocka_unit_test(an_epoch_sees_every_image_once),
        cmocka_unit_test(drawing_with_replacement_is_uniform),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
