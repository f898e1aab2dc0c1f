// How hard the built-in set is: out of reach for a linear model, a minute for the default convnet.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, test } from '@jest/globals';

import { Trainer } from '../../bindings/index.js';

const run = promisify(execFile);

interface Done { valAccuracy: number; testAccuracy: number; bestValAccuracy: number }

async function native(...args: string[]): Promise<Done> {
  const all = ['train', ...args, '--threads', '1', '--json', '--quiet'];
  const { stdout } = await run('build/native/kiln', all, { maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Done;
}

/** Seconds of processor time that this process has used. */
function processor(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

test.each([
  ['the preset', ['--preset', 'linear-softmax']],
  ['adam', ['--net', 'affine 10 - softmax', '--lr', '0.001', '--epochs', '20']],
  ['adam, regularised', ['--net', 'affine 10 - softmax', '--lr', '0.0005', '--reg', '0.1',
    '--epochs', '20', '--data-seed', '2']],
  ['flips and crops', ['--net', 'affine 10 - softmax', '--lr', '0.001', '--epochs', '20',
    '--augment', 'flip,crop2']],
])('a linear softmax stays below 45 %%: %s', async (_, args) => {
  const { bestValAccuracy, testAccuracy } = await native(...args);
  expect(bestValAccuracy).toBeGreaterThan(0.15); // it did learn
  expect(bestValAccuracy).toBeLessThan(0.45);
  expect(testAccuracy).toBeLessThan(0.45);
});

test('the default convnet passes 90 % within a minute of one core, natively', async () => {
  const before = Date.now();
  const { valAccuracy, testAccuracy } = await native('--preset', 'default');
  expect(valAccuracy).toBeGreaterThan(0.9);
  expect(testAccuracy).toBeGreaterThan(0.9);
  expect(Date.now() - before).toBeLessThan(60_000);
});

test('and in WebAssembly, as the page trains it', async () => {
  const before = processor();
  const trainer = await Trainer.create({ variant: 'simd' });
  await trainer.start();
  let best = 0;
  for await (const { valAccuracy } of trainer) {
    best = Math.max(best, valAccuracy ?? 0);
    if (best > 0.9) break;
  }
  expect(best).toBeGreaterThan(0.9);
  expect(processor() - before).toBeLessThan(60);
  trainer.dispose();
});
