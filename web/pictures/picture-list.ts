/**
 * From files to classes: which of them are pictures, and of what class each is by its folder, or by
 * the beginning of its name where there are no folders.
 */

import { turn } from '../../bindings/turn.js';
import { isPhoto } from './file-kinds.js';

const AT_ONCE = 2000; // pictures between two turns: a set may have a hundred thousand

/** A picture that is read, or will be. */
export interface Item {
  path: string;
  /** Where its bytes are: a file, or a place in a zip. */
  source: Blob | { zip: number; entry: number };
  /** (C, H, W), once they are read. */
  pixels: Uint8Array | null;
  /** It was left out of the set. */
  out?: boolean;
}

/** Pictures that came under one name. */
export interface Group {
  /** The class, as it was found or typed; '' where there is none. */
  name: string;
  items: Item[];
  /** None before this one waits to be read, but for those that are read first. */
  next: number;
}

/** What systems put beside files of their own accord. */
const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;
/** Folders that name a part of a set, no class. */
const SPLITS = /^(train(ing)?|val(id|idation)?|test(ing)?)$/i;
/** How cameras and telephones begin the names of all that they make. */
const CAMERA = /^(img|image|dsc[fn]?|pxl|photo|picture|screenshot|p|whatsapp image)$/i;
const NAME_BYTES = 63;
const ROUNDING = 1e-9; // more than the error of a product

/** Whether what lies there is a picture that somebody put there. */
export function isWanted(path: string, type = ''): boolean {
  return !HIDDEN.test(path) && isPhoto({ name: path, type });
}

/** A name that a kiln set may have: no control characters, at most 63 bytes of UTF-8. */
export function fitName(name: string): string {
  // eslint-disable-next-line no-control-regex
  let text = name.replace(/[\u0000-\u001f\u007f]/g, ' ').trim();
  while (new TextEncoder().encode(text).length > NAME_BYTES) text = [...text].slice(0, -1).join('');
  return text;
}

function foldersOf(path: string): string[] {
  return path.split('/').slice(0, -1).filter((name) => name !== '');
}

/** The folders that both begin with. */
function shared(a: string[], b: string[]): string[] {
  const end = a.findIndex((name, i) => name !== b[i]);
  return end < 0 ? a : a.slice(0, end);
}

async function each<T>(list: readonly T[], act: (one: T, i: number) => void): Promise<void> {
  for (let i = 0; i < list.length; i++) {
    if ((i + 1) % AT_ONCE === 0) await turn();
    act(list[i]!, i);
  }
}

/** What a name begins with where numbers follow: cat of cat.12.jpg. */
function stem(path: string): string {
  const name = path.split('/').pop()!;
  const found = /^(.*?\p{L})[\s._-]*\(?\d+\)?\.\w+$/u.exec(name)?.[1] ?? '';
  return CAMERA.test(found) ? '' : found;
}

/** By their names, where nearly all have a beginning in common with others. */
async function byStem(items: readonly Item[]): Promise<((item: Item) => string) | null> {
  const counts = new Map<string, number>();
  await each(items, ({ path }) => {
    const name = stem(path);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  });
  counts.delete('');
  const often = [...counts].filter(([, n]) => n > 1);
  const sum = often.reduce((all, [, n]) => all + n, 0);
  return often.length > 1 && sum >= 0.9 * items.length ? ({ path }) => stem(path) : null;
}

async function merge(a: readonly Item[], b: readonly Item[]): Promise<Item[]> {
  const all: Item[] = [];
  for (let [i, j] = [0, 0]; i < a.length || j < b.length;) {
    if ((all.length + 1) % AT_ONCE === 0) await turn();
    const isFirst = j === b.length || (i < a.length && a[i]!.path <= b[j]!.path);
    all.push(isFirst ? a[i++]! : b[j++]!);
  }
  return all;
}

