/* The public functions about the library itself: kiln.h, "the library" (options and presets are
 * api_options.c's). */
#include <stdlib.h>

#include "api/api_text.h"
#include "api/handles.h"
#include "base/arena.h"
#include "base/simd.h"
#include "base/status.h"
#include "base/threads.h"
#include "kiln.h"

static kiln_json text;

kiln_json *kiln_text_begin(void)
{
    kiln_json_begin(&text);
    return &text;
}

int kiln_text_end(void)
{
    return kiln_json_end(&text);
}

const char *kiln_text(void)
{
    return kiln_json_text(&text);
}

const char *kiln_version(void)
{
    return "0.1.0";
}

const char *kiln_mode(void)
{
    return KILN_FUSED ? "fused" : "strict";
}

int kiln_lanes(void)
{
    return KILN_LANES;
}

/* (1 + e)(1 - e) - 1 with e = 2^-13 is -2^-26; after a product rounded to float it is 0. */
int kiln_fused_probe(void)
{
    const volatile float above = 1 + 0x1p-13f, below = 1 - 0x1p-13f, minus_one = -1;
    float lane[KILN_LANES];
    int fused = sf_madd(above, below, minus_one) != 0;

    vf_store(lane, vf_madd(vf_set1(above), vf_set1(below), vf_set1(minus_one)));
    for (int i = 0; i < KILN_LANES; i++) fused &= lane[i] != 0;
    return fused;
}

int kiln_threads_use(int threads)
{
    if (kiln_handle_count(KILN_KIND_NET) || kiln_handle_count(KILN_KIND_TRAINER) ||
        kiln_handle_count(KILN_KIND_CHECK))
        return kiln_fail(KILN_E_STATE,
                         "threads: destroy all nets and trainers first: their scratch is "
                         "laid out for the present number");
    if (threads < 1 || threads > KILN_THREADS_MAX)
        return kiln_fail(KILN_E_ARG, "threads: %d is not from 1 to %d", threads, KILN_THREADS_MAX);
    return kiln_threads_set(threads);
}

int kiln_worker_run(int thread)
{
    return kiln_threads_work(thread);
}

int kiln_worker_fail(void)
{
    return kiln_threads_fail();
}

void *kiln_alloc(int bytes)
{
    return bytes < 0 ? NULL : malloc(bytes ? (size_t)bytes : 1);
}

void kiln_free(void *buffer)
{
    free(buffer);
}

int kiln_memory_used(void)
{
    return (int)((kiln_arena_live() + 1023) / 1024);
}
