/* Handles: slot + SLOTS * generation, always positive; see handles.h. */
#include "api/handles.h"

#include <stddef.h>

#include "base/status.h"

#define SLOTS 64
#define GENERATIONS 0x400000

static struct {
    enum kiln_kind kind;
    int generation;
    int lent;
    void *object; /* NULL: free */
} slot[SLOTS];

static const char *kind_name(enum kiln_kind kind)
{
    static const char *const names[] = {
        [KILN_KIND_NET] = "net",
        [KILN_KIND_DATA] = "data set",
        [KILN_KIND_TRAINER] = "trainer",
        [KILN_KIND_CHECK] = "gradient check",
        [KILN_KIND_SURVEY] = "survey",
    };

    return names[kind];
}

static int put(enum kiln_kind kind, void *object, int lent)
{
    for (int i = 0; i < SLOTS; i++) {
        if (slot[i].object) continue;
        slot[i].kind = kind;
        slot[i].lent = lent;
        slot[i].generation = (slot[i].generation + 1) % GENERATIONS;
        slot[i].object = object;
        return slot[i].generation * SLOTS + i;
    }
    return kiln_fail(KILN_E_MEMORY, "%s: %d objects are alive already; destroy some",
                     kind_name(kind), SLOTS);
}

int kiln_handle_put(enum kiln_kind kind, void *object)
{
    return put(kind, object, 0);
}

int kiln_handle_lend(enum kiln_kind kind, void *object)
{
    return put(kind, object, 1);
}

void *kiln_handle_get(enum kiln_kind kind, int handle)
{
    const int i = handle % SLOTS;

    if (handle >= 0 && slot[i].object && slot[i].kind == kind &&
        slot[i].generation == handle / SLOTS)
        return slot[i].object;
    kiln_fail(KILN_E_HANDLE, "handle %d is no %s; it may have been destroyed", handle,
              kind_name(kind));
    return NULL;
}

void *kiln_handle_take(enum kiln_kind kind, int handle)
{
    void *object = kiln_handle_get(kind, handle);

    if (object && slot[handle % SLOTS].lent) {
        kiln_fail(KILN_E_STATE, "handle %d: this %s belongs to a trainer and goes with it", handle,
                  kind_name(kind));
        return NULL;
    }
    if (object) slot[handle % SLOTS].object = NULL;
    return object;
}

void kiln_handle_recall(enum kiln_kind kind, int handle)
{
    if (handle > 0 && kiln_handle_get(kind, handle)) slot[handle % SLOTS].object = NULL;
}

int kiln_handle_count(enum kiln_kind kind)
{
    int count = 0;

    for (int i = 0; i < SLOTS; i++) count += slot[i].object && slot[i].kind == kind;
    return count;
}
