// A run in the worker and the same run of the native program: equal bits.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';

const run = promisify(execFile);
const NETS: [string, string][] = [
  ['fully connected', 'affine 40 - batchnorm - relu - dropout 0.3 - affine 10 - softmax'],
  ['convolutional',
    'conv 5x5x8 - relu - maxpool 2 - conv 3x3x12 stride 2 - leakyrelu 0.1 - affine 10 - svm'],
  ['residual', 'conv 3x3x8 - residual(conv 3x3x8 - groupnorm 4 - gelu - conv 3x3x8) - relu - ' +
    'avgpool - affine 10 - softmax smoothing 0.1'],
];
const OPTIONS = {
  train: 300, validation: 50, test: 50, batch: 25, epochs: 2, seed: 11, lr: 0.002,
  augment: 'flip,crop4', schedule: 'cosine', reg: 0.001,
};

interface Done { event: string; parameterHash: string; mode: string; valAccuracy: number }

async function native(net: string, ...more: string[]): Promise<Done> {
  const options = Object.entries(OPTIONS).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const given = more.includes('--resume') ? [] : ['--net', net]; // a checkpoint has its own
  const args = ['train', ...given, '--data', 'builtin', '--json', ...options, ...more];
  const { stdout } = await run('build/native/kiln', args, { maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Done;
}

async function inWorker(
  net: string, more: { freeze?: string } = {},
): Promise<{ hash: string; trainer: Trainer }> {
  const trainer = await Trainer.create({ net, variant: 'simd', options: { ...OPTIONS, ...more } });
  await trainer.start();
  for await (const _ of trainer);
  return { hash: await trainer.hash(), trainer };
}

describe.each(NETS)('%s', (_, net) => {
  test('the worker and the native program end in the same parameters', async () => {
    const { hash, trainer } = await inWorker(net);
    const done = await native(net);
    expect(done).toMatchObject({ event: 'done', mode: 'strict', parameterHash: hash });
    expect(trainer.metrics!.valAccuracy).toBe(done.valAccuracy);
    trainer.dispose();
  });
});

test('of a net that is frozen in part, too', async () => {
  const [, net] = NETS[2]!;
  const freeze = 'conv1,groupnorm*,*.b';
  const { hash, trainer } = await inWorker(net, { freeze });
  expect((await native(net, '--freeze', freeze)).parameterHash).toBe(hash);
  expect(hash).not.toBe((await native(net)).parameterHash);
  const frozen = trainer.summary.layers.filter((layer) => layer.frozen > 0);
  expect(frozen.map((layer) => [layer.name, layer.frozen, layer.parameters])).toEqual([
    ['conv1', 224, 224], ['conv2', 8, 584], ['groupnorm1', 16, 16], ['conv3', 8, 584],
    ['affine1', 10, 90],
  ]);
  expect((await trainer.summarise(net, 'conv2.w')).frozen).toBe(576);
  await expect(trainer.summarise(net, 'conv9')).rejects.toMatchObject({ code: 'E_ARG' });
  trainer.dispose();
});

test('a checkpoint of one goes on in the other, to the same end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kiln-'));
  const [, net] = NETS[0]!;
  const { hash } = await native(net).then((done) => ({ hash: done.parameterHash }));

  const trainer = await Trainer.create({ net, variant: 'simd', options: OPTIONS });
  for (let i = 0; i < 15; i++) await trainer.step();
  const saved = await trainer.save();
  trainer.dispose();
  const file = join(folder, 'half.safetensors');
  await writeFile(file, saved);
  expect((await native(net, '--resume', file)).parameterHash).toBe(hash);

  const stopped = join(folder, 'stopped.safetensors');
  await native(net, '--max-steps', '15', '--save', stopped);
  const resumed = await Trainer.create({ net, variant: 'simd', options: OPTIONS });
  await resumed.load(new Uint8Array(await readFile(stopped)), { maxSteps: 0 });
  await resumed.start();
  for await (const _ of resumed);
  expect(await resumed.hash()).toBe(hash);
  resumed.dispose();
  await rm(folder, { recursive: true });
});
