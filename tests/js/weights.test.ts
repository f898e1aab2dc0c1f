// Weights by themselves: what exportParameters() gives begins runs of a Trainer and fills a Model.

import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import {
  importWeights, Model, ready, Trainer, type TrainerInit,
} from '../../bindings/index.js';
import { failure, random } from './helpers.js';

const SMALL = {
  net: 'conv 3x3x4 stride 2 - batchnorm - relu - maxpool 4 - affine 10 - softmax', variant: 'simd',
  train: 60, validation: 10, test: 20, batch: 20, epochs: 4, optimizer: 'sgd', lr: 0.01,
  normalize: 'none',
} as const satisfies TrainerInit;

beforeAll(() => ready({ variant: 'simd' }));

const trainers: Trainer[] = [];
afterEach(() => trainers.splice(0).forEach((trainer) => trainer.dispose()));

async function create(init: TrainerInit = SMALL): Promise<Trainer> {
  const trainer = await Trainer.create(init);
  trainers.push(trainer);
  return trainer;
}

async function trained(): Promise<Trainer> {
  const trainer = await create();
  for (let i = 0; i < 5; i++) await trainer.step();
  return trainer;
}

describe('Trainer.load() of weights alone', () => {
  test('begins a run with them, with its own options and the net and normalisation of the file',
    async () => {
      const from = await trained();
      const weights = await from.exportParameters();
      const other = await create({
        ...SMALL, net: 'affine 10 - softmax', normalize: 'channel', lr: 0.125, seed: 9 });
      await other.step();
      expect(await other.load(weights)).toBe('weights');
      expect(other.state).toBe('ready');
      expect(other.metrics).toBeNull();
      expect(other.summary.notation).toBe(from.summary.notation);
      expect(await other.hash()).toBe(await from.hash());
      expect(await other.options()).toMatchObject({ lr: '0.125', seed: '9', normalize: 'none' });
      expect((await other.evaluate('test')).accuracy)
        .toBe((await from.evaluate('test')).accuracy);
      await other.step();
      expect(other.metrics!.step).toBe(1);
      await other.reset(); // the same net again, with weights of its own
      expect(other.summary.notation).toBe(from.summary.notation);
      expect(await other.hash()).not.toBe(await from.hash());
    });

  test('takes options; another net, and a damaged file, leave the run as it was', async () => {
    const from = await trained();
    const weights = await from.exportParameters();
    expect(await from.load(weights, { lr: 0.5, optimizer: 'adam' })).toBe('weights');
    expect(await from.options()).toMatchObject({ lr: '0.5', optimizer: 'adam' });
    await from.step();
    const error = await failure(() => from.load(weights, { net: 'affine 10 - softmax' }));
    expect(error).toMatchObject({ code: 'E_ARG', message: expect.stringContaining('another net') });
    weights[weights.length - 5]! ^= 1;
    expect((await failure(() => from.load(weights))).code).toBe('E_CHECKPOINT');
    expect(from.metrics!.step).toBe(1);
  });

  test('a checkpoint goes on, and says so', async () => {
    const trainer = await trained();
    expect(await trainer.load(await trainer.save())).toBe('run');
    expect(trainer.metrics!.step).toBe(5);
  });
});

describe('Model.load()', () => {
  test.each(['save', 'exportParameters'] as const)('gives the net of %s()', async (call) => {
    const trainer = await trained();
    const model = await Model.load(await trainer[call](), { batch: 5 });
    expect(model.net).toBe(trainer.summary.notation);
    expect(model.hash()).toBe(await trainer.hash());
    const scores = model.scores(random([2, 3, 32, 32], 1));
    expect(scores.shape).toEqual([2, 10]);
    model.dispose();
  });

  test('refuses what is none', async () => {
    const weights = await (await trained()).exportParameters();
    expect((await failure(() => Model.load('x' as never))).code).toBe('E_ARG');
    expect((await failure(() => Model.load(weights.subarray(0, -1)))).code).toBe('E_CHECKPOINT');
    expect((await failure(() => Model.load(weights, { bacth: 5 } as object))).code).toBe('E_ARG');
  });
});

