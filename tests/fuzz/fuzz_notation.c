/* Fuzz target: the notation. What is accepted must print as a text that parses to the same plan. */
#include <stdlib.h>
#include <string.h>

#include "net/notation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Columns may differ, nothing else. */
static int same(const kiln_layer *a, const kiln_layer *b)
{
    char text_a[96], text_b[96];

    kiln_layer_text(text_a, sizeof text_a, a);
    kiln_layer_text(text_b, sizeof text_b, b);
    return a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(text_a, text_b) &&
           a->from == b->from && a->from2 == b->from2 && a->spatial == b->spatial && a->C == b->C &&
           a->H == b->H && a->W == b->W && a->unread == b->unread && a->flops == b->flops &&
           a->parameters == b->parameters && a->bytes == b->bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static kiln_plan first, second;
    static char text[2 * KILN_NOTATION_MAX];

    if (size >= sizeof text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (kiln_notation_parse(&first, text, 3, 32, 32) < 0) return 0;
    if (kiln_notation_parse(&second, first.notation, 3, 32, 32) < 0) abort();
    if (strcmp(first.notation, second.notation) != 0 || first.count != second.count) abort();
    for (int i = 0; i < first.count; i++)
        if (!same(&first.layer[i], &second.layer[i])) abort();
    return 0;
}
