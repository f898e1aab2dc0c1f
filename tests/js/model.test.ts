// class Model: the course's model API over the notation.

import { beforeAll, describe, expect, test } from '@jest/globals';

import { layers, Model, ready, type Tensor } from '../../bindings/index.js';
import { failure, random, relativeError, worstDifference } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

const SMALL = 'affine 7 - relu - affine 5 - softmax';
const WIDE = '[conv 1x1x64 - relu]x2 - avgpool - affine 10 - softmax'; // 15 GB at 60,000 images
const CONV = 'conv 3x3x3 - relu - maxpool 2 - affine 7 - relu - affine 10 - softmax';
const tiny = { input: [2, 3, 4], batch: 8, seed: 1 };
const labels = (n: number, classes: number): number[] => Array.from({ length: n }, (_, i) =>
  (i * 3) % classes);

describe('a net', () => {
  test('tells its shapes and sizes', () => {
    const model = new Model(SMALL, tiny);
    expect(model.classes).toBe(5);
    expect(model.summary.parameters).toBe(24 * 7 + 7 + 7 * 5 + 5);
    expect(model.summary.layers.map((layer) => layer.kind)).toEqual(
      ['flatten', 'affine', 'relu', 'affine', 'softmax']);
    expect(Object.entries(model.parameters()).map(([name, t]) => [name, t.shape])).toEqual([
      ['affine1.w', [24, 7]], ['affine1.b', [7]], ['affine2.w', [7, 5]], ['affine2.b', [5]],
    ]);
    expect(Model.summarise(SMALL, { input: '2x3x4' }).parameters).toBe(model.summary.parameters);
    model.dispose();
  });

  test('gives no gradient of what is frozen', () => {
    const model = new Model(SMALL, { ...tiny, freeze: 'affine1.*' });
    expect(model.summary).toMatchObject({ parameters: 24 * 7 + 7 + 7 * 5 + 5, frozen: 24 * 7 + 7 });
    const { gradients } = model.lossAndGradients(random([4, 2, 3, 4], 1), labels(4, 5));
    expect(Object.keys(gradients)).toEqual(['affine2.w', 'affine2.b']);
    model.dispose();
  });

  test('has parameters in the shapes of the course', () => {
    const model = new Model(CONV, { batch: 2 });
    const shapes = Object.fromEntries(
      Object.entries(model.parameters()).map(([name, t]) => [name, t.shape]));
    expect(shapes['conv1.w']).toEqual([3, 3, 3, 3]);
    expect(shapes['affine1.w']).toEqual([3 * 16 * 16, 7]);
    model.dispose();
  });

  test('the seed alone decides the weights', () => {
    const hash = (seed: number): string => {
      const model = new Model(CONV, { batch: 2, seed });
      const h = model.hash();
      model.dispose();
      return h;
    };
    expect(hash(1)).toMatch(/^[0-9a-f]{16}$/);
    expect(hash(1)).toBe(hash(1));
    expect(hash(1)).not.toBe(hash(2));
  });

  test('scores are those of the layer functions', () => {
    const model = new Model(SMALL, tiny);
    const p = model.parameters();
    const x = random([20, 2, 3, 4], 1); // more than a batch
    const hidden = layers.reluForward(
      layers.affineForward(x, p['affine1.w']!, p['affine1.b']!).out).out;
    const want = layers.affineForward(hidden, p['affine2.w']!, p['affine2.b']!).out;
    const scores = model.scores(x);
    expect(scores.shape).toEqual([20, 5]);
    expect(worstDifference(scores.data, want.data)).toBeLessThan(1e-6);
    expect([...model.scores({ data: x.data, shape: [20, 24] }).data]).toEqual([...scores.data]);
    model.dispose();
  });

  test('an untrained net starts at ln 10, and regularisation raises the loss', () => {
    const options = { batch: 50, init: 'gaussian 0.001', seed: 3 };
    const model = new Model(CONV, options);
    const x = random([50, 3, 32, 32], 2), y = labels(50, 10);
    const plain = model.loss(x, y);
    expect(plain).toBeCloseTo(Math.log(10), 2);
    model.reg = 100;
    let squares = 0;
    for (const [name, t] of Object.entries(model.parameters())) {
      if (name.endsWith('.w')) squares += t.data.reduce((sum, v) => sum + v * v, 0);
    }
    expect(Math.abs(model.loss(x, y) - (plain + 50 * squares))).toBeLessThan(1e-4 * 50 * squares);
    model.dispose();
  });

  test('gradients are those of numeric differences', () => {
    const smooth = 'affine 7 - tanh - affine 5 - softmax';
    const model = new Model(smooth, { ...tiny, reg: 0.3, init: 'gaussian 0.5' });
    const x = random([8, 2, 3, 4], 4), y = labels(8, 5);
    const { loss, gradients } = model.lossAndGradients(x, y);
    expect(loss).toBe(model.loss(x, y));
    for (const [name, t] of Object.entries(model.parameters())) {
      expect(gradients[name]!.shape).toEqual(t.shape);
      const picked = [0, Math.floor(t.data.length / 2), t.data.length - 1];
      const numeric = picked.map((i) => {
        const h = 2e-3; // scores are floats: smaller steps drown in their rounding
        const at = (value: number): number => {
          const moved = t.data.slice();
          moved[i] = value;
          model.setParameter(name, moved);
          return model.loss(x, y);
        };
        const slope = (at(t.data[i]! + h) - at(t.data[i]! - h)) / (2 * h);
        model.setParameter(name, t);
        return slope;
      });
      const got = picked.map((i) => gradients[name]!.data[i]!);
      got.forEach((g, i) => expect(Math.abs(g - numeric[i]!)).toBeLessThan(5e-4));
    }
    model.dispose();
  });

  test('descends: twenty steps of sgd by hand overfit eight images', () => {
    const model = new Model(SMALL, { ...tiny, init: 'xavier' });
    const x = random([8, 2, 3, 4], 5, 2), y = labels(8, 5);
    const before = model.loss(x, y);
    for (let i = 0; i < 60; i++) {
      const { gradients } = model.lossAndGradients(x, y);
      for (const [name, t] of Object.entries(model.parameters())) {
        model.setParameter(name, t.data.map((v, j) => v - 0.5 * gradients[name]!.data[j]!));
      }
    }
    expect(model.loss(x, y)).toBeLessThan(0.2 * before);
    model.dispose();
  });

  test('state() has the running statistics, which parameters() has not', () => {
    const model = new Model('affine 6 - batchnorm - relu - affine 5 - softmax', tiny);
    const names = Object.keys(model.state()).filter((name) => !(name in model.parameters()));
    expect(names).toHaveLength(2);
    const before = model.state()[names[0]!]!.data.slice();
    const x = random([8, 2, 3, 4], 6);
    model.scores(x);
    expect([...model.state()[names[0]!]!.data]).toEqual([...before]);
    model.loss(x, labels(8, 5));
    expect([...model.state()[names[0]!]!.data]).not.toEqual([...before]);
    model.dispose();
  });

  test('gradcheck reports each tensor of each layer, and all are right', async () => {
    const net = 'conv 3x3x2 - batchnorm - relu - maxpool 2 - affine 4 - softmax';
    expect((await failure(() => Model.gradcheck(net))).message).toContain('doubles: true');
    await ready({ doubles: true });
    const rows = Model.gradcheck(net, { input: [2, 6, 6], batch: 3 });
    const layersSeen = new Set(rows.map((row) => row.layer));
    for (const name of ['conv1', 'batchnorm1', 'affine1']) expect(layersSeen).toContain(name);
    for (const { relativeError: error, share } of rows) {
      expect(error).toBeLessThan(1e-2);
      expect(share).toBeLessThan(1e-4);
    }
  });

  test('layerTimes names every layer', () => {
    const model = new Model(CONV, { batch: 4 });
    model.layerTimes();
    model.loss(random([4, 3, 32, 32], 7), labels(4, 10));
    const times = model.layerTimes();
    expect(times.map((t) => t.name)).toEqual(model.summary.layers.map((layer) => layer.name));
    expect(times[0]!.forward).toBeGreaterThan(0);
    model.dispose();
  });
});

