/**
 * Training in a worker. Events tell how it goes; every method is a promise that resolves once
 * the worker acted.
 *
 *   const trainer = await Trainer.create({ net, data: 'builtin', epochs: 5 });
 *   trainer.start();
 *   for await (const { step, loss } of trainer) console.log(step, loss);
 */

import { bindMethods } from './bound.js';
import { checkObject, checkSignal, kindOf, listOf } from './check.js';
import type { CallOptions } from './client.js';
import { Connection } from './connection.js';
import type { DatasetSource } from './dataset.js';
import { KilnError } from './errors.js';
import {
  optionKey, optionValue, type Options, type OptionValue, type TrainOptions,
} from './options.js';
import { inlineExtras } from './extras.js';
import type { ExportFormat, FormatInfo, ImportedTensor } from './formats.js';
import { ProgressQueue } from './progress-queue.js';
import type { CallName, Params, Result, RunInfo, StateInfo, WorkerEvent } from './protocol.js';
import { TrainerTarget } from './trainer-events.js';
import {
  keyedOptions, optionsOfInit, optionsOfReset, sendable, type ResetInit, type TrainerInit,
} from './trainer-init.js';
import type {
  Backend, DatasetInfo, EvaluateOptions, Evaluation, GradientCheck, Held, History, Inspection,
  JoinedProgress, KeptCheckpoint, LayerTime, Metrics, NamedTensor, OptionInfo, Prediction, Preset,
  Progress, RunState, Split, Summary, TrainerEvent,
} from './types.js';
import { inlineWasm } from './wasm.js';

export type { TrainerEvents } from './trainer-events.js';
export type { ResetInit, TrainerInit } from './trainer-init.js';

/**
 * A run in a worker of its own, which dispose() ends: every call after it rejects with E_HANDLE.
 * What a trainer hands out are copies.
 */
export class Trainer extends TrainerTarget implements AsyncIterable<JoinedProgress> {
  readonly #init: TrainerInit;
  readonly #connection: Connection;
  readonly #queues = new Set<ProgressQueue>();
  // What the worker said last.
  #data: DatasetSource;
  #options: Options;
  #run = 0;
  #info: RunInfo | null = null;
  #backend: Backend | null = null;
  #state: RunState = 'ready';
  #metrics: Metrics | null = null;
  #failure: KilnError | null = null;
  #kept: KeptCheckpoint | null = null;
  #disposed = false;
  readonly #end = (): void => this.dispose();

  private constructor(init: TrainerInit) {
    super();
    this.#options = optionsOfInit(init);
    checkSignal('create', init.signal);
    this.#init = { ...init };
    this.#data = init.data ?? 'builtin';
    this.#connection = new Connection(this.#init);
    this.#connection.onEvent = (event, run) => this.#hear(event, run);
    this.#connection.onDeath = (error) => this.#fail(error);
    bindMethods(this);
  }

