// Where something gives out under the native program: room for a sentence, a disk, a name, a pipe,
// memory; and what its lines leave out because nothing was measured.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { collect, kiln, KILN, SMALL } from './program.js';

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

describe('--spots where there can be no checkpoint', () => {
  const run = ['train', ...SMALL, '--epochs', '3', '--quiet', '--spots', '--receipt'];
  const spots = async (name: string): Promise<string[]> =>
    (await readdir(folder)).filter((file) => file.startsWith(name)).sort();

  test('train goes on, and says so', async () => {
    await mkdir(at('run.epoch-2.safetensors'));
    const { code, err } = await kiln(...run, at('run.json'));
    expect(err).toBe(`kiln: ${at('run.epoch-2.safetensors')}: cannot be written: Is a directory\n`
      + 'kiln: the checkpoint of epoch 2 is not saved; training goes on\n');
    expect(code).toBe(1);
    expect(await spots('run.')).toEqual([1, 2, 3].map((n) => `run.epoch-${n}.safetensors`)
      .concat('run.json'));
    expect((await kiln('verify', at('run.json'), '-q')).code).toBe(0);
    expect((await kiln('verify', at('run.json'), '-q', '--spot', '1')).code).toBe(0);
  });

  test('on a full disk the rest is written all the same', async () => {
    const full = await collect(spawn('bash', ['-c', 'ulimit -f 4; exec "$@"', 'bash', KILN, ...run,
      at('full.json'), '--json'], { stdio: ['ignore', 'pipe', 'pipe'] }));
    expect(full.code).toBe(1);
    expect(full.err.match(/not saved; training goes on/g)).toHaveLength(3);
    expect(full.events.at(-1)).toMatchObject({ event: 'done', epochs: 3 });
    expect(await spots('full.')).toEqual(['full.json']);
    expect((await kiln('verify', at('full.json'), '-q')).code).toBe(0);
  });

  test('they have the whole name of a hidden file', async () => {
    await mkdir(at('hidden'));
    await kiln(...run, at('hidden/.hid'));
    expect((await readdir(at('hidden'))).sort()).toEqual(['.hid',
      ...[1, 2, 3].map((n) => `.hid.epoch-${n}.safetensors`)]);
    expect((await kiln('verify', at('hidden/.hid'), '-q', '--spot', '1')).code).toBe(0);
  });
});

describe('files that a run writes', () => {
  const spelled = (): [string, string][] => [[at('x.json'), at('x.json')],
    [at('x.json'), `${folder}/./x.json`], [`${folder}/../${folder.split('/').at(-1)}/x.json`,
      at('x.json')]];
  test.each([['log', 'save'], ['log', 'receipt'], ['save', 'receipt']])(
    '--%s and --%s want two names', async (one, other) => {
      await writeFile(at('x.json'), 'precious');
      for (const [a, b] of spelled()) {
        const { code, err } = await kiln('train', ...SMALL, `--${one}`, a, `--${other}`, b);
        expect([code, err]).toEqual([2, `kiln: --${one} and --${other} contradict each other: `
          + 'both would write one file\n']);
        expect(await readFile(at('x.json'), 'utf8')).toBe('precious');
      }
    });

  test('files of one name in two folders are two', async () => {
    await mkdir(at('other'));
    const { code } = await kiln('train', ...SMALL, '--max-steps', '1', '-q', '--save', at('y'),
      '--receipt', at('other/y'), '--log', at('new/y'));
    expect(code).toBe(0);
  });
});
