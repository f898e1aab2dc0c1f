// Of which class a picture is, by its place and name, and how the library will split a set.

import { beforeAll, expect, test } from '@jest/globals';

import { instance, ready } from '../../bindings/instance.js';
import { areOwnPictures } from '../../web/pictures/file-kinds.js';
import { headOf, writeSet } from '../../web/pictures/kilnset.js';
import {
  arrange, classesOf, fitName, isWanted, splitCounts, type Item,
} from '../../web/pictures/picture-list.js';

beforeAll(() => ready({ variant: 'simd' }));

const items = (...paths: string[]): Item[] =>
  paths.map((path) => ({ path, source: { zip: 0, entry: 0 }, pixels: null }));
const sorted = async (...paths: string[]): Promise<Record<string, string[]>> =>
  Object.fromEntries((await arrange(items(...paths))).map(({ name, items: list }) =>
    [name, list.map(({ path }) => path)]));

test('a class is the first folder in which pictures differ', async () => {
  expect(await sorted('pets/dog/1.png', 'pets/cat/2.png', 'pets/cat/1.png')).toEqual({
    cat: ['pets/cat/1.png', 'pets/cat/2.png'], dog: ['pets/dog/1.png'] });
  expect(Object.keys(await sorted('dog/1.png', 'cat/old/1.png', 'cat/new/1.png'))).toEqual(
    ['cat', 'dog']);
  // Folders that name a part of a set are none, wherever they stand.
  expect(await sorted('x/train/cat/1.png', 'x/test/cat/1.png', 'x/val/dog/1.png')).toEqual({
    cat: ['x/test/cat/1.png', 'x/train/cat/1.png'], dog: ['x/val/dog/1.png'] });
  // Pictures of one folder are of that class; some beside the folders have none yet.
  expect(await sorted('pets/cats/1.png', 'pets/cats/2.png')).toEqual({
    cats: ['pets/cats/1.png', 'pets/cats/2.png'] });
  expect(Object.keys(await sorted('pets/cover.png', 'pets/cat/1.png', 'pets/dog/1.png'))).toEqual(
    ['', 'cat', 'dog']);
  // The order in which files come says nothing.
  expect(await sorted('b/2.png', 'a/1.png', 'b/1.png')).toEqual(
    await sorted('b/1.png', 'b/2.png', 'a/1.png'));
});

test('loose pictures are told apart by their names, unless a camera gave them', async () => {
  expect(Object.keys(await sorted('cat.0.jpg', 'cat.1.jpg', 'dog.0.jpg', 'dog (2).jpg'))).toEqual(
    ['cat', 'dog']);
  expect(Object.keys(await sorted('IMG_1.jpg', 'IMG_2.jpg', 'DSC_1.jpg', 'DSC_2.jpg')))
    .toEqual(['']);
  expect(Object.keys(await sorted('a.jpg', 'b.jpg', 'c.jpg'))).toEqual(['']);
});

test('what systems leave beside files is passed over', () => {
  const wanted = ['a/b.png', 'c.JPG', 'd.webp'];
  const not = ['__MACOSX/a/._b.png', 'a/.b.png', '.git/x.png', 'a/Thumbs.db', 'a.txt', 'a/png'];
  expect([...wanted, ...not].filter((path) => isWanted(path))).toEqual(wanted);
  expect(fitName(' \u0007cat\n')).toBe('cat');
  expect(new TextEncoder().encode(fitName('ж'.repeat(99))).length).toBe(62);
  const found = (...paths: string[]) => paths.map((path) => ({
    path, file: { name: path.split('/').pop()!, type: '' } as File }));
  expect(areOwnPictures(found('a.png', 'b.png'), 6)).toBe(false);
  expect(areOwnPictures(found('a.png', 'b.png'), 0)).toBe(true);
  expect(areOwnPictures(found('x/a.png'), 6)).toBe(true);
  expect(areOwnPictures(found('x/data_batch_1.bin', 'x/a.png'), 6)).toBe(false);
  expect(areOwnPictures(found('x.zip'), 6)).toBe(true);
});

