/** The normalisation and dropout functions of the course: see layers.ts for the manner. */

import { checkCount, checkNumber } from './check.js';
import { KilnError } from './errors.js';
import { instance } from './instance.js';
import { checkCache } from './layers.js';
import { checkShape, checkTensor, checkVector, sizeOf, zeros } from './tensor.js';
import type { Tensor } from './types.js';
import { fills, updates } from './wasm.js';

const EPS = 1e-5; // the course's default

export interface BnParam {
  mode: 'train' | 'test';
  /** 1e-5 where left out. */
  eps?: number;
  /** running = momentum·running + (1 - momentum)·batch; 0.9 where left out. */
  momentum?: number;
  /** Kept here from call to call, as the course does; zeros at first. */
  runningMean?: Tensor;
  runningVar?: Tensor;
}
export interface NormParam { eps?: number }
export interface DropoutParam {
  /** The probability to KEEP a value, in (0, 1]. */
  p: number;
  mode: 'train' | 'test';
  /** Makes the mask repeatable. */
  seed?: number;
}

interface NormCache {
  x: Tensor; gamma: Tensor; beta: Tensor; mean: Float32Array; invStd: Float32Array;
}
/** Of training mode; test mode has no backward pass and its cache is null. */
export interface BatchnormCache extends NormCache { layer: 'batchnorm' }
export interface LayernormCache extends NormCache { layer: 'layernorm' }
export interface GroupnormCache extends NormCache { layer: 'groupnorm'; G: number }
export interface DropoutCache { layer: 'dropout'; shape: number[]; mask: Tensor | null }

export interface NormGradients { dx: Tensor; dgamma: Tensor; dbeta: Tensor }
type Normalised<Cache> = { out: Tensor; cache: Cache };

/**
 * Each column by the mean and variance of the batch, or by the running ones.   x (N, D), gamma,
 * beta (D).
 */
export function batchnormForward(
  x: Tensor, gamma: Tensor, beta: Tensor, bnParam: BnParam): Normalised<BatchnormCache | null> {
  checkTensor('batchnormForward', 'x', x, 2);
  return normaliseBatch('batchnormForward', x, gamma, beta, bnParam);
}

/** Through the staged graph of nine steps. */
export function batchnormBackward(dout: Tensor, cache: BatchnormCache | null): NormGradients {
  return batchGradients('batchnormBackward', dout, cache, 0);
}

/** The closed form. */
export function batchnormBackwardAlt(dout: Tensor, cache: BatchnormCache | null): NormGradients {
  return batchGradients('batchnormBackwardAlt', dout, cache, 1);
}

/** Each channel by its mean and variance over N, H and W.   x (N, C, H, W), gamma, beta (C). */
export function spatialBatchnormForward(
  x: Tensor, gamma: Tensor, beta: Tensor, bnParam: BnParam): Normalised<BatchnormCache | null> {
  checkTensor('spatialBatchnormForward', 'x', x, 4);
  return normaliseBatch('spatialBatchnormForward', x, gamma, beta, bnParam);
}

export function spatialBatchnormBackward(
  dout: Tensor, cache: BatchnormCache | null): NormGradients {
  return batchGradients('spatialBatchnormBackward', dout, cache, 1);
}

function normaliseBatch(where: string, x: Tensor, gamma: Tensor, beta: Tensor,
  bnParam: BnParam): Normalised<BatchnormCache | null> {
  const [N, C, S] = channelSizes(x);
  checkVector(where, 'gamma', gamma, C);
  checkVector(where, 'beta', beta, C);
  const train = checkMode(where, bnParam);
  const eps = checkEps(where, bnParam);
  const momentum = checkNumber(where, 'momentum', bnParam.momentum ?? 0.9, 0, 1);
  const runningMean = running(where, 'runningMean', bnParam.runningMean, C);
  const runningVar = running(where, 'runningVar', bnParam.runningVar, C);

  const out = zeros(x.shape);
  const mean = new Float32Array(C), invStd = new Float32Array(C);
  instance().call('kiln_layer_batchnorm_forward', fills(out.data), fills(mean), fills(invStd),
    updates(runningMean.data), updates(runningVar.data), x.data, gamma.data, beta.data,
    N, C, S, eps, momentum, train ? 1 : 0);
  Object.assign(bnParam, { runningMean, runningVar });
  return { out, cache: train ? { layer: 'batchnorm', x, gamma, beta, mean, invStd } : null };
}

function batchGradients(
  where: string, dout: Tensor, cache: BatchnormCache | null, alt: number): NormGradients {
  if (cache === null) {
    throw new KilnError('E_ARG', `${where}: cache must come from a forward pass in mode 'train'`);
  }
  const { x, gamma, beta, mean, invStd } = checkCache(where, cache, 'batchnorm');
  const [N, C, S] = channelSizes(x);
  checkShape(where, 'dout', dout, x.shape);
  const g = gradientsLike(x, gamma, beta);
  instance().call('kiln_layer_batchnorm_backward', fills(g.dx.data), fills(g.dgamma.data),
    fills(g.dbeta.data), dout.data, x.data, gamma.data, mean, invStd, N, C, S, alt);
  return g;
}

