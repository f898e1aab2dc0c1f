/*
 * Update rules: the fixed numbers of the course's notebooks (FullyConnectedNets, TwoLayerNet), and
 * every rule against a twin in double over all tails, pieces and threads.
 */
#include "train/optim.h"

#include "base/threads.h"
#include "check.h"

#define COURSE 20 /* values in the notebooks' checks */

/* numpy.linspace(from, to, COURSE) */
static void linspace(float *out, double from, double to)
{
    for (int i = 0; i < COURSE; i++) out[i] = (float)(from + (to - from) * i / (COURSE - 1));
}

static void check_all(const float *actual, const double *expected, double tolerance)
{
    for (int i = 0; i < COURSE; i++) CHECK_NEAR(actual[i], expected[i], tolerance);
}

static void course_sgd_momentum(void **state)
{
    const double next_w[COURSE] = {0.1406,     0.20738947, 0.27417895, 0.34096842, 0.40775789,
                                   0.47454737, 0.54133684, 0.60812632, 0.67491579, 0.74170526,
                                   0.80849474, 0.87528421, 0.94207368, 1.00886316, 1.07565263,
                                   1.14244211, 1.20923158, 1.27602105, 1.34281053, 1.4096};
    const double next_v[COURSE] = {0.5406,     0.55475789, 0.56891579, 0.58307368, 0.59723158,
                                   0.61138947, 0.62554737, 0.63970526, 0.65386316, 0.66802105,
                                   0.68217895, 0.69633684, 0.71049474, 0.72465263, 0.73881053,
                                   0.75296842, 0.76712632, 0.78128421, 0.79544211, 0.8096};
    float w[COURSE], dw[COURSE], v[COURSE];

    (void)state;
    linspace(w, -0.4, 0.6), linspace(dw, -0.6, 0.4), linspace(v, 0.6, 0.9);
    kiln_sgd_momentum(w, dw, v, COURSE, 1e-3f, 0.9f);
    check_all(w, next_w, 2e-7);
    check_all(v, next_v, 1e-7);
}

static void course_rmsprop(void **state)
{
    const double next_w[COURSE] = {-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247,
                                   -0.132737,   -0.08078555, -0.02881884, 0.02316247,  0.07515774,
                                   0.12716641,  0.17918792,  0.23122175,  0.28326742,  0.33532447,
                                   0.38739248,  0.43947102,  0.49155973,  0.54365823,  0.59576619};
    const double next_cache[COURSE] = {0.5976,     0.6126277,  0.6277108,  0.64284931, 0.65804321,
                                       0.67329252, 0.68859723, 0.70395734, 0.71937285, 0.73484377,
                                       0.75037008, 0.7659518,  0.78158892, 0.79728144, 0.81302936,
                                       0.82883269, 0.84469141, 0.86060554, 0.87657507, 0.8926};
    float w[COURSE], dw[COURSE], cache[COURSE];

    (void)state;
    linspace(w, -0.4, 0.6), linspace(dw, -0.6, 0.4), linspace(cache, 0.6, 0.9);
    kiln_rmsprop(w, dw, cache, COURSE, 1e-2f, 0.99, 1e-8f);
    check_all(w, next_w, 1e-7);
    check_all(cache, next_cache, 1e-7);
}

/* The notebook gives t = 5, which the course raises before use. */
static void course_adam(void **state)
{
    const double next_w[COURSE] = {-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977,
                                   -0.1380274,  -0.08544591, -0.03286534, 0.01971428,  0.0722929,
                                   0.1248705,   0.17744702,  0.23002243,  0.28259667,  0.33516969,
                                   0.38774145,  0.44031188,  0.49288093,  0.54544852,  0.59801459};
    const double next_v[COURSE] = {0.69966,    0.68908382, 0.67851319, 0.66794809, 0.65738853,
                                   0.64683452, 0.63628604, 0.6257431,  0.61520571, 0.60467385,
                                   0.59414753, 0.58362676, 0.57311152, 0.56260183, 0.55209767,
                                   0.54159906, 0.53110598, 0.52061845, 0.51013645, 0.49966};
    const double next_m[COURSE] = {0.48,       0.49947368, 0.51894737, 0.53842105, 0.55789474,
                                   0.57736842, 0.59684211, 0.61631579, 0.63578947, 0.65526316,
                                   0.67473684, 0.69421053, 0.71368421, 0.73315789, 0.75263158,
                                   0.77210526, 0.79157895, 0.81105263, 0.83052632, 0.85};
    float w[COURSE], dw[COURSE], m[COURSE], v[COURSE];

    (void)state;
    linspace(w, -0.4, 0.6), linspace(dw, -0.6, 0.4), linspace(m, 0.6, 0.9), linspace(v, 0.7, 0.5);
    kiln_adam(w, dw, m, v, COURSE, 1e-2f, 0.9, 0.999, 1e-8f, 6);
    check_all(w, next_w, 1e-7);
    check_all(v, next_v, 1e-7);
    check_all(m, next_m, 1e-7);
}

/* ---- twins in double ---------------------------------------------------------------------------
 */

enum { SGD, MOMENTUM, NESTEROV, RMSPROP, ADAM, DECAY, RULES };

/* Momentum and the share that decays come as float, decay rates as double. */
static double momentum(int rule)
{
    return rule == RMSPROP || rule == ADAM ? 0.9 : 0.9f;
}

