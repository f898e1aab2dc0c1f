// kiln sweep: the runs of lists and ranges, by index, here, by GNU parallel and as a cluster's job
// array; kiln train --log, in which each of them ends.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { collect, kiln, KILN, shell, type Event } from './program.js';

const NET = 'affine 10 - softmax';
/** Runs that would last for hours, with an epoch every moment. */
const LONG = ['--net', 'conv 3x3x8 - relu - maxpool 4 - affine 10 - softmax', '--train', '400',
  '--validation', '30', '--test', '20', '--epochs', '10000'];
const TINY = ['--net', NET, '--train', '60', '--validation', '30', '--test', '20', '--batch', '20',
  '--epochs', '1'];
let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'kiln-sweep-')); });
afterAll(() => rm(folder, { recursive: true }));

async function lines(...args: string[]): Promise<string[]> {
  const { code, out, err } = await kiln('sweep', ...args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return out.trim().split('\n');
}
/** Values of an option, run by run. */
async function values(name: string, ...args: string[]): Promise<string[]> {
  return (await lines(...args)).map((line) => line.split(` --${name} `)[1]!.split(' ')[0]!);
}
async function log(path: string): Promise<Event[]> {
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(/\n$/);
  return text.trim().split('\n').filter((line) => line)
    .map((line) => JSON.parse(line) as Event);
}

describe('lists and ranges', () => {
  test('a grid is every combination, the last option changing first', async () => {
    expect(await lines('--lr', '0.1,0.01', '--batch', '32', '--seed', '1..3')).toEqual(
      ['0.1', '0.01'].flatMap((lr) => [1, 2, 3].map((seed) => [lr, seed]))
        .map(([lr, seed], i) => `${KILN} train --lr ${lr} --batch 32 --seed ${seed} --threads 1 ` +
          `--quiet --log runs/${i + 1}.json`));
  });

  test.each([
    ['lr', ['1e-4..0.1:log:4'], ['0.0001', '0.001', '0.01', '0.1']],
    ['lr', ['0.1', '--seed', '1,2'], ['0.1', '0.1']],
    ['dropout', ['0..0.5:3,0.9'], ['0', '0.25', '0.5', '0.9']],
    ['momentum', ['0.9', '--momentum', '0.5..0.7:2'], ['0.9', '0.5', '0.7']],
    ['batch', ['16..256:log:5'], ['16', '32', '64', '128', '256']],
    ['batch', ['10..40:4'], ['10', '20', '30', '40']],
    ['seed', ['7..9'], ['7', '8', '9']],
    ['schedule', ['cosine,linear'], ['cosine', 'linear']],
  ])('--%s %j is %j', async (name, given, wanted) => {
    expect(await values(name, `--${name}`, ...given)).toEqual(wanted);
  });

  test('a text is one value, and is given again for another; the shell reads it back', async () => {
    const run = await lines('--augment', 'flip,crop4', '--augment', 'none', '--recover=0,1',
      '--net', NET, '--index', '1');
    const { out } = await shell(`printf '%s\\n' ${run[0]!.split(' train ')[1]}`);
    expect(out.trim().split('\n')).toEqual(['--augment', 'flip,crop4', '--recover=0', '--net', NET,
      '--threads', '1', '--quiet', '--log', 'runs/1.json']);
  });

  test('what is drawn lies in its range, is its seed\'s, and no other option\'s', async () => {
    const drawn = ['--lr', '1e-4..1e-1:log', '--random', '40'];
    const rates = (await values('lr', ...drawn)).map(Number);
    expect(Math.min(...rates)).toBeGreaterThanOrEqual(1e-4);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1e-1);
    // by ratios: about a third in each tenfold
    for (const low of [1e-4, 1e-3, 1e-2]) {
      expect(rates.filter((rate) => rate >= low && rate < 10 * low).length).toBeGreaterThan(5);
    }
    expect(await values('lr', ...drawn)).toEqual(rates.map(String));
    expect(await values('lr', ...drawn, '--batch', '16..64')).toEqual(rates.map(String));
    expect(await values('lr', ...drawn, '--search-seed', '2')).not.toEqual(rates.map(String));
    const batches = (await values('batch', ...drawn, '--batch', '16..18')).map(Number);
    expect([...new Set(batches)].sort()).toEqual([16, 17, 18]);
    const kinds = await values('schedule', ...drawn, '--schedule', 'cosine,linear,constant');
    expect(new Set(kinds).size).toBe(3);
  });

  test('--index is that line of all of them, and --json tells its options', async () => {
    const given = ['--lr', '1e-4..1e-1:log', '--dropout', '0..0.5', '--random', '12'];
    const all = await lines(...given);
    for (const index of [1, 7, 12]) {
      expect(await lines(...given, '--index', String(index))).toEqual([all[index - 1]]);
    }
    const { events } = await kiln('sweep', ...given, '--index', '7', '--json');
    expect(events).toEqual([{ event: 'command', index: 7, command: all[6], log: 'runs/07.json',
      options: { lr: all[6]!.split(' ')[3], dropout: all[6]!.split(' ')[5] } }]);
  });

  test.each([
    [['--lr', '0.1'], /nothing varies/],
    [['--lr', '0.1..0.01:3'], /from a smaller number to a larger/],
    [['--lr', '1e-4..1e-1'], /--lr: .*how many/],
    [['--lr', '1e-4..1e-1:log'], /--lr: .*how many/],
    [['--lr', '0..1:log:3'], /above 0/],
    [['--lr', '0.1..1:many'], /how many numbers/],
    [['--lr', '0.1..1:1'], /how many numbers/],
    [['--lr', '0.1..1:3:3'], /how many numbers/],
    [['--lr', '0.1,,1'], /a value is missing/],
    [['--lr', '0.1,fast'], /lr: "fast" is not a number/],
    [['--lr', '0.1..2000:3'], /lr: "2000" is not a number from 0 to 1000/],
    [['--batch', '1..4:9'], /not so many whole numbers/],
    [['--batch', '1..2.5'], /batch: "2.5"/],
    [['--optimizer', 'adam,adm'], /did you mean|adam, /],
    [['--optimizer', 'adam..sgd'], /ranges are of numbers/],
    [['--recover=0,2'], /recover/],
    [['--seed', '1..100000', '--batch', '1..64'], /more than 100000 runs.*--random/],
    [['--seed', '1..9', '--random', '0'], /--random: "0" is no whole number from 1/],
    [['--seed', '1..9', '--search-seed', 'x', '--random', '2'], /search-seed: "x"/],
    [['--seed', '1..9', '--index', '10'], /--index: "10" is no whole number from 1 to 9/],
    [['--seed', '1..9', '--index', '0'], /--index: "0" is no whole number from 1 to 9/],
    [['--seed', '1..9', '--index', ''], /the value of --index is empty/],
    [['--seed', '1..9', '--log', 'one.json'], /--log: one\.json: all runs would write one file/],
    [['--seed', '1..9', '--save', 'one.safetensors'], /--save: .* all runs would write one file/],
    [['--seed', '1..9', '--data', '-'], /standard input can be read by one run alone/],
    [['--net', NET, '--net', 'affin 10 - softmax'], /column 1/],
  ])('%j is told: %s', async (args, sentence) => {
    const { code, out, err } = await kiln('sweep', ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(sentence);
  });
});

describe('train --log', () => {
  test('is the command, all options, the epochs and the end', async () => {
    const path = join(folder, 'made/here/one.json');
    const { events } = await kiln('train', ...TINY, '--epochs', '2', '--json', '--quiet',
      '--log', path);
    const [run, begin, ...others] = await log(path);
    expect(run).toMatchObject({ event: 'run', version: '0.1.0', mode: 'strict' });
    expect((run!.command as string[]).slice(0, 3)).toEqual(['train', '--net', NET]);
    expect(begin).toMatchObject({ event: 'begin', data: 'builtin',
      options: { net: NET, epochs: '2', lr: '0.01' } });
    expect(others).toEqual(events.filter(({ event }) => event !== 'step'));
    expect(others.map(({ event }) => event)).toEqual(['epoch', 'epoch', 'done']);
  });

  test('of a run that goes on has the epochs before as well; the log before is kept', async () => {
    const path = join(folder, 'on.json');
    const save = join(folder, 'on.safetensors');
    await kiln('train', ...TINY, '--epochs', '2', '--quiet', '--save', save, '--log', path);
    const before = await readFile(path, 'utf8');
    await kiln('train', '--resume', save, '--epochs', '3', '--quiet', '--log', path);
    const epochs = (await log(path)).filter(({ event }) => event === 'epoch');
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(await readFile(`${path}.prev`, 'utf8')).toBe(before);
  });

  test.each([
    [['--lr', '1e9'], 2, /lr: "1e9"/],
    [['--nothing'], 2, /unknown option --nothing/],
    [['--preset', 'batchnrm'], 2, /there is no "batchnrm"; did you mean batchnorm/],
    [['--net', 'conv 3x3'], 2, /conv/],
    [['--data', 'not/there'], 3, /not\/there/],
    [['--resume', 'not/there'], 4, /not\/there/],
    [['--resume', 'a', '--init-from', 'b'], 2, /contradict each other/],
    [['--lr', '1000', '--optimizer', 'sgd', '--schedule', 'constant', '--net',
      'affine 50 - affine 50 - affine 10 - svm', '--train', '200', '--epochs', '50'], 6, /step/],
  ])('of %j ends in exit code %d and the reason, as --json does', async (args, exit, reason) => {
    const path = join(folder, 'failed.json');
    const { code, events, err } = await kiln('train', '--json', '--log', path, ...args);
    expect(code).toBe(exit);
    const last = (await log(path)).at(-1)!;
    expect(last).toMatchObject({ event: 'failed', exit, reason: expect.stringMatching(reason) });
    expect(events.at(-1)).toEqual(last);
    expect(err).toMatch(reason);
    if (exit === 6) expect(last.step).toBeGreaterThanOrEqual(0);
  });

  test('that cannot be written is told before the run; --save has a file of its own', async () => {
    await writeFile(join(folder, 'file'), '');
    const bad = await kiln('train', ...TINY, '--log', join(folder, 'file/one.json'));
    expect(bad.code).toBe(1);
    expect(bad.err).toMatch(/file\/one\.json: cannot be written/);
    const same = await kiln('train', ...TINY, '--log', join(folder, 'x'), '--save',
      join(folder, 'x'));
    expect(same.code).toBe(2);
    expect(same.err).toMatch(/--log and --save contradict each other/);
  });
});

/** A folder of its own. */
async function place(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  return path;
}
const GRID = [...TINY, '--lr', '0.1,0.01', '--seed', '1,2'];
/** Parameter hashes of the logs of a folder, in order. */
async function hashes(path: string): Promise<unknown[]> {
  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map(async (name) => (await log(join(path, name))).at(-1)!
    .parameterHash));
}

