/*
 * The public gradient checks: kiln.h, kiln_gradcheck and its three of one layer at a time. A check
 * is a net after a pass over random images, and the number of the layer that comes next.
 */
#include "api/api_net.h"
#include "api/api_text.h"
#include "api/handles.h"
#include "base/arena.h"
#include "base/status.h"
#include "kiln.h"
#include "net/gradcheck.h"

typedef struct {
    kiln_net *net;
    int layer;
    kiln_arena self;
} check;

/* The rows of the next layer; 0 where there is none left. */
static int write_layer(check *c, kiln_json *j)
{
    const kiln_plan *plan = kiln_net_plan(c->net);
    kiln_gradcheck_row row[KILN_GRADCHECK_ROWS];
    int rows;

    if (c->layer == plan->count) return 0;
    KILN_TRY(rows = kiln_gradcheck_layer(c->net, c->layer, row));
    for (int i = 0; i < rows; i++) {
        kiln_json_object(j, NULL);
        kiln_json_string(j, "layer", plan->layer[c->layer].name);
        kiln_json_string(j, "tensor", row[i].tensor);
        kiln_json_number(j, "relativeError", row[i].error);
        kiln_json_number(j, "share", row[i].share);
        kiln_json_int(j, "entries", row[i].entries);
        kiln_json_int(j, "kinks", row[i].kinks);
        kiln_json_close(j);
    }
    c->layer++;
    return 1;
}

static int make(check *c, const char *notation, const char *options)
{
    kiln_net_options o;

    if (!notation) return kiln_fail(KILN_E_ARG, "gradcheck: the notation is missing");
    KILN_TRY(kiln_net_options_text(&o, options));
    *c = (check){0};
    return kiln_gradcheck_make(&c->net, notation, &o);
}

int kiln_gradcheck(const char *notation, const char *options)
{
    kiln_json *j;
    int more;
    check c;

    KILN_TRY(make(&c, notation, options));
    j = kiln_text_begin();
    kiln_json_array(j, NULL);
    do more = write_layer(&c, j);
    while (more > 0);
    kiln_json_close(j);
    kiln_net_free(c.net);
    return more < 0 ? more : kiln_text_end();
}

int kiln_gradcheck_create(const char *notation, const char *options)
{
    kiln_arena self;
    int handle;
    check c, *kept;

    KILN_TRY(make(&c, notation, options));
    handle = kiln_arena_create(&self, sizeof *kept, "the gradient check");
    if (handle >= 0) {
        kept = (check *)(void *)self.base;
        *kept = (check){c.net, 0, self};
        handle = kiln_handle_put(KILN_KIND_CHECK, kept);
        if (handle < 0) kiln_arena_destroy(&self);
    }
    if (handle < 0) kiln_net_free(c.net);
    return handle;
}

int kiln_gradcheck_next(int handle)
{
    check *c = kiln_handle_get(KILN_KIND_CHECK, handle);
    kiln_json *j;
    int more;

    if (!c) return KILN_E_HANDLE;
    j = kiln_text_begin();
    kiln_json_array(j, NULL);
    KILN_TRY(more = write_layer(c, j));
    kiln_json_close(j);
    if (!more) kiln_text_begin(); /* the end is an empty text */
    return kiln_text_end();
}

int kiln_gradcheck_destroy(int handle)
{
    check *c = kiln_handle_take(KILN_KIND_CHECK, handle);
    kiln_arena self;

    if (!c) return KILN_E_HANDLE;
    kiln_net_free(c->net);
    self = c->self;
    kiln_arena_destroy(&self);
    return KILN_OK;
}
