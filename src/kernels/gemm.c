/*
 * Matrix product in blocks. Everything is one loop nest around the register tile of tile.h:
 *
 *   for a block of NC columns of c         b block: KC x NC floats, 384 KB: stays in L2
 *     for a block of KC of the sums        packed once into panels of two vectors' width
 *       for a tile of rows                 a tile: TILE_ROWS x KC floats, 9 KB: stays in L1
 *         for a panel                      streams from L2, prefetched since contiguous
 *           c[tile, panel] (+)= a[tile] · panel
 *
 * Traffic: a is read n / NC times, c read and written k / KC times, b packed once (once for each
 * block of rows that threads work on). a is used where it lies: a broadcast costs the same from
 * any address, and copying it first measured no faster. Only a transposed a is copied, a tile at a
 * time, since 256 steps of a power of two would fight for the same few sets of L1. With few rows
 * packing b costs more than it saves, and full panels are read in place. Panels at the right edge
 * are padded with zeros to one or two vectors.
 *
 * Source: Goto and van de Geijn, ACM TOMS 34(3), 2008, with the roles of L1 and L2 as in section 4.
 */
#include "kernels/gemm.h"

#include "base/threads.h"
#include "kernels/tile.h"
#include "kernels/vec.h"

#define KC KILN_GEMM_KC
#define NC 256                /* a multiple of every TILE_COLUMNS */
#define GROUP (TILE_COLUMNS < 32 ? 32 : TILE_COLUMNS) /* columns packed together */
#define IN_PLACE_ROWS 8       /* up to so many rows b is not worth packing */
#define A_STEP ((TILE_ROWS + KILN_LANES - 1) / KILN_LANES * KILN_LANES) /* of a packed a */
#define SMALL (64 * 64 * 64)  /* multiply-adds below which threads do not pay */

typedef struct {
    int op, m, n, k;
    const float *a;
    int lda;
    const float *b;
    int ldb, accumulate;
    float *c;
    int ldc;
} product;

size_t kiln_gemm_serial_work(int m, int n, int k)
{
    const size_t depth = (size_t)(k < KC ? k : KC);
    const size_t columns = (size_t)(n < NC ? n : NC) + TILE_COLUMNS;

    (void)m;
    return depth * (columns + A_STEP);
}

size_t kiln_gemm_work(int m, int n, int k)
{
    return (size_t)kiln_threads() * kiln_gemm_serial_work(m, n, k);
}

/* Panels, b[k0 .. k0 + depth, j0 .. j0 + columns], each step of the last padded to whole vectors.
 * GROUP columns together: a line of b is read once, whole. */
static void pack_panels(float *packed, const product *p, int k0, int depth, int j0, int columns)
{
    const int whole = columns / TILE_COLUMNS * TILE_COLUMNS, left = columns - whole;
    float *last = packed + (size_t)whole * depth;
    const int width = tile_vectors(left) * KILN_LANES;

    for (int k = 0; k < depth; k++) { /* b (k, n) */
        const float *row = p->b + (size_t)(k0 + k) * p->ldb + j0;

        for (int j = 0; j < whole; j += TILE_COLUMNS) {
            float *to = packed + (size_t)j * depth + (size_t)k * TILE_COLUMNS;

            for (int i = 0; i < TILE_COLUMNS; i += KILN_LANES)
                vf_store(to + i, vf_load(row + j + i));
        }
        for (int j = 0; left && j < width; j++)
            last[(size_t)k * width + j] = j < left ? row[whole + j] : 0.0f;
    }
}

/* One panel of a transposed b (n, k). */
static void pack_transposed(float *panel, const product *p, int k0, int depth, int j0, int columns)
{
    const int width = tile_vectors(columns) * KILN_LANES;

    kiln_vec_transpose(panel, (size_t)width, p->b + (size_t)j0 * p->ldb + k0, (size_t)p->ldb,
                       columns, depth);
    for (int k = 0; columns < width && k < depth; k++)
        for (int j = columns; j < width; j++) panel[(size_t)k * width + j] = 0.0f;
}

/* Few rows of c and a full panel: read b where it lies. */
static int in_place(const product *p, int columns)
{
    return p->op != KILN_NT && p->m <= IN_PLACE_ROWS && columns % KILN_LANES == 0;
}

static int panel_columns(int columns, int j)
{
    return columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS;
}

/* The block of b as panels, side by side; panel j begins at depth · j. What is read in place is
 * not packed. */
static void pack_b(float *packed, const product *p, int k0, int depth, int j0, int columns)
{
    int j = p->op != KILN_NT && p->m <= IN_PLACE_ROWS ? columns / TILE_COLUMNS * TILE_COLUMNS : 0;

    if (p->op == KILN_NT) {
        for (; j < columns; j += TILE_COLUMNS)
            pack_transposed(packed + (size_t)j * depth, p, k0, depth, j0 + j,
                            panel_columns(columns, j));
        return;
    }
    for (; j < columns; j += GROUP)
        pack_panels(packed + (size_t)j * depth, p, k0, depth, j0 + j,
                    columns - j < GROUP ? columns - j : GROUP);
}

/* R rows of a transposed a, side by side for each step, A_STEP floats from one step to the next.
 * What lies behind row R is copied along where there is something. */
