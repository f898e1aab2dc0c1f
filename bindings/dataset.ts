/**
 * Data sets in the library's memory: the built-in set, or one from files, wherever they come from
 * (read-dataset.ts).
 */

import { bindMethods } from './bound.js';
import { checkCount, checkObject, checkSignal } from './check.js';
import { KilnError, throwIfAborted, toKilnError } from './errors.js';
import { instance, ready } from './instance.js';
import { DATA_KEYS, dataOptionText, optionText, type Options } from './options.js';
import type { DataFile } from './sources.js';
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
  /** Of the built-in set, and of splitting a kiln set that is not split. */
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

const DRAWN_AT_ONCE = 512; // images: a tenth of a second, about

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
   * not kept. E_DATA for a file that is none of a data set, E_SPLIT for one whose name does not say
   * what it holds, E_FETCH, E_STORAGE, E_MEMORY, E_ARG, E_WASM_LOAD, E_ABORTED.
   */
  static async load(
    source: DatasetSource, options: DatasetOptions = {}, hooks: LoadHooks = {}): Promise<Dataset> {
    checkObject('data', 'options', options, [...DATA_KEYS, 'dataSeed']);
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

  /**
   * load() from files: the archive of CIFAR-10 or CIFAR-100, their .bin files, MNIST's pairs of
   * images and labels, packed or not, or a kiln set; options, hooks and errors as there.
   */
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
  const { openSources, readSources } = await reader();
  const { sources, close } = await openSources(source, hooks);
  try {
    const handle = await readSources(wasm, sources, source, options, hooks);
    return new Dataset(wasm, handle);
  } finally {
    await close();
  }
}

/** Comes with the first files: a worker that draws its images is a fifth smaller without it. */
async function reader(): Promise<typeof import('./read-dataset.js')> {
  try {
    return await import('./read-dataset.js');
  } catch (error) {
    throw toKilnError(error, 'E_WORKER_LOAD', 'the part that reads data sets did not load');
  }
}

/** The built-in set, in slices. */
async function drawDataset(wasm: Wasm, options: Options, { signal }: LoadHooks): Promise<Dataset> {
  const handle = wasm.call('kiln_data_builtin_create', dataOptionText(options));
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
