/**
 * The layer functions of cs231n's assignments for people who check their homework: the course's
 * names, shapes and conventions, computed by the C library. They work at once, after `await
 * ready()`.
 *
 *   const { out, cache } = layers.affineForward(x, w, b);
 *   const { dx, dw, db } = layers.affineBackward(dout, cache);
 *
 * Results are new tensors; arguments are not written to, and a cache holds them themselves, so that
 * they must not change before backward. Tensors of Float64Array are computed in double. Errors:
 * E_ARG for a wrong type, number or cache, and for floats mixed with doubles; E_SHAPE for sizes
 * that do not fit; E_STATE before ready(); E_MEMORY.
 *
 * Normalisations and dropout are in norms.ts, losses in losses.ts; course-layers.ts gathers all as
 * `layers`.
 */

import { checkCount } from './check.js';
import { compute } from './course.js';
import { KilnError } from './errors.js';
import { checkShape, checkTensor, checkVector, shapeText, sizeOf, zerosLike } from './tensor.js';
import type { AnyTensor, Tensor } from './types.js';
import { fills } from './wasm.js';

/** What affineBackward needs: the arguments of affineForward themselves, not copies. */
export interface AffineCache<T extends AnyTensor = Tensor> { layer: 'affine'; x: T; w: T; b: T }
/** What reluBackward needs: x itself. */
export interface ReluCache<T extends AnyTensor = Tensor> { layer: 'relu'; x: T }
/** What convBackward needs: the tensors themselves, and a copy of the parameters. */
export interface ConvCache<T extends AnyTensor = Tensor> {
  layer: 'conv'; x: T; w: T; b: T; param: ConvParam;
}
/** What maxPoolBackward needs: x itself, and a copy of the parameters. */
export interface MaxPoolCache<T extends AnyTensor = Tensor> {
  layer: 'maxPool'; x: T; param: PoolParam;
}

/** stride from 1 up; pad, pixels of zeros on each side, 0..16384. */
export interface ConvParam { stride: number; pad: number }
/** The window in pixels, and its stride; each from 1 up. */
export interface PoolParam { poolHeight: number; poolWidth: number; stride: number }

/**
 * `cache`, which must be what the forward of its own `layer` returned, else E_ARG; `where` begins
 * the sentence.
 */
export function checkCache<T extends { layer: string }>(
  where: string, cache: T, layer: T['layer']): T {
  if (typeof cache === 'object' && cache !== null && cache.layer === layer) return cache;
  throw new KilnError(
    'E_ARG', `${where}: cache must be what the ${layer} layer's forward returned`);
}

/**
 * out = x·w + b.   x (N, d1, .., dk) with D = d1·..·dk, w (D, M), b (M); out (N, M). E_SHAPE where
 * these do not fit. Source: layers.py, affine_forward.
 */
export function affineForward<T extends AnyTensor>(
  x: T, w: T, b: T): { out: T; cache: AffineCache<T> } {
  const [N, D, M] = affineSizes('affineForward', x, w, b);
  const out = zerosLike(x, [N, M]);
  compute(x, 'kiln_layer_affine_forward', fills(out.data), x.data, w.data, b.data, N, D, M);
  return { out, cache: { layer: 'affine', x, w, b } };
}

/**
 * dx = dout·wᵀ, dw = xᵀ·dout, db = Σ_n dout[n].   dout (N, M), cache of affineForward; dx as x, dw
 * (D, M), db (M). E_SHAPE, E_ARG for another cache. Source: affine_backward.
 */
export function affineBackward<T extends AnyTensor>(
  dout: T, cache: AffineCache<T>): { dx: T; dw: T; db: T } {
  const { x, w, b } = checkCache('affineBackward', cache, 'affine');
  const [N, D, M] = affineSizes('affineBackward', x, w, b);
  checkShape('affineBackward', 'dout', dout, [N, M]);
  const dx = zerosLike(x, x.shape), dw = zerosLike(x, w.shape), db = zerosLike(x, b.shape);
  compute(x, 'kiln_layer_affine_backward', fills(dx.data), fills(dw.data), fills(db.data),
    dout.data, x.data, w.data, N, D, M);
  return { dx, dw, db };
}

