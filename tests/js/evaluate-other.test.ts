// A checkpoint is evaluated on other data than it was trained on, beside a run that stays.

import { afterEach, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';
import { failure } from './helpers.js';

const open: Trainer[] = [];
afterEach(() => open.splice(0).forEach((one) => one.dispose()));

async function create(train: number, net: string, more: object = {}): Promise<Trainer> {
  const one = await Trainer.create({ net, data: 'builtin', variant: 'simd',
    options: { train, validation: 10, test: 70, batch: 20, epochs: 2, ...more } });
  open.push(one);
  return one;
}

test('on the same images it gets what its own run gets, normalised as it was trained', async () => {
  const first = await create(60, 'conv 3x3x4 - batchnorm - relu - maxpool 4 - affine 10 - softmax');
  for (let i = 0; i < 3; i++) await first.step();
  const [run, weights] = [await first.save(), await first.exportParameters()];
  const wanted = await first.evaluate('test');
  // Other training images, and with them other means; the images to test with are the same.
  const second = await create(50, 'affine 10 - softmax');
  await second.step();
  const before = await second.hash();
  for (const checkpoint of [run, weights]) {
    expect(await second.evaluate('test', { checkpoint })).toEqual(wanted);
  }
  expect((await second.evaluate('test', { checkpoint: run, count: 30 })).count).toBe(30);
  expect(await second.hash()).toBe(before);
  expect((await failure(() => second.load(run))).message).toMatch(
    /trained on other images of the data set builtin: its options were train=60/);
  // It is of no more use where it does not fit, and what was made for it is gone.
  for (let i = 0; i < 70; i++) {
    const cut = await failure(() => second.evaluate('test', { checkpoint: run.slice(0, 99) }));
    expect(cut.code).toBe('E_CHECKPOINT');
    await second.evaluate('test', { checkpoint: weights, count: 1 });
  }
  await second.step();
});