static void pack_a(float *packed, const float *a, int lda, int depth, int R, int exist)
{
    for (int k = 0; k < depth; k++, packed += A_STEP, a += lda) {
        if (exist >= A_STEP)
            for (int i = 0; i < A_STEP; i += KILN_LANES) vf_store(packed + i, vf_load(a + i));
        else
            for (int i = 0; i < R; i++) packed[i] = a[i];
    }
}

/* c[i0 .. i0 + R, block of columns] (+)= a[rows, block of k] · b block. */
static void multiply_rows(const product *p, int i0, int R, int k0, int depth, int j0, int columns,
                          const float *packed, float *a_tile)
{
    const tile_depth whole = {1, depth, 0};
    const float *rows[TILE_ROWS];
    float *c_rows[TILE_ROWS];
    tile_end end = {0, k0 > 0 || p->accumulate, NULL, 0};

    if (p->op == KILN_TN)
        pack_a(a_tile, p->a + (size_t)k0 * p->lda + i0, p->lda, depth, R, p->m - i0); /* a[k, i] */
    for (int i = 0; i < R; i++) {
        rows[i] = p->a + (size_t)(i0 + i) * p->lda + k0; /* a[i, k0] */
        c_rows[i] = p->c + (size_t)(i0 + i) * p->ldc + j0;
    }

    for (int j = 0; j < columns; j += TILE_COLUMNS) {
        const int vectors = tile_vectors(panel_columns(columns, j));
        const float *b = packed + (size_t)j * depth;
        ptrdiff_t b_step = vectors * KILN_LANES;

        end.columns = panel_columns(columns, j);
        if (in_place(p, end.columns)) {
            b = p->b + (size_t)k0 * p->ldb + j0 + j;
            b_step = p->ldb;
        }
        if (p->op == KILN_TN)
            kiln_tile_adjacent[vectors - 1][R - 1](c_rows[0] + j, p->ldc, a_tile, A_STEP, whole, b,
                                                   b_step, &end);
        else
            kiln_tile_apart[vectors - 1][R - 1](c_rows, j, rows, 0, whole, b, b_step, &end);
    }
}

static void multiply(const product *p, float *work)
{
    const int tiles = tile_count(p->m);

    if (p->k == 0 && !p->accumulate)
        for (int i = 0; i < p->m; i++)
            memset(p->c + (size_t)i * p->ldc, 0, (size_t)p->n * sizeof(float));
    for (int j0 = 0; j0 < p->n; j0 += NC)
        for (int k0 = 0; k0 < p->k; k0 += KC) {
            const int columns = p->n - j0 < NC ? p->n - j0 : NC;
            const int depth = p->k - k0 < KC ? p->k - k0 : KC;
            float *const a_tile = work, *const b_block = work + (size_t)depth * A_STEP;

            pack_b(b_block, p, k0, depth, j0, columns);
            for (int t = 0; t < tiles; t++) {
                const int i0 = tile_first(p->m, t), R = tile_first(p->m, t + 1) - i0;

                multiply_rows(p, i0, R, k0, depth, j0, columns, b_block, a_tile);
            }
        }
}

void kiln_gemm_serial(int op, int m, int n, int k, const float *a, int lda, const float *b, int ldb,
                      int accumulate, float *c, int ldc, float *work)
{
    const product p = {op, m, n, k, a, lda, b, ldb, accumulate, c, ldc};

    multiply(&p, work);
}

/* ---- on the pool: c is cut into a grid, each piece is a product of its own ------------------- */

typedef struct {
    const product *whole;
    int down, across; /* pieces */
    float *work;
    size_t work_each;
} grid;

/* Where piece i of `pieces` begins when `total` is cut at multiples of `unit`. */
static int cut(int total, int pieces, int i, int unit)
{
    const int units = (total + unit - 1) / unit, at = (int)((long)units * i / pieces) * unit;

    return at < total ? at : total;
}

static void multiply_piece(void *context, int task, int thread)
{
    const grid *g = context;
    product p = *g->whole;
    const int down = task / g->across, across = task % g->across;
    const int i0 = cut(p.m, g->down, down, TILE_ROWS), i1 = cut(p.m, g->down, down + 1, TILE_ROWS);
    const int j0 = cut(p.n, g->across, across, TILE_COLUMNS);
    const int j1 = cut(p.n, g->across, across + 1, TILE_COLUMNS);

    p.a += p.op == KILN_TN ? (size_t)i0 : (size_t)i0 * p.lda;
    p.b += p.op == KILN_NT ? (size_t)j0 * p.ldb : (size_t)j0;
    p.c += (size_t)i0 * p.ldc + j0;
    p.m = i1 - i0;
    p.n = j1 - j0;
    multiply(&p, g->work + (size_t)thread * g->work_each);
}

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

void kiln_gemm(int op, int m, int n, int k, const float *a, int lda, const float *b, int ldb,
               int accumulate, float *c, int ldc, float *work)
{
    const product p = {op, m, n, k, a, lda, b, ldb, accumulate, c, ldc};
    const int pieces = 2 * kiln_threads();
    grid g = {&p, 1, 1, work, kiln_gemm_serial_work(m, n, k)};

    if (kiln_threads() == 1 || (double)m * n * k < SMALL) {
        multiply(&p, work);
        return;
    }
    /* Columns first: pieces side by side pack different parts of b. */
    g.across = at_most(pieces, (n + 4 * TILE_COLUMNS - 1) / (4 * TILE_COLUMNS));
    g.down = at_most((pieces + g.across - 1) / g.across, tile_count(m));
    kiln_parallel(g.down * g.across, multiply_piece, &g);
}
