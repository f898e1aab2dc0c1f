// Where something gives out under the native program: room for a sentence, a disk, a name, a pipe,
// memory; and what its lines leave out because nothing was measured.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { kiln } from './program.js';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'kiln-limits-')); });
afterAll(() => rm(folder, { recursive: true }));

test('a reason longer than there is room for is cut', async () => {
  for (const line of ['a\n', 'a\n\n\n\n\n\n\n']) {
    const { code, events } = await kiln('verify', line.repeat(600), '--json', '-q');
    expect(code).toBe(1);
    expect(String(events[0]!['reason'])).toMatch(/^(a; )+a?;?$/);
    expect(String(events[0]!['reason']).length).toBeLessThan(1024);
  }
});
