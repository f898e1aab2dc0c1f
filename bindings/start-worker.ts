/** Starts worker.js as what the platform has: a module worker, or a thread of Node. */

import { KilnError } from './errors.js';
import type { FromWorker, ToWorker } from './protocol.js';
import {
  CURE, makeWorker, movedFrom, nodeProcess, threadOptions, workerOf,
} from './worker-address.js';

export interface WorkerSource {
  /** Address of worker.js, where a bundler or a host put it elsewhere. */
  workerUrl?: string | URL | undefined;
  /** Makes the worker, for pages that have their own way of doing so. */
  worker?: (() => Worker) | undefined;
}

/** A worker, whatever the platform. */
export interface WorkerHost {
  /** For messages: what was started. */
  readonly what: string;
  onMessage: (message: FromWorker) => void;
  onFailure: (error: KilnError) => void;
  post(message: ToWorker, transfer: ArrayBuffer[]): void;
  /** Whether a process waits for this worker before it ends. Pages do not. */
  hold(waits: boolean): void;
  terminate(): void;
}

const SCRIPT = 'worker.js';

let inlineWorker: (() => Worker) | null = null;

/** The entry kiln-nn/inline brings its worker along. */
export function useInlineWorker(make: () => Worker): void {
  inlineWorker = make;
}

/** The script beside this one is to be started. */
function isOwn({ workerUrl, worker }: WorkerSource): boolean {
  return workerUrl === undefined && !worker && !inlineWorker;
}

export async function startWorker(source: WorkerSource): Promise<WorkerHost> {
  if (typeof Worker !== 'undefined') return browserHost(source);
  if (nodeProcess?.versions?.node) return nodeHost(source);
  throw new KilnError('E_WORKER_LOAD', 'this platform has no workers');
}

function browserHost(source: WorkerSource): WorkerHost {
  const what = `the worker ${source.workerUrl ?? (isOwn(source) ? SCRIPT : 'of kiln')}`;
  let worker: Worker;
  try {
    worker = workerFrom(source);
  } catch (error) {
    throw notStarted(what, error);
  }
  const host: WorkerHost = {
    what,
    onMessage: () => {},
    onFailure: () => {},
    post: (message, transfer) => worker.postMessage(message, transfer),
    hold: () => {},
    terminate: () => worker.terminate(),
  };
  let heard = false;
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    heard = true;
    host.onMessage(data);
  };
  worker.onmessageerror = () => host.onFailure(
    new KilnError('E_PROTOCOL', `${what} sent a message that cannot be read`));
  worker.onerror = (event) => {
    event.preventDefault();
    host.onFailure(failureOf(what, heard, event.message));
  };
  return host;
}

function notStarted(what: string, error: unknown): KilnError {
  return new KilnError('E_WORKER_LOAD', `${what} cannot be started: ${(error as Error).message}; ` +
    `give its address as workerUrl, or ${CURE}`, { cause: error });
}

/**
 * Browsers leave the message empty where a script is missing or blocked: this is the only text.
 * Bundlers that do not know `new Worker(new URL(…))` leave the script behind.
 */
function failureOf(what: string, heard: boolean, message: string | undefined): KilnError {
  if (heard) return new KilnError('E_WORKER_DIED', `${what} ended by an error: ${message}`);
  const beside = what.endsWith(` ${SCRIPT}`) ? ` (looked for beside ${import.meta.url})` : '';
  return new KilnError('E_WORKER_LOAD', `${what}${beside} did not start: ` + (message ||
    'its script is missing, not served as JavaScript, or blocked by a content security policy ' +
    'or cross-origin isolation; ' +
    `give its address as workerUrl, or ${CURE}`));
}

function workerFrom({ workerUrl, worker }: WorkerSource): Worker {
  if (worker) return worker();
  if (workerUrl !== undefined) return workerOf(workerUrl);
  if (inlineWorker) return inlineWorker();
  const home = movedFrom();
  if (home !== null) return workerOf(home + SCRIPT);
  return makeWorker(() =>
    // In one expression: bundlers look for just this.
    new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }));
}

async function nodeHost({ workerUrl }: WorkerSource): Promise<WorkerHost> {
  const threads = 'node:worker_threads'; // in a variable: bundlers for the browser leave it alone
  const { Worker: Thread } = (await import(
    /* @vite-ignore */ /* webpackIgnore: true */ threads)) as typeof import('node:worker_threads');
  let what = `the worker ${workerUrl ?? SCRIPT}`;
  let thread: InstanceType<typeof Thread>;
  try {
    const url = new URL(workerUrl ?? './worker.js', import.meta.url);
    what = `the worker ${url.href}`;
    thread = new Thread(url, threadOptions());
  } catch (error) {
    throw notStarted(what, error);
  }
  let heard = false;
  let ended = false;
  const host: WorkerHost = {
    what,
    onMessage: () => {},
    onFailure: () => {},
    post: (message, transfer) => thread.postMessage(message, transfer as never[]),
    hold: (waits) => (waits ? thread.ref() : thread.unref()),
    terminate: () => {
      ended = true;
      void thread.terminate();
    },
  };
  thread.on('message', (message: FromWorker) => {
    heard = true;
    if (!ended) host.onMessage(message);
  });
  thread.on('error', (error) => host.onFailure(failureOf(what, heard, error.message)));
  thread.on('exit', (code) => {
    if (!ended) host.onFailure(failureOf(what, heard, `it exited with code ${code}`));
  });
  return host;
}
