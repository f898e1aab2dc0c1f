/**
 * Training in a worker. Events tell how it goes; every method is a promise that resolves once
 * the worker acted.
 *
 *   const trainer = await Trainer.create({ net, data: 'builtin', epochs: 5 });
 *   trainer.start();
 *   for await (const { step, loss } of trainer) console.log(step, loss);
 */

import { kindOf } from './check.js';
import { WorkerClient, type CallOptions } from './client.js';
import type { DatasetSource } from './dataset.js';
import { KilnError } from './errors.js';
import { optionKey, optionValue, type Options, type OptionValue } from './options.js';
import { ProgressQueue } from './progress-queue.js';
import type { CallName, Params, Result, RunInfo, StateInfo } from './protocol.js';
import type { WorkerSource } from './start-worker.js';
import type {
  Backend, DataProgress, DatasetInfo, EpochEvent, ErrorEvent_, Evaluation, GradientCheck, History,
  Inspection, LayerTime, Metrics, NamedTensor, OptionInfo, Prediction, Preset, Progress, RunState,
  Split, StateEvent, Summary, TrainerEvent,
} from './types.js';
import { inlineWasm, type LoadOptions } from './wasm.js';

export interface TrainerInit extends WorkerSource {
  /** The architecture in the arrow notation. */
  net?: string | undefined;
  data?: DatasetSource | undefined;
  /**
   * By the names of optionTable(); weightDecay is weight-decay. They may stand beside `net`,
   * too.
   */
  options?: Options | undefined;
  variant?: LoadOptions['variant'];
  threads?: LoadOptions['threads'];
  wasmUrl?: LoadOptions['wasm'];
  poolUrl?: LoadOptions['poolUrl'];
  /** Ends the start, and later the trainer. */
  signal?: AbortSignal | undefined;
  /** Hears of the data set being read: the trainer's own event comes too late for create(). */
  onDataProgress?: ((progress: DataProgress) => void) | undefined;
  /** See client.ts. */
  silenceLimit?: number | undefined;
  startLimit?: number | undefined;
  [option: string]: unknown;
}

export interface ResetInit {
  net?: string | undefined;
  data?: DatasetSource | undefined;
  options?: Options | undefined;
  signal?: AbortSignal | undefined;
}

/** Every event is a CustomEvent with this in `detail`. */
export interface TrainerEvents {
  progress: Progress;
  epoch: EpochEvent;
  state: StateEvent;
  error: ErrorEvent_;
  dataprogress: DataProgress;
}

type Listener<K extends keyof TrainerEvents> = (event: CustomEvent<TrainerEvents[K]>) => void;

/** EventTarget, with the types of these events. */
interface TrainerTarget {
  addEventListener<K extends keyof TrainerEvents>(
    type: K, listener: Listener<K>, options?: AddEventListenerOptions | boolean): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean): void;
  removeEventListener<K extends keyof TrainerEvents>(
    type: K, listener: Listener<K>, options?: EventListenerOptions | boolean): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null,
    options?: EventListenerOptions | boolean): void;
  dispatchEvent(event: Event): boolean;
}
const TrainerTarget = EventTarget as unknown as new () => TrainerTarget;

/** What stands in TrainerInit beside options. */
const INIT_KEYS = ['net', 'data', 'options', 'variant', 'threads', 'workerUrl', 'worker', 'wasmUrl',
  'poolUrl', 'signal', 'onDataProgress', 'silenceLimit', 'startLimit'];

export class Trainer extends TrainerTarget implements AsyncIterable<Progress> {
  readonly #init: TrainerInit;
  readonly #queues = new Set<ProgressQueue>();
  #client: WorkerClient | null = null;
  #data: DatasetSource;
  #options: Options;
  #run = 0;
  #info: RunInfo | null = null;
  #backend: Backend | null = null;
  #state: RunState = 'ready';
  #metrics: Metrics | null = null;
  #failure: KilnError | null = null;
  #disposed = false;

  private constructor(init: TrainerInit) {
    super();
    this.#init = init;
    this.#data = init.data ?? 'builtin';
    this.#options = { ...optionsOf(init), ...(init.net === undefined ? {} : { net: init.net }) };
  }

  /** Starts a worker, loads the library, the data set and the net. */
  static async create(init: TrainerInit = {}): Promise<Trainer> {
    const trainer = new Trainer(init);
    try {
      await trainer.#open(init.signal);
    } catch (error) {
      trainer.dispose();
      throw error;
    }
    init.signal?.addEventListener('abort', () => trainer.dispose(), { once: true });
    return trainer;
  }

