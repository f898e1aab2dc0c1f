/* The notation: plans, canonical text, errors with columns, limits. */
#include "base/status.h"
#include "check.h"
#include "net/notation.h"

static kiln_plan plan;

static const kiln_plan *parse(const char *notation)
{
    if (kiln_notation_parse(&plan, notation, 3, 32, 32) < 0)
        CHECK_FAIL("%s: %s", notation, kiln_error());
    return &plan;
}

/* Every layer as "name:CxHxW". */
static void check_plan(const char *notation, const char *expected)
{
    const kiln_plan *p = parse(notation);
    char text[2000] = "";

    for (int i = 0; i < p->count; i++) {
        const kiln_layer *l = &p->layer[i];
        const size_t used = strlen(text);

        if (l->spatial)
            snprintf(text + used, sizeof text - used, "%s%s:%dx%dx%d", i ? " " : "", l->name, l->C,
                     l->H, l->W);
        else
            snprintf(text + used, sizeof text - used, "%s%s:%d", i ? " " : "", l->name, l->C);
    }
    assert_string_equal(text, expected);
}

static void check_canonical(const char *notation, const char *expected)
{
    char text[KILN_NOTATION_MAX + 1];

    assert_string_equal(parse(notation)->notation, expected);
    snprintf(text, sizeof text, "%s", plan.notation);
    assert_string_equal(parse(text)->notation, expected);
}

static void check_error(int status, int column, const char *notation, const char *sentence)
{
    const int got = kiln_notation_parse(&plan, notation, 3, 32, 32);

    if (got != status) CHECK_FAIL("%s: status %d, expected %d", notation, got, status);
    assert_string_equal(kiln_error(), sentence);
    assert_int_equal(kiln_error_column(), column);
}

static void plans_of_the_design(void **state)
{
    (void)state;
    check_plan(
        "conv 5x5x16 - relu - maxpool 2 - conv 5x5x20 - relu - maxpool 2 - affine 10 - softmax",
        "conv1:16x32x32 relu1:16x32x32 maxpool1:16x16x16 conv2:20x16x16 relu2:20x16x16 "
        "maxpool2:20x8x8 flatten1:1280 affine1:10 softmax1:10");
    assert_int_equal(plan.classes, 10);
    CHECK(plan.parameters == 5 * 5 * 3 * 16 + 16 + 5 * 5 * 16 * 20 + 20 + 1280 * 10 + 10);
    check_plan("[conv 3x3x32 - batchnorm - relu]x2 - maxpool 2 - dropout 0.3 - affine 10 - softmax",
               "conv1:32x32x32 batchnorm1:32x32x32 relu1:32x32x32 conv2:32x32x32 "
               "batchnorm2:32x32x32 relu2:32x32x32 maxpool1:32x16x16 dropout1:32x16x16 "
               "flatten1:8192 affine1:10 softmax1:10");
    CHECK(plan.layer[7].value[0] == (double)0.3f);
    check_plan("conv 3x3x16 - residual(conv 3x3x16 - batchnorm - relu - conv 3x3x16 - batchnorm) - "
               "relu - avgpool - affine 10 - svm",
               "conv1:16x32x32 conv2:16x32x32 batchnorm1:16x32x32 relu1:16x32x32 conv3:16x32x32 "
               "batchnorm2:16x32x32 add1:16x32x32 relu2:16x32x32 avgpool1:16x1x1 flatten1:16 "
               "affine1:10 svm1:10");
    assert_int_equal(plan.layer[6].from, 5);
    assert_int_equal(plan.layer[6].from2, 0);
    assert_int_equal(plan.layer[0].from, -1);
}

