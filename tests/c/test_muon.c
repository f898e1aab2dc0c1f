/* Muon against naive loops in double, for wide and tall matrices; what it does to singular values;
 * the same bits for any number of threads. */
#include "base/status.h"
#include "base/threads.h"
#include "runs.h"
#include "train/rules.h"

#define NET "net=conv 3x3x6 - relu - maxpool 4 - affine 20 - relu - affine 10 - softmax\n" \
            "batch=20\noptimizer=muon\nschedule=constant\nlr=0.02\nmomentum=0.8\n"

/* x = 3.4445 x + (-4.7750 A + 2.0315 A²) x with A = x xᵀ, x (R, C). */
static void ref_round(double *x, int R, int C)
{
    double *a = calloc((size_t)R * R, sizeof *a), *b = calloc((size_t)R * R, sizeof *b);
    double *y = calloc((size_t)R * C, sizeof *y);

    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++)
            for (int k = 0; k < C; k++) a[i * R + j] += x[i * C + k] * x[j * C + k];
    for (int i = 0; i < R; i++)
        for (int j = 0; j < R; j++) {
            b[i * R + j] = -4.7750 * a[i * R + j];
            for (int k = 0; k < R; k++) b[i * R + j] += 2.0315 * a[i * R + k] * a[k * R + j];
        }
    for (int i = 0; i < R; i++)
        for (int j = 0; j < C; j++) {
            y[i * C + j] = 3.4445 * x[i * C + j];
            for (int k = 0; k < R; k++) y[i * C + j] += b[i * R + k] * x[k * C + j];
        }
    memcpy(x, y, (size_t)R * C * sizeof *x);
    free(a), free(b), free(y);
}

/* The step of one weight matrix (rows, columns); v is its momentum. */
static void ref_muon(double *w, const float *dw, double *v, int rows, int columns)
{
    const int n = rows * columns;
    double *x = calloc((size_t)n, sizeof *x), squares = 0;

    for (int i = 0; i < n; i++) {
        v[i] = 0.8 * v[i] + (double)dw[i];
        x[i] = (double)dw[i] + 0.8 * v[i];
        squares += x[i] * x[i];
    }
    for (int i = 0; i < n; i++) x[i] /= sqrt(squares) + 1e-7;
    for (int round = 0; round < 3; round++) ref_round(x, rows, columns);
    for (int i = 0; i < n; i++) w[i] -= 0.02 * 0.2 * sqrt(fmax(rows, columns)) * x[i];
    free(x);
}

/* Three steps of every tensor of a net: conv1.w is wide, affine1.w tall, biases take Adam. */
static void every_matrix_is_its_twin(void **state)
{
    kiln_run *r = make_run(NET);
    double *w = calloc(r->learner.floats, sizeof *w), *v = calloc(r->learner.floats, sizeof *v);
    double *s = calloc(r->learner.floats, sizeof *s);
    int wide = 0, tall = 0, others = 0;

    (void)state;
    for (size_t i = 0; i < r->learner.floats; i++) w[i] = (double)r->learner.w[i];
    for (int step = 1; step <= 3; step++) {
        check_random(r->learner.dw, r->learner.floats, (uint32_t)step);
        kiln_learner_step(&r->learner, &r->o, 0.02f, step);
        for (int i = 0; i < kiln_net_tensor_count(r->learner.net); i++) {
            const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, i);
            const size_t at = (size_t)(t->data - r->learner.w);
            int rows, columns;

            if (kiln_rule_matrix(t, &rows, &columns)) {
                /* the twin of a tall matrix is that of the wide one */
                double *wt = calloc((size_t)t->size, sizeof *wt), *vt = calloc((size_t)t->size,
                                                                               sizeof *vt);
                float *dt = calloc((size_t)t->size, sizeof *dt);
                const int flip = rows > columns;

                flip ? tall++ : wide++;
                for (int y = 0; y < rows; y++)
                    for (int x = 0; x < columns; x++) {
                        const int from = y * columns + x, to = flip ? x * rows + y : from;

                        wt[to] = w[at + (size_t)from], vt[to] = v[at + (size_t)from];
                        dt[to] = t->gradient[from];
                    }
                ref_muon(wt, dt, vt, flip ? columns : rows, flip ? rows : columns);
                for (int y = 0; y < rows; y++)
                    for (int x = 0; x < columns; x++) {
                        const int from = y * columns + x, to = flip ? x * rows + y : from;

                        w[at + (size_t)from] = wt[to], v[at + (size_t)from] = vt[to];
                    }
                free(wt), free(vt), free(dt);
            } else {
                others++;
                for (int k = 0; k < t->size; k++) {
                    const size_t p = at + (size_t)k;
                    const double g = (double)t->gradient[k];

                    v[p] = 0.9 * v[p] + 0.1 * g, s[p] = 0.999 * s[p] + 0.001 * g * g;
                    w[p] -= 0.02 * (v[p] / (1 - pow(0.9, step))) /
                            (sqrt(s[p] / (1 - pow(0.999, step))) + 1e-8);
                }
            }
            for (int k = 0; k < t->size; k++) CHECK_NEAR(t->data[k], w[at + (size_t)k], 2e-6);
        }
    }
    CHECK(wide == 3 && tall == 6 && others == 9);
    free(w), free(v), free(s);
    kiln_run_free(r);
}

/* Three rounds take singular values of any size near one: xᵀx of a step's direction has a diagonal
 * near one, where the gradient's differ by a thousand. */
static void steps_are_nearly_orthogonal(void **state)
{
    kiln_run *r = make_run("net=affine 10 - softmax\nbatch=20\noptimizer=muon\nlr=0.02\n"
                           "momentum=0\n");
    const kiln_tensor *t = kiln_net_tensor_at(r->learner.net, 0);
    const int D = t->shape[0], M = t->shape[1];
    float *before = malloc((size_t)t->size * sizeof *before);
    const double scale = 0.02 * 0.2 * sqrt(D);

    (void)state;
    memcpy(before, t->data, (size_t)t->size * sizeof *before);
    check_random(r->learner.dw, r->learner.floats, 1);
    for (int i = 0; i < t->size; i++) t->gradient[i] *= i % M ? 1.0f : 3.0f;
    kiln_learner_step(&r->learner, &r->o, 0.02f, 1);
    for (int m = 0; m < M; m++) {
        double squares = 0;

        for (int d = 0; d < D; d++) {
            const double x = ((double)t->data[d * M + m] - (double)before[d * M + m]) / scale;

            squares += x * x;
        }
        CHECK(squares > 0.4 && squares < 1.6);
    }
    free(before);
    kiln_run_free(r);
}

static void threads_give_the_same_bits(void **state)
{
    uint64_t hash[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        kiln_threads_set(i ? 4 : 1);
        kiln_run *r = make_run(NET "weight-decay=0.01\n");

        for (int step = 0; step < 8; step++) CHECK(kiln_run_step(r) >= 0);
        hash[i] = kiln_net_hash64(r->learner.net);
        kiln_run_free(r);
    }
    kiln_threads_set(1);
    assert_true(hash[0] == hash[1]);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), 100, 20, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_matrix_is_its_twin),
        cmocka_unit_test(steps_are_nearly_orthogonal),
        cmocka_unit_test(threads_give_the_same_bits),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