test.each([
  [[5, 5]], [[3, 1, 40]], [[1, 1, 1]], [[7, 33, 12, 100]], [Array.from({ length: 300 }, () => 4)],
])('a set of %j is split as it is said beforehand, and read with its labels', async (counts) => {
  const classes = new Map(counts.map((n, k): [string, Item[]] => [`kind ${k}`,
    Array.from({ length: n }, (_, i) => ({
      path: '', source: { zip: 0, entry: 0 }, pixels: Uint8Array.of(k & 255, i, 7) }))]));
  const file = await writeSet('things', [3, 1, 1], classes);
  expect(file.name).toBe('things.kilnset');
  const bytes = new Uint8Array(await file.arrayBuffer());
  const wasm = instance();
  const data = wasm.call('kiln_data_create');
  wasm.call('kiln_data_add_file', data, file.name, bytes, bytes.length, -1);
  wasm.call('kiln_data_finish', data, 'data-seed=7\n');
  const info = wasm.json<{ name: string; classes: string[]; test: number; validation: number }>(
    'kiln_data_info', data);
  expect(info.name).toBe('things');
  expect(info.classes).toEqual([...classes.keys()]);
  const told = splitCounts(counts);
  for (const [split, name] of [[2, 'test'], [1, 'validation']] as const) {
    const labels = Array.from({ length: info[name] }, (_, i) =>
      wasm.call('kiln_data_image', data, split, i, null));
    expect(counts.map((_, k) => labels.filter((label) => label === k).length)).toEqual(told[name]);
  }
  wasm.call('kiln_data_destroy', data);
});

test('groups of one name are one class, and what has no name or no pixels is none', () => {
  const read = (path: string): Item => ({
    path, source: { zip: 0, entry: 0 }, pixels: Uint8Array.of(1) });
  const classes = classesOf([
    { name: 'cat', items: [read('1')], next: 0 }, { name: ' cat ', items: [read('2')], next: 0 },
    { name: '', items: [read('3')], next: 0 }, { name: 'dog', items: items('4'), next: 0 }]);
  expect([...classes].map(([name, list]) => [name, list.length])).toEqual([['cat', 2]]);
  const head = { name: 'a', shape: [1, 1, 1], classes: ['x', 'y'], count: 1 };
  expect(new TextDecoder().decode(headOf(head))).toMatch(/^KILNSET 1\n\{.*\}\n$/);
});

test('a hundred thousand are sorted in slices, between which a page can answer', async () => {
  const n = 100_000;
  const shuffled = Array.from({ length: n }, (_, i) => (i * 7919) % n);
  let turns = 0;
  let going = true;
  const count = (): void => {
    turns++;
    if (going) setImmediate(count);
  };
  setImmediate(count);
  const paths = shuffled.map((i) => `x/${i % 3 ? 'cat' : 'dog'}/${String(i).padStart(6, '0')}.png`);
  const groups = await arrange(items(...paths));
  going = false;
  expect(turns).toBeGreaterThan(200);
  expect(groups.map(({ name, items: { length } }) => [name, length])).toEqual(
    [['cat', 66_666], ['dog', 33_334]]);
  for (const { items: list } of groups) {
    expect(list.every(({ path }, i) => i === 0 || list[i - 1]!.path < path)).toBe(true);
  }
});

test('the split of many is told without taking every picture in turn', () => {
  let looks = 0;
  const counts = new Proxy(Array.from({ length: 1000 }, (_, k) => 50 + (k * 37) % 90), {
    get(list, key, receiver) {
      looks++;
      return Reflect.get(list, key, receiver) as unknown;
    },
  });
  const { test: tested, validation } = splitCounts(counts);
  expect(looks).toBeLessThan(10_000_000); // a tenth of 94,500 pictures, 1,000 classes, twice
  const all = [...counts].reduce((a, b) => a + b, 0);
  for (const part of [tested, validation]) {
    expect(part.reduce((a, b) => a + b, 0)).toBe(Math.floor(all / 10));
    part.forEach((n, k) => expect(Math.abs(n - counts[k]! / 10)).toBeLessThan(1.01));
  }
});
