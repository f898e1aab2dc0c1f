/*
 * Elementary functions of one double, the same bits on every build: polynomials in plain
 * arithmetic, no libm. For cold code (initialisers, schedules, the built-in set); kernels use
 * kernels/vec.h. Relative error below 1e-14 where the result is not near zero; sin and cos for |x|
 * <= 1e4.
 */
#ifndef KILN_BASE_SCALAR_H
#define KILN_BASE_SCALAR_H

double kiln_exp(double x);
double kiln_log(double x); /* x > 0 */
double kiln_sin(double x);
double kiln_cos(double x);
/* of 2 pi turns; the reduction is exact for |turns| < 2^20 in steps of 2^-32 */
void kiln_sin_cos_turns(double *sine, double *cosine, double turns);
double kiln_pow(double x,
                double y); /* x > 0: exp(y log x), exact for whole y with |y| <= 64 by squaring */

#endif
