// What holds for every command of the native program, by the names in its own table: lines of
// --json, exit codes, and one truth about an epoch.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { loadExtras } from '../../bindings/extras.js';
import { instance, ready } from '../../bindings/instance.js';
import { kiln, NET, SMALL } from './program.js';

let folder: string;
const at = (name: string) => join(folder, name);
let help: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kiln-doors-'));
  const { code } = await kiln('train', ...SMALL, '--epochs', '1', '--quiet', '--save',
    at('model.safetensors'));
  expect(code).toBe(0);
  help = (await kiln('--help')).out;
});
afterAll(() => rm(folder, { recursive: true }));

/** The rows of a part of the help: "  name   words". */
function rows(title: string): [string, string][] {
  const part = help.split(`\n${title}`)[1]!.split('\n\n')[0]!;
  return [...part.matchAll(/^ {2}(\S+) +(.*)$/gm)].map(([, name, words]) => [name!, words!]);
}

describe('--json', () => {
  const model = () => at('model.safetensors');
  /** Calls of each command that print as much as it can; a command without one fails the test. */
  const calls = (): Record<string, string[][]> => ({
    train: [[...SMALL, '--epochs', '1', '--receipt', at('run.json')],
      ['--resume', model(), '--epochs', '2', '--best']],
    sweep: [['--seed', '1..3'], [...SMALL, '--epochs', '1', '--seed', '1,2', '--run', '--log',
      at('{}.json')]],
    report: [[at('1.json'), at('2.json'), at('model.safetensors')]],
    verify: [[at('run.json')], [at('run.json'), '--spot', '0']],
    eval: [[model()], [model(), '--views', '2'], ['--knn', '1', '--train', '50', '--test', '9']],
    predict: [[model(), 'tests/fuzz/corpus/picture/rgb.png'],
      [model(), 'tests/fuzz/corpus/picture/grey.jpg', '--top', '2', '--views', '6'],
      [model(), 'tests/fuzz/corpus/picture/rgb.png', '--layers', at('views')]],
    summary: [[NET], [NET, '--steps'], ['--preset', 'residual']],
    gradcheck: [['affine 10 - softmax', '--input', '3x4x4']],
    export: [[model(), '--save', at('weights.safetensors')],
      [model(), '--format', 'csv', '--save', at('curves.csv')]],
    bench: [['--net', NET, '--batch', '4', '--seconds', '0.05'],
      ['--net', NET, '--batch', '4', '--seconds', '0.05', '--layers']],
    data: [['--train', '20'], ['--train', '20', '--sheet', at('sheet.ppm')],
      ['--train', '20', '--save', at('set')]],
  });

  test('is of every command, and each of its lines on stdout is one JSON object', async () => {
    const commands = rows('Commands').map(([name]) => name);
    expect(commands.length).toBeGreaterThan(5);
    for (const command of commands) {
      expect([command, (await kiln(command, '--help')).out.includes('  --json ')])
        .toEqual([command, true]);
      for (const words of calls()[command]!) {
        const { code, out } = await kiln(command, ...words, '--json');
        expect([command, code]).toEqual([command, 0]);
        expect(out).toMatch(/\n$/);
        for (const line of out.slice(0, -1).split('\n')) {
          const value = JSON.parse(line) as unknown;
          expect([command, typeof value, Array.isArray(value)]).toEqual([command, 'object', false]);
        }
      }
    }
  }, 120_000);
});

test('export does not mix its file and --json on stdout', async () => {
  const { code, out, err } = await kiln('export', at('model.safetensors'), '--json');
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/both want stdout/);
  const { events } = await kiln('export', at('model.safetensors'), '--json', '--format', 'npz',
    '--save', at('weights.npz'));
  const { length } = await readFile(at('weights.npz'));
  expect(events).toEqual(
    [{ event: 'done', format: 'npz', file: at('weights.npz'), bytes: length }]);
});

