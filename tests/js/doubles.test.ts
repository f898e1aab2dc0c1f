// The course's functions in double: numeric gradients with h = 1e-5, as the notebooks take them,
// agree to 1e-8, and the float functions agree with them as far as floats go.

import { beforeAll, describe, expect, test } from '@jest/globals';

import {
  doubleTensor, layers, optim, ready, tensor, type AnyTensor, type DoubleTensor,
} from '../../bindings/index.js';
import { failure, random, relativeError } from './helpers.js';

/** What a function in double says before its module is there. */
let early: { code: string; message: string };

beforeAll(async () => {
  await ready({ variant: 'simd' });
  early = await failure(() => layers.reluForward(doubleTensor([1, -1], [2])));
  await ready({ doubles: true });
});

const H = 1e-5;

const double = (shape: number[], seed: number): DoubleTensor =>
  doubleTensor(random(shape, seed).data, shape);

/** Central differences of Σ f(of)·dout by every element (eval_numerical_gradient_array). */
function numeric(f: () => DoubleTensor, of: DoubleTensor, dout: DoubleTensor): number[] {
  return [...of.data].map((kept, i) => {
    const at = (value: number): number => {
      of.data[i] = value;
      const { data } = f();
      return data.reduce((sum, v, k) => sum + v * dout.data[k]!, 0);
    };
    const slope = (at(kept + H) - at(kept - H)) / (2 * H);
    of.data[i] = kept;
    return slope;
  });
}

type Named = Record<string, DoubleTensor>;

/** Gradients of backward against numeric ones of forward, and both against the float functions. */
function check(inputs: Named, forward: () => { out: DoubleTensor; cache: unknown },
  backward: (dout: never, cache: never) => object): void {
  const { out, cache } = forward();
  const dout = double(out.shape, 77);
  const gradients = backward(dout as never, cache as never) as Named;
  for (const [name, of] of Object.entries(inputs)) {
    const got = gradients[`d${name}`]!;
    expect(got.data).toBeInstanceOf(Float64Array);
    expect(got.shape).toEqual(of.shape);
    const wanted = numeric(() => forward().out, of, dout);
    const largest = Math.max(...wanted.map(Math.abs));
    const worst = Math.max(...wanted.map((v, i) => Math.abs(v - got.data[i]!)));
    expect([name, worst / largest < 1e-8]).toEqual([name, true]);
  }
}

describe('numeric gradients agree to 1e-8', () => {
  test('affine', () => {
    const x = double([3, 2, 2], 1), w = double([4, 5], 2), b = double([5], 3);
    check({ x, w, b }, () => layers.affineForward(x, w, b), layers.affineBackward);
  });

  test('relu', () => {
    const x = double([4, 7], 4);
    check({ x }, () => layers.reluForward(x), layers.reluBackward);
  });

  test.each([[1, 1], [2, 1], [1, 0], [3, 2]])('conv, stride %d, pad %d', (stride, pad) => {
    const x = double([2, 3, 5, 6], 5), w = double([4, 3, 3, 2], 6), b = double([4], 7);
    check({ x, w, b }, () => layers.convForward(x, w, b, { stride, pad }), layers.convBackward);
  });

  test('max pool', () => {
    const x = double([2, 3, 5, 6], 8), param = { poolHeight: 2, poolWidth: 3, stride: 2 };
    check({ x }, () => layers.maxPoolForward(x, param), layers.maxPoolBackward);
  });

  test.each(['batchnormBackward', 'batchnormBackwardAlt'] as const)('%s', (backward) => {
    const x = double([6, 5], 9), gamma = double([5], 10), beta = double([5], 11);
    check({ x, gamma, beta }, () => layers.batchnormForward(x, gamma, beta, { mode: 'train' }) as
      { out: DoubleTensor; cache: unknown }, layers[backward]);
  });

  test('spatial batchnorm', () => {
    const x = double([3, 2, 3, 2], 12), gamma = double([2], 13), beta = double([2], 14);
    check({ x, gamma, beta }, () => layers.spatialBatchnormForward(x, gamma, beta,
      { mode: 'train' }), layers.spatialBatchnormBackward);
  });

  test('layernorm', () => {
    const x = double([4, 6], 15), gamma = double([6], 16), beta = double([6], 17);
    check({ x, gamma, beta }, () => layers.layernormForward(x, gamma, beta),
      layers.layernormBackward);
  });

  test('groupnorm', () => {
    const x = double([2, 6, 2, 3], 18), gamma = double([6], 19), beta = double([6], 20);
    check({ x, gamma, beta }, () => layers.groupnormForward(x, gamma, beta, 3),
      layers.groupnormBackward);
  });

  test('dropout with a seed, and with a given mask', () => {
    const x = double([5, 4], 21);
    for (const extra of [{ seed: 5 }, { mask: double([5, 4], 22) }]) {
      check({ x }, () => layers.dropoutForward(x, { p: 0.6, mode: 'train', ...extra }),
        layers.dropoutBackward);
    }
  });

  test.each(['softmaxLoss', 'svmLoss'] as const)('%s', (name) => {
    const x = double([5, 4], 23), y = [0, 3, 1, 1, 2];
    const asLayer = (): { out: DoubleTensor; cache: null } =>
      ({ out: doubleTensor([layers[name](x, y).loss], [1]), cache: null });
    check({ x }, asLayer, (dout: DoubleTensor) => {
      const { dx } = layers[name](x, y);
      return { dx: doubleTensor(dx.data.map((v) => v * dout.data[0]!), dx.shape) };
    });
  });
});