static void shortcuts_and_nesting(void **state)
{
    (void)state;
    check_plan(
        "residual(conv 3x3x8 stride 2 - residual(relu - conv 3x3x8) | conv 1x1x8 stride 2) - "
        "affine 5 - svm",
        "conv1:8x16x16 relu1:8x16x16 conv2:8x16x16 add1:8x16x16 conv3:8x16x16 add2:8x16x16 "
        "flatten1:2048 affine1:5 svm1:5");
    assert_int_equal(plan.layer[3].from, 2);
    assert_int_equal(plan.layer[3].from2, 0);
    assert_int_equal(plan.layer[4].from, -1); /* the shortcut starts at the input */
    assert_int_equal(plan.layer[5].from, 3);
    assert_int_equal(plan.layer[5].from2, 4);
    check_plan("[[relu - tanh]x2 - gelu]x2 - affine 2 - softmax",
               "relu1:3x32x32 tanh1:3x32x32 relu2:3x32x32 tanh2:3x32x32 gelu1:3x32x32 "
               "relu3:3x32x32 tanh3:3x32x32 relu4:3x32x32 tanh4:3x32x32 gelu2:3x32x32 "
               "flatten1:3072 affine1:2 softmax1:2");
    /* Directly into a loss: one pixel of ten channels is a row of ten scores. */
    check_plan("conv 1x1x10 - avgpool - softmax", "conv1:10x32x32 avgpool1:10x1x1 flatten1:10 "
                                                  "softmax1:10");
}

static void canonical_text(void **state)
{
    (void)state;
    check_canonical(
        "  CONV5x5X16 stride1 pad 2→ReLU – MaxPool2 stride 2 -> avgpool—affine 10−softmax ",
        "conv 5x5x16 - relu - maxpool 2 - avgpool - affine 10 - softmax");
    check_canonical("[conv 3 × 3 × 8 pad 0 stride 2 - relu] × 2 - [[tanh]] x1 - affine 10 - svm",
                    "[conv 3x3x8 stride 2 pad 0 - relu]x2 - tanh - affine 10 - svm");
    check_canonical("residual ( relu\t|\n[tanh]x 2 ) - avgpool 4 - leakyrelu 0.01 - leakyrelu .2 - "
                    "dropout 1e-3 - groupnorm 3 - layernorm - affine 10 - softmax smoothing 0.10",
                    "residual(relu | [tanh]x2) - avgpool 4 - leakyrelu - leakyrelu 0.2 - "
                    "dropout 0.001 - groupnorm 3 - layernorm - affine 10 - softmax smoothing 0.1");
    check_canonical("maxpool 3 stride 2 - conv 2x2x4 - conv 4x4x4 pad 1 - conv 1x3x4 - sigmoid - "
                    "gelu - batchnorm - dropout 0 - affine 10 - softmax smoothing 0",
                    "maxpool 3 stride 2 - conv 2x2x4 - conv 4x4x4 pad 1 - conv 1x3x4 - sigmoid - "
                    "gelu - batchnorm - dropout 0 - affine 10 - softmax");
}

static void canonical_text_of_later_kinds(void **state)
{
    (void)state;
    check_canonical("SILU - pReLU - scale 0.1250 - scale 65536 - scale 0 - affine 10 - scale 1e-2 "
                    "- svm",
                    "silu - prelu - scale 0.125 - scale 65536 - scale 0 - affine 10 - scale 0.01 "
                    "- svm");
    check_canonical("affine 10nobias - AFFINE 9 NoBias - affine 8 - svm",
                    "affine 10 nobias - affine 9 nobias - affine 8 - svm");
    CHECK(plan.layer[1].parameters == 3072 * 10 && plan.layer[2].parameters == 10 * 9);
    check_canonical("conv 3x3x8 nobias stride 2 pad 0 - conv 3x3x9 stride 2 nobias - affine 10 - "
                    "svm",
                    "conv 3x3x8 stride 2 pad 0 nobias - conv 3x3x9 stride 2 nobias - affine 10 - "
                    "svm");
    CHECK(plan.layer[0].parameters == 8 * 27 && plan.layer[1].parameters == 9 * 8 * 9);
    check_canonical("BatchNorm FIXED - batchnorm - affine 10 - svm",
                    "batchnorm fixed - batchnorm - affine 10 - svm");
    check_canonical("batchnorm eps 1e-12 momentum 0.6 fixed - batchnorm momentum 0.90 eps 0.00001 "
                    "- affine 10 - svm",
                    "batchnorm fixed momentum 0.6 eps 1e-12 - batchnorm - affine 10 - svm");
    check_canonical("BatchNorm FIXED - batchnorm - affine 10 - svm",
                    "batchnorm fixed - batchnorm - affine 10 - svm");
    CHECK(plan.layer[0].parameters == 3 && plan.layer[1].parameters == 6);
    check_canonical("Whiten 2X3 NOBIAS - affine 10 - svm", "whiten 2x3 nobias - affine 10 - svm");
    check_canonical("whiten 2x2 - affine 10 - svm", "whiten 2x2 - affine 10 - svm");
    CHECK(plan.layer[0].parameters == 24 && plan.layer[0].C == 24 && plan.layer[0].H == 31);
    check_canonical("prelu - affine 10 - svm", "prelu - affine 10 - svm");
    CHECK(plan.layer[0].parameters == 3 && plan.layer[0].flops == 3 * 32 * 32);
}

