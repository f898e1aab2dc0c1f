/*
 * The transforms of toom_cook.h for vectors of channels.
 *
 * In all three P = t->pairs, a constant where they are inlined.
 */
#ifndef KILN_KERNELS_TOOM_COOK_TILE_H
#define KILN_KERNELS_TOOM_COOK_TILE_H

#include "base/simd.h"
#include "kernels/toom_cook.h"

#define TOOM_INLINE static inline __attribute__((always_inline))

/* v[q] = (Bᵀ d)[q]; v and d hold 2 P + 2 vectors. */
TOOM_INLINE void toom_input(vf *v, const vf *d, const kiln_toom_cook *t, const int P)
{
    vf zero = d[2 * P], infinity = d[2 * P + 1]; /* the leading coefficient is 1 */

    UNROLL for (int i = 0; i < P; i++) {
        const vf c = vf_set1(t->whole[i]);

        zero = vf_madd(c, d[2 * i], zero);
        infinity = vf_madd(c, d[2 * i + 1], infinity);
    }
    v[0] = zero;
    v[2 * P + 1] = infinity;
    UNROLL for (int j = 0; j < P; j++) {
        vf even = d[2 * P], odd = d[2 * P - 1];

        UNROLL for (int i = 0; i < P - 1; i++) {
            const vf c = vf_set1(t->even[j][i]);

            even = vf_madd(c, d[2 * i + 2], even);
            odd = vf_madd(c, d[2 * i + 1], odd);
        }
        v[2 * j + 1] = vf_madd(vf_set1(t->p[j]), odd, even);
        v[2 * j + 2] = vf_madd(vf_set1(t->minus_p[j]), odd, even);
    }
}

/* y[i] = (Aᵀ m)[i], i < 4. */
TOOM_INLINE void toom_output(vf *y, const vf *m, const kiln_toom_cook *t, const int P)
{
    vf sum = m[1] + m[2], difference = m[1] - m[2];

    y[0] = m[0] + sum;
    y[1] = vf_set1(t->p[0]) * difference;
    y[2] = vf_set1(t->p2[0]) * sum;
    y[3] = vf_madd(vf_set1(t->p3[0]), difference, m[2 * P + 1]);
    UNROLL for (int j = 1; j < P; j++) {
        sum = m[2 * j + 1] + m[2 * j + 2];
        difference = m[2 * j + 1] - m[2 * j + 2];
        y[0] += sum;
        y[1] = vf_madd(vf_set1(t->p[j]), difference, y[1]);
        y[2] = vf_madd(vf_set1(t->p2[j]), sum, y[2]);
        y[3] = vf_madd(vf_set1(t->p3[j]), difference, y[3]);
    }
}

/* d[q] = (A y)[q]. */
TOOM_INLINE void toom_gradient(vf *d, const vf *y, const kiln_toom_cook *t, const int P)
{
    d[0] = y[0];
    d[2 * P + 1] = y[3];
    UNROLL for (int j = 0; j < P; j++) {
        const vf p2 = vf_set1(t->p2[j]);
        const vf even = vf_madd(p2, y[2], y[0]), odd = vf_madd(p2, y[3], y[1]);

        d[2 * j + 1] = vf_madd(vf_set1(t->p[j]), odd, even);
        d[2 * j + 2] = vf_madd(vf_set1(t->minus_p[j]), odd, even);
    }
}

#endif