describe('floats agree with doubles', () => {
  test('running statistics, test mode', () => {
    const shape = [8, 3], x = random(shape, 30, 2);
    const float = { mode: 'train' as const }, wide = { mode: 'train' as const };
    const gamma = random([3], 31), beta = random([3], 32);
    const asDouble = (t: { data: Float32Array; shape: number[] }): DoubleTensor =>
      doubleTensor(t.data, t.shape);
    layers.batchnormForward(x, gamma, beta, float);
    layers.batchnormForward(asDouble(x), asDouble(gamma), asDouble(beta), wide);
    for (const key of ['runningMean', 'runningVar'] as const) {
      const [a, b] = [float, wide].map((p) => (p as Record<string, unknown>)[key]) as
        [{ data: Float32Array }, { data: Float64Array }];
      expect(relativeError(a.data, [...b.data])).toBeLessThan(1e-5);
    }
    const tested = layers.batchnormForward(x, gamma, beta, { ...float, mode: 'test' });
    const twin = layers.batchnormForward(asDouble(x), asDouble(gamma), asDouble(beta),
      { ...wide, mode: 'test' } as never);
    expect(relativeError(tested.out.data, [...twin.out.data])).toBeLessThan(1e-4);
  });

  test('a seed keeps the same elements', () => {
    const x = random([1000], 33, 1);
    const kept = (mask: ArrayLike<number>): boolean[] => Array.from(mask, (v) => v > 0);
    const float = layers.dropoutForward(x, { p: 0.7, mode: 'train', seed: 9 });
    const twin = layers.dropoutForward(doubleTensor(x.data, x.shape),
      { p: 0.7, mode: 'train', seed: 9 });
    expect(kept(twin.cache.mask!.data)).toEqual(kept(float.cache.mask!.data));
  });

  test.each(['sgd', 'sgdMomentum', 'rmsprop', 'adam'] as const)('%s, three steps', (rule) => {
    type Rule = <T extends AnyTensor>(w: T, dw: T, config: object) => { w: T };
    const update = optim[rule] as Rule;
    let w = random([50], 34), wide = doubleTensor(w.data, w.shape);
    const config = {}, twin = {};
    for (let i = 0; i < 3; i++) {
      const dw = random([50], 35 + i);
      w = update(w, dw, config).w;
      wide = update(wide, doubleTensor(dw.data, dw.shape), twin).w;
    }
    expect(wide.data).toBeInstanceOf(Float64Array);
    expect(relativeError(w.data, [...wide.data])).toBeLessThan(1e-4);
    expect(Object.keys(twin)).toEqual(Object.keys(config));
  });
});

describe('what is refused', () => {
  test('doubles before the second module was asked for; floats are not', async () => {
    expect(early).toMatchObject({ code: 'E_STATE', message:
      'doubles are computed by a module of their own: `await ready({ doubles: true })` first' });
  });

  test('floats among doubles', async () => {
    const x = double([2, 3], 40), w = random([3, 2], 41), b = random([2], 42);
    expect(await failure(() => layers.affineForward(x, w as never, b as never))).toMatchObject({
      code: 'E_ARG',
      message: 'affine_forward: the first array is a Float64Array, another a Float32Array; ' +
        'give all of one kind',
    });
    expect(await failure(() => layers.affineForward(w as never, double([2, 2], 1), b as never)))
      .toMatchObject({ code: 'E_ARG' });
  });

  test('a mask of another shape', async () => {
    const x = random([2, 3], 43), mask = tensor([1, 1, 1], [3]);
    expect(await failure(() => layers.dropoutForward(x, { p: 0.5, mode: 'train', mask })))
      .toMatchObject({ code: 'E_SHAPE' });
  });
});
