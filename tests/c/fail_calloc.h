/*
 * Lets one allocation of the library fail: arenas ask calloc, and the n-th call from now returns
 * NULL. Include it in one file of a program.
 */
#ifndef KILN_TESTS_FAIL_CALLOC_H
#define KILN_TESTS_FAIL_CALLOC_H

#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#define REAL_CALLOC __interceptor_calloc
#else
#define REAL_CALLOC __libc_calloc
#endif
extern void *REAL_CALLOC(size_t count, size_t size);

static long calloc_fails_in; /* 0: never */

static void fail_calloc(long n)
{
    calloc_fails_in = n;
}

void *calloc(size_t count, size_t size)
{
    if (calloc_fails_in > 0 && --calloc_fails_in == 0) return NULL;
    return REAL_CALLOC(count, size);
}

#endif
