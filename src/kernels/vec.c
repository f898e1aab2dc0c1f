/*
 * Vector maths: one pass over memory each, a whole vector at a time; the last few elements go
 * through the same vector code with the other lanes idle, so an element's bits do not depend on
 * where it stands.
 *
 * A reduction keeps sixteen partial sums whatever the vector's width (vf16): element i goes to sum
 * i mod 16, and the sixteen are folded in halves. Idle lanes of the last sixteen hold the neutral
 * element.
 */
#include "kernels/vec.h"

/* ---- elementwise ----------------------------------------------------------------------------- */

/* out[i] = EXPRESSION of vx, the vector at x[i]. */
#define MAP(EXPRESSION)                                  \
    int i = 0;                                           \
    for (; i + KILN_LANES <= n; i += KILN_LANES) {       \
        const vf vx = vf_load(x + i);                    \
        vf_store(out + i, EXPRESSION);                   \
    }                                                    \
    if (i < n) {                                         \
        const vf vx = vf_load_part(x + i, n - i, 1.0f);  \
        vf_store_part(out + i, EXPRESSION, n - i);       \
    }

/* out[i] = EXPRESSION of vx and vy. */
#define MAP2(EXPRESSION)                                                                       \
    int i = 0;                                                                                 \
    for (; i + KILN_LANES <= n; i += KILN_LANES) {                                             \
        const vf vx = vf_load(x + i), vy = vf_load(y + i);                                     \
        vf_store(out + i, EXPRESSION);                                                         \
    }                                                                                          \
    if (i < n) {                                                                               \
        const vf vx = vf_load_part(x + i, n - i, 1.0f), vy = vf_load_part(y + i, n - i, 1.0f); \
        vf_store_part(out + i, EXPRESSION, n - i);                                             \
    }

void kiln_vec_fill(float *out, int n, float value)
{
    for (int i = 0; i < n; i++) out[i] = value;
}

void kiln_vec_copy(float *out, const float *x, int n)
{
    if (n > 0 && out != x) memcpy(out, x, (size_t)n * sizeof *out);
}

void kiln_vec_scale(float *out, const float *x, int n, float a)
{
    const vf va = vf_set1(a);

    MAP(va * vx)
}

void kiln_vec_axpy(float *y, const float *x, int n, float a)
{
    const vf va = vf_set1(a);
    float *out = y;

    MAP2(vf_madd(va, vx, vy))
}

void kiln_vec_add(float *out, const float *x, const float *y, int n)
{
    MAP2(vx + vy)
}

void kiln_vec_mul(float *out, const float *x, const float *y, int n)
{
    MAP2(vx * vy)
}

/* ---- reductions ------------------------------------------------------------------------------ */

/* The first n < 16 floats at x, then `fill`. */
static vf16 load16_part(const float *x, int n, float fill)
{
    float lane[16];

    for (int i = 0; i < 16; i++) lane[i] = i < n ? x[i] : fill;
    return vf16_load(lane);
}

static inline vf16 add16(vf16 a, vf16 b)
{
    for (int j = 0; j < KILN_VF16; j++) a.v[j] += b.v[j];
    return a;
}

static inline vf16 madd16(vf16 a, vf16 b, vf16 c)
{
    for (int j = 0; j < KILN_VF16; j++) c.v[j] = vf_madd(a.v[j], b.v[j], c.v[j]);
    return c;
}

static inline vf16 max16(vf16 a, vf16 b)
{
    for (int j = 0; j < KILN_VF16; j++) a.v[j] = vf_max(b.v[j], a.v[j]); /* a where b is NaN */
    return a;
}

float kiln_vec_sum(const float *x, int n)
{
    vf16 sum = vf16_set1(0.0f);
    int i = 0;

    for (; i + 16 <= n; i += 16) sum = add16(sum, vf16_load(x + i));
    if (i < n) sum = add16(sum, load16_part(x + i, n - i, 0.0f));
    return vf16_sum(sum);
}

float kiln_vec_dot(const float *x, const float *y, int n)
{
    vf16 sum = vf16_set1(0.0f);
    int i = 0;

    for (; i + 16 <= n; i += 16) sum = madd16(vf16_load(x + i), vf16_load(y + i), sum);
    if (i < n)
        sum = madd16(load16_part(x + i, n - i, 0.0f), load16_part(y + i, n - i, 0.0f), sum);
    return vf16_sum(sum);
}

/* NaN elements are passed over; where all are NaN the result is -infinity. */
float kiln_vec_max(const float *x, int n)
{
    const float lowest = -__builtin_inff();
    vf16 most = vf16_set1(lowest);
    float lane[16];
    int i = 0;

    for (; i + 16 <= n; i += 16) most = max16(most, vf16_load(x + i));
    if (i < n) most = max16(most, load16_part(x + i, n - i, lowest));
    vf16_store(lane, most);
    for (int half = 8; half; half /= 2)
        for (int j = 0; j < half; j++)
            if (lane[j + half] > lane[j]) lane[j] = lane[j + half];
    return lane[0];
}