static void sizes_and_borders(void **state)
{
    const kiln_plan *p = parse("conv 3x3x4 stride 2 - maxpool 3 stride 2 - affine 10 - svm");

    (void)state;
    assert_int_equal(p->layer[0].H, 16);     /* (32 - 3 + 2) / 2 + 1 = 16.5 */
    assert_int_equal(p->layer[0].unread, 0); /* only padding is left over */
    assert_int_equal(p->layer[1].H, 7);
    assert_int_equal(p->layer[1].unread, 2); /* a row and a column */
    p = parse("conv 1x1x2 stride 2 - affine 10 - svm");
    assert_int_equal(p->layer[0].unread, 32); /* every other row and column */
    CHECK(p->layer[0].flops == 2.0 * 3 * 2 * 16 * 16);
    CHECK(p->layer[0].bytes == 4.0 * (2 * 16 * 16 + 3 * 2 + 2));
    CHECK(kiln_notation_parse(&plan, "conv 11x11x96 stride 4 pad 0 - affine 10 - softmax", 3, 227,
                              227) == KILN_OK);
    assert_int_equal(plan.layer[0].H, 55);
    assert_int_equal(plan.layer[0].W, 55);
    assert_int_equal(plan.layer[0].unread, 0);
}

/* Each odd side of a filter keeps its size of the image. */
static void sides_are_padded_apart(void **state)
{
    (void)state;
    check_plan("conv 3x5x4 - conv 1x7x4 - conv 2x3x4 - conv 5x4x4 - conv 3x5x4 pad 1 - affine 10 "
               "- svm",
               "conv1:4x32x32 conv2:4x32x32 conv3:4x31x32 conv4:4x31x29 conv5:4x31x27 "
               "flatten1:3348 affine1:10 svm1:10");
    assert_int_equal(plan.layer[0].u.conv.pad_h, 1);
    assert_int_equal(plan.layer[0].u.conv.pad_w, 2);
    check_canonical("conv 3x5x4 - conv 3x5x4 pad 1 - conv 3x3x4 pad 1 - conv 4x4x4 pad 0 - "
                    "affine 10 - svm",
                    "conv 3x5x4 - conv 3x5x4 pad 1 - conv 3x3x4 - conv 4x4x4 - affine 10 - svm");
    check_error(KILN_E_SHAPE, 56,
                "maxpool 2 - maxpool 2 - relu - maxpool 2 - maxpool 2 - conv 6x3x4 - svm",
                "net: column 56: conv 6x3x4 does not fit the 2x2 image it gets; drop a pool above, "
                "or use pad 2 or more");
}

