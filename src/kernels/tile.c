/*
 * The tiles of tile.h, one function for each number of rows and vectors, all from two bodies whose
 * loops over rows and vectors are unrolled by the compiler because R and V are constants once
 * inlined.
 */
#include "kernels/tile.h"

#define INLINE static inline __attribute__((always_inline))

typedef vf sums[TILE_ROWS][TILE_VECTORS];

/* A row whose last columns do not exist: element by element. */
static void store_part(float *c, const vf *sum, const tile_end *end)
{
    float value[TILE_COLUMNS];

    for (int j = 0; j < TILE_VECTORS; j++) vf_store(value + j * KILN_LANES, sum[j]);
    for (int j = 0; j < end->columns; j++) {
        if (end->accumulate) value[j] += c[j];
        if (end->bias) value[j] += end->bias[j];
        c[j] = end->relu && 0.0f > value[j] ? 0.0f : value[j]; /* a NaN stays */
    }
}

static __attribute__((noinline)) void store_parts(int R, float *const *c,
                                                  vf (*sum)[TILE_VECTORS], const tile_end *end)
{
    for (int i = 0; i < R; i++) store_part(c[i], sum[i], end);
}

#define EACH_SUM                          \
    UNROLL for (int i = 0; i < R; i++)    \
        UNROLL for (int j = 0; j < V; j++)

/* Stores the sums; C_ROW is row i of c, an expression of i. */
#define STORE(C_ROW)                                                                         \
    if (end->columns < V * KILN_LANES) {                                                     \
        vf sum[TILE_ROWS][TILE_VECTORS]; /* in memory: the registers have done their work */ \
        float *row[TILE_ROWS];                                                               \
                                                                                             \
        EACH_SUM sum[i][j] = acc[i][j];                                                      \
        for (int i = 0; i < R; i++) row[i] = C_ROW;                                          \
        store_parts(R, row, sum, end);                                                       \
    } else if (end->accumulate) {                                                            \
        EACH_SUM /* vector by vector: all of c at once would spill the sums */               \
        {                                                                                    \
            float *const at = (C_ROW) + j * KILN_LANES;                                      \
                                                                                             \
            vf_store(at, vf_load(at) + acc[i][j]);                                           \
        }                                                                                    \
    } else {                                                                                 \
        if (end->bias) EACH_SUM acc[i][j] += vf_load(end->bias + j * KILN_LANES);            \
        if (end->relu) EACH_SUM acc[i][j] = vf_max(vf_set1(0.0f), acc[i][j]);                \
        EACH_SUM vf_store((C_ROW) + j * KILN_LANES, acc[i][j]);                                \
    }

/* One step: acc += a[k] · b. */
#define MULTIPLY_ADD(A_I)                                                                 \
    UNROLL for (int i = 0; i < R; i++)                                                    \
    {                                                                                     \
        const vf va = vf_set1(A_I);                                                       \
                                                                                          \
        UNROLL for (int j = 0; j < V; j++) acc[i][j] = vf_madd(va, vb[j], acc[i][j]);     \
    }

INLINE void apart_tile(const int R, const int V, float *const *c, ptrdiff_t c_shift,
                       const float *const *rows, ptrdiff_t shift, tile_depth depth, const float *b,
                       ptrdiff_t b_step, const tile_end *end)
{
    const float *a[TILE_ROWS];
    sums acc;

    UNROLL for (int i = 0; i < R; i++)
    {
        a[i] = rows[i] + shift;
        UNROLL for (int j = 0; j < V; j++) acc[i][j] = vf_set1(0.0f);
    }
    for (int s = 0; s < depth.segments; s++) {
        KEEP_ROLLED for (ptrdiff_t k = 0; k < depth.length; k++, b += b_step)
        {
            vf vb[TILE_VECTORS];

            UNROLL for (int j = 0; j < V; j++) vb[j] = vf_load(b + j * KILN_LANES);
            MULTIPLY_ADD(a[i][k])
        }
        UNROLL for (int i = 0; i < R; i++) a[i] += depth.jump;
    }
    STORE(c[i] + c_shift)
}

/* The first panel of a strip, all of which is copied. */
INLINE void packing_tile(const int R, float *const *c, ptrdiff_t c_shift,
                         const float *const *rows, int depth, const float *b, ptrdiff_t b_step,
                         float *strip, const tile_end *end)
{
    enum { V = TILE_VECTORS };
    const float *a[TILE_ROWS];
    sums acc;

    UNROLL for (int i = 0; i < R; i++)
    {
        a[i] = rows[i];
        UNROLL for (int j = 0; j < V; j++) acc[i][j] = vf_set1(0.0f);
    }
    KEEP_ROLLED for (ptrdiff_t k = 0; k < depth; k++)
    {
        vf vb[TILE_STRIP / KILN_LANES];

        UNROLL for (int j = 0; j < TILE_STRIP / KILN_LANES; j++)
        {
            vb[j] = vf_load(b + k * b_step + j * KILN_LANES);
            vf_store(strip + k * TILE_STRIP + j * KILN_LANES, vb[j]);
        }
        MULTIPLY_ADD(a[i][k])
    }
    STORE(c[i] + c_shift)
}

