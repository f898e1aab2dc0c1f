/**
 * The pool of a threaded build: workers that share the memory of the instance that starts them.
 * Whoever starts a pool waits for its threads inside a call, so it must not be a page's own
 * thread. Threads end with terminate(), and with the worker that started them.
 */

import { KilnError } from './errors.js';
import { makeWorker, movedFrom, threadOptions, workerOf } from './worker-address.js';

export interface ToPoolWorker {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Its number; the starter is thread 0. */
  thread: number;
  stack: number;
  stackSize: number;
}

export type FromPoolWorker = { type: 'ready' } | { type: 'failed'; message: string };

/** Tasks are fused groups down to tiles, a few kilobytes on the stack; nothing recurses. */
export const STACK_BYTES = 128 * 1024;

interface Thread {
  post(message: ToPoolWorker): void;
  terminate(): void;
}

type Listener = (message: FromPoolWorker) => void;

export class Pool {
  /** Threads, the starter not counted. */
  readonly size: number;
  readonly #threads: Promise<Thread>[];
  /** One promise a thread: settled by its first message or failure. */
  readonly #ready: Promise<void>[] = [];
  #ended = false;

  /** Begins to load `size` workers; join() gives them work. */
  constructor(size: number, url?: string | URL) {
    this.size = size;
    this.#threads = Array.from({ length: size }, () => {
      let hear!: Listener;
      this.#ready.push(new Promise((resolve, reject) => {
        hear = (message) => message.type === 'ready'
          ? resolve()
          : reject(new KilnError('E_WORKER_LOAD', message.message));
      }));
      return startThread(hear, url);
    });
    // join() tells, which may come later.
    for (const promise of [...this.#threads, ...this.#ready]) promise.catch(() => {});
  }

  /** Resolves when every thread stands ready, within `limit` milliseconds. */
  async join(module: WebAssembly.Module, memory: WebAssembly.Memory, stacks: number,
    { limit, signal }: { limit: number; signal?: AbortSignal | undefined }): Promise<void> {
    let abort!: () => void;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new KilnError('E_WORKER_LOAD',
        `its workers did not start within ${limit / 1000} seconds`)), limit);
      abort = () => reject(new KilnError('E_ABORTED', 'loading kiln: aborted'));
      signal?.addEventListener('abort', abort, { once: true });
    });
    const join = this.#threads.map(async (starting, i) => {
      const thread = await starting;
      const stack = stacks + i * STACK_BYTES;
      thread.post({ module, memory, thread: i + 1, stack, stackSize: STACK_BYTES });
      await this.#ready[i];
    });
    try {
      await Promise.race([Promise.all(join), late]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  terminate(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const starting of this.#threads) void starting.then((t) => t.terminate(), () => {});
  }
}

async function startThread(hear: Listener, url: string | URL | undefined): Promise<Thread> {
  return typeof Worker === 'undefined' ? nodeThread(hear, url) : browserThread(hear, url);
}

function browserThread(hear: Listener, url: string | URL | undefined): Thread {
  const worker = workerFrom(url);
  worker.onmessage = ({ data }: MessageEvent<FromPoolWorker>) => hear(data);
  worker.onerror = (event) => {
    event.preventDefault();
    // Browsers leave the message empty where a script is missing or blocked.
    hear({ type: 'failed', message: event.message || 'the script of its workers ' +
      `${url ?? 'pool-worker.js'} is missing, not served as JavaScript, or blocked by a content ` +
      'security policy or cross-origin isolation; its address can be given as poolUrl' });
  };
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => worker.terminate(),
  };
}

function workerFrom(url: string | URL | undefined): Worker {
  if (url !== undefined) return workerOf(url);
  const home = movedFrom();
  if (home !== null) return workerOf(`${home}pool-worker.js`);
  return makeWorker(() =>
    // In one expression: bundlers look for just this.
    new Worker(new URL('./pool-worker.js', import.meta.url), { type: 'module' }));
}

async function nodeThread(hear: Listener, url: string | URL | undefined): Promise<Thread> {
  const threads = 'node:worker_threads'; // in a variable: bundlers for the browser leave it alone
  const { Worker: NodeWorker } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ threads)) as typeof import('node:worker_threads');
  const worker = new NodeWorker(
    new URL(url ?? './pool-worker.js', import.meta.url), threadOptions());
  worker.on('message', hear);
  worker.on('error', ({ message }) => hear({ type: 'failed', message }));
  worker.unref(); // no reason for the process to stay alive
  return {
    post: (message) => worker.postMessage(message),
    terminate: () => void worker.terminate(),
  };
}
