/**
 * Data sets in the library's memory: the built-in set, or CIFAR-10 from the official archive,
 * its unpacked tar or its .bin files, wherever they come from.
 */

import { bindMethods } from './bound.js';
import { checkCount, checkObject, checkSignal } from './check.js';
import { KilnError, throwIfAborted, toKilnError } from './errors.js';
import { instance, ready } from './instance.js';
import { optionText, pickOptions, type Options } from './options.js';
import {
  fileSource, isBeside, LARGEST_UNPACKED, limited, urlSource, type DataFile, type Source,
} from './sources.js';
import { DatasetWriter, storedSources, type StoredSources } from './storage.js';
import { sizeOf } from './tensor.js';
import { turn } from './turn.js';
import type { DataProgress, DatasetInfo, Split, Tensor } from './types.js';
import { fills, type Wasm } from './wasm.js';

/**
 * store: keep it in the browser's private storage (workers only), for {stored: true} at the
 * next visit.
 */
export type DatasetSource =
  | 'builtin'
  | { files: readonly DataFile[]; store?: boolean }
  | { url: string | URL; store?: boolean }
  | { stored: true };

/** An unknown name is an error, in types and when called. */
export interface DatasetOptions {
  /** At most so many images of each split; CIFAR-10's standard is 49,000, 1,000 and 10,000. */
  train?: number | undefined;
  validation?: number | undefined;
  test?: number | undefined;
  /** Of the built-in set. */
  dataSeed?: number | undefined;
}

/** What may accompany a reading: a signal that ends it (E_ABORTED), and who hears how far it is. */
export interface LoadHooks {
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DataProgress) => void) | undefined;
}

/**
 * channel: each by its mean and deviation; mean-image: minus the mean training image; none: 0..255.
 */
export type Normalisation = 'channel' | 'mean-image' | 'none';

/** As C numbers them. */
export const SPLITS: Record<Split, number> = { train: 0, validation: 1, test: 2 };

const RECORD_BYTES = 3073; // a label and 3x32x32 pixels
const LARGEST_BATCH_FILE = 10_000 * RECORD_BYTES;
const DRAWN_AT_ONCE = 512; // images: a tenth of a second, about
// Of a file, and what it holds, as C numbers them.
const FILE_GZIP = 1;
const FILE_TAR = 2;
const BY_NAME = -1;
const SPLIT_KEYS = ['train', 'validation', 'test'];

/**
 * A data set in the library's memory, in the caller's thread: it works at once. Results are copies.
 * It owns its memory until dispose(); afterwards every method throws E_HANDLE.
 */
export class Dataset {
  /** Its classes, numbers of images, shape, and means and deviations of a channel, in 0..255. */
  readonly info: DatasetInfo;
  readonly #wasm: Wasm;
  #handle: number | null;

  /**
   * Not for users: see load(). The data set of a handle of this wasm, which the object then owns.
   */
  constructor(wasm: Wasm, handle: number) {
    this.#wasm = wasm;
    this.#handle = handle;
    this.info = wasm.json('kiln_data_info', handle);
    bindMethods(this);
  }

  /**
   * Reads a data set from its source into the shared instance, which is loaded where that is still
   * to be done. options: numbers of images; hooks: a signal, and onProgress. The source's bytes are
   * not kept. E_DATA for a file that is none of CIFAR-10's, E_SPLIT for one whose name does not say
   * what it holds, E_FETCH, E_STORAGE, E_MEMORY, E_ARG, E_WASM_LOAD, E_ABORTED.
   */
  static async load(
    source: DatasetSource, options: DatasetOptions = {}, hooks: LoadHooks = {}): Promise<Dataset> {
    checkObject('data', 'options', options, [...SPLIT_KEYS, 'dataSeed', 'data-seed']);
    checkObject('data', 'hooks', hooks, ['signal', 'onProgress']);
    checkSignal('data', hooks.signal);
    await ready();
    return loadDataset(instance(), source, { ...options }, hooks);
  }

  /**
   * The procedural ten-class set; options: its numbers of images (8000, 1000, 1000) and dataSeed
   * (1). E_ARG, E_MEMORY, E_WASM_LOAD.
   */
  static builtin(options: DatasetOptions = {}): Promise<Dataset> {
    return Dataset.load('builtin', options);
  }

  /** load() from files: the archive, or .bin files; options, hooks and errors as there. */
  static fromFiles(files: readonly DataFile[], options: DatasetOptions = {},
    hooks: LoadHooks = {}): Promise<Dataset> {
    return Dataset.load({ files }, options, hooks);
  }

  /** load() from the url of an archive or of a .bin file; options, hooks and errors as there. */
  static fromUrl(url: string | URL, options: DatasetOptions = {},
    hooks: LoadHooks = {}): Promise<Dataset> {
    return Dataset.load({ url }, options, hooks);
  }

  /** The library's handle; throws once disposed. */
  get handle(): number {
    if (this.#handle !== null) return this.#handle;
    throw new KilnError('E_HANDLE', 'this Dataset was disposed');
  }

  /** Pixels (C, H, W), 0..255, and label of one image; index from 0, of a split. E_ARG. */
  image(split: Split, index: number): { label: number; image: Uint8Array } {
    const image = new Uint8Array(sizeOf(this.info.shape));
    checkCount('image', 'index', index, 0);
    const label = this.#wasm.call(
      'kiln_data_image', this.handle, splitNumber(split), index, fills(image));
    return { label, image };
  }

