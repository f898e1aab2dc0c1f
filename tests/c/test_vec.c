/* kernels/vec: elementary functions in ulp against libm's double, tails, and the order of
 * reductions. */
#include <float.h>

#include "check.h"
#include "kernels/vec.h"
#include "kernels/vec_math.h"

/* ---- elementary functions -------------------------------------------------------------------- */

/* Distance of y to the true value in units of the last place of the true value, rounded to float.
 * */
static double ulps(float y, double truth)
{
    const float rounded = (float)truth;
    int exponent;

    if (isinf(rounded) || isinf(y)) return y == rounded ? 0 : 1e9;
    frexp(fabs(truth) < FLT_MIN ? FLT_MIN : truth, &exponent);
    return fabs(y - truth) / ldexp(1.0, exponent - FLT_MANT_DIG);
}

typedef void array_function(float *out, const float *x, int n);

#define ARRAY_FUNCTION(name)                                                          \
    static void array_##name(float *out, const float *x, int n)                       \
    {                                                                                 \
        int i = 0;                                                                    \
        for (; i + KILN_LANES <= n; i += KILN_LANES)                                  \
            vf_store(out + i, vf_##name(vf_load(x + i)));                             \
        if (i < n)                                                                    \
            vf_store_part(out + i, vf_##name(vf_load_part(x + i, n - i, 1.0f)), n - i); \
    }
ARRAY_FUNCTION(exp)
ARRAY_FUNCTION(log)
ARRAY_FUNCTION(tanh)
ARRAY_FUNCTION(erf)
ARRAY_FUNCTION(sigmoid)

/* Every 1021st float of either sign: all exponents, mantissas of all kinds. */
static void scan(array_function *ours, double (*truth)(double), double bound, const char *what)
{
    enum { BLOCK = 1024, STEP = 1021 };
    float x[BLOCK], y[BLOCK], worst_at = 0;
    double worst = 0;
    uint64_t bits = 0;

    while (bits <= UINT32_MAX) {
        for (int i = 0; i < BLOCK; i++, bits += STEP) {
            const uint32_t word = (uint32_t)bits;

            memcpy(x + i, &word, sizeof word);
        }
        ours(y, x, BLOCK);
        for (int i = 0; i < BLOCK; i++) {
            const double t = truth(x[i]);

            if (isnan(t) != isnan(y[i]))
                CHECK_FAIL("%s(%a) is %a, not %a", what, (double)x[i], (double)y[i], t);
            if (!isnan(t) && ulps(y[i], t) > worst) {
                worst = ulps(y[i], t);
                worst_at = x[i];
            }
        }
    }
    print_message("%s: worst error %.3f ulp, at %a\n", what, worst, (double)worst_at);
    if (worst > bound) CHECK_FAIL("%s(%a) is %.2f ulp off", what, (double)worst_at, worst);
}

static double true_sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

static void functions_are_accurate(void **state)
{
    (void)state;
    scan(array_exp, exp, 1, "exp");
    scan(array_log, log, 1, "log");
    scan(array_tanh, tanh, 2, "tanh");
    scan(array_erf, erf, 2, "erf");
    scan(array_sigmoid, true_sigmoid, 3, "sigmoid");
}

static float one(array_function *function, float x)
{
    float y;

    function(&y, &x, 1);
    return y;
}

static void functions_at_the_ends(void **state)
{
    (void)state;
    CHECK(one(array_exp, 0) == 1 && one(array_exp, -0.0f) == 1);
    CHECK(one(array_exp, 88.72f) < INFINITY && one(array_exp, 88.73f) == INFINITY);
    CHECK(one(array_exp, -103.97f) == 0x1p-149f && one(array_exp, -103.98f) == 0);
    CHECK(one(array_exp, INFINITY) == INFINITY && one(array_exp, -INFINITY) == 0);
    CHECK(one(array_log, 1) == 0 && one(array_log, 0) == -INFINITY);
    CHECK(one(array_log, INFINITY) == INFINITY && isnan(one(array_log, -1)));
    CHECK(one(array_tanh, 20) == 1 && one(array_tanh, -INFINITY) == -1);
    CHECK(one(array_erf, 4) == 1 && one(array_erf, -INFINITY) == -1);
    CHECK(signbit(one(array_tanh, -0.0f)) && signbit(one(array_erf, -0.0f)));
    CHECK(one(array_sigmoid, 0) == 0.5f && one(array_sigmoid, 100) == 1);
    CHECK(one(array_sigmoid, -100) > 0 && one(array_sigmoid, -INFINITY) == 0);
}

static void a_tail_has_the_bits_of_a_full_lane(void **state)
{
    static array_function *const all[] = {array_exp, array_log, array_tanh, array_erf,
                                          array_sigmoid};
    enum { N = 67 };
    float x[N], whole[N + 16] = {0}, padded[N + 16] = {0};

    (void)state;
    check_random(x, N, 1);
    for (int i = 0; i < N; i++) x[i] = 4 * x[i] + 4;
    memcpy(padded, x, sizeof x);
    for (size_t f = 0; f < sizeof all / sizeof *all; f++) {
        all[f](whole, padded, N + 13);
        for (int n = 1; n <= N; n++) {
            float *out = check_floats_at((size_t)n, (size_t)n % 7);

            memcpy(out, x, (size_t)n * sizeof *x);
            all[f](out, out, n); /* in place */
            CHECK_SAME_BITS(out, whole, (size_t)n);
            check_free(out);
        }
    }
}

/* ---- arithmetic and reductions --------------------------------------------------------------- */

static void elementwise_is_exact(void **state)
{
    (void)state;
    for (int n = 0; n <= 70; n++) {
        float *x = check_floats_at((size_t)n, 1), *y = check_floats_at((size_t)n, 3);
        float *out = check_floats_at((size_t)n, 2);

        check_random(x, (size_t)n, 1);
        check_random(y, (size_t)n, 2);
        kiln_vec_add(out, x, y, n);
        for (int i = 0; i < n; i++) CHECK_NEAR(out[i], x[i] + y[i], 0);
        kiln_vec_mul(out, x, y, n);
        for (int i = 0; i < n; i++) CHECK_NEAR(out[i], x[i] * y[i], 0);
        kiln_vec_scale(out, x, n, 0.3f);
        for (int i = 0; i < n; i++) CHECK_NEAR(out[i], 0.3f * x[i], 0);
        kiln_vec_copy(out, y, n);
        kiln_vec_axpy(out, x, n, 0.7f);
        for (int i = 0; i < n; i++) CHECK_NEAR(out[i], sf_madd(0.7f, x[i], y[i]), 0);
        kiln_vec_fill(out, n, 2.5f);
        for (int i = 0; i < n; i++) CHECK_NEAR(out[i], 2.5f, 0);
        check_free(x);
        check_free(y);
        check_free(out);
    }
}

/* The order in words: element i into partial sum i mod 16, then halves. */
static float fold(float partial[16])
{
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) partial[i] += partial[i + half];
    return partial[0];
}

static void reductions_have_their_order(void **state)
{
    (void)state;
    for (int n = 0; n <= 300; n += n < 70 ? 1 : 23) {
        float *x = check_floats_at((size_t)n, 1), *y = check_floats_at((size_t)n, 2);
        float sum[16] = {0}, dot[16] = {0}, most = -INFINITY;
        double squares = 0;

        check_random(x, (size_t)n, 1);
        check_random(y, (size_t)n, 2);
        for (int i = 0; i < n; i++) {
            sum[i % 16] += x[i];
            dot[i % 16] = sf_madd(x[i], y[i], dot[i % 16]);
            squares += (double)x[i] * x[i];
            if (x[i] > most) most = x[i];
        }
        CHECK_NEAR(kiln_vec_sum(x, n), fold(sum), 0);
        CHECK_NEAR(kiln_vec_dot(x, y, n), fold(dot), 0);
        CHECK_NEAR(kiln_vec_sum_squares(x, n), squares, (n + 4) * FLT_EPSILON * squares);
        if (n > 0) CHECK_NEAR(kiln_vec_max(x, n), most, 0);
        check_free(x);
        check_free(y);
    }
}

static void sum_squares_over_blocks(void **state)
{
    const int n = 3 * 4096 + 17;
    float *x = check_floats((size_t)n);
    double squares = 0;

    (void)state;
    check_random(x, (size_t)n, 1);
    for (int i = 0; i < n; i++) squares += (double)x[i] * x[i];
    CHECK_NEAR(kiln_vec_sum_squares(x, n), squares, 260 * FLT_EPSILON * squares);
    CHECK_NEAR(kiln_vec_sum_squares(x, n),
               ((double)kiln_vec_dot(x, x, 4096) + (double)kiln_vec_dot(x + 4096, x + 4096, 4096)) +
                   (double)kiln_vec_dot(x + 8192, x + 8192, 4096) +
                   (double)kiln_vec_dot(x + 12288, x + 12288, 17),
               0);
    check_free(x);
}

static void finite_sees_every_place(void **state)
{
    static const float bad[] = {INFINITY, -INFINITY, NAN};

    (void)state;
    for (int n = 1; n <= 40; n++) {
        float *x = check_floats((size_t)n);

        check_random(x, (size_t)n, 1);
        x[0] = FLT_MAX;
        CHECK(kiln_vec_all_finite(x, n) == 1);
        for (int i = 0; i < n; i++) {
            const float keep = x[i];

            x[i] = bad[i % 3];
            CHECK(kiln_vec_all_finite(x, n) == 0);
            x[i] = keep;
        }
        check_free(x);
    }
    CHECK(kiln_vec_all_finite(NULL, 0) == 1);
}

static void column_sums_in_blocks_of_64_rows(void **state)
{
    static const int rows[] = {1, 2, 63, 64, 65, 200}, columns[] = {1, 3, 4, 7, 8, 16, 17, 35};

    (void)state;
    for (size_t a = 0; a < sizeof rows / sizeof *rows; a++)
        for (size_t b = 0; b < sizeof columns / sizeof *columns; b++) {
            const int R = rows[a], C = columns[b];
            float *x = check_floats_at((size_t)(R * C), 1), *out = check_floats((size_t)C);

            check_random(x, (size_t)(R * C), 3);
            kiln_vec_column_sums(out, x, R, C);
            for (int c = 0; c < C; c++) {
                float total = 0, block = 0;

                for (int r = 0; r < R; r++) {
                    block += x[r * C + c];
                    if (r % 64 == 63 || r == R - 1) {
                        total += block;
                        block = 0;
                    }
                }
                CHECK_NEAR(out[c], total, 0);
            }
            check_free(x);
            check_free(out);
        }
}

static void layouts_go_there_and_back(void **state)
{
    static const int shapes[][3] = {{1, 1, 1}, {2, 3, 5}, {3, 33, 65}, {1, 3, 1024}, {2, 64, 7}};

    (void)state;
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const int N = shapes[k][0], C = shapes[k][1], S = shapes[k][2];
        const size_t n = (size_t)N * C * S;
        float *x = check_floats(n), *out = check_floats(n), *back = check_floats(n);

        check_random(x, n, 1);
        kiln_vec_nchw_to_nhwc(out, x, N, C, S);
        for (size_t i = 0; i < n; i++) {
            const size_t s = i % S, c = i / S % C, image = i / S / C;

            CHECK_NEAR(out[(image * S + s) * C + c], x[i], 0);
        }
        kiln_vec_nhwc_to_nchw(back, out, N, C, S);
        CHECK_SAME_BITS(back, x, n);
        check_free(x);
        check_free(out);
        check_free(back);
    }
}

