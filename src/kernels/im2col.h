/*
 * Image to column matrix and back, as the course draws it (cs231n: convolutional-networks,
 * "Implementation as matrix multiplication"). One image, planes first.
 *
 *   x (C, H, W)  ->  col (C·HH·WW, OH·OW)
 *   row (c, y, x'), column (i, j) of col holds x[c, i·stride + y - pad_h, j·stride + x' - pad_w]
 *
 * AlexNet's first layer: 3x227x227, 11x11, stride 4, pad 0 gives a 363 x 3025 matrix.
 */
#ifndef KILN_KERNELS_IM2COL_H
#define KILN_KERNELS_IM2COL_H

void kiln_im2col(float *col, const float *x, int C, int H, int W, int HH, int WW, int stride,
                 int pad_h, int pad_w);
/* The adjoint: x = Σ of the columns that cover it. Overwrites x. */
void kiln_col2im(float *x, const float *col, int C, int H, int W, int HH, int WW, int stride,
                 int pad_h, int pad_w);

#endif
