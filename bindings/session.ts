/**
 * The worker's side of a Trainer: owns the WebAssembly instance, the data set and the run, and
 * answers calls. It knows no worker: what it has to say goes to `post`, so that tests can run
 * it in place.
 */

import { kindOf } from './check.js';
import { loadDataset, type Dataset, type DatasetSource } from './dataset.js';
import { KilnError, throwIfAborted, toErrorMessage } from './errors.js';
import { extrasOf, loadExtras } from './extras.js';
import {
  exportCheckpoint, exportFormats, importWeights, isForeign, type ImportedWeights,
} from './formats.js';
import { firstFilters, inspect, netOf, parameters } from './look.js';
import { checkSliceOf, classify, evaluate, longestSilence, predict, type Run } from './measure.js';
import { optionText, type Options, type OptionValue } from './options.js';
import type {
  CallMessage, FromWorker, Params, Result, RunInfo, StateInfo, ToWorker, WorkerEvent,
} from './protocol.js';
import { machineOf } from './run-record.js';
import { Training } from './training.js';
import { turn } from './turn.js';
import type { CheckpointInfo, DataProgress, GradientCheck, Summary } from './types.js';
import { load, type LoadOptions, type Wasm } from './wasm.js';

const DATA_PROGRESS_MS = 100;

type Post = (message: FromWorker, transfer?: ArrayBuffer[]) => void;

/** The present run, and the options that it was given. */
interface Present extends Run { given: Options }

function notationOf(net: unknown): string {
  if (typeof net === 'string') return net;
  throw new KilnError('E_ARG', `net: a text in the arrow notation, not ${kindOf(net)}`);
}

export class Session {
  readonly #post: Post;
  readonly #cancels = new Map<number, AbortController>();
  #wasm: Wasm | null = null;
  #extras: LoadOptions['extras'];
  #run: Present | null = null;
  #runs = 0;
  /** The last call that replaces the run, and resolves whatever became of it. */
  #replacing: Promise<unknown> = Promise.resolve();
  /** For each call that is to replace the run: what was set since it came. */
  readonly #late = new Set<Options>();

  constructor(post: Post) {
    this.#post = post;
  }

  async receive(message: ToWorker): Promise<void> {
    if (message.type === 'ping') return this.#post({ type: 'pong' });
    if (message.type === 'cancel') return this.#cancels.get(message.target)?.abort();
    const { id } = message;
    const cancel = new AbortController();
    this.#cancels.set(id, cancel);
    try {
      const value = await this.#answer(message, cancel.signal);
      this.#post({ type: 'result', id, value }, transfersOf(value));
    } catch (error) {
      this.#post({ type: 'failure', id, error: toErrorMessage(error) });
    } finally {
      this.#cancels.delete(id);
    }
    this.#reportTrap();
  }

  /** A trapped instance is of no more use; the page has to start a new worker. */
  #reportTrap(): void {
    if (!this.#wasm?.broken) return;
    const message = `the WebAssembly instance broke down in ${this.#wasm.broken}`;
    this.#post({ type: 'fatal', error: { code: 'E_TRAP', message } });
  }

