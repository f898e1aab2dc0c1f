/**
 * The update rules of the course: f(w, dw, config) → {w, config}. w comes back as a new tensor.
 * config is filled with defaults and state as the course's is: the object that comes back is
 * the one that was given.
 */

import { checkCount, checkNumber } from './check.js';
import { compute } from './course.js';
import { checkShape, checkTensor, copyOf, zerosLike } from './tensor.js';
import type { AnyTensor, Tensor } from './types.js';
import { updates } from './wasm.js';

export interface SgdConfig { learningRate?: number }
export interface MomentumConfig<T extends AnyTensor = Tensor> extends SgdConfig {
  momentum?: number; velocity?: T;
}
export interface RmspropConfig<T extends AnyTensor = Tensor> extends SgdConfig {
  decayRate?: number; epsilon?: number; cache?: T;
}
export interface AdamConfig<T extends AnyTensor = Tensor> extends SgdConfig {
  beta1?: number; beta2?: number; epsilon?: number; m?: T; v?: T; t?: number;
}
export interface Updated<Config, T extends AnyTensor = Tensor> { w: T; config: Config }

/** w - learningRate·dw */
export function sgd<C extends SgdConfig, T extends AnyTensor = Tensor>(
  w: T, dw: T, config: C = {} as C): Updated<C & Required<SgdConfig>, T> {
  const next = start('sgd', w, dw);
  const learningRate = rate('sgd', config.learningRate ?? 1e-2);
  compute(w, 'kiln_layer_sgd', updates(next.data), dw.data, dw.data.length, learningRate);
  return { w: next, config: Object.assign(config, { learningRate }) };
}

/** v = momentum·v - learningRate·dw; w + v */
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

/** cache = decayRate·cache + (1 - decayRate)·dw²; w - learningRate·dw / (√cache + epsilon) */
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

/** Kingma and Ba's Adam with bias correction; t is raised before use. */
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