describe('exit codes', () => {
  test('are told a line a code, with all the statuses that end so', async () => {
    const { statuses } = (await loadExtras())
      .json<{ statuses: { name: string; exit: number }[] }>('kiln_constants');
    const told = rows('Exit codes');
    expect(told.map(([code]) => code)).toEqual([...new Set(told.map(([code]) => code))]);
    for (const { name, exit } of statuses) {
      const lines = told.filter(([, words]) => new RegExp(`[(, ]${name}[,)]`).test(words));
      expect([name, lines.map(([code]) => code)]).toEqual([name, [String(exit)]]);
    }
  });

  test('are those of the README, in its words', async () => {
    const readme = await readFile('README.md', 'utf8');
    const table = readme.split('| exit code |')[1]!.split('\n\n')[0]!;
    const written = [...table.matchAll(/^\| (\d+) \| (.*) \|$/gm)]
      .map(([, code, words]) => [code, words]);
    expect(written).toEqual(
      rows('Exit codes').map(([code, words]) => [code, words.replace(/ \(E_.*\)$/, '')]));
  });
});

test('the help of an option names every rule and schedule that reads it', async () => {
  await ready({ variant: 'simd' });
  const table = instance().json<{ name: string; help: string;
    usedBy?: Record<string, string[]> }[]>('kiln_options');
  const read = table.filter(({ usedBy }) => usedBy !== undefined);
  expect(read.length).toBeGreaterThan(5);
  for (const { name, help: words, usedBy } of read) {
    const missing = Object.values(usedBy!).flat()
      .filter((choice) => !new RegExp(`\\b${choice}\\b`).test(words));
    expect([name, missing]).toEqual([name, []]);
  }
});

test('the accuracies of the README say what is run, as course.mjs runs it', async () => {
  const readme = await readFile('README.md', 'utf8');
  const script = await readFile('tests/accuracy/course.mjs', 'utf8');
  const pattern = /name: '([^']+)', wanted: '([^']+)',\s+args: \[([^\]]+)\]/g;
  const run = [...script.matchAll(pattern)];
  expect(run).toHaveLength(7);
  for (const [, name, wanted, args] of run) {
    const words = args!.replaceAll("'", '').replaceAll(',', '');
    expect(readme).toContain(`| ${name} | \`${words}\` | ${wanted} | `);
  }
});

test('the tables of the README name every layer of the notation and every format', async () => {
  const readme = await readFile('README.md', 'utf8');
  const table = (head: string): string => readme.split(head)[1]!.split('\n\n')[0]!;
  const rowsOf = await Promise.all((await readdir('src/net')).filter((name) => /^kind_/.test(name))
    .map((name) => readFile(join('src/net', name), 'utf8')));
  const layers = [...rowsOf.join('').matchAll(/^ {8}\.notation = "(\w+)",$/gm)]
    .map(([, name]) => name!);
  expect(layers.length).toBeGreaterThan(15);
  const notation = table('| layer | meaning |');
  expect(layers.filter((name) => !new RegExp(`(\`|>)${name}\\b`).test(notation))).toEqual([]);
  const source = await readFile('src/formats/formats.c', 'utf8');
  const formats = [...source.matchAll(/^ {4}\{"([\w-]+)", "\w+", "\w+",/gm)]
    .map(([, name]) => name!);
  expect(formats.length).toBeGreaterThan(8);
  const written = table('| format | what it is | opened in |');
  expect(formats.filter((name) => !written.includes(`\`${name}\``))).toEqual([]);
});

test('the epoch line of train --json is the epoch of the history, digit by digit', async () => {
  const save = at('told.safetensors');
  const { events } = await kiln('train', ...SMALL, '--epochs', '3', '--schedule', 'cosine',
    '--validation', '49', '--json', '--quiet', '--save', save);
  const told = events.filter(({ event }) => event === 'epoch')
    .map(({ event: _, best: __, imagesPerSecond: ___, ...values }) => values);
  const { out } = await kiln('export', save, '--format', 'json');
  const { history } = JSON.parse(out) as { history: { epochs: object[] } };
  expect(told).toHaveLength(3);
  expect(told).toEqual(history.epochs);
  const csv = (await kiln('export', save, '--format', 'csv')).out.trim().split('\n').slice(1);
  expect(csv).toEqual(told.map((values) => Object.values(values).join(',')));
});
