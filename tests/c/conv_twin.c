/* See conv_twin.h. */
#include "conv_twin.h"

#include <float.h>
#include <sched.h>

#include "base/threads.h"
#include "check.h"
#include "ref/ref_kernels.h"

typedef struct {
    size_t x, w, out;
} sizes;

static sizes sizes_of(const kiln_conv_shape *s)
{
    return (sizes){(size_t)s->N * s->H * s->W * s->C, (size_t)s->F * s->C * s->HH * s->WW,
                   (size_t)s->N * s->OH * s->OW * s->F};
}

static sizes sizes_of_image(const kiln_conv_shape *s)
{
    kiln_conv_shape one = *s;

    one.N = 1;
    return sizes_of(&one);
}

static double worst_error(const float *actual, const double *expected, size_t n)
{
    double worst = 0;

    for (size_t i = 0; i < n; i++) {
        const double off = fabs(actual[i] - expected[i]);

        if (!(off <= worst)) worst = off; /* a NaN too */
    }
    return worst;
}

typedef struct {
    kiln_conv_shape s;
    kiln_conv_plan plan, direct_plan;
    float *x, *w, *b, *dout, *work, *direct;
    double *expected, *magnitude;
} problem;

static problem make(const kiln_conv_algorithm *a, kiln_conv_shape s)
{
    problem p = {.s = s};

    const sizes n = sizes_of(&p.s);
    const size_t most = n.x > n.out ? (n.x > n.w ? n.x : n.w) : (n.out > n.w ? n.out : n.w);

    kiln_conv_plan_make(&p.plan, a, &s);
    kiln_conv_plan_make(&p.direct_plan, &kiln_conv_direct, &s);

    const size_t direct = kiln_conv_work(&p.direct_plan), ours = kiln_conv_work(&p.plan);

    p.x = check_floats_at(n.x, 1);
    p.w = check_floats_at(n.w, 3);
    p.b = check_floats_at((size_t)s.F, 1);
    p.dout = check_floats_at(n.out, 2);
    p.work = check_floats(direct > ours ? direct : ours);
    p.direct = check_floats(most);
    p.expected = malloc(most * sizeof *p.expected);
    p.magnitude = malloc(most * sizeof *p.magnitude);
    check_random(p.x, n.x, 1);
    check_random(p.w, n.w, 2);
    check_random(p.b, (size_t)s.F, 3);
    check_random(p.dout, n.out, 4);
    return p;
}

static void release(problem *p)
{
    check_free(p->x);
    check_free(p->w);
    check_free(p->b);
    check_free(p->dout);
    check_free(p->work);
    check_free(p->direct);
    free(p->expected);
    free(p->magnitude);
}

