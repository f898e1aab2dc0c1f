/* net_schedule: the lists of steps of the bench nets (tests/bench/nets.txt) and of a residual one,
 * as kiln summary --steps shows them; none of a net that keeps every value is fused. */
#include "base/json.h"
#include "base/status.h"
#include "check.h"
#include "net/net.h"

typedef struct {
    char text[512];
    size_t used;
} line;

/* "a, b" of an array of texts. */
static void read_list(kiln_json_reader *r, line *to, const char *before)
{
    int more = kiln_json_enter_array(r);

    for (int i = 0; more >= 0 && (more = kiln_json_next(r, NULL, 0)) > 0; i++) {
        char text[96];

        CHECK(kiln_json_read_string(r, text, sizeof text) > 0);
        to->used += (size_t)snprintf(to->text + to->used, sizeof to->text - to->used, "%s%s",
                                     i ? ", " : before, text);
    }
    CHECK(more == 0);
}

/* A step as "forward 5: conv1 with relu1, maxpool1; 8 groups; transient conv1". */
static void read_step(kiln_json_reader *r, line *to)
{
    char key[16], pass[16] = "";
    line layers = {0}, transient = {0};
    int64_t images = 0, groups = 0;

    CHECK(kiln_json_enter_object(r) >= 0);
    while (kiln_json_next(r, key, sizeof key) > 0) {
        if (!strcmp(key, "pass")) CHECK(kiln_json_read_string(r, pass, sizeof pass) > 0);
        if (!strcmp(key, "images")) CHECK(kiln_json_read_int(r, 1, 64, &images) >= 0);
        if (!strcmp(key, "groups")) CHECK(kiln_json_read_int(r, 1, 8, &groups) >= 0);
        if (!strcmp(key, "layers")) read_list(r, &layers, "");
        if (!strcmp(key, "transient")) read_list(r, &transient, "; transient ");
    }
    to->used = (size_t)snprintf(to->text, sizeof to->text, "%s %d: %s", pass, (int)images,
                                layers.text);
    if (groups)
        to->used += (size_t)snprintf(to->text + to->used, sizeof to->text - to->used,
                                     "; %d groups", (int)groups);
    snprintf(to->text + to->used, sizeof to->text - to->used, "%s", transient.text);
}

static kiln_net *make(const char *notation, int batch, int keep)
{
    kiln_net_options o;
    kiln_net *net = NULL;

    kiln_net_options_default(&o);
    o.batch = batch;
    o.keep = keep;
    if (kiln_net_make(&net, notation, &o) < 0) CHECK_FAIL("%s: %s", notation, kiln_error());
    return net;
}

/* steps: as read_step writes them; NULL ends them. */
static void check_steps(const char *notation, int batch, const char *const *steps)
{
    kiln_net *net = make(notation, batch, 0);
    kiln_json j = {0};
    kiln_json_reader r;
    int length, i = 0;

    kiln_json_begin(&j);
    kiln_net_write_steps(&j, NULL, net);
    length = kiln_json_end(&j);
    CHECK(length > 0);
    kiln_json_read(&r, kiln_json_text(&j), (size_t)length, "steps", KILN_E_ARG);
    CHECK(kiln_json_enter_array(&r) >= 0);
    for (; kiln_json_next(&r, NULL, 0) > 0; i++) {
        line found;

        read_step(&r, &found);
        CHECK(steps[i] != NULL);
        assert_string_equal(found.text, steps[i]);
    }
    CHECK(steps[i] == NULL);
    kiln_json_free(&j);
    kiln_net_free(net);
}

static void w1(void **state)
{
    static const char *const steps[] = {
        "forward 5: conv1 with relu1, maxpool1; transient conv1",
        "forward 12: conv2 with relu2, maxpool2; transient conv2",
        "forward 40: conv3 with relu3, maxpool3, flatten1; transient conv3",
        "forward 64: affine1",
        "backward 64: affine1",
        "backward 64: flatten1, maxpool3 with relu3",
        "backward 64: conv3; 8 groups",
        "backward 64: maxpool2 with relu2",
        "backward 64: conv2; 8 groups",
        "backward 8: maxpool1 with relu1, conv1; 8 groups; transient dconv1",
        NULL};

    (void)state;
    check_steps("conv 5x5x16 - relu - maxpool 2 - conv 5x5x20 - relu - maxpool 2 - conv "
                "5x5x20 - relu - maxpool 2 - affine 10 - softmax",
                64, steps);
}

