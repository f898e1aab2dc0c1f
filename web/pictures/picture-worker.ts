/**
 * The worker that reads pictures: lists zips, and turns files into pixels, so that the page's own
 * thread and the one that trains go on meanwhile. It is one file: a part that came later would
 * import from this script, which WebKit then runs a second time (bindings/worker.ts).
 */

import { explain } from '../live-trainer.js';
import type { FromPictures, Listed, Read, ToPictures, Wanted } from './picture-protocol.js';
import { readPicture } from './read-picture.js';
import { openZip, type Zip } from './zip-file.js';

const AT_ONCE = 4; // pictures in memory at full size
const LISTED = 2000; // names in a message, which the page's thread unpacks at once

/** What is used of DedicatedWorkerGlobalScope, which the page's type library has not. */
const scope = globalThis as unknown as {
  postMessage(message: FromPictures, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToPictures>) => void): void;
};
const zips = new Map<number, Zip>();

async function list(zip: number, file: File, first: number): Promise<Listed> {
  const opened = zips.get(zip) ?? (await openZip(file));
  zips.set(zip, opened);
  const { pictures, problems } = opened;
  return { entries: pictures.slice(first, first + LISTED), problems };
}

async function bytesOf({ source, name }: Wanted): Promise<Blob> {
  return 'zip' in source ? zips.get(source.zip)!.read(source.entry, name) : source;
}

/** In the order in which they are wanted. */
async function read({ wanted, form }: Extract<ToPictures, { type: 'read' }>): Promise<Read[]> {
  const results: Read[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < wanted.length) {
      const i = next++;
      const one = wanted[i]!;
      try {
        const blob = await bytesOf(one);
        results[i] = { pixels: await readPicture(blob, one.name, form.shape, form.fit) };
      } catch (error) {
        results[i] = { problem: explain(error).message };
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

async function answer(message: ToPictures): Promise<FromPictures> {
  const { id } = message;
  try {
    if (message.type === 'list') {
      return { id, listed: await list(message.zip, message.file, message.first) };
    }
    return { id, read: await read(message) };
  } catch (error) {
    return { id, error: explain(error).message };
  }
}

function buffersOf(message: FromPictures): ArrayBuffer[] {
  if (!('read' in message)) return [];
  return message.read.flatMap((one) => ('pixels' in one ? [one.pixels.buffer] : []));
}

scope.addEventListener('message', ({ data }) => {
  void answer(data).then((message) => scope.postMessage(message, buffersOf(message)));
});