/** Each row by its own mean and variance.   x (N, D), gamma, beta (D). */
export function layernormForward(
  x: Tensor, gamma: Tensor, beta: Tensor, lnParam: NormParam = {}): Normalised<LayernormCache> {
  const where = 'layernormForward';
  const [N, D] = checkTensor(where, 'x', x, 2) as [number, number];
  checkVector(where, 'gamma', gamma, D);
  checkVector(where, 'beta', beta, D);
  const out = zeros(x.shape);
  const mean = new Float32Array(N), invStd = new Float32Array(N);
  instance().call('kiln_layer_layernorm_forward', fills(out.data), fills(mean), fills(invStd),
    x.data, gamma.data, beta.data, N, D, checkEps(where, lnParam));
  return { out, cache: { layer: 'layernorm', x, gamma, beta, mean, invStd } };
}

export function layernormBackward(dout: Tensor, cache: LayernormCache): NormGradients {
  const { x, gamma, beta, mean, invStd } = checkCache('layernormBackward', cache, 'layernorm');
  const [N, D] = x.shape as [number, number];
  checkShape('layernormBackward', 'dout', dout, x.shape);
  const g = gradientsLike(x, gamma, beta);
  instance().call('kiln_layer_layernorm_backward', fills(g.dx.data), fills(g.dgamma.data),
    fills(g.dbeta.data), dout.data, x.data, gamma.data, mean, invStd, N, D);
  return g;
}

/**
 * Each of G groups of channels of each image by its own mean and variance.
 * x (N, C, H, W) or (N, C); gamma, beta (C), or the course's (1, C, 1, 1).
 */
export function groupnormForward(x: Tensor, gamma: Tensor, beta: Tensor, G: number,
  gnParam: NormParam = {}): Normalised<GroupnormCache> {
  const where = 'groupnormForward';
  checkTensor(where, 'x', x, 4, 2);
  const [N, C, S] = channelSizes(x);
  checkCount(where, 'G', G);
  if (C % G !== 0) {
    throw new KilnError('E_SHAPE', `${where}: ${C} channels do not split into ${G} equal groups`);
  }
  checkVector(where, 'gamma', gamma, C);
  checkVector(where, 'beta', beta, C);
  const out = zeros(x.shape);
  const mean = new Float32Array(N * G), invStd = new Float32Array(N * G);
  instance().call('kiln_layer_groupnorm_forward', fills(out.data), fills(mean), fills(invStd),
    x.data, gamma.data, beta.data, N, C, S, G, checkEps(where, gnParam));
  return { out, cache: { layer: 'groupnorm', x, gamma, beta, mean, invStd, G } };
}

export function groupnormBackward(dout: Tensor, cache: GroupnormCache): NormGradients {
  const { x, gamma, beta, mean, invStd, G } = checkCache('groupnormBackward', cache, 'groupnorm');
  const [N, C, S] = channelSizes(x);
  checkShape('groupnormBackward', 'dout', dout, x.shape);
  const g = gradientsLike(x, gamma, beta);
  instance().call('kiln_layer_groupnorm_backward', fills(g.dx.data), fills(g.dgamma.data),
    fills(g.dbeta.data), dout.data, x.data, gamma.data, mean, invStd, N, C, S, G);
  return g;
}

/** The course's names: its groupnorm is the spatial one. */
export {
  groupnormForward as spatialGroupnormForward, groupnormBackward as spatialGroupnormBackward,
};

/**
 * Inverted dropout: out = x · mask, mask = (random < p) / p in training; the identity in test
 * mode.
 */
export function dropoutForward(
  x: Tensor, param: DropoutParam): { out: Tensor; cache: DropoutCache } {
  const where = 'dropoutForward';
  checkTensor(where, 'x', x);
  const train = checkMode(where, param);
  const keep = checkNumber(where, 'p', param.p, 0, 1);
  if (keep === 0) {
    throw new KilnError('E_ARG', `${where}: p, the probability to keep, must be above 0`);
  }
  if (!train) {
    const out = { data: x.data.slice(), shape: [...x.shape] };
    return { out, cache: { layer: 'dropout', shape: [...x.shape], mask: null } };
  }
  const seed = param.seed === undefined
    ? Math.floor(Math.random() * 2 ** 31)
    : checkCount(where, 'seed', param.seed, 0);
  const out = zeros(x.shape), mask = zeros(x.shape);
  instance().call('kiln_layer_dropout_forward', fills(out.data), fills(mask.data), x.data,
    x.data.length, keep, seed);
  return { out, cache: { layer: 'dropout', shape: [...x.shape], mask } };
}

/** dx = dout · mask. */
export function dropoutBackward(dout: Tensor, cache: DropoutCache): { dx: Tensor } {
  const { shape, mask } = checkCache('dropoutBackward', cache, 'dropout');
  checkShape('dropoutBackward', 'dout', dout, shape);
  if (mask === null) return { dx: { data: dout.data.slice(), shape: [...shape] } };
  const dx = zeros(shape);
  instance().call(
    'kiln_layer_multiply', fills(dx.data), dout.data, mask.data, dout.data.length);
  return { dx };
}

/** N, C and S = H·W; S is 1 for (N, C). */
function channelSizes(x: Tensor): [number, number, number] {
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
function running(where: string, name: string, given: Tensor | undefined, C: number): Tensor {
  if (given === undefined) return zeros([C]);
  checkVector(where, name, given, C);
  return { data: given.data.slice(), shape: [...given.shape] };
}

function gradientsLike(x: Tensor, gamma: Tensor, beta: Tensor): NormGradients {
  return { dx: zeros(x.shape), dgamma: zeros(gamma.shape), dbeta: zeros(beta.shape) };
}