describe('the engines', () => {
  const words = (args: string[]) => args.map((word) => `'${word}'`).join(' ');
  let wanted: unknown[];

  test('--run trains all of them here, a process each', async () => {
    const path = await place('here');
    const { code, events, err } = await kiln('sweep', ...GRID, '--run', '--jobs', '2', '--json',
      '--log', join(path, '{}.json'));
    expect(code).toBe(0);
    expect(events.map(({ index }) => index).sort()).toEqual([1, 2, 3, 4]);
    expect(err).toMatch(/^run 4 of 4: validation .*%, test/m);
    const best = Math.max(...events.map(({ valAccuracy }) => Number(valAccuracy)));
    expect(err).toContain(`, validation ${(100 * best).toFixed(2)} %: ${path}`);
    wanted = await hashes(path);
    expect(new Set(wanted).size).toBe(4);
    for (const { index, parameterHash } of events) {
      expect(parameterHash).toBe(wanted[Number(index) - 1]);
    }
  });

  test('GNU parallel runs the lines', async () => {
    const path = await place('parallel');
    const { code, err } = await shell(`cd ${path} && '${resolve(KILN)}' sweep ${words(GRID)} | ` +
      'parallel --will-cite');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(await hashes(join(path, 'runs'))).toEqual(wanted);
  });

  test('a job array runs them by index', async () => {
    const path = await place('array');
    for (let task = 4; task >= 1; task--) {
      const { code } = await shell(`cd ${path} && export SLURM_ARRAY_TASK_ID=${task} && ` +
        `'${resolve(KILN)}' sweep ${words(GRID)} --run --index $SLURM_ARRAY_TASK_ID`);
      expect(code).toBe(0);
    }
    expect(await hashes(join(path, 'runs'))).toEqual(wanted);
  });

  test('a run that fails ends its log, and stops no other', async () => {
    const path = await place('failing');
    const { code, events, err } = await kiln('sweep', ...TINY, '--data', 'nowhere.bin',
      '--seed', '1,2', '--run', '--json', '--log', join(path, '{}.json'));
    expect(code).toBe(1);
    expect(err).toMatch(/2 of 2 runs failed; their logs end in the reason/);
    for (const { event, log: file, exit, reason } of events) {
      expect(event).toBe('failed');
      expect((await log(String(file))).at(-1)).toEqual({ event: 'failed', exit, reason });
    }
  });

  test('a run that is killed has its end written for it', async () => {
    const path = await place('killed');
    const child = spawn(resolve(KILN), ['sweep', ...LONG, '--seed', '1,2', '--run', '--jobs', '1',
      '--json', '--log', join(path, '{}.json')], { stdio: ['ignore', 'pipe', 'pipe'], cwd: path });
    const ended = collect(child);
    while (!existsSync(join(path, '1.json'))) await new Promise((go) => { setTimeout(go, 20); });
    const { out } = await shell(`pgrep -P ${child.pid}`);
    process.kill(Number(out), 'SIGKILL');
    while (!existsSync(join(path, '2.json'))) await new Promise((go) => { setTimeout(go, 20); });
    child.kill('SIGINT');
    const { code, events } = await ended;
    expect(code).toBe(130);
    expect(events[0]).toMatchObject({ event: 'failed', index: 1, exit: 137,
      reason: expect.stringMatching(/signal 9/) });
    expect((await log(join(path, '1.json'))).at(-1)).toMatchObject({ event: 'failed', exit: 137 });
    expect(events[1]).toMatchObject({ event: 'failed', index: 2, exit: 130 });
  });

  test('Ctrl-C lets the runs save, and starts no more', async () => {
    const path = await place('stopped');
    const child = spawn(resolve(KILN), ['sweep', ...LONG, '--seed', '1..9', '--run', '--jobs', '2',
      '--save', '{}.safetensors'], { stdio: ['ignore', 'pipe', 'pipe'], cwd: path });
    const ended = collect(child);
    const begun = async () => (await Promise.all([1, 2].map((n) => readFile(
      join(path, `runs/${n}.json`), 'utf8').catch(() => ''))))
      .every((text) => text.includes('"epoch"'));
    while (!await begun()) await new Promise((go) => { setTimeout(go, 20); });
    child.kill('SIGINT');
    const { code, err } = await ended;
    expect(code).toBe(130);
    expect(err).toMatch(/interrupted after 2 of 9 runs/);
    expect((await readdir(join(path, 'runs'))).sort()).toEqual(['1.json', '2.json']);
    for (const n of [1, 2]) {
      expect((await log(join(path, `runs/${n}.json`))).at(-1)).toMatchObject({ event: 'failed',
        exit: 130, reason: expect.stringMatching(/interrupted and saved/) });
      expect((await kiln('eval', join(path, `${n}.safetensors`), '--json')).code).toBe(0);
    }
  });
});
