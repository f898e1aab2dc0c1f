/*
 * Parser of the arrow notation: recursive descent over the scanner of notation_scan.c. The grammar
 * is in notation.h, shapes are inferred by plan.c as layers are read, and the canonical text is
 * written on the way.
 *
 * A repeated chain is read again for each of its copies, and written once. Every item is at least
 * one layer and layers are at most 256, which bounds the work.
 */
#include "net/notation.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "net/kinds.h"
#include "net/notation_scan.h"

typedef struct {
    kiln_scanner s;
    int depth;   /* brackets and residuals that are open */
    int silent;  /* reading a copy: nothing is written */
    int written; /* characters of the canonical text; beyond KILN_NOTATION_MAX: too many */
    int ended;   /* a loss was read */
    kiln_plan *plan;
    kiln_value value;
} parser;

/* ---- layers ---------------------------------------------------------------------------------- */

static int read_value(parser *p, const kiln_attribute *a, double *value)
{
    float number = 0;
    int whole = 0;

    switch (a->type) {
    case KILN_WHOLE:
        KILN_TRY(kiln_scan_whole(&p->s, a->what, (int)a->min, (int)a->max, &whole));
        *value = whole;
        return KILN_OK;
    case KILN_SHARE: KILN_TRY(kiln_scan_share(&p->s, a->what, &number)); break;
    case KILN_NUMBER:
        KILN_TRY(kiln_scan_number(&p->s, a->what, (double)a->min, (double)a->max, &number));
        break;
    case KILN_FLAG: number = 1;
    }
    *value = (double)number;
    return KILN_OK;
}

/* Is attribute `a` next? Reads what stands before its value. */
static int next_is(parser *p, const kiln_attribute *a, int *is)
{
    char expected[96];

    *is = a->word      ? kiln_scan_accept_word(&p->s, a->word)
          : a->lead    ? kiln_scan_accept(&p->s, a->lead)
          : a->optional ? kiln_scan_number_follows(&p->s)
                        : 1;
    if (*is || !a->lead) return KILN_OK;
    snprintf(expected, sizeof expected, "\"%c\" and %s", a->lead, a->what);
    return kiln_scan_unexpected(&p->s, expected, NULL, 0);
}

static int read_attributes(parser *p, kiln_layer *l)
{
    const kiln_attribute *a = l->kind->attribute;
    const int count = kiln_attribute_count(l->kind);
    int seen[KILN_ATTRIBUTES_MAX] = {0}, first, is;

    for (first = 0; first < count && !a[first].word; first++) {
        KILN_TRY(next_is(p, &a[first], &seen[first]));
        if (seen[first]) KILN_TRY(read_value(p, &a[first], &l->value[first]));
    }
    for (int i = first; i < count; i++) {
        if (seen[i]) continue;
        KILN_TRY(next_is(p, &a[i], &is));
        if (!is) continue;
        KILN_TRY(read_value(p, &a[i], &l->value[i]));
        seen[i] = 1;
        i = first - 1; /* in any order */
    }
    for (int i = 0; i < count; i++)
        if (!seen[i]) l->value[i] = kiln_attribute_standard(&a[i], l->value);
    return KILN_OK;
}

static void write_text(parser *p, const char *text)
{
    const int length = (int)strlen(text);

    if (p->silent) return;
    if (p->written + length <= KILN_NOTATION_MAX)
        memcpy(p->plan->notation + p->written, text, (size_t)length + 1);
    p->written += length; /* beyond the end: refused when all is read */
}

/* The kind that a word writes, or that people call so elsewhere; NULL: none. */
static const kiln_layer_kind *find_kind(const char *word, int elsewhere)
{
    const kiln_layer_kind *kind;

    for (int i = 0; (kind = kiln_kind_at(i)); i++) {
        if (!elsewhere && kind->notation && !strcmp(word, kind->notation)) return kind;
        for (const char *const *alias = kind->aliases; elsewhere && *alias; alias++)
            if (!strcmp(word, *alias)) return kind;
    }
    return NULL;
}

