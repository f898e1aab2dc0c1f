/** The two losses of the course: see layers.ts for the manner. */

import { checkNumber } from './check.js';
import { compute } from './course.js';
import { checkLabels, checkTensor, zerosLike } from './tensor.js';
import type { AnyTensor, Tensor } from './types.js';
import { fills } from './wasm.js';

export interface Loss<T extends AnyTensor = Tensor> {
  /** Mean over the rows. */
  loss: number;
  dx: T;
}

/**
 * Softmax and cross-entropy.   x (N, C) scores, y (N) labels; smoothing is a share of label
 * smoothing.
 */
export function softmaxLoss<T extends AnyTensor>(
  x: T, y: ArrayLike<number>, { smoothing = 0 }: { smoothing?: number } = {}): Loss<T> {
  const [N, C] = checkTensor('softmaxLoss', 'x', x, 2) as [number, number];
  const labels = checkLabels('softmaxLoss', y, N, C);
  checkNumber('softmaxLoss', 'smoothing', smoothing, 0, 1);
  const loss = new Float64Array(1);
  const dx = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_softmax_loss', fills(loss), fills(dx.data), x.data, labels, N, C,
    smoothing);
  return { loss: loss[0]!, dx };
}

/** Multiclass hinge loss with margin 1.   x (N, C) scores, y (N) labels. */
export function svmLoss<T extends AnyTensor>(x: T, y: ArrayLike<number>): Loss<T> {
  const [N, C] = checkTensor('svmLoss', 'x', x, 2) as [number, number];
  const labels = checkLabels('svmLoss', y, N, C);
  const loss = new Float64Array(1);
  const dx = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_svm_loss', fills(loss), fills(dx.data), x.data, labels, N, C);
  return { loss: loss[0]!, dx };
}
