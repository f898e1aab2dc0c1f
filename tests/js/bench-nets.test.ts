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

test.each([['W4', '90-percent'], ['W5', '93-percent']])('%s is the net of %s', async (name, of) => {
  const nets: Net[] = JSON.parse(execFileSync(process.execPath,
    ['--input-type=module', '-e', SCRIPT], { encoding: 'utf8' }));
  const net = nets.find((one) => one.name === name)!;
  const presets = (await load({ variant: 'simd' })).json('kiln_presets') as {
    name: string; net: string; options: Record<string, string> }[];
  const preset = presets.find((one) => one.name === of)!;
  const { batch, epochs, ...options } = preset.options;

  expect(net.notation).toBe(preset.net);
  expect(String(net.batch)).toBe(batch);
  expect(net.options).toEqual({ ...options, 'whiten-epochs': '0' });
  expect(Number(epochs)).toBeGreaterThan(1);
  expect(nets.find((one) => one.name === 'W3')!.options.optimizer).toBe('momentum');
});
