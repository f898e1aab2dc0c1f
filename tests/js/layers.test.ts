// Layers and losses: the course's fixed numbers, then the plain loops of helpers.ts in double.

import { beforeAll, describe, expect, test } from '@jest/globals';

import { layers, ready, tensor, type Tensor } from '../../bindings/index.js';
import * as ref from './helpers.js';
import {
  doubles, failure, linspace, numericGradient, random, relativeError, worstDifference,
} from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

describe('the numbers in the notebooks of the course', () => {
  test('affine_forward', () => {
    const { out } = layers.affineForward(
      linspace(-0.1, 0.5, [2, 4, 5, 6]), linspace(-0.2, 0.3, [120, 3]), linspace(-0.3, 0.1, [3]));
    expect(out.shape).toEqual([2, 3]);
    expect(relativeError(out.data,
      [1.49834967, 1.70660132, 1.91485297, 3.25553199, 3.5141327, 3.77273342])).toBeLessThan(1e-6);
  });

  test('relu_forward', () => {
    const { out } = layers.reluForward(linspace(-0.5, 0.5, [3, 4]));
    expect(relativeError(out.data, [0, 0, 0, 0, 0, 0, 0.04545455, 0.13636364, 0.22727273,
      0.31818182, 0.40909091, 0.5])).toBeLessThan(1e-6);
  });

  test('conv_forward', () => {
    const { out } = layers.convForward(linspace(-0.1, 0.5, [2, 3, 4, 4]),
      linspace(-0.2, 0.3, [3, 3, 4, 4]), linspace(-0.1, 0.2, [3]), { stride: 2, pad: 1 });
    expect(out.shape).toEqual([2, 3, 2, 2]);
    expect(relativeError(out.data, [
      -0.08759809, -0.10987781, -0.18387192, -0.2109216,
      0.21027089, 0.21661097, 0.22847626, 0.23004637,
      0.50813986, 0.54309974, 0.64082444, 0.67101435,
      -0.98053589, -1.03143541, -1.19128892, -1.24695841,
      0.69108355, 0.66880383, 0.59480972, 0.56776003,
      2.36270298, 2.36904306, 2.38090835, 2.38247847])).toBeLessThan(1e-5);
  });

  test('max_pool_forward', () => {
    const { out } = layers.maxPoolForward(
      linspace(-0.3, 0.4, [2, 3, 4, 4]), { poolHeight: 2, poolWidth: 2, stride: 2 });
    expect(relativeError(out.data, [
      -0.26315789, -0.24842105, -0.20421053, -0.18947368,
      -0.14526316, -0.13052632, -0.08631579, -0.07157895,
      -0.02736842, -0.01263158, 0.03157895, 0.04631579,
      0.09052632, 0.10526316, 0.14947368, 0.16421053,
      0.20842105, 0.22315789, 0.26736842, 0.28210526,
      0.32631579, 0.34105263, 0.38526316, 0.4])).toBeLessThan(1e-6);
  });

  test('softmax and svm start at ln 10 and 9', () => {
    const x = random([50, 10], 231, 0.001);
    const y = Array.from({ length: 50 }, (_, i) => (i * 7) % 10);
    expect(layers.softmaxLoss(x, y).loss).toBeCloseTo(Math.log(10), 3);
    expect(layers.svmLoss(x, y).loss).toBeCloseTo(9, 2);
  });
});

/** Backward in C against numeric gradients of the loops in double. */
function checkGradient(of: Tensor, df: Tensor, got: Tensor, f: (v: ref.Doubles) => ref.Doubles) {
  const v = doubles(of);
  expect(got.shape).toEqual(of.shape);
  const numeric = numericGradient(() => f(v), v, [...df.data]);
  expect(worstDifference(got.data, numeric)).toBeLessThan(2e-5);
}

