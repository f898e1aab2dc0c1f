/**
 * The normalisation and dropout functions of the course (assignment 2, layers.py): see layers.ts
 * for the manner, errors and ownership.
 */

import { checkCount, checkNumber } from './check.js';
import { compute } from './course.js';
import { KilnError } from './errors.js';
import { checkCache } from './layers.js';
import {
  checkShape, checkTensor, checkVector, copyOf, floatsLike, sizeOf, zerosLike,
} from './tensor.js';
import type { AnyTensor, Tensor } from './types.js';
import { fills, updates } from './wasm.js';

const EPS = 1e-5; // the course's default

/** The course's bn_param. */
export interface BnParam<T extends AnyTensor = Tensor> {
  mode: 'train' | 'test';
  /** 1e-5 where left out. */
  eps?: number;
  /** running = momentum·running + (1 - momentum)·batch; 0.9 where left out. */
  momentum?: number;
  /** Kept here from call to call, as the course does; zeros at first. */
  runningMean?: T;
  runningVar?: T;
}
/** The course's ln_param and gn_param: eps >= 0, 1e-5 where left out. */
export interface NormParam { eps?: number }
/** The course's dropout_param. */
export interface DropoutParam<T extends AnyTensor = Tensor> {
  /** The probability to KEEP a value, in (0, 1]. */
  p: number;
  mode: 'train' | 'test';
  /** Makes the mask repeatable; a whole number from 0 up. */
  seed?: number;
  /** A mask of x's shape to be taken instead of a drawn one: 0, or 1 / p where a value is kept. */
  mask?: T;
}

interface NormCache<T extends AnyTensor> {
  x: T; gamma: T; beta: T; mean: T['data']; invStd: T['data'];
}
/** Of training mode; test mode has no backward pass and its cache is null. */
export interface BatchnormCache<T extends AnyTensor = Tensor> extends NormCache<T> {
  layer: 'batchnorm';
}
/** What layernormBackward needs: x, gamma and beta themselves; mean, invStd (N). */
export interface LayernormCache<T extends AnyTensor = Tensor> extends NormCache<T> {
  layer: 'layernorm';
}
/** What groupnormBackward needs: x, gamma and beta themselves; mean, invStd (N, G). */
export interface GroupnormCache<T extends AnyTensor = Tensor> extends NormCache<T> {
  layer: 'groupnorm'; G: number;
}
/** What dropoutBackward needs: the mask of x's shape; null in test mode. */
export interface DropoutCache<T extends AnyTensor = Tensor> {
  layer: 'dropout'; shape: number[]; mask: T | null;
}

/** dx of the shape of x; dgamma and dbeta of those of gamma and beta. */
export interface NormGradients<T extends AnyTensor = Tensor> { dx: T; dgamma: T; dbeta: T }
type Normalised<T extends AnyTensor, Cache> = { out: T; cache: Cache };

/**
 * Each column by the mean and biased variance of the batch, or in test mode by the running ones
 * (Ioffe and Szegedy 2015, algorithm 1).   x (N, D), gamma, beta (D); out (N, D). In training the
 * running statistics of bnParam are replaced by new tensors. The cache holds x and gamma
 * themselves, and is null in test mode. E_SHAPE; E_ARG for a mode, eps or momentum out of range.
 * Source: layers.py, batchnorm_forward.
 */
export function batchnormForward<T extends AnyTensor>(
  x: T, gamma: T, beta: T, bnParam: BnParam<T>): Normalised<T, BatchnormCache<T> | null> {
  checkTensor('batchnormForward', 'x', x, 2);
  return normaliseBatch('batchnormForward', x, gamma, beta, bnParam);
}

/**
 * dx (N, D), dgamma, dbeta (D) of dout (N, D) and the cache of batchnormForward, through the staged
 * graph of nine steps. E_SHAPE; E_ARG for a cache of test mode. Source: batchnorm_backward.
 */
export function batchnormBackward<T extends AnyTensor>(
  dout: T, cache: BatchnormCache<T> | null): NormGradients<T> {
  return batchGradients('batchnormBackward', dout, cache, 0);
}

