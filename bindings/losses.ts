/** The two losses of the course: see layers.ts for the manner. */

import { checkNumber } from './check.js';
import { compute } from './course.js';
import { checkLabels, checkTensor, zerosLike } from './tensor.js';
import type { AnyTensor, Tensor } from './types.js';
import { fills } from './wasm.js';

/** What a loss function returns: the loss, and its gradient by the scores, (N, C). */
export interface Loss<T extends AnyTensor = Tensor> {
  /** Mean over the rows. */
  loss: number;
  dx: T;
}

/**
 * Softmax and cross-entropy, the mean over the rows.   x (N, C) scores, y (N) labels 0..C-1; dx (N,
 * C). smoothing, in [0, 1), is the share of label smoothing (Szegedy et al. 2016, section 7).
 * E_SHAPE, E_ARG for labels or a smoothing out of range. Source: layers.py, softmax_loss.
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

/**
 * Multiclass hinge loss with margin 1 (Weston and Watkins 1999), the mean over the rows.   x (N, C)
 * scores, y (N) labels 0..C-1; dx (N, C). E_SHAPE, E_ARG for labels out of range. Source:
 * layers.py, svm_loss.
 */
export function svmLoss<T extends AnyTensor>(x: T, y: ArrayLike<number>): Loss<T> {
  const [N, C] = checkTensor('svmLoss', 'x', x, 2) as [number, number];
  const labels = checkLabels('svmLoss', y, N, C);
  const loss = new Float64Array(1);
  const dx = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_svm_loss', fills(loss), fills(dx.data), x.data, labels, N, C);
  return { loss: loss[0]!, dx };
}