describe('what is wrong is told', () => {
  const x = random([4, 2, 3, 4], 8);

  test('the notation, with its column', async () => {
    const error = await failure(() => new Model('affine 5 - rleu - softmax', tiny));
    expect(error.code).toBe('E_NOTATION');
    expect(error.column).toBe(12);
    expect(error.message).toContain('relu');
  });

  test.each<[string, string, (m: Model) => unknown, RegExp]>([
    ['images of another size', 'E_SHAPE', (m) => m.scores(random([4, 3, 3, 4], 1)),
      /x must have the shape \(N, 2, 3, 4\), not \(4, 3, 3, 4\)/],
    ['too few labels', 'E_SHAPE', (m) => m.loss(x, [1, 2]), /4 labels/],
    ['labels out of range', 'E_ARG', (m) => m.loss(x, [0, 1, 2, 5]), /y\[3\] is 5/],
    ['more images than the batch', 'E_ARG',
      (m) => m.loss(random([9, 2, 3, 4], 1), labels(9, 5)), /batch/],
    ['a parameter that is not there', 'E_ARG',
      (m) => m.setParameter('affine9.w', new Float32Array(3)), /affine1\.w, affine1\.b/],
    ['values of another number', 'E_SHAPE',
      (m) => m.setParameter('affine1.b', new Float32Array(3)), /has 3 values, .* wants 7/],
    ['values that are no floats', 'E_ARG',
      (m) => m.setParameter('affine1.b', new Float64Array(7) as never), /not Float64Array/],
  ])('%s: %s', async (_, code, action, message) => {
    const model = new Model(SMALL, tiny);
    const error = await failure(() => action(model));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    model.dispose();
  });

  test.each<[string, () => Model, RegExp]>([
    ['options there are not', () => new Model(SMALL, { ...tiny, sede: 1 } as object), /sede/],
    ['sizes that are none', () => new Model(SMALL, { input: [3, 32] }), /input: sizes as/],
    ['a batch of nothing', () => new Model(SMALL, { batch: 0 }), /batch/],
    ['no text', () => new Model(undefined as never), /net: a text in the arrow notation/],
    ['a negative reg', () => new Model(SMALL, { reg: -1 }), /reg must be a number from 0 up/],
  ])('%s', async (_, make, message) => {
    const error = await failure(make);
    expect(error.code).toBe('E_ARG');
    expect(error.message).toMatch(message);
  });

  test('a net too large for the memory names the bytes, and leaves the rest alive', async () => {
    const error = await failure(() => new Model(WIDE, { batch: 60_000 }));
    expect(error.code).toBe('E_MEMORY');
    expect(error.message).toMatch(/\d/);
    const model = new Model(SMALL, tiny);
    expect(model.scores(x).shape).toEqual([4, 5]);
    model.dispose();
  });
});

