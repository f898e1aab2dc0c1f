/**
 * Changes to the pictures of a kiln set: another class, or none. They wait until the next run,
 * whose data are then a file in which they are made; all other pictures stay as they are.
 */

import { turn } from '../../bindings/turn.js';
import { headOf, labelOf, putLabel, readHead, recordBytes, type SetHead } from './kilnset.js';

const AT_ONCE = 256; // records

/** An image as the data set has it, and its class from now on; null leaves it out. */
export interface Amendment {
  label: number;
  image: Uint8Array;
  to: number | null;
}

/** Where a picture stands is not known of a set that the seed has shuffled: its bytes tell. */
function keyOf(label: number, pixels: Uint8Array): string {
  let hash = 2166136261;
  for (const byte of pixels) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return `${label} ${hash}`;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** In which split a record stands, where the file says so. */
function splitOf(split: readonly number[], i: number): number {
  let end = 0;
  return split.findIndex((n) => i < (end += n));
}

/** The set with its changes, as a file of the same name. Of equal pictures one is changed. */
export async function amend(file: File, changes: readonly Amendment[]): Promise<File> {
  const found = await readHead(file);
  if (!found) throw new Error(`${file.name} is no kiln set`);
  const { head, at } = found;
  const waiting = new Map<string, Amendment[]>();
  for (const change of changes) {
    const key = keyOf(change.label, change.image);
    waiting.set(key, [...(waiting.get(key) ?? []), change]);
  }
  const size = recordBytes(head);
  const after: SetHead = { ...head, ...(head.split ? { split: [...head.split] } : {}) };
  const parts: BlobPart[] = [];
  for (let first = 0; first < head.count; first += AT_ONCE) {
    const end = Math.min(head.count, first + AT_ONCE);
    const slice = file.slice(at + first * size, at + end * size);
    const bytes = new Uint8Array(await slice.arrayBuffer());
    parts.push(...change(bytes, first, head.split ?? [], after, waiting));
    await turn();
  }
  return new File([headOf(after), ...parts], file.name);
}

/**
 * Makes the changes in records from number `first` on, and in `head`; those that are left out are
 * not given. `split`: as the file had it.
 */
function change(
  bytes: Uint8Array<ArrayBuffer>,
  first: number,
  split: readonly number[],
  head: SetHead,
  waiting: Map<string, Amendment[]>,
): Uint8Array<ArrayBuffer>[] {
  const classes = head.classes.length;
  const size = recordBytes(head);
  const kept: Uint8Array<ArrayBuffer>[] = [];
  for (let i = 0; i * size < bytes.length; i++) {
    const record = bytes.subarray(i * size, (i + 1) * size);
    const pixels = record.subarray(size - head.shape.reduce((a, b) => a * b, 1));
    const label = labelOf(record, classes);
    const list = waiting.get(keyOf(label, pixels));
    const which = list?.findIndex(({ image }) => same(image, pixels)) ?? -1;
    const [made] = which < 0 ? [] : list!.splice(which, 1);
    if (made?.to === null) {
      head.count--;
      if (head.split) head.split[splitOf(split, first + i)]!--;
      continue;
    }
    if (made) putLabel(record, made.to, classes);
    kept.push(record);
  }
  return kept;
}
