/* activation: every tail and piece border against the double twins, in place, NaN passed on. */
#include "kernels/vec_math.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static const float SLOPE = 0.2f;

static void leaky_forward(float *out, const float *x, int n)
{
    kiln_leaky_relu_forward(out, x, n, SLOPE);
}

static void leaky_backward(float *dx, const float *dout, const float *x, int n)
{
    kiln_leaky_relu_backward(dx, dout, x, n, SLOPE);
}

static void ref_leaky_forward(double *out, const double *x, int n)
{
    ref_leaky_relu_forward(out, x, n, SLOPE);
}

static void ref_leaky_backward(double *dx, const double *dout, const double *x, int n)
{
    ref_leaky_relu_backward(dx, dout, x, n, SLOPE);
}

static void silu_forward(double *out, const double *x, int n)
{
    for (int i = 0; i < n; i++) out[i] = x[i] / (1 + exp(-x[i]));
}

static void silu_backward(double *dx, const double *dout, const double *x, int n)
{
    for (int i = 0; i < n; i++) {
        const double s = 1 / (1 + exp(-x[i]));

        dx[i] = dout[i] * (s + x[i] * s * (1 - s));
    }
}

static const struct {
    void (*forward)(float *out, const float *x, int n);
    void (*backward)(float *dx, const float *dout, const float *x_or_out, int n);
    void (*ref_forward)(double *out, const double *x, int n);
    void (*ref_backward)(double *dx, const double *dout, const double *x, int n);
    int from_out; /* backward takes out, not x */
    double ulps;  /* allowed error, in units of FLT_EPSILON · max(|x|, 1) */
} layers[] = {
    {kiln_relu_forward, kiln_relu_backward, ref_relu_forward, ref_relu_backward, 1, 0},
    {leaky_forward, leaky_backward, ref_leaky_forward, ref_leaky_backward, 0, 0.5},
    {kiln_gelu_forward, kiln_gelu_backward, ref_gelu_forward, ref_gelu_backward, 0, 3},
    {kiln_tanh_forward, kiln_tanh_backward, ref_tanh_forward, ref_tanh_backward, 1, 3},
    {kiln_sigmoid_forward, kiln_sigmoid_backward, ref_sigmoid_forward, ref_sigmoid_backward, 1, 3},
    {kiln_silu_forward, kiln_silu_backward, silu_forward, silu_backward, 0, 3},
};
enum { LAYERS = sizeof layers / sizeof *layers };

static void check_layer(int layer, int n, size_t offset)
{
    float *x = randoms_at(n, offset), *dout = randoms_at(n, offset);
    float *out = blank_at(n, offset), *dx = blank_at(n, offset);
    double *ref = doubles(n), *rdx = doubles(n);

    for (int i = 0; i < n; i++) x[i] *= 9;
    if (n > 3) x[2] = 0, x[3] = -0.0f;
    layers[layer].ref_forward(ref, widened(x, n), n);
    layers[layer].ref_backward(rdx, widened(dout, n), widened(x, n), n);
    layers[layer].forward(out, x, n);
    layers[layer].backward(dx, dout, layers[layer].from_out ? out : x, n);
    for (int i = 0; i < n; i++) {
        const double bound = layers[layer].ulps * FLT_EPSILON * fmax(fabs((double)x[i]), 1);

        CHECK_NEAR(out[i], ref[i], bound);
        CHECK_NEAR(dx[i], rdx[i], bound);
    }
    layers[layer].backward(dout, dout, layers[layer].from_out ? out : x, n); /* in place */
    CHECK_SAME_BITS(dout, dx, n);
    layers[layer].forward(x, x, n);
    CHECK_SAME_BITS(x, out, n);
    numeric_done();
}

static void matches_twin(void **state)
{
    (void)state;
    for (int layer = 0; layer < LAYERS; layer++) {
        for (int n = 1; n <= 67; n++) check_layer(layer, n, n % 4);
        for (int n = 16383; n <= 16400; n += 16) check_layer(layer, n, 0); /* pieces of 16384 */
        check_layer(layer, 2 * 16384 + 5, 1);
    }
}

