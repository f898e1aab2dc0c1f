/*
 * batchnorm: every number of channels and rows against the double twin; both backward passes equal;
 * the course's checks; running statistics; large offsets; in place; threads.
 */
#include "base/threads.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static const float EPS = 1e-5f;

typedef struct {
    int R, C;
    float *x, *dout, *gamma, *beta, *out, *dx, *dgamma, *dbeta;
    float *mean, *inv_std, *running_mean, *running_var, *work;
} layer;

static layer make_layer(int R, int C, size_t offset)
{
    const size_t n = (size_t)R * C;
    layer l = {R,
               C,
               randoms_at(n, offset),
               randoms_at(n, offset),
               randoms_at(C, offset),
               randoms_at(C, offset),
               blank_at(n, offset),
               blank_at(n, offset),
               blank_at(C, offset),
               blank_at(C, offset),
               blank_at(C, offset),
               blank_at(C, offset),
               blank_at(C, offset),
               blank_at(C, offset),
               blank_at(kiln_batchnorm_work(R, C), offset)};

    memset(l.running_mean, 0, (size_t)C * sizeof(float));
    memset(l.running_var, 0, (size_t)C * sizeof(float));
    return l;
}

static void forward(const layer *l, float *out, int relu)
{
    kiln_batchnorm_forward(out, l->mean, l->inv_std, l->running_mean, l->running_var, l->x,
                           l->gamma, l->beta, l->R, l->C, EPS, 0.9, relu, l->work);
}

static void backward_alt(const layer *l, float *dx, const float *dout)
{
    kiln_batchnorm_backward_alt(dx, l->dgamma, l->dbeta, dout, l->x, l->gamma, NULL, l->mean,
                                l->inv_std, l->R, l->C, l->work);
}

/* dx is a difference of terms as large as gamma inv_std dout, whole for few rows: that is what its
 * error is measured by. */
static void check_dx(const float *dx, const double *expected, const layer *l)
{
    double largest_dout = 0;

    for (int i = 0; i < l->R * l->C; i++)
        largest_dout = fmax(largest_dout, fabs((double)l->dout[i]));
    for (int i = 0; i < l->R * l->C; i++) {
        const int c = i % l->C;

        CHECK_NEAR(dx[i], expected[i],
                   1e-5 * fabs((double)l->gamma[c] * l->inv_std[c]) * largest_dout);
    }
}

/* x up to `size`. */
static void check_sized(int R, int C, size_t offset, float size)
{
    const size_t n = (size_t)R * C;
    const layer l = make_layer(R, C, offset);
    double *ref = doubles(n), *mean = doubles(C), *inv_std = doubles(C);
    double *rdx = doubles(n), *rdgamma = doubles(C), *rdbeta = doubles(C);
    float *rectified = blank(n);

    for (size_t i = 0; i < n; i++) l.x[i] *= size;
    ref_batchnorm_forward(ref, mean, inv_std, widened(l.x, n), widened(l.gamma, C),
                          widened(l.beta, C), R, C, EPS);
    ref_batchnorm_backward(rdx, rdgamma, rdbeta, widened(l.dout, n), widened(l.x, n),
                           widened(l.gamma, C), mean, inv_std, R, C);
    forward(&l, l.out, 0);
    CHECK_RELATIVE(l.out, ref, n, 1e-5);
    for (int c = 0; c < C; c++) CHECK_NEAR(l.mean[c], mean[c], 1e-6 * (double)size);
    CHECK_RELATIVE(l.inv_std, inv_std, C, 1e-5);
    for (int c = 0; c < C; c++) {
        const double var = 1 / (inv_std[c] * inv_std[c]) - (double)EPS;

        CHECK_NEAR(l.running_mean[c], 0.1 * mean[c], 1e-6 * (double)size);
        CHECK_NEAR(l.running_var[c], fmin(0.1 * var, (double)FLT_MAX), 1e-6 * size * size);
    }
    backward_alt(&l, l.dx, l.dout);
    check_dx(l.dx, rdx, &l);
    for (int c = 0; c < C; c++) {
        double sum = 0, dot = 0; /* of the terms' sizes */

        for (size_t i = (size_t)c; i < n; i += (size_t)C) {
            sum += fabs((double)l.dout[i]);
            dot += fabs(l.dout[i] * (l.x[i] - mean[c]) * inv_std[c]);
        }
        CHECK_NEAR(l.dbeta[c], rdbeta[c], 1e-6 * sum);
        CHECK_NEAR(l.dgamma[c], rdgamma[c], 1e-5 * dot);
    }
    forward(&l, rectified, 1);
    for (size_t i = 0; i < n; i++) CHECK(rectified[i] == (l.out[i] > 0 ? l.out[i] : 0));
    numeric_done();
}

