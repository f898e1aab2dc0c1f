/**
 * The worker that a Trainer has: one at a time, started anew where it died. Its answers are the
 * truth about its run, and are applied in the order in which it gave them; a new worker counts once
 * it has opened a run.
 */

import { WorkerClient, type CallOptions, type ClientOptions } from './client.js';
import { KilnError } from './errors.js';
import type { CallName, Params, Result, WorkerEvent } from './protocol.js';

type Opened = Result<'open'>;

export class Connection {
  onEvent: (event: WorkerEvent, run: number) => void = () => {};
  onDeath: (error: KilnError) => void = () => {};

  readonly #options: ClientOptions;
  #client: WorkerClient | null = null;
  /** Settles with the start that is under way; never rejects. */
  #starting: Promise<void> | null = null;
  #stop: (() => void) | null = null;
  #disposed = false;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** There is a worker, and it has a run. */
  get alive(): boolean {
    return this.#client !== null && this.#client.death === null && !this.#disposed;
  }

  /**
   * Null once no start is under way. Who wants to start one has to look, wait, and look again: only
   * between looking and starting in one go does nobody else start.
   */
  get starting(): Promise<void> | null {
    return this.#starting;
  }

  set busy(busy: boolean) {
    if (this.#client) this.#client.busy = busy;
  }

  /** Starts a worker that opens a run; `apply` hears of it. Where that fails there is none. */
  async start(params: Params<'open'>, apply: (opened: Opened) => void,
    signal: AbortSignal | undefined): Promise<void> {
    this.#refuseDisposed();
    const stopper = new AbortController();
    const stop = (): void => stopper.abort();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    this.#stop = stop;
    const opening = this.#open(params, apply, stopper.signal);
    this.#starting = opening.catch(() => {});
    try {
      await opening;
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#stop = this.#starting = null;
    }
  }

  async #open(params: Params<'open'>, apply: (opened: Opened) => void,
    signal: AbortSignal): Promise<void> {
    const client = await WorkerClient.start({ ...this.#options, signal });
    client.onEvent = (event, run) => this.onEvent(event, run);
    try {
      await client.call('open', params, {
        signal,
        apply: (opened) => {
          client.onDeath = (error) => this.onDeath(error);
          this.#client = client;
          apply(opened);
        },
      });
    } catch (error) {
      client.terminate();
      throw error;
    }
  }

  call<K extends CallName>(type: K, params: Params<K>, options?: CallOptions<Result<K>>):
    Promise<Result<K>> {
    try {
      this.#refuseDisposed();
    } catch (error) {
      return Promise.reject(error as KilnError);
    }
    return this.#client!.call(type, params, options);
  }

  /** Ends the worker, and a start that is under way. */
  dispose(): void {
    this.#disposed = true;
    this.#stop?.();
    this.#client?.terminate();
  }

  #refuseDisposed(): void {
    if (this.#disposed) throw new KilnError('E_HANDLE', 'this Trainer was disposed');
  }
}