/* A NaN comes out of every forward pass, and relu passes dout where its own output is NaN. */
static void nan_is_passed_on(void **state)
{
    (void)state;
    for (int layer = 0; layer < LAYERS; layer++)
        for (int at = 0; at < 19; at++) {
            float x[19] = {0}, dout[19], out[19], dx[19];

            for (int i = 0; i < 19; i++) dout[i] = 1;
            x[at] = NAN;
            layers[layer].forward(out, x, 19);
            layers[layer].backward(dx, dout, layers[layer].from_out ? out : x, 19);
            for (int i = 0; i < 19; i++) CHECK(isnan(out[i]) == (i == at));
            CHECK(isnan(dx[at]) || dx[at] == 1);
            dout[at] = NAN;
            x[at] = 1;
            layers[layer].forward(out, x, 19);
            layers[layer].backward(dx, dout, layers[layer].from_out ? out : x, 19);
            CHECK(isnan(dx[at]));
        }
}

/* The stages of gelu against its formula, value by value: floats of every exponent, so denormal
 * densities and infinities as well. */
static void gelu_has_the_bits_of_its_formula(void **state)
{
    enum { N = 512 };
    float x[N], dout[N], out[N], dx[N], twin[N], dtwin[N];

    (void)state;
    for (uint32_t first = 0; first < 1u << 16; first += N) {
        for (uint32_t i = 0; i < N; i++) {
            const uint32_t bits = (first + i) * 65536u + 40503u * i % 65536u;

            memcpy(&x[i], &bits, sizeof x[i]);
            dout[i] = 0.37f * (float)(i % 13) - 1.5f;
        }
        kiln_gelu_forward(out, x, N);
        kiln_gelu_backward(dx, dout, x, N);
        for (int i = 0; i < N; i += KILN_LANES) {
            const vf v = vf_load(x + i), cdf = 0.5f + 0.5f * vf_erf(v * 0.70710678f);
            const vf density = 0.39894228f * vf_exp(v * v * -0.5f);

            vf_store(twin + i, v * cdf);
            vf_store(dtwin + i, vf_load(dout + i) * (cdf + v * density));
        }
        for (int i = 0; i < N; i++) {
            if (isnan(x[i])) {
                CHECK(isnan(out[i]) && isnan(dx[i]));
                continue;
            }
            CHECK(isnan(dx[i]) == isnan(dtwin[i]));
            CHECK(memcmp(&out[i], &twin[i], sizeof out[i]) == 0);
            CHECK(isnan(dx[i]) || memcmp(&dx[i], &dtwin[i], sizeof dx[i]) == 0);
        }
    }
}

/* Far from zero the curves are flat, not overflown. */
static void saturates(void **state)
{
    const float x[4] = {-1e30f, -200, 200, 1e30f};
    float out[4];

    (void)state;
    kiln_sigmoid_forward(out, x, 4);
    CHECK(out[0] == 0 && out[1] == 0 && out[2] == 1 && out[3] == 1);
    kiln_tanh_forward(out, x, 4);
    CHECK(out[0] == -1 && out[1] == -1 && out[2] == 1 && out[3] == 1);
    kiln_gelu_forward(out, x, 4);
    CHECK(out[0] == 0 && out[1] == 0 && out[2] == 200 && out[3] == 1e30f);
    kiln_gelu_backward(out, (const float[]){1, 1, 1, 1}, x, 4);
    CHECK(out[0] == 0 && out[1] == 0 && out[2] == 1 && out[3] == 1);
    kiln_silu_forward(out, x, 4);
    CHECK(out[0] == 0 && out[1] == 0 && out[2] == 200 && out[3] == 1e30f);
    kiln_silu_backward(out, (const float[]){1, 1, 1, 1}, x, 4);
    CHECK(out[0] == 0 && out[1] == 0 && out[2] == 1 && out[3] == 1);
}

/* cs231n assignment 2, FullyConnectedNets: relu of linspace(-0.5, 0.5, 12). */
static void course_numbers(void **state)
{
    static const double expected[] = {0,          0,          0,          0,
                                      0,          0,          0.04545455, 0.13636364,
                                      0.22727273, 0.31818182, 0.40909091, 0.5};
    float x[12];

    (void)state;
    for (int i = 0; i < 12; i++) x[i] = (float)(-0.5 + i / 11.0);
    kiln_relu_forward(x, x, 12);
    for (int i = 0; i < 12; i++) CHECK_NEAR(x[i], expected[i], 5e-8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(nan_is_passed_on),
        cmocka_unit_test(gelu_has_the_bits_of_its_formula),
        cmocka_unit_test(saturates),
        cmocka_unit_test(course_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