static void w2(void **state)
{
    static const char *const steps[] = {
        "forward 2: conv1 with relu1, maxpool1, flatten1; transient conv1",
        "forward 50: affine1 with relu2",
        "forward 50: affine2",
        "backward 50: affine2",
        "backward 50: relu2",
        "backward 50: affine1",
        "backward 2: flatten1, maxpool1 with relu1, conv1; 8 groups; transient dconv1",
        NULL};

    (void)state;
    check_steps("conv 7x7x32 - relu - maxpool 2 - affine 100 - relu - affine 10 - softmax",
                50, steps);
}

static void w3(void **state)
{
    static const char *const steps[] = {
        "forward 3: conv1, sums of batchnorm1",
        "forward 1: batchnorm1 with relu1, conv2, sums of batchnorm2; transient "
        "batchnorm1",
        "forward 1: batchnorm2 with relu2, maxpool1, conv3, sums of batchnorm3; "
        "transient batchnorm2",
        "forward 2: batchnorm3 with relu3, conv4, sums of batchnorm4",
        "forward 2: batchnorm4 with relu4, maxpool2, conv5, sums of batchnorm5; "
        "transient batchnorm4",
        "forward 5: batchnorm5 with relu5, conv6, sums of batchnorm6",
        "forward 7: batchnorm6 with relu6, avgpool1, flatten1; transient batchnorm6",
        "forward 64: affine1",
        "backward 64: affine1",
        "backward 15: flatten1, avgpool1, sums of batchnorm6",
        "backward 64: batchnorm6 with relu6",
        "backward 64: conv6; 2 groups",
        "backward 64: sums of batchnorm5",
        "backward 64: batchnorm5 with relu5",
        "backward 64: conv5; 4 groups",
        "backward 6: maxpool2 with relu4, sums of batchnorm4",
        "backward 64: batchnorm4",
        "backward 64: conv4; 8 groups",
        "backward 64: sums of batchnorm3",
        "backward 64: batchnorm3 with relu3",
        "backward 64: conv3; 8 groups",
        "backward 3: maxpool1 with relu2, sums of batchnorm2",
        "backward 1: batchnorm1 with relu1 again, batchnorm2, conv2, sums of batchnorm1; "
        "8 groups; transient batchnorm1, dconv2",
        "backward 4: batchnorm1 with relu1, conv1; 8 groups; transient dconv1",
        NULL};

    (void)state;
    check_steps("[conv 3x3x32 - batchnorm - relu]x2 - maxpool 2 - [conv 3x3x64 - "
                "batchnorm - relu]x2 - maxpool 2 - [conv 3x3x128 - batchnorm - relu]x2 - "
                "avgpool - affine 10 - softmax",
                64, steps);
}

static void a_residual_net(void **state)
{
    static const char *const steps[] = {
        "forward 64: conv1",
        "forward 4: conv2, sums of batchnorm1",
        "forward 2: batchnorm1 with relu1, conv3, sums of batchnorm2; transient "
        "batchnorm1",
        "forward 1: batchnorm2, add1, relu2, avgpool1, flatten1",
        "forward 64: affine1",
        "backward 64: affine1",
        "backward 2: flatten1, avgpool1, relu2, add1, sums of batchnorm2",
        "backward 2: batchnorm1 with relu1 again, batchnorm2, conv3, sums of batchnorm1; "
        "8 groups; transient batchnorm1, dconv3",
        "backward 2: batchnorm1 with relu1, conv2; 8 groups; transient dconv2",
        "backward 64: conv1; 8 groups",
        NULL};

    (void)state;
    check_steps("conv 3x3x16 - residual(conv 3x3x16 - batchnorm - relu - conv 3x3x16 - "
                "batchnorm) - relu - avgpool - affine 10 - softmax",
                64, steps);
}

/* What is kept is written where it can be read: no value is transient. */
static void a_net_that_keeps_values(void **state)
{
    kiln_net *net = make("conv 3x3x8 - batchnorm - relu - conv 3x3x8 - maxpool 2 - affine 10 - svm",
                         4, 1);
    kiln_json j = {0};

    (void)state;
    kiln_json_begin(&j);
    kiln_net_write_steps(&j, NULL, net);
    CHECK(kiln_json_end(&j) > 0);
    for (const char *at = kiln_json_text(&j); (at = strstr(at, "\"transient\":")) != NULL; at++)
        CHECK(strncmp(at, "\"transient\":[]", 14) == 0);
    CHECK(strstr(kiln_json_text(&j), "with relu") == NULL);
    kiln_json_free(&j);
    kiln_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(w1),
        cmocka_unit_test(w2),
        cmocka_unit_test(w3),
        cmocka_unit_test(a_residual_net),
        cmocka_unit_test(a_net_that_keeps_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