  #answer(message: CallMessage, signal: AbortSignal): Promise<unknown> | unknown {
    switch (message.type) {
      case 'open': return this.#replace(() => this.#open(message.params, signal));
      case 'reset': return this.#replace((late) => this.#reset(message.params, late, signal));
      case 'load': return this.#replace((late) => this.#load(message.params, late, signal));
      case 'start': return this.#act((training) => training.start());
      case 'pause': return this.#act((training) => training.pause());
      case 'step': return this.#act((training) => training.step());
      case 'restoreBest': return this.#act((training) => training.restoreBest());
      case 'set': return this.#set(message.params);
      case 'options': return this.#present.training.options();
      case 'parameters': return parameters(this.#present, message.params);
      case 'firstFilters': return firstFilters(this.#present);
      case 'inspect': return inspect(this.#present, message.params);
      case 'evaluate': return evaluate(this.#present, message.params, signal);
      case 'predict': return predict(this.#present, message.params, signal);
      case 'classify': return classify(this.#present, message.params);
      case 'layerTimes': return this.#library.json('kiln_net_profile', netOf(this.#present), 1);
      case 'history': return this.#present.training.history();
      case 'save': return this.#present.training.save(message.params.parametersOnly);
      case 'export': return this.#export(message.params);
      case 'formats': return exportFormats({ extras: this.#extras });
      case 'hash': return this.#library.text('kiln_net_hash', netOf(this.#present));
      case 'receipt': return this.#receipt(signal);
      case 'summarise': return this.#summarise(message.params);
      case 'gradcheck': return this.#gradcheck(message.params.net, signal);
      case 'optionTable': return this.#library.json('kiln_options');
      case 'presets': return this.#library.json('kiln_presets');
      default: {
        const unknown: never = message;
        throw new KilnError('E_PROTOCOL', `unknown call ${JSON.stringify(unknown)}`);
      }
    }
  }

  get #library(): Wasm {
    if (this.#wasm) return this.#wasm;
    throw new KilnError('E_STATE', 'the worker has no library yet: open first');
  }

  get #present(): Present {
    if (this.#run) return this.#run;
    throw new KilnError('E_STATE', 'the worker has no run yet: open first');
  }

  /** Of the moment of the call: the second module comes afterwards. */
  async #export({ format }: Params<'export'>): Promise<Uint8Array> {
    const bytes = await this.#present.training.save();
    return exportCheckpoint(bytes, format, { extras: this.#extras });
  }

  /** Looks at the test images, then has the second module write what the run told. */
  async #receipt(signal: AbortSignal): Promise<string> {
    const run = this.#present;
    const { name: data, hash: dataHash, test } = run.dataset.info;
    const { begin, epochs, done } = run.training.record();
    const end = {
      ...done,
      testAccuracy: test > 0 ? (await evaluate(run, { split: 'test' }, signal)).accuracy : null,
      machine: machineOf(run.wasm.backend.threads),
    };
    const lines = [{ ...begin, data, dataHash }, ...epochs, end];
    const bytes = new TextEncoder().encode(lines.map((line) => JSON.stringify(line)).join('\n'));
    return `${(await loadExtras(this.#extras)).text('kiln_receipt', bytes, bytes.length)}\n`;
  }

  /** Layer by layer: a large net takes its time, and the worker answers in between. */
  async #gradcheck(net: unknown, signal: AbortSignal): Promise<GradientCheck[]> {
    const input = optionText({ input: this.#present.dataset.info.shape });
    const wasm = await loadExtras(this.#extras); // its twins are in double
    const check = wasm.call('kiln_gradcheck_create', notationOf(net), input);
    try {
      const rows: GradientCheck[] = [];
      for (let text; (text = wasm.text('kiln_gradcheck_next', check)) !== '';) {
        rows.push(...JSON.parse(text) as GradientCheck[]);
        await turn();
        throwIfAborted(signal, 'gradcheck');
      }
      return rows;
    } finally {
      if (wasm.broken === null) wasm.call('kiln_gradcheck_destroy', check);
    }
  }

  #summarise({ net, freeze }: { net: unknown; freeze?: string | undefined }): Summary {
    const options = optionText({ input: this.#present.dataset.info.shape, freeze });
    return this.#library.json('kiln_summary', notationOf(net), options);
  }

  // runs

  /** Reading data takes its time: calls that replace the run take effect in the order they came. */
  #replace<T>(make: (late: Options) => Promise<T>): Promise<T> {
    const late: Options = {};
    this.#late.add(late);
    const result = this.#replacing.then(() => make(late)).finally(() => this.#late.delete(late));
    this.#replacing = result.catch(() => {});
    return result;
  }

  async #open({ wasm, data, options }: Params<'open'>, signal: AbortSignal):
    Promise<Result<'open'>> {
    this.#wasm ??= await load({ ...wasm, signal });
    this.#extras = extrasOf(wasm);
    const info = await this.#reset({ options, data }, {}, signal);
    return { ...info, backend: this.#wasm.backend, version: this.#wasm.version };
  }

  /** A new run. Whatever fails, the present one stays as it is. */
  async #reset({ options, data }: Params<'reset'>, late: Options, signal: AbortSignal):
    Promise<RunInfo> {
    const asked = { ...this.#run?.given, ...options };
    const next = data === undefined
      ? this.#present.dataset
      : await this.#read(data, asked, signal);
    try {
      await turn(); // hears of a cancel
      throwIfAborted(signal, 'reset');
      const given = { ...this.#run?.given, ...options, ...late };
      const { net, ...others } = given;
      const text = optionText(net === undefined ? others : { net, ...others });
      return this.#begin(next, given, (wasm) =>
        wasm.call('kiln_trainer_create', next.handle, text));
    } catch (error) {
      if (next !== this.#run?.dataset) next.dispose();
      throw error;
    }
  }

  async #read(data: DatasetSource, options: Options, signal: AbortSignal): Promise<Dataset> {
    let postedAt = -Infinity;
    const onProgress = (progress: DataProgress): void => {
      const now = performance.now();
      if (progress.phase === 'reading' && now - postedAt < DATA_PROGRESS_MS) return;
      postedAt = now;
      this.#emit(this.#runs, progress);
    };
    return loadDataset(this.#library, data, options, { signal, onProgress });
  }

  /**
   * Weights of another program as kiln's: of the net that is asked for, else of the one that the
   * file names, else of the present one.
   */
  async #own(bytes: Uint8Array, asked: OptionValue | undefined): Promise<ImportedWeights> {
    const from = { extras: this.#extras, input: this.#present.dataset.info.shape };
    if (asked !== undefined) return importWeights(bytes, { ...from, net: String(asked) });
    try {
      return await importWeights(bytes, from);
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== 'E_ARG') throw error;
      const { net = '' } = this.#present.training.options();
      return importWeights(bytes, { ...from, net });
    }
  }

  /** What a file holds, and of another program's weights the file that is kiln's. */
  async #look(bytes: Uint8Array, net: OptionValue | undefined):
    Promise<ImportedWeights & { head: CheckpointInfo }> {
    const head = (file: Uint8Array): CheckpointInfo =>
      this.#library.json('kiln_checkpoint_info', file, file.length);
    try {
      return { bytes: bytes as Uint8Array<ArrayBuffer>, table: [], head: head(bytes) };
    } catch (error) {
      if (!isForeign(bytes, error)) throw error;
      const own = await this.#own(bytes, net);
      return { ...own, head: head(own.bytes) };
    }
  }

  /** A checkpoint goes on; weights alone begin a run with the options of the present one. */
  async #load({ bytes: file, options }: Params<'load'>, late: Options, signal: AbortSignal):
    Promise<Result<'load'>> {
    if (kindOf(file) !== 'Uint8Array') {
      throw new KilnError('E_ARG', `load: a checkpoint is a Uint8Array, not ${kindOf(file)}`);
    }
    await turn();
    throwIfAborted(signal, 'load');
    const { bytes, table, head } = await this.#look(file, options['net']);
    throwIfAborted(signal, 'load');
    const { dataset, given } = this.#present;
    const changes = { ...options, ...late };
    const { hasRun, net, normalize } = head;
    const all = hasRun ? changes : { ...given, net, normalize, ...changes };
    const call = hasRun ? 'kiln_trainer_resume' : 'kiln_trainer_begin';
    const info = this.#begin(dataset, hasRun ? null : all, (wasm) =>
      wasm.call(call, dataset.handle, bytes, bytes.length, optionText(all)));
    return { ...info, held: hasRun ? 'run' : 'weights', imported: table };
  }

  /**
   * Puts a trainer that `create` makes, and its data, in the place of the present ones. `given`
   * null: as its options say.
   */
  #begin(dataset: Dataset, given: Options | null, create: (wasm: Wasm) => number): RunInfo {
    const wasm = this.#library;
    const before = this.#run;
    const number = this.#runs + 1;
    const make = (): Present => {
      const handle = create(wasm);
      try {
        const training = new Training(
          wasm, dataset.handle, handle, (event) => this.#emit(number, event));
        const options = training.options();
        const { net = '', batch, freeze } = options;
        const sizes = optionText({ input: dataset.info.shape, batch, freeze });
        const summary = wasm.json<Summary>('kiln_summary', net, sizes);
        training.checkInSlices(checkSliceOf(summary));
        return { wasm, dataset, training, summary, given: given ?? options, replaced: false };
      } catch (error) {
        if (wasm.broken === null) wasm.call('kiln_trainer_destroy', handle);
        throw error;
      }
    };
    const run = before ? before.training.givingWay(make) : make();
    this.#runs = number;
    this.#run = run;
    this.#announce(run);
    if (before) {
      before.replaced = true;
      before.training.dispose();
      if (before.dataset !== dataset) before.dataset.dispose();
    }
    const { training } = run;
    return {
      run: number, dataset: dataset.info, summary: run.summary, options: training.options(),
      given: run.given, state: training.state, metrics: training.metrics(),
    };
  }

  /** A worker that is busy for long is not to be taken for dead. */
  #announce({ summary, training }: Present): void {
    const milliseconds = longestSilence(summary, Number(training.options()['batch']));
    this.#post({ type: 'silence', milliseconds });
  }

  /** Events of a run that was replaced are dropped. */
  #emit(run: number, event: WorkerEvent): void {
    if (run !== this.#runs) return;
    this.#post({ type: 'event', run, event }, transfersOf(event));
    if (event.type === 'error') this.#reportTrap();
  }

  async #act(action: (training: Training) => Promise<void> | void): Promise<StateInfo> {
    const { training } = this.#present;
    await action(training);
    return { state: training.state, metrics: training.metrics() };
  }

  #set({ key, value }: Params<'set'>): Result<'set'> {
    const run = this.#present;
    run.training.set(key, value);
    this.#announce(run);
    run.given = { ...run.given, [key]: value };
    for (const late of this.#late) late[key] = value;
    return { options: run.training.options(), given: run.given };
  }
}

/** The buffers of the arrays in a result, which move to the page instead of being copied. */
function transfersOf(value: unknown, found = new Set<ArrayBuffer>()): ArrayBuffer[] {
  if (ArrayBuffer.isView(value)) {
    if (value.byteLength === value.buffer.byteLength) found.add(value.buffer as ArrayBuffer);
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) transfersOf(part, found);
  }
  return [...found];
}
