// What the package and the element weigh: the limits of make sizes.

import { spawnSync } from 'node:child_process';

import { expect, test } from '@jest/globals';

const weigh = (limits: string[] = []): { status: number | null; stdout: string } =>
  spawnSync('node', ['tests/weigh.mjs', ...limits], { encoding: 'utf8' });

test('nothing is larger than it may be', () => {
  const { status, stdout } = weigh();
  expect(stdout).not.toContain('TOO LARGE');
  expect(status).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(5);
});

test('what is larger is told, and fails', () => {
  const { status, stdout } = weigh(['1', '1000', '1000', '1000', '1000']);
  expect(stdout.split('\n').filter((line) => line.endsWith('TOO LARGE'))).toHaveLength(1);
  expect(status).toBe(1);
});