static void check_shape(int R, int C, size_t offset)
{
    check_sized(R, C, offset, 1);
}

static void matches_twin(void **state)
{
    (void)state;
    for (int C = 1; C <= 35; C++)
        for (int R = 2; R <= 50; R += 7) check_shape(R, C, C % 4);
    for (int R = 1; R <= 40; R++) check_shape(R, 10, 1);
    check_shape(8192 / 3 + 20, 3, 0); /* two blocks of rows, and a little */
    check_shape(1000, 20, 1);
    check_shape(700, 64, 0);
    check_shape(33, 1001, 3);
    check_shape(20000, 1, 0);
}

/* Squares of deviations leave a float's range at 1e19, cubes of their inverse at 1e13. */
static void large_values(void **state)
{
    (void)state;
    for (int e = 12; e <= 30; e++) {
        check_sized(50, 17, 1, (float)pow(10, e));
        check_sized(3000, 3, 0, (float)pow(10, e));
    }
}

/* The staged graph and the closed form are one function. */
static void check_both_backward_passes(float size)
{
    static const int shapes[][2] = {{2, 1}, {7, 3}, {50, 17}, {500, 10}, {300, 64}};

    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const int R = shapes[i][0], C = shapes[i][1];
        const size_t n = (size_t)R * C;
        const layer l = make_layer(R, C, 0);
        float *dx = blank(n), *dgamma = blank(C), *dbeta = blank(C),
              *work = blank(4 * n + 8 * (size_t)C);

        for (size_t j = 0; j < n; j++) l.x[j] *= size;
        forward(&l, l.out, 0);
        backward_alt(&l, l.dx, l.dout);
        kiln_batchnorm_backward(dx, dgamma, dbeta, l.dout, l.x, l.gamma, l.mean, l.inv_std, R, C,
                                work);
        check_dx(dx, widened(l.dx, n), &l);
        for (int c = 0; c < C; c++) {
            CHECK_NEAR(dgamma[c], l.dgamma[c], 1e-6 * R);
            CHECK_NEAR(dbeta[c], l.dbeta[c], 1e-6 * R);
        }
        numeric_done();
    }
}

static void both_backward_passes_agree(void **state)
{
    (void)state;
    check_both_backward_passes(1);
    check_both_backward_passes(1e19f);
    check_both_backward_passes(1e30f);
}

/* Mean and deviation of each column of out, against what they ought to be. */
static void check_columns(const float *out, int R, int C, const float *mean, const float *deviation,
                          double tolerance)
{
    for (int c = 0; c < C; c++) {
        double mu = 0, var = 0;

        for (int r = 0; r < R; r++) mu += out[r * C + c] / (double)R;
        for (int r = 0; r < R; r++) var += (out[r * C + c] - mu) * (out[r * C + c] - mu) / R;
        CHECK_NEAR(mu, mean[c], tolerance);
        CHECK_NEAR(sqrt(var), deviation[c], tolerance);
    }
}

/* cs231n assignment 2, BatchNormalization: means 0, stds 1; then beta and gamma; 50 batches, then
 * test time. */
