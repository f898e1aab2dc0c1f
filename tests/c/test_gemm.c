/* kernels/gemm: against the naive product in double over every tail, and the same bits for any
 * threads. */
#include <float.h>

#include "base/threads.h"
#include "check.h"
#include "kernels/gemm.h"
#include "kernels/tile.h"
#include "ref/ref_kernels.h"

typedef struct {
    int op, m, n, k, slack, accumulate; /* slack: leading dimensions beyond the tight ones */
} problem;

typedef struct {
    float *a, *b, *c, *work;
    int lda, ldb, ldc;
} operands;

static operands make(const problem *p)
{
    operands o;

    o.lda = (p->op == KILN_TN ? p->m : p->k) + p->slack;
    o.ldb = (p->op == KILN_NT ? p->k : p->n) + p->slack;
    o.ldc = p->n + p->slack;

    /* the last row is cut to its tight length, so that reading past it meets a guard */
    const size_t a_rows = (size_t)(p->op == KILN_TN ? p->k : p->m);
    const size_t b_rows = (size_t)(p->op == KILN_NT ? p->n : p->k);
    const size_t a_size = a_rows * o.lda - p->slack, b_size = b_rows * o.ldb - p->slack;
    const size_t c_size = (size_t)p->m * o.ldc - p->slack;

    o.a = check_floats_at(a_size, (size_t)p->slack);
    o.b = check_floats_at(b_size, (size_t)p->slack);
    o.c = check_floats_at(c_size, (size_t)p->slack);
    check_random(o.a, a_size, 1);
    check_random(o.b, b_size, 2);
    check_random(o.c, c_size, 3);
    o.work = check_floats(kiln_gemm_work(p->m, p->n, p->k));
    return o;
}

static void release(operands *o)
{
    check_free(o->a);
    check_free(o->b);
    check_free(o->c);
    check_free(o->work);
}

static void run(const problem *p, operands *o)
{
    kiln_gemm(p->op, p->m, p->n, p->k, o->a, o->lda, o->b, o->ldb, p->accumulate, o->c, o->ldc,
              o->work);
}

static void check_gemm(problem p)
{
    operands o = make(&p);
    const size_t mn = (size_t)p.m * p.n;
    double *expected = malloc(mn * sizeof *expected), *magnitude = malloc(mn * sizeof *magnitude);
    float *before = malloc((size_t)p.m * o.ldc * sizeof *before);

    memcpy(before, o.c, ((size_t)p.m * o.ldc - p.slack) * sizeof *before);
    ref_gemm(expected, magnitude, p.op, p.m, p.n, p.k, o.a, o.lda, o.b, o.ldb);
    run(&p, &o);
    for (int i = 0; i < p.m; i++)
        for (int j = 0; j < o.ldc && (i < p.m - 1 || j < p.n); j++) {
            const size_t at = (size_t)i * p.n + j, c_at = (size_t)i * o.ldc + j;

            if (j >= p.n) {
                CHECK_NEAR(o.c[c_at], before[c_at], 0); /* the slack is left alone */
                continue;
            }
            const double start = p.accumulate ? before[c_at] : 0.0, sum = start + expected[at];
            const double bound = (p.k + 4) * FLT_EPSILON * (magnitude[at] + fabs(start));

            if (!(fabs(o.c[c_at] - sum) <= bound))
                CHECK_FAIL(
                    "gemm op %d, %dx%dx%d, slack %d, accumulate %d: c[%d, %d] is %.9g, not %.9g",
                    p.op, p.m, p.n, p.k, p.slack, p.accumulate, i, j, (double)o.c[c_at], sum);
        }
    free(expected);
    free(magnitude);
    free(before);
    release(&o);
}

static void check_all_ways(int m, int n, int k)
{
    for (int op = KILN_NN; op <= KILN_TN; op++)
        for (int way = 0; way < 4; way++) check_gemm((problem){op, m, n, k, way / 2 * 3, way % 2});
}

static void every_tail_of_m(void **state)
{
    (void)state;
    for (int m = 1; m <= 2 * TILE_ROWS + 1; m++) check_all_ways(m, TILE_COLUMNS + 3, 37);
}

static void every_tail_of_n(void **state)
{
    (void)state;
    for (int n = 1; n <= 2 * TILE_COLUMNS + 1; n++) {
        check_all_ways(TILE_ROWS + 1, n, 19);
        check_all_ways(2 * TILE_ROWS + 3, n, 19);
    }
    for (int n = 255; n <= 258; n++) check_all_ways(9, n, 11);
}

static void every_tail_of_k(void **state)
{
    static const int k[] = {1, 2, 3, 7, 8, 9, 255, 256, 257, 511, 512, 513, 700};

    (void)state;
    for (size_t i = 0; i < sizeof k / sizeof *k; i++)
        check_all_ways(TILE_ROWS + 2, TILE_COLUMNS + 1, k[i]);
}