/* Parameters and FLOPs of one image, by the rules at the head of shapes.c. */
static void costs_of_layers(void **state)
{
    static const struct {
        double parameters, flops;
    } expected[] = {
        {(3 * 15 + 1) * 8, 2.0 * 3 * 15 * 8 * 30 * 28}, /* conv 3x5x8 */
        {0, 8 * 30 * 28}, {0, 8 * 30 * 28}, /* relu, leakyrelu */
        {2 * 8, 8 * 8 * 30 * 28}, {2 * 8, 8 * 8 * 30 * 28}, {2 * 8, 8 * 8 * 30 * 28}, /* norms */
        {0, 9 * 8 * 14 * 13}, /* maxpool 3 stride 2 */
        {0, 8 * 14 * 13}, {0, 20 * 8 * 14 * 13}, {0, 8 * 14 * 13}, /* dropout, tanh, add */
        {0, 4 * 8 * 7 * 6}, {0, 0}, /* avgpool 2, flatten */
        {(8 * 7 * 6 + 1) * 10, 2.0 * 8 * 7 * 6 * 10}, {0, 20 * 10}, {0, 20 * 10}, /* affine, gelu */
        {0, 20 * 10}, {0, 20 * 10}}; /* sigmoid, softmax */
    const kiln_plan *p = parse(
        "conv 3x5x8 pad 0 - relu - leakyrelu - batchnorm - layernorm - groupnorm 2 - "
        "maxpool 3 stride 2 - residual(dropout 0.5 - tanh) - avgpool 2 - affine 10 - gelu - "
        "sigmoid - softmax");
    double parameters = 0, flops = 0;

    (void)state;
    for (int i = 0; i < p->count; i++) {
        const kiln_layer *l = &p->layer[i];

        if (l->parameters != expected[i].parameters || l->flops != expected[i].flops)
            CHECK_FAIL("%s: %g parameters, %g flops", l->name, l->parameters, l->flops);
        parameters += expected[i].parameters;
        flops += expected[i].flops;
    }
    CHECK(p->parameters == parameters && p->flops == flops);
}

static void columns_of_layers(void **state)
{
    const kiln_plan *p = parse("relu → residual( [tanh]x2 )  - affine 10 – svm");

    (void)state;
    assert_int_equal(p->count, 7);
    const int expected[][2] = {{1, 5}, {19, 23}, {19, 23}, {8, 28}, {32, 41}, {32, 41}, {44, 47}};
    for (int i = 0; i < p->count; i++) {
        assert_int_equal(p->layer[i].column, expected[i][0]);
        assert_int_equal(p->layer[i].end, expected[i][1]);
    }
}

static void errors_of_form(void **state)
{
    (void)state;
    check_error(KILN_E_NOTATION, 1, "",
                "net: column 1: found the end, expected a layer, \"[\" or residual(");
    check_error(KILN_E_NOTATION, 8, "relu - convv 3x3x8",
                "net: column 8: found \"convv\", expected a layer: conv, whiten, maxpool, avgpool, "
                "affine, relu, leakyrelu, gelu, tanh, sigmoid, silu, prelu, scale, "
                "batchnorm, layernorm, groupnorm, dropout, residual, softmax or svm; did you "
                "mean \"conv\"?");
    check_error(KILN_E_NOTATION, 1, "fc 10",
                "net: column 1: found \"fc\", expected a layer; did you mean \"affine\"?");
    check_error(KILN_E_NOTATION, 1, "swish",
                "net: column 1: found \"swish\", expected a layer; did you mean \"silu\"?");
    check_error(KILN_E_NOTATION, 8, "relu - flatten - affine 10",
                "net: column 8: found \"flatten\", expected another layer: affine flattens images "
                "by itself");
    check_error(KILN_E_NOTATION, 5, "relu",
                "net: column 5: found the end, expected \"- softmax\" or \"- svm\", the loss at "
                "the end");
    check_error(KILN_E_NOTATION, 8, "relu - ",
                "net: column 8: found the end, expected a layer, \"[\" or residual(");
    check_error(KILN_E_NOTATION, 6, "relu relu",
                "net: column 6: found \"relu\", expected \"-\" and the next layer");
    check_error(KILN_E_NOTATION, 13, "conv 3x3x16 strde 2",
                "net: column 13: found \"strde\", expected \"-\" and the next layer; did you mean "
                "\"stride\"?");
    check_error(KILN_E_NOTATION, 11, "affine 10 nobais - svm",
                "net: column 11: found \"nobais\", expected \"-\" and the next layer; did you mean "
                "\"nobias\"?");
    check_error(KILN_E_NOTATION, 18, "affine 10 nobias nobias - svm",
                "net: column 18: found \"nobias\", expected \"-\" and the next layer");
    check_error(KILN_E_NOTATION, 5, "relu) - svm",
                "net: column 5: found \")\", expected \"-\" and the next layer");
    check_error(KILN_E_NOTATION, 13, "[relu - tanh",
                "net: column 13: found the end, expected \"-\" and a layer, or \"]\"");
    check_error(KILN_E_NOTATION, 14, "residual(relu]",
                "net: column 14: found \"]\", expected \"-\" and a layer, \"|\" and a shortcut, or "
                "\")\"");
    check_error(KILN_E_NOTATION, 20, "affine 9 - softmax - relu",
                "net: column 20: found \"-\", expected the end: the loss is the last layer");
    check_error(KILN_E_NOTATION, 16, "affine 9 - svm smoothing 0.1",
                "net: column 16: found \"smoothing\", expected the end: the loss is the last "
                "layer");
    check_error(KILN_E_NOTATION, 6, "relu stride 2 - svm",
                "net: column 6: found \"stride\", expected \"-\" and the next layer");
}

