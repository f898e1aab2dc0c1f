/**
 * The layer functions of cs231n's assignments for people who check their homework: the course's
 * names, shapes and conventions, computed by the C library. They work at once, after `await
 * ready()`.
 *
 *   const { out, cache } = layers.affineForward(x, w, b);
 *   const { dx, dw, db } = layers.affineBackward(dout, cache);
 *
 * Normalisations and dropout are in norms.ts, losses in losses.ts; index.ts gathers all as
 * `layers`.
 */

import { checkCount } from './check.js';
import { KilnError } from './errors.js';
import { instance } from './instance.js';
import { checkShape, checkTensor, checkVector, shapeText, sizeOf, zeros } from './tensor.js';
import type { Tensor } from './types.js';
import { fills } from './wasm.js';

export interface AffineCache { layer: 'affine'; x: Tensor; w: Tensor; b: Tensor }
export interface ReluCache { layer: 'relu'; x: Tensor }
export interface ConvCache {
  layer: 'conv'; x: Tensor; w: Tensor; b: Tensor; param: ConvParam;
}
export interface MaxPoolCache { layer: 'maxPool'; x: Tensor; param: PoolParam }

export interface ConvParam { stride: number; pad: number }
export interface PoolParam { poolHeight: number; poolWidth: number; stride: number }

/** What backward gets must be what its own forward returned. */
export function checkCache<T extends { layer: string }>(
  where: string, cache: T, layer: T['layer']): T {
  if (typeof cache === 'object' && cache !== null && cache.layer === layer) return cache;
  throw new KilnError(
    'E_ARG', `${where}: cache must be what the ${layer} layer's forward returned`);
}

/** out = x·w + b.   x (N, d1, .., dk) with D = d1·..·dk, w (D, M), b (M); out (N, M). */
export function affineForward(
  x: Tensor, w: Tensor, b: Tensor): { out: Tensor; cache: AffineCache } {
  const [N, D, M] = affineSizes('affineForward', x, w, b);
  const out = zeros([N, M]);
  instance().call('kiln_layer_affine_forward', fills(out.data), x.data, w.data, b.data, N, D, M);
  return { out, cache: { layer: 'affine', x, w, b } };
}

/** dx = dout·wᵀ, dw = xᵀ·dout, db = Σ_n dout[n]. */
export function affineBackward(
  dout: Tensor, cache: AffineCache): { dx: Tensor; dw: Tensor; db: Tensor } {
  const { x, w, b } = checkCache('affineBackward', cache, 'affine');
  const [N, D, M] = affineSizes('affineBackward', x, w, b);
  checkShape('affineBackward', 'dout', dout, [N, M]);
  const dx = zeros(x.shape), dw = zeros(w.shape), db = zeros(b.shape);
  instance().call('kiln_layer_affine_backward', fills(dx.data), fills(dw.data), fills(db.data),
    dout.data, x.data, w.data, N, D, M);
  return { dx, dw, db };
}

function affineSizes(where: string, x: Tensor, w: Tensor, b: Tensor): [number, number, number] {
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

/** out = max(0, x), of any shape. */
export function reluForward(x: Tensor): { out: Tensor; cache: ReluCache } {
  checkTensor('reluForward', 'x', x);
  const out = zeros(x.shape);
  instance().call('kiln_layer_relu_forward', fills(out.data), x.data, x.data.length);
  return { out, cache: { layer: 'relu', x } };
}

/** dx = dout where x > 0, else 0. */
export function reluBackward(dout: Tensor, cache: ReluCache): { dx: Tensor } {
  const { x } = checkCache('reluBackward', cache, 'relu');
  checkShape('reluBackward', 'dout', dout, x.shape);
  const dx = zeros(x.shape);
  instance().call('kiln_layer_relu_backward', fills(dx.data), dout.data, x.data, x.data.length);
  return { dx };
}

/**
 * Convolution (cross-correlation) with zero padding.
 * x (N, C, H, W), w (F, C, HH, WW), b (F); out (N, F, OH, OW) with OH = 1 + (H + 2·pad - HH) /
 * stride.
 */
export function convForward(
  x: Tensor, w: Tensor, b: Tensor, param: ConvParam): { out: Tensor; cache: ConvCache } {
  const kept = convParam('convForward', param);
  const sizes = convSizes('convForward', x, w, b, kept);
  const [N, , , , F] = sizes;
  const out = zeros([N, F, ...convOutput(sizes)]);
  instance().call('kiln_layer_conv_forward', fills(out.data), x.data, w.data, b.data, ...sizes);
  return { out, cache: { layer: 'conv', x, w, b, param: kept } };
}

export function convBackward(
  dout: Tensor, cache: ConvCache): { dx: Tensor; dw: Tensor; db: Tensor } {
  const { x, w, b, param } = checkCache('convBackward', cache, 'conv');
  const sizes = convSizes('convBackward', x, w, b, param);
  checkShape('convBackward', 'dout', dout, [sizes[0], sizes[4], ...convOutput(sizes)]);
  const dx = zeros(x.shape), dw = zeros(w.shape), db = zeros(b.shape);
  instance().call('kiln_layer_conv_backward', fills(dx.data), fills(dw.data), fills(db.data),
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
  where: string, x: Tensor, w: Tensor, b: Tensor, { stride, pad }: ConvParam): ConvSizes {
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

/** The largest value of each window.   x (N, C, H, W); out (N, C, OH, OW). */
export function maxPoolForward(
  x: Tensor, param: PoolParam): { out: Tensor; cache: MaxPoolCache } {
  const kept = poolParam('maxPoolForward', param);
  const { sizes, output } = poolSizes('maxPoolForward', x, kept);
  const out = zeros(output);
  instance().call('kiln_layer_max_pool_forward', fills(out.data), x.data, ...sizes);
  return { out, cache: { layer: 'maxPool', x, param: kept } };
}

/** The gradient goes to the first largest value of each window. */
export function maxPoolBackward(dout: Tensor, cache: MaxPoolCache): { dx: Tensor } {
  const { x, param } = checkCache('maxPoolBackward', cache, 'maxPool');
  const { sizes, output } = poolSizes('maxPoolBackward', x, param);
  checkShape('maxPoolBackward', 'dout', dout, output);
  const dx = zeros(x.shape);
  instance().call('kiln_layer_max_pool_backward', fills(dx.data), dout.data, x.data, ...sizes);
  return { dx };
}

function poolParam(where: string, param: PoolParam): PoolParam {
  return {
    poolHeight: checkCount(where, 'poolHeight', param?.poolHeight),
    poolWidth: checkCount(where, 'poolWidth', param?.poolWidth),
    stride: checkCount(where, 'stride', param?.stride),
  };
}

function poolSizes(where: string, x: Tensor, { poolHeight, poolWidth, stride }: PoolParam): {
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