/**
 * The same of dout (N, D) and cache by the closed form, simplified on paper as the course asks: dx
 * = inv_std·gamma·(dout - mean(dout) - x̂·mean(dout·x̂)), dgamma = Σ_n dout·x̂, dbeta = Σ_n dout.
 * In floats the last digits differ from the staged form's. E_SHAPE; E_ARG for a cache of test mode.
 * Source: batchnorm_backward_alt.
 */
export function batchnormBackwardAlt<T extends AnyTensor>(
  dout: T, cache: BatchnormCache<T> | null): NormGradients<T> {
  return batchGradients('batchnormBackwardAlt', dout, cache, 1);
}

/**
 * batchnormForward for images: each channel by its mean and variance over N, H and W.   x and out
 * (N, C, H, W), gamma, beta (C); bnParam, cache and errors as there. Source: layers.py,
 * spatial_batchnorm_forward.
 */
export function spatialBatchnormForward<T extends AnyTensor>(
  x: T, gamma: T, beta: T, bnParam: BnParam<T>): Normalised<T, BatchnormCache<T> | null> {
  checkTensor('spatialBatchnormForward', 'x', x, 4);
  return normaliseBatch('spatialBatchnormForward', x, gamma, beta, bnParam);
}

/**
 * dx (N, C, H, W), dgamma, dbeta (C) of dout (N, C, H, W) and the cache of spatialBatchnormForward,
 * by the closed form. E_SHAPE; E_ARG for a cache of test mode. Source: spatial_batchnorm_backward.
 */
export function spatialBatchnormBackward<T extends AnyTensor>(
  dout: T, cache: BatchnormCache<T> | null): NormGradients<T> {
  return batchGradients('spatialBatchnormBackward', dout, cache, 1);
}

function normaliseBatch<T extends AnyTensor>(where: string, x: T, gamma: T, beta: T,
  bnParam: BnParam<T>): Normalised<T, BatchnormCache<T> | null> {
  const [N, C, S] = channelSizes(x);
  checkVector(where, 'gamma', gamma, C);
  checkVector(where, 'beta', beta, C);
  const train = checkMode(where, bnParam);
  const eps = checkEps(where, bnParam);
  const momentum = checkNumber(where, 'momentum', bnParam.momentum ?? 0.9, 0, 1);
  const runningMean = running(where, 'runningMean', bnParam.runningMean, C, x);
  const runningVar = running(where, 'runningVar', bnParam.runningVar, C, x);

  const out = zerosLike(x, x.shape);
  const mean = floatsLike(x, C), invStd = floatsLike(x, C);
  compute(x, 'kiln_layer_batchnorm_forward', fills(out.data), fills(mean), fills(invStd),
    updates(runningMean.data), updates(runningVar.data), x.data, gamma.data, beta.data,
    N, C, S, eps, momentum, train ? 1 : 0);
  Object.assign(bnParam, { runningMean, runningVar });
  return { out, cache: train ? { layer: 'batchnorm', x, gamma, beta, mean, invStd } : null };
}

function batchGradients<T extends AnyTensor>(
  where: string, dout: T, cache: BatchnormCache<T> | null, alt: number): NormGradients<T> {
  if (cache === null) {
    throw new KilnError('E_ARG', `${where}: cache must come from a forward pass in mode 'train'`);
  }
  const { x, gamma, beta, mean, invStd } = checkCache(where, cache, 'batchnorm');
  const [N, C, S] = channelSizes(x);
  checkShape(where, 'dout', dout, x.shape);
  const g = gradientsLike(x, gamma, beta);
  compute(x, 'kiln_layer_batchnorm_backward', fills(g.dx.data), fills(g.dgamma.data),
    fills(g.dbeta.data), dout.data, x.data, gamma.data, mean, invStd, N, C, S, alt);
  return g;
}

/**
 * Each row by its own mean and biased variance (Ba et al. 2016).   x and out (N, D), gamma, beta
 * (D); lnParam's eps >= 0. E_SHAPE, E_ARG. Source: layers.py, layernorm_forward.
 */
