/* Surveys: a share of the images, the least confident, is looked at again: against the same done by
 * hand, in slices of any size, with threads; at the ends of the share it is one look alone. */
#include "train/survey.h"

#include "base/status.h"
#include "base/threads.h"
#include "kiln.h"
#include "runs.h"

#define TEST 40
#define CLASSES 10
#define PIXELS (3 * 32 * 32)
#define NET "net=conv 3x3x4 - relu - maxpool 4 - affine 10 - "

typedef struct {
    int right, confusion[CLASSES * CLASSES];
    double loss;
} outcome;

static kiln_run *make(const char *loss)
{
    char text[200];
    kiln_run *r;

    snprintf(text, sizeof text, NET "%s\nbatch=7\nmax-steps=3\n", loss);
    r = make_run(text);
    while (!kiln_run_over(r)) must_step(r);
    for (size_t i = 0; i < r->learner.floats; i++) r->learner.w[i] *= 0.5f; /* less confident */
    return r;
}

/* In slices of so many images. */
static outcome survey(kiln_run *r, int views, double share, int slice)
{
    outcome o = {0};
    kiln_survey s;
    int left = TEST + 1;

    if (kiln_survey_make(&s, &r->test, 2, TEST, views, share) < 0) CHECK_FAIL("%s", kiln_error());
    while (left) {
        const int before = left;

        left = kiln_survey_on(&s, &r->test, slice);
        CHECK(left >= 0 && (left < before || before == TEST + 1));
    }
    o.right = kiln_survey_count(&s, &r->test, &o.loss, o.confusion);
    kiln_survey_free(&s);
    return o;
}

static outcome plain(kiln_run *r, int views)
{
    outcome o = {0};

    o.right = kiln_evaluate(&r->test, 2, 0, TEST, views, &o.loss, o.confusion);
    return o;
}

static void check_same(outcome a, outcome b)
{
    assert_int_equal(a.right, b.right);
    assert_memory_equal(a.confusion, b.confusion, sizeof a.confusion);
    CHECK_NEAR(a.loss, b.loss, 1e-9 * b.loss);
}

static const float *rows; /* that by_least sorts by */

static float most(int image)
{
    float best = 0;

    for (int c = 0; c < CLASSES; c++) best = fmaxf(best, rows[image * CLASSES + c]);
    return best;
}

static int by_least(const void *a, const void *b)
{
    const int p = *(const int *)a, q = *(const int *)b;

    return most(p) < most(q) ? -1 : most(p) > most(q) ? 1 : p - q;
}

static outcome by_hand(kiln_run *r, int views, int chosen)
{
    float *once = check_floats(TEST * CLASSES), *all = check_floats(TEST * CLASSES);
    outcome o = plain(r, 1);
    int order[TEST];

    assert_int_equal(kiln_predict(&r->test, data.image[2], TEST, 1, once), KILN_OK);
    assert_int_equal(kiln_predict(&r->test, data.image[2], TEST, views, all), KILN_OK);
    for (int i = 0; i < TEST; i++) order[i] = i;
    rows = once;
    qsort(order, TEST, sizeof *order, by_least);
    o.right = 0;
    memset(o.confusion, 0, sizeof o.confusion);
    for (int i = 0; i < TEST; i++) {
        const float *p = (i < chosen ? all : once) + order[i] * CLASSES;
        const int y = data.label[2][order[i]];
        int seen = 0;

        for (int c = 1; c < CLASSES; c++)
            if (p[c] > p[seen]) seen = c;
        o.right += seen == y;
        o.confusion[y * CLASSES + seen]++;
    }
    check_free(once), check_free(all);
    return o;
}

static void the_least_confident_are_looked_at_again(void **state)
{
    static const char *const losses[] = {"softmax", "svm"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        kiln_run *r = make(losses[i]);
        const outcome o = by_hand(r, 6, 10);

        check_same(survey(r, 6, 0.25, 0), o);
        check_same(survey(r, 6, 0.26, 0), o); /* rounded: 10.4 images */
        check_same(survey(r, 10, 0.5, 3), by_hand(r, 10, 20));
        assert_int_equal(o.right != plain(r, 1).right || memcmp(o.confusion, plain(r, 1).confusion,
                                                                sizeof o.confusion), 1);
        kiln_run_free(r);
    }
}

static void none_and_all(void **state)
{
    kiln_run *r = make("softmax");

    (void)state;
    check_same(survey(r, 6, 0, 0), plain(r, 1));
    check_same(survey(r, 1, 0.5, 0), plain(r, 1));
    check_same(survey(r, 6, 1, 0), plain(r, 6));
    check_same(survey(r, 10, 1, 9), plain(r, 10));
    kiln_run_free(r);
}

