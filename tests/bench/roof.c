/*
 * The two roofs: multiply-adds a second of one core that touches no memory, and bytes a second of
 * a loop that does almost nothing else.
 */
#include <stdlib.h>

#include "base/simd.h"
#include "bench.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Twelve sums that do not wait for each other: enough to hide the latency of two units, and with
 * two operands few enough for the sixteen registers of SSE and of a browser's compiler. */
enum { CHAINS = 12, STEPS = 100000 };
static volatile float sink, source = 0.999f;

double bench_peak(void)
{
    const vf x = vf_set1(source), y = vf_set1(source * 1e-6f);
    vf sum[CHAINS], total = y;
    float lane[KILN_LANES];
    const double start = bench_now();

    UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = vf_set1(source * (float)i);
    for (int step = 0; step < STEPS; step++) {
        UNROLL for (int i = 0; i < CHAINS; i++) sum[i] = vf_madd(sum[i], x, y);
    }
    UNROLL for (int i = 0; i < CHAINS; i++) total += sum[i];
    vf_store(lane, total);
    sink = lane[0];
    return 2e-9 * KILN_LANES * CHAINS * STEPS / (bench_now() - start);
}

static void triad(float *a, const float *b, const float *c, size_t n)
{
    const vf s = vf_set1(source);

    for (size_t i = 0; i + KILN_LANES <= n; i += KILN_LANES)
        vf_store(a + i, vf_madd(s, vf_load(c + i), vf_load(b + i)));
}

double bench_bandwidth(size_t floats)
{
    float *a = bench_floats(floats), *b = bench_floats(floats), *c = bench_floats(floats);
    const int calls = 1 + (int)(20000000 / floats);
    double best = 0;

    for (int run = 0; run < 7; run++) {
        const double start = bench_now();

        for (int i = 0; i < calls; i++) triad(a, b, c, floats);

        const double rate = 12e-9 * (double)floats * calls / (bench_now() - start);

        if (rate > best) best = rate;
    }
    free(a);
    free(b);
    free(c);
    return best;
}