describe('dispose', () => {
  test('may be called twice; everything else throws E_HANDLE', async () => {
    const model = await Model.create(SMALL, tiny);
    model.dispose();
    model.dispose();
    const x: Tensor = random([1, 2, 3, 4], 9);
    for (const use of [() => model.scores(x), () => model.loss(x, [0]), () => model.parameters(),
      () => model.hash(), () => model.setParameter('affine1.b', new Float32Array(7))]) {
      const error = await failure(use);
      expect(error.code).toBe('E_HANDLE');
      expect(error.message).toContain('disposed');
    }
  });

  test('gives the memory back: 300 nets one after the other', () => {
    for (let i = 0; i < 300; i++) new Model(CONV, { batch: 64 }).dispose();
  });
});

test('nets made while another is at work do not disturb it', () => {
  const model = new Model(CONV, { batch: 4, seed: 5 });
  const x = random([4, 3, 32, 32], 10), y = labels(4, 10);
  const before = model.lossAndGradients(x, y);
  const big = new Model('affine 2000 - relu - affine 10 - softmax', { batch: 256 }); // memory grows
  const after = model.lossAndGradients(x, y);
  expect(after.loss).toBe(before.loss);
  for (const [name, t] of Object.entries(before.gradients)) {
    expect(relativeError(after.gradients[name]!.data, t.data)).toBe(0);
  }
  big.dispose();
  model.dispose();
});