static void errors_of_numbers(void **state)
{
    (void)state;
    check_error(KILN_E_NOTATION, 6, "conv relu",
                "net: column 6: found \"relu\", expected the filter's height, as in conv 3x3x32");
    check_error(KILN_E_NOTATION, 10, "conv 3x3x0 - svm",
                "net: column 10: the number of filters is 0, but must be from 1 to 65536");
    check_error(KILN_E_NOTATION, 10, "conv 3x3x99999999999999999999999 - svm",
                "net: column 10: the number of filters is 99999999999999999999, but must be from 1 "
                "to 65536");
    check_error(KILN_E_NOTATION, 9, "dropout 1.5",
                "net: column 9: the share dropped is 1.5, but must be at least 0 and below 1");
    check_error(KILN_E_NOTATION, 9, "dropout 0.99999999999 - svm",
                "net: column 9: the share dropped is 0.99999999999, but must be at least 0 and "
                "below 1");
    check_error(KILN_E_NOTATION, 9, "dropout - svm",
                "net: column 9: found \"-\", expected the share dropped, as in dropout 0.5");
    check_error(KILN_E_NOTATION, 7, "scale 65537 - svm",
                "net: column 7: the factor is 65537, but must be from 0 to 65536");
    check_error(KILN_E_NOTATION, 7, "scale 1e99 - svm",
                "net: column 7: the factor is 1e99, but must be from 0 to 65536");
    check_error(KILN_E_NOTATION, 7, "scale - svm",
                "net: column 7: found \"-\", expected the factor, as in scale 0.125");
    check_error(KILN_E_NOTATION, 8, "[relu]x300 - svm",
                "net: column 8: the number of copies is 300, but must be from 1 to 256");
}

static void errors_of_shape(void **state)
{
    (void)state;
    check_error(KILN_E_SHAPE, 44,
                "maxpool 2 - maxpool 2 - relu - maxpool 2 - conv 5x5x16 pad 0 - svm",
                "net: column 44: conv 5x5x16 pad 0 does not fit the 4x4 image it gets; drop a pool "
                "above, or use pad 1 or more");
    check_error(KILN_E_SHAPE, 17, "[maxpool 2]x5 - maxpool 2 - affine 10 - svm",
                "net: column 17: maxpool 2 does not fit the 1x1 image it gets; use a smaller "
                "window, or drop a pool above");
    check_error(KILN_E_SHAPE, 13, "affine 10 - conv 3x3x8 - svm",
                "net: column 13: conv 3x3x8 works on images, but gets a row of 10 values; put it "
                "before the first affine");
    check_error(KILN_E_SHAPE, 15, "conv 3x3x16 - residual(conv 3x3x32 stride 2) - affine 10 - svm",
                "net: column 15: residual: its chain gives 32x16x16, but its input is 16x32x32; "
                "use a shortcut, residual(... | conv 1x1x32 stride 2)");
    check_error(KILN_E_SHAPE, 1, "residual(conv 3x3x4 | conv 1x1x5) - affine 10 - svm",
                "net: column 1: residual: its chain gives 4x32x32, but its shortcut gives 5x32x32; "
                "use a shortcut, residual(... | conv 1x1x4)");
    check_error(KILN_E_SHAPE, 13, "affine 10 - residual(affine 9) - svm",
                "net: column 13: residual: its chain gives a row of 9, but its input is 10; make "
                "them equal");
    check_error(KILN_E_SHAPE, 15, "conv 3x3x16 - groupnorm 5 - affine 10 - svm",
                "net: column 15: groupnorm 5 does not divide the 16 channels it gets; use 1, 2, 4, "
                "8, 16");
    check_error(KILN_E_SHAPE, 8, "relu - softmax",
                "net: column 8: softmax takes a row of scores, but gets the 3x32x32 image; put "
                "affine 10 before it");
    check_error(KILN_E_SHAPE, 12, "affine 1 - svm",
                "net: column 12: svm needs two scores or more; use affine 10 before it");
    check_error(KILN_E_NOTATION, 2, "[svm]",
                "net: column 2: found svm, expected a layer: the loss ends the net, outside of "
                "brackets");
}

