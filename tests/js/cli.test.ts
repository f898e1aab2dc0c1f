// The native program: events, exit codes, suggestions, files, and an interrupt.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import {
  lstat, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, symlink, writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate, setTimeout } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { collect, kiln, KILN, kilnWith, NET, shell, SMALL } from './program.js';

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'kiln-cli-')); });
afterAll(() => rm(folder, { recursive: true }));

describe('train', () => {
  test('writes events on stdout and the same hash for any number of threads', async () => {
    const one = await kiln('train', ...SMALL, '--epochs', '2', '--json', '--threads', '1');
    const two = await kiln('train', ...SMALL, '--epochs', '2', '--json', '--threads', '2');
    expect(one.code).toBe(0);
    expect(one.events.filter(({ event }) => event === 'step')).toHaveLength(20);
    expect(one.events[0]).toMatchObject(
      { event: 'step', step: 1, epoch: 1, loss: expect.any(Number) });
    const epochs = one.events.filter(({ event }) => event === 'epoch');
    expect(epochs).toHaveLength(2);
    expect(epochs[1]).toMatchObject({ epoch: 2, step: 20, trainLoss: expect.any(Number),
      trainAccuracy: expect.any(Number), valAccuracy: expect.any(Number) });
    const done = one.events.at(-1)!;
    expect(done).toMatchObject({ event: 'done', mode: 'strict', steps: 20, epochs: 2, net: NET,
      parameterHash: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(done.imagesPerSecond).toBeGreaterThan(0);
    expect(done.valAccuracy).toBe(epochs[1]!.valAccuracy);
    const right = Number(done.testAccuracy) * 60; // of 60 test images
    expect(right).toBeCloseTo(Math.round(right), 6);
    expect(two.events.at(-1)!.parameterHash).toBe(done.parameterHash);
    expect(one.err).toMatch(/^epoch 2\/2 .* validation .*images\/s/m);
    expect(one.err).not.toContain('\r'); // no terminal: no line that renews itself
  });

  test('--quiet and --json leave stderr empty; without --json stdout is empty', async () => {
    const quiet = await kiln('train', ...SMALL, '--epochs', '1', '--json', '--quiet');
    expect(quiet).toMatchObject({ code: 0, err: '' });
    const plain = await kiln('train', ...SMALL, '--epochs', '1');
    expect(plain).toMatchObject({ code: 0, out: '' });
  });

  test('a resumed run ends where an unbroken one ends', async () => {
    const whole = await kiln('train', ...SMALL, '--epochs', '2', '--json', '--quiet');
    const save = at('half.safetensors');
    await kiln('train', ...SMALL, '--epochs', '2', '--max-steps', '7', '--save', save, '--quiet');
    const resumed = await kiln(
      'train', '--resume', save, '--max-steps', '0', '--json', '--quiet');
    expect(resumed.code).toBe(0);
    expect(resumed.events[0]!.step).toBe(8);
    expect(resumed.events.at(-1)!.parameterHash).toBe(whole.events.at(-1)!.parameterHash);
  });

  test('Ctrl-C writes the checkpoint, says how to go on, and exits with 130', async () => {
    const save = at('stopped.safetensors');
    const child = spawn(KILN, ['train', ...SMALL, '--epochs', '9999', '--save', save, '--json'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { code, err, events } = await collect(child);
    expect(code).toBe(130);
    expect(err).toContain(`--resume ${save}`);
    const stopped = Number(events.at(-1)!.step);
    const end = ['--max-steps', `${stopped + 15}`, '--json', '--quiet']; // over an epoch's border
    const resumed = await kiln('train', '--resume', save, ...end);
    expect(resumed.code).toBe(0);
    expect(resumed.events[0]!.step).toBe(stopped + 1);
    const whole = await kiln('train', ...SMALL, '--epochs', '9999', ...end);
    expect(resumed.events.at(-1)!.parameterHash).toBe(whole.events.at(-1)!.parameterHash);
  });

  test('the command that goes on names all that the checkpoint does not hold', async () => {
    const save = at('of mine.safetensors');
    const child = spawn(KILN, ['train', ...SMALL, '--epochs', '9999', '--save', save, '--best',
      '--threads', '1', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { err, events } = await collect(child);
    const command = /go on with: kiln (.*)\n/.exec(err)![1]!;
    expect(command).toBe(`train --resume '${save}' --save '${save}' --best --threads 1`);
    const on = await shell(`"$@" ${command} --max-steps ${Number(events.at(-1)!.step) + 1}`, KILN);
    expect(on.code).toBe(0);
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('%s saves as Ctrl-C does', async (signal) => {
    const save = at(`${signal}.safetensors`);
    const child = spawn(KILN, ['train', ...SMALL, '--epochs', '9999', '--save', save, '--json'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.kill(signal));
    const { code, err } = await collect(child);
    expect(code).toBe(130);
    expect(err).toContain(`interrupted and saved; go on with: kiln train --resume ${save}`);
    expect((await kiln('eval', save)).code).toBe(0);
  });

  test('nohup stays what it is: a closed terminal does not end the run', async () => {
    const child = spawn('bash', ['-c', 'trap "" HUP; exec "$@"', 'bash', KILN, 'train', ...SMALL,
      '--epochs', '9999', '--json', '--max-steps', '400', '--quiet'],
    { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.kill('SIGHUP'));
    const { code, events } = await collect(child);
    expect(code).toBe(0);
    expect(events.at(-1)).toMatchObject({ event: 'done', step: 400 });
  });

  test('Ctrl-C without --save keeps the run in a file of the current folder', async () => {
    await mkdir(at('unnamed'));
    const program = resolve(KILN);
    const child = spawn(program, ['train', ...SMALL, '--epochs', '9999', '--json'],
      { stdio: ['ignore', 'pipe', 'pipe'], cwd: at('unnamed') });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const { code, err } = await collect(child);
    expect(code).toBe(130);
    expect(err).toContain('go on with: kiln train --resume kiln-interrupted.safetensors');
    const file = at('unnamed/kiln-interrupted.safetensors');
    expect((await kiln('eval', file)).code).toBe(0);
    expect((await kiln('--help')).out).toMatch(/kiln-interrupted\.safetensors/);
  });

  test('a reader that goes away ends the run with a checkpoint', async () => {
    const save = at('unread.safetensors');
    const { code, err, out } = await shell('set -o pipefail; "$@" | head -n 1', KILN, 'train',
      ...SMALL, '--epochs', '9999', '--json', '--quiet', '--save', save);
    expect(code).toBe(1);
    expect(out).toMatch(/^\{"event":"step","step":1,.*\}\n$/);
    expect(err).toMatch(/stdout: cannot be written: Broken pipe\n.*saved; go on with: .*unread/);
    expect((await kiln('eval', save)).code).toBe(0);
  });

  test('a save that fails ends no run; it is said, tried again, and told by the exit code',
    async () => {
      await mkdir(at('room'));
      const save = at('room/m.safetensors');
      const always = await shell('ulimit -f 4; exec "$@"', KILN, 'train', ...SMALL, '--epochs', '3',
        '--save', save, '--json');
      expect(always.code).toBe(1);
      expect(always.events.at(-1)).toMatchObject({ event: 'done', epochs: 3 });
      expect(always.err.match(/cannot be written: File too large/g)).toHaveLength(3);
      expect(always.err.match(/not saved; training goes on/g)).toHaveLength(2);
      expect(always.err).not.toMatch(/^saved:/m);
      expect(await readdir(at('room'))).toEqual([]);
      // A folder that is there again before the last epoch.
      const child = spawn(KILN, ['train', ...SMALL, '--epochs', '200', '--save', save, '--json'],
        { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.once('data', () => void rename(at('room'), at('room.away')));
      const back = new Promise<void>((done) => {
        child.stderr.on('data', (text) => {
          if (String(text).includes('not saved')) void mkdir(at('room'), { recursive: true })
            .then(() => done());
        });
      });
      const [{ code, events, err }] = await Promise.all([collect(child), back]);
      expect(code).toBe(1); // some save did fail
      expect(events.at(-1)).toMatchObject({ event: 'done', epochs: 200 });
      expect(err).toMatch(/^saved: /m);
      expect((await kiln('eval', save)).code).toBe(0);
    });

  test('a checkpoint comes through a pipe', async () => {
    const save = at('piped.safetensors');
    await kiln('train', ...SMALL, '--epochs', '1', '--save', save, '--quiet');
    const size = ['--json', '--quiet', '--max-steps', '20', '--epochs', '3'];
    const file = await kiln('train', '--resume', save, ...size);
    const pipe = await shell(`exec "$0" train --resume <(cat '${save}') "$@"`.replace('"$0"', KILN),
      ...size);
    expect(pipe.code).toBe(0);
    expect(pipe.events.at(-1)!.parameterHash).toBe(file.events.at(-1)!.parameterHash);
    const stdin = await kilnWith(await readFile(save), 'eval', '-', '--json');
    expect(stdin.events[0]).toMatchObject({ event: 'done', count: 60 });
  });

  test('a loss that is not finite exits with 6 and keeps the last good state', async () => {
    const save = at('diverged.safetensors');
    const { code, err } = await kiln('train', ...SMALL, '--optimizer', 'sgd', '--lr', '1000',
      '--init', 'gaussian 100', '--reg', '100', '--epochs', '20', '--save', save);
    expect(code).toBe(6);
    expect(err).toMatch(/step \d+: .* not finite; first layer 5 \(affine1\), tensor dw/);
    expect((await kiln('eval', save)).code).toBe(0);
  });

  test('a checkpoint evaluates on other images, and is exported without any', async () => {
    const of = 'tests/fixtures/checkpoints/nesterov.safetensors';
    const own = await kiln('eval', of, '--json');
    const other = await kiln('eval', of, '--data-seed', '5', '--test', '50', '--json');
    expect(own.events[0]).toMatchObject({ event: 'done', count: 20 });
    expect(other.events[0]).toMatchObject({ event: 'done', count: 50 });
    const save = at('exported.safetensors');
    expect((await kiln('export', of, '--save', save)).code).toBe(0);
    const on = await kiln('train', '--resume', of, '--data-seed', '5');
    expect(on.code).not.toBe(0); // going on is for its own data
  });

  test('what a diverged run saved trains on, by itself with --recover', async () => {
    const save = at('infinite.safetensors');
    const { code, err } = await kiln('train', ...SMALL, '--optimizer', 'sgd', '--lr', '1000',
      '--schedule', 'constant', '--epochs', '20', '--save', save);
    expect(code).toBe(6);
    expect(err).toMatch(/step \d+: the loss is not finite; first layer \d \(\w+\), tensor \w+/);
    expect(err).toMatch(/go on with: kiln train --resume \S+ --recover/);
    const [done] = (await kiln('eval', save, '--json')).events;
    expect(done).toMatchObject({ event: 'done', count: 60 });
    expect(done!.loss).toBeLessThan(100);
    const on = await kiln('train', '--resume', save, '--recover', '--json');
    expect(on.code).toBe(0);
    expect(on.events.some(({ event }) => event === 'recovered')).toBe(true);
    expect(on.err).toMatch(/it goes on from step \d+ with lr=100/);
  });

  test('on a terminal a line renews itself, with loss, accuracy, speed and time left', async () => {
    const args = ['train', ...SMALL, '--epochs', '2'].map((word) => `'${word}'`).join(' ');
    const { code, out } = await collect(spawn('script', ['-qec', `${KILN} ${args}`, '/dev/null'],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'xterm' } }));
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp('\\repoch 1/2  step 1/20  loss [\\d.]+  accuracy [\\d.]+ %  '
      + '\\d+ images/s  ETA \\d+:\\d\\d'));
    expect(out).toMatch(/\r *\repoch 1\/2  loss [\d.]+  train/); // taken away before the epoch's
  });

  test('saving keeps the file before as .prev and leaves no other traces', async () => {
    await mkdir(at('saves'));
    const save = at('saves/m.safetensors');
    await kiln('train', ...SMALL, '--epochs', '1', '--save', save, '--quiet');
    const first = await readFile(save);
    expect(await readdir(at('saves'))).toEqual(['m.safetensors']); // written once
    await kiln('train', ...SMALL, '--epochs', '1', '--seed', '2', '--save', save, '--quiet');
    expect((await readdir(at('saves'))).sort()).toEqual(['m.safetensors', 'm.safetensors.prev']);
    expect(first.equals(await readFile(save))).toBe(false);
    expect(first.equals(await readFile(`${save}.prev`))).toBe(true);
  });

  test('names beside the file are not written to, links stay links, modes stay modes', async () => {
    await mkdir(at('names-of-others'));
    const save = at('names-of-others/m.safetensors');
    const train = () => kiln('train', ...SMALL, '--epochs', '1', '--save', save, '--quiet');
    await writeFile(at('names-of-others/precious'), 'precious');
    await symlink('precious', `${save}.part`);
    await mkdir(`${save}.prev`);
    await writeFile(at('names-of-others/real'), '', { mode: 0o600 });
    await symlink('real', save);
    const { code, err } = await train();
    expect(code).toBe(0);
    expect(err).toMatch(/m\.safetensors\.prev|real\.prev|^$/);
    expect(await readFile(`${save}.part`, 'utf8')).toBe('precious');
    expect((await lstat(save)).isSymbolicLink()).toBe(true);
    const real = await stat(at('names-of-others/real'));
    expect(real.size).toBeGreaterThan(1000);
    expect(real.mode & 0o777).toBe(0o600);
    expect(await readdir(`${save}.prev`)).toEqual([]);
    expect((await kiln('eval', save)).code).toBe(0);
  });

  test('a folder at .prev is said, and does not stop the saving', async () => {
    await mkdir(at('blocked'));
    const save = at('blocked/m.safetensors');
    await mkdir(`${save}.prev`);
    for (const seed of ['1', '2']) {
      const { code, err } = await kiln(
        'train', ...SMALL, '--epochs', '2', '--seed', seed, '--save', save, '--quiet');
      expect(code).toBe(0);
      if (seed === '2') expect(err).toMatch(/^kiln: .*m\.safetensors\.prev: cannot be written/);
    }
    expect((await readdir(at('blocked'))).sort()).toEqual(['m.safetensors', 'm.safetensors.prev']);
    expect((await kiln('eval', save)).code).toBe(0);
  });

  test('many programs that save to one file leave a whole one, and nothing else', async () => {
    await mkdir(at('crowd'));
    const save = at('crowd/m.safetensors');
    const runs = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => kiln('train', ...SMALL,
      '--epochs', '8', '--threads', '1', '--seed', `${seed}`, '--save', save, '--quiet')));
    expect(runs.map(({ code, err }) => ({ code, err }))).toEqual(
      runs.map(() => ({ code: 0, err: '' })));
    expect((await readdir(at('crowd'))).sort()).toEqual(['m.safetensors', 'm.safetensors.prev']);
    for (const name of [save, `${save}.prev`]) expect((await kiln('eval', name)).code).toBe(0);
  });

  test('a signal while a file is half written ends the program after it', async () => {
    const folder = at('half');
    await mkdir(folder);
    const save = join(folder, 'big.safetensors');
    const child = spawn(KILN, ['train', '--net', 'affine 3000 - affine 10 - softmax',
      '--train', '8', '--validation', '2', '--test', '2', '--batch', '4', '--epochs', '9999',
      '--quiet', '--save', save], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const half = (): boolean => readdirSync(folder).some((name) => name.includes('.part-'));
    while (!(half() && existsSync(save)) && child.exitCode === null) await setImmediate();
    child.kill('SIGTERM');
    await setTimeout(5); // the second one ends a program at once, but for the file
    child.kill('SIGTERM');
    await ended;
    expect(readdirSync(folder).filter((name) => !/^big\.safetensors(\.prev)?$/.test(name)))
      .toEqual([]);
    expect((await kiln('export', save, '--format', 'markdown')).code).toBe(0);
  });

  test('a file that cannot be written whole leaves the last good one as it was', async () => {
    await mkdir(at('full'));
    const save = at('full/m.safetensors');
    await kiln('train', ...SMALL, '--epochs', '1', '--save', save, '--quiet');
    const good = await readFile(save);
    const limited = await collect(spawn('bash', ['-c', 'ulimit -f 4; exec "$@"', 'bash', KILN,
      'train', ...SMALL, '--epochs', '1', '--seed', '2', '--save', save, '--quiet'],
    { stdio: ['ignore', 'pipe', 'pipe'] }));
    expect(limited.code).toBe(1);
    expect(limited.err).toMatch(/m\.safetensors: cannot be written: File too large/);
    expect(limited.err.match(/cannot be written/g)).toHaveLength(1); // one epoch, one try
    expect(await readdir(at('full'))).toEqual(['m.safetensors']);
    expect(good.equals(await readFile(save))).toBe(true);
  });
});

describe('mistakes', () => {
  test.each([
    [['trian'], 'did you mean train?'],
    [['train', '--epcohs', '3'], 'did you mean --epochs?'],
    [['train', '--lr', 'fast'], 'lr'],
    [['train', '--batch'], '--batch wants a value'],
    [['train', '--optimizer', 'adm'], 'did you mean "adam"?'],
    [['train', '--preset', 'resdual'], 'did you mean residual?'],
    [['train', '--net', 'conv 3x3x4 - rleu'], 'did you mean "relu"?'],
    [['train', '--threads', '0'], 'from 1 to 16'],
    [['train', '--mode', 'exact'], 'strict or fused'],
    [['train', '--save', '/nowhere/at/all/x'], 'cannot be written'],
    [['train', '--save', '/tmp'], 'is a folder'],
    [['train', '--save', ''], 'is empty'],
    [['train', '--save', '-'], 'wants a file'],
    [['train', '--save', '/proc/new'], '/proc/new: cannot be written'],
    [['train', '--save', 'package.json/'], 'is a folder; name a file in it'],
    [['train', '--save', 'x'.repeat(300)], 'cannot be written: File name too long'],
    [['eval', ''], 'the value of --resume is empty'],
    [['train', '--init-from', ''], 'the value of --init-from is empty'],
    [['train', '--json=1'], '--json takes no value'],
    [['data', '--sheet', '-', '--json'], 'both want stdout'],
    [['train', 'builtin'], 'Options begin with --'],
    [['train', '--best', '--validation', '0', '--train', '50'], '--best chooses by validation'],
    [['train', '--resume', 'x', '--preset', 'residual'], '--resume and --preset contradict'],
    [['train', '--resume', 'x', '--net', 'affine 10 - softmax'], '--resume and --net contradict'],
    [['eval', '--knn', '5', '--resume', 'x'], '--knn and --resume contradict'],
    [['eval', '--knn', '5', '--views', '2'], '--knn and --views contradict'],
    [['eval', 'x', '--share', '0.5'], '--share: of which views?'],
    [['eval', 'x', '--views', '2', '--share', '2'], '--share: "2" is no share from 0 to 1'],
    [['eval', '--knn', '5', '--split', 'train'], '--knn and --split contradict'],
    [['summary', '--lr', '1'], 'unknown option --lr'],
    [['data', '-,-'], 'unknown option -,-'],
    [['train', '--quiet', '-xq', 'builtin'], 'unknown option -xq'],
    [['eval'], 'which checkpoint?'],
    [['export', '--resume', 'x', '--format', 'scv'], 'did you mean csv'],
    [['data', '--train', '0'], '0 images'],
    [[], 'Examples'],
  ])('%j exits with 2', async (args, words) => {
    const { code, err, out } = await kiln(...args);
    expect(err).toContain(words);
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('an error in the notation is marked under its column', async () => {
    const { err } = await kiln('summary', 'conv 3x3x4 - rleu - affine 10 - softmax');
    const [net, mark] = err.split('\n');
    expect(net!.slice(mark!.indexOf('^'))).toMatch(/^rleu/);
  });

  test('no room exits with 5 and the number', async () => {
    const { code, err } = await kiln('train', '--net',
      'conv 1x1x64 - [batchnorm - tanh]x20 - avgpool - affine 10 - softmax', '--train', '6000',
      '--batch', '6000');
    expect(code).toBe(5);
    expect(err).toMatch(/needs [\d.]+ MB/);
  });
});

describe('eval and export', () => {
  const save = () => at('model.safetensors');
  beforeAll(async () => {
    await kiln('train', ...SMALL, '--epochs', '2', '--save', save(), '--quiet');
  });

  test('a checkpoint brings its data set; the confusion adds up', async () => {
    const { code, events } = await kiln('eval', save(), '--json', '--views', '2');
    const { confusion, count, correct } = events[0] as unknown as
      { confusion: number[][]; count: number; correct: number };
    expect({ code, count }).toEqual({ code: 0, count: 60 });
    expect(confusion.flat().reduce((a, b) => a + b)).toBe(60);
    expect(confusion.reduce((sum, row, i) => sum + row[i]!, 0)).toBe(correct);
    const table = await kiln('eval', save());
    expect(table.out).toMatch(/umbrella/);
  });

  test('kNN looks at as many images as it is told', async () => {
    const { code, events } = await kiln(
      'eval', '--knn', '1', '--train', '300', '--test', '40', '--json');
    expect(code).toBe(0);
    expect(events[0]).toMatchObject({ k: 1, train: 300, count: 40 });
  });

  test('a damaged checkpoint, and going on with other data, exit with 4', async () => {
    const bytes = await readFile(save());
    await writeFile(at('cut.safetensors'), bytes.subarray(0, bytes.length - 1));
    expect((await kiln('eval', at('cut.safetensors'))).code).toBe(4);
    bytes[bytes.length - 5]! ^= 1;
    await writeFile(at('flipped.safetensors'), bytes);
    expect((await kiln('eval', at('flipped.safetensors'))).code).toBe(4);
    expect((await kiln('train', '--resume', save(), '--data-seed', '99')).code).toBe(4);
    expect((await kiln('eval', at('none.safetensors'))).code).toBe(4);
  });

  test('parameters, history and metadata come out', async () => {
    const file = at('weights.safetensors');
    expect((await kiln('export', save(), '--save', file)).code).toBe(0);
    const bytes = await readFile(file);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString());
    expect(header['conv1.w']).toMatchObject({ dtype: 'F32', shape: [4, 3, 3, 3] });
    const csv = await kiln('export', save(), '--format', 'csv');
    expect(csv.out.trim().split('\n')).toHaveLength(3);
    expect(csv.out).toMatch(/^epoch,step,trainLoss,trainAccuracy,valAccuracy,lr\n1,10,/);
    const npz = at('weights.npz');
    expect((await kiln('export', save(), '--format', 'npz', '--save', npz)).code).toBe(0);
    expect((await readFile(npz)).subarray(0, 4).toString()).toBe('PK\x03\x04');
    const again = at('again.safetensors'); // what was exported is exported again
    expect((await kiln('export', file, '--save', again)).code).toBe(0);
    expect(await readFile(again)).toEqual(bytes);
    expect(await kiln('export', file, '--format', 'csv')).toMatchObject(
      { code: 2, out: '', err: expect.stringContaining('holds the net alone') });
    const json = await kiln('export', save(), '--format', 'json');
    expect(json.events[0]).toMatchObject(
      { checkpoint: { net: NET }, history: { epochs: expect.any(Array) } });
  });

  test('a disk without room is an error, and a device stays one', async () => {
    const { code, err } = await kiln('export', save(), '--save', '/dev/full');
    expect(code).toBe(1);
    expect(err).toMatch(/\/dev\/full: cannot be written: No space/);
    expect((await stat('/dev/full')).isCharacterDevice()).toBe(true);
  });
});

describe('nets', () => {
  test('summary and gradcheck', async () => {
    const summary = await kiln('summary', NET, '--json');
    expect(summary.events[0]).toMatchObject({ notation: NET, parameters: 762 });
    const frozen = await kiln('summary', NET, '--freeze', 'conv*,affine1.b');
    expect(frozen.out).toMatch(/^conv1 .*\(not trained\)$/m);
    expect(frozen.out).toMatch(/^affine1 .*\(10 not trained\)$/m);
    expect(frozen.out).toMatch(/^not trained, of these: \d+ parameters$/m);
    expect(await kiln('summary', NET, '--freeze', 'conv9')).toMatchObject({
      code: 2, err: 'kiln: freeze: the net has no "conv9"; did you mean "conv1"?\n' });
    const steps = await kiln('summary', 'conv 5x5x8 - relu - maxpool 2 - affine 10 - softmax',
      '--steps');
    expect(steps.out).toMatch(
      /^forward +\d+ +conv1 with relu1, maxpool1, flatten1; transient: conv1$/m);
    const whitened = await kiln('summary', 'whiten 2x2 - gelu - conv 3x3x8 - affine 10 - softmax');
    expect(whitened.out).toContain('backward pass of one image: 7411.43k FLOPs; 3628.94k once ' +
      'whiten1.b is no longer trained (--whiten-epochs)\n');
    const alex = await kiln('summary', 'conv 11x11x96 stride 4 pad 0 - affine 10 - softmax',
      '--input', '3x227x227');
    expect(alex.out).toMatch(/96x55x55/);
    const check = await kiln('gradcheck', 'conv 3x3x4 - batchnorm - relu - affine 10 - softmax',
      '--input', '3x6x6');
    expect(check.code).toBe(0);
    expect(check.out).toMatch(/^batchnorm1 +dgamma +\d/m);
    const rows = await kiln('gradcheck', 'affine 10 - softmax', '--input', '3x4x4', '--json');
    expect(rows.events.map(({ event, layer, tensor }) => [event, layer, tensor])).toEqual([
      ['gradient', 'affine1', 'dx'], ['gradient', 'affine1', 'dw'], ['gradient', 'affine1', 'db'],
      ['gradient', 'softmax1', 'dx']]);
    const saturated = await kiln('gradcheck', 'conv 3x3x8 - tanh - affine 10 - softmax', '--init',
      'gaussian 1', '--input', '3x6x6');
    expect(saturated).toMatchObject({ code: 0, err: '' }); // rounding is no wrong gradient
  });

  test('train tells of whiten-epochs where the net has nothing that it is about', async () => {
    const tail = 'affine 10 - softmax';
    const told = async (net: string, ...more: string[]): Promise<string[]> => {
      const { code, err } = await kiln('train', '--net', net, '--train', '40', '--validation', '10',
        '--test', '10', '--epochs', '1', ...more);
      expect(code).toBe(0);
      return [...err.matchAll(/^kiln: (\S+) does nothing here/gm)].map(([, option]) => option!);
    };
    const whiten = ['--whiten-epochs', '0.5'];
    expect(await told(tail, ...whiten)).toEqual(['whiten-epochs=0.5']);
    expect(await told(`whiten 2x2 nobias - ${tail}`, ...whiten)).toEqual(['whiten-epochs=0.5']);
    expect(await told(`whiten 2x2 - ${tail}`, ...whiten, '--freeze', 'whiten*'))
      .toEqual(['whiten-epochs=0.5']);
    expect(await told(`whiten 2x2 - ${tail}`, ...whiten)).toEqual([]);
    expect(await told(tail)).toEqual([]);
    expect(await told(tail, ...whiten, '--quiet')).toEqual([]);
  });

  test('bench measures, by layer when asked', async () => {
    const { code, events } = await kiln('bench', '--net', `whiten 2x2 - gelu - ${NET}`, '--batch',
      '16', '--seconds', '0.1', '--layers', '--json');
    expect(code).toBe(0);
    expect(events[0]).toMatchObject({ event: 'done', batch: 16, mode: 'strict' });
    expect(events[0]!.imagesPerSecond).toBeGreaterThan(0);
    const layers = events[0]!.layers as { name: string; share: number }[];
    const inside = layers.filter(({ name }) => /^(whiten|conv|affine)/.test(name));
    expect(inside.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['whiten1', 'conv1', 'affine1']));
    const shares = inside.reduce((sum, { share }) => sum + share, 0);
    expect(events[0]!.outside).toBeCloseTo(1 - shares, 2);
  });
});

describe('stdout', () => {
  const commands = [
    'train --train 40 --validation 10 --test 10 --max-steps 2 --json', 'summary', 'summary --json',
    'eval tests/fixtures/checkpoints/sgd.safetensors', 'data', 'data --sheet -', '--help',
    'eval tests/fixtures/checkpoints/sgd.safetensors --json', 'train --help', '--version',
    'gradcheck --json', 'bench --seconds 0.1 --json',
    'export tests/fixtures/checkpoints/sgd.safetensors',
  ];
  test.each(commands)('that is full or closed is said: %s', async (command) => {
    for (const [to, why] of [['>/dev/full', 'No space left'], ['>&-', 'Bad file descriptor']]) {
      const cd = 'kiln=$PWD/$0; tests=$PWD/tests; cd "$1"; ln -sfn "$tests" tests; ';
      const { code, err } = await collect(spawn('bash',
        ['-c', `${cd} "$kiln" ${command} ${to}`, KILN, folder]));
      expect({ command, to, code, err }).toEqual({ command, to, code: 1,
        err: expect.stringMatching(`stdout: cannot be written: ${why}`) });
    }
  });
});

describe('help', () => {
  test('begins with what it is and examples, for every command', async () => {
    const all = await kiln('--help');
    expect(all.code).toBe(0);
    for (const command of ['train', 'eval', 'summary', 'gradcheck', 'export', 'bench', 'data']) {
      expect(all.out).toMatch(new RegExp(`^  ${command} `, 'm'));
      const { code, out } = await kiln(command, '--help');
      expect(code).toBe(0);
      expect(out.split('\n')[2]).toBe('Examples');
      expect(out.split('\n')[3]).toMatch(new RegExp(`^  kiln ${command}`));
    }
    const { out } = await kiln('train', '--help');
    for (const name of ['net', 'data', 'epochs', 'batch', 'seed', 'optimizer', 'lr', 'schedule',
      'reg', 'augment', 'threads', 'save', 'resume', 'json']) {
      expect(out).toMatch(new RegExp(`^  --${name}\\b`, 'm'));
    }
    expect(out.split('\n').every((line) => line.length <= 100)).toBe(true);
    expect((await kiln('--version')).out).toMatch(/^kiln \d+\.\d+\.\d+ \(strict, \d+ lanes\)\n$/);
  });

  test('names the presets, and they are ones', async () => {
    const list = (await kiln('--help')).out.match(/Presets .*\n([^]*?)\n\n/)![1]!;
    const names = list.split('|').map((name) => name.trim());
    expect(names).toContain('residual');
    const words = (await kiln('train', '--help')).out.replaceAll(/\s+/g, ' ');
    expect(words).toContain(names.join(' | '));
    for (const name of names) expect((await kiln('summary', '--preset', name)).code).toBe(0);
  });

  test('--quiet prints nothing but what --json and files ask for', async () => {
    const save = at('quiet.safetensors');
    await kiln('train', ...SMALL, '--epochs', '1', '--save', save, '--quiet');
    const commands = [['eval', save], ['eval', '--knn', '1', '--train', '50', '--test', '9'],
      ['summary', NET], ['gradcheck', 'affine 10 - softmax', '--input', '3x4x4'],
      ['bench', '--net', NET, '--batch', '4', '--seconds', '0.05'], ['data', '--train', '20']];
    for (const words of commands) {
      expect(await kiln(...words, '--quiet')).toMatchObject({ code: 0, out: '', err: '' });
      expect((await kiln(...words, '--quiet', '--json')).out).toMatch(/^[{[]/);
    }
    expect((await kiln('export', save, '--format', 'csv', '--quiet')).out).toMatch(/^epoch,/);
    expect((await kiln('data', '--train', '20', '--sheet', '-', '--quiet')).out).toMatch(/^P6/);
  });

  test('the fused program lies beside the strict one, where the machine fuses', async () => {
    const fused = await stat('build/native/kiln-fused').then(() => true, () => false);
    const { code, events } = await kiln(
      'train', ...SMALL, '--epochs', '1', '--mode', 'fused', '--json');
    expect(code).toBe(fused ? 0 : 2);
    if (fused) expect(events.at(-1)!.mode).toBe('fused');
  });
});
