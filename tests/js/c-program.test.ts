// The C program of the README is built by the command that stands in it, and trains.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { expect, test } from '@jest/globals';

test('the README\'s C program builds by its own first line, and trains', () => {
  const program = readFileSync('README.md', 'utf8').match(/^```c\n(.*?)^```$/ms)![1]!;
  const command = program.match(/^\/\* (cc .*) \*\/$/m)![1]!;
  const folder = mkdtempSync(join(tmpdir(), 'kiln-c-'));
  try {
    for (const name of ['src', 'build']) symlinkSync(resolve(name), join(folder, name));
    writeFileSync(join(folder, 'train.c'), program);
    execFileSync('sh', ['-c', `${command} -Wall -Wextra -Werror -std=c99`], { cwd: folder });
    const metrics = JSON.parse(execFileSync(join(folder, 'train'), { encoding: 'utf8' })) as
      { steps: number; step: number; valAccuracy: number };
    expect(metrics.step).toBe(metrics.steps);
    expect(metrics.valAccuracy).toBeGreaterThan(0.1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