  get backend(): Backend {
    return this.#backend!;
  }

  get dataset(): DatasetInfo {
    return this.#info!.dataset;
  }

  get summary(): Summary {
    return this.#info!.summary;
  }

  get state(): RunState {
    return this.#state;
  }

  /** After the newest step that is known here; null before the first. */
  get metrics(): Metrics | null {
    return this.#metrics;
  }

  // acting

  async start(): Promise<void> {
    this.#note(await this.#call('start', {}));
  }

  async pause(): Promise<void> {
    this.#note(await this.#call('pause', {}));
  }

  /** One step; a run that goes is paused. */
  async step(): Promise<void> {
    this.#note(await this.#call('step', {}));
  }

  /**
   * Changes an option that is live (optionTable), from the next step on. Resolves to all
   * options.
   */
  async set(name: string, value: OptionValue): Promise<Record<string, string>> {
    const key = optionKey(name);
    const values = await this.#call('set', { key, value: optionValue(name, value) });
    this.#options = { ...this.#options, [key]: value };
    return values;
  }

  /**
   * A new run in the same worker, with the options of this one but for those given, and the
   * same data set unless one is given. Where it fails, the present run stays as it is. After
   * the worker's death a new one is started.
   */
  async reset(init: ResetInit = {}): Promise<void> {
    const options = { ...this.#options, ...keyed(init.options ?? {}) };
    if (init.net !== undefined) options['net'] = init.net;
    const data = init.data ?? this.#data;
    if (this.#client?.death && !this.#disposed) {
      this.#options = options;
      this.#data = data;
      return this.#open(init.signal);
    }
    const given = init.data === undefined ? undefined : await sendable(init.data);
    const call = this.#call('reset', { options, data: given }, { signal: init.signal });
    this.#begin(await call);
    this.#options = options;
    this.#data = data;
  }

  /**
   * Goes on where a checkpoint ended, on the present data set. Options that are live may be
   * given anew.
   */
  async load(bytes: Uint8Array, options: Options = {}): Promise<void> {
    const info = await this.#call('load', { bytes, options: keyed(options) });
    this.#options = { ...info.options };
    this.#begin(info);
  }

  /** A checkpoint of the whole run: a safetensors file. */
  save(): Promise<Uint8Array> {
    return this.#call('save', { parametersOnly: false });
  }

  /** The parameters alone: a safetensors file for other programs. */
  exportParameters(): Promise<Uint8Array> {
    return this.#call('save', { parametersOnly: true });
  }

  /** Puts back the parameters of the best validation accuracy. */
  async restoreBest(): Promise<void> {
    this.#note(await this.#call('restoreBest', {}));
  }

  /** Ends the worker. What is pending is rejected with E_ABORTED; iterators end. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#client?.terminate();
    for (const queue of this.#queues) queue.end();
  }

  // looking

  /** All tensors, or those named. */
  parameters(names?: readonly string[]): Promise<NamedTensor[]> {
    return this.#call('parameters', { names });
  }

  /** The weights that see pixels; null for a net without any. */
  firstFilters(): Promise<NamedTensor | null> {
    return this.#call('firstFilters', {});
  }

  /** Outputs and gradients of every layer for one image. */
  inspect(split: Split, index: number): Promise<Inspection> {
    return this.#call('inspect', { split, index });
  }

  /** The first `count` images of a split, all at first. A run that goes goes on meanwhile. */
  evaluate(split: Split, { count, views = 1, signal }: {
    count?: number; views?: number; signal?: AbortSignal } = {}): Promise<Evaluation> {
    return this.#call('evaluate', { split, count, views }, { signal });
  }

  predict(split: Split, indices: readonly number[], { views = 1 } = {}): Promise<Prediction[]> {
    return this.#call('predict', { split, indices: [...indices], views });
  }

  /** Probabilities of the classes for an image (C, H, W) of bytes. */
  classify(image: Uint8Array, { views = 1 } = {}): Promise<Float32Array> {
    return this.#call('classify', { image, views });
  }

  /** Milliseconds by layer since the last call; the first call starts the clocks. */
  layerTimes(): Promise<LayerTime[]> {
    return this.#call('layerTimes', {});
  }

  history(): Promise<History> {
    return this.#call('history', {});
  }

  /** Sixteen hexadecimal digits over the bits of all tensors. */
  hash(): Promise<string> {
    return this.#call('hash', {});
  }

  options(): Promise<Record<string, string>> {
    return this.#call('options', {});
  }

  summarise(net: string): Promise<Summary> {
    return this.#call('summarise', { net });
  }

  gradcheck(net: string): Promise<GradientCheck[]> {
    return this.#call('gradcheck', { net });
  }

  optionTable(): Promise<OptionInfo[]> {
    return this.#call('optionTable', {});
  }

  presets(): Promise<Preset[]> {
    return this.#call('presets', {});
  }

  /** Progress until the run is done. Ends with dispose(); throws when the run fails. */
  [Symbol.asyncIterator](): AsyncIterator<Progress, void, undefined> {
    const queue = new ProgressQueue(() => this.#queues.delete(queue));
    this.#queues.add(queue);
    if (this.#disposed || this.#state === 'done') queue.end();
    else if (this.#state === 'failed' && this.#failure) queue.fail(this.#failure);
    return queue;
  }

  // the worker

  async #open(signal: AbortSignal | undefined): Promise<void> {
    const { variant, threads, poolUrl, wasmUrl = inlineWasm() } = this.#init;
    const client = await WorkerClient.start({ ...this.#init, signal });
    this.#client = client;
    client.onEvent = (event, run) => this.#hear(event, run);
    client.onDeath = (error) => this.#fail(error);
    if (this.#disposed) client.terminate();
    const data = await sendable(this.#data);
    const text = <T>(url: T): T | string => kindOf(url) === 'URL' ? String(url) : url;
    const wasm = { variant, threads, wasm: text(wasmUrl), poolUrl: text(poolUrl) };
    const info = await client.call('open', { wasm, data, options: this.#options }, { signal });
    this.#backend = info.backend;
    this.#begin(info);
  }

  #call<K extends CallName>(type: K, params: Params<K>, options?: CallOptions):
    Promise<Result<K>> {
    if (this.#disposed) {
      return Promise.reject(new KilnError('E_HANDLE', 'this Trainer was disposed'));
    }
    return this.#client!.call(type, params, options);
  }

  #begin(info: RunInfo): void {
    this.#run = info.run;
    this.#info = info;
    this.#metrics = info.metrics;
    this.#state = info.state;
    this.#failure = null;
    this.#dispatch({ type: 'state', state: info.state });
  }

  #note({ state, metrics }: StateInfo): void {
    this.#state = state;
    this.#metrics = metrics;
  }

  #hear(event: TrainerEvent, run: number): void {
    if (run !== this.#run) return; // of a run that is no more
    if (event.type === 'state') this.#state = event.state;
    if (event.type === 'progress') this.#metrics = metricsOf(event);
    if (event.type === 'error') {
      const { code, message } = event;
      this.#state = 'failed';
      this.#failure = KilnError.fromMessage({ code: code as KilnError['code'], message });
    }
    this.#dispatch(event);
  }

  #fail(error: KilnError): void {
    this.#state = 'failed';
    this.#failure = error;
    this.#dispatch({ type: 'error', code: error.code, message: error.message });
    this.#dispatch({ type: 'state', state: 'failed' });
  }

  #dispatch(event: TrainerEvent): void {
    for (const queue of this.#queues) {
      if (event.type === 'progress') queue.push(event);
      else if (event.type === 'state' && event.state === 'done') queue.end();
      else if (event.type === 'error') queue.fail(this.#failure!);
    }
    if (event.type === 'dataprogress') this.#init.onDataProgress?.(event);
    this.dispatchEvent(new CustomEvent(event.type, { detail: event }));
  }
}

function metricsOf({ type: _, points: __, imagesPerSecond: ___, eta: ____, ...metrics }: Progress):
  Metrics {
  return metrics;
}

/** The options beside `net`, and those in `options`. */
function optionsOf(init: TrainerInit): Options {
  const beside = Object.entries(init).filter(([name]) => !INIT_KEYS.includes(name));
  return keyed({ ...(Object.fromEntries(beside) as Options), ...init.options });
}

/** By the names of the command line, so that later ones replace earlier ones; checked. */
function keyed(options: Options): Options {
  return Object.fromEntries(Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [optionKey(name), optionValue(name, value!)]));
}

/** Node's File objects do not travel to threads: there their bytes do. */
async function sendable(data: DatasetSource): Promise<DatasetSource> {
  if (typeof data !== 'object' || data === null) return data;
  if ('url' in data) return { ...data, url: String(data.url) };
  if (!('files' in data) || typeof Worker !== 'undefined') return data;
  const files = [...data.files].map(async (file) => {
    if ('bytes' in file && kindOf(file.bytes) === 'Uint8Array') return file;
    const blob = 'blob' in file ? file.blob : (file as File);
    return { name: file.name, bytes: new Uint8Array(await blob.arrayBuffer()) };
  });
  return { ...data, files: await Promise.all(files) };
}
