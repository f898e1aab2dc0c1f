/*
 * OpenBLAS by name, when the program runs: no header and no link-time library is needed, and where
 * it is missing the benchmark goes on without. OPENBLAS_NUM_THREADS and OPENBLAS_CORETYPE in the
 * environment set it up.
 */
#include "../bench.h"

#include <dlfcn.h>
#include <string.h>

#include "kernels/gemm.h"

/* cblas.h: row-major, no transpose, transpose */
enum { ROW_MAJOR = 101, AS_IS = 111, TRANSPOSED = 112 };
typedef void sgemm(int order, int a_form, int b_form, int m, int n, int k, float alpha,
                   const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
static sgemm *multiply;

const char *bench_openblas_core(void)
{
    void *library = dlopen("libopenblas.so.0", RTLD_NOW), *found;
    char *(*core)(void);

    if (!library || !(found = dlsym(library, "openblas_get_corename"))) return NULL;
    memcpy(&core, &found, sizeof core); /* C has no cast from an object to a function */
    if (!(found = dlsym(library, "cblas_sgemm"))) return NULL;
    memcpy(&multiply, &found, sizeof multiply);
    return core();
}

void bench_openblas_gemm(int op, int m, int n, int k, const float *a, const float *b, float *c)
{
    multiply(ROW_MAJOR, op == KILN_TN ? TRANSPOSED : AS_IS, op == KILN_NT ? TRANSPOSED : AS_IS, m,
             n, k, 1, a, op == KILN_TN ? m : k, b, op == KILN_NT ? k : n, 0, c, n);
}
