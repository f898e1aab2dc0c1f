// The layers' view of a picture that is in no data set: what an image of one gets, bit for bit.

import { afterEach, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';
import { failure } from './helpers.js';

let trainer: Trainer | null = null;
afterEach(() => trainer?.dispose());

async function open(net: string, options: Record<string, string | number> = {}): Promise<Trainer> {
  trainer = await Trainer.create({
    net, data: 'builtin', variant: 'simd',
    options: { train: 60, validation: 10, test: 20, batch: 20, epochs: 2, ...options } });
  for (let i = 0; i < 3; i++) await trainer.step();
  return trainer;
}

test.each([
  ['conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.5 - affine 10 - softmax', { lr: 0.01 }],
  ['conv 3x3x4 stride 2 - relu - affine 10 - svm', { lr: 0.01 }],
])('%s: outputs, gradients and probabilities of an image', async (net, options) => {
  const run = await open(net, options);
  const before = await run.hash();
  let compared = 0;
  for (let i = 0; i < 20; i++) {
    const there = await run.inspect('test', i);
    const own = await run.inspect(there.image);
    expect(own.image).toEqual(there.image);
    expect(own.probabilities).toEqual(there.probabilities);
    expect(own.label).toBe(there.probabilities.indexOf(Math.max(...there.probabilities)));
    const same = own.label === there.label; // then the gradients are of one loss
    compared += Number(same);
    for (const [k, layer] of there.layers.entries()) {
      expect(own.layers[k]).toEqual(same ? layer : { ...layer, gradient: own.layers[k]!.gradient });
    }
  }
  expect(compared).toBeGreaterThan(0);
  expect(await run.hash()).toBe(before);
  await run.step();
});

test('an image of another size, and a net that needs the mean image, are refused', async () => {
  const run = await open('affine 10 - softmax', { normalize: 'mean-image' });
  expect((await failure(() => run.inspect(new Uint8Array(5)))).code).toBe('E_SHAPE');
  const { image } = await run.inspect('test', 0);
  const refused = await failure(() => run.inspect(image));
  expect(refused.code).toBe('E_DATA');
  // What was made for it is gone: as often as one likes.
  for (let i = 0; i < 80; i++) await failure(() => run.inspect(image));
  expect((await run.inspect('test', 1)).label).toBeGreaterThanOrEqual(0);
});
