// Two hundred of everything, made and disposed of one after the other, leave nothing behind.

import { beforeAll, expect, test } from '@jest/globals';

import { Dataset, Model, ready } from '../../bindings/index.js';
import { loadDataset } from '../../bindings/dataset.js';
import { instance } from '../../bindings/instance.js';
import { optionText } from '../../bindings/options.js';
import { Training } from '../../bindings/training.js';
import { failure } from './helpers.js';

beforeAll(() => ready({ variant: 'simd' }));

const CYCLES = 200;
const WIDE = '[conv 1x1x64 - relu]x2 - avgpool - affine 10 - softmax'; // 15 GB at 60,000 images
const NET = 'conv 3x3x4 - batchnorm - relu - maxpool 4 - dropout 0.5 - affine 10 - softmax';
const SIZES = { train: 40, validation: 10, test: 10 };

/** Bytes that the library holds, and of the memory they lie in. */
function held(): [number, number] {
  return [instance().call('kiln_memory_used'), instance().memoryBytes];
}

async function returns(cycle: () => Promise<void> | void): Promise<void> {
  await cycle();
  await cycle(); // buffers that live as long as the instance have found their size
  const before = held();
  for (let i = 0; i < CYCLES; i++) await cycle();
  expect(held()).toEqual(before);
}

test('nets', () => returns(() => {
  const model = new Model(NET, { batch: 8 });
  model.lossAndGradients({ data: new Float32Array(8 * 3072), shape: [8, 3, 32, 32] },
    [0, 1, 2, 3, 4, 5, 6, 7]);
  model.dispose();
  model.dispose();
}));

test('nets that fail to be made', () => returns(async () => {
  await failure(() => new Model('conv 3x3x4 - affine'));
  await failure(() => new Model(NET, { init: 'none' }));
  await failure(() => new Model(WIDE, { batch: 60_000 }));
}));

test('data sets', () => returns(async () => {
  const data = await Dataset.builtin(SIZES);
  data.image('test', 3);
  data.dispose();
  data.dispose();
}));

test('data sets that cannot be read', () => returns(async () => {
  const bytes = new Uint8Array(3073 * 2 - 1);
  await failure(() => Dataset.fromFiles([{ name: 'data_batch_1.bin', bytes }]));
}));

test('runs, with a step, a checkpoint and a resumption', () => returns(async () => {
  const wasm = instance();
  const data = await loadDataset(wasm, 'builtin', SIZES);
  const options = optionText({ net: NET, batch: 8 });
  const run = new Training(
    wasm, data.handle, wasm.call('kiln_trainer_create', data.handle, options), () => {});
  await run.step();
  const bytes = wasm.saved(run.handle, wasm.call('kiln_trainer_save', run.handle));
  run.dispose();
  const again = wasm.call('kiln_trainer_resume', data.handle, bytes, bytes.length, '');
  wasm.call('kiln_trainer_destroy', again);
  data.dispose();
}));
