// A gradient check in the worker goes layer by layer: the worker answers in between.

import { afterAll, expect, test } from '@jest/globals';

import { Model, Trainer, ready } from '../../bindings/index.js';

const NET = 'conv 3x3x8 - batchnorm - relu - maxpool 2 - affine 10 - softmax';

let trainer: Trainer | undefined;
afterAll(() => trainer?.dispose());

test('other calls are answered while a check runs, and its rows are those of Model', async () => {
  await ready({ variant: 'simd' });
  trainer = await Trainer.create({
    net: 'affine 10 - softmax', data: 'builtin', variant: 'simd',
    options: { train: 20, validation: 10, test: 10 },
  });
  const order: string[] = [];
  const check = trainer.gradcheck(NET).then((rows) => {
    order.push('check');
    return rows;
  });
  await trainer.options().then(() => order.push('options'));
  const rows = await check;
  expect(order).toEqual(['options', 'check']);
  expect(rows).toEqual(Model.gradcheck(NET));
});