  /**
   * Starts a worker, loads the library, the data set and the net that init names. Rejects with
   * E_ARG, E_NOTATION, E_SHAPE or E_MEMORY for what was asked, E_WORKER_LOAD or E_WASM_LOAD where
   * the files do not come, what reading data may say (Dataset), E_ABORTED. Who gets a trainer
   * disposes of it.
   */
  static async create(init: TrainerInit = {}): Promise<Trainer> {
    const trainer = new Trainer(init);
    try {
      const data = await sendable(trainer.#data);
      await trainer.#open(trainer.#options, data, init.signal);
    } catch (error) {
      trainer.dispose();
      throw error;
    }
    init.signal?.addEventListener('abort', trainer.#end, { once: true });
    if (init.signal?.aborted) trainer.dispose();
    return trainer;
  }

  /** Which build runs, with how many threads, and why. */
  get backend(): Backend {
    return this.#backend!;
  }

  /** The data set of the present run. */
  get dataset(): DatasetInfo {
    return this.#info!.dataset;
  }

  /** Shapes, parameters and costs of the present net. */
  get summary(): Summary {
    return this.#info!.summary;
  }

  /** ready, running, paused, done or failed, as far as is known here. */
  get state(): RunState {
    return this.#state;
  }

  /** After the newest step that is known here; null before the first. */
  get metrics(): Metrics | null {
    return this.#metrics;
  }

  /**
   * A checkpoint that the worker left here while the run went, every 15 s, or 5 s where epochs end:
   * what is left of a run whose worker died, for load() or a file. Null before the first, and after
   * reset() or load(); one that fails leaves it. The bytes are the caller's to keep, not to change.
   */
  get lastCheckpoint(): KeptCheckpoint | null {
    return this.#kept;
  }

  // acting

  /** Trains to the end of the last epoch. E_STATE when the run is over. */
  async start(): Promise<void> {
    await this.#act('start');
  }

  /** Resolves when the run stands still, after the step that was under way. */
  async pause(): Promise<void> {
    await this.#act('pause');
  }

  /** One step; a run that goes is paused. E_DIVERGED, E_STATE when the run is over. */
  async step(): Promise<void> {
    await this.#act('step');
  }

  /**
   * Changes the option `name`, which has to be live (optionTable), to a value, from the next step
   * on, and for a reset that is under way. Resolves to all options. E_ARG.
   */
  async set(name: string, value: OptionValue): Promise<Record<string, string>> {
    if (typeof name !== 'string') {
      throw new KilnError('E_ARG', `set: the name of an option is a text, not ${kindOf(name)}`);
    }
    const params = { key: optionKey(name), value: optionValue(name, value) };
    const { options } = await this.#call('set', params, {
      apply: ({ given }) => { this.#options = given; },
    });
    return options;
  }

  /**
   * A new run in the same worker, with the options of this one but for those that init gives, and
   * the same data set unless one is given. Where it fails, the present run stays as it is. After
   * the worker's death a new one is started. Resets take effect in the order of their calls.
   * Rejects as create() does.
   */
  async reset(init: ResetInit = {}): Promise<void> {
    const options = optionsOfReset(init);
    const { signal } = init;
    const data = init.data === undefined ? undefined : await sendable(init.data);
    while (this.#connection.starting) await this.#connection.starting;
    if (!this.#connection.alive) {
      return this.#open({ ...this.#options, ...options }, data ?? this.#data, signal);
    }
    await this.#call('reset', { options, data }, {
      signal, decides: true, apply: (info) => this.#begin(info, data ?? this.#data),
    });
  }

