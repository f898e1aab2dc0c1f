// What the page says again of the library's tables agrees with them: names, ranges, labels.

import { beforeAll, expect, test } from '@jest/globals';

import { SPLITS } from '../../bindings/dataset.js';
import { loadExtras } from '../../bindings/extras.js';
import { instance, ready } from '../../bindings/instance.js';
import type { OptionInfo } from '../../bindings/types.js';
import { firstOf, LOGARITHMIC, WITH_FIRST } from '../../web/number-steps.js';
import { ELSEWHERE, FIRST_OPTIONS } from '../../web/option-order.js';
import { OF_DATA } from '../../web/option-values.js';
import { DATA } from '../../web/link.js';
import { strings } from '../../web/strings.js';
import { records } from './program.js';

let table: OptionInfo[];
const named = (name: string) => table.find((info) => info.name === name)!;
const names = () => table.map(({ name }) => name);

beforeAll(async () => {
  await ready({ variant: 'simd' });
  table = instance().json<OptionInfo[]>('kiln_options');
});

test('each option has a label of its own and a help, or is shown elsewhere', () => {
  const words = table.flatMap((info) => info.words ?? []).map(({ name }) => name);
  const { labels, helps, blank, help } = strings.options;
  const labelled = names().filter((name) => !ELSEWHERE.includes(name));
  expect(labelled.filter((name) => labels[name] === undefined)).toEqual([]);
  expect(Object.keys(labels).filter((name) => ![...labelled, ...words].includes(name)))
    .toEqual([]);
  expect(new Set(Object.values(labels)).size).toBe(Object.keys(labels).length);
  for (const { name, help: text } of table) {
    expect([name, (helps[name] ?? help(text)).length > 10]).toEqual([name, true]);
  }
  for (const name of [...ELSEWHERE, ...FIRST_OPTIONS, ...Object.keys(helps)]) {
    expect(names()).toContain(name);
  }
  // A field is left empty where the table says -1.
  expect(Object.keys(blank).sort())
    .toEqual(table.filter(({ min }) => min === -1).map(({ name }) => name).sort());
});

test('sliders and arrow keys stay within the ranges of the table', () => {
  for (const [name, { low, high, zero }] of Object.entries(LOGARITHMIC)) {
    const { type, min = NaN, max = NaN } = named(name);
    expect([name, type, low < high, min <= low, high <= max])
      .toEqual([name, 'float', true, true, true]);
    if (zero) expect([name, min]).toEqual([name, 0]);
  }
  for (const name of WITH_FIRST) expect([name, named(name).type]).toEqual([name, 'float']);
  for (const { name, type, min = NaN, max = NaN } of table) {
    if (type !== 'float') continue;
    expect([name, firstOf(name) >= min, firstOf(name) <= max]).toEqual([name, true, true]);
  }
});

test('data sets and splits have the names of the library', async () => {
  const { names: shown } = strings.data;
  expect(Object.keys(shown)).toEqual([...DATA]);
  const wasm = instance();
  const builtin = wasm.call('kiln_data_builtin', 'train=1\nvalidation=0\ntest=0\n');
  const read = (files: Record<string, ArrayLike<number>>): number => {
    const data = wasm.call('kiln_data_create');
    for (const [name, bytes] of Object.entries(files)) {
      wasm.call('kiln_data_add_file', data, name, Uint8Array.from(bytes), bytes.length, -1);
    }
    wasm.call('kiln_data_finish', data, 'validation=0\ntest=0\n');
    return data;
  };
  // Ten images of 1x1 pixels: the labels of the two sets of this form begin so.
  const pairs = (labels: number[]): Record<string, ArrayLike<number>> => ({
    'train-i': [0, 0, 8, 3, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 1, ...labels],
    'train-l': [0, 0, 8, 1, 0, 0, 0, 10, ...labels],
  });
  const own = 'KILNSET 1\n{"name":"pictures","shape":[1,1,1],"classes":["a","b"],"count":2}\n' +
    '\0\0\x01\0';
  const sets = [
    builtin,
    read({ 'data_batch_1.bin': records(4) }),
    read({ 'train.bin': new Uint8Array(4 * 3074) }),
    read(pairs([5, 0, 4, 1, 9, 2, 1, 3, 1, 4])),
    read(pairs([9, 0, 0, 3, 0, 2, 7, 2, 5, 5])),
    read({ 'mine.kilnset': Buffer.from(own) }),
  ];
  const nameOf = (data: number): string =>
    wasm.json<{ name: string }>('kiln_data_info', data).name;
  expect(sets.map(nameOf)).toEqual([...DATA]);
  for (const data of sets) wasm.call('kiln_data_destroy', data);
  const { splits } = (await loadExtras()).json<{ splits: string[] }>('kiln_constants');
  expect(Object.keys(SPLITS)).toEqual(splits);
  for (const split of Object.keys(strings.confusion.splits)) expect(splits).toContain(split);
  // What a data set is read with: the numbers of images of each split, and the seed.
  expect([...OF_DATA].sort()).toEqual([...splits, 'data-seed'].sort());
  for (const name of OF_DATA) expect([name, named(name).group]).toEqual([name, 'data']);
});
