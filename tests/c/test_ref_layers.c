/*
 * ref_layers: the backward pass of every double twin against numeric gradients of its forward pass,
 * so that the float layers may be checked against the twins.
 */
#include "conv_shapes.h"
#include "numeric.h"
#include "ref/ref_layers.h"

static const double SMOOTH = 1e-7, KINK = 1e-6; /* relative */

/* Whatever a forward pass reads. */
typedef struct {
    const double *x, *y, *w, *b;
    double *mean, *inv_std;
    const int *labels;
    int N, D, M, S, C, G;
    double a;
    kiln_conv_shape conv;
    kiln_pool_shape pool;
    void (*elementwise)(double *out, const double *x, int n);
} inputs;

/* ---- affine, elementwise --------------------------------------------------------------------- */

static void affine(double *out, const void *context)
{
    const inputs *c = context;

    ref_affine_forward(out, c->x, c->w, c->b, c->N, c->D, c->M);
}

static void affine_gradients(void **state)
{
    const int N = 3, D = 5, M = 4;
    double *x = random_doubles(15), *w = random_doubles(20), *b = random_doubles(4);
    double *dout = random_doubles(12), *dx = doubles(15), *dw = doubles(20), *db = doubles(4);
    const inputs c = {.x = x, .w = w, .b = b, .N = N, .D = D, .M = M};

    (void)state;
    ref_affine_backward(dx, dw, db, dout, x, w, N, D, M);
    CHECK_GRADIENT(dx, x, 15, affine, &c, dout, 12, SMOOTH);
    CHECK_GRADIENT(dw, w, 20, affine, &c, dout, 12, SMOOTH);
    CHECK_GRADIENT(db, b, 4, affine, &c, dout, 12, SMOOTH);
    numeric_done();
}

static void elementwise(double *out, const void *context)
{
    const inputs *c = context;

    c->elementwise(out, c->x, c->N);
}

static void leaky(double *out, const void *context)
{
    const inputs *c = context;

    ref_leaky_relu_forward(out, c->x, c->N, c->a);
}

/* Away from the kink at zero, where a difference quotient is not the derivative. */
static void push_from_zero(double *x, int n)
{
    for (int i = 0; i < n; i++)
        if (fabs(x[i]) < 1e-3) x[i] = 0.5;
}

static void activation_gradients(void **state)
{
    static const struct {
        void (*forward)(double *out, const double *x, int n);
        void (*backward)(double *dx, const double *dout, const double *x, int n);
    } pairs[] = {{ref_relu_forward, ref_relu_backward},
                 {ref_gelu_forward, ref_gelu_backward},
                 {ref_tanh_forward, ref_tanh_backward},
                 {ref_sigmoid_forward, ref_sigmoid_backward}};
    const int n = 40;
    double *x = random_doubles(40), *dout = random_doubles(40), *dx = doubles(40);
    inputs c = {.x = x, .N = n, .a = 0.2};

    (void)state;
    for (int i = 0; i < n; i++) x[i] *= 3;
    push_from_zero(x, n);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        c.elementwise = pairs[i].forward;
        pairs[i].backward(dx, dout, x, n);
        CHECK_GRADIENT(dx, x, 40, elementwise, &c, dout, 40, SMOOTH);
    }
    ref_leaky_relu_backward(dx, dout, x, n, 0.2);
    CHECK_GRADIENT(dx, x, 40, leaky, &c, dout, 40, SMOOTH);
    numeric_done();
}

static void dropout(double *out, const void *context)
{
    const inputs *c = context;

    ref_dropout(out, c->x, c->N, 0.4, (kiln_rng){1, KILN_RNG_USER, 0}, 8);
}

static void flatten(double *out, const void *context)
{
    const inputs *c = context;

    ref_flatten_forward(out, c->x, c->N, c->S, c->C);
}

static void residual(double *out, const void *context)
{
    const inputs *c = context;

    ref_residual_add(out, c->x, c->y, c->N);
}

static void linear_gradients(void **state)
{
    double *x = random_doubles(24), *y = random_doubles(24), *dout = random_doubles(24);
    double *dx = doubles(24);
    inputs c = {.x = x, .y = y, .N = 24};

    (void)state;
    ref_dropout(dx, dout, 24, 0.4, (kiln_rng){1, KILN_RNG_USER, 0}, 8);
    CHECK_GRADIENT(dx, x, 24, dropout, &c, dout, 24, SMOOTH);
    CHECK_GRADIENT(dout, x, 24, residual, &c, dout, 24, SMOOTH);
    CHECK_GRADIENT(dout, y, 24, residual, &c, dout, 24, SMOOTH);
    c = (inputs){.x = x, .N = 2, .S = 4, .C = 3};
    ref_flatten_backward(dx, dout, 2, 4, 3);
    CHECK_GRADIENT(dx, x, 24, flatten, &c, dout, 24, SMOOTH);
    numeric_done();
}