static void any_slices_any_threads(void **state)
{
    static const int slices[] = {1, 3, 7, 8, 39, 41, 50, 1000};
    kiln_run *r = make("softmax"), *threaded;
    const outcome o = survey(r, 6, 0.4, 0);

    (void)state;
    for (size_t i = 0; i < sizeof slices / sizeof *slices; i++)
        check_same(survey(r, 6, 0.4, slices[i]), o);
    kiln_run_free(r);
    assert_true(kiln_threads_set(3) >= 1);
    threaded = make("softmax");
    check_same(survey(threaded, 6, 0.4, 5), o);
    kiln_run_free(threaded);
    assert_int_equal(kiln_threads_set(1), 1);
}

/* Of equally confident images the first are chosen. */
static void equals_in_their_order(void **state)
{
    kiln_run *r = make("softmax");
    kiln_survey s;

    (void)state;
    memset(r->learner.w, 0, r->learner.floats * sizeof(float));
    assert_int_equal(kiln_survey_make(&s, &r->test, 2, TEST, 6, 0.25), KILN_OK);
    assert_int_equal(kiln_survey_on(&s, &r->test, 0), 0);
    for (int i = 0; i < TEST; i++) assert_int_equal(s.doubt[i].image, i);
    assert_int_equal(s.looked_again, 10);
    kiln_survey_free(&s);
    kiln_run_free(r);
}

static void a_score_that_is_no_number(void **state)
{
    kiln_run *r = make("softmax");
    kiln_survey s;

    (void)state;
    assert_int_equal(kiln_survey_make(&s, &r->test, 2, TEST, 6, 0.25), KILN_OK);
    assert_int_equal(kiln_survey_on(&s, &r->test, TEST), 10);
    r->learner.w[0] = NAN;
    assert_int_equal(kiln_survey_on(&s, &r->test, 5), KILN_E_DIVERGED);
    kiln_survey_free(&s);
    kiln_run_free(r);
}

/* ---- kiln.h ---------------------------------------------------------------------------------- */

static void refused(int status, int expected, const char *sentence)
{
    assert_int_equal(status, expected);
    if (!strstr(kiln_error(), sentence)) CHECK_FAIL("%s", kiln_error());
}

static void the_public_functions(void **state)
{
    const int set = kiln_data_builtin("train=60\nvalidation=10\ntest=20\n");
    const int t = kiln_trainer_create(set, NET "softmax\neval-views=6\neval-share=0.25\n");
    int confusion[CLASSES * CLASSES] = {0}, s, own, sum = 0;
    double loss = 0;

    (void)state;
    assert_true(t > 0);
    refused(kiln_survey_create(t, 2, 21, 6, 1), KILN_E_ARG, "20 test images");
    refused(kiln_survey_create(t, 3, 1, 6, 1), KILN_E_ARG, "split");
    refused(kiln_survey_create(t, 2, 20, 3, 1), KILN_E_ARG, "views: 3");
    refused(kiln_survey_create(t, 2, 20, 6, 1.5), KILN_E_ARG, "share: 1.5");
    refused(kiln_survey_create(t, 2, 20, 6, NAN), KILN_E_ARG, "share");
    refused(kiln_survey_create(set, 2, 20, 6, 1), KILN_E_HANDLE, "");
    s = kiln_survey_create(t, 2, 20, 6, 0.5);
    own = kiln_survey_create(t, 2, 20, 0, 1); /* as its options say */
    assert_true(s > 0 && own > 0);
    refused(kiln_survey_next(s, -1), KILN_E_ARG, "slices");
    assert_int_equal(kiln_survey_next(s, 15), 15);
    refused(kiln_survey_result(s, NULL, NULL), KILN_E_STATE, "15 looks are left");
    assert_int_equal(kiln_survey_next(own, 20), 5);
    assert_int_equal(kiln_survey_next(s, 0), 0);
    assert_true(kiln_survey_result(s, &loss, confusion) >= 0);
    for (int i = 0; i < CLASSES * CLASSES; i++) sum += confusion[i];
    assert_int_equal(sum, 20);
    CHECK(loss > 0);
    assert_int_equal(kiln_survey_destroy(s), 0);
    refused(kiln_survey_next(s, 0), KILN_E_HANDLE, "");
    refused(kiln_survey_destroy(s), KILN_E_HANDLE, "");
    assert_int_equal(kiln_trainer_destroy(t), 0);
    refused(kiln_survey_next(own, 0), KILN_E_HANDLE, "trainer");
    refused(kiln_survey_result(own, NULL, NULL), KILN_E_HANDLE, "trainer");
    assert_int_equal(kiln_survey_destroy(own), 0);
    assert_int_equal(kiln_data_destroy(set), 0);
}

static int set_up(void **state)
{
    (void)state;
    return draw_data(check_seed(), 100, 20, TEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_confident_are_looked_at_again),
        cmocka_unit_test(none_and_all),
        cmocka_unit_test(any_slices_any_threads),
        cmocka_unit_test(equals_in_their_order),
        cmocka_unit_test(a_score_that_is_no_number),
        cmocka_unit_test(the_public_functions),
    };

    return cmocka_run_group_tests(tests, set_up, free_data);
}