describe('forward and backward against loops in double', () => {
  test.each([[1, 1, 1], [2, 3, 5], [5, 17, 4], [3, 33, 9]])('affine %d x %d x %d', (N, D, M) => {
    const x = random([N, D], 1), w = random([D, M], 2), b = random([M], 3);
    const dout = random([N, M], 4);
    const { out, cache } = layers.affineForward(x, w, b);
    const [X, W, B] = [x, w, b].map(doubles) as [ref.Doubles, ref.Doubles, ref.Doubles];
    expect(worstDifference(out.data, ref.affine(X, W, B).data)).toBeLessThan(1e-6);
    const { dx, dw, db } = layers.affineBackward(dout, cache);
    checkGradient(x, dout, dx, (v) => ref.affine(v, W, B));
    checkGradient(w, dout, dw, (v) => ref.affine(X, v, B));
    checkGradient(b, dout, db, (v) => ref.affine(X, W, v));
  });

  test('affine flattens what is behind N', () => {
    const x = random([2, 3, 2, 2], 5), w = random([12, 4], 6), b = random([4], 7);
    const { out, cache } = layers.affineForward(x, w, b);
    const flat = layers.affineForward({ ...x, shape: [2, 12] }, w, b);
    expect([...out.data]).toEqual([...flat.out.data]);
    expect(layers.affineBackward(out, cache).dx.shape).toEqual([2, 3, 2, 2]);
  });

  test.each([1, 3, 4, 5, 31, 64])('relu of %d values', (n) => {
    const x = random([n], 8), dout = random([n], 9);
    const { out, cache } = layers.reluForward(x);
    expect([...out.data]).toEqual([...x.data].map((v) => Math.max(0, v)));
    const { dx } = layers.reluBackward(dout, cache);
    expect([...dx.data]).toEqual([...dout.data].map((v, i) => (x.data[i]! > 0 ? v : 0)));
  });

  test.each([
    // N, C, H, W, F, HH, WW, stride, pad
    [1, 1, 1, 1, 1, 1, 1, 1, 0],
    [2, 3, 5, 5, 4, 3, 3, 1, 1],
    [2, 2, 7, 6, 3, 3, 2, 2, 1],
    [1, 3, 8, 8, 2, 5, 5, 1, 2],
    [3, 1, 6, 6, 5, 2, 2, 3, 0],
    [1, 4, 6, 6, 9, 3, 3, 1, 0],
    [2, 2, 4, 4, 2, 4, 4, 1, 3],
  ])('conv N %d C %d %dx%d F %d %dx%d stride %d pad %d', (N, C, H, W, F, HH, WW, stride, pad) => {
    const x = random([N, C, H, W], 10), w = random([F, C, HH, WW], 11), b = random([F], 12);
    const { out, cache } = layers.convForward(x, w, b, { stride, pad });
    const [X, V, B] = [x, w, b].map(doubles) as [ref.Doubles, ref.Doubles, ref.Doubles];
    const want = ref.conv(X, V, B, stride, pad);
    expect(out.shape).toEqual(want.shape);
    expect(worstDifference(out.data, want.data)).toBeLessThan(3e-6);
    const dout = random(out.shape, 13);
    const { dx, dw, db } = layers.convBackward(dout, cache);
    checkGradient(x, dout, dx, (v) => ref.conv(v, V, B, stride, pad));
    checkGradient(w, dout, dw, (v) => ref.conv(X, v, B, stride, pad));
    checkGradient(b, dout, db, (v) => ref.conv(X, V, v, stride, pad));
  });

  test.each([
    [2, 3, 4, 4, 2, 2, 2],
    [1, 2, 5, 7, 3, 2, 2],
    [2, 1, 6, 6, 3, 3, 1],
    [1, 5, 3, 3, 3, 3, 1],
  ])('maxPool N %d C %d %dx%d window %dx%d stride %d', (N, C, H, W, ...pool) => {
    const [poolHeight, poolWidth, stride] = pool;
    const x = random([N, C, H, W], 14);
    const { out, cache } = layers.maxPoolForward(x, { poolHeight, poolWidth, stride });
    const want = ref.maxPool(doubles(x), poolHeight, poolWidth, stride);
    expect(out.shape).toEqual(want.shape);
    expect([...out.data]).toEqual(want.data);
    const dout = random(out.shape, 15);
    const { dx } = layers.maxPoolBackward(dout, cache);
    checkGradient(x, dout, dx, (v) => ref.maxPool(v, poolHeight, poolWidth, stride));
  });

  test('softmaxLoss, with and without smoothing', () => {
    const x = random([7, 10], 16, 3);
    const y = [0, 1, 9, 3, 4, 4, 8];
    for (const smoothing of [0, 0.1]) {
      const { loss, dx } = layers.softmaxLoss(x, y, { smoothing });
      const X = doubles(x);
      const f = (): ref.Doubles => ({ data: [ref.softmaxLoss(X, y, smoothing)], shape: [1] });
      expect(Math.abs(loss / f().data[0]! - 1)).toBeLessThan(1e-5);
      expect(worstDifference(dx.data, numericGradient(f, X, [1]))).toBeLessThan(1e-4);
    }
  });

  test('softmaxLoss stays finite at huge scores', () => {
    const { loss, dx } = layers.softmaxLoss(tensor([1e30, -1e30, 0, 0], [2, 2]), [0, 1]);
    expect(loss).toBeCloseTo(Math.log(2) / 2, 5);
    expect([...dx.data].every(Number.isFinite)).toBe(true);
  });

  test('svmLoss', () => {
    const x = random([6, 5], 17, 2);
    const y = Int32Array.from([0, 1, 2, 3, 4, 0]);
    const { loss, dx } = layers.svmLoss(x, y);
    const X = doubles(x);
    const f = (): ref.Doubles => ({ data: [ref.svmLoss(X, [...y])], shape: [1] });
    expect(Math.abs(loss / f().data[0]! - 1)).toBeLessThan(1e-5);
    expect(worstDifference(dx.data, numericGradient(f, X, [1]))).toBeLessThan(1e-4);
  });
});

