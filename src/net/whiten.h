/*
 * Whitening: a convolution whose filters are the eigenvectors of the training images' patches,
 * divided by the root of their eigenvalues, each with both signs. Its outputs are uncorrelated and
 * of one variance, which the first layer need not learn (Page, "How to train your ResNet 8", 2019;
 * Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU", 2024, section 3.2).
 *
 * All in double, one sum after the other, by Jacobi's method with its rotations in a fixed order:
 * the same bits everywhere.
 */
#ifndef KILN_NET_WHITEN_H
#define KILN_NET_WHITEN_H

#include "kernels/conv.h"

#define KILN_WHITEN_MAX 75 /* values of a patch: 5x5x3 */

/* w (2K, C, HH, WW), K = C·HH·WW <= KILN_WHITEN_MAX, of n images x (n, H, W, C): filters in order
 * of falling variance, their largest value positive; then the same with the other sign. The
 * shape's OH and OW are those without padding, at stride 1. KILN_OK or KILN_E_MEMORY. */
int kiln_whiten_filters(float *w, const float *x, int n, const kiln_conv_shape *s);

/* The eigenvectors of a symmetric a (K, K), a row of v each; the eigenvalues stand on the diagonal
 * of a then. */
void kiln_eigenvectors(double *v, double *a, int K);

#endif
