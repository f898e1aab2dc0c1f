/**
 * The page's side of a worker: starts it within a time limit, matches answers to calls, watches
 * whether it lives. Whatever kills it, each pending call is rejected and onDeath hears of it,
 * once.
 */

import { checkSignal } from './check.js';
import { KilnError, throwIfAborted, toKilnError } from './errors.js';
import {
  PROTOCOL, type CallName, type FromWorker, type Params, type Result, type ToWorker,
  type WorkerEvent,
} from './protocol.js';
import { startWorker, type WorkerHost, type WorkerSource } from './start-worker.js';

const START_LIMIT_MS = 10_000;
const HEARTBEAT_MS = 2_000;
/**
 * Of silence. A step or a validation on a slow machine may take long, and nothing is heard
 * meanwhile; a run of a net so large that its steps may take longer says so.
 */
const SILENCE_LIMIT_MS = 60_000;

export interface ClientOptions extends WorkerSource {
  /**
   * Milliseconds without a sign of life after which the worker counts as hung; 60,000 at first, and
   * more where one step of the net may take longer.
   */
  silenceLimit?: number | undefined;
  /** Milliseconds that the start may take; 10,000 at first. */
  startLimit?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface CallOptions<Value> {
  signal?: AbortSignal | undefined;
  transfer?: ArrayBuffer[] | undefined;
  /**
   * For calls that change what the worker holds: an abort only asks it to give up, and its answer
   * tells what came of that.
   */
  decides?: boolean | undefined;
  /** Told the result before anything that the worker said later. */
  apply?: ((value: Value) => void) | undefined;
}

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: KilnError) => void;
  /** Takes the listener off the caller's signal. */
  settle: () => void;
}

export class WorkerClient {
  onEvent: (event: WorkerEvent, run: number) => void = () => {};
  onDeath: (error: KilnError) => void = () => {};

  readonly #host: WorkerHost;
  readonly #pending = new Map<number, Pending>();
  readonly #silenceLimit: number;
  /** What the worker itself says that it may be silent for. */
  #announced = 0;
  #death: KilnError | null = null;
  #ids = 0;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  /** Heartbeats without any message since. */
  #missed = 0;
  #hello: ((message: FromWorker) => void) | null = null;
  #busy = false;

  private constructor(host: WorkerHost, silenceLimit: number) {
    this.#host = host;
    this.#silenceLimit = silenceLimit;
    host.onMessage = (message) => this.#receive(message);
    host.onFailure = (error) => this.#die(error);
  }

  /** Resolves once the worker has said hello. */
  static async start(options: ClientOptions = {}): Promise<WorkerClient> {
    const { signal, silenceLimit = SILENCE_LIMIT_MS, startLimit = START_LIMIT_MS } = options;
    throwIfAborted(signal, 'starting the worker');
    const client = new WorkerClient(await startWorker(options), silenceLimit);
    try {
      await client.#greet(startLimit, signal);
    } catch (error) {
      client.terminate();
      throw error;
    }
    client.#watch();
    client.#hold();
    return client;
  }

  /** Why there is no worker any more. */
  get death(): KilnError | null {
    return this.#death;
  }

  /** The worker has work of its own: a run that goes. Idle ones let a process of Node end. */
  set busy(busy: boolean) {
    this.#busy = busy;
    this.#hold();
  }

  /**
   * A call to the worker. An aborted one is rejected at once, and its answer, should it come, is
   * dropped; but for those that decide.
   */
  async call<K extends CallName>(type: K, params: Params<K>,
    { signal: given, transfer = [], decides = false, apply }: CallOptions<Result<K>> = {}):
    Promise<Result<K>> {
    if (this.#death) throw this.#death;
    const signal = checkSignal(type, given);
    throwIfAborted(signal, type);
    const id = ++this.#ids;
    return new Promise<Result<K>>((resolve, reject) => {
      const abort = (): void => {
        this.#send({ type: 'cancel', target: id });
        if (decides) return;
        this.#settle(id)?.reject(new KilnError('E_ABORTED', `${type}: aborted`));
      };
      signal?.addEventListener('abort', abort, { once: true });
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const take = (value: unknown): void => {
        apply?.(value as Result<K>);
        resolve(value as Result<K>);
      };
      this.#pending.set(id, { resolve: take, reject, settle });
      this.#hold();
      try {
        this.#send({ type, id, params } as ToWorker, transfer);
      } catch (error) {
        this.#settle(id);
        reject(toKilnError(error, 'E_ARG', `${type}: what was given cannot go to the worker`));
      }
    });
  }

  /** Ends the worker at once; pending calls are rejected with E_ABORTED. */
  terminate(): void {
    this.#end(new KilnError('E_ABORTED', 'the worker was ended'));
  }

  #send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    if (!this.#death) this.#host.post(message, transfer);
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle();
    this.#hold();
    return pending;
  }

  #hold(): void {
    if (!this.#death) this.#host.hold(this.#busy || this.#pending.size > 0);
  }

  #receive(message: FromWorker): void {
    this.#missed = 0;
    switch (message.type) {
      case 'hello': return this.#hello?.(message);
      case 'pong': return;
      case 'silence':
        this.#announced = message.milliseconds;
        return;
      case 'result': return this.#settle(message.id)?.resolve(message.value);
      case 'failure':
        return this.#settle(message.id)?.reject(KilnError.fromMessage(message.error));
      case 'event': return this.onEvent(message.event, message.run);
      case 'fatal': return this.#die(KilnError.fromMessage(message.error));
      default: {
        const unknown: never = message;
        this.#die(new KilnError(
          'E_PROTOCOL', `the worker said what is not understood: ${JSON.stringify(unknown)}`));
      }
    }
  }

  #greet(limit: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: KilnError): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.onDeath = () => {};
        this.#hello = null;
        if (error) reject(error);
        else resolve();
      };
      const abort = (): void => finish(new KilnError('E_ABORTED', 'starting the worker: aborted'));
      const timer = setTimeout(() => finish(new KilnError('E_WORKER_LOAD',
        `${this.#host.what} did not start within ${limit / 1000} seconds`)), limit);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted) return abort();
      this.onDeath = finish;
      this.#hello = (message) => finish(message.type === 'hello' && message.protocol === PROTOCOL
        ? undefined
        : new KilnError('E_PROTOCOL', `${this.#host.what} is of another version than this page`));
    });
  }

  /** Counts beats, not time: a page that was frozen must not blame the worker. */
  #watch(): void {
    const beat = Math.min(HEARTBEAT_MS, this.#silenceLimit);
    this.#heartbeat = setInterval(() => {
      const limit = Math.max(this.#silenceLimit, this.#announced);
      if (this.#missed++ >= Math.ceil(limit / beat)) {
        this.#die(new KilnError('E_WORKER_SILENT',
          `the worker has not answered for ${limit / 1000} seconds and was ended`));
      } else {
        this.#send({ type: 'ping' });
      }
    }, beat);
    (this.#heartbeat as { unref?(): void }).unref?.(); // Node: no reason to stay alive
  }

  #die(error: KilnError): void {
    if (this.#death) return;
    this.#end(error);
    this.onDeath(error);
  }

  #end(error: KilnError): void {
    if (this.#death) return;
    this.#death = error;
    clearInterval(this.#heartbeat);
    this.#host.terminate();
    for (const id of [...this.#pending.keys()]) this.#settle(id)?.reject(error);
  }
}