describe('what is wrong is told', () => {
  const x = random([2, 6], 20), w = random([6, 3], 21), b = random([3], 22);
  const image = random([1, 3, 8, 8], 23), filters = random([4, 3, 3, 3], 24);
  const bias = random([4], 25);
  const cases: [string, string, () => unknown, RegExp][] = [
    ['inner sizes', 'E_SHAPE', () => layers.affineForward(x, random([5, 3], 1), b),
      /w must have the shape \(6, M\) for x of the shape \(2, 6\), not \(5, 3\)/],
    ['a bias of another length', 'E_SHAPE', () => layers.affineForward(x, w, random([4], 1)),
      /b must have the shape \(3\), not \(4\)/],
    ['plain numbers', 'E_ARG', () => layers.reluForward([1, 2, 3] as never), /must be a tensor/],
    ['whole numbers', 'E_ARG',
      () => layers.reluForward({ data: new Int32Array(4) as never, shape: [4] }),
      /must be a Float32Array or Float64Array, not Int32Array/],
    ['data and shape that disagree', 'E_SHAPE',
      () => layers.reluForward({ data: new Float32Array(5), shape: [2, 3] }),
      /has 5 values, but its shape \(2, 3\) wants 6/],
    ['sizes that are no numbers', 'E_SHAPE',
      () => layers.reluForward({ data: new Float32Array(2), shape: [NaN, 2] }), /whole numbers/],
    ['an empty tensor', 'E_SHAPE',
      () => layers.reluForward({ data: new Float32Array(0), shape: [0] }), /whole numbers/],
    ['rows for an image', 'E_SHAPE',
      () => layers.convForward(x, filters, bias, { stride: 1, pad: 1 }), /4 dimensions/],
    ['channels', 'E_SHAPE', () => layers.convForward(
      image, random([4, 2, 3, 3], 1), bias, { stride: 1, pad: 1 }), /2 channels, but x .* has 3/],
    ['a filter larger than the image', 'E_SHAPE', () => layers.convForward(
      random([1, 3, 2, 2], 1), filters, bias, { stride: 1, pad: 0 }), /3x3 do not fit .* 2x2/],
    ['stride 0', 'E_ARG', () => layers.convForward(image, filters, bias, { stride: 0, pad: 1 }),
      /stride must be a whole number from 1 up, not 0/],
    ['pad NaN', 'E_ARG', () => layers.convForward(image, filters, bias, { stride: 1, pad: NaN }),
      /pad must be a whole number from 0 up, not NaN/],
    ['no parameters', 'E_ARG', () => layers.convForward(image, filters, bias, undefined as never),
      /stride must be/],
    ['a window larger than the image', 'E_SHAPE',
      () => layers.maxPoolForward(image, { poolHeight: 9, poolWidth: 2, stride: 1 }),
      /9x2 does not fit an image of 8x8/],
    ['labels out of range', 'E_ARG', () => layers.softmaxLoss(x, [0, 6]),
      /y\[1\] is 6, but labels are 0 to 5/],
    ['labels that are no whole numbers', 'E_ARG', () => layers.svmLoss(x, [0, 0.5]),
      /y\[1\] is 0.5/],
    ['too few labels', 'E_SHAPE', () => layers.svmLoss(x, [0]), /y must hold 2 labels/],
    ['the cache of another layer', 'E_ARG',
      () => layers.affineBackward(b, layers.reluForward(x).cache as never),
      /cache must be what the affine layer's forward returned/],
    ['no cache', 'E_ARG', () => layers.reluBackward(x, undefined as never), /cache must be/],
    ['a gradient of another shape', 'E_SHAPE',
      () => layers.reluBackward(random([6, 2], 1), layers.reluForward(x).cache),
      /dout must have the shape \(2, 6\), not \(6, 2\)/],
  ];
  test.each(cases)('%s: %s', async (_, code, action, message) => {
    const error = await failure(action);
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
  });
});
