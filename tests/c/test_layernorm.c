/* layernorm: every row length against the double twin; the course's checks; threads. */
#include "base/threads.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static const float EPS = 1e-5f;

/* x up to `size`. */
static void check_sized(int N, int D, size_t offset, double size)
{
    const size_t n = (size_t)N * D;
    float *x = randoms_at(n, offset), *dout = randoms_at(n, offset);
    float *gamma = randoms_at(D, offset), *beta = randoms_at(D, offset);
    float *out = blank_at(n, offset), *dx = blank_at(n, offset), *dgamma = blank_at(D, offset);
    float *dbeta = blank_at(D, offset), *mean = blank_at(N, offset), *inv_std = blank_at(N, offset);
    float *work = blank_at(kiln_layernorm_work(N, D), offset);
    double *ref = doubles(n), *rmean = doubles(N), *rinv_std = doubles(N);
    double *rdx = doubles(n), *rdgamma = doubles(D), *rdbeta = doubles(D);

    for (size_t i = 0; i < n; i++) x[i] *= (float)size;
    ref_layernorm_forward(ref, rmean, rinv_std, widened(x, n), widened(gamma, D), widened(beta, D),
                          N, D, EPS);
    ref_layernorm_backward(rdx, rdgamma, rdbeta, widened(dout, n), widened(x, n), widened(gamma, D),
                           rmean, rinv_std, N, D);
    kiln_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, D, EPS);
    kiln_layernorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, D, work);
    CHECK_RELATIVE(inv_std, rinv_std, N, 1e-5);
    for (int r = 0; r < N; r++) CHECK_NEAR(mean[r], rmean[r], 1e-6 * size);
    for (size_t i = 0; i < n; i++) {
        const double scale = rinv_std[i / D];

        CHECK_NEAR(out[i], ref[i], 1e-6 * size * scale + 1e-6);
        CHECK_NEAR(dx[i], rdx[i], 1e-5 * scale); /* its terms are at most gamma inv_std dout */
    }
    for (int d = 0; d < D; d++) {
        double sum = 0, dot = 0;

        for (int r = 0; r < N; r++) {
            const size_t i = (size_t)r * D + d;

            sum += fabs((double)dout[i]);
            dot += fabs((double)dout[i]) *
                   (fabs((x[i] - rmean[r]) * rinv_std[r]) + 0.1 * size * rinv_std[r]);
        }
        CHECK_NEAR(dbeta[d], rdbeta[d], 1e-6 * sum);
        CHECK_NEAR(dgamma[d], rdgamma[d], 1e-5 * dot);
    }
    numeric_done();
}

static void check_shape(int N, int D, size_t offset)
{
    check_sized(N, D, offset, 1);
}

/* Squares of deviations leave a float's range at 1e19, cubes of their inverse at 1e13. */
static void large_values(void **state)
{
    (void)state;
    for (int e = 12; e <= 30; e++) {
        check_sized(5, 37, 1, pow(10, e));
        check_sized(2, 20000, 0, pow(10, e));
    }
}

static void matches_twin(void **state)
{
    (void)state;
    for (int D = 1; D <= 70; D++) check_shape(D % 5 + 1, D, D % 4);
    for (int N = 1; N <= 50; N++) check_shape(N, 10, 1);
    check_shape(100, 500, 0);
    check_shape(2, 20000, 3);
}

/* cs231n assignment 2: rows have mean 0 and deviation 1, then those of beta and gamma. */
static void course_checks(void **state)
{
    const int N = 4, D = 600;
    float *x = randoms(2400), *gamma = blank(600), *beta = blank(600), *out = blank(2400);
    float *mean = blank(4), *inv_std = blank(4);

    (void)state;
    for (int shift = 0; shift < 2; shift++) {
        for (int d = 0; d < D; d++) gamma[d] = shift ? 3 : 1, beta[d] = shift ? 5 : 0;
        kiln_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, D, EPS);
        for (int n = 0; n < N; n++) {
            double mu = 0, var = 0;

            for (int d = 0; d < D; d++) mu += out[n * D + d] / (double)D;
            for (int d = 0; d < D; d++) var += pow(out[n * D + d] - mu, 2) / D;
            CHECK_NEAR(mu, shift ? 5 : 0, 1e-5);
            CHECK_NEAR(sqrt(var), shift ? 3 : 1, 1e-4);
        }
    }
    numeric_done();
}

static void same_bits_for_any_threads(void **state)
{
    const int N = 70, D = 37;
    const size_t n = 70 * 37;
    float *x = randoms(n), *dout = randoms(n), *gamma = randoms(D), *beta = randoms(D);
    float *mean = blank(N), *inv_std = blank(N), *work = blank(kiln_layernorm_work(N, D));
    float *out[2], *dx[2], *dgamma[2], *dbeta[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        kiln_threads_set(i ? 3 : 1);
        out[i] = blank(n), dx[i] = blank(n), dgamma[i] = blank(D), dbeta[i] = blank(D);
        kiln_layernorm_forward(out[i], mean, inv_std, x, gamma, beta, N, D, EPS);
        kiln_layernorm_backward(dx[i], dgamma[i], dbeta[i], dout, x, gamma, mean, inv_std, N, D,
                                work);
    }
    kiln_threads_set(1);
    CHECK_SAME_BITS(out[0], out[1], n);
    CHECK_SAME_BITS(dx[0], dx[1], n);
    CHECK_SAME_BITS(dgamma[0], dgamma[1], D);
    CHECK_SAME_BITS(dbeta[0], dbeta[1], D);
    numeric_done();
}

static void large_offsets_and_nan(void **state)
{
    const int N = 3, D = 100;
    float *x = randoms(300), *gamma = blank(100), *beta = blank(100), *out = blank(300);
    float *mean = blank(3), *inv_std = blank(3);
    double *ref = doubles(300), *rmean = doubles(3), *rinv_std = doubles(3);

    (void)state;
    for (int d = 0; d < D; d++) gamma[d] = 1, beta[d] = 0;
    for (int i = 0; i < 300; i++) x[i] += 5000;
    ref_layernorm_forward(ref, rmean, rinv_std, widened(x, 300), widened(gamma, 100),
                          widened(beta, 100), N, D, EPS);
    kiln_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, D, EPS);
    CHECK_RELATIVE(inv_std, rinv_std, N, 1e-5);
    x[150] = NAN;
    kiln_layernorm_forward(out, mean, inv_std, x, gamma, beta, N, D, EPS);
    for (int i = 0; i < 300; i++) CHECK(isnan(out[i]) == (i / D == 1));
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(large_values),
        cmocka_unit_test(course_checks),
        cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(large_offsets_and_nan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
