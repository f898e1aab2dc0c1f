/* kernels/toom_cook: the matrices give the correlation they stand for, exactly enough, and the
 * three transforms are what the points say. */
#include "check.h"
#include "kernels/toom_cook_tile.h"

/* The points themselves, infinity left out. */
static int finite_points(double *q, const kiln_toom_cook *t)
{
    q[0] = 0;
    for (int j = 0; j < t->pairs; j++) {
        q[2 * j + 1] = t->p[j];
        q[2 * j + 2] = -t->p[j];
    }
    return t->points - 1;
}

static void transform(int P, vf *out, const vf *in, const kiln_toom_cook *t, char which)
{
    if (which == 'v') {
        if (P == 2) toom_input(out, in, t, 2);
        else if (P == 3) toom_input(out, in, t, 3);
        else toom_input(out, in, t, 4);
    } else if (which == 'y') {
        if (P == 2) toom_output(out, in, t, 2);
        else if (P == 3) toom_output(out, in, t, 3);
        else toom_output(out, in, t, 4);
    } else {
        if (P == 2) toom_gradient(out, in, t, 2);
        else if (P == 3) toom_gradient(out, in, t, 3);
        else toom_gradient(out, in, t, 4);
    }
}

static double first_lane(vf v)
{
    float lane[KILN_LANES];

    vf_store(lane, v);
    for (int i = 1; i < KILN_LANES; i++) CHECK(lane[i] == lane[0]);
    return lane[0];
}

/* y_i = Σ_k g_k d_{i+k} for every unit vector d and g: the whole bilinear map. */
static void four_outputs(void **state)
{
    (void)state;
    for (int taps = 3; taps <= 7; taps += 2) {
        const kiln_toom_cook t = kiln_toom_cook_make(taps);

        CHECK(t.points == taps + 3);
        for (int at = 0; at < t.points; at++)
            for (int k = 0; k < taps; k++) {
                vf d[TOOM_POINTS_MAX], v[TOOM_POINTS_MAX], y[TOOM_OUT];

                for (int i = 0; i < t.points; i++) d[i] = vf_set1(i == at);
                transform(t.pairs, v, d, &t, 'v');
                for (int q = 0; q < t.points; q++) v[q] *= vf_set1((float)t.g[q][k]);
                transform(t.pairs, y, v, &t, 'y');
                for (int i = 0; i < TOOM_OUT; i++)
                    CHECK_NEAR(first_lane(y[i]), i + k == at, 3e-6);
            }
    }
}

/* dg_k = Σ_i dy_i d_{i+k} likewise. */
static void gradient_of_the_taps(void **state)
{
    (void)state;
    for (int taps = 3; taps <= 7; taps += 2) {
        const kiln_toom_cook t = kiln_toom_cook_make(taps);

        for (int at = 0; at < t.points; at++)
            for (int i = 0; i < TOOM_OUT; i++) {
                vf d[TOOM_POINTS_MAX], v[TOOM_POINTS_MAX], dy[TOOM_OUT], a[TOOM_POINTS_MAX];

                for (int j = 0; j < t.points; j++) d[j] = vf_set1(j == at);
                for (int j = 0; j < TOOM_OUT; j++) dy[j] = vf_set1(j == i);
                transform(t.pairs, v, d, &t, 'v');
                transform(t.pairs, a, dy, &t, 'g');
                for (int k = 0; k < taps; k++) {
                    double dg = 0;

                    for (int q = 0; q < t.points; q++)
                        dg += t.g[q][k] * first_lane(v[q]) * first_lane(a[q]);
                    CHECK_NEAR(dg, i + k == at, 1e-12);
                }
            }
    }
}

/* A row of Bᵀ is M(x) / (x - q): it vanishes at every other point, and is M'(q) at its own. */
static void rows_of_the_input_transform(void **state)
{
    (void)state;
    for (int taps = 3; taps <= 7; taps += 2) {
        const kiln_toom_cook t = kiln_toom_cook_make(taps);
        double point[TOOM_POINTS_MAX];
        const int finite = finite_points(point, &t);

        for (int other = 0; other < finite; other++) {
            vf d[TOOM_POINTS_MAX], v[TOOM_POINTS_MAX];

            for (int i = 0; i < t.points; i++) d[i] = vf_set1((float)pow(point[other], i));
            transform(t.pairs, v, d, &t, 'v');
            for (int q = 0; q < finite; q++)
                CHECK_NEAR(first_lane(v[q]), q == other ? 1 / t.g[q][0] : 0, 1e-4);
            CHECK_NEAR(first_lane(v[t.points - 1]), 0, 1e-4);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_outputs),
        cmocka_unit_test(gradient_of_the_taps),
        cmocka_unit_test(rows_of_the_input_transform),
    };
    return cmocka_run_group_tests_name("toom_cook", tests, NULL, NULL);
}