/* Every tail of the squares and of the four by four, rows apart; nothing beside is written. */
static void transposes(void **state)
{
    (void)state;
    for (int R = 1; R <= 37; R += R < 9 ? 1 : 7)
        for (int C = 1; C <= 37; C += C < 9 ? 1 : 7) {
            const size_t x_step = (size_t)C + 3, out_step = (size_t)R + 2;
            float *x = check_floats((size_t)R * x_step);
            float *out = check_floats((size_t)C * out_step);

            check_random(x, (size_t)R * x_step, 1);
            for (size_t i = 0; i < (size_t)C * out_step; i++) out[i] = -7;
            kiln_vec_transpose(out, out_step, x, x_step, R, C);
            for (int c = 0; c < C; c++)
                for (size_t r = 0; r < out_step; r++)
                    CHECK(out[c * out_step + r] == (r < (size_t)R ? x[r * x_step + c] : -7));
            check_free(x);
            check_free(out);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_are_accurate),
        cmocka_unit_test(functions_at_the_ends),
        cmocka_unit_test(a_tail_has_the_bits_of_a_full_lane),
        cmocka_unit_test(elementwise_is_exact),
        cmocka_unit_test(reductions_have_their_order),
        cmocka_unit_test(sum_squares_over_blocks),
        cmocka_unit_test(finite_sees_every_place),
        cmocka_unit_test(column_sums_in_blocks_of_64_rows),
        cmocka_unit_test(layouts_go_there_and_back),
        cmocka_unit_test(transposes),
    };
    return cmocka_run_group_tests_name("vec", tests, NULL, NULL);
}