static int unknown_layer(parser *p)
{
    const kiln_layer_kind *kind;
    const char *names[KILN_KINDS_MAX];
    char word[24], found[32], expected[400] = "a layer: ";
    int count = 0;

    kiln_scan_word(&p->s, word, sizeof word);
    snprintf(found, sizeof found, "\"%s\"", word);
    kind = find_kind(word, 1);
    if (kind)
        return kiln_scan_fail(&p->s, found, "a layer",
                              kind->example ? kind->example : kind->notation);
    kind = kiln_kind_named(word);
    if (kind && kind->advice) return kiln_scan_fail(&p->s, found, kind->advice, NULL);
    for (int i = 0; (kind = kiln_kind_at(i)); i++)
        if (kind->notation) names[count++] = kind->notation;
    for (int i = 0; i < count; i++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%s%s",
                 i == 0           ? ""
                 : i == count - 1 ? " or "
                                  : ", ",
                 names[i]);
    return kiln_scan_unexpected(&p->s, expected, names, count);
}

static int parse_layer(parser *p)
{
    kiln_layer layer = {.column = p->s.column[p->s.at]};
    char word[24], text[96];
    int length = kiln_scan_word(&p->s, word, sizeof word);

    layer.kind = find_kind(word, 0);
    if (!layer.kind) return unknown_layer(p);
    if (layer.kind->loss) {
        if (p->depth)
            return kiln_scan_fail(&p->s, layer.kind->name,
                                  "a layer: the loss ends the net, outside of brackets", NULL);
        p->ended = 1;
    }
    p->s.last = p->s.at += length;
    KILN_TRY(read_attributes(p, &layer));
    layer.end = p->s.column[p->s.last - 1] + 1;
    kiln_layer_text(text, sizeof text, &layer);
    write_text(p, text);
    return kiln_plan_add(p->plan, &layer, &p->value);
}

/* ---- chains ---------------------------------------------------------------------------------- */

static int parse_chain(parser *p);

static int open_nesting(parser *p)
{
    if (p->depth == KILN_NESTING_MAX) {
        const int column = p->s.column[p->s.at];

        return kiln_fail_at(KILN_E_NOTATION, column, "net: column %d: nested deeper than %d",
                            column, KILN_NESTING_MAX);
    }
    p->depth++;
    return KILN_OK;
}

/* "[" chain "]" [ "x" count ] */
static int parse_group(parser *p)
{
    const int bracket = p->written;
    int copies = 1, body, behind;
    char text[24];

    KILN_TRY(open_nesting(p));
    kiln_scan_accept(&p->s, '[');
    write_text(p, "[");
    body = p->s.at;
    KILN_TRY(parse_chain(p));
    if (!kiln_scan_accept(&p->s, ']'))
        return kiln_scan_unexpected(&p->s, "\"-\" and a layer, or \"]\"", NULL, 0);
    if (kiln_scan_accept(&p->s, 'x'))
        KILN_TRY(kiln_scan_whole(&p->s, "the number of copies, as in [...]x2", 1, KILN_LAYERS_MAX,
                                 &copies));
    behind = p->s.at;
    if (copies > 1) {
        snprintf(text, sizeof text, "]x%d", copies);
        write_text(p, text);
    } else if (!p->silent && p->written <= KILN_NOTATION_MAX) { /* the bracket says nothing */
        char *from = p->plan->notation + bracket;

        memmove(from, from + 1, (size_t)(p->written - bracket));
        p->written--;
    }
    p->silent++;
    for (int copy = 1; copy < copies; copy++) {
        p->s.at = body;
        KILN_TRY(parse_chain(p));
    }
    p->silent--;
    p->s.last = p->s.at = behind;
    p->depth--;
    return KILN_OK;
}