function affineSizes(
  where: string, x: AnyTensor, w: AnyTensor, b: AnyTensor): [number, number, number] {
  const [N, ...rest] = checkTensor(where, 'x', x) as [number, ...number[]];
  const D = sizeOf(rest);
  const [rows, M] = checkTensor(where, 'w', w, 2) as [number, number];
  if (rows !== D) {
    throw new KilnError('E_SHAPE', `${where}: w must have the shape (${D}, M) for x of the shape ` +
      `${shapeText(x.shape)}, not ${shapeText(w.shape)}`);
  }
  checkVector(where, 'b', b, M);
  return [N, D, M];
}

/** out = max(0, x), of any shape. Source: relu_forward. */
export function reluForward<T extends AnyTensor>(x: T): { out: T; cache: ReluCache<T> } {
  checkTensor('reluForward', 'x', x);
  const out = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_relu_forward', fills(out.data), x.data, x.data.length);
  return { out, cache: { layer: 'relu', x } };
}

/**
 * dx = dout where x > 0, else 0.   dout and dx of the shape of x; cache of reluForward. E_SHAPE,
 * E_ARG for another cache. Source: relu_backward.
 */
export function reluBackward<T extends AnyTensor>(dout: T, cache: ReluCache<T>): { dx: T } {
  const { x } = checkCache('reluBackward', cache, 'relu');
  checkShape('reluBackward', 'dout', dout, x.shape);
  const dx = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_relu_backward', fills(dx.data), dout.data, x.data, x.data.length);
  return { dx };
}

/**
 * Convolution (cross-correlation) with zero padding, by param's stride and pad.
 * x (N, C, H, W), w (F, C, HH, WW), b (F); out (N, F, OH, OW) with OH = 1 + (H + 2·pad - HH) /
 * stride, rounded down, and OW likewise. E_ARG for a stride below 1 or a pad below 0, E_SHAPE for
 * filters that do not fit. Source: layers.py, conv_forward_naive.
 */
export function convForward<T extends AnyTensor>(
  x: T, w: T, b: T, param: ConvParam): { out: T; cache: ConvCache<T> } {
  const kept = convParam('convForward', param);
  const sizes = convSizes('convForward', x, w, b, kept);
  const [N, , , , F] = sizes;
  const out = zerosLike(x, [N, F, ...convOutput(sizes)]);
  compute(x, 'kiln_layer_conv_forward', fills(out.data), x.data, w.data, b.data, ...sizes);
  return { out, cache: { layer: 'conv', x, w, b, param: kept } };
}

/**
 * Of dout (N, F, OH, OW) and the cache of convForward: dx (N, C, H, W), the transposed convolution
 * of dout with w; dw (F, C, HH, WW), the sum of dout times the window it came from; db (F), the sum
 * of dout. E_SHAPE for another shape of dout, E_ARG for another cache. Source: layers.py,
 * conv_backward_naive.
 */
export function convBackward<T extends AnyTensor>(
  dout: T, cache: ConvCache<T>): { dx: T; dw: T; db: T } {
  const { x, w, b, param } = checkCache('convBackward', cache, 'conv');
  const sizes = convSizes('convBackward', x, w, b, param);
  checkShape('convBackward', 'dout', dout, [sizes[0], sizes[4], ...convOutput(sizes)]);
  const dx = zerosLike(x, x.shape), dw = zerosLike(x, w.shape), db = zerosLike(x, b.shape);
  compute(x, 'kiln_layer_conv_backward', fills(dx.data), fills(dw.data), fills(db.data),
    dout.data, x.data, w.data, ...sizes);
  return { dx, dw, db };
}

/** N, C, H, W, F, HH, WW, stride, pad: as kiln.h takes them. */
type ConvSizes = [number, number, number, number, number, number, number, number, number];

