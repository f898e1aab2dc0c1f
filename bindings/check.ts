/**
 * Checks of what comes from outside, each with a sentence that says where, what was found and
 * what would work. They return what they were given, with its type known.
 */

import { KilnError } from './errors.js';

/** The name of a value's class, also when it comes from another realm. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/** A value as a sentence shows it: 'text', 5, null, an Array. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}…` : value}'`;
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return String(value);
  }
  return `${/^[AEIOU]/.test(kindOf(value)) ? 'an' : 'a'} ${kindOf(value)}`;
}

function refuse(where: string, name: string, wanted: string, value: unknown): never {
  throw new KilnError('E_ARG', `${where}: ${name} must be ${wanted}, not ${shown(value)}`);
}

export function checkText(where: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  return refuse(where, name, 'a text', value);
}

/** A whole number from `min` to `max`. */
export function checkCount(
  where: string, name: string, value: unknown, min = 1, max = 2 ** 31 - 1): number {
  if (Number.isInteger(value) && value as number >= min && value as number <= max) {
    return value as number;
  }
  const range = max === 2 ** 31 - 1 ? `from ${min} up` : `from ${min} to ${max}`;
  return refuse(where, name, `a whole number ${range}`, value);
}

/** A finite number in min..max. */
export function checkNumber(
  where: string, name: string, value: unknown, min = -Infinity, max = Infinity): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max) {
    return value;
  }
  const range = max === Infinity
    ? (min === -Infinity ? 'a finite number' : `a number from ${min} up`)
    : `a number from ${min} to ${max}`;
  return refuse(where, name, range, value);
}

export function checkFlag(where: string, name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  return refuse(where, name, 'true or false', value);
}

export function checkOneOf<T extends string | number>(
  where: string, name: string, value: unknown, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  const near = typeof value === 'string' ? nearest(value, choices.map(String)) : undefined;
  throw new KilnError('E_ARG', `${where}: ${name} must be one of ${choices.join(', ')}, ` +
    `not ${shown(value)}${near === undefined ? '' : `; did you mean '${near}'?`}`);
}

/** Bytes, as of a file or an image. */
export function checkBytes(where: string, name: string, value: unknown): Uint8Array<ArrayBuffer> {
  if (kindOf(value) === 'Uint8Array') return value as Uint8Array<ArrayBuffer>;
  return refuse(where, name, 'a Uint8Array', value);
}

/** What cancels a call; undefined and null: nothing does. */
export function checkSignal(where: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value === null) return undefined;
  return kindOf(value) === 'AbortSignal'
    ? (value as AbortSignal)
    : refuse(where, 'signal', 'an AbortSignal', value);
}

/** An array, each of whose elements `check` takes. */
export function checkList<T>(where: string, name: string, value: unknown,
  check: (where: string, name: string, element: unknown) => T): T[] {
  if (!Array.isArray(value)) return refuse(where, name, 'an array', value);
  return value.map((element, i) => check(where, `${name}[${i}]`, element));
}

/**
 * An object of named values; with `names`, of none but these. undefined is an empty one, so that
 * options may be left out.
 */
export function checkObject(where: string, name: string, value: unknown,
  names?: readonly string[]): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(where, name, 'an object', value);
  }
  for (const key of names === undefined ? [] : Object.keys(value)) {
    if (!names!.includes(key)) refuseName(where, key, names!);
  }
  return value as Record<string, unknown>;
}

function refuseName(where: string, key: string, names: readonly string[]): never {
  const near = nearest(key, names);
  throw new KilnError('E_ARG', `${where}: there is no '${key}'` +
    (near === undefined ? `; there are ${names.join(', ')}` : `; did you mean '${near}'?`));
}

/**
 * The name nearest to a mistyped word, or undefined: kiln_closest of src/base/keyvalue.c, for
 * names that C does not know. Insertions, deletions, changes and swaps of neighbours count one
 * each, and one edit for every three letters is near.
 */
export function nearest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3));
  if (word.length > WORD_MAX) return undefined;
  for (const name of names) {
    const distance = edits(word.toLowerCase(), name.toLowerCase());
    if (distance === 0 || distance >= name.length) continue;
    if (distance > least || (distance === least && best !== undefined)) continue;
    best = name;
    least = distance;
  }
  return best;
}

const WORD_MAX = 32; // longer words are near to nothing

function edits(a: string, b: string): number {
  const d: number[][] = [];
  for (let i = 0; i <= a.length; i++) {
    d.push([]);
    for (let j = 0; j <= b.length; j++) {
      if (i === 0 || j === 0) {
        d[i]!.push(i + j);
        continue;
      }
      const change = d[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let least = Math.min(change, d[i - 1]![j]! + 1, d[i]![j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, d[i - 2]![j - 2]! + 1);
      }
      d[i]!.push(least);
    }
  }
  return d[a.length]![b.length]!;
}

/** A copy of a list, without a Proxy around it. */
export function listOf<T>(where: string, name: string, list: readonly T[]): T[] {
  if (typeof list === 'object' && list !== null && Symbol.iterator in list) return [...list];
  throw new KilnError('E_ARG', `${where}: ${name} must be a list, not ${kindOf(list)}`);
}