/* ---- convolution, pooling -------------------------------------------------------------------- */

static void conv(double *out, const void *context)
{
    const inputs *c = context;

    ref_conv2d_forward(out, c->x, c->w, c->b, &c->conv);
}

static void conv_gradients(void **state)
{
    const kiln_conv_shape shapes[] = {
        conv_shape(2, 3, 5, 4, 2, 3, 3, 1, 1),
        conv_shape(1, 2, 6, 7, 3, 2, 3, 2, 0),
        conv_shape(2, 1, 4, 4, 1, 1, 1, 3, 2),
        conv_shape_padded(1, 2, 4, 5, 2, 3, 5, 1, 1, 2),
    };

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        inputs c = {.conv = shapes[i]};
        const kiln_conv_shape *s = &c.conv;
        const size_t nx = (size_t)s->N * s->H * s->W * s->C,
                     nw = (size_t)s->F * s->C * s->HH * s->WW;
        const size_t nout = (size_t)s->N * s->OH * s->OW * s->F;
        double *x = random_doubles(nx), *w = random_doubles(nw), *b = random_doubles(s->F);
        double *dout = random_doubles(nout), *dx = doubles(nx), *dw = doubles(nw),
               *db = doubles(s->F);

        c.x = x, c.w = w, c.b = b;
        ref_conv2d_backward(dx, dw, db, dout, x, w, s);
        CHECK_GRADIENT(dx, x, nx, conv, &c, dout, nout, SMOOTH);
        CHECK_GRADIENT(dw, w, nw, conv, &c, dout, nout, SMOOTH);
        CHECK_GRADIENT(db, b, s->F, conv, &c, dout, nout, SMOOTH);
        numeric_done();
    }
}

static void maxpool(double *out, const void *context)
{
    const inputs *c = context;

    ref_maxpool_forward(out, c->x, &c->pool);
}

static void avgpool(double *out, const void *context)
{
    const inputs *c = context;

    ref_avgpool_forward(out, c->x, &c->pool);
}

