/*
 * Packed, cache-blocked matrix product on row-major matrices (Goto and van de Geijn, "Anatomy of
 * high-performance matrix multiplication", ACM TOMS 34(3), 2008).
 *
 *   KILN_NN   c (m, n) = a (m, k) · b (k, n)
 *   KILN_NT   c (m, n) = a (m, k) · b (n, k)ᵀ
 *   KILN_TN   c (m, n) = a (k, m)ᵀ · b (k, n)
 *
 * With accumulate, the product is added to c. Every element of c is one sum over k in order, in
 * blocks of KILN_GEMM_KC (each block from zero, blocks added in order): m, n, lanes and threads do
 * not matter to it. Runs on the pool (kiln_parallel): not to be called from inside a task.
 */
#ifndef KILN_KERNELS_GEMM_H
#define KILN_KERNELS_GEMM_H

#include <stddef.h>

#define KILN_GEMM_KC 384

enum { KILN_NN, KILN_NT, KILN_TN };

/* Scratch in floats at the present number of threads. */
size_t kiln_gemm_work(int m, int n, int k);

void kiln_gemm(int op, int m, int n, int k, const float *a, int lda, const float *b, int ldb,
               int accumulate, float *c, int ldc, float *work);

#endif