describe('weights of another program', () => {
  test('begin a run of the present net, which tells what went where', async () => {
    const from = await trained();
    const npz = await from.export('npz');
    const other = await create({ ...SMALL, seed: 9 });
    await other.step();
    expect(await other.load(npz)).toBe('weights');
    expect(other.metrics).toBeNull();
    expect(await other.hash()).toBe(await from.hash());
    expect(other.imported.map(({ tensor, from: array, how }) => [tensor, array, how])).toEqual([
      ['conv1.w', 'W1', 'as it is'], ['conv1.b', 'b1', 'as it is'],
      ['batchnorm1.gamma', 'gamma1', 'as it is'], ['batchnorm1.beta', 'beta1', 'as it is'],
      ['affine1.w', 'W2', 'as it is'], ['affine1.b', 'b2', 'as it is'],
      ['batchnorm1.running_mean', 'running_mean1', 'as it is'],
      ['batchnorm1.running_var', 'running_var1', 'as it is'],
    ]);
    expect(other.imported[0]!.shape).toEqual([4, 3, 3, 3]);
    await other.reset();
    expect(other.imported).toEqual([]);
  });

  test('are of the net that is asked for; what does not fit leaves the run as it was', async () => {
    const from = await trained();
    const npz = await from.export('npz');
    const other = await create({ ...SMALL, net: 'affine 10 - softmax' });
    await other.step();
    const before = await other.hash();
    expect(await failure(() => other.load(npz))).toMatchObject({ code: 'E_CHECKPOINT' });
    expect(await failure(() => other.load(npz, { net: 'afine 3' }))).toMatchObject({
      code: 'E_NOTATION' });
    expect([await other.hash(), other.metrics!.step]).toEqual([before, 1]);
    await other.load(npz, { net: SMALL.net, normalize: 'none' });
    expect(other.summary.notation).toBe(from.summary.notation);
    expect(await other.hash()).toBe(await from.hash());
  });

  test('fill a Model', async () => {
    const from = await trained();
    const { bytes, table } = await importWeights(await from.export('npz'), { net: SMALL.net });
    expect(table).toHaveLength(8);
    const model = await Model.load(bytes);
    const [w] = await from.parameters(['conv1.w']);
    expect(model.parameters()['conv1.w']!.data).toEqual(w!.data);
    model.dispose();
  });

  test('are of images of any size', async () => {
    const head = '{"name":"small","shape":[1,9,7],"classes":["a","b"],"count":40}';
    const images = Array.from({ length: 40 }, (_, i) => [i % 2, ...Array<number>(63).fill(i)]);
    const data = { files: [new File(
      [`KILNSET 1\n${head}\n`, new Uint8Array(images.flat())], 'small.kilnset')] };
    const net = 'conv 3x3x2 - relu - affine 2 - softmax';
    const make = async (seed: number): Promise<Trainer> =>
      create({ net, data, options: { batch: 8, seed } });
    const [from, to] = [await make(1), await make(2)];
    const npz = await from.export('npz');
    await to.load(npz, { net });
    expect(await to.hash()).toBe(await from.hash());
    const { bytes } = await importWeights(npz, { net, input: [1, 9, 7] });
    const model = await Model.load(bytes);
    const [w] = await from.parameters(['affine1.w']);
    expect(model.parameters()['affine1.w']!.data).toEqual(w!.data);
    model.dispose();
    for (const input of ['1x9', [1, 9, 700], 3]) {
      expect(await failure(() => importWeights(npz, { net, input: input as never })))
        .toMatchObject({ code: 'E_ARG' });
    }
  });

  test('of no known net, and what are no weights, are refused', async () => {
    const npz = await (await trained()).export('npz');
    expect(await failure(() => importWeights(npz))).toMatchObject({
      code: 'E_ARG', message: expect.stringMatching(/names no net/) });
    expect(await failure(() => importWeights(npz, { net: 3 as never }))).toMatchObject({
      code: 'E_ARG' });
    for (const wrong of [null, 'w.npz', [1]]) {
      expect(await failure(() => importWeights(wrong as never, { net: SMALL.net })))
        .toMatchObject({ code: 'E_ARG', message: expect.stringMatching(/are a Uint8Array/) });
    }
    for (const bytes of [npz.subarray(0, 300), new Uint8Array(0), new Uint8Array(90)]) {
      expect(await failure(() => importWeights(bytes, { net: SMALL.net }))).toMatchObject({
        code: 'E_CHECKPOINT' });
    }
    const own = await (await trained()).save();
    expect(await importWeights(own)).toEqual({ bytes: own, table: [] });
  });
});