INLINE void adjacent_tile(const int R, const int V, float *c, ptrdiff_t c_step, const float *a,
                          ptrdiff_t a_step, tile_depth depth, const float *b, ptrdiff_t b_step,
                          const tile_end *end)
{
    sums acc;

    UNROLL for (int i = 0; i < R; i++)
    {
        UNROLL for (int j = 0; j < V; j++) acc[i][j] = vf_set1(0.0f);
    }
    for (int s = 0; s < depth.segments; s++, a += depth.jump) {
        const float *p = a;

        KEEP_ROLLED for (int k = 0; k < depth.length; k++, p += a_step, b += b_step)
        {
            vf vb[TILE_VECTORS];

            UNROLL for (int j = 0; j < V; j++) vb[j] = vf_load(b + j * KILN_LANES);
            MULTIPLY_ADD(p[i])
        }
    }
    STORE(c + i * c_step)
}

#define TILE(R, V)                                                                              \
    static void apart_##R##_##V(int tiles, float *const *c, ptrdiff_t c_shift,                  \
                                const float *const *rows, ptrdiff_t shift, tile_depth depth,    \
                                const float *b, ptrdiff_t b_step, const tile_end *end)          \
    {                                                                                           \
        for (; tiles > 0; tiles--, c += R, rows += R)                                           \
            apart_tile(R, V, c, c_shift, rows, shift, depth, b, b_step, end);                   \
    }                                                                                           \
    static void adjacent_##R##_##V(int tiles, float *c, ptrdiff_t c_step, const float *a,       \
                                   ptrdiff_t a_step, tile_depth depth, const float *b,          \
                                   ptrdiff_t b_step, const tile_end *end)                       \
    {                                                                                           \
        for (; tiles > 0; tiles--, c += R * c_step, a += R)                                     \
            adjacent_tile(R, V, c, c_step, a, a_step, depth, b, b_step, end);                   \
    }
#define TILES(R) TILE(R, 1) TILE(R, 2)
#define PACKING(R)                                                                              \
    static void packing_##R(float *const *c, ptrdiff_t c_shift, const float *const *rows,       \
                            int depth, const float *b, ptrdiff_t b_step, float *strip,          \
                            const tile_end *end)                                                \
    {                                                                                           \
        packing_tile(R, c, c_shift, rows, depth, b, b_step, strip, end);                        \
    }

TILES(1)
TILES(2)
TILES(3)
TILES(4)
#if TILE_ROWS == 4
PACKING(3)
PACKING(4)
#define ROW(kind, V) {kind##_1_##V, kind##_2_##V, kind##_3_##V, kind##_4_##V}
#define PACKINGS {NULL, NULL, packing_3, packing_4}
#else
TILES(5)
TILES(6)
#if TILE_ROWS == 6
PACKING(4)
PACKING(5)
PACKING(6)
#define ROW(kind, V) \
    {kind##_1_##V, kind##_2_##V, kind##_3_##V, kind##_4_##V, kind##_5_##V, kind##_6_##V}
#define PACKINGS {NULL, NULL, NULL, packing_4, packing_5, packing_6}
#else
TILES(7)
TILES(8)
TILES(9)
TILES(10)
TILES(11)
TILES(12)
PACKING(7)
PACKING(8)
PACKING(9)
PACKING(10)
PACKING(11)
PACKING(12)
#define ROW(kind, V)                                                                          \
    {kind##_1_##V, kind##_2_##V, kind##_3_##V, kind##_4_##V,  kind##_5_##V,  kind##_6_##V, \
     kind##_7_##V, kind##_8_##V, kind##_9_##V, kind##_10_##V, kind##_11_##V, kind##_12_##V}
#define PACKINGS                                                                          \
    {NULL,      NULL,      NULL,      NULL,       NULL,       NULL,                       \
     packing_7, packing_8, packing_9, packing_10, packing_11, packing_12}
#endif
#endif

tile_apart *const kiln_tile_apart[TILE_VECTORS][TILE_ROWS] = {ROW(apart, 1), ROW(apart, 2)};
tile_adjacent *const kiln_tile_adjacent[TILE_VECTORS][TILE_ROWS] = {ROW(adjacent, 1),
                                                                    ROW(adjacent, 2)};
tile_packing *const kiln_tile_packing[TILE_ROWS] = PACKINGS;