export function layernormForward<T extends AnyTensor>(
  x: T, gamma: T, beta: T, lnParam: NormParam = {}): Normalised<T, LayernormCache<T>> {
  const where = 'layernormForward';
  const [N, D] = checkTensor(where, 'x', x, 2) as [number, number];
  checkVector(where, 'gamma', gamma, D);
  checkVector(where, 'beta', beta, D);
  const out = zerosLike(x, x.shape);
  const mean = floatsLike(x, N), invStd = floatsLike(x, N);
  compute(x, 'kiln_layer_layernorm_forward', fills(out.data), fills(mean), fills(invStd),
    x.data, gamma.data, beta.data, N, D, checkEps(where, lnParam));
  return { out, cache: { layer: 'layernorm', x, gamma, beta, mean, invStd } };
}

/**
 * dx (N, D), dgamma, dbeta (D) of dout (N, D) and the cache of layernormForward. E_SHAPE, E_ARG for
 * another cache. Source: layernorm_backward.
 */
export function layernormBackward<T extends AnyTensor>(
  dout: T, cache: LayernormCache<T>): NormGradients<T> {
  const { x, gamma, beta, mean, invStd } = checkCache('layernormBackward', cache, 'layernorm');
  const [N, D] = x.shape as [number, number];
  checkShape('layernormBackward', 'dout', dout, x.shape);
  const g = gradientsLike(x, gamma, beta);
  compute(x, 'kiln_layer_layernorm_backward', fills(g.dx.data), fills(g.dgamma.data),
    fills(g.dbeta.data), dout.data, x.data, gamma.data, mean, invStd, N, D);
  return g;
}

/**
 * Each of G groups of channels of each image by its own mean and biased variance (Wu and He 2018,
 * equations 6 and 7).   x and out (N, C, H, W) or (N, C); gamma, beta (C), or the course's (1, C,
 * 1, 1); G divides C, else E_SHAPE; gnParam's eps >= 0, else E_ARG. Source: layers.py,
 * spatial_groupnorm_forward.
 */
export function groupnormForward<T extends AnyTensor>(x: T, gamma: T, beta: T, G: number,
  gnParam: NormParam = {}): Normalised<T, GroupnormCache<T>> {
  const where = 'groupnormForward';
  checkTensor(where, 'x', x, 4, 2);
  const [N, C, S] = channelSizes(x);
  checkCount(where, 'G', G);
  if (C % G !== 0) {
    throw new KilnError('E_SHAPE', `${where}: ${C} channels do not split into ${G} equal groups`);
  }
  checkVector(where, 'gamma', gamma, C);
  checkVector(where, 'beta', beta, C);
  const out = zerosLike(x, x.shape);
  const mean = floatsLike(x, N * G), invStd = floatsLike(x, N * G);
  compute(x, 'kiln_layer_groupnorm_forward', fills(out.data), fills(mean), fills(invStd),
    x.data, gamma.data, beta.data, N, C, S, G, checkEps(where, gnParam));
  return { out, cache: { layer: 'groupnorm', x, gamma, beta, mean, invStd, G } };
}

/**
 * dx of the shape of x; dgamma, dbeta of the shapes of gamma and beta; of dout, of the shape of x,
 * and the cache of groupnormForward. E_SHAPE, E_ARG for another cache. Source:
 * spatial_groupnorm_backward.
 */
export function groupnormBackward<T extends AnyTensor>(
  dout: T, cache: GroupnormCache<T>): NormGradients<T> {
  const { x, gamma, beta, mean, invStd, G } = checkCache('groupnormBackward', cache, 'groupnorm');
  const [N, C, S] = channelSizes(x);
  checkShape('groupnormBackward', 'dout', dout, x.shape);
  const g = gradientsLike(x, gamma, beta);
  compute(x, 'kiln_layer_groupnorm_backward', fills(g.dx.data), fills(g.dgamma.data),
    fills(g.dbeta.data), dout.data, x.data, gamma.data, mean, invStd, N, C, S, G);
  return g;
}

