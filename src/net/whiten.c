/* The filters of a whitening convolution; see whiten.h. */
#include "net/whiten.h"

#include "base/arena.h"
#include "base/status.h"

#define SWEEPS 60      /* more than Jacobi's method ever takes */
#define SMOOTHING 5e-4 /* keeps directions that hardly vary from being blown up (airbench) */

/* Pixel (c, i, j) of the patch at (h, w), in the order of a filter. */
static void read_patch(double *p, const float *x, int h, int w, const kiln_conv_shape *s)
{
    for (int c = 0; c < s->C; c++)
        for (int i = 0; i < s->HH; i++)
            for (int j = 0; j < s->WW; j++) *p++ = (double)x[((h + i) * s->W + w + j) * s->C + c];
}

/* a (K, K): the mean of pᵀp over all patches of n images; patch holds K. */
static void covariance(double *a, double *patch, const float *x, int n, const kiln_conv_shape *s)
{
    const int K = s->C * s->HH * s->WW;

    for (int i = 0; i < K * K; i++) a[i] = 0;
    for (int image = 0; image < n; image++, x += s->H * s->W * s->C)
        for (int h = 0; h < s->OH; h++)
            for (int w = 0; w < s->OW; w++) {
                read_patch(patch, x, h, w, s);
                for (int i = 0; i < K; i++)
                    for (int j = 0; j <= i; j++) a[i * K + j] += patch[i] * patch[j];
            }
    for (int i = 0; i < K; i++)
        for (int j = 0; j <= i; j++)
            a[i * K + j] = a[j * K + i] = a[i * K + j] / ((double)n * s->OH * s->OW);
}

/* The rotation of rows and columns p and q that makes a[p][q] zero (Golub and Van Loan, Matrix
 * Computations, section 8.5.2), here and of the vectors so far. */
static void rotate(double *a, double *v, int K, int p, int q)
{
    const double apq = a[p * K + q], tau = (a[q * K + q] - a[p * K + p]) / (2 * apq);
    const double t = (tau < 0 ? -1 : 1) / (__builtin_fabs(tau) + __builtin_sqrt(1 + tau * tau));
    const double c = 1 / __builtin_sqrt(1 + t * t), s = t * c;

    for (int k = 0; k < K; k++) {
        const double akp = a[k * K + p], akq = a[k * K + q];

        a[k * K + p] = c * akp - s * akq;
        a[k * K + q] = s * akp + c * akq;
    }
    for (int k = 0; k < K; k++) {
        const double apk = a[p * K + k], aqk = a[q * K + k];
        const double vpk = v[p * K + k], vqk = v[q * K + k];

        a[p * K + k] = c * apk - s * aqk;
        a[q * K + k] = s * apk + c * aqk;
        v[p * K + k] = c * vpk - s * vqk;
        v[q * K + k] = s * vpk + c * vqk;
    }
    a[p * K + q] = a[q * K + p] = 0;
}

void kiln_eigenvectors(double *v, double *a, int K)
{
    for (int i = 0; i < K * K; i++) v[i] = i % (K + 1) == 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        double off = 0, diagonal = 0;

        for (int p = 0; p < K; p++) {
            diagonal += a[p * K + p] * a[p * K + p];
            for (int q = p + 1; q < K; q++) off += a[p * K + q] * a[p * K + q];
        }
        if (off <= 1e-30 * diagonal) return;
        for (int p = 0; p < K; p++)
            for (int q = p + 1; q < K; q++)
                if (a[p * K + q] != 0) rotate(a, v, K, p, q);
    }
}

/* The largest eigenvalue that is not taken yet. */
static int largest(const double *a, const unsigned char *taken, int K)
{
    int best = -1;

    for (int i = 0; i < K; i++)
        if (!taken[i] && (best < 0 || a[i * K + i] > a[best * K + best])) best = i;
    return best;
}

/* Eigenvector v (K) of eigenvalue `variance` as a filter and its negative. */
static void write_filters(float *w, float *negative, const double *v, double variance, int K)
{
    int top = 0;
    double scale;

    for (int k = 1; k < K; k++)
        if (__builtin_fabs(v[k]) > __builtin_fabs(v[top])) top = k;
    scale = (v[top] < 0 ? -1 : 1) / __builtin_sqrt((variance > 0 ? variance : 0) + SMOOTHING);
    for (int k = 0; k < K; k++) {
        w[k] = (float)(v[k] * scale);
        negative[k] = -w[k];
    }
}

int kiln_whiten_filters(float *w, const float *x, int n, const kiln_conv_shape *s)
{
    const int K = s->C * s->HH * s->WW, square = K * K;
    unsigned char taken[KILN_WHITEN_MAX] = {0};
    kiln_arena arena;
    double *a, *v;

    KILN_TRY(kiln_arena_create(&arena, (size_t)(2 * square + K) * sizeof(double),
                               "the covariance of patches"));
    a = (double *)(void *)arena.base, v = a + square;
    covariance(a, v + square, x, n, s);
    kiln_eigenvectors(v, a, K);
    for (int f = 0; f < K; f++) {
        const int e = largest(a, taken, K);

        taken[e] = 1;
        write_filters(w + f * K, w + (K + f) * K, v + e * K, a[e * K + e], K);
    }
    kiln_arena_destroy(&arena);
    return KILN_OK;
}
