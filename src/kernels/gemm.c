/*
 * Matrix product in blocks. Everything is one loop nest around the register tile of tile.h:
 *
 *   for a block of NC columns of c         b block: KC x NC floats, 384 KB: stays in L2
 *     for a block of KC of the sums        packed into strips of 64 bytes or two vectors
 *       for a group of tiles of rows       their a: 16 KB, or one tile, 9 KB: stays in L1
 *         for a panel of two vectors       streams from L2, prefetched since contiguous
 *           for a tile of the group        c[tile, panel] (+)= a[tile] · panel
 *
 * Traffic: a is read n / NC times, c read and written k / KC times, b packed once (once for each
 * block of rows that threads work on). Strips, since b is best read a whole line of the cache at a
 * time: rows of b are often a power of two apart, and fight for the same few sets of L1. The last
 * strip is padded with zeros to whole vectors.
 *
 * Small nets have few rows of c, which share what packing costs. So the first tile of rows packs b
 * as it reads it; one tile alone reads it in place. Where b must be transposed (NT), which no tile
 * can do on its way, it is the shorter of a and b that is (best_way).
 *
 * a is used where it lies: a broadcast costs the same from any address, and copying it first
 * measured no faster. Only a transposed a is copied, a group at a time, for the same fight in L1.
 * A group is many tiles where sums are short, and calls would cost as much as they.
 *
 * Threads cut c between them. Where it is small and k long (an affine layer forward) each would
 * read all of a or b, half of it from another core's cache; there k is split (split-K): a block of
 * it is a task, whose sums are added to the others' in order, as one thread alone adds them.
 *
 * Source: Goto and van de Geijn, ACM TOMS 34(3), 2008, with the roles of L1 and L2 as in section 4.
 */
#include "kernels/gemm.h"

#include "base/threads.h"
#include "kernels/tile.h"
#include "kernels/vec.h"

#define KC KILN_GEMM_KC
#define NC 256 /* a multiple of every TILE_STRIP */
#define ROWS 96        /* of c in a group at most, a multiple of every TILE_ROWS */
#define A_FLOATS 4096  /* of a that a group of rows reads, unless one tile needs more: 16 KB */
#define TRANSPOSE (3 * KILN_LANES / 4) /* multiply-adds that take as long as to transpose a float */
#define TRANSPOSED_STORE (2 * KILN_LANES) /* ... and to store one in a transposed c */
#define TRANSPOSED_FLOATS (ROWS * NC)
#define SPLIT_K_FLOATS (1 << 18)       /* that threads may leave for each other: 1 MB */
#define SMALL (64 * 64 * 64)           /* multiply-adds below which threads do not pay */

typedef struct {
    int op, m, n, k;
    const float *a;
    int lda;
    const float *b;
    int ldb, accumulate;
    float *c;
    int ldc, transposed; /* c[j, i] is stored where c[i, j] was computed */
} product;

static int at_most(int value, int limit)
{
    return value < limit ? value : limit;
}

/* Tiles of rows that a group may have. */
static int group_tiles(int depth)
{
    if (depth * ROWS <= A_FLOATS) return ROWS / TILE_ROWS;
    return depth * 2 * TILE_ROWS > A_FLOATS ? 1 : A_FLOATS / (depth * TILE_ROWS);
}

/* Floats of a step of their packed a. */
static size_t group_width(int depth)
{
    return (size_t)vf_whole(group_tiles(depth) * TILE_ROWS);
}

static size_t piece_work(int m, int n, int k)
{
    const size_t depth = (size_t)(k < KC ? k : KC);
    const int most = m > n ? m : n; /* it may be computed transposed */
    const size_t columns = (size_t)(most < NC ? most : NC) + TILE_COLUMNS;

    return depth * (columns + group_width((int)depth)) + TRANSPOSED_FLOATS;
}

static int blocks_of(int k)
{
    return (k + KC - 1) / KC;
}

/* Whether threads could split k, each block a task with sums of its own, and whether they do: where
 * c is small and k long. */
