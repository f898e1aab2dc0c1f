/*
 * Update rules: formulas in optim.h (cs231n: optim.py and the notes "Neural Networks 3"; Kingma and
 * Ba 2015, Loshchilov and Hutter 2019).
 *
 * Every rule is elementwise, so any cut into pieces gives the same bits; pieces of PIECE floats
 * keep the arrays of one piece in the first-level cache and give the pool something to share. The
 * traffic decides the time: sgd moves 12 bytes a parameter, adam 28.
 *
 * `rule` is a constant in each call of sweep(), so the compiler makes one loop for each rule.
 */
#include "train/optim.h"

#include "base/scalar.h"
#include "base/simd.h"
#include "base/threads.h"

#define PIECE 4096 /* floats */

enum rule { SGD, MOMENTUM, NESTEROV, RMSPROP, ADAM, DECAY };

typedef struct {
    enum rule rule;
    float *w;
    const float *dw; /* NULL: the rule has no gradient */
    float *s, *t; /* state; NULL where the rule has less */
    size_t n;
    float lr, a, b, eps; /* a, b: momentum, decay rate or betas */
    float rest_a, rest_b; /* 1 - a, 1 - b: taken in double, rounded once */
    float correction; /* 1 / (1 - beta2^t) */
} job;

typedef struct {
    vf w, dw, s, t;
} lanes;

/* One step of one vector of parameters. */
static inline lanes step(enum rule rule, const job *j, lanes x)
{
    const vf lr = vf_set1(j->lr), a = vf_set1(j->a), b = vf_set1(j->b), eps = vf_set1(j->eps);
    const vf one = vf_set1(1.0f), rest_a = vf_set1(j->rest_a), rest_b = vf_set1(j->rest_b);
    vf v;

    switch (rule) {
    case SGD: x.w = vf_madd(-lr, x.dw, x.w); break;
    case MOMENTUM:
        x.s = vf_madd(a, x.s, -(lr * x.dw));
        x.w += x.s;
        break;
    case NESTEROV:
        v = vf_madd(a, x.s, -(lr * x.dw));
        x.w += vf_madd(one + a, v, -(a * x.s));
        x.s = v;
        break;
    case RMSPROP:
        x.s = vf_madd(a, x.s, rest_a * x.dw * x.dw);
        x.w -= lr * x.dw / (vf_sqrt(x.s) + eps);
        break;
    case ADAM:
        x.s = vf_madd(a, x.s, rest_a * x.dw);
        x.t = vf_madd(b, x.t, rest_b * x.dw * x.dw);
        x.w -= lr * x.s / (vf_sqrt(x.t * vf_set1(j->correction)) + eps);
        break;
    case DECAY: x.w = vf_madd(-a, x.w, x.w); break;
    }
    return x;
}

static inline void sweep(enum rule rule, const job *j, size_t begin, size_t end)
{
    lanes x = {{0}, {0}, {0}, {0}};
    size_t i = begin;

    for (; i + KILN_LANES <= end; i += KILN_LANES) {
        x.w = vf_load(j->w + i);
        if (rule != DECAY) x.dw = vf_load(j->dw + i);
        if (rule != SGD && rule != DECAY) x.s = vf_load(j->s + i);
        if (rule == ADAM) x.t = vf_load(j->t + i);
        x = step(rule, j, x);
        vf_store(j->w + i, x.w);
        if (rule != SGD && rule != DECAY) vf_store(j->s + i, x.s);
        if (rule == ADAM) vf_store(j->t + i, x.t);
    }
    if (i < end) {
        const int rest = (int)(end - i);

        x.w = vf_load_part(j->w + i, rest, 0.0f);
        if (rule != DECAY) x.dw = vf_load_part(j->dw + i, rest, 0.0f);
        if (rule != SGD && rule != DECAY) x.s = vf_load_part(j->s + i, rest, 0.0f);
        if (rule == ADAM) x.t = vf_load_part(j->t + i, rest, 0.0f);
        x = step(rule, j, x);
        vf_store_part(j->w + i, x.w, rest);
        if (rule != SGD && rule != DECAY) vf_store_part(j->s + i, x.s, rest);
        if (rule == ADAM) vf_store_part(j->t + i, x.t, rest);
    }
}

static void run_piece(void *context, int task, int thread)
{
    const job *j = context;
    const size_t begin = (size_t)task * PIECE;
    const size_t end = begin + PIECE < j->n ? begin + PIECE : j->n;

    (void)thread;
    switch (j->rule) {
    case SGD: sweep(SGD, j, begin, end); break;
    case MOMENTUM: sweep(MOMENTUM, j, begin, end); break;
    case NESTEROV: sweep(NESTEROV, j, begin, end); break;
    case RMSPROP: sweep(RMSPROP, j, begin, end); break;
    case ADAM: sweep(ADAM, j, begin, end); break;
    case DECAY: sweep(DECAY, j, begin, end); break;
    }
}

static void run(job *j)
{
    kiln_parallel((int)((j->n + PIECE - 1) / PIECE), run_piece, j);
}

void kiln_sgd(float *w, const float *dw, size_t n, float lr)
{
    run(&(job){.rule = SGD, .w = w, .dw = dw, .n = n, .lr = lr});
}

void kiln_sgd_momentum(float *w, const float *dw, float *v, size_t n, float lr, float momentum)
{
    run(&(job){.rule = MOMENTUM, .w = w, .dw = dw, .s = v, .n = n, .lr = lr, .a = momentum});
}

void kiln_nesterov(float *w, const float *dw, float *v, size_t n, float lr, float momentum)
{
    run(&(job){.rule = NESTEROV, .w = w, .dw = dw, .s = v, .n = n, .lr = lr, .a = momentum});
}

void kiln_rmsprop(float *w, const float *dw, float *cache, size_t n, float lr, double decay,
                  float eps)
{
    run(&(job){.rule = RMSPROP,
               .w = w,
               .dw = dw,
               .s = cache,
               .n = n,
               .lr = lr,
               .a = (float)decay,
               .rest_a = (float)(1 - decay),
               .eps = eps});
}

/* 1 - beta^t */
static double bias(double beta, long t)
{
    return beta > 0 ? 1.0 - kiln_pow(beta, (double)t) : 1.0;
}

void kiln_adam(float *w, const float *dw, float *m, float *v, size_t n, float lr, double beta1,
               double beta2, float eps, long t)
{
    /* lr·m̂ = (lr / (1 - beta1^t))·m, and v̂ = v·(1 / (1 - beta2^t)) */
    run(&(job){.rule = ADAM,
               .w = w,
               .dw = dw,
               .s = m,
               .t = v,
               .n = n,
               .a = (float)beta1,
               .b = (float)beta2,
               .rest_a = (float)(1 - beta1),
               .rest_b = (float)(1 - beta2),
               .eps = eps,
               .lr = (float)(lr / bias(beta1, t)),
               .correction = (float)(1.0 / bias(beta2, t))});
}

void kiln_decay(float *w, size_t n, float lr, float decay)
{
    run(&(job){.rule = DECAY, .w = w, .n = n, .a = lr * decay});
}
