// Normalisations and dropout against loops in double, and what the course says of their modes.

import { beforeAll, describe, expect, test } from '@jest/globals';

import { layers, ready, type Tensor } from '../../bindings/index.js';
import * as ref from './helpers.js';
import { doubles, failure, numericGradient, random, worstDifference } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

const EPS = 1e-5;
type Grouping = (n: number, c: number) => string;
const byChannel: Grouping = (_, c) => String(c);
const byImage: Grouping = (n) => String(n);
const byGroup = (C: number, G: number): Grouping => (n, c) => `${n}/${Math.floor((c * G) / C)}`;

interface Gradients { dx: Tensor; dgamma: Tensor; dbeta: Tensor }

function check(x: Tensor, gamma: Tensor, beta: Tensor, groups: Grouping, out: Tensor,
  backward: (dout: Tensor) => Gradients): void {
  const [X, G, B] = [x, gamma, beta].map(doubles) as [ref.Doubles, ref.Doubles, ref.Doubles];
  const f = (): ref.Doubles => ref.normalise(X, G, B, EPS, groups);
  expect(out.shape).toEqual(x.shape);
  expect(worstDifference(out.data, f().data)).toBeLessThan(1e-5);
  const dout = random(x.shape, 99);
  const { dx, dgamma, dbeta } = backward(dout);
  for (const [got, of] of [[dx, X], [dgamma, G], [dbeta, B]] as const) {
    expect(got.shape).toEqual(of.shape);
    expect(worstDifference(got.data, numericGradient(f, of, [...dout.data]))).toBeLessThan(1e-4);
  }
}

describe('batchnorm', () => {
  test.each([[4, 5], [5, 1], [9, 17]])('(%d, %d) in training', (N, D) => {
    const x = random([N, D], 1, 3), gamma = random([D], 2), beta = random([D], 3);
    const { out, cache } = layers.batchnormForward(x, gamma, beta, { mode: 'train' });
    check(x, gamma, beta, byChannel, out, (dout) => layers.batchnormBackward(dout, cache));
    check(x, gamma, beta, byChannel, out, (dout) => layers.batchnormBackwardAlt(dout, cache));
  });

  test('both backward passes agree', () => {
    const x = random([32, 20], 4, 5), gamma = random([20], 5), beta = random([20], 6);
    const { cache } = layers.batchnormForward(x, gamma, beta, { mode: 'train' });
    const dout = random([32, 20], 7);
    const staged = layers.batchnormBackward(dout, cache);
    const closed = layers.batchnormBackwardAlt(dout, cache);
    for (const key of ['dx', 'dgamma', 'dbeta'] as const) {
      expect(worstDifference(staged[key].data, closed[key].data)).toBeLessThan(1e-5);
    }
  });

  test('running statistics are kept in bnParam: 0.9 of the old, 0.1 of the batch', () => {
    const x = random([10, 3], 8, 2), one = { data: new Float32Array([1, 1, 1]), shape: [3] };
    const zero = { data: new Float32Array(3), shape: [3] };
    const bnParam: Parameters<typeof layers.batchnormForward>[3] = { mode: 'train' };
    layers.batchnormForward(x, one, zero, bnParam);
    const [X, G, B] = [x, one, zero].map(doubles) as [ref.Doubles, ref.Doubles, ref.Doubles];
    const { mean, variance } = ref.normalise(X, G, B, EPS, byChannel);
    const batch = [0, 1, 2].map((c) => [mean[c]!, variance[c]!] as const);
    const kept = (old: number): [number[], number[]] => [
      batch.map(([m]) => 0.1 * m * (1 + old)), batch.map(([, v]) => 0.1 * v * (1 + old))];
    const [m1, v1] = kept(0);
    expect(worstDifference(bnParam.runningMean!.data, m1)).toBeLessThan(1e-5);
    expect(worstDifference(bnParam.runningVar!.data, v1)).toBeLessThan(1e-5);
    const first = bnParam.runningMean!;
    layers.batchnormForward(x, one, zero, bnParam);
    const [m2, v2] = kept(0.9);
    expect(worstDifference(bnParam.runningMean!.data, m2)).toBeLessThan(1e-5);
    expect(worstDifference(bnParam.runningVar!.data, v2)).toBeLessThan(1e-5);
    expect(worstDifference(first.data, m1)).toBeLessThan(1e-5); // not written over
  });

  test('after many batches, test mode gives means near beta and deviations near gamma', () => {
    const gamma = { data: new Float32Array([1, 2, 3]), shape: [3] };
    const beta = { data: new Float32Array([11, 12, 13]), shape: [3] };
    const bnParam: Parameters<typeof layers.batchnormForward>[3] = { mode: 'train' };
    for (let i = 0; i < 60; i++) {
      layers.batchnormForward(random([200, 3], 100 + i, 4), gamma, beta, bnParam);
    }
    bnParam.mode = 'test';
    const before = bnParam.runningMean!.data.slice();
    const { out, cache } = layers.batchnormForward(random([200, 3], 999, 4), gamma, beta, bnParam);
    for (let c = 0; c < 3; c++) {
      const column = [...out.data].filter((_, i) => i % 3 === c);
      const mean = column.reduce((s, v) => s + v, 0) / 200;
      const deviation = Math.sqrt(column.reduce((s, v) => s + (v - mean) ** 2, 0) / 200);
      expect(Math.abs(mean - beta.data[c]!)).toBeLessThan(0.35 * gamma.data[c]!);
      expect(Math.abs(deviation / gamma.data[c]! - 1)).toBeLessThan(0.15);
    }
    expect([...bnParam.runningMean!.data]).toEqual([...before]);
    expect(cache).toBeNull();
  });

  test('spatial: by channel over N, H and W', () => {
    const x = random([2, 3, 4, 5], 11, 2), gamma = random([3], 12), beta = random([3], 13);
    const { out, cache } = layers.spatialBatchnormForward(x, gamma, beta, { mode: 'train' });
    check(x, gamma, beta, byChannel, out, (dout) => layers.spatialBatchnormBackward(dout, cache));
  });
});