/* A normalisation of one value leaves only beta. */
static void nothing_to_normalise(void **state)
{
    (void)state;
    check_error(KILN_E_SHAPE, 12, "affine 1 - layernorm - affine 10 - svm",
                "net: column 12: layernorm gets one value, of which it would leave only beta; drop "
                "it");
    check_error(KILN_E_SHAPE, 24, "conv 1x1x1 - avgpool - layernorm - affine 10 - svm",
                "net: column 24: layernorm gets one value, of which it would leave only beta; drop "
                "it");
    check_error(KILN_E_SHAPE, 12, "affine 8 - groupnorm 8 - affine 10 - svm",
                "net: column 12: groupnorm 8 has one value a group, of which it would leave only "
                "beta; use fewer groups");
    parse("affine 8 - groupnorm 4 - layernorm - affine 10 - svm");
    parse("conv 1x1x8 - groupnorm 8 - affine 10 - svm");
    parse("affine 1 - batchnorm - affine 10 - svm"); /* its batch decides */
}

static void limits(void **state)
{
    char text[KILN_NOTATION_MAX + 10];

    (void)state;
    check_error(KILN_E_NOTATION, 14, "[relu]x256 - affine 10 - svm",
                "net: column 14: more than 256 layers; use fewer or smaller repetitions");
    check_error(KILN_E_NOTATION, 9, "[[[[[[[[relu]x9]x9]x9]x9]x9]x9]x9]x9 - svm",
                "net: column 9: more than 256 layers; use fewer or smaller repetitions");
    check_error(KILN_E_NOTATION, 17, "[[[[[[[[[[[[[[[[[relu]]]]]]]]]]]]]]]]] - svm",
                "net: column 17: nested deeper than 16");
    check_error(KILN_E_SHAPE, 1, "conv 65535x65535x65536 - svm",
                "net: column 1: conv 65535x65535x65536 pads its image beyond 2^28 values");
    check_error(KILN_E_SHAPE, 1, "conv 1x1x65536 pad 4096 - svm",
                "net: column 1: conv 1x1x65536 pad 4096 gives more than 2^28 values, or a side "
                "beyond 65536");
    check_error(KILN_E_SHAPE, 15, "affine 5000 - affine 65536 - affine 2 - svm",
                "net: column 15: affine 65536 brings the net to 343110536 parameters, more than "
                "67108864");
    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = 0;
    check_error(KILN_E_NOTATION, KILN_NOTATION_MAX + 1, text, "net: longer than 8192 characters");
    check_error(KILN_E_NOTATION, 6, "relu \x01",
                "net: column 6: the character U+0001 has no "
                "meaning here");
    check_error(KILN_E_NOTATION, 3, "re\xc3\xa9lu",
                "net: column 3: the character U+00E9 has no meaning here");
    CHECK(kiln_notation_parse(&plan, "affine 10 - svm", 3, 0, 32) == KILN_E_ARG);
    CHECK(kiln_notation_parse(&plan, "affine 10 - svm", 65536, 65536, 65536) == KILN_E_ARG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_of_the_design),
        cmocka_unit_test(shortcuts_and_nesting),
        cmocka_unit_test(canonical_text),
        cmocka_unit_test(canonical_text_of_later_kinds),
        cmocka_unit_test(sizes_and_borders),
        cmocka_unit_test(sides_are_padded_apart),
        cmocka_unit_test(costs_of_layers),
        cmocka_unit_test(columns_of_layers),
        cmocka_unit_test(errors_of_form),
        cmocka_unit_test(errors_of_numbers),
        cmocka_unit_test(errors_of_shape),
        cmocka_unit_test(nothing_to_normalise),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
