// Update rules: the course's fixed numbers, and its way with config.

import { beforeAll, expect, test } from '@jest/globals';

import { optim, ready, type Tensor } from '../../bindings/index.js';
import { failure, linspace, random, relativeError, worstDifference } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

const w = linspace(-0.4, 0.6, [4, 5]);
const dw = linspace(-0.6, 0.4, [4, 5]);
const row = (t: Tensor): Float32Array => t.data.subarray(0, 5);

test('sgd', () => {
  const { w: next, config } = optim.sgd(w, dw, { learningRate: 0.5 });
  expect(worstDifference(next.data, [...w.data].map((v, i) => v - 0.5 * dw.data[i]!)))
    .toBeLessThan(1e-6);
  expect(config).toEqual({ learningRate: 0.5 });
  expect(optim.sgd(w, dw).config).toEqual({ learningRate: 1e-2 });
});

test('sgd_momentum', () => {
  const config = { learningRate: 1e-3, velocity: linspace(0.6, 0.9, [4, 5]) };
  const { w: next, config: filled } = optim.sgdMomentum(w, dw, config);
  expect(relativeError(row(next), [0.1406, 0.20738947, 0.27417895, 0.34096842, 0.40775789]))
    .toBeLessThan(1e-6);
  expect(relativeError(row(filled.velocity),
    [0.5406, 0.55475789, 0.56891579, 0.58307368, 0.59723158])).toBeLessThan(1e-6);
  expect(filled).toBe(config); // as the course's, the config is filled in place
  expect(filled.momentum).toBe(0.9);
});

test('rmsprop', () => {
  const { w: next, config } = optim.rmsprop(
    w, dw, { learningRate: 1e-2, cache: linspace(0.6, 0.9, [4, 5]) });
  expect(relativeError(row(next),
    [-0.39223849, -0.34037513, -0.28849239, -0.23659121, -0.18467247])).toBeLessThan(1e-6);
  expect(relativeError(row(config.cache),
    [0.5976, 0.6126277, 0.6277108, 0.64284931, 0.65804321])).toBeLessThan(1e-6);
});

test('1 - decayRate keeps its digits', () => {
  for (const decayRate of [0.9, 0.999, 0.9999]) {
    const one = { data: Float32Array.of(1), shape: [1] };
    const { config } = optim.rmsprop(
      { data: Float32Array.of(0), shape: [1] }, one, { learningRate: 1, decayRate, epsilon: 0 });
    const { config: both } = optim.adam(
      { data: Float32Array.of(0), shape: [1] }, one, { beta1: decayRate, beta2: decayRate });
    for (const kept of [config.cache, both.m, both.v])
      expect(Math.abs(kept.data[0]! / (1 - decayRate) - 1)).toBeLessThan(1e-6);
  }
});

test('adam', () => {
  const { w: next, config } = optim.adam(w, dw, {
    learningRate: 1e-2, m: linspace(0.6, 0.9, [4, 5]), v: linspace(0.7, 0.5, [4, 5]), t: 5,
  });
  expect(relativeError(row(next),
    [-0.40094747, -0.34836187, -0.29577703, -0.24319299, -0.19060977])).toBeLessThan(1e-6);
  expect(relativeError(row(config.m),
    [0.48, 0.49947368, 0.51894737, 0.53842105, 0.55789474])).toBeLessThan(1e-6);
  expect(relativeError(row(config.v),
    [0.69966, 0.68908382, 0.67851319, 0.66794809, 0.65738853])).toBeLessThan(1e-6);
  expect(config.t).toBe(6);
  const first = optim.adam(w, dw).config;
  expect(first.t).toBe(1);
});

test('what was given is not written over, and twenty steps go downhill', () => {
  const kept = w.data.slice();
  for (const rule of ['sgd', 'sgdMomentum', 'rmsprop', 'adam'] as const) {
    let at = random([30], 5);
    const config = { learningRate: 0.05 };
    const before = norm(at);
    const update: (w: Tensor, dw: Tensor, c: object) => { w: Tensor } = optim[rule];
    for (let i = 0; i < 20; i++) at = update(at, at, config).w; // of 0.5 Σ w²
    expect(norm(at)).toBeLessThan(0.8 * before);
  }
  optim.adam(w, dw);
  expect([...w.data]).toEqual([...kept]);
});

function norm(t: Tensor): number {
  return Math.sqrt(t.data.reduce((sum, v) => sum + v * v, 0));
}

test('what is wrong is told', async () => {
  const other = random([3], 1);
  expect((await failure(() => optim.sgd(w, other))).message)
    .toMatch(/dw must have the shape \(4, 5\), not \(3\)/);
  expect((await failure(() => optim.sgd(w, dw, { learningRate: NaN }))).message)
    .toMatch(/learningRate must be .* not NaN/);
  expect((await failure(() => optim.sgdMomentum(w, dw, { velocity: other }))).message)
    .toMatch(/velocity must have the shape/);
  expect((await failure(() => optim.adam(w, dw, { t: -1 }))).message).toMatch(/t must be/);
});
