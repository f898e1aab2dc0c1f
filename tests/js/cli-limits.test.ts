// Where something gives out under the native program: room for a sentence, a disk, a name, a pipe,
// memory; and what its lines leave out because nothing was measured.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { collect, kiln, KILN, SMALL, type Result } from './program.js';

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
    expect(await spots('run.')).toEqual([1, 2].map((n) => `run.epoch-${n}.safetensors`)
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
      ...[1, 2].map((n) => `.hid.epoch-${n}.safetensors`)]);
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

describe('Ctrl-C while stdout takes no more', () => {
  /** The program with a full pipe as stdout, asleep in its first line, which it comes to once it is
   *  ready; `read` empties the pipe to its end. */
  async function blocked(name: string, ready: (err: string) => boolean, ...args: string[]):
  Promise<{ child: ChildProcess; ended: Promise<Result>; read: () => Promise<string> }> {
    const child = spawn('bash', ['-c', 'mkfifo "$1"; exec 9<>"$1"; '
      + 'dd if=/dev/zero bs=4096 of=/dev/fd/9 oflag=nonblock 2>/dev/null; '
      + 'shift; exec "$@" >&9', 'bash', at(name), KILN, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = collect(child);
    let err = '';
    child.stderr!.on('data', (text) => { err += text; });
    for (let asleep = 0; asleep < 5; await setTimeout(10)) {
      const [state] = (await readFile(`/proc/${child.pid}/stat`, 'latin1')).split(') ')[1]!;
      asleep = ready(err) && state === 'S' ? asleep + 1 : 0;
    }
    const reader = spawn('bash', ['-c', 'exec 9<"$1"; echo open >&2; read -r; exec cat <&9', 'bash',
      at(name)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const out = collect(reader);
    await once(reader.stderr, 'data'); // it opens the pipe while there is who writes
    return { child, ended, read: async () => {
      reader.stdin.end('now\n');
      return (await out).out.replaceAll('\0', '');
    } };
  }
  const endless = ['train', ...SMALL, '--epochs', '9999', '--json', '--threads', '1'];
  const announced = (err: string): boolean => err.includes('\ndata: ');

  test('a run is saved and ends with 130 once the line is read', async () => {
    const { child, ended, read } = await blocked('full', announced, ...endless, '--save',
      at('blocked.safetensors'));
    child.kill('SIGINT');
    await setTimeout(50);
    expect(await read()).toMatch(/^\{"event":"step","step":1,.*\}\n/);
    const { code, err } = await ended;
    expect(err).toMatch(/interrupted and saved; go on with: kiln train --resume/);
    expect(err).not.toMatch(/cannot be written/);
    expect(code).toBe(130);
  });

  test('a sweep loses no line, and ends with 130', async () => {
    const done = (): boolean => existsSync(at('1.log'))
      && readFileSync(at('1.log'), 'utf8').includes('"event":"done"');
    const { child, ended, read } = await blocked('sweep', done, 'sweep', ...SMALL, '--epochs', '1',
      '--seed', '1..9', '--run', '--jobs', '1', '--json', '--log', at('{}.log'));
    child.kill('SIGINT');
    await setTimeout(50);
    expect(await read()).toMatch(/^\{"event":"done","index":1,.*\}\n$/);
    expect((await ended).code).toBe(130);
  });

  test('a second one ends the program', async () => {
    const { child, ended, read } = await blocked('twice', announced, ...endless);
    child.kill('SIGINT');
    await setTimeout(50);
    child.kill('SIGINT');
    expect((await ended).code).toBeNull();
    expect(child.signalCode).toBe('SIGINT');
    expect(await read()).toBe('');
  });
});

describe('what is not measured is left out', () => {
  test('training accuracy and speed of an epoch', async () => {
    const none = await kiln('train', ...SMALL, '--batch', '200', '--epochs', '2', '--check-train',
      '0', '--validation', '0', '--test', '0');
    expect(none.err).toMatch(/^epoch 1\/2 {2}loss [\d.]+ {2}lr [\d.e-]+ {2}[\d.]+ s$/m);
    expect(none.err).toMatch(/^done: [\d.]+ s, parameters/m);
    const all = await kiln('train', ...SMALL, '--epochs', '1');
    expect(all.err).toMatch(/^epoch 1\/1 {2}loss [\d.]+ {2}train [\d.]+ % {2}validation [\d.]+ %/m);
    expect(all.err).toMatch(/ {2}lr [\d.e-]+ {2}\d+ images\/s {2}[\d.]+ s/);
    expect(all.err).toMatch(/^done: validation [\d.]+ %, test [\d.]+ %, \d+ images\/s, [\d.]+ s/m);
  });

  test('in --json it is null', async () => {
    const { events } = await kiln('train', ...SMALL, '--batch', '200', '--epochs', '1', '--json',
      '--check-train', '0', '-q');
    expect(events.slice(-2)).toMatchObject([
      { event: 'epoch', imagesPerSecond: null, trainAccuracy: null },
      { event: 'done', imagesPerSecond: null }]);
  });
});

describe('more memory than there is', () => {
  const LARGE = 'conv 1x1x64 - [batchnorm - tanh]x20 - avgpool - affine 10 - softmax';

  test('summary says in the words of train that it refuses, and which batch fits', async () => {
    const train = await kiln('train', '--net', LARGE, '--train', '6000', '--batch', '6000');
    expect(train.code).toBe(5);
    const [, sentence, fits] = /^kiln: (the net needs .*; a batch of (\d+) would fit)$/m
      .exec(train.err)!;
    const summary = await kiln('summary', LARGE, '--batch', '6000');
    expect(summary.code).toBe(0);
    expect(summary.out).toContain(`\nkiln train refuses this batch: ${sentence}\n`);
    const smaller = await kiln('summary', LARGE, '--batch', fits!);
    expect(smaller.out).not.toContain('refuses');
  });

  test('of which not even a batch of one image is left', async () => {
    const net = 'conv 1x1x1000 - [batchnorm - tanh]x20 - avgpool - affine 10 - softmax';
    const { out } = await kiln('summary', net, '--input', '3x512x512', '--batch', '2');
    expect(out).toMatch(/kiln train refuses this batch: the net needs .*; no batch of this net/);
  });
});