  /**
   * Images first .. first + n - 1 of a split as a net sees them, x (n, C, H, W), by normalize, and
   * their labels y (n). E_ARG for images that are not there. Source: the course's data_utils.py,
   * get_CIFAR10_data.
   */
  batch(split: Split, first: number, n: number,
    { normalize = 'channel' }: { normalize?: Normalisation } = {}): { x: Tensor; y: Int32Array } {
    checkCount('batch', 'first', first, 0);
    checkCount('batch', 'n', n);
    if (first + n > this.info[splitName(split)]) {
      throw new KilnError('E_ARG', `batch: images ${first} to ${first + n - 1} of ${split}, ` +
        `which has ${this.info[split]}`);
    }
    const shape = [n, ...this.info.shape];
    const data = new Float32Array(sizeOf(shape));
    const y = new Int32Array(n);
    this.#wasm.call('kiln_data_batch', this.handle, splitNumber(split), first, n,
      optionText({ normalize }), fills(data), fills(y));
    return { x: { data, shape }, y };
  }

  /**
   * k nearest neighbours on raw pixels, by Euclidean distance: `test` test images from `first` on,
   * 0 unless it is given, by the first `train` training images; k in 1..train. predictions (test)
   * are labels, accuracy is in 0..1. It works at once, in the caller's thread: five million pairs
   * take some seconds, and who must answer meanwhile asks for a few test images at a time. E_ARG.
   * Source: cs231n, k_nearest_neighbor.py.
   */
  knn({ k = 5, train, test, first = 0 }:
    { k?: number; train: number; test: number; first?: number }):
    { correct: number; accuracy: number; predictions: Int32Array } {
    checkCount('knn', 'k', k);
    checkCount('knn', 'train', train);
    checkCount('knn', 'test', test);
    checkCount('knn', 'first', first, 0);
    if (first + test > this.info.test) {
      throw new KilnError('E_ARG',
        `knn: there are ${this.info.test} test images, not ${first + test}`);
    }
    const predictions = new Int32Array(test);
    const correct = this.#wasm.call(
      'kiln_data_knn', this.handle, k, train, first, test, fills(predictions));
    return { correct, accuracy: correct / test, predictions };
  }

  /** Gives the memory back. Calling it twice is fine; anything else afterwards throws. */
  dispose(): void {
    const handle = this.#handle;
    this.#handle = null;
    if (handle !== null && this.#wasm.broken === null) {
      this.#wasm.call('kiln_data_destroy', handle);
    }
  }
}

export function splitName(split: Split): Split {
  if (Object.hasOwn(SPLITS, split)) return split;
  throw new KilnError('E_ARG', `split: train, validation or test, not ${String(split)}`);
}

export function splitNumber(split: Split): number {
  return SPLITS[splitName(split)];
}

/** Reads a data set into an instance. Of the options only those of data sets are looked at. */
export async function loadDataset(wasm: Wasm, source: DatasetSource, options: Options,
  hooks: LoadHooks = {}): Promise<Dataset> {
  if (source === 'builtin') return drawDataset(wasm, options, hooks);
  const { sources, close } = await openSources(source, hooks);
  try {
    return await readDataset(wasm, sources, source, options, hooks);
  } finally {
    await close();
  }
}

/** The built-in set, in slices. */
async function drawDataset(wasm: Wasm, options: Options, { signal }: LoadHooks): Promise<Dataset> {
  const text = optionText(pickOptions(options, [...SPLIT_KEYS, 'data-seed']));
  const handle = wasm.call('kiln_data_builtin_create', text);
  try {
    while (wasm.call('kiln_data_builtin_draw', handle, DRAWN_AT_ONCE) > 0) {
      await turn();
      throwIfAborted(signal, 'drawing the built-in images');
    }
    return new Dataset(wasm, handle);
  } catch (error) {
    if (wasm.broken === null) wasm.call('kiln_data_destroy', handle);
    throw error;
  }
}

async function readDataset(wasm: Wasm, sources: Source[], source: object, options: Options,
  hooks: LoadHooks): Promise<Dataset> {
  const wantsStore = 'store' in source && source.store === true;
  const writer = wantsStore ? await DatasetWriter.begin() : null;
  const reader = new Reader(wasm, sources, writer, hooks);
  try {
    for (const one of sources) await reader.read(one);
    throwIfAborted(hooks.signal, 'reading the data set');
    reader.report('storing');
    const text = optionText(pickOptions(options, SPLIT_KEYS));
    wasm.call('kiln_data_finish', reader.handle, text);
    const dataset = new Dataset(wasm, reader.handle);
    const note = await writer?.commit(dataset.info.name);
    reader.report('ready', note);
    return dataset;
  } catch (error) {
    if (wasm.broken === null) wasm.call('kiln_data_destroy', reader.handle);
    await writer?.discard();
    throw error;
  }
}

async function openSources(
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

  /** What a file is, its first bytes tell: gzip, tar, or the records of a .bin file. */
  async read(source: Source): Promise<void> {
    const pieces = this.#counted(source);
    const { head, all } = await peek(pieces, 512);
    if (head.length === 0) throw new KilnError('E_DATA', `${source.name}: the file is empty`);
    const kind = await this.#kind(source, head, all);
    if (kind === FILE_GZIP) {
      const { gunzip } = await inflater();
      await this.#feed(limited(source.name, LARGEST_UNPACKED, gunzip(source.name, all)));
    } else if (kind === FILE_TAR) {
      await this.#feed(all);
    } else {
      const bytes = await collect(source, all);
      const holds = source.split === undefined ? BY_NAME : splitNumber(source.split);
      this.#wasm.call('kiln_data_add_file', this.handle, source.name, bytes, bytes.length, holds);
      this.#records += Math.floor(bytes.length / RECORD_BYTES);
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
    if (size > LARGEST_BATCH_FILE) {
      throw new KilnError('E_DATA', `${source.name}: larger than a batch file of CIFAR-10 ` +
        `(${LARGEST_BATCH_FILE} bytes), and neither gzip nor tar`);
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