static void shapes_of_the_course(void **state)
{
    static const int shapes[][3] = {{1, 1, 1},     {50, 100, 700}, {64, 10, 320}, {16, 130, 75},
                                    {96, 50, 363}, {33, 270, 65},  {100, 3, 513}, {16, 75, 450},
                                    {20, 300, 40}, {2, 270, 390},  {32, 27, 200}, {2, 5, 3}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_all_ways(shapes[i][0], shapes[i][1], shapes[i][2]);
}

static void no_terms_give_zero(void **state)
{
    float c[6] = {1, 2, 3, 4, 5, 6}, work[64];

    (void)state;
    kiln_gemm(KILN_NN, 2, 3, 0, NULL, 0, NULL, 3, 1, c, 3, work);
    CHECK(c[0] == 1 && c[5] == 6);
    kiln_gemm(KILN_NN, 2, 3, 0, NULL, 0, NULL, 3, 0, c, 3, work);
    for (int i = 0; i < 6; i++) CHECK(c[i] == 0);
}

/* The order in words: blocks of KILN_GEMM_KC terms, each from zero, added in order. */
static void check_order(problem p)
{
    operands o = make(&p);
    const int a_row = p.op == KILN_TN ? 1 : o.lda, a_step = p.op == KILN_TN ? o.lda : 1;
    const int b_column = p.op == KILN_NT ? o.ldb : 1, b_step = p.op == KILN_NT ? 1 : o.ldb;

    run(&p, &o);
    for (int i = 0; i < p.m; i++)
        for (int j = 0; j < p.n; j++) {
            float total = 0;

            for (int k0 = 0; k0 < p.k; k0 += KILN_GEMM_KC) {
                float block = 0;

                for (int k = k0; k < p.k && k < k0 + KILN_GEMM_KC; k++)
                    block = sf_madd(o.a[i * a_row + k * a_step], o.b[j * b_column + k * b_step],
                                    block);
                total = k0 ? total + block : block;
            }
            CHECK_NEAR(o.c[i * o.ldc + j], total, 0);
        }
    release(&o);
}

/* One tile of rows, several, and those where a and b change places. */
static void the_order_of_a_sum(void **state)
{
    (void)state;
    for (int op = KILN_NN; op <= KILN_TN; op++) {
        check_order((problem){op, 3, 70, 600, 0, 0});
        check_order((problem){op, 7, 21, 600, 0, 0});
        check_order((problem){op, 30, 75, 800, 0, 0});
    }
}

static void threads_do_not_change_a_bit(void **state)
{
    static const int shapes[][3] = {{150, 190, 300}, {20, 900, 70}, {700, 17, 90}, {64, 10, 4096},
                                    {16, 300, 500}, {9, 21, 7000}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int op = KILN_NN; op <= KILN_TN; op++) {
            const int accumulate = op == (int)i % 3;
            const problem p = {op, shapes[i][0], shapes[i][1], shapes[i][2], 1, accumulate};
            const size_t n = (size_t)p.m * (p.n + 1) - 1;
            operands one = make(&p);

            run(&p, &one);
            for (int threads = 2; threads <= 8; threads *= 2) {
                CHECK(kiln_threads_set(threads) >= 1);

                operands many = make(&p);

                run(&p, &many);
                CHECK_SAME_BITS(many.c, one.c, n);
                release(&many);
            }
            CHECK(kiln_threads_set(1) == 1);
            release(&one);
        }
}

/* A batch may be smaller than the one that scratch was taken for. */
static void scratch_serves_smaller_products(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads++) {
        CHECK(kiln_threads_set(threads) == threads);
        for (int op = KILN_NN; op <= KILN_TN; op++)
            for (int m = 1; m <= 600; m += m < 40 ? 13 : 140) {
                problem p = {op, 600, 100, 4096, 1, 0};
                operands o = make(&p);

                p.m = m;
                if (op == KILN_TN) p.k = 384 * (1 + m / 66); /* there k is the batch */
                run(&p, &o);
                release(&o);
            }
    }
    CHECK(kiln_threads_set(1) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_tail_of_m),
        cmocka_unit_test(every_tail_of_n),
        cmocka_unit_test(every_tail_of_k),
        cmocka_unit_test(shapes_of_the_course),
        cmocka_unit_test(no_terms_give_zero),
        cmocka_unit_test(the_order_of_a_sum),
        cmocka_unit_test(threads_do_not_change_a_bit),
        cmocka_unit_test(scratch_serves_smaller_products),
    };
    return cmocka_run_group_tests_name("gemm", tests, NULL, NULL);
}
