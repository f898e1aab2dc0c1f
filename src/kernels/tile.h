/*
 * The register tile that everything hot is made of: R rows times V vectors of sums, kept in
 * registers while k runs. One step of k loads V vectors of b and R single floats of a, and does R·V
 * vector multiply-adds.
 *
 *   c[i][j] = sum over k, in order from zero, of a[i][k] · b[k][j]
 *   for i < R <= TILE_ROWS, j < V·KILN_LANES
 *
 * The size is what the registers hold. Fused, 6 x 2 sums, 2 of b and 1 of a are 15, all that V8
 * hands out of the 16 of x86; without FMA the product needs one more, so 4 rows. One row more
 * spills, and halves the speed. AVX-512 has 32 registers: 12 x 2 sums. Each step does R·V madds for
 * R + V loads, and two madds a cycle against two or three loads: 6 x 2 and 4 x 2 keep the
 * multipliers, not the loads, at their limit. The loop over k stays rolled: unrolled, compilers
 * hoist loads and spill.
 *
 * a comes in two ways. Rows apart: R pointers, k contiguous; the rows may lie anywhere, so the
 * pixels of an image are rows without any copying, and k may run in several segments (the rows of a
 * filter). Rows adjacent: the R floats of one step side by side, `step` floats from one step to the
 * next.
 */
#ifndef KILN_KERNELS_TILE_H
#define KILN_KERNELS_TILE_H

#include <stddef.h>

#include "base/simd.h"

#define TILE_VECTORS 2
#define TILE_COLUMNS (TILE_VECTORS * KILN_LANES)
#define TILE_STRIP (TILE_COLUMNS < 16 ? 16 : TILE_COLUMNS) /* a line of the cache at least */

#ifndef TILE_ROWS
#if KILN_LANES == 16 && defined(__AVX512F__)
#define TILE_ROWS 12
#elif KILN_LANES == 8 || (KILN_LANES == 4 && KILN_FUSED)
#define TILE_ROWS 6
#else
#define TILE_ROWS 4
#endif
#endif

/* What becomes of the sums: c += sum, or c = max(0, sum + bias) with either left out. */
typedef struct {
    int columns; /* that exist: the tile's other columns are computed on padding and dropped */
    int accumulate;
    const float *bias; /* NULL or one per column */
    int relu;
} tile_end;

/* k of rows that lie apart: `segments` runs of `length`, `jump` floats from one run's start to the
 * next. */
typedef struct {
    int segments, length;
    ptrdiff_t jump;
} tile_depth;

/* `tiles` tiles, one below the other, of equally many rows against the same panel of b: where sums
 * are short a tile takes little longer than a call does. Row i of c is at c[i] + c_shift, of a at
 * rows[i] + shift, so the pointers of one panel and point serve for all. */
typedef void tile_apart(int tiles, float *const *c, ptrdiff_t c_shift, const float *const *rows,
                        ptrdiff_t shift, tile_depth depth, const float *b, ptrdiff_t b_step,
                        const tile_end *end);
typedef void tile_adjacent(int tiles, float *c, ptrdiff_t c_step, const float *a, ptrdiff_t a_step,
                           tile_depth depth, const float *b, ptrdiff_t b_step, const tile_end *end);

/* Tiles of 1..TILE_ROWS rows and 1..TILE_VECTORS vectors: index [vectors - 1][rows - 1]. */
extern tile_apart *const kiln_tile_apart[TILE_VECTORS][TILE_ROWS];
extern tile_adjacent *const kiln_tile_adjacent[TILE_VECTORS][TILE_ROWS];

/* Rows apart, all vectors, and TILE_STRIP columns of b are left in `strip`, step behind step, for
 * the tiles that come after: the loop waits for its multipliers, so copying is free. Index
 * [rows - 1], for rows > TILE_ROWS / 2 only: a tile that has others below it has so many. */
typedef void tile_packing(float *const *c, ptrdiff_t c_shift, const float *const *rows,
                          int depth, const float *b, ptrdiff_t b_step, float *strip,
                          const tile_end *end);
extern tile_packing *const kiln_tile_packing[TILE_ROWS];

static inline int tile_count(int m)
{
    return (m + TILE_ROWS - 1) / TILE_ROWS;
}

/* m rows are dealt out evenly to the fewest tiles, 16 as 6, 5, 5: small tiles waste more of their
 * step than they save. So there are at most two runs of equal tiles. */
typedef struct {
    int first, tiles, rows; /* the run's first row; rows of each tile */
} tile_run;

typedef struct {
    int count;
    tile_run run[2];
} tile_runs;

static inline tile_runs tile_deal(int m)
{
    const int tiles = tile_count(m), rows = tiles ? m / tiles : 0, more = tiles ? m % tiles : 0;
    tile_runs deal = {0};

    if (more) deal.run[deal.count++] = (tile_run){0, more, rows + 1};
    if (m) deal.run[deal.count++] = (tile_run){more * (rows + 1), tiles - more, rows};
    return deal;
}

/* Vectors that a panel starting `columns` before the end needs: 1 or 2. */
static inline int tile_vectors(int columns)
{
    return columns > KILN_LANES ? 2 : 1;
}

#endif