static int could_split_k(int k)
{
    return kiln_threads() > 1 && blocks_of(k) >= 2 * kiln_threads();
}

static int splits_k(int m, int n, int k)
{
    return could_split_k(k) && (double)m * n * blocks_of(k) <= SPLIT_K_FLOATS;
}

/* The scratch of a product serves all smaller ones, which may split k where it does not. */
size_t kiln_gemm_work(int m, int n, int k)
{
    const double sums = could_split_k(k) ? (double)m * n * blocks_of(k) : 0;

    return (size_t)kiln_threads() * piece_work(m, n, k) +
           (sums < SPLIT_K_FLOATS ? (size_t)sums : SPLIT_K_FLOATS);
}

/* Columns of the strip that begins at j. A step of it is packed into whole vectors. */
static int strip_columns(int columns, int j)
{
    return columns - j < TILE_STRIP ? columns - j : TILE_STRIP;
}

/* strip[k][j] = b[k0 + k, j0 + j], zero where there are no more columns. */
static void pack_strip(float *strip, const product *p, int k0, int depth, int j0, int columns)
{
    const int width = vf_whole(columns);

    if (p->op == KILN_NT) { /* b (n, k) */
        kiln_vec_transpose(strip, (size_t)width, p->b + (size_t)j0 * p->ldb + k0, (size_t)p->ldb,
                           columns, depth);
        for (int k = 0; columns < width && k < depth; k++)
            for (int j = columns; j < width; j++) strip[(size_t)k * width + j] = 0.0f;
        return;
    }
    for (int k = 0; k < depth; k++, strip += width) {
        const float *row = p->b + (size_t)(k0 + k) * p->ldb + j0;

        if (columns == TILE_STRIP)
            for (int j = 0; j < TILE_STRIP; j += KILN_LANES) vf_store(strip + j, vf_load(row + j));
        else
            for (int j = 0; j < width; j++) strip[j] = j < columns ? row[j] : 0.0f;
    }
}

/* How the tiles come by a full strip of b. */
enum source { PACKED, PACKED_BY_FIRST_TILE, IN_PLACE };

static enum source strip_source(const product *p)
{
    if (p->op != KILN_NT && p->m <= TILE_ROWS) return IN_PLACE; /* one tile reads it */
    return p->op == KILN_NN ? PACKED_BY_FIRST_TILE : PACKED;
}

/* The block of b as strips, side by side; strip j begins at depth · j. Full strips that need no
 * packing before the tiles run are left out. */
static void pack_b(float *packed, const product *p, int k0, int depth, int j0, int columns)
{
    int j = strip_source(p) == PACKED ? 0 : columns / TILE_STRIP * TILE_STRIP;

    for (; j < columns; j += TILE_STRIP)
        pack_strip(packed + (size_t)j * depth, p, k0, depth, j0 + j, strip_columns(columns, j));
}

/* A transposed a's rows of c side by side for each step, `width` whole vectors of them. */
static void pack_a(float *packed, const float *a, int lda, int depth, int width, int exist)
{
    for (int k = 0; k < depth; k++, packed += width, a += lda) {
        int i = 0;

        for (; i < width && i + KILN_LANES <= exist; i += KILN_LANES)
            vf_store(packed + i, vf_load(a + i));
        for (; i < width; i++) packed[i] = i < exist ? a[i] : 0.0f;
    }
}

/* c[j, i] (+)= sums[i, j] */
static void store_transposed(float *c, int ldc, const float *sums, int rows, int columns,
                             int accumulate)
{
    if (!accumulate) {
        kiln_vec_transpose(c, (size_t)ldc, sums, NC, rows, columns);
        return;
    }
    for (int j = 0; j < columns; j++)
        for (int i = 0; i < rows; i++) c[(size_t)j * ldc + i] += sums[(size_t)i * NC + j];
}