/** Short runs are sorted at once, and then merged. */
async function byPath(items: readonly Item[]): Promise<Item[]> {
  let runs: Item[][] = [];
  for (let i = 0; i < items.length; i += AT_ONCE) {
    runs.push(items.slice(i, i + AT_ONCE).sort((a, b) => order(a.path, b.path)));
    await turn();
  }
  while (runs.length > 1) {
    const merged: Item[][] = [];
    for (let i = 0; i < runs.length; i += 2) merged.push(await merge(runs[i]!, runs[i + 1] ?? []));
    runs = merged;
  }
  return runs[0] ?? [];
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Puts pictures that came together into groups, in the order of their names: the class is the first
 * folder in which they differ. Of pictures of one folder it is that folder, unless their names tell
 * classes apart.
 */
export async function arrange(items: readonly Item[]): Promise<Group[]> {
  const folders: string[][] = [];
  await each(items, ({ path }) => folders.push(foldersOf(path)));
  let common = folders[0] ?? [];
  await each(folders, (names) => { common = shared(common, names); });
  const below: string[] = []; // of each the first folder that may be a class
  await each(folders, (names) => below.push(
    names.slice(common.length).find((name) => !SPLITS.test(name)) ?? ''));
  const above = common.filter((name) => !SPLITS.test(name)).pop() ?? '';
  const flat = below.every((name) => name === '');
  const told = flat ? await byStem(items) : null;
  const found = new Map<string, Item[]>();
  await each(items, (item, i) => {
    const name = told ? told(item) : flat ? above : below[i]!;
    const there = found.get(name);
    if (there) there.push(item);
    else found.set(name, [item]);
  });
  const groups = new Map<string, Item[]>();
  for (const [name, list] of found) {
    const fitted = fitName(name);
    groups.set(fitted, [...(groups.get(fitted) ?? []), ...list]);
  }
  const names = [...groups.keys()].sort(order);
  const sorted: Group[] = [];
  for (const name of names) {
    sorted.push({ name, items: await byPath(groups.get(name)!), next: 0 });
  }
  return sorted;
}

/** How many pictures each class has, where all of them are read. */
export function sizesOf(groups: readonly Group[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { name, items } of groups) {
    const fitted = fitName(name);
    if (fitted !== '' && items.length > 0) {
      sizes.set(fitted, (sizes.get(fitted) ?? 0) + items.length);
    }
  }
  return sizes;
}

/** Groups of one name are one class. In the order in which they stand. */
export function classesOf(groups: readonly Group[]): Map<string, Item[]> {
  const classes = new Map<string, Item[]>();
  for (const { name, items } of groups) {
    const read = items.filter(({ pixels }) => pixels !== null);
    const fitted = fitName(name);
    if (fitted === '' || read.length === 0) continue;
    classes.set(fitted, [...(classes.get(fitted) ?? []), ...read]);
  }
  return classes;
}

/**
 * How many pictures of each class go to validation and to test, as the library splits them: image j
 * of a class of n stands at (2j + 1) / 2n of the whole, and test and validation are the first of
 * all, a tenth each.
 */
export function splitCounts(counts: readonly number[]): { test: number[]; validation: number[] } {
  const all = counts.reduce((a, b) => a + b, 0);
  const part = all < 10 ? Number(all >= 3) : Math.floor(all / 10);
  const test = firstOf(counts, all, part);
  const both = firstOf(counts, all, 2 * part);
  return { test, validation: both.map((n, k) => n - test[k]!) };
}

/** How many of each class are among the first `wanted` of `all`. */
function firstOf(counts: readonly number[], all: number, wanted: number): number[] {
  // Up to this share of the whole there are n·share + 1/2 places of a class, rounded down, and so
  // never more than are wanted. The rest is taken one by one.
  const share = (wanted - counts.length / 2) / all;
  const taken = counts.map((n) => Math.max(0, Math.floor(n * share + 0.5 - ROUNDING)));
  for (let left = wanted - taken.reduce((a, b) => a + b, 0); left > 0; left--) {
    let best = -1;
    counts.forEach((n, k) => {
      if (taken[k] === n) return;
      const less = best < 0 ||
        (2 * taken[k]! + 1) * counts[best]! < (2 * taken[best]! + 1) * n;
      if (less) best = k;
    });
    taken[best]!++;
  }
  return taken;
}