/** The course's names: its groupnorm is the spatial one. */
export {
  groupnormForward as spatialGroupnormForward, groupnormBackward as spatialGroupnormBackward,
};

/**
 * Inverted dropout (Srivastava et al. 2014, section 10): out = x·mask, mask = (random < p) / p in
 * training; a copy of x in test mode. x, out of any shape. param: p, mode, and a seed or a mask; a
 * given mask is taken as it is, so that a course's reference can be checked. E_ARG for a p outside
 * (0, 1], a mode or a seed that is none; E_SHAPE for a mask of another shape. Source: layers.py,
 * dropout_forward.
 */
export function dropoutForward<T extends AnyTensor>(
  x: T, param: DropoutParam<T>): { out: T; cache: DropoutCache<T> } {
  const where = 'dropoutForward';
  checkTensor(where, 'x', x);
  const train = checkMode(where, param);
  const keep = checkNumber(where, 'p', param.p, 0, 1);
  if (keep === 0) {
    throw new KilnError('E_ARG', `${where}: p, the probability to keep, must be above 0`);
  }
  if (!train) {
    return { out: copyOf(x), cache: { layer: 'dropout', shape: [...x.shape], mask: null } };
  }
  if (param.mask !== undefined) {
    const mask = copyOf(checkShape(where, 'mask', param.mask, x.shape));
    const out = zerosLike(x, x.shape);
    compute(x, 'kiln_layer_multiply', fills(out.data), x.data, mask.data, x.data.length);
    return { out, cache: { layer: 'dropout', shape: [...x.shape], mask } };
  }
  const seed = param.seed === undefined
    ? Math.floor(Math.random() * 2 ** 31)
    : checkCount(where, 'seed', param.seed, 0);
  const out = zerosLike(x, x.shape), mask = zerosLike(x, x.shape);
  compute(x, 'kiln_layer_dropout_forward', fills(out.data), fills(mask.data), x.data,
    x.data.length, keep, seed);
  return { out, cache: { layer: 'dropout', shape: [...x.shape], mask } };
}

/**
 * dx = dout·mask, of the shape of x; in test mode a copy of dout. cache of dropoutForward. E_SHAPE,
 * E_ARG for another cache. Source: dropout_backward.
 */
export function dropoutBackward<T extends AnyTensor>(dout: T, cache: DropoutCache<T>): { dx: T } {
  const { shape, mask } = checkCache('dropoutBackward', cache, 'dropout');
  checkShape('dropoutBackward', 'dout', dout, shape);
  if (mask === null) return { dx: copyOf(dout) };
  const dx = zerosLike(dout, shape);
  compute(dout, 'kiln_layer_multiply', fills(dx.data), dout.data, mask.data, dout.data.length);
  return { dx };
}

/** N, C and S = H·W; S is 1 for (N, C). */
function channelSizes(x: AnyTensor): [number, number, number] {
  const [N, C, ...rest] = x.shape as [number, number, ...number[]];
  return [N, C, sizeOf(rest)];
}

function checkMode(where: string, param: { mode: string }): boolean {
  if (param?.mode === 'train' || param?.mode === 'test') return param.mode === 'train';
  throw new KilnError(
    'E_ARG', `${where}: mode must be 'train' or 'test', not ${String(param?.mode)}`);
}

function checkEps(where: string, param: NormParam): number {
  return checkNumber(where, 'eps', param?.eps ?? EPS, 0);
}

/** A copy of the running statistic: the caller's tensors are not written to. */
function running<T extends AnyTensor>(
  where: string, name: string, given: T | undefined, C: number, x: T): T {
  if (given === undefined) return zerosLike(x, [C]);
  return copyOf(checkVector(where, name, given, C));
}

function gradientsLike<T extends AnyTensor>(x: T, gamma: T, beta: T): NormGradients<T> {
  return {
    dx: zerosLike(x, x.shape), dgamma: zerosLike(x, gamma.shape), dbeta: zerosLike(x, beta.shape),
  };
}

