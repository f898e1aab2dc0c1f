// exported-nets.mjs — the nets that exports are tried with, and where their files go.

export const FOLDER = 'build/formats/files';
export const IMAGES = 256;
/** The largest difference of a logit. */
export const LIMIT = 1e-4;

/** Nets that hold every layer kind between them; `course`: NumPy computes it, too. */
export const NETS = [
  { name: 'linear', net: 'affine 10 - svm', course: true },
  { name: 'two-layer', net: 'affine 50 - relu - affine 10 - softmax', course: true },
  { name: 'raw-pixels', net: 'scale 0.00390625 - affine 10 - softmax',
    normalize: 'none' },
  { name: 'mean-image', net: 'scale 0.015625 - affine 10 - softmax',
    normalize: 'mean-image' },
  { name: 'convnet',
    net: 'conv 5x5x8 - relu - maxpool 2 - conv 3x5x8 stride 2 - tanh - avgpool 2 - '
      + 'affine 10 - svm' },
  { name: 'borders',
    net: 'conv 4x2x6 pad 1 nobias - leakyrelu 0.1 - maxpool 3 stride 2 - '
      + 'affine 10 nobias - softmax' },
  { name: 'batchnorm', net: '[conv 3x3x8 - batchnorm - relu]x2 - maxpool 2 - conv 3x3x8 - '
    + 'batchnorm fixed - silu - avgpool - affine 20 - batchnorm - sigmoid - affine 10 - softmax' },
  { name: 'norms', net: 'conv 3x3x8 - layernorm - gelu - maxpool 4 - conv 3x3x8 - groupnorm 4 - '
    + 'prelu - dropout 0.3 - affine 24 - layernorm - prelu - affine 24 - groupnorm 3 - gelu - '
    + 'affine 10 - softmax smoothing 0.1' },
  { name: 'keras', net: 'conv 3x3x8 - layernorm - gelu - maxpool 4 - prelu - conv 3x3x8 - prelu - '
    + 'dropout 0.3 - affine 24 - layernorm - prelu - affine 24 - gelu - affine 10 - softmax' },
  { name: 'residual', net: 'conv 3x3x8 - residual(conv 3x3x8 - batchnorm - relu - conv 3x3x8) - '
    + 'relu - residual(conv 3x3x12 stride 2 | conv 1x1x12 stride 2) - relu - avgpool - '
    + 'affine 12 - residual(affine 12) - affine 10 - softmax' },
  { name: 'whiten', net: 'whiten 2x2 - gelu - maxpool 3 - scale 0.5 - affine 10 - softmax' },
];