/* c[a group of tiles, block of columns] (+)= a[rows, block of k] · b block. */
static void multiply_group(const product *p, tile_run group, int k0, int depth, int j0,
                           int columns, float *packed, float *a_packed, float *transposed)
{
    const tile_depth whole = {1, depth, 0};
    const enum source source = strip_source(p);
    const int i0 = group.first, R = group.rows, count = group.tiles * R, a_step = vf_whole(count);
    const float *rows[ROWS];
    float *c_rows[ROWS];
    tile_end end = {0, !p->transposed && (k0 > 0 || p->accumulate), NULL, 0};

    if (p->op == KILN_TN)
        pack_a(a_packed, p->a + (size_t)k0 * p->lda + i0, p->lda, depth, a_step,
               p->m - i0); /* a[k, i] */
    for (int i = 0; i < count; i++) {
        rows[i] = p->a + (size_t)(i0 + i) * p->lda + k0; /* a[i, k0] */
        c_rows[i] = p->transposed ? transposed + (size_t)i * NC
                                  : p->c + (size_t)(i0 + i) * p->ldc + j0;
    }

    for (int j = 0; j < columns; j += TILE_COLUMNS) {
        const int first = j / TILE_STRIP * TILE_STRIP, full = columns - first >= TILE_STRIP;
        float *const strip = packed + (size_t)first * depth;
        const float *b = strip + (j - first), *raw = p->b + (size_t)k0 * p->ldb + j0 + j;
        ptrdiff_t b_step = vf_whole(strip_columns(columns, first));
        const int vectors = tile_vectors(columns - j);
        int done = 0; /* tiles */

        end.columns = columns - j < TILE_COLUMNS ? columns - j : TILE_COLUMNS;
        if (full && source == PACKED_BY_FIRST_TILE && i0 == 0 && j == first) {
            kiln_tile_packing[R - 1](c_rows, j, rows, depth, raw, p->ldb, strip, &end);
            done = 1;
        }
        if (full && source == IN_PLACE) {
            b = raw;
            b_step = p->ldb;
        }
        if (p->op == KILN_TN)
            kiln_tile_adjacent[vectors - 1][R - 1](group.tiles, c_rows[0] + j, p->ldc, a_packed,
                                                   a_step, whole, b, b_step, &end);
        else
            kiln_tile_apart[vectors - 1][R - 1](group.tiles - done, c_rows + done * R, j,
                                                rows + done * R, 0, whole, b, b_step, &end);
    }
    if (p->transposed)
        store_transposed(p->c + (size_t)j0 * p->ldc + i0, p->ldc, transposed, count, columns,
                         k0 > 0 || p->accumulate);
}

/* Multiply-adds for each of k when the columns of c lie in vectors and b is transposed. */
static double steps(int m, int n)
{
    return (double)vf_whole(n) * (m + TRANSPOSE);
}

/* Transposing b pays by the rows of c. Where these are few, or leave less of their last vector
 * empty than the columns do, a and b change places, and c is transposed as it is stored. */
static product best_way(product p)
{
    const double stores = (double)p.m * p.n * TRANSPOSED_STORE / p.k;

    if (p.op != KILN_NT || steps(p.n, p.m) + stores >= steps(p.m, p.n)) return p;
    return (product){KILN_NT, p.n, p.m, p.k, p.b, p.ldb, p.a, p.lda, p.accumulate, p.c, p.ldc, 1};
}

