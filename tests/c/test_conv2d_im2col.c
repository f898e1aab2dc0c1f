/* conv2d_im2col: the course's numbers, every shape against the double twin (in the other layout),
 * AlexNet's size. */
#include "layers/layers.h"
#include "conv_shapes.h"
#include "numeric.h"
#include "ref/ref_layers.h"

/* A twin's argument: (N, C, S) planes, widened, channels last. */
static double *last(const float *x, int N, int C, int S, int magnitude)
{
    double *out = doubles((size_t)N * C * S);

    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) {
                const double v = x[(n * C + c) * S + s];

                out[(n * S + s) * C + c] = magnitude ? fabs(v) : v;
            }
    return out;
}

/* And its result back: channels last to planes first. */
static double *first(const double *x, int N, int C, int S)
{
    double *out = doubles((size_t)N * C * S);

    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int s = 0; s < S; s++) out[(n * C + c) * S + s] = x[(n * S + s) * C + c];
    return out;
}

static void check_shape(kiln_conv_shape s, size_t offset)
{
    const int S = s.H * s.W, P = s.OH * s.OW;
    const size_t nx = (size_t)s.N * s.C * S, nw = (size_t)s.F * s.C * s.HH * s.WW;
    const size_t nout = (size_t)s.N * s.F * P;
    float *x = randoms_at(nx, offset), *w = randoms_at(nw, offset), *b = randoms_at(s.F, offset);
    float *dout = randoms_at(nout, offset), *out = blank_at(nout, offset),
          *dx = blank_at(nx, offset);
    float *dw = blank_at(nw, offset), *db = blank_at(s.F, offset);
    float *work = blank(kiln_conv2d_im2col_work(&s));
    double *ref[2], *rdx[2], *rdw[2], *rdb[2]; /* results, and the sums of their terms' sizes */

    for (int m = 0; m < 2; m++) {
        ref[m] = doubles(nout), rdx[m] = doubles(nx), rdw[m] = doubles(nw), rdb[m] = doubles(s.F);

        const double *xs = last(x, s.N, s.C, S, m), *douts = last(dout, s.N, s.F, P, m);
        const double *ws = m ? magnitudes(w, nw) : widened(w, nw);

        ref_conv2d_forward(ref[m], xs, ws, m ? magnitudes(b, s.F) : widened(b, s.F), &s);
        ref_conv2d_backward(rdx[m], rdw[m], rdb[m], douts, xs, ws, &s);
    }
    kiln_conv2d_im2col_forward(out, x, w, b, &s, work);
    kiln_conv2d_im2col_backward(dx, dw, db, dout, x, w, &s, work);
    CHECK_SUMS(out, first(ref[0], s.N, s.F, P), first(ref[1], s.N, s.F, P), nout,
               s.C * s.HH * s.WW + 1);
    CHECK_SUMS(dx, first(rdx[0], s.N, s.C, S), first(rdx[1], s.N, s.C, S), nx, s.F * s.HH * s.WW);
    CHECK_SUMS(dw, rdw[0], rdw[1], nw, s.N * P);
    CHECK_SUMS(db, rdb[0], rdb[1], s.F, s.N * P);
    kiln_conv2d_im2col_backward(NULL, dw, db, dout, x, w, &s, work);
    CHECK_SUMS(dw, rdw[0], rdw[1], nw, s.N * P);
    numeric_done();
}

static void matches_twin(void **state)
{
    (void)state;
    for (int C = 1; C <= 9; C++)
        check_shape(conv_shape(2, C, 6, 5, 10 - C, 3, 3, 1, 1), C % 4);
    for (int HH = 1; HH <= 4; HH++)
        for (int WW = 1; WW <= 5; WW += 2)
            for (int stride = 1; stride <= 3; stride++)
                for (int pad = 0; pad <= 3; pad++)
                    check_shape(conv_shape(2, 3, 7, 6, 4, HH, WW, stride, pad), 0);
    check_shape(conv_shape_padded(2, 3, 7, 6, 4, 3, 5, 1, 1, 2), 0);
    check_shape(conv_shape_padded(2, 3, 7, 6, 4, 4, 2, 2, 3, 0), 0);
}

/* cs231n assignment 2, ConvolutionalNetworks: x (2, 3, 4, 4), w (3, 3, 4, 4), stride 2, pad 1. */
static void course_numbers(void **state)
{
    static const double expected[] = {-0.08759809, -0.10987781, -0.18387192, -0.2109216,
                                      0.21027089,  0.21661097,  0.22847626,  0.23004637,
                                      0.50813986,  0.54309974,  0.64082444,  0.67101435,
                                      -0.98053589, -1.03143541, -1.19128892, -1.24695841,
                                      0.69108355,  0.66880383,  0.59480972,  0.56776003,
                                      2.36270298,  2.36904306,  2.38090835,  2.38247847};
    kiln_conv_shape s = conv_shape(2, 3, 4, 4, 3, 4, 4, 2, 1);
    float x[96], w[144], b[3] = {-0.1f, 0.05f, 0.2f}, out[24];

    (void)state;
    CHECK(s.OH == 2 && s.OW == 2);
    for (int i = 0; i < 96; i++) x[i] = (float)(-0.1 + 0.6 * i / 95);
    for (int i = 0; i < 144; i++) w[i] = (float)(-0.2 + 0.5 * i / 143);
    kiln_conv2d_im2col_forward(out, x, w, b, &s, blank(kiln_conv2d_im2col_work(&s)));
    for (int i = 0; i < 24; i++) CHECK_NEAR(out[i], expected[i], 1e-6);
    numeric_done();
}

/* cs231n notes: AlexNet's first layer, 227x227x3, 11x11, stride 4: 55x55 outputs, a 363 x 3025
 * matrix. */
static void alexnet_first_layer(void **state)
{
    kiln_conv_shape s = conv_shape(1, 3, 227, 227, 96, 11, 11, 4, 0);

    (void)state;
    CHECK(s.OH == 55 && s.OW == 55);
    CHECK(s.C * s.HH * s.WW == 363 && s.OH * s.OW == 3025);
    CHECK(kiln_conv2d_im2col_work(&s) >= 363 * 3025);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(course_numbers),
        cmocka_unit_test(alexnet_first_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