/* One step of one parameter; s and t are its state. */
static void ref_update(int rule, double *w, double dw, double *s, double *t, long count)
{
    const double lr = 0.01f, a = momentum(rule), b = 0.999, eps = 1e-8f;
    const double before = *s;

    switch (rule) {
    case SGD: *w -= lr * dw; break;
    case MOMENTUM:
        *s = a * *s - lr * dw;
        *w += *s;
        break;
    case NESTEROV:
        *s = a * *s - lr * dw;
        *w += -a * before + (1 + a) * *s;
        break;
    case RMSPROP:
        *s = a * *s + (1 - a) * dw * dw;
        *w -= lr * dw / (sqrt(*s) + eps);
        break;
    case ADAM:
        *s = a * *s + (1 - a) * dw;
        *t = b * *t + (1 - b) * dw * dw;
        *w -= lr * (*s / (1 - pow(a, (double)count))) /
              (sqrt(*t / (1 - pow(b, (double)count))) + eps);
        break;
    case DECAY: *w -= lr * a * *w; break;
    }
}

static void update(int rule, float *w, const float *dw, float *s, float *t, size_t n, long count)
{
    switch (rule) {
    case SGD: kiln_sgd(w, dw, n, 0.01f); break;
    case MOMENTUM: kiln_sgd_momentum(w, dw, s, n, 0.01f, 0.9f); break;
    case NESTEROV: kiln_nesterov(w, dw, s, n, 0.01f, 0.9f); break;
    case RMSPROP: kiln_rmsprop(w, dw, s, n, 0.01f, 0.9, 1e-8f); break;
    case ADAM: kiln_adam(w, dw, s, t, n, 0.01f, 0.9, 0.999, 1e-8f, count); break;
    case DECAY: kiln_decay(w, n, 0.01f, 0.9f); break;
    }
}

static void against_twin(int rule, size_t n)
{
    float *w = check_floats(n), *dw = check_floats(n), *s = check_floats(n), *t = check_floats(n);
    double *rw = calloc(3 * n, sizeof *rw), *rs = rw + n, *rt = rs + n;

    check_random(w, n, 1);
    memset(s, 0, n * sizeof *s);
    memset(t, 0, n * sizeof *t);
    for (size_t i = 0; i < n; i++) rw[i] = w[i];
    for (long step = 1; step <= 5; step++) {
        check_random(dw, n, 10 + (uint32_t)step);
        update(rule, w, dw, s, t, n, step);
        for (size_t i = 0; i < n; i++) ref_update(rule, rw + i, dw[i], rs + i, rt + i, step);
    }
    for (size_t i = 0; i < n; i++) {
        CHECK_NEAR(w[i], rw[i], 1e-6);
        CHECK_NEAR(s[i], rs[i], 1e-6);
        CHECK_NEAR(t[i], rt[i], 1e-6);
    }
    check_free(w), check_free(dw), check_free(s), check_free(t);
    free(rw);
}

static void every_rule_is_its_twin(void **state)
{
    (void)state;
    for (int rule = 0; rule < RULES; rule++) {
        for (size_t n = 0; n <= 35; n++) against_twin(rule, n);
        against_twin(rule, 4095), against_twin(rule, 4097), against_twin(rule, 3 * 4096 + 5);
    }
}

/* The tail of a vector and any number of threads give the bits of the whole. */
static void bits_do_not_depend_on_place(void **state)
{
    enum { N = 9000 };
    static float w[N], dw[N], s[N], t[N], w2[N], s2[N], t2[N];

    (void)state;
    for (int rule = 0; rule < RULES; rule++) {
        check_random(w, N, 1), check_random(dw, N, 2);
        memset(s, 0, sizeof s), memset(t, 0, sizeof t);
        memcpy(w2, w, sizeof w), memset(s2, 0, sizeof s), memset(t2, 0, sizeof t);
        for (long step = 1; step <= 3; step++) {
            kiln_threads_set(4);
            update(rule, w, dw, s, t, N, step);
            kiln_threads_set(1);
            for (int i = 0; i < N; i++) update(rule, w2 + i, dw + i, s2 + i, t2 + i, 1, step);
        }
        CHECK_SAME_BITS(w, w2, N);
        CHECK_SAME_BITS(s, s2, N);
        CHECK_SAME_BITS(t, t2, N);
    }
}

/* 1 - beta of rates near 1 has the digits of a float, not those that 1 - (float)beta leaves. */
static void one_minus_beta_keeps_its_digits(void **state)
{
    static const double rates[] = {0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const double beta = rates[i];
        float w = 0, dw = 0.75f, cache = 0, m = 0, v = 0;

        kiln_rmsprop(&w, &dw, &cache, 1, 1, beta, 0);
        CHECK_NEAR(cache, (1 - beta) * 0.5625, 1e-6 * (1 - beta) * 0.5625);
        CHECK_NEAR(w, -1 / sqrt(1 - beta), 1e-6 / sqrt(1 - beta));
        w = 0;
        kiln_adam(&w, &dw, &m, &v, 1, 1, beta, beta, 0, 1);
        CHECK_NEAR(m, (1 - beta) * 0.75, 1e-6 * (1 - beta) * 0.75);
        CHECK_NEAR(v, (1 - beta) * 0.5625, 1e-6 * (1 - beta) * 0.5625);
        CHECK_NEAR(w, -1, 1e-6); /* the corrections take both back */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(course_sgd_momentum),
        cmocka_unit_test(course_rmsprop),
        cmocka_unit_test(course_adam),
        cmocka_unit_test(every_rule_is_its_twin),
        cmocka_unit_test(one_minus_beta_keeps_its_digits),
        cmocka_unit_test(bits_do_not_depend_on_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