function convParam(where: string, param: ConvParam): ConvParam {
  return {
    stride: checkCount(where, 'stride', param?.stride),
    pad: checkCount(where, 'pad', param?.pad, 0),
  };
}

function convSizes(
  where: string, x: AnyTensor, w: AnyTensor, b: AnyTensor, { stride, pad }: ConvParam): ConvSizes {
  const [N, C, H, W] = checkTensor(where, 'x', x, 4) as [number, number, number, number];
  const [F, depth, HH, WW] = checkTensor(where, 'w', w, 4) as [number, number, number, number];
  if (depth !== C) {
    throw new KilnError('E_SHAPE', `${where}: w ${shapeText(w.shape)} has ${depth} channels, ` +
      `but x ${shapeText(x.shape)} has ${C}`);
  }
  checkVector(where, 'b', b, F);
  if (HH > H + 2 * pad || WW > W + 2 * pad) {
    throw new KilnError('E_SHAPE', `${where}: filters of ${HH}x${WW} do not fit an image of ` +
      `${H}x${W} with pad ${pad}`);
  }
  return [N, C, H, W, F, HH, WW, stride, pad];
}

function convOutput([, , H, W, , HH, WW, stride, pad]: ConvSizes): [number, number] {
  return [windows(H + 2 * pad, HH, stride), windows(W + 2 * pad, WW, stride)];
}

/** How many windows of a size fit a length. */
function windows(length: number, size: number, stride: number): number {
  return Math.floor((length - size) / stride) + 1;
}

/**
 * The largest value of each window of param's poolHeight x poolWidth, without padding.   x (N, C,
 * H, W); out (N, C, OH, OW) with OH = 1 + (H - poolHeight) / stride, rounded down, and OW likewise.
 * E_ARG for a number below 1, E_SHAPE for a window that does not fit. Source:
 * max_pool_forward_naive.
 */
export function maxPoolForward<T extends AnyTensor>(
  x: T, param: PoolParam): { out: T; cache: MaxPoolCache<T> } {
  const kept = poolParam('maxPoolForward', param);
  const { sizes, output } = poolSizes('maxPoolForward', x, kept);
  const out = zerosLike(x, output);
  compute(x, 'kiln_layer_max_pool_forward', fills(out.data), x.data, ...sizes);
  return { out, cache: { layer: 'maxPool', x, param: kept } };
}

/**
 * dout (N, C, OH, OW) goes to the first largest value of each window: dx (N, C, H, W); cache of
 * maxPoolForward. E_SHAPE, E_ARG for another cache. Source: max_pool_backward_naive.
 */
export function maxPoolBackward<T extends AnyTensor>(dout: T, cache: MaxPoolCache<T>): { dx: T } {
  const { x, param } = checkCache('maxPoolBackward', cache, 'maxPool');
  const { sizes, output } = poolSizes('maxPoolBackward', x, param);
  checkShape('maxPoolBackward', 'dout', dout, output);
  const dx = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_max_pool_backward', fills(dx.data), dout.data, x.data, ...sizes);
  return { dx };
}

function poolParam(where: string, param: PoolParam): PoolParam {
  return {
    poolHeight: checkCount(where, 'poolHeight', param?.poolHeight),
    poolWidth: checkCount(where, 'poolWidth', param?.poolWidth),
    stride: checkCount(where, 'stride', param?.stride),
  };
}

function poolSizes(where: string, x: AnyTensor, { poolHeight, poolWidth, stride }: PoolParam): {
  sizes: [number, number, number, number, number, number, number];
  output: number[];
} {
  const [N, C, H, W] = checkTensor(where, 'x', x, 4) as [number, number, number, number];
  if (poolHeight > H || poolWidth > W) {
    throw new KilnError('E_SHAPE',
      `${where}: a window of ${poolHeight}x${poolWidth} does not fit an image of ${H}x${W}`);
  }
  return {
    sizes: [N, C, H, W, poolHeight, poolWidth, stride],
    output: [N, C, windows(H, poolHeight, stride), windows(W, poolWidth, stride)],
  };
}
