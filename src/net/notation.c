/*
 * Parser of the arrow notation: recursive descent over the scanner of notation_scan.c. The grammar
 * is in notation.h, shapes are inferred by shapes.c as layers are read, and the canonical text is
 * written on the way.
 *
 * A repeated chain is read again for each of its copies, and written once. Every item is at least
 * one layer and layers are at most 256, which bounds the work.
 */
#include "net/notation.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "net/notation_scan.h"
#include "net/shapes.h"

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

static int read_conv(parser *p, kiln_conv_shape *s)
{
    int stride = 0, pad = -1;

    KILN_TRY(
        kiln_scan_whole(&p->s, "the filter's height, as in conv 3x3x32", 1, KILN_DIM_MAX, &s->HH));
    if (!kiln_scan_accept(&p->s, 'x'))
        return kiln_scan_unexpected(&p->s, "\"x\" as in conv 3x3x32", NULL, 0);
    KILN_TRY(
        kiln_scan_whole(&p->s, "the filter's width, as in conv 3x3x32", 1, KILN_DIM_MAX, &s->WW));
    if (!kiln_scan_accept(&p->s, 'x'))
        return kiln_scan_unexpected(&p->s, "\"x\" and the number of filters", NULL, 0);
    KILN_TRY(
        kiln_scan_whole(&p->s, "the number of filters, as in conv 3x3x32", 1, KILN_DIM_MAX, &s->F));
    for (;;) {
        if (!stride && kiln_scan_accept_word(&p->s, "stride"))
            KILN_TRY(kiln_scan_whole(&p->s, "the stride", 1, KILN_DIM_MAX, &stride));
        else if (pad < 0 && kiln_scan_accept_word(&p->s, "pad"))
            KILN_TRY(kiln_scan_whole(&p->s, "the pad", 0, KILN_DIM_MAX, &pad));
        else
            break;
    }
    s->stride = stride ? stride : 1;
    s->pad_h = s->pad_w = pad < 0 ? kiln_default_pad(s->HH, s->WW) : pad;
    return KILN_OK;
}

static int read_pool(parser *p, kiln_layer *l)
{
    kiln_pool_shape *s = &l->u.pool;

    if (l->kind == KILN_AVGPOOL && !kiln_scan_number_follows(&p->s)) {
        l->global = 1;
        return KILN_OK;
    }
    KILN_TRY(
        kiln_scan_whole(&p->s, "the size of the window, as in maxpool 2", 1, KILN_DIM_MAX, &s->HH));
    s->WW = s->stride = s->HH;
    if (l->kind == KILN_MAXPOOL && kiln_scan_accept_word(&p->s, "stride"))
        KILN_TRY(kiln_scan_whole(&p->s, "the stride", 1, KILN_DIM_MAX, &s->stride));
    return KILN_OK;
}

static int read_arguments(parser *p, kiln_layer *l)
{
    switch (l->kind) {
    case KILN_CONV: return read_conv(p, &l->u.conv);
    case KILN_MAXPOOL:
    case KILN_AVGPOOL: return read_pool(p, l);
    case KILN_AFFINE:
        return kiln_scan_whole(&p->s, "the number of outputs, as in affine 10", 1, KILN_DIM_MAX,
                               &l->u.features);
    case KILN_GROUPNORM:
        return kiln_scan_whole(&p->s, "the number of groups, as in groupnorm 4", 1, KILN_DIM_MAX,
                               &l->u.groups);
    case KILN_DROPOUT:
        return kiln_scan_share(&p->s, "the share dropped, as in dropout 0.5", &l->u.rate);
    case KILN_LEAKYRELU:
        l->u.slope = KILN_SLOPE;
        return kiln_scan_number_follows(&p->s) ? kiln_scan_share(&p->s, "the slope", &l->u.slope)
                                               : KILN_OK;
    case KILN_SOFTMAX:
        l->u.smoothing = 0;
        return kiln_scan_accept_word(&p->s, "smoothing")
                   ? kiln_scan_share(&p->s, "the smoothing, as in softmax smoothing 0.1",
                                     &l->u.smoothing)
                   : KILN_OK;
    default: return KILN_OK;
    }
}

static void write_text(parser *p, const char *text)
{
    const int length = (int)strlen(text);

    if (p->silent) return;
    if (p->written + length <= KILN_NOTATION_MAX)
        memcpy(p->plan->notation + p->written, text, (size_t)length + 1);
    p->written += length; /* beyond the end: refused when all is read */
}

/* What people call a layer elsewhere. */
static const char *other_name(const char *word)
{
    static const char *const names[][2] = {
        {"pool", "maxpool 2"},       {"fc", "affine"},          {"dense", "affine"},
        {"linear", "affine"},        {"bn", "batchnorm"},       {"gn", "groupnorm"},
        {"ln", "layernorm"},         {"gap", "avgpool"},        {"meanpool", "avgpool"},
        {"convolution", "conv"},     {"logistic", "sigmoid"},   {"hinge", "svm"},
        {"crossentropy", "softmax"}, {"skip", "residual(...)"}, {"lrelu", "leakyrelu"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(word, names[i][0]) == 0) return names[i][1];
    return NULL;
}

static int unknown_layer(parser *p)
{
    const char *names[KILN_LAYER_KINDS];
    char word[24], found[32];
    int count = 0;

    for (int kind = 0; kind < KILN_LAYER_KINDS; kind++)
        if (kind != KILN_FLATTEN && kind != KILN_ADD) names[count++] = kiln_layer_kind_name(kind);
    names[count++] = "residual";
    kiln_scan_word(&p->s, word, sizeof word);
    snprintf(found, sizeof found, "\"%s\"", word);
    if (strcmp(word, "flatten") == 0)
        return kiln_scan_fail(&p->s, found, "another layer: affine flattens images by itself",
                              NULL);
    if (other_name(word)) return kiln_scan_fail(&p->s, found, "a layer", other_name(word));
    return kiln_scan_unexpected(
        &p->s,
        "a layer: conv, maxpool, avgpool, affine, relu, leakyrelu, gelu, tanh, "
        "sigmoid, batchnorm, layernorm, groupnorm, dropout, residual, softmax or svm",
        names, count);
}

static int parse_layer(parser *p)
{
    kiln_layer layer = {.kind = KILN_LAYER_KINDS, .column = p->s.column[p->s.at]};
    char word[24], text[96];
    int length = kiln_scan_word(&p->s, word, sizeof word);

    for (int kind = 0; kind < KILN_LAYER_KINDS; kind++)
        if (kind != KILN_FLATTEN && kind != KILN_ADD && !strcmp(word, kiln_layer_kind_name(kind)))
            layer.kind = kind;
    if (layer.kind == KILN_LAYER_KINDS) return unknown_layer(p);
    if (layer.kind == KILN_SOFTMAX || layer.kind == KILN_SVM) {
        if (p->depth)
            return kiln_scan_fail(&p->s, kiln_layer_kind_name(layer.kind),
                                  "a layer: the loss ends the net, outside of brackets", NULL);
        p->ended = 1;
    }
    p->s.last = p->s.at += length;
    KILN_TRY(read_arguments(p, &layer));
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

static int parse_net(parser *p)
{
    static const char *const words[] = {"stride", "pad", "smoothing"};

    KILN_TRY(parse_chain(p));
    if (p->ended && kiln_scan_peek(&p->s))
        return kiln_scan_unexpected(&p->s, "the end: the loss is the last layer", words, 3);
    if (kiln_scan_peek(&p->s))
        return kiln_scan_unexpected(&p->s, "\"-\" and the next layer", words, 3);
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