double kiln_vec_sum_squares(const float *x, int n)
{
    enum { BLOCK = 4096 };
    double sum = 0.0;

    for (int i = 0; i < n; i += BLOCK) {
        const int m = n - i < BLOCK ? n - i : BLOCK;

        sum += (double)kiln_vec_dot(x + i, x + i, m);
    }
    return sum;
}

/* Infinite and NaN are those whose exponent is all ones. */
int kiln_vec_all_finite(const float *x, int n)
{
    const vm exponent = vm_set1(0x7f800000);
    vm bad = vm_set1(0);
    int32_t lane[KILN_LANES], any = 0;
    int i = 0;

    for (; i + KILN_LANES <= n; i += KILN_LANES) bad |= ((vm)vf_load(x + i) & exponent) == exponent;
    if (i < n) bad |= ((vm)vf_load_part(x + i, n - i, 0.0f) & exponent) == exponent;
    memcpy(lane, &bad, sizeof lane);
    for (int j = 0; j < KILN_LANES; j++) any |= lane[j];
    return !any;
}

/* ---- matrices -------------------------------------------------------------------------------- */

void kiln_vec_column_sums(float *out, const float *x, int R, int C)
{
    enum { BLOCK = 64 };

    kiln_vec_fill(out, C, 0.0f);
    for (int r0 = 0; r0 < R; r0 += BLOCK) {
        const float *block = x + (size_t)r0 * C; /* x[r0, 0] */
        const int rows = R - r0 < BLOCK ? R - r0 : BLOCK;
        int c = 0;

        for (; c + 16 <= C; c += 16) { /* one sum alone would wait for its own additions */
            vf16 sum = vf16_set1(0.0f);

            for (int r = 0; r < rows; r++)
                sum = add16(sum, vf16_load(block + (size_t)r * C + c));
            vf16_store(out + c, add16(vf16_load(out + c), sum));
        }
        for (; c + KILN_LANES <= C; c += KILN_LANES) {
            vf sum = vf_set1(0.0f);

            for (int r = 0; r < rows; r++) sum += vf_load(block + (size_t)r * C + c);
            vf_store(out + c, vf_load(out + c) + sum);
        }
        for (; c < C; c++) {
            float sum = 0.0f;

            for (int r = 0; r < rows; r++) sum += block[(size_t)r * C + c];
            out[c] += sum;
        }
    }
}

/* Four rows, four columns at a time; the last four may go twice. */
static void transpose_rows(float *out, size_t out_step, const float *x, size_t x_step, int C)
{
    float *to = out;
    int c = 0;

    for (; c <= C - 4; c += 4, to += 4 * out_step) vf4_transpose(to, out_step, x + c, x_step);
    if (c < C) vf4_transpose(out + (size_t)(C - 4) * out_step, out_step, x + C - 4, x_step);
}

/* In squares that stay in L1 whichever side is long. */
void kiln_vec_transpose(float *out, size_t out_step, const float *x, size_t x_step, int R, int C)
{
    enum { SQUARE = 32 };

    if (R < 4 || C < 4) {
        for (int r = 0; r < R; r++)
            for (int c = 0; c < C; c++) out[c * out_step + r] = x[r * x_step + c];
        return;
    }
    for (int r0 = 0; r0 < R; r0 += SQUARE)
        for (int c0 = 0; c0 < C; c0 += SQUARE) {
            const int end = R - r0 < SQUARE ? R : r0 + SQUARE;
            const int first = c0 < C - 4 ? c0 : C - 4; /* the last four at least */
            const int columns = C - first < SQUARE ? C - first : SQUARE;
            float *const to = out + first * out_step;

            for (int r = r0; r < end; r += 4) { /* the last four rows may go twice */
                const size_t row = (size_t)(r < R - 4 ? r : R - 4);

                transpose_rows(to + row, out_step, x + row * x_step + first, x_step, columns);
            }
        }
}

void kiln_vec_nchw_to_nhwc(float *out, const float *x, int N, int C, int S)
{
    const size_t image = (size_t)C * S;

    for (int n = 0; n < N; n++)
        kiln_vec_transpose(out + n * image, (size_t)C, x + n * image, (size_t)S, C, S);
}

void kiln_vec_nhwc_to_nchw(float *out, const float *x, int N, int C, int S)
{
    const size_t image = (size_t)C * S;

    for (int n = 0; n < N; n++)
        kiln_vec_transpose(out + n * image, (size_t)S, x + n * image, (size_t)C, S, C);
}
