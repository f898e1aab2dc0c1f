// Checkpoints of the first release, one a rule: each loads, and goes on bit for bit. sgd and
// momentum end as the run that was never interrupted did, the others where 1 - beta taken in double
// leads (running statistics, adam, rmsprop).

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect, test } from '@jest/globals';

const run = promisify(execFile);

/** Of the strict build: the hash after 20 steps; the checkpoints were saved after 8 of them. */
const HASHES: Record<string, string> = {
  sgd: '19fb8e34257ff272',
  momentum: 'acc6cc196aa689a2',
  nesterov: '3323bad6e21e0eab',
  rmsprop: '470c21858d8c0e94',
  adam: '7cefc57ba34e136b',
  'adam-decay': 'd47817eb9c46d52c',
  adamw: '115a4befe93ab8cb',
};

test.each(Object.entries(HASHES))('%s goes on', async (name, hash) => {
  const { stdout } = await run('build/native/kiln', [
    'train', '--resume', `tests/fixtures/checkpoints/${name}.safetensors`, '--data', 'builtin',
    '--max-steps', '20', '--json']);
  const events = stdout.trim().split('\n').map((line) => JSON.parse(line) as object);
  expect(events[0]).toMatchObject({ event: 'step', step: 9 });
  expect(events.at(-1)).toMatchObject({ event: 'done', parameterHash: hash, mode: 'strict' });
});
