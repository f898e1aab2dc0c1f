/* affine: the course's numbers, and every tail against the double twin. */
#include "base/threads.h"
#include "layers/layers.h"
#include "numeric.h"
#include "ref/ref_layers.h"

/* cs231n assignment 2, FullyConnectedNets: x (2, 4·5·6), w (120, 3), all from linspace. */
static void course_numbers(void **state)
{
    static const float expected[] = {1.49834967f, 1.70660132f, 1.91485297f,
                                     3.25553199f, 3.5141327f,  3.77273342f};
    const int N = 2, D = 120, M = 3;
    float *x = blank(240), *w = blank(360), *b = blank(3), *out = blank(6);
    float *work = blank(kiln_affine_work(N, D, M));

    (void)state;
    for (int i = 0; i < 240; i++) x[i] = (float)(-0.1 + 0.6 * i / 239);
    for (int i = 0; i < 360; i++) w[i] = (float)(-0.2 + 0.5 * i / 359);
    for (int i = 0; i < 3; i++) b[i] = (float)(-0.3 + 0.4 * i / 2);
    kiln_affine_forward(out, x, w, b, N, D, M, 0, work);
    for (int i = 0; i < 6; i++) CHECK_NEAR(out[i], expected[i], 1e-6 * expected[i]);
    numeric_done();
}

static void check_shape(int N, int D, int M, size_t offset)
{
    const size_t nx = (size_t)N * D, nw = (size_t)D * M, nout = (size_t)N * M;
    float *x = randoms_at(nx, offset), *w = randoms_at(nw, offset), *b = randoms_at(M, offset);
    float *dout = randoms_at(nout, offset), *out = blank_at(nout, offset);
    float *dx = blank_at(nx, offset), *dw = blank_at(nw, offset), *db = blank_at(M, offset);
    float *rectified = blank_at(nout, offset), *work = blank(kiln_affine_work(N, D, M));
    double *ref = doubles(nout), *mag = doubles(nout);
    double *rdx = doubles(nx), *rdw = doubles(nw), *rdb = doubles(M);
    double *mdx = doubles(nx), *mdw = doubles(nw), *mdb = doubles(M);

    ref_affine_forward(ref, widened(x, nx), widened(w, nw), widened(b, M), N, D, M);
    ref_affine_forward(mag, magnitudes(x, nx), magnitudes(w, nw), magnitudes(b, M), N, D, M);
    kiln_affine_forward(out, x, w, b, N, D, M, 0, work);
    CHECK_SUMS(out, ref, mag, nout, D + 1);
    kiln_affine_forward(rectified, x, w, b, N, D, M, 1, work);
    for (size_t i = 0; i < nout; i++) CHECK(rectified[i] == (out[i] > 0 ? out[i] : 0));

    ref_affine_backward(rdx, rdw, rdb, widened(dout, nout), widened(x, nx), widened(w, nw), N, D,
                        M);
    ref_affine_backward(mdx, mdw, mdb, magnitudes(dout, nout), magnitudes(x, nx), magnitudes(w, nw),
                        N, D, M);
    kiln_affine_backward(dx, dw, db, dout, x, w, N, D, M, work);
    CHECK_SUMS(dx, rdx, mdx, nx, M);
    CHECK_SUMS(dw, rdw, mdw, nw, N);
    CHECK_SUMS(db, rdb, mdb, M, N);
    kiln_affine_backward(NULL, dw, db, dout, x, w, N, D, M, work); /* the first layer needs no dx */
    CHECK_SUMS(dw, rdw, mdw, nw, N);

    /* without a bias, plain and through a relu */
    ref_affine_forward(ref, widened(x, nx), widened(w, nw), NULL, N, D, M);
    kiln_affine_forward(out, x, w, NULL, N, D, M, 0, work);
    CHECK_SUMS(out, ref, mag, nout, D);
    kiln_affine_forward(rectified, x, w, NULL, N, D, M, 1, work);
    for (size_t i = 0; i < nout; i++) CHECK(rectified[i] == (out[i] > 0 ? out[i] : 0));
    kiln_affine_backward(dx, dw, NULL, dout, x, w, N, D, M, work);
    CHECK_SUMS(dw, rdw, mdw, nw, N);
    numeric_done();
}

static void matches_twin(void **state)
{
    (void)state;
    for (int M = 1; M <= 17; M++) check_shape(3, 20 + M, M, 0);
    for (int D = 1; D <= 17; D++) check_shape(D % 4 + 1, D, 10, 1);
    for (int N = 1; N <= 17; N++) check_shape(N, 33, 5, 3);
    check_shape(65, 300, 100, 0);
    check_shape(1, 1, 1, 0);
}

static void same_bits_for_any_threads(void **state)
{
    const int N = 50, D = 130, M = 70;
    float *x = randoms(6500), *w = randoms(9100), *b = randoms(70), *dout = randoms(3500);
    float *out[2], *dx[2], *dw[2], *db[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        kiln_threads_set(i ? 3 : 1);
        out[i] = blank(3500), dx[i] = blank(6500), dw[i] = blank(9100), db[i] = blank(70);

        float *work = blank(kiln_affine_work(N, D, M));

        kiln_affine_forward(out[i], x, w, b, N, D, M, 0, work);
        kiln_affine_backward(dx[i], dw[i], db[i], dout, x, w, N, D, M, work);
    }
    kiln_threads_set(1);
    CHECK_SAME_BITS(out[0], out[1], 3500);
    CHECK_SAME_BITS(dx[0], dx[1], 6500);
    CHECK_SAME_BITS(dw[0], dw[1], 9100);
    CHECK_SAME_BITS(db[0], db[1], 70);
    numeric_done();
}

static void relu_keeps_nan(void **state)
{
    float x[2] = {NAN, 1}, w[2] = {1, 1}, b[1] = {0}, out[1];
    float *work = blank(kiln_affine_work(1, 2, 1));

    (void)state;
    kiln_affine_forward(out, x, w, b, 1, 2, 1, 1, work);
    CHECK(isnan(out[0]));
    numeric_done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(course_numbers),
        cmocka_unit_test(matches_twin),
        cmocka_unit_test(same_bits_for_any_threads),
        cmocka_unit_test(relu_keeps_nan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
