/** The nets of the benchmark that are a preset's: they follow the table of presets. */

import { execFileSync } from 'node:child_process';

import { expect, test } from '@jest/globals';

import { load } from '../../bindings/wasm.js';

interface Net {
  name: string;
  batch: number;
  notation: string;
  options: Record<string, string>;
}

const SCRIPT = `import { readNets } from './tests/bench/nets.mjs';
console.log(JSON.stringify(readNets()));`;

test('W4 is the net of 90-percent, W5 the same with other filters', async () => {
  const nets: Net[] = JSON.parse(execFileSync(process.execPath,
    ['--input-type=module', '-e', SCRIPT], { encoding: 'utf8' }));
  const net = (name: string): Net => nets.find((one) => one.name === name)!;
  const presets = (await load({ variant: 'simd' })).json('kiln_presets') as {
    name: string; net: string; options: Record<string, string> }[];
  const preset = presets.find(({ name }) => name === '90-percent')!;
  const { batch, epochs, ...options } = preset.options;

  expect(net('W4').notation).toBe(preset.net);
  expect(String(net('W4').batch)).toBe(batch);
  expect(net('W4').options).toEqual({ ...options, 'whiten-epochs': '0' });
  expect(Number(epochs)).toBeGreaterThan(1);

  const filters = [...net('W5').notation.matchAll(/conv 3x3x(\d+)/g)].map(([, count]) => count);
  expect(filters).toEqual(['64', '64', '256', '256', '256', '256']);
  expect(net('W5').notation.replace(/x\d+ nobias/g, '')).toBe(
    preset.net.replace(/x\d+ nobias/g, ''));
  expect(net('W5').options).toEqual(net('W4').options);
  expect(net('W3').options.optimizer).toBe('momentum');
});
