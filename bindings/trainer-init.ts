/** What a Trainer is made from, checked and made ready to go to the worker. */

import { checkObject, kindOf } from './check.js';
import type { DatasetSource } from './dataset.js';
import { KilnError } from './errors.js';
import {
  camelNames, optionKey, OPTION_NAMES, optionValue, type Options, type TrainOptions,
} from './options.js';
import { isBytes, type DataFile } from './sources.js';
import type { WorkerSource } from './start-worker.js';
import type { DataProgress } from './types.js';
import type { LoadOptions } from './wasm.js';

/** An unknown name is an error, in types and when called. */
export interface TrainerInit extends WorkerSource, Omit<TrainOptions, 'net'> {
  /** The architecture in the arrow notation. */
  net?: string | undefined;
  data?: DatasetSource | undefined;
  /**
   * By the names of optionTable(); weightDecay is weight-decay. They may stand beside `net`,
   * too.
   */
  options?: TrainOptions | undefined;
  variant?: LoadOptions['variant'];
  threads?: LoadOptions['threads'];
  wasmUrl?: LoadOptions['wasm'];
  extrasUrl?: LoadOptions['extras'];
  poolUrl?: LoadOptions['poolUrl'];
  /** Ends the start, and later the trainer. */
  signal?: AbortSignal | undefined;
  /** Hears of the data set being read: the trainer's own event comes too late for create(). */
  onDataProgress?: ((progress: DataProgress) => void) | undefined;
  /** Milliseconds without a sign of life after which the worker counts as hung; 60,000 at first. */
  silenceLimit?: number | undefined;
  /** Milliseconds that the worker's start may take; 10,000 at first. */
  startLimit?: number | undefined;
}

/** What reset() may change; what is left out stays as it is. */
export interface ResetInit {
  net?: string | undefined;
  data?: DatasetSource | undefined;
  options?: TrainOptions | undefined;
  /** Asks the worker to give up. The promise tells what came of it: an abort can be too late. */
  signal?: AbortSignal | undefined;
}

const RESET_NAMES = ['net', 'data', 'options', 'signal'];
/** What stands in TrainerInit beside options. */
const INIT_NAMES = [...RESET_NAMES, 'variant', 'threads', 'workerUrl', 'worker', 'wasmUrl',
  'extrasUrl', 'poolUrl', 'onDataProgress', 'silenceLimit', 'startLimit'];

/** The options of a TrainerInit, `net` included: those in `options`, and those beside it. */
export function optionsOfInit(init: TrainerInit): Options {
  checkObject('Trainer', 'init', init, [...INIT_NAMES, ...OPTION_NAMES, ...camelNames()]);
  const beside = Object.entries(init).filter(([name]) => !INIT_NAMES.includes(name));
  const { net, options } = init;
  return { ...keyed(Object.fromEntries(beside) as Options), ...keyedOptions('Trainer', options),
    ...keyed({ net }) };
}

export function optionsOfReset(init: ResetInit): Options {
  checkObject('reset', 'init', init, RESET_NAMES);
  return { ...keyedOptions('reset', init.options), ...keyed({ net: init.net }) };
}

/** By the names of the command line, so that later ones replace earlier ones; checked. */
export function keyedOptions(where: string, options: TrainOptions | undefined): Options {
  checkObject(where, 'options', options, [...OPTION_NAMES, ...camelNames()]);
  return keyed(options ?? {});
}

function keyed(options: Options): Options {
  return Object.fromEntries(Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [optionKey(name), optionValue(name, value!)]));
}

/**
 * A source as it can be posted: plain objects, without a Proxy around them. Node's File objects do
 * not travel to threads: there their bytes do.
 */
export async function sendable(data: DatasetSource): Promise<DatasetSource> {
  if (typeof data !== 'object' || data === null) return data;
  checkObject('data', 'data', data, ['files', 'url', 'stored', 'store']);
  if ('url' in data) return { ...data, url: String(data.url) };
  if (!('files' in data)) return { ...data };
  if (typeof data.files?.[Symbol.iterator] !== 'function') {
    throw new KilnError('E_ARG', `data: files must be a list, not ${kindOf(data.files)}`);
  }
  const inBrowser = typeof Worker !== 'undefined';
  const files = [...data.files].map(async (file): Promise<DataFile> => {
    if (typeof file !== 'object' || file === null) return file; // the worker says what is wrong
    if (isBytes((file as { bytes?: unknown }).bytes)) return { ...file };
    if (inBrowser) return 'blob' in file ? { ...file } : file;
    const blob = 'blob' in file ? file.blob : (file as File);
    if (typeof blob?.arrayBuffer !== 'function') return file;
    return { ...file, name: file.name, bytes: new Uint8Array(await blob.arrayBuffer()) };
  });
  return { ...data, files: await Promise.all(files) };
}
