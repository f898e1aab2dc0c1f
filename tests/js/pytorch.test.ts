// The PyTorch twin knows every training option: each of the library's table is in the files, is
// followed by train.py, or is left out by name; so is every choice and every augmentation. What
// train.py follows, make test-formats compares.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { instance, ready } from '../../bindings/instance.js';
import type { OptionInfo } from '../../bindings/types.js';
import { kiln, SMALL } from './program.js';

let home: string;
let table: OptionInfo[];
let source: string;
let told: { options: Record<string, string>; shape: number[] };
let lists: Record<string, string>;

/** The quoted words of a list in kiln.py. */
const quoted = (text: string) => [...text.matchAll(/"([\w-]+)"/g)].map(([, word]) => word!);
/** The keys of a dictionary there. */
const keys = (text: string) => [...text.matchAll(/"([\w-]+)":/g)].map(([, word]) => word!);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'kiln-pytorch-'));
  await ready({ variant: 'simd' });
  table = instance().json<OptionInfo[]>('kiln_options');
  const checkpoint = join(home, 'm.safetensors');
  const folder = join(home, 'm');
  expect(await kiln('train', ...SMALL, '--max-steps', '1', '--quiet', '--save', checkpoint))
    .toMatchObject({ code: 0 });
  expect(await kiln('export', checkpoint, '--format', 'pytorch', '--save', folder))
    .toMatchObject({ code: 0 });
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  told = JSON.parse(read('run.json'));
  const program = read('kiln.py');
  const begin = program.indexOf('\n# ---- options');
  const end = program.indexOf('\ndef left_out');
  expect([begin > 0, end > begin]).toEqual([true, true]);
  lists = Object.fromEntries([...program.slice(begin, end)
    .matchAll(/^([A-Z_]+) = ([({][^]*?[)}])(?=\n[A-Z\n])/gm)].map(([, name, text]) =>
    [name!, text!]));
  // What does things: without the lists themselves.
  source = program.slice(0, begin) + program.slice(end) + read('train.py') + read('data.py');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test('every option of the table is in one list, and nothing else is', () => {
  const all = [...quoted(lists['IN_FILES']!), ...quoted(lists['FOLLOWED']!),
    ...keys(lists['LEFT_OUT']!)];
  expect(all.sort()).toEqual(table.map(({ name }) => name).sort());
  expect(Object.keys(told.options).sort()).toEqual(all);
  expect(told.shape).toEqual([3, 32, 32]);
});

test('an option that is followed is read', () => {
  // The rates and decays of groups of parameters: o[f"{group}-lr"].
  const of = (name: string) => (/^(bias|head|filter)-(lr|decay)$/.test(name)
    ? '{group}-{o}' : `"${name}"`);
  expect(quoted(lists['FOLLOWED']!).filter((name) => !source.includes(of(name)))).toEqual([]);
  expect(keys(lists['LEFT_OUT']!).filter((name) => source.includes(`o["${name}"]`))).toEqual([]);
});

test('every choice of an option that is followed is known, rules by their functions', () => {
  const choices = Object.fromEntries([...lists['CHOICES']!.matchAll(/"([\w-]+)": (\([^)]*\))/g)]
    .map(([, name, words]) => [name!, quoted(words!)]));
  const rules = keys(/^RULES = \{[^}]*\}/m.exec(source)![0]);
  expect(lists['CHOICES']).toContain('"optimizer": tuple(RULES)');
  for (const { name, choices: there } of table) {
    if (there === undefined || !quoted(lists['FOLLOWED']!).includes(name)) continue;
    expect([name, [...(name === 'optimizer' ? rules : choices[name] ?? [])].sort()])
      .toEqual([name, [...there].sort()]);
  }
  for (const kind of choices['schedule']!) expect(source).toMatch(`"${kind}"`);
});

test('every augmentation is known', () => {
  const words = table.find(({ name }) => name === 'augment')!.words!.map(({ name }) => name);
  expect(words.length).toBeGreaterThan(5);
  expect(quoted(lists['AUGMENTATIONS']!).sort()).toEqual(['none', ...words].sort());
});
