/**
 * Pictures in a zip, read one by one from where they lie: never is more than a few of them
 * unpacked, and none beyond the size that a picture may have, whatever the zip says.
 */

import {
  BlobReader, configure, ZipReader, type Entry,
} from '@zip.js/zip.js/lib/zip-core-native.js';

import { isZip } from './file-kinds.js';
import { ownWords as words } from './strings-own.js';
import { isWanted } from './picture-list.js';
import { MOST_BYTES } from './read-picture.js';

const MOST_ENTRIES = 300_000;

export interface Zip {
  /** Their names with folders, and their places among all entries. */
  pictures: { path: string; entry: number }[];
  /** A sentence for each zip in it. */
  problems: string[];
  read(entry: number, name: string): Promise<Blob>;
}

configure({ useWebWorkers: false }); // this is one

/** What is no zip, or is damaged, says so by its name. */
export async function openZip(file: File): Promise<Zip> {
  const reader = new ZipReader(new BlobReader(file));
  const entries: Entry[] = [];
  try {
    for await (const entry of reader.getEntriesGenerator()) {
      entries.push(entry);
      if (entries.length > MOST_ENTRIES) break;
    }
  } catch (error) {
    throw new Error(words.zipBroken(file.name), { cause: error });
  }
  if (entries.length > MOST_ENTRIES) throw new Error(words.manyEntries(file.name, MOST_ENTRIES));
  const files = entries
    .map(({ filename, directory }, entry) =>
      ({ path: filename.replaceAll('\\', '/'), entry, directory }))
    .filter(({ directory }) => !directory);
  return {
    pictures: files
      .filter(({ path }) => isWanted(path))
      .map(({ path, entry }) => ({ path, entry })),
    problems: files
      .filter(({ path }) => isZip({ name: path }))
      .map(({ path }) => words.zipInside(path)),
    read: (entry, name) => unpack(entries[entry]!, name),
  };
}

async function unpack(entry: Entry, name: string): Promise<Blob> {
  if (entry.directory || entry.encrypted) throw new Error(words.locked(name));
  if (entry.uncompressedSize > MOST_BYTES) throw new Error(words.tooLarge(name));
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let over = false;
  const sink = new WritableStream<Uint8Array<ArrayBuffer>>({
    write(chunk) {
      size += chunk.length;
      over = size > MOST_BYTES;
      if (over) throw new Error('too large');
      parts.push(chunk);
    },
  });
  try {
    await entry.getData(sink, { checkSignature: true });
  } catch (error) {
    const text = over ? words.tooLarge(name) : words.entryBroken(name);
    throw new Error(text, { cause: error });
  }
  return new Blob(parts);
}
