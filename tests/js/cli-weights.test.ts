// Weights by themselves on the command line: what is exported is evaluated, and begins new runs.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { kiln, kilnWith, NET, records, SMALL } from './program.js';

const DATA = SMALL.slice(2, 8);

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-weights-'));
  await kiln('train', ...SMALL, '--epochs', '2', '--save', at('run.safetensors'), '--quiet');
  await kiln('export', at('run.safetensors'), '--save', at('weights.safetensors'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('an export', () => {
  test('is evaluated as the run it came from', async () => {
    const run = await kiln('eval', at('run.safetensors'), '--json');
    const weights = await kiln('eval', at('weights.safetensors'), ...DATA, '--json');
    expect(weights.code).toBe(0);
    const { loss, ...exact } = run.events[0]!;
    expect(weights.events[0]).toMatchObject(exact);
    expect(weights.events[0]!['loss']).toBeCloseTo(loss as number, 12); // batches of 20 and of 64
  });

  test('comes through a pipe', async () => {
    const bytes = await readFile(at('weights.safetensors'));
    const { code, events } = await kilnWith(bytes, 'eval', '-', ...DATA, '--json');
    expect({ code, count: events[0]!['count'] }).toEqual({ code: 0, count: 60 });
  });

  test('has no run to go on with: that is said, with the command that begins one', async () => {
    const { code, err } = await kiln('train', '--resume', at('weights.safetensors'));
    expect(code).toBe(4);
    expect(err).toMatch(/an export, the net alone, with no run to go on with/);
    expect(err).toMatch(
      /begin a new run with them: kiln train --init-from \S+weights\.safetensors/);
  });

  test.each(['weights', 'run'])('begins a new run: %s', async (name) => {
    const from = at(`${name}.safetensors`);
    const before = (await kiln('eval', at('run.safetensors'), '--json')).events[0]!;
    const { code, err, events } = await kiln('train', '--init-from', from, ...DATA, '--batch', '20',
      '--lr', '1e-12', '--optimizer', 'sgd', '--epochs', '1', '--json');
    expect(code).toBe(0);
    expect(err).toMatch(/weights: of \S+; a new run begins with them, at step 0/);
    expect(events[0]).toMatchObject({ event: 'step', step: 1 });
    const done = events.at(-1)!;
    expect(done).toMatchObject({ event: 'done', net: NET, step: 10 });
    expect(done['testAccuracy']).toBe(before['accuracy']);
  });

  test('begins a run on other classes with a head of its own, the rest frozen', async () => {
    const head = '{"name":"pictures","shape":[3,32,32],"classes":["cat","dog","owl"],"count":60}';
    const images = Array.from({ length: 60 }, (_, i) =>
      Buffer.concat([Buffer.from([i % 3]), Buffer.alloc(3072, 40 + 80 * (i % 3))]));
    await writeFile(at('three.kilnset'),
      Buffer.concat([Buffer.from(`KILNSET 1\n${head}\n`), ...images]));
    const { code, err, events } = await kiln('train', '--init-from', at('weights.safetensors'),
      '--freeze', 'conv*', '--data', at('three.kilnset'), '--batch', '16', '--epochs', '20',
      '--lr', '0.02', '--save', at('three.safetensors'), '--json');
    expect(err).toMatch(
      /weights: of 10 classes, and this data set has 3: the last layer begins anew/);
    const done = events.at(-1)!;
    expect({ code, net: done['net'] })
      .toEqual({ code: 0, net: NET.replace('affine 10', 'affine 3') });
    const from = ['train', '--init-from', at('weights.safetensors')];
    expect(await kiln(...from, '--freeze', 'cnov1')).toMatchObject({ code: 2,
      err: 'kiln: freeze: the net has no "cnov1"; did you mean "conv1"?\n' });
    expect(done['testAccuracy']).toBe(1);
    expect((await kiln('eval', at('three.safetensors'), '--data', at('three.kilnset'), '--json'))
      .events[0]).toMatchObject({ accuracy: 1 });
    // As many classes of other names keep the last layer, and that is said.
    await writeFile(at('fox.kilnset'),
      Buffer.concat([Buffer.from(`KILNSET 1\n${head.replace('owl', 'fox')}\n`), ...images]));
    const other = await kiln('train', '--init-from', at('three.safetensors'), '--data',
      at('fox.kilnset'), '--batch', '16', '--max-steps', '1', '--save', at('fox.safetensors'));
    expect(other.err).toMatch(/classes than .*, \["cat","dog","owl"\]; the last layer is kept/);
  });

  test('another net, a preset or a way to draw weights contradicts it', async () => {
    const from = ['train', '--init-from', at('weights.safetensors')];
    for (const more of [['--net', 'affine 10 - softmax'], ['--preset', 'residual'],
      ['--init', 'xavier'], ['--resume', at('run.safetensors')]]) {
      const { code, err } = await kiln(...from, ...more);
      expect({ more, code }).toEqual({ more, code: 2 });
      expect(err).toMatch(/contradict each other|the weights are of another net, conv 3x3x4/);
    }
  });

  test('a damaged file begins nothing', async () => {
    const bytes = await readFile(at('weights.safetensors'));
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(at('flipped.safetensors'), bytes);
    await writeFile(at('empty.safetensors'), '');
    for (const file of ['flipped', 'empty', 'none']) {
      const { code } = await kiln('train', '--init-from', at(`${file}.safetensors`));
      expect({ file, code }).toEqual({ file, code: 4 });
    }
  });
});

describe('weights of another program', () => {
  const net = ['--net', NET];

  test('are evaluated by --net, with a line on where each tensor went', async () => {
    await kiln('export', at('run.safetensors'), '--format', 'npz', '--save', at('run.npz'));
    const run = await kiln('eval', at('run.safetensors'), '--json');
    const npz = await kiln('eval', at('run.npz'), ...net, ...DATA, '--json');
    expect(npz.code).toBe(0);
    expect(npz.err).toMatch(/weights: the net's, and what they are in \S+\n {2}conv1\.w +W1\n/);
    const { loss, ...exact } = run.events[0]!;
    expect(npz.events[0]).toMatchObject(exact);
    expect(npz.events[0]!['loss']).toBeCloseTo(loss as number, 12);
    const quiet = await kiln('eval', at('run.npz'), ...net, ...DATA, '--json', '--quiet');
    expect(quiet.err).toBe('');
  });

  test('begin a run', async () => {
    await kiln('export', at('run.safetensors'), '--format', 'npz', '--save', at('begin.npz'));
    const { code, events } = await kiln('train', '--init-from', at('begin.npz'), ...net, ...DATA,
      '--max-steps', '2', '--json');
    expect(code).toBe(0);
    expect(events.at(-1)).toMatchObject({ event: 'done', net: NET, step: 2 });
  });

  test('are of images of any size: the data set says of which', async () => {
    const head = '{"name":"small","shape":[1,9,7],"classes":["a","b"],"count":60}';
    const images = Array.from({ length: 60 }, (_, i) =>
      Buffer.concat([Buffer.from([i % 2]), Buffer.alloc(63, 40 + 120 * (i % 2))]));
    const set = at('small.kilnset');
    await writeFile(set, Buffer.concat([Buffer.from(`KILNSET 1\n${head}\n`), ...images]));
    const small = ['--net', 'conv 3x3x2 - relu - affine 2 - softmax'];
    await kiln('train', '--data', set, ...small, '--epochs', '9', '--batch', '8', '--quiet',
      '--save', at('small.safetensors'));
    const run = await kiln('eval', at('small.safetensors'), '--data', set, '--json');
    await kiln('export', at('small.safetensors'), '--format', 'npz', '--save', at('small.npz'));
    const npz = await kiln('eval', at('small.npz'), ...small, '--data', set, '--json');
    expect(npz.err).toMatch(/affine1\.w +W2\n/);
    expect(npz.events[0]).toMatchObject({ accuracy: run.events[0]!['accuracy'] });
    expect(npz.events[0]!['loss']).toBeCloseTo(run.events[0]!['loss'] as number, 12);
    const from = await kiln('train', '--init-from', at('small.npz'), ...small, '--data', set,
      '--batch', '8', '--max-steps', '2', '--json');
    expect(from.events.at(-1)).toMatchObject({ event: 'done', step: 2 });
    const other = await kiln('eval', at('small.npz'), ...small);
    expect({ code: other.code, err: other.err }).toEqual(
      { code: 4, err: expect.stringMatching(/no float32 or float64 arrays fit conv1/) });
  });

  test('without a net, or with one that they do not fit, are refused with what to do', async () => {
    await kiln('export', at('run.safetensors'), '--format', 'npz', '--save', at('other.npz'));
    const none = await kiln('eval', at('other.npz'));
    expect({ code: none.code, err: none.err }).toEqual(
      { code: 2, err: expect.stringContaining('names no net; say which net its weights are of') });
    const other = await kiln('eval', at('other.npz'), '--net', 'affine 10 - softmax');
    expect({ code: other.code, err: other.err }).toEqual(
      { code: 4, err: expect.stringMatching(/no float32 or float64 arrays fit affine1 .* left/) });
    const own = await kiln('eval', at('run.safetensors'), ...net);
    expect({ code: own.code, err: own.err }).toEqual(
      { code: 2, err: expect.stringContaining('a checkpoint has its own net') });
    const typed = await kiln('eval', at('other.npz'), '--net', 'affine');
    expect(typed.code).toBe(2);
    expect(typed.err).toMatch(/\^/);
    await kiln('export', at('run.safetensors'), '--format', 'pytorch', '--save', at('torch.zip'));
    const zip = await kiln('eval', at('torch.zip'), ...net);
    expect({ code: zip.code, err: zip.err }).toEqual({ code: 4, err: expect.stringMatching(
      /model\.py: is no array of NumPy's; unpack the archive, and name the file of weights/) });
    await writeFile(at('cut.npz'), (await readFile(at('other.npz'))).subarray(0, -1));
    expect((await kiln('eval', at('cut.npz'), ...net)).code).toBe(4);
  });
});

test('the weights by the names of the module for PyTorch come back as they were', async () => {
  const set = ['--data', 'builtin', '--data-seed', '7', '--train', '300', '--validation', '60',
    '--test', '60'];
  for (const normalize of ['channel', 'none', 'mean-image']) {
    await kiln('train', ...set, '--net',
      'conv 3x3x4 - batchnorm - relu - maxpool 4 - affine 10 - softmax', '--normalize', normalize,
      '--epochs', '1', '--quiet', '--save', at('own.safetensors'));
    await kiln('export', at('own.safetensors'), '--format', 'pytorch-weights', '--save',
      at('module.safetensors'));
    const bytes = await readFile(at('module.safetensors'));
    const { __metadata__: told, ...arrays } = JSON.parse(
      bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<string,
      Record<string, unknown>>;
    expect(told).toMatchObject({ format: 'pt', normalize });
    await kiln('export', at('own.safetensors'), '--format', 'pytorch', '--save', at('folder'));
    expect(await readFile(at('folder/weights.safetensors'))).toEqual(bytes);
    expect(Object.keys(arrays)).toEqual(['conv1.weight', 'conv1.bias', 'batchnorm1.weight',
      'batchnorm1.bias', 'affine1.weight', 'affine1.bias', 'batchnorm1.running_mean',
      'batchnorm1.running_var']);
    expect(arrays['affine1.weight']!['shape']).toEqual([10, 256]);
    // The normalisation is the run's, also where the data are others; a mean image is the data's.
    const other = normalize === 'mean-image' ? set
      : ['--data', 'builtin', '--data-seed', '8', '--train', '100', '--test', '200'];
    const [run, back] = await Promise.all(['own', 'module'].map(async (name) =>
      (await kiln('eval', at(`${name}.safetensors`), ...other, '--json')).events.at(-1)!));
    expect(back).toMatchObject({ accuracy: run!['accuracy'], loss: run!['loss'] });
  }
});

test('the table of confusions cuts names between characters', async () => {
  const classes = ['äöüßéè', '猫'.repeat(13)];
  const head = JSON.stringify({ name: 'named', shape: [1, 4, 4], classes, count: 40 });
  const images = Array.from({ length: 40 }, (_, i) =>
    Buffer.concat([Buffer.from([i % 2]), Buffer.alloc(16, 40 + 120 * (i % 2))]));
  await writeFile(at('named.kilnset'),
    Buffer.concat([Buffer.from(`KILNSET 1\n${head}\n`), ...images]));
  await kiln('train', '--data', at('named.kilnset'), '--net', 'affine 2 - softmax', '--epochs', '9',
    '--batch', '8', '--quiet', '--save', at('named.safetensors'));
  const { out } = await kiln('eval', at('named.safetensors'), '--data', at('named.kilnset'));
  const [title, ...rows] = out.trimEnd().split('\n').slice(2);
  expect(title).toBe('is \\ seen as äöüßé 猫猫猫猫猫   right');
  expect(rows.map((row) => row.slice(0, 18)))
    .toEqual(['äöüßéè           2', '猫猫猫猫猫猫猫猫猫猫猫猫     0']);
});

describe('a checkpoint on other data', () => {
  test('is evaluated on test images alone, with a word on classes of other names', async () => {
    await writeFile(at('mine.bin'), records(30));
    const data = ['--data', `test=${at('mine.bin')}`];
    const { code, events, err } = await kiln('eval', at('run.safetensors'), ...data, '--json');
    expect({ code, count: events[0]!['count'] }).toEqual({ code: 0, count: 30 });
    expect(err).toMatch(/was taught other classes than this data set has, \["boat",/);
    const quiet = await kiln('eval', at('run.safetensors'), ...data, '--json', '--quiet');
    expect(quiet.err).toBe('');
    const train = await kiln('train', ...data);
    expect({ code: train.code, err: train.err }).toEqual(
      { code: 3, err: expect.stringContaining('has no training images; add data_batch_1.bin') });
  });

  test('does not go on, and what differs is said', async () => {
    const other = await kiln('train', '--resume', at('run.safetensors'), '--data-seed', '5');
    expect(other.code).not.toBe(0);
    await writeFile(at('train.bin'), records(80));
    const { code, err } = await kiln('train', '--resume', at('run.safetensors'),
      '--data', `train=${at('train.bin')}`);
    expect(code).toBe(4);
    expect(err).toMatch(/trained on the data set builtin, this data set is cifar10/);
    const fewer = await kiln('train', '--resume', at('run.safetensors'), '--test', '50');
    expect(fewer.code).toBe(4);
    expect(fewer.err).toMatch(/other images of the data set builtin: .* test=60,/);
    expect(fewer.err).toMatch(/this data set has 200, 50 and 50 images/);
  });
});
