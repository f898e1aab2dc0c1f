/**
 * The worker's side of a Trainer: owns the WebAssembly instance, the data set and the run, and
 * answers calls. It knows no worker: what it has to say goes to `post`, so that tests can run
 * it in place.
 */

import { checkCount, kindOf } from './check.js';
import { loadDataset, splitNumber, type Dataset, type DatasetSource } from './dataset.js';
import { KilnError, throwIfAborted, toErrorMessage } from './errors.js';
import { optionText, type Options } from './options.js';
import type {
  CallMessage, FromWorker, Params, Result, RunInfo, StateInfo, ToWorker,
} from './protocol.js';
import { sizeOf } from './tensor.js';
import { Training, turn } from './training.js';
import type { DataProgress, NamedTensor, Summary, TensorInfo, TrainerEvent } from './types.js';
import { fills, load, updates, type Wasm } from './wasm.js';

/** Images between two looks at the messages, while the run may be going on. */
const EVALUATE_SLICE = 50;
const DATA_PROGRESS_MS = 100;

type Post = (message: FromWorker, transfer?: Transferable[]) => void;

/** A run and what it stands on. */
interface Run { number: number; training: Training; summary: Summary; input: string }

export class Session {
  readonly #post: Post;
  readonly #cancels = new Map<number, AbortController>();
  #wasm: Wasm | null = null;
  #dataset: Dataset | null = null;
  #run: Run | null = null;
  #runs = 0;
  /** The last call that replaces the run, and resolves whatever became of it. */
  #replacing: Promise<unknown> = Promise.resolve();

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
      case 'open': return this.#inOrder(() => this.#open(message.params, signal));
      case 'reset': return this.#inOrder(() => this.#reset(message.params, signal));
      case 'load': return this.#inOrder(() => this.#load(message.params));
      case 'start': return this.#act((training) => training.start());
      case 'pause': return this.#act((training) => training.pause());
      case 'step': return this.#act((training) => training.step());
      case 'restoreBest': return this.#act((training) => training.restoreBest());
      case 'set': return this.#set(message.params);
      case 'options': return this.#training.options();
      case 'parameters': return this.#parameters(message.params);
      case 'firstFilters': return this.#firstFilters();
      case 'inspect': return this.#inspect(message.params);
      case 'evaluate': return this.#evaluate(message.params, signal);
      case 'predict': return this.#predict(message.params);
      case 'classify': return this.#classify(message.params);
      case 'layerTimes': return this.#library.json('kiln_net_profile', this.#net(), 1);
      case 'history': return this.#training.history();
      case 'save': return this.#save(message.params);
      case 'hash': return this.#library.text('kiln_net_hash', this.#net());
      case 'summarise':
        return this.#library.json('kiln_summary', message.params.net, this.#inputText());
      case 'gradcheck':
        return this.#library.json('kiln_gradcheck', message.params.net, this.#inputText());
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

  get #data(): Dataset {
    if (this.#dataset) return this.#dataset;
    throw new KilnError('E_STATE', 'the worker has no data set yet: open first');
  }

  get #training(): Training {
    if (this.#run) return this.#run.training;
    throw new KilnError('E_STATE', 'the worker has no run yet: open first');
  }

