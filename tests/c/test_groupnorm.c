/* groupnorm: channels, groups and image sizes against the double twin; the course's checks;
 * threads. */
#include "base/threads.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static const float EPS = 1e-5f;

/* x up to `size`. */
static void check_sized(int N, int S, int C, int G, size_t offset, double size)
{
    const size_t n = (size_t)N * S * C, groups = (size_t)N * G;
    float *x = randoms_at(n, offset), *dout = randoms_at(n, offset);
    float *gamma = randoms_at(C, offset), *beta = randoms_at(C, offset);
    float *out = blank_at(n, offset), *dx = blank_at(n, offset), *dgamma = blank_at(C, offset);
    float *dbeta = blank_at(C, offset), *mean = blank_at(groups, offset);
    float *inv_std = blank_at(groups, offset),
          *work = blank_at(kiln_groupnorm_work(N, S, C, G), offset);
    double *ref = doubles(n), *rmean = doubles(groups), *rinv_std = doubles(groups);
    double *rdx = doubles(n), *rdgamma = doubles(C), *rdbeta = doubles(C);

    for (size_t i = 0; i < n; i++) x[i] *= (float)size;
    ref_groupnorm_forward(ref, rmean, rinv_std, widened(x, n), widened(gamma, C), widened(beta, C),
                          N, S, C, G, EPS);
    ref_groupnorm_backward(rdx, rdgamma, rdbeta, widened(dout, n), widened(x, n), widened(gamma, C),
                           rmean, rinv_std, N, S, C, G);
    kiln_groupnorm_forward(out, mean, inv_std, x, gamma, beta, N, S, C, G, EPS, work);
    kiln_groupnorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, S, C, G, work);
    CHECK_RELATIVE(inv_std, rinv_std, groups, 1e-5);
    for (size_t i = 0; i < groups; i++) CHECK_NEAR(mean[i], rmean[i], 1e-6 * size);
    for (size_t i = 0; i < n; i++) {
        const double scale = rinv_std[i / ((size_t)S * C) * G + i % C / (C / G)];

        CHECK_NEAR(out[i], ref[i], 1e-6 * size * scale + 1e-6);
        CHECK_NEAR(dx[i], rdx[i], 1e-5 * scale); /* its terms are at most gamma inv_std dout */
    }
    for (int c = 0; c < C; c++) {
        double sum = 0, dot = 0;

        for (size_t i = (size_t)c; i < n; i += (size_t)C) {
            const size_t at = i / ((size_t)S * C) * G + c / (C / G);

            sum += fabs((double)dout[i]);
            dot += fabs((double)dout[i]) *
                   (fabs((x[i] - rmean[at]) * rinv_std[at]) + 0.1 * size * rinv_std[at]);
        }
        CHECK_NEAR(dbeta[c], rdbeta[c], 1e-6 * sum);
        CHECK_NEAR(dgamma[c], rdgamma[c], 1e-5 * dot);
    }
    numeric_done();
}

static void check_shape(int N, int S, int C, int G, size_t offset)
{
    check_sized(N, S, C, G, offset, 1);
}

/* Squares of deviations leave a float's range at 1e19, cubes of their inverse at 1e13. */
static void large_values(void **state)
{
    (void)state;
    for (int e = 12; e <= 30; e++) {
        check_sized(2, 9, 12, 3, 1, pow(10, e));
        check_sized(2, 1024, 20, 20, 0, pow(10, e));
    }
}

static void matches_twin(void **state)
{
    (void)state;
    for (int C = 1; C <= 36; C++)
        for (int G = 1; G <= C; G++)
            if (C % G == 0) check_shape(2, 9 + C % 5, C, G, C % 4);
    for (int S = 1; S <= 40; S++) check_shape(1, S, 12, 3, 0);
    check_shape(3, 1024, 20, 4, 1); /* several blocks of an image */
    check_shape(2, 64, 128, 32, 0);
    check_shape(1, 2, 1000, 8, 0);
}

/* cs231n assignment 2: x (2, 6, 4, 5), two groups; statistics by image and group. */
static void course_checks(void **state)
{
    const int N = 2, S = 20, C = 6, G = 2;
    float *x = randoms(240), *gamma = blank(6), *beta = blank(6), *out = blank(240);
    float *mean = blank(4), *inv_std = blank(4), *work = blank(kiln_groupnorm_work(N, S, C, G));

    (void)state;
    for (int i = 0; i < 240; i++) x[i] = 4 * x[i] + 10;
    for (int c = 0; c < C; c++) gamma[c] = 1, beta[c] = 0;
    kiln_groupnorm_forward(out, mean, inv_std, x, gamma, beta, N, S, C, G, EPS, work);
    for (int n = 0; n < N; n++)
        for (int g = 0; g < G; g++) {
            double mu = 0, var = 0;

            for (int s = 0; s < S; s++)
                for (int c = 3 * g; c < 3 * g + 3; c++) {
                    mu += out[(n * S + s) * C + c] / 60.0;
                    var += pow(out[(n * S + s) * C + c], 2) / 60.0;
                }
            CHECK_NEAR(mu, 0, 1e-5);
            CHECK_NEAR(sqrt(var), 1, 1e-4);
        }
    numeric_done();
}

static void same_bits_for_any_threads(void **state)
{
    const int N = 7, S = 50, C = 12, G = 4;
    const size_t n = 7 * 50 * 12;
    float *x = randoms(n), *dout = randoms(n), *gamma = randoms(C), *beta = randoms(C);
    float *mean = blank(28), *inv_std = blank(28);
    float *out[2], *dx[2], *dgamma[2], *dbeta[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        kiln_threads_set(i ? 3 : 1);

        float *work = blank(kiln_groupnorm_work(N, S, C, G));

        out[i] = blank(n), dx[i] = blank(n), dgamma[i] = blank(C), dbeta[i] = blank(C);
        kiln_groupnorm_forward(out[i], mean, inv_std, x, gamma, beta, N, S, C, G, EPS, work);
        kiln_groupnorm_backward(dx[i], dgamma[i], dbeta[i], dout, x, gamma, mean, inv_std, N, S, C,
                                G, work);
    }
    kiln_threads_set(1);
    CHECK_SAME_BITS(out[0], out[1], n);
    CHECK_SAME_BITS(dx[0], dx[1], n);
    CHECK_SAME_BITS(dgamma[0], dgamma[1], C);
    CHECK_SAME_BITS(dbeta[0], dbeta[1], C);
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(large_values),
        cmocka_unit_test(course_checks),
        cmocka_unit_test(same_bits_for_any_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
