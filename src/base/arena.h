/*
 * One contiguous block, handed out in 64-byte aligned pieces. The only malloc in the library.
 *
 * The same code plans and lays out: with `base` NULL kiln_arena_take only counts, so a function
 * that takes its pieces from an arena is run once to learn the size, and once more on real memory.
 */
#ifndef KILN_BASE_ARENA_H
#define KILN_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define KILN_ALIGN 64 /* a cache line, and the widest vector */

typedef struct {
    char *base;    /* NULL while planning */
    uint64_t used; /* bytes taken so far, also where no address reaches; UINT64_MAX: overflowed */
    size_t size;   /* bytes there are; 0 while planning */
} kiln_arena;

/* Bytes allowed in one arena: settable downwards, for tests and for hosts with a limit. */
size_t kiln_memory_limit(void);
void kiln_memory_limit_set(size_t bytes);

/* Allocates and zeroes `bytes`. KILN_E_MEMORY with the number, and `what` it was for, when refused.
 * */
int kiln_arena_create(kiln_arena *arena, uint64_t bytes, const char *what);
/* Whether an arena of so many bytes could be had now: it is taken, untouched, and given back. */
int kiln_arena_would_fit(double bytes);
/* Nearly the largest count that fits, from `fits`, which does (0: none is known to), to below
 * `refused`. */
int kiln_arena_largest(int fits, int refused, int (*would_fit)(void *context, int count),
                       void *context);
void kiln_arena_destroy(kiln_arena *arena); /* any number of times */

/* The next piece of count * size bytes; NULL while planning or when the sum overflowed. */
void *kiln_arena_take(kiln_arena *arena, size_t count, size_t size);

/* Bytes in all arenas that are alive. */
size_t kiln_arena_live(void);

/* Allocations made since the program began: a test proves that a training step makes none. */
long kiln_arena_allocations(void);

#endif