static void course_checks(void **state)
{
    static const float ones[3] = {1, 1, 1}, zeros[3], gamma[3] = {1, 2, 3}, beta[3] = {11, 12, 13};
    const int R = 200, C = 3;
    layer l = make_layer(R, C, 0);
    kiln_rng rng = {check_seed(), KILN_RNG_USER, 0};

    (void)state;
    for (int batch = 0; batch < 50; batch++) {
        rng.stream = (uint64_t)batch;
        kiln_rng_fill_normal(l.x, R * C, rng, 0);
        for (int i = 0; i < R * C; i++) l.x[i] = l.x[i] * (float)(i % C + 1) + 5 * (float)(i % C);
        memcpy(l.gamma, ones, sizeof ones);
        memcpy(l.beta, zeros, sizeof zeros);
        forward(&l, l.out, 0);
    }
    check_columns(l.out, R, C, zeros, ones, 2e-5);
    kiln_batchnorm_test(l.out, l.x, ones, zeros, l.running_mean, l.running_var, R, C, EPS, 0,
                        l.work);
    check_columns(l.out, R, C, zeros, ones, 0.25); /* close, but noisier than in training */
    memcpy(l.gamma, gamma, sizeof gamma);
    memcpy(l.beta, beta, sizeof beta);
    forward(&l, l.out, 0);
    check_columns(l.out, R, C, beta, gamma, 2e-5);
    numeric_done();
}

static void test_mode_matches_twin(void **state)
{
    static const int widths[] = {1, 3, 10, 16, 17, 20, 31, 64, 65, 100, 1023, 1024, 1025, 2100};

    (void)state;
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        for (int R = 1; R <= 600; R += R < 4 ? 1 : 299) {
            const int C = widths[i];
            const size_t n = (size_t)R * C;
            const layer l = make_layer(R, C, i % 3);
            double *ref = doubles(n);
            float *rectified = blank(n);

            for (int c = 0; c < C; c++) {
                l.running_mean[c] = 0.01f * (float)(c % 7);
                l.running_var[c] = 0.5f + 0.1f * (float)(c % 11);
            }
            ref_batchnorm_test(ref, widened(l.x, n), widened(l.gamma, C), widened(l.beta, C),
                               widened(l.running_mean, C), widened(l.running_var, C), R, C, EPS);
            kiln_batchnorm_test(l.out, l.x, l.gamma, l.beta, l.running_mean, l.running_var, R, C,
                                EPS, 0, l.work);
            CHECK_RELATIVE(l.out, ref, n, 1e-6);
            kiln_batchnorm_test(rectified, l.x, l.gamma, l.beta, l.running_mean, l.running_var, R,
                                C, EPS, 1, l.work);
            for (size_t k = 0; k < n; k++) CHECK(rectified[k] == (l.out[k] > 0 ? l.out[k] : 0));
            numeric_done();
        }
}

/* Statistics keep their digits when the mean is ten thousand deviations away, or the first row
 * stands out. */
static void large_offsets(void **state)
{
    const int R = 2000, C = 10;
    const size_t n = (size_t)R * C;
    const layer l = make_layer(R, C, 0);
    double *ref = doubles(n), *mean = doubles(C), *inv_std = doubles(C);

    (void)state;
    for (size_t i = 0; i < n; i++) l.x[i] += 5000;
    for (int c = 0; c < C; c++) l.x[c] += (float)(100 * c);
    ref_batchnorm_forward(ref, mean, inv_std, widened(l.x, n), widened(l.gamma, C),
                          widened(l.beta, C), R, C, EPS);
    forward(&l, l.out, 0);
    CHECK_RELATIVE(l.inv_std, inv_std, C, 1e-5);
    for (int c = 0; c < C; c++) CHECK_NEAR(l.mean[c], mean[c], 5000 * FLT_EPSILON);
    numeric_done();
}

static void a_constant_column_stays_finite(void **state)
{
    const int R = 40, C = 5;
    const layer l = make_layer(R, C, 0);

    (void)state;
    for (int i = 0; i < R * C; i++) l.x[i] = 0.1f * (float)(i % C);
    forward(&l, l.out, 0);
    backward_alt(&l, l.dx, l.dout);
    for (int i = 0; i < R * C; i++) CHECK(l.out[i] == l.beta[i % C] && isfinite(l.dx[i]));
    numeric_done();
}