static void pool_gradients(void **state)
{
    static const kiln_pool_shape shapes[] = {{2, 3, 4, 6, 2, 2, 2, 0, 0},
                                             {1, 2, 7, 5, 3, 2, 2, 0, 0},
                                             {1, 3, 5, 5, 2, 2, 3, 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        inputs c = {.pool = shapes[i]};
        kiln_pool_shape *s = &c.pool;

        s->OH = (s->H - s->HH) / s->stride + 1;
        s->OW = (s->W - s->WW) / s->stride + 1;

        const size_t nx = (size_t)s->N * s->H * s->W * s->C,
                     nout = (size_t)s->N * s->OH * s->OW * s->C;
        double *x = doubles(nx), *dout = random_doubles(nout), *dx = doubles(nx);

        for (size_t k = 0; k < nx; k++) x[k] = (double)(k * 37 % nx) / (double)nx; /* no ties */
        c.x = x;
        ref_maxpool_backward(dx, dout, x, s);
        CHECK_GRADIENT(dx, x, nx, maxpool, &c, dout, nout, SMOOTH);
        ref_avgpool_backward(dx, dout, s);
        CHECK_GRADIENT(dx, x, nx, avgpool, &c, dout, nout, SMOOTH);
        numeric_done();
    }
}

/* ---- normalisations -------------------------------------------------------------------------- */

static void batchnorm(double *out, const void *context)
{
    const inputs *c = context;

    ref_batchnorm_forward(out, c->mean, c->inv_std, c->x, c->w, c->b, c->N, c->D, 1e-5);
}

static void layernorm(double *out, const void *context)
{
    const inputs *c = context;

    ref_layernorm_forward(out, c->mean, c->inv_std, c->x, c->w, c->b, c->N, c->D, 1e-5);
}

static void groupnorm(double *out, const void *context)
{
    const inputs *c = context;

    ref_groupnorm_forward(out, c->mean, c->inv_std, c->x, c->w, c->b, c->N, c->S, c->C, c->G, 1e-5);
}

static void norm_gradients(void **state)
{
    enum { N = 4, S = 3, C = 6, G = 2, SIZE = N * S * C };
    double *x = random_doubles(SIZE), *gamma = random_doubles(S * C), *beta = random_doubles(S * C);
    double *dout = random_doubles(SIZE), *dx = doubles(SIZE), *dgamma = doubles(S * C);
    double *dbeta = doubles(S * C), *mean = doubles(SIZE), *inv_std = doubles(SIZE),
           *out = doubles(SIZE);
    inputs c = {
        .x = x, .w = gamma, .b = beta, .mean = mean, .inv_std = inv_std, .S = S, .C = C, .G = G};

    (void)state;
    c.N = N * S, c.D = C;
    batchnorm(out, &c);
    ref_batchnorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N * S, C);
    CHECK_GRADIENT(dx, x, SIZE, batchnorm, &c, dout, SIZE, SMOOTH);
    CHECK_GRADIENT(dgamma, gamma, C, batchnorm, &c, dout, SIZE, SMOOTH);
    CHECK_GRADIENT(dbeta, beta, C, batchnorm, &c, dout, SIZE, SMOOTH);
    c.N = N, c.D = S * C;
    layernorm(out, &c);
    ref_layernorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, S * C);
    CHECK_GRADIENT(dx, x, SIZE, layernorm, &c, dout, SIZE, SMOOTH);
    CHECK_GRADIENT(dgamma, gamma, S * C, layernorm, &c, dout, SIZE, SMOOTH);
    CHECK_GRADIENT(dbeta, beta, S * C, layernorm, &c, dout, SIZE, SMOOTH);
    groupnorm(out, &c);
    ref_groupnorm_backward(dx, dgamma, dbeta, dout, x, gamma, mean, inv_std, N, S, C, G);
    CHECK_GRADIENT(dx, x, SIZE, groupnorm, &c, dout, SIZE, SMOOTH);
    CHECK_GRADIENT(dgamma, gamma, C, groupnorm, &c, dout, SIZE, SMOOTH);
    CHECK_GRADIENT(dbeta, beta, C, groupnorm, &c, dout, SIZE, SMOOTH);
    numeric_done();
}

/* The test form is the training form with the statistics it is given. */
static void batchnorm_test_uses_what_it_is_given(void **state)
{
    double *x = random_doubles(30), *gamma = random_doubles(5), *beta = random_doubles(5);
    double *mean = doubles(5), *inv_std = doubles(5), *var = doubles(5);
    double *out = doubles(30), *test = doubles(30);

    (void)state;
    ref_batchnorm_forward(out, mean, inv_std, x, gamma, beta, 6, 5, 1e-5);
    for (int i = 0; i < 5; i++) var[i] = 1 / (inv_std[i] * inv_std[i]) - 1e-5;
    ref_batchnorm_test(test, x, gamma, beta, mean, var, 6, 5, 1e-5);
    for (int i = 0; i < 30; i++) CHECK_NEAR(test[i], out[i], 1e-12);
    numeric_done();
}

/* ---- losses ---------------------------------------------------------------------------------- */

static void softmax(double *out, const void *context)
{
    const inputs *c = context;

    *out = ref_softmax_loss(NULL, c->x, c->labels, c->N, c->C, c->a);
}

static void svm(double *out, const void *context)
{
    const inputs *c = context;

    *out = ref_svm_loss(NULL, c->x, c->labels, c->N, c->C);
}

static void loss_gradients(void **state)
{
    static const int labels[] = {0, 3, 2, 2, 1};
    double *x = random_doubles(20), *dx = doubles(20);
    inputs c = {.x = x, .labels = labels, .N = 5, .C = 4};

    (void)state;
    for (c.a = 0; c.a < 0.5; c.a += 0.2) {
        ref_softmax_loss(dx, x, labels, 5, 4, c.a);
        CHECK_GRADIENT(dx, x, 20, softmax, &c, NULL, 1, SMOOTH);
    }
    ref_svm_loss(dx, x, labels, 5, 4);
    CHECK_GRADIENT(dx, x, 20, svm, &c, NULL, 1, KINK);
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(affine_gradients), cmocka_unit_test(activation_gradients),
        cmocka_unit_test(linear_gradients), cmocka_unit_test(conv_gradients),
        cmocka_unit_test(pool_gradients),   cmocka_unit_test(norm_gradients),
        cmocka_unit_test(loss_gradients),   cmocka_unit_test(batchnorm_test_uses_what_it_is_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