  /**
   * Goes on where a checkpoint ended, on the present data set; options that are live may be given
   * anew in `options`. Weights alone, as exportParameters() gives them, hold no run: a new one
   * begins with them, with their net and normalisation, the present run's other options, and those
   * in `options`; so does one with another program's weights (importWeights), of the net in
   * `options`, or in the file, or the present one: `imported` then says what went where. Resolves
   * to what the bytes held. Where it fails, the present run stays; after the worker's death a new
   * one is started first. E_CHECKPOINT, E_ARG, E_MEMORY, E_WASM_LOAD. The bytes are copied.
   */
  async load(bytes: Uint8Array, options: TrainOptions = {}): Promise<Held> {
    const params = { bytes, options: keyedOptions('load', options) };
    while (this.#connection.starting) await this.#connection.starting;
    if (!this.#connection.alive) {
      const kept = this.#kept;
      await this.#open(this.#options, this.#data, undefined);
      this.#kept = kept; // until the file turns out to be good
    }
    const { held } = await this.#call('load', params, {
      decides: true, apply: (info) => this.#begin(info, this.#data),
    });
    return held;
  }

  /** What went where as load() began this run with another program's weights; else nothing. */
  get imported(): ImportedTensor[] {
    return this.#info?.imported ?? [];
  }

  /**
   * A checkpoint of the whole run, for load() and the command line: a safetensors file, which is
   * the caller's. E_MEMORY.
   */
  save(): Promise<Uint8Array> {
    return this.#call('save', { parametersOnly: false });
  }

  /** The parameters alone: a safetensors file for other programs, the caller's. E_MEMORY. */
  exportParameters(): Promise<Uint8Array> {
    return this.#call('save', { parametersOnly: true });
  }

  /**
   * The run of this moment as a file of another program, by the names of formats(): the bytes that
   * `kiln export --format` writes of save(). The first one fetches the second module, extras.wasm.
   * E_ARG for an unknown format, or what the format has no words for; E_MEMORY, E_WASM_LOAD.
   */
  export(format: ExportFormat): Promise<Uint8Array> {
    return this.#call('export', { format });
  }

  /** What export() can make, with a sentence each; of extras.wasm, which this fetches. */
  formats(): Promise<FormatInfo[]> {
    return this.#call('formats', {});
  }

  /** What `kiln verify` checks a run by that is over: JSON. Looks at the test images. E_STATE. */
  receipt(): Promise<string> {
    return this.#call('receipt', {});
  }

  /** Puts back the parameters of the best validation accuracy. E_STATE before the first epoch. */
  async restoreBest(): Promise<void> {
    await this.#act('restoreBest');
  }

  /** Ends the worker. What is pending is rejected with E_ABORTED; iterators end. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#init.signal?.removeEventListener('abort', this.#end);
    this.#connection.dispose();
    for (const queue of this.#queues) queue.end();
  }

  // looking: none of these changes the run, or its bits

  /**
   * Copies of all tensors, or of those whose names are given: (F, C, HH, WW), (D, M) or (n). E_ARG.
   */
  async parameters(names?: readonly string[]): Promise<NamedTensor[]> {
    return this.#call('parameters', {
      names: names === undefined ? names : listOf('parameters', 'names', names),
    });
  }

  /** The weights that see pixels, (F, C, HH, WW) or (D, M); null for a net without any. */
  firstFilters(): Promise<NamedTensor | null> {
    return this.#call('firstFilters', {});
  }

  /** Image `index` of a split, or one's own, (C, H, W) bytes, layer by layer: Inspection. */
  inspect(of: Split | Uint8Array, index = 0): Promise<Inspection> {
    return this.#call('inspect', { of, index });
  }

  /**
   * Accuracy, mean loss, confusion over images of a split, by `options`. A run that goes goes on.
   * E_ARG, E_DIVERGED, E_CHECKPOINT, E_DATA; E_ABORTED by the signal, or when a new run begins.
   */
  async evaluate(split: Split, options: EvaluateOptions = {}): Promise<Evaluation> {
    const { signal, ...how } =
      known('evaluate', options, ['count', 'views', 'share', 'signal', 'checkpoint']);
    return this.#call('evaluate', { split, ...how }, { signal });
  }

  /**
   * Probabilities of the classes, label and pixels (C, H, W; 0..255) of the images of a split that
   * indices, from 0, name, in the order asked for; 1, 2, 6 or 10 `views` averaged. E_ARG,
   * E_DIVERGED; E_ABORTED by the signal, or when a new run begins.
   */
  async predict(split: Split, indices: readonly number[],
    options: { views?: number | undefined; signal?: AbortSignal | undefined } = {}):
    Promise<Prediction[]> {
    const { views = 1, signal } = known('predict', options, ['views', 'signal']);
    const params = { split, indices: listOf('predict', 'indices', indices), views };
    return this.#call('predict', params, { signal });
  }

  /**
   * Probabilities (classes), of sum 1, for an image (C, H, W) of bytes, 0..255, which is copied; 1,
   * 2, 6 or 10 `views` averaged. E_SHAPE, E_ARG, E_DIVERGED.
   */
  async classify(image: Uint8Array, options: { views?: number | undefined } = {}):
    Promise<Float32Array> {
    const { views = 1 } = known('classify', options, ['views']);
    return this.#call('classify', { image, views });
  }

  /** Milliseconds by layer since the last call; the first call starts the clocks. */
  layerTimes(): Promise<LayerTime[]> {
    return this.#call('layerTimes', {});
  }

  /** The loss of every step so far, thinned where there are many, and a row an epoch. */
  history(): Promise<History> {
    return this.#call('history', {});
  }

  /** Sixteen hexadecimal digits over the bits of all tensors: equal for equal runs. */
  hash(): Promise<string> {
    return this.#call('hash', {});
  }

  /** The values of all options, by the names of the command line. */
  options(): Promise<Record<string, string>> {
    return this.#call('options', {});
  }

  /** A net on the present images, with the option freeze. E_NOTATION, E_SHAPE, E_MEMORY, E_ARG. */
  summarise(net: string, freeze = 'none'): Promise<Summary> {
    return this.#call('summarise', { net, freeze });
  }

  /**
   * The gradients of each layer of a net against numeric ones in double (central differences, h =
   * 1e-5), on random data, by the second module's simd build. A run that goes goes on meanwhile.
   * E_NOTATION, E_SHAPE, E_MEMORY, E_WASM_LOAD; E_ABORTED by the signal. Source: gradient_check.py.
   */
  async gradcheck(net: string, options: { signal?: AbortSignal | undefined } = {}):
    Promise<GradientCheck[]> {
    const { signal } = known('gradcheck', options, ['signal']);
    return this.#call('gradcheck', { net }, { signal });
  }

  /** All options with their ranges, defaults and help, as the command line has them. */
  optionTable(): Promise<OptionInfo[]> {
    return this.#call('optionTable', {});
  }

  /** The nets of the course and of the page, each with its options. */
  presets(): Promise<Preset[]> {
    return this.#call('presets', {});
  }

  /**
   * Progress until the run is done. A loop whose turns take long gets several events as one
   * (`merged`). Ends with dispose(); throws when the run fails.
   */
  [Symbol.asyncIterator](): AsyncIterator<JoinedProgress, void, undefined> {
    const queue = new ProgressQueue(() => this.#queues.delete(queue));
    this.#queues.add(queue);
    if (this.#disposed || this.#state === 'done') queue.end();
    else if (this.#state === 'failed' && this.#failure) queue.fail(this.#failure);
    return queue;
  }

  // the worker

  #open(options: Options, data: DatasetSource, signal: AbortSignal | undefined): Promise<void> {
    const { variant, threads, poolUrl } = this.#init;
    const { wasmUrl = inlineWasm(), extrasUrl = inlineExtras() } = this.#init;
    const text = <T>(url: T): T | string => kindOf(url) === 'URL' ? String(url) : url;
    const wasm = { variant, threads, wasm: text(wasmUrl), poolUrl: text(poolUrl),
      extras: text(extrasUrl) };
    return this.#connection.start({ wasm, data, options }, (info) => {
      this.#backend = info.backend;
      this.#begin(info, data);
    }, signal);
  }

  async #call<K extends CallName>(type: K, params: Params<K>, options?: CallOptions<Result<K>>):
    Promise<Result<K>> {
    return this.#connection.call(type, params, options);
  }

  async #act(type: 'start' | 'pause' | 'step' | 'restoreBest'): Promise<void> {
    await this.#call(type, {}, { apply: (info) => this.#note(info) });
  }

  #begin(info: RunInfo, data: DatasetSource): void {
    this.#run = info.run;
    this.#info = info;
    this.#data = data;
    this.#options = info.given;
    this.#metrics = info.metrics;
    this.#failure = this.#kept = null;
    this.#enter(info.state);
    this.#dispatch({ type: 'state', state: info.state });
  }

  #note({ state, metrics }: StateInfo): void {
    this.#metrics = metrics;
    this.#enter(state);
  }

  #enter(state: RunState): void {
    this.#state = state;
    this.#connection.busy = state === 'running';
  }

  #hear(event: WorkerEvent, run: number): void {
    // Data are read before their run begins; anything else of another run is of one that was.
    if (event.type !== 'dataprogress' && run !== this.#run) return;
    if (event.type === 'kept') {
      const { bytes, step, epoch } = event;
      this.#kept = { bytes, step, epoch };
      return;
    }
    if (event.type === 'state') this.#note({ metrics: this.#metrics, ...event });
    if (event.type === 'progress') this.#metrics = metricsOf(event);
    if (event.type === 'error') {
      const { code, message } = event;
      this.#enter('failed');
      this.#failure = KilnError.fromMessage({ code: code as KilnError['code'], message });
    }
    this.#dispatch(event);
  }

  #fail(error: KilnError): void {
    this.#enter('failed');
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

function known<T extends object>(where: string, options: T, names: (keyof T & string)[]): T {
  checkObject(where, 'options', options, names);
  return options;
}