static void in_place_and_threads_change_no_bit(void **state)
{
    const int R = 3000, C = 12;
    const size_t n = (size_t)R * C;
    layer l = make_layer(R, C, 0);
    float *out = blank(n), *dx = blank(n), *dgamma = blank(C);

    (void)state;
    forward(&l, l.out, 1);
    backward_alt(&l, l.dx, l.dout);
    memcpy(dgamma, l.dgamma, (size_t)C * sizeof(float));
    kiln_threads_set(3);
    l.work = blank(kiln_batchnorm_work(R, C));
    forward(&l, out, 1);
    backward_alt(&l, dx, l.dout);
    CHECK_SAME_BITS(out, l.out, n);
    CHECK_SAME_BITS(dx, l.dx, n);
    CHECK_SAME_BITS(dgamma, l.dgamma, C);
    kiln_threads_set(1);
    backward_alt(&l, l.dout, l.dout);
    CHECK_SAME_BITS(l.dout, dx, n);
    forward(&l, l.x, 1);
    CHECK_SAME_BITS(l.x, out, n);
    numeric_done();
}

/* Through the fused relu: the bits of relu's backward pass, then batchnorm's. */
static void backward_through_the_relu_behind(void **state)
{
    (void)state;
    for (int C = 1; C <= 35; C += 2)
        for (int R = 1; R <= 40; R += 13) {
            const layer l = make_layer(R, C, (size_t)C % 3);
            const int n = R * C;
            float *dx = blank(n), *dgamma = blank(C), *dbeta = blank(C), *masked = blank(n);

            forward(&l, l.out, 1);
            kiln_relu_backward(masked, l.dout, l.out, n);
            backward_alt(&l, l.dx, masked);
            kiln_batchnorm_backward_alt(dx, dgamma, dbeta, l.dout, l.x, l.gamma, l.beta, l.mean,
                                        l.inv_std, R, C, l.work);
            CHECK_SAME_BITS(dx, l.dx, (size_t)n);
            CHECK_SAME_BITS(dgamma, l.dgamma, (size_t)C);
            CHECK_SAME_BITS(dbeta, l.dbeta, (size_t)C);
            numeric_done();
        }
}

static void nan_is_passed_on(void **state)
{
    const layer l = make_layer(20, 3, 0);

    (void)state;
    l.x[7] = NAN; /* column 1 */
    forward(&l, l.out, 1);
    for (int i = 0; i < 60; i++) CHECK(isnan(l.out[i]) == (i % 3 == 1));
    numeric_done();
}

/* 1 - momentum is taken in double: a rate near 1 adds its share to six digits. */
static void running_statistics_keep_their_digits(void **state)
{
    static const double rates[] = {0, 0.5, 0.9, 0.999, 0.99999};
    enum { R = 50, C = 20 };
    const layer l = make_layer(R, C, 0);

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const double share = 1 - rates[i];

        memset(l.running_mean, 0, C * sizeof(float));
        memset(l.running_var, 0, C * sizeof(float));
        kiln_batchnorm_forward(l.out, l.mean, l.inv_std, l.running_mean, l.running_var, l.x,
                               l.gamma, l.beta, R, C, EPS, rates[i], 0, l.work);
        for (int c = 0; c < C; c++) {
            double mean = 0, var = 0;

            for (int r = 0; r < R; r++) mean += (double)l.x[r * C + c] / R;
            for (int r = 0; r < R; r++) var += pow((double)l.x[r * C + c] - mean, 2) / R;
            CHECK_NEAR(l.running_mean[c], share * mean, 1e-6 * share);
            CHECK_NEAR(l.running_var[c], share * var, 1e-6 * share * var);
        }
    }
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(running_statistics_keep_their_digits),
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(large_values),
        cmocka_unit_test(both_backward_passes_agree),
        cmocka_unit_test(course_checks),
        cmocka_unit_test(test_mode_matches_twin),
        cmocka_unit_test(large_offsets),
        cmocka_unit_test(a_constant_column_stays_finite),
        cmocka_unit_test(in_place_and_threads_change_no_bit),
        cmocka_unit_test(backward_through_the_relu_behind),
        cmocka_unit_test(nan_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
