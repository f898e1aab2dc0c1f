/* Bump allocator over one aligned block; see arena.h. */
#if defined(__linux__)
#define _DEFAULT_SOURCE /* madvise */
#include <sys/mman.h>
#endif

#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* WebAssembly has 4 GiB of addresses, and an end of its own that bindings name. */
static size_t limit = sizeof(size_t) > 4 ? (size_t)16 << 30 : (size_t)0 - ((size_t)1 << 20);
static size_t live;
static long allocations;

size_t kiln_memory_limit(void)
{
    return limit;
}

void kiln_memory_limit_set(size_t bytes)
{
    limit = bytes;
}

size_t kiln_arena_live(void)
{
    return live;
}

long kiln_arena_allocations(void)
{
    return allocations;
}

/* A net is walked from end to end in every step, and 4 KiB pages are more than a core's tables of
 * pages hold. Linux gives pages of 2 MiB to who asks; a refusal costs nothing. */
static void ask_for_huge_pages(char *block, size_t bytes)
{
#if defined(__linux__)
    const size_t page = (size_t)2 << 20, skip = (page - (uintptr_t)block % page) % page;

    if (bytes >= skip + page) madvise(block + skip, (bytes - skip) / page * page, MADV_HUGEPAGE);
#else
    (void)block;
    (void)bytes;
#endif
}

int kiln_arena_create(kiln_arena *arena, uint64_t bytes, const char *what)
{
    char *block;

    memset(arena, 0, sizeof *arena);
    if (bytes == UINT64_MAX)
        return kiln_fail(KILN_E_MEMORY, "%s: the size overflows; use a smaller net or batch", what);
    if (bytes > limit)
        return kiln_fail(KILN_E_MEMORY, "%s needs %.1f MB, more than the limit of %.1f MB", what,
                         (double)bytes / 1e6, (double)limit / 1e6);
    bytes = (bytes + KILN_ALIGN - 1) / KILN_ALIGN * KILN_ALIGN;
    /* Fresh pages are zero already: calloc knows them. */
    block = calloc(1, (size_t)bytes + KILN_ALIGN);
    if (!block)
        return kiln_fail(KILN_E_MEMORY, "%s needs %.1f MB, which this machine does not give", what,
                         (double)bytes / 1e6);
    ask_for_huge_pages(block, (size_t)bytes);
    allocations++;
    arena->base = block + KILN_ALIGN - (uintptr_t)block % KILN_ALIGN;
    arena->base[-1] = (char)(arena->base - block); /* 1..KILN_ALIGN, for destroy */
    arena->size = (size_t)bytes;
    live += arena->size;
    return KILN_OK;
}

int kiln_arena_would_fit(double bytes)
{
    void *volatile block; /* volatile: a compiler would leave out both calls */

    if (bytes > (double)limit) return 0;
    block = malloc((size_t)bytes + KILN_ALIGN);
    free(block);
    return block != NULL;
}

int kiln_arena_largest(int fits, int refused, int (*would_fit)(void *context, int count),
                       void *context)
{
    while (refused - fits > 1 + fits / 32) {
        const int middle = fits + (refused - fits) / 2;

        if (would_fit(context, middle))
            fits = middle;
        else
            refused = middle;
    }
    return fits;
}

void kiln_arena_destroy(kiln_arena *arena)
{
    if (arena->base) {
        live -= arena->size;
        free(arena->base - arena->base[-1]);
    }
    memset(arena, 0, sizeof *arena);
}

void *kiln_arena_take(kiln_arena *arena, size_t count, size_t size)
{
    const uint64_t start = arena->used;
    uint64_t bytes;

    if (start == UINT64_MAX || __builtin_mul_overflow((uint64_t)count, (uint64_t)size, &bytes) ||
        bytes > UINT64_MAX - 2 * KILN_ALIGN - start) {
        arena->used = UINT64_MAX;
        return NULL;
    }
    arena->used = (start + bytes + KILN_ALIGN - 1) / KILN_ALIGN * KILN_ALIGN;
    if (!arena->base) return NULL;
    assert(arena->used <= arena->size);
    return arena->base + start;
}