static void multiply(const product *whole, float *work)
{
    const product best = best_way(*whole), *p = &best;
    const tile_runs deal = tile_deal(p->m);

    if (p->k == 0 && !p->accumulate)
        for (int i = 0; i < whole->m; i++)
            memset(p->c + (size_t)i * p->ldc, 0, (size_t)whole->n * sizeof(float));
    for (int j0 = 0; j0 < p->n; j0 += NC)
        for (int k0 = 0; k0 < p->k; k0 += KC) {
            const int columns = p->n - j0 < NC ? p->n - j0 : NC;
            const int depth = p->k - k0 < KC ? p->k - k0 : KC;
            const int tiles = group_tiles(depth);
            float *const transposed = work, *const a_packed = transposed + TRANSPOSED_FLOATS;
            float *const b_block = a_packed + (size_t)depth * group_width(depth);

            pack_b(b_block, p, k0, depth, j0, columns);
            for (int r = 0; r < deal.count; r++) {
                const tile_run run = deal.run[r];

                for (int t = 0; t < run.tiles; t += tiles) {
                    const tile_run group = {run.first + t * run.rows, at_most(run.tiles - t, tiles),
                                            run.rows};

                    multiply_group(p, group, k0, depth, j0, columns, b_block, a_packed, transposed);
                }
            }
        }
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
    const int j0 = cut(p.n, g->across, across, TILE_STRIP);
    const int j1 = cut(p.n, g->across, across + 1, TILE_STRIP);

    p.a += p.op == KILN_TN ? (size_t)i0 : (size_t)i0 * p.lda;
    p.b += p.op == KILN_NT ? (size_t)j0 * p.ldb : (size_t)j0;
    p.c += (size_t)i0 * p.ldc + j0;
    p.m = i1 - i0;
    p.n = j1 - j0;
    multiply(&p, g->work + (size_t)thread * g->work_each);
}

/* ---- split-K: a block of k is a task --------------------------------------------------------- */

typedef struct {
    const product *whole;
    float *sums, *work; /* sums (blocks, m, n) */
    size_t work_each;
} split_k;

static void multiply_block(void *context, int block, int thread)
{
    const split_k *s = context;
    product p = *s->whole;
    const int k0 = block * KC;

    p.a += p.op == KILN_TN ? (size_t)k0 * p.lda : (size_t)k0;
    p.b += p.op == KILN_NT ? (size_t)k0 : (size_t)k0 * p.ldb;
    p.k = at_most(p.k - k0, KC);
    p.accumulate = 0;
    p.c = s->sums + (size_t)block * p.m * p.n;
    p.ldc = p.n;
    multiply(&p, s->work + (size_t)thread * s->work_each);
}

/* A row of c: the blocks' sums in order, as one thread alone adds them. */
static void join_row(void *context, int i, int thread)
{
    const split_k *s = context;
    const product *p = s->whole;
    float *c = p->c + (size_t)i * p->ldc;

    (void)thread;
    for (int block = 0; block < blocks_of(p->k); block++) {
        const float *sums = s->sums + ((size_t)block * p->m + i) * p->n;

        if (block == 0 && !p->accumulate)
            kiln_vec_copy(c, sums, p->n);
        else
            kiln_vec_add(c, c, sums, p->n);
    }
}

static void multiply_split_k(const product *p, float *work)
{
    split_k s = {p, work, work + (size_t)blocks_of(p->k) * p->m * p->n,
               piece_work(p->m, p->n, p->k)};

    kiln_parallel(blocks_of(p->k), multiply_block, &s);
    kiln_parallel(p->m, join_row, &s);
}

void kiln_gemm(int op, int m, int n, int k, const float *a, int lda, const float *b, int ldb,
               int accumulate, float *c, int ldc, float *work)
{
    const product p = {op, m, n, k, a, lda, b, ldb, accumulate, c, ldc, 0};
    const int pieces = 2 * kiln_threads();
    grid g = {&p, 1, 1, work, piece_work(m, n, k)};

    if (kiln_threads() == 1 || (double)m * n * k < SMALL) {
        multiply(&p, work);
        return;
    }
    if (splits_k(m, n, k)) {
        multiply_split_k(&p, work);
        return;
    }
    /* Pieces side by side read all of their a, pieces below each other all of their b: the longer
     * side is cut. Two pieces for each thread, so that one can help the other, but one of few
     * columns where there are few rows to share what packing costs. */
    if (n >= pieces * 4 * TILE_COLUMNS)
        g.across = pieces;
    else if (n > m)
        g.across = at_most(kiln_threads(), (n + TILE_STRIP - 1) / TILE_STRIP);
    g.down = at_most((pieces + g.across - 1) / g.across,
                     g.across < kiln_threads() ? tile_count(m) : 1 + m / ROWS);
    kiln_parallel(g.down * g.across, multiply_piece, &g);
}
