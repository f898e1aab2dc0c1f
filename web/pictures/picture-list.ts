/**
 * From files to classes: which of them are pictures, and of what class each is by its folder, or by
 * the beginning of its name where there are no folders.
 */

import { isPhoto } from './file-kinds.js';

/** A picture that is read, or will be. */
export interface Item {
  path: string;
  /** Where its bytes are: a file, or a place in a zip. */
  source: Blob | { zip: number; entry: number };
  /** (C, H, W), once they are read. */
  pixels: Uint8Array | null;
}

/** Pictures that came under one name. */
export interface Group {
  /** The class, as it was found or typed; '' where there is none. */
  name: string;
  items: Item[];
}

/** What systems put beside files of their own accord. */
const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$)/i;
/** Folders that name a part of a set, no class. */
const SPLITS = /^(train(ing)?|val(id|idation)?|test(ing)?)$/i;
/** How cameras and telephones begin the names of all that they make. */
const CAMERA = /^(img|image|dsc[fn]?|pxl|photo|picture|screenshot|p|whatsapp image)$/i;
const NAME_BYTES = 63;

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

/** How many folders all of these begin with. */
function shared(paths: readonly string[][]): number {
  const [first = []] = paths;
  let n = first.length;
  for (const folders of paths) {
    let same = 0;
    while (same < n && folders[same] === first[same]) same++;
    n = same;
  }
  return n;
}

/** What a name begins with where numbers follow: cat of cat.12.jpg. */
function stem(path: string): string {
  const name = path.split('/').pop()!;
  const found = /^(.*?\p{L})[\s._-]*\(?\d+\)?\.\w+$/u.exec(name)?.[1] ?? '';
  return CAMERA.test(found) ? '' : found;
}

/** By their names, where nearly all have a beginning in common with others. */
function byStem(items: readonly Item[]): ((item: Item) => string) | null {
  const counts = new Map<string, number>();
  for (const { path } of items) counts.set(stem(path), (counts.get(stem(path)) ?? 0) + 1);
  counts.delete('');
  const often = [...counts].filter(([, n]) => n > 1);
  const sum = often.reduce((all, [, n]) => all + n, 0);
  return often.length > 1 && sum >= 0.9 * items.length ? ({ path }) => stem(path) : null;
}

/**
 * Puts pictures that came together into groups, in the order of their names: the class is the first
 * folder in which they differ. Of pictures of one folder it is that folder, unless their names tell
 * classes apart.
 */
export function arrange(items: readonly Item[]): Group[] {
  const folders = items.map(({ path }) => foldersOf(path));
  const common = shared(folders);
  const parts = folders.map((names) => names.slice(common).filter((name) => !SPLITS.test(name)));
  const above = folders[0]?.slice(0, common).filter((name) => !SPLITS.test(name)).pop() ?? '';
  const flat = parts.every((names) => names.length === 0);
  const told = flat ? byStem(items) : null;
  const groups = new Map<string, Item[]>();
  items.forEach((item, i) => {
    const name = told ? told(item) : flat ? above : (parts[i]![0] ?? '');
    const fitted = fitName(name);
    const there = groups.get(fitted);
    if (there) there.push(item);
    else groups.set(fitted, [item]);
  });
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  for (const list of groups.values()) list.sort((a, b) => order(a.path, b.path));
  return [...groups].sort(([a], [b]) => order(a, b)).map(([name, list]) => ({ name, items: list }));
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
  const taken = counts.map(() => 0);
  const cut = (): number[] => {
    const before = [...taken];
    for (let i = 0; i < part; i++) {
      let best = -1;
      counts.forEach((n, k) => {
        if (taken[k] === n) return;
        const less = best < 0 ||
          (2 * taken[k]! + 1) * counts[best]! < (2 * taken[best]! + 1) * n;
        if (less) best = k;
      });
      taken[best]!++;
    }
    return taken.map((n, k) => n - before[k]!);
  };
  return { test: cut(), validation: cut() };
}
