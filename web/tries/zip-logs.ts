/** Logs of runs in a zip, a file each. */

import {
  configure, TextReader, Uint8ArrayWriter, ZipWriter,
} from '@zip.js/zip.js/lib/zip-core-native.js';

configure({ useWebWorkers: false }); // logs are small

export async function zipOf(
  files: readonly { name: string; text: string }[],
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new ZipWriter(new Uint8ArrayWriter());
  for (const { name, text } of files) await writer.add(name, new TextReader(text));
  return (await writer.close()) as Uint8Array<ArrayBuffer>;
}