/* `terms` were added for each of n results; p->direct has them too. */
static double compare(const problem *p, const float *actual, size_t n, double terms, double limit,
                      const char *what)
{
    const double ours = worst_error(actual, p->expected, n),
                 direct = worst_error(p->direct, p->expected, n);
    double largest = 0;

    for (size_t i = 0; i < n; i++)
        if (p->magnitude[i] > largest) largest = p->magnitude[i];
    if (!(ours <= (terms + 4) * FLT_EPSILON * largest) || (limit > 0 && !(ours <= limit * direct)))
        CHECK_FAIL("%s of (%d, %d, %d, %d), %d filters %dx%d, pads %d, %d: worst error %.3g, "
                   "direct %.3g",
                   what, p->s.N, p->s.H, p->s.W, p->s.C, p->s.F, p->s.HH, p->s.WW, p->s.pad_h,
                   p->s.pad_w, ours, direct);
    return direct > 0 ? ours / direct : 0;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

double check_conv(const kiln_conv_algorithm *a, kiln_conv_shape s, int bias, int relu, double limit)
{
    problem p = make(a, s);
    const sizes n = sizes_of(&p.s);
    const double taps = (double)s.HH * s.WW;
    float *out = check_floats_at(n.out, 1), *dx = check_floats_at(n.x, 2),
          *dw = check_floats_at(n.w, 1);
    const float *b = bias ? p.b : NULL;
    double ratio;

    ref_conv_forward(p.expected, p.magnitude, p.x, p.w, b, &p.s);
    for (size_t i = 0; relu && i < n.out; i++)
        if (p.expected[i] < 0) p.expected[i] = 0;
    kiln_conv_forward(p.direct, p.x, p.w, b, &p.direct_plan, s.N, relu, p.work);
    kiln_conv_forward(out, p.x, p.w, b, &p.plan, s.N, relu, p.work);
    ratio = compare(&p, out, n.out, taps * s.C, limit, "forward");

    ref_conv_dx(p.expected, p.magnitude, p.dout, p.w, &p.s);
    kiln_conv_dx(p.direct, p.dout, p.w, &p.direct_plan, s.N, p.work);
    kiln_conv_dx(dx, p.dout, p.w, &p.plan, s.N, p.work);
    ratio = larger(ratio, compare(&p, dx, n.x, taps * s.F, limit, "dx"));

    ref_conv_dw(p.expected, p.magnitude, p.dout, p.x, &p.s);
    kiln_conv_dw(p.direct, p.dout, p.x, &p.direct_plan, s.N, p.work);
    kiln_conv_dw(dw, p.dout, p.x, &p.plan, s.N, p.work);
    ratio = larger(ratio,
                   compare(&p, dw, n.w, (double)s.N * p.s.OH * p.s.OW, limit, "dw"));

    check_free(out);
    check_free(dx);
    check_free(dw);
    release(&p);
    return ratio;
}

typedef struct {
    const problem *p;
    float *dx;
    int groups;
} parts_job;

/* A group's images in the smallest parts there are, dx and dw of each in turn. */
static void backward_group(void *context, int group, int thread)
{
    const parts_job *j = context;
    const problem *p = j->p;
    const kiln_conv_plan *plan = &p->plan;
    const int N = p->s.N, step = plan->dw.step, end = kiln_conv_group(N, j->groups, group + 1);
    const sizes one = sizes_of_image(&p->s);
    float *const dw_work = p->work + kiln_conv_work(plan);

    for (int n = kiln_conv_group(N, j->groups, group); n < end; n += step) {
        const int last = n + step < end ? n + step : end;

        plan->algorithm->images(j->dx + n * one.x, p->dout + n * one.out, NULL, plan, &plan->dx,
                                last - n, 0, p->work);
        plan->algorithm->dw_images(p->dout + n * one.out, p->x + n * one.x, plan, N, group, n, last,
                                   thread, dw_work);
    }
}

/* out, dx, dw of a pass in parts. */
static void run_in_parts(const problem *p, float *to)
{
    const kiln_conv_plan *plan = &p->plan;
    const kiln_conv_algorithm *a = plan->algorithm;
    const sizes n = sizes_of(&p->s), one = sizes_of_image(&p->s);
    parts_job j = {p, to + n.out, kiln_conv_groups(plan, p->s.N)};

    a->filters(p->w, plan, &plan->forward, p->work);
    for (int i = 0; i < p->s.N; i += 3)
        a->images(to + i * one.out, p->x + i * one.x, p->b, plan, &plan->forward,
                  p->s.N - i < 3 ? p->s.N - i : 3, 1, p->work);
    a->filters(p->w, plan, &plan->dx, p->work);
    kiln_parallel(j.groups, backward_group, &j);
    a->dw_join(to + n.out + n.x, plan, p->s.N, p->work + kiln_conv_work(plan));
}

/* out, dx, dw of the first n images, each where it lies for the whole batch. */
static void run_whole(const problem *p, float *to, int n)
{
    const sizes all = sizes_of(&p->s);

    kiln_conv_forward(to, p->x, p->w, p->b, &p->plan, n, 1, p->work);
    kiln_conv_dx(to + all.out, p->dout, p->w, &p->plan, n, p->work);
    kiln_conv_dw(to + all.out + all.x, p->dout, p->x, &p->plan, n, p->work);
}

void check_conv_threads(const kiln_conv_algorithm *a, kiln_conv_shape s)
{
    problem p = make(a, s);
    const sizes n = sizes_of(&p.s);
    float *one = check_floats(n.out + n.x + n.w), *many = check_floats(n.out + n.x + n.w);

    for (int threads = 1; threads <= 8; threads *= 2) {
        CHECK(kiln_threads_set(threads) >= 1);
        kiln_conv_plan_make(&p.plan, a, &s);
        check_free(p.work);
        p.work = check_floats(2 * kiln_conv_work(&p.plan));
        run_whole(&p, threads == 1 ? one : many, s.N);
        if (threads > 1) CHECK_SAME_BITS(many, one, n.out + n.x + n.w);
        run_in_parts(&p, many);
        CHECK_SAME_BITS(many, one, n.out + n.x + n.w);
    }
    CHECK(kiln_threads_set(1) == 1);
    check_free(one);
    check_free(many);
    release(&p);
}

typedef struct {
    const problem *p;
    float *dx;
    int arrived, done;
} scratch_job;

/* Both threads are here before thread 1 begins, and thread 0 waits for it. */
static void only_on_thread_1(void *context, int task, int thread)
{
    scratch_job *j = context;
    const kiln_conv_plan *plan = &j->p->plan;

    (void)task;
    __atomic_add_fetch(&j->arrived, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&j->arrived, __ATOMIC_SEQ_CST) < 2) sched_yield();
    if (thread == 1)
        plan->algorithm->images(j->dx, j->p->dout, NULL, plan, &plan->dx, plan->shape.N, 0,
                                j->p->work);
    __atomic_add_fetch(&j->done, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&j->done, __ATOMIC_SEQ_CST) < 2) sched_yield();
}

void check_conv_scratch(const kiln_conv_algorithm *a, kiln_conv_shape s)
{
    CHECK(kiln_threads_set(2) == 2);

    problem p = make(a, s);
    float *dx = check_floats(sizes_of(&s).x);
    float *const other = p.work + p.plan.dx.filters; /* thread 0's */

    a->filters(p.w, &p.plan, &p.plan.dx, p.work);
    for (size_t i = 0; i < p.plan.dx.padded; i++) other[i] = 7;
    kiln_parallel(2, only_on_thread_1, &(scratch_job){.p = &p, .dx = dx});
    for (size_t i = 0; i < p.plan.dx.padded; i++) CHECK(other[i] == 7);
    CHECK(kiln_threads_set(1) == 1);
    check_free(dx);
    release(&p);
}

void check_conv_fewer(const kiln_conv_algorithm *a, kiln_conv_shape s)
{
    problem p = make(a, s);
    const sizes all = sizes_of(&p.s), image = sizes_of_image(&p.s);
    const kiln_conv_plan plan = p.plan;
    float *large = check_floats(all.out + all.x + all.w),
          *own = check_floats(all.out + all.x + all.w);

    for (int n = 1; n <= s.N; n++) {
        kiln_conv_shape small = s;

        small.N = n;
        run_whole(&p, large, n);
        kiln_conv_plan_make(&p.plan, a, &small);
        run_whole(&p, own, n);
        p.plan = plan;
        CHECK_SAME_BITS(large, own, n * image.out);
        CHECK_SAME_BITS(large + all.out, own + all.out, n * image.x);
        CHECK_SAME_BITS(large + all.out + all.x, own + all.out + all.x, all.w);
    }
    check_free(large);
    check_free(own);
    release(&p);
}