test.each([[4, 3], [1, 16], [5, 33]])('layernorm (%d, %d)', (N, D) => {
  const x = random([N, D], 21, 3), gamma = random([D], 22), beta = random([D], 23);
  const { out, cache } = layers.layernormForward(x, gamma, beta);
  check(x, gamma, beta, byImage, out, (dout) => layers.layernormBackward(dout, cache));
});

describe('groupnorm', () => {
  test.each([[2, 6, 4, 5, 2], [1, 4, 3, 3, 4], [3, 4, 2, 2, 1]])(
    '(%d, %d, %d, %d) in %d groups', (N, C, H, W, G) => {
      const x = random([N, C, H, W], 31, 2), gamma = random([C], 32), beta = random([C], 33);
      const { out, cache } = layers.spatialGroupnormForward(x, gamma, beta, G);
      check(x, gamma, beta, byGroup(C, G), out,
        (dout) => layers.spatialGroupnormBackward(dout, cache));
    });

  test('takes gamma and beta as the course shapes them', () => {
    const x = random([2, 6, 4, 5], 34), flat = random([6], 35), beta = random([6], 36);
    const gamma = { data: flat.data, shape: [1, 6, 1, 1] };
    const { out, cache } = layers.groupnormForward(x, gamma, beta, 3, { eps: EPS });
    expect([...out.data]).toEqual([...layers.groupnormForward(x, flat, beta, 3).out.data]);
    expect(layers.groupnormBackward(out, cache).dgamma.shape).toEqual([1, 6, 1, 1]);
  });
});

describe('dropout', () => {
  const x = random([500, 50], 41, 1);

  test.each([0.25, 0.4, 0.7, 1])('keeps a share of %d, scaled up', (p) => {
    const { out } = layers.dropoutForward(x, { p, mode: 'train', seed: 123 });
    let zeros = 0;
    const scaled = out.data.every((value, i) => {
      zeros += Number(value === 0);
      return value === 0 || Math.abs(value / (x.data[i]! / p) - 1) < 1e-6;
    });
    expect(scaled).toBe(true);
    expect(Math.abs(zeros / out.data.length - (1 - p))).toBeLessThan(0.012);
  });

  test('a seed repeats the mask, another does not', () => {
    const draw = (seed?: number): number[] => [...layers.dropoutForward(
      x, { p: 0.5, mode: 'train', ...(seed === undefined ? {} : { seed }) }).out.data];
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw()).not.toEqual(draw());
  });

  test('backward multiplies by the mask; test mode is the identity', () => {
    const dout = random([500, 50], 42);
    const { out, cache } = layers.dropoutForward(x, { p: 0.5, mode: 'train', seed: 3 });
    const { dx } = layers.dropoutBackward(dout, cache);
    expect(dx.data.every((v, i) => v === (out.data[i] === 0 ? 0 : dout.data[i]! * 2))).toBe(true);
    const still = layers.dropoutForward(x, { p: 0.5, mode: 'test' });
    expect([...still.out.data]).toEqual([...x.data]);
    expect(still.out.data).not.toBe(x.data);
    expect([...layers.dropoutBackward(dout, still.cache).dx.data]).toEqual([...dout.data]);
  });
});

describe('what is wrong is told', () => {
  const x = random([4, 6], 51), v6 = random([6], 52);
  const cases: [string, string, () => unknown, RegExp][] = [
    ['no mode', 'E_ARG', () => layers.batchnormForward(x, v6, v6, {} as never),
      /mode must be 'train' or 'test', not undefined/],
    ['gamma', 'E_SHAPE', () => layers.batchnormForward(x, random([5], 1), v6, { mode: 'train' }),
      /gamma must have the shape \(6\), not \(5\)/],
    ['momentum', 'E_ARG',
      () => layers.batchnormForward(x, v6, v6, { mode: 'train', momentum: 1.5 }),
      /momentum must be a number from 0 to 1, not 1.5/],
    ['eps', 'E_ARG', () => layers.layernormForward(x, v6, v6, { eps: NaN }), /eps must be/],
    ['a running mean of another length', 'E_SHAPE',
      () => layers.batchnormForward(x, v6, v6, { mode: 'test', runningMean: random([2], 1) }),
      /runningMean must have the shape \(6\)/],
    ['backward of test mode', 'E_ARG', () => layers.batchnormBackward(
      x, layers.batchnormForward(x, v6, v6, { mode: 'test' }).cache), /mode 'train'/],
    ['an image for batchnorm', 'E_SHAPE',
      () => layers.batchnormForward(random([1, 6, 2, 2], 1), v6, v6, { mode: 'train' }),
      /x must have 2 dimensions/],
    ['groups that do not divide', 'E_SHAPE', () => layers.groupnormForward(x, v6, v6, 4),
      /6 channels do not split into 4 equal groups/],
    ['a keep probability of 0', 'E_ARG', () => layers.dropoutForward(x, { p: 0, mode: 'train' }),
      /must be above 0/],
    ['a keep probability of 2', 'E_ARG', () => layers.dropoutForward(x, { p: 2, mode: 'train' }),
      /p must be a number from 0 to 1, not 2/],
  ];
  test.each(cases)('%s: %s', async (_, code, action, message) => {
    const error = await failure(action);
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });
});
