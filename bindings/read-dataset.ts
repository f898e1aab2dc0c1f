/**
 * Reading a data set from its sources: archives of CIFAR-10 and CIFAR-100, their .bin files, pairs
 * of images and labels of MNIST's kind, kiln sets; packed (gzip) or not.
 */

import type { DatasetSource, LoadHooks } from './dataset.js';
import { KilnError, throwIfAborted, toKilnError } from './errors.js';
import { dataOptionText, type Options } from './options.js';
import {
  fileSource, isBeside, LARGEST_UNPACKED, limited, urlSource, type Source,
} from './sources.js';
import { DatasetWriter, storedSources, type StoredSources } from './storage.js';
import type { DataProgress, DatasetInfo } from './types.js';
import type { Wasm } from './wasm.js';

const HEAD_BYTES = 512; // which tell what a file is
const NONE = new Uint8Array(0);
// Of a file, and what it holds, as C numbers them.
const FILE_GZIP = 1;
const FILE_TAR = 2;
const BY_NAME = -1;
const TRAIN = 0;
const TEST = 2;

/** Reads the files into a data set of the instance; its handle, which the caller then owns. */
export async function readSources(wasm: Wasm, sources: Source[], source: object, options: Options,
  hooks: LoadHooks): Promise<number> {
  const wantsStore = 'store' in source && source.store === true;
  const writer = wantsStore ? await DatasetWriter.begin() : null;
  const reader = new Reader(wasm, sources, writer, hooks);
  try {
    for (const one of sources) await reader.read(one);
    throwIfAborted(hooks.signal, 'reading the data set');
    reader.report('storing');
    wasm.call('kiln_data_finish', reader.handle, dataOptionText(options));
    const { name } = wasm.json<DatasetInfo>('kiln_data_info', reader.handle);
    const note = await writer?.commit(name);
    reader.report('ready', note);
    return reader.handle;
  } catch (error) {
    if (wasm.broken === null) wasm.call('kiln_data_destroy', reader.handle);
    await writer?.discard();
    throw error;
  }
}

export async function openSources(
  source: Exclude<DatasetSource, string>, hooks: LoadHooks): Promise<StoredSources> {
  const alone = (sources: Source[]): StoredSources => ({ sources, close: async () => {} });
  throwIfAborted(hooks.signal, 'reading the data set');
  if (typeof source === 'object' && source !== null) {
    if ('files' in source && source.files.length > 0) {
      const files = [...source.files].map(fileSource).sort((a, b) => (a.name < b.name ? -1 : 1));
      const data = files.filter((file) => !isBeside(file));
      return alone(data.length > 0 ? data : files);
    }
    if ('url' in source) return alone([await urlSource(source.url, hooks.signal)]);
    if ('stored' in source) return storedSources();
  }
  throw new KilnError('E_ARG',
    "data: 'builtin', {files: [...]} with a file at least, {url} or {stored: true}");
}

/** Feeds files to a data set under way. */
class Reader {
  readonly handle: number;
  readonly #wasm: Wasm;
  readonly #writer: DatasetWriter | null;
  readonly #hooks: LoadHooks;
  readonly #total: number | null;
  #loaded = 0;
  #records = 0;

  constructor(wasm: Wasm, sources: Source[], writer: DatasetWriter | null, hooks: LoadHooks) {
    this.#wasm = wasm;
    this.#writer = writer;
    this.#hooks = hooks;
    const sizes = sources.map((source) => source.size);
    this.#total = sizes.includes(null) ? null : sizes.reduce<number>((sum, n) => sum + n!, 0);
    this.handle = wasm.call('kiln_data_create');
  }

  report(phase: DataProgress['phase'], note?: string | null): void {
    this.#hooks.onProgress?.({
      type: 'dataprogress', phase, loaded: this.#loaded, total: this.#total,
      records: this.#records, ...(note ? { note } : {}),
    });
  }

  /** What a file is, its first bytes tell: gzip, tar, or one to be read whole. */
  async read(source: Source): Promise<void> {
    await this.#read(source, this.#counted(source));
  }

  /** Packed files are read as what they unpack to, under their name without .gz. */
  async #read(source: Source, pieces: AsyncGenerator<Uint8Array>): Promise<void> {
    const { head, all } = await peek(pieces, HEAD_BYTES);
    if (head.length === 0) throw new KilnError('E_DATA', `${source.name}: the file is empty`);
    const kind = await this.#kind(source, head, all);
    if (kind === FILE_GZIP) {
      const { gunzip } = await inflater();
      const unpacked = limited(source.name, LARGEST_UNPACKED, gunzip(source.name, all));
      const name = source.name.replace(/\.gz$/, '');
      await this.#read({ ...source, name, size: null }, unpacked);
    } else if (kind === FILE_TAR) {
      await this.#feed(all);
    } else {
      const bytes = await collect(source, all);
      const holds = source.split === undefined ? BY_NAME : source.split === 'test' ? TEST : TRAIN;
      this.#wasm.call('kiln_data_add_file', this.handle, source.name, bytes, bytes.length, holds);
      this.#records = this.#wasm.call('kiln_data_feed_tar', this.handle, NONE, 0);
      this.report('reading');
    }
  }

  /** As C tells it; what is nothing that can be read is not read on. */
  async #kind(source: Source, head: Uint8Array, all: AsyncGenerator<Uint8Array>): Promise<number> {
    try {
      return this.#wasm.call('kiln_data_kind', source.name, head, head.length, source.size ?? -1);
    } catch (error) {
      await all.return(undefined);
      throw error;
    }
  }

  async #feed(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const before = this.#records;
    for await (const piece of pieces) {
      const records = this.#wasm.call('kiln_data_feed_tar', this.handle, piece, piece.length);
      this.#records = Math.max(before, records);
    }
  }

  /** Counts and keeps what goes by. */
  async *#counted(source: Source): AsyncGenerator<Uint8Array> {
    await this.#writer?.startFile(source.name, source.split);
    for await (const piece of source.pieces(this.#hooks.signal)) {
      throwIfAborted(this.#hooks.signal, `reading ${source.name}`);
      this.#writer?.write(piece);
      this.#loaded += piece.length;
      this.report('reading');
      yield piece;
    }
    this.#writer?.endFile();
  }
}

/** Comes with the first archive: it would be a third of what a worker loads to start. */
async function inflater(): Promise<typeof import('./gunzip.js')> {
  try {
    return await import('./gunzip.js');
  } catch (error) {
    throw toKilnError(error, 'E_WORKER_LOAD', 'the part that unpacks archives did not load');
  }
}

/** At least the first n bytes, where there are so many, and an iterator over everything. */
async function peek(pieces: AsyncGenerator<Uint8Array>, n: number):
  Promise<{ head: Uint8Array; all: AsyncGenerator<Uint8Array> }> {
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < n) {
    const next = await pieces.next();
    if (next.done) break;
    first.push(next.value);
    size += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* first;
    yield* pieces;
  }
  return { head: join(first).subarray(0, n), all: all() };
}

async function collect(source: Source, all: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of all) {
    size += piece.length;
    if (size > LARGEST_UNPACKED) {
      throw new KilnError('E_DATA', `${source.name}: larger than a file of a data set ` +
        `(${LARGEST_UNPACKED} bytes)`);
    }
    pieces.push(piece);
  }
  return join(pieces);
}

function join(pieces: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
