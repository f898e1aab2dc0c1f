// Checkpoints of the first release, one a rule: each loads, and goes on to the end of the run that
// was never interrupted, bit for bit.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, test } from '@jest/globals';

const run = promisify(execFile);

/** Of the strict build: the hash after 20 steps; the checkpoints were saved after 8 of them. */
const HASHES: Record<string, string> = {
  sgd: '19fb8e34257ff272',
  momentum: 'acc6cc196aa689a2',
  nesterov: '76f9e12797291abb',
  rmsprop: 'a17158e443129a53',
  adam: 'a6f54ee6062ae67d',
  'adam-decay': 'af77ad453bd67023',
  adamw: 'cd3a3800ad8e3737',
};

test.each(Object.entries(HASHES))('%s goes on', async (name, hash) => {
  const { stdout } = await run('build/native/kiln', [
    'train', '--resume', `tests/fixtures/checkpoints/${name}.safetensors`, '--data', 'builtin',
    '--max-steps', '20', '--json']);
  const events = stdout.trim().split('\n').map((line) => JSON.parse(line) as object);
  expect(events[0]).toMatchObject({ event: 'step', step: 9 });
  expect(events.at(-1)).toMatchObject({ event: 'done', parameterHash: hash, mode: 'strict' });
});