/* "residual(" chain [ "|" chain ] ")" */
static int parse_residual(parser *p)
{
    const kiln_value input = p->value;
    const int column = p->s.column[p->s.at];
    kiln_value shortcut = input, end;

    KILN_TRY(open_nesting(p));
    kiln_scan_accept_word(&p->s, "residual");
    if (!kiln_scan_accept(&p->s, '('))
        return kiln_scan_unexpected(&p->s, "\"(\" as in residual(conv 3x3x16 - relu)", NULL, 0);
    write_text(p, "residual(");
    KILN_TRY(parse_chain(p));
    end = p->value;
    if (kiln_scan_accept(&p->s, '|')) {
        write_text(p, " | ");
        p->value = input;
        KILN_TRY(parse_chain(p));
        shortcut = p->value;
        if (!kiln_scan_accept(&p->s, ')'))
            return kiln_scan_unexpected(&p->s, "\"-\" and a layer, or \")\"", NULL, 0);
    } else if (!kiln_scan_accept(&p->s, ')')) {
        return kiln_scan_unexpected(&p->s, "\"-\" and a layer, \"|\" and a shortcut, or \")\"",
                                    NULL, 0);
    }
    write_text(p, ")");
    p->value = end;
    p->depth--;
    return kiln_plan_join(p->plan, column, p->s.column[p->s.last - 1] + 1, &input, &shortcut,
                          &p->value);
}

static int parse_chain(parser *p)
{
    for (;;) {
        char word[24];

        kiln_scan_word(&p->s, word, sizeof word);
        if (kiln_scan_peek(&p->s) == '[')
            KILN_TRY(parse_group(p));
        else if (strcmp(word, "residual") == 0)
            KILN_TRY(parse_residual(p));
        else if (*word)
            KILN_TRY(parse_layer(p));
        else
            return kiln_scan_unexpected(&p->s, "a layer, \"[\" or residual(", NULL, 0);
        if (p->ended || !kiln_scan_accept(&p->s, '-')) return KILN_OK;
        write_text(p, " - ");
    }
}

/* All words that attributes have, for what might have been meant. */
static int attribute_words(const char *words[KILN_KINDS_MAX])
{
    const kiln_layer_kind *kind;
    int count = 0;

    for (int k = 0; (kind = kiln_kind_at(k)); k++)
        for (int i = 0; i < kiln_attribute_count(kind); i++)
            if (kind->attribute[i].word && count < KILN_KINDS_MAX)
                words[count++] = kind->attribute[i].word;
    return count;
}

static int parse_net(parser *p)
{
    const char *words[KILN_KINDS_MAX];
    int count;

    KILN_TRY(parse_chain(p));
    count = attribute_words(words);
    if (p->ended && kiln_scan_peek(&p->s))
        return kiln_scan_unexpected(&p->s, "the end: the loss is the last layer", words, count);
    if (kiln_scan_peek(&p->s))
        return kiln_scan_unexpected(&p->s, "\"-\" and the next layer", words, count);
    if (!p->ended)
        return kiln_scan_unexpected(&p->s, "\"- softmax\" or \"- svm\", the loss at the end", NULL,
                                    0);
    if (p->written > KILN_NOTATION_MAX)
        return kiln_fail(KILN_E_NOTATION, "net: longer than %d characters when spaced out",
                         KILN_NOTATION_MAX);
    return KILN_OK;
}

int kiln_notation_parse(kiln_plan *plan, const char *notation, int C, int H, int W)
{
    parser p;

    if (C < 1 || H < 1 || W < 1 || C > KILN_DIM_MAX || H > KILN_DIM_MAX || W > KILN_DIM_MAX ||
        (double)C * H * W > KILN_ELEMENTS_MAX)
        return kiln_fail(KILN_E_ARG,
                         "input: %dx%dx%d is not of sizes from 1 to %d with at most 2^28 values", C,
                         H, W, KILN_DIM_MAX);
    memset(plan, 0, sizeof *plan);
    memset(&p, 0, sizeof p);
    plan->C = C, plan->H = H, plan->W = W;
    p.plan = plan;
    p.value = (kiln_value){-1, 1, C, H, W};
    KILN_TRY(kiln_scan_clean(&p.s, notation));
    return parse_net(&p);
}
