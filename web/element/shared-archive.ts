/** Archives that the elements of a page have in common: fetched once, kept while the page is. */

import { urlSource, type DataFile } from '../../bindings/sources.js';

const archives = new Map<string, Promise<DataFile>>();

export function archiveOf(address: string): Promise<DataFile> {
  let archive = archives.get(address);
  if (!archive) {
    archive = fetchArchive(address);
    archives.set(address, archive);
    archive.catch(() => archives.delete(address)); // who tries again may have more luck
  }
  return archive;
}

/** Workers are given a Blob, which is not copied. */
async function fetchArchive(address: string): Promise<DataFile> {
  const source = await urlSource(address, undefined);
  const pieces: BlobPart[] = [];
  for await (const piece of source.pieces(undefined)) pieces.push(piece as Uint8Array<ArrayBuffer>);
  return { name: source.name, blob: new Blob(pieces) };
}
