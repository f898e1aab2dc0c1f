/* Layers as the notation writes them, and the sentence for one that cannot take what it gets. */
#include <stdio.h>
#include <string.h>

#include "base/digits.h"
#include "base/status.h"
#include "net/kinds.h"
#include "net/notation.h"

static void number_text(char out[KILN_DIGITS], enum kiln_attribute_type type, double value)
{
    if (type == KILN_WHOLE)
        snprintf(out, KILN_DIGITS, "%.0f", value);
    else
        kiln_digits_float(out, (float)value);
}

double kiln_attribute_shown(const kiln_attribute *a, double value)
{
    char digits[KILN_DIGITS];

    number_text(digits, a->type, value);
    return kiln_digits_read(digits, NULL);
}

static void append(char *out, size_t size, const char *text)
{
    const size_t used = strlen(out);

    snprintf(out + used, size - used, "%s", text);
}

double kiln_attribute_standard(const kiln_attribute *a, const double *value)
{
    return a->derive ? a->derive(value) : (double)a->standard;
}

void kiln_layer_text(char *out, size_t size, const kiln_layer *layer)
{
    snprintf(out, size, "%s", layer->kind->name);
    for (int i = 0; i < kiln_attribute_count(layer->kind); i++) {
        const kiln_attribute *a = &layer->kind->attribute[i];
        const char lead[2] = {a->lead ? a->lead : ' ', 0};
        char number[KILN_DIGITS];

        if ((a->word || a->optional) &&
            layer->value[i] == kiln_attribute_standard(a, layer->value))
            continue;
        append(out, size, lead);
        if (a->word) append(out, size, a->word);
        if (a->type == KILN_FLAG) continue;
        if (a->word) append(out, size, " ");
        number_text(number, a->type, layer->value[i]);
        append(out, size, number);
    }
}

int kiln_misfit(const kiln_layer *layer, const char *sentence)
{
    char text[96];

    kiln_layer_text(text, sizeof text, layer);
    return kiln_fail_at(KILN_E_SHAPE, layer->column, "net: column %d: %s %s", layer->column, text,
                        sentence);
}
