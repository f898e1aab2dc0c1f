/*
 * Counts every allocation of the program, whoever makes it: by the hooks of the sanitizers
 * allocator, or by standing in for the C library. Include it in one file of a program.
 */
#ifndef KILN_TESTS_COUNT_MALLOC_H
#define KILN_TESTS_COUNT_MALLOC_H

#include <stddef.h>

static volatile long malloc_count;

#ifdef __SANITIZE_ADDRESS__

int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *block, size_t size)
{
    (void)block;
    (void)size;
    malloc_count++;
}

static void on_free(const volatile void *block)
{
    (void)block;
}

static void count_malloc(void)
{
    __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
}

#else

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size)
{
    malloc_count++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    malloc_count++;
    return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    malloc_count++;
    return __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    malloc_count++;
    return __libc_memalign(alignment, size);
}

static void count_malloc(void)
{
}

#endif

#endif