  #net(): number {
    return this.#library.call('kiln_trainer_net', this.#training.handle);
  }

  #inputText(): string {
    return optionText({ input: this.#data.info.shape });
  }

  // runs

  /** Reading data takes its time: calls that replace the run take effect in the order they came. */
  #inOrder<T>(replace: () => Promise<T> | T): Promise<T> {
    const result = this.#replacing.then(replace);
    this.#replacing = result.catch(() => {});
    return result;
  }

  async #open({ wasm, data, options }: Params<'open'>, signal: AbortSignal):
    Promise<Result<'open'>> {
    this.#wasm ??= await load({ ...wasm, signal });
    const info = await this.#reset({ options, data }, signal);
    return { ...info, backend: this.#wasm.backend, version: this.#wasm.version };
  }

  /** A new run. Whatever fails, the present one stays as it is. */
  async #reset({ options, data }: Params<'reset'>, signal: AbortSignal): Promise<RunInfo> {
    const next = data === undefined ? this.#data : await this.#read(data, options, signal);
    try {
      const { net, ...others } = options;
      const text = optionText(net === undefined ? others : { net, ...others });
      return this.#begin(next, this.#library.call('kiln_trainer_create', next.handle, text));
    } catch (error) {
      if (next !== this.#dataset) next.dispose();
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

  #load({ bytes, options }: Params<'load'>): RunInfo {
    if (kindOf(bytes) !== 'Uint8Array') {
      throw new KilnError('E_ARG', `load: a checkpoint is a Uint8Array, not ${kindOf(bytes)}`);
    }
    const data = this.#data;
    return this.#begin(data, this.#library.call(
      'kiln_trainer_resume', data.handle, bytes, bytes.length, optionText(options)));
  }

  /** Puts a trainer that was just made, and its data, in the place of the present ones. */
  #begin(dataset: Dataset, handle: number): RunInfo {
    const wasm = this.#library;
    const number = this.#runs + 1;
    let run: Run;
    try {
      const training = new Training(wasm, handle, (event) => this.#emit(number, event));
      const options = training.options();
      const input = optionText({ input: dataset.info.shape, batch: options['batch'] });
      const summary = wasm.json<Summary>('kiln_summary', options['net'] ?? '', input);
      run = { number, training, summary, input };
    } catch (error) {
      if (wasm.broken === null) wasm.call('kiln_trainer_destroy', handle);
      throw error;
    }
    this.#runs = number;
    this.#run?.training.dispose();
    if (this.#dataset !== dataset) this.#dataset?.dispose();
    this.#run = run;
    this.#dataset = dataset;
    return {
      run: number, dataset: dataset.info, summary: run.summary,
      options: run.training.options(), state: run.training.state, metrics: run.training.metrics(),
    };
  }

  /** Events of a run that was replaced are dropped. */
  #emit(run: number, event: TrainerEvent): void {
    if (run !== this.#runs) return;
    this.#post({ type: 'event', run, event });
    if (event.type === 'error') this.#reportTrap();
  }

  #act(action: (training: Training) => void): StateInfo {
    const training = this.#training;
    action(training);
    return { state: training.state, metrics: training.metrics() };
  }

  #set({ key, value }: Params<'set'>): Result<'set'> {
    this.#training.set(key, value);
    return this.#training.options();
  }

  #save({ parametersOnly }: Params<'save'>): Uint8Array {
    const { handle } = this.#training;
    const name = parametersOnly ? 'kiln_trainer_export' : 'kiln_trainer_save';
    return this.#library.saved(handle, this.#library.call(name, handle));
  }

  // looking into the net

  #tensors(): TensorInfo[] {
    return this.#library.json('kiln_net_tensors', this.#net());
  }

  #tensor(index: number, { name, shape, size }: TensorInfo): NamedTensor {
    const data = new Float32Array(size);
    this.#library.call('kiln_net_tensor_get', this.#net(), index, fills(data));
    return { name, shape, data };
  }

  #parameters({ names }: Params<'parameters'>): NamedTensor[] {
    const all = this.#tensors();
    const unknown = names?.find((name) => !all.some((tensor) => tensor.name === name));
    if (unknown !== undefined) {
      throw new KilnError('E_ARG', `parameters: no tensor "${unknown}"; ` +
        `there are ${all.map((tensor) => tensor.name).join(', ')}`);
    }
    return all.flatMap((info, index) =>
      !names || names.includes(info.name) ? [this.#tensor(index, info)] : []);
  }

  /** The weights that see pixels. */
  #firstFilters(): NamedTensor | null {
    const all = this.#tensors();
    const index = all.findIndex(({ parameter, shape }) => parameter && shape.length > 1);
    return index < 0 ? null : this.#tensor(index, all[index]!);
  }

  #inspect({ split, index }: Params<'inspect'>): Result<'inspect'> {
    const wasm = this.#library;
    const { label, image } = this.#data.image(split, index);
    const net = wasm.call(
      'kiln_trainer_inspect', this.#training.handle, splitNumber(split), index);
    const floats = (layer: number, what: number): Float32Array => {
      const values = new Float32Array(wasm.call('kiln_net_inspect', net, layer, what, 0, null));
      wasm.call('kiln_net_inspect', net, layer, what, 0, fills(values));
      return values;
    };
    const layers = this.#run!.summary.layers.map(({ name, kind, output }, i) => ({
      name, kind, shape: output, output: floats(i, 0), gradient: floats(i, 1),
    }));
    const probabilities = this.#classify({ image, views: 1 });
    return { label, image, probabilities, layers };
  }

  // measuring

  async #evaluate({ split, count, views }: Params<'evaluate'>, signal: AbortSignal):
    Promise<Result<'evaluate'>> {
    const { info } = this.#data;
    const { training } = this.#run!;
    const wanted = Math.min(checkCount('evaluate', 'count', count ?? info[split]), info[split]);
    const classes = info.classes.length;
    const confusion = new Int32Array(classes * classes);
    const lossSum = new Float64Array(1);
    let correct = 0;
    for (let first = 0; first < wanted; first += EVALUATE_SLICE) {
      await turn();
      throwIfAborted(signal, 'evaluate');
      if (training !== this.#run?.training) {
        throw new KilnError('E_ABORTED', 'evaluate: a new run began meanwhile');
      }
      const n = Math.min(EVALUATE_SLICE, wanted - first);
      correct += this.#library.call('kiln_trainer_evaluate', training.handle, splitNumber(split),
        first, n, views, updates(lossSum), updates(confusion));
    }
    return {
      split, count: wanted, correct, accuracy: correct / wanted, loss: lossSum[0]! / wanted,
      confusion,
    };
  }

  #predict({ split, indices, views }: Params<'predict'>): Result<'predict'> {
    const classes = this.#data.info.classes.length;
    const size = sizeOf(this.#data.info.shape);
    const found = indices.map((index) => ({ index, ...this.#data.image(split, index) }));
    if (found.length === 0) return [];
    const images = new Uint8Array(found.length * size);
    found.forEach(({ image }, i) => images.set(image, i * size));
    const probabilities = this.#probabilities(images, found.length, views);
    return found.map((one, i) => ({
      ...one, probabilities: probabilities.slice(i * classes, (i + 1) * classes),
    }));
  }

  #classify({ image, views }: Params<'classify'>): Float32Array {
    const { shape } = this.#data.info;
    if (kindOf(image) !== 'Uint8Array' || image.length !== sizeOf(shape)) {
      throw new KilnError('E_SHAPE', `classify: an image is a Uint8Array of ${shape.join('x')} = ` +
        `${sizeOf(shape)} bytes (C, H, W)`);
    }
    return this.#probabilities(image, 1, views);
  }

  #probabilities(images: Uint8Array, n: number, views: number): Float32Array {
    const probabilities = new Float32Array(n * this.#data.info.classes.length);
    this.#library.call('kiln_trainer_predict', this.#training.handle, images, n, views,
      fills(probabilities));
    return probabilities;
  }
}

/** The buffers of the arrays in a result, which move to the page instead of being copied. */
function transfersOf(value: unknown, found = new Set<ArrayBuffer>()): Transferable[] {
  if (ArrayBuffer.isView(value)) {
    if (value.byteLength === value.buffer.byteLength) found.add(value.buffer as ArrayBuffer);
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) transfersOf(part, found);
  }
  return [...found];
}
