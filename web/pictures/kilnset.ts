/** Kiln sets as files: what stands in them is told in src/data/kilnset.c. */

import { turn } from '../../bindings/turn.js';
import { fileName } from './file-kinds.js';
import type { Item } from './picture-list.js';

const MAGIC = 'KILNSET 1\n';
const HEAD_MOST = 1 << 18; // bytes: a thousand names of 63 are a quarter of it
const AT_ONCE = 256; // records

export interface SetHead {
  name: string;
  /** C, H, W. */
  shape: number[];
  classes: string[];
  count: number;
  /** Training, validation and test images, in this order; none where the seed splits. */
  split?: number[];
}

export function recordBytes({ shape, classes }: Pick<SetHead, 'shape' | 'classes'>): number {
  return (classes.length > 256 ? 2 : 1) + shape.reduce((a, b) => a * b, 1);
}

export function headOf(head: SetHead): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${MAGIC}${JSON.stringify(head)}\n`);
}

export function putLabel(record: Uint8Array, label: number, classes: number): void {
  record[0] = label & 255;
  if (classes > 256) record[1] = label >> 8;
}

export function labelOf(record: Uint8Array, classes: number): number {
  return record[0]! + (classes > 256 ? 256 * record[1]! : 0);
}

/** A set of pictures that were read, in slices: it may be large. */
export async function writeSet(
  name: string,
  shape: number[],
  classes: ReadonlyMap<string, readonly Item[]>,
): Promise<File> {
  const names = [...classes.keys()];
  const items = names.flatMap((key, label) =>
    classes.get(key)!.map(({ pixels }) => ({ label, pixels: pixels! })));
  const head: SetHead = { name, shape, classes: names, count: items.length };
  const size = recordBytes(head);
  const parts: BlobPart[] = [headOf(head)];
  for (let first = 0; first < items.length; first += AT_ONCE) {
    const some = items.slice(first, first + AT_ONCE);
    const bytes = new Uint8Array(some.length * size);
    some.forEach(({ label, pixels }, i) => {
      const record = bytes.subarray(i * size, (i + 1) * size);
      putLabel(record, label, names.length);
      record.set(pixels, size - pixels.length);
    });
    parts.push(new Blob([bytes])); // which the browser may put aside
    await turn();
  }
  return new File(parts, `${fileName(name)}.kilnset`);
}

/** What the file tells of itself, and where its records begin; null where it is no kiln set. */
export async function readHead(file: Blob): Promise<{ head: SetHead; at: number } | null> {
  const bytes = new Uint8Array(await file.slice(0, HEAD_MOST).arrayBuffer());
  const magic = new TextEncoder().encode(MAGIC);
  const end = bytes.indexOf(10, magic.length);
  if (end < 0 || magic.some((byte, i) => bytes[i] !== byte)) return null;
  const head = JSON.parse(
    new TextDecoder().decode(bytes.subarray(magic.length, end)),
  ) as SetHead;
  return { head, at: end + 1 };
}
