/**
 * The update rules of the course: f(w, dw, config) → {w, config}. w comes back as a new tensor.
 * config is filled with defaults and state as the course's is: the object that comes back is
 * the one that was given. State (velocity, cache, m, v) is of the shape of w and zeros at first;
 * each step puts new tensors into config. Errors: E_SHAPE where w, dw and state differ in shape,
 * E_ARG for a number out of range. Source: the course's optim.py.
 */

import { checkCount, checkNumber } from './check.js';
import { compute } from './course.js';
import { checkShape, checkTensor, copyOf, zerosLike } from './tensor.js';
import type { AnyTensor, Tensor } from './types.js';
import { updates } from './wasm.js';

/** learningRate >= 0, 1e-2 where left out (adam: 1e-3). */
export interface SgdConfig { learningRate?: number }
/** momentum in [0, 1], 0.9 where left out. */
export interface MomentumConfig<T extends AnyTensor = Tensor> extends SgdConfig {
  momentum?: number; velocity?: T;
}
/** decayRate in [0, 1], 0.99 where left out; epsilon >= 0, 1e-8. */
export interface RmspropConfig<T extends AnyTensor = Tensor> extends SgdConfig {
  decayRate?: number; epsilon?: number; cache?: T;
}
/**
 * beta1 and beta2 in [0, 1), 0.9 and 0.999 where left out; epsilon >= 0, 1e-8; t steps so far, 0.
 */
export interface AdamConfig<T extends AnyTensor = Tensor> extends SgdConfig {
  beta1?: number; beta2?: number; epsilon?: number; m?: T; v?: T; t?: number;
}
/** What a rule returns: the new w, and the config that was given. */
export interface Updated<Config, T extends AnyTensor = Tensor> { w: T; config: Config }

/** w - learningRate·dw; w, dw of one shape, config {learningRate}. Source: optim.py, sgd. */
export function sgd<C extends SgdConfig, T extends AnyTensor = Tensor>(
  w: T, dw: T, config: C = {} as C): Updated<C & Required<SgdConfig>, T> {
  const next = start('sgd', w, dw);
  const learningRate = rate('sgd', config.learningRate ?? 1e-2);
  compute(w, 'kiln_layer_sgd', updates(next.data), dw.data, dw.data.length, learningRate);
  return { w: next, config: Object.assign(config, { learningRate }) };
}

/**
 * v = momentum·v - learningRate·dw; w + v.   w, dw and v, config's velocity, of one shape. Source:
 * optim.py, sgd_momentum.
 */
export function sgdMomentum<C extends MomentumConfig<T>, T extends AnyTensor = Tensor>(
  w: T, dw: T, config: C = {} as C): Updated<C & Required<MomentumConfig<T>>, T> {
  const where = 'sgdMomentum';
  const next = start(where, w, dw);
  const learningRate = rate(where, config.learningRate ?? 1e-2);
  const momentum = checkNumber(where, 'momentum', config.momentum ?? 0.9, 0, 1);
  const velocity = state(where, 'velocity', config.velocity, w);
  compute(w, 'kiln_layer_sgd_momentum', updates(next.data), dw.data, updates(velocity.data),
    dw.data.length, learningRate, momentum);
  return { w: next, config: Object.assign(config, { learningRate, momentum, velocity }) };
}

/**
 * cache = decayRate·cache + (1 - decayRate)·dw²; w - learningRate·dw / (√cache + epsilon).   w, dw
 * and config's cache of one shape. Source: optim.py, rmsprop; Tieleman and Hinton 2012, lecture
 * 6.5.
 */
export function rmsprop<C extends RmspropConfig<T>, T extends AnyTensor = Tensor>(
  w: T, dw: T, config: C = {} as C): Updated<C & Required<RmspropConfig<T>>, T> {
  const where = 'rmsprop';
  const next = start(where, w, dw);
  const learningRate = rate(where, config.learningRate ?? 1e-2);
  const decayRate = checkNumber(where, 'decayRate', config.decayRate ?? 0.99, 0, 1);
  const epsilon = checkNumber(where, 'epsilon', config.epsilon ?? 1e-8, 0);
  const cache = state(where, 'cache', config.cache, w);
  compute(w, 'kiln_layer_rmsprop', updates(next.data), dw.data, updates(cache.data),
    dw.data.length, learningRate, decayRate, epsilon);
  return { w: next, config: Object.assign(config, { learningRate, decayRate, epsilon, cache }) };
}

/**
 * m = beta1·m + (1 - beta1)·dw; v = beta2·v + (1 - beta2)·dw²; w - learningRate·m̂ / (√v̂ +
 * epsilon) with m̂ = m / (1 - beta1^t), v̂ = v / (1 - beta2^t) (Kingma and Ba 2015, algorithm 1).
 * w, dw and config's m and v of one shape; config's t is raised before use. Source: optim.py, adam.
 */
export function adam<C extends AdamConfig<T>, T extends AnyTensor = Tensor>(
  w: T, dw: T, config: C = {} as C): Updated<C & Required<AdamConfig<T>>, T> {
  const where = 'adam';
  const next = start(where, w, dw);
  const learningRate = rate(where, config.learningRate ?? 1e-3);
  const beta1 = checkNumber(where, 'beta1', config.beta1 ?? 0.9, 0, 1);
  const beta2 = checkNumber(where, 'beta2', config.beta2 ?? 0.999, 0, 1);
  const epsilon = checkNumber(where, 'epsilon', config.epsilon ?? 1e-8, 0);
  const m = state(where, 'm', config.m, w);
  const v = state(where, 'v', config.v, w);
  const t = checkCount(where, 't', config.t ?? 0, 0) + 1;
  compute(w, 'kiln_layer_adam', updates(next.data), dw.data, updates(m.data),
    updates(v.data), dw.data.length, learningRate, beta1, beta2, epsilon, t);
  const filled = { learningRate, beta1, beta2, epsilon, m, v, t };
  return { w: next, config: Object.assign(config, filled) };
}

/** A copy of w, once w and dw are seen to fit. */
function start<T extends AnyTensor>(where: string, w: T, dw: T): T {
  checkTensor(where, 'w', w);
  checkShape(where, 'dw', dw, w.shape);
  return copyOf(w);
}

function rate(where: string, learningRate: number): number {
  return checkNumber(where, 'learningRate', learningRate, 0);
}

function state<T extends AnyTensor>(
  where: string, name: string, given: T | undefined, w: T): T {
  if (given === undefined) return zerosLike(w, w.shape);
  return copyOf(checkShape(where, name, given, w.shape));
}
