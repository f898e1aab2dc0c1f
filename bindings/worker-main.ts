/**
 * The worker: a port to the page, and the Session that answers it. Runs as a module worker in
 * browsers and in a thread of Node, where worker.ts starts it.
 */

import { toErrorMessage } from './errors.js';
import { PROTOCOL, type FromWorker, type ToWorker } from './protocol.js';
import { Session } from './session.js';

interface Port {
  post(message: FromWorker, transfer?: ArrayBuffer[]): void;
  listen(receive: (message: ToWorker) => void): void;
  /** Errors that nobody awaited: in a worker they fire no event on the page by themselves. */
  onUnhandled(report: (error: unknown) => void): void;
}

/** What is used of DedicatedWorkerGlobalScope, which the page's type library has not. */
interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<ToWorker>) => void): void;
  addEventListener(
    type: 'unhandledrejection', listener: (event: PromiseRejectionEvent) => void): void;
}

function browserPort(): Port {
  const scope = globalThis as unknown as WorkerScope;
  return {
    post: (message, transfer = []) => scope.postMessage(message, transfer),
    listen: (receive) => scope.addEventListener('message', ({ data }) => receive(data)),
    onUnhandled: (report) =>
      scope.addEventListener('unhandledrejection', ({ reason }) => report(reason)),
  };
}

async function nodePort(): Promise<Port> {
  const threads = 'node:worker_threads'; // in a variable: bundlers for the browser leave it alone
  const { parentPort } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ threads)) as
    typeof import('node:worker_threads');
  if (!parentPort) throw new Error('worker.js is to be started as a worker');
  return {
    post: (message, transfer = []) => parentPort.postMessage(message, transfer as never[]),
    listen: (receive) => parentPort.on('message', receive),
    onUnhandled: (report) => globalThis.process.on('unhandledRejection', report),
  };
}

async function main(): Promise<void> {
  const port = typeof WorkerGlobalScope === 'undefined' ? await nodePort() : browserPort();
  port.onUnhandled((error) => port.post({ type: 'fatal', error: toErrorMessage(error) }));
  const session = new Session((message, transfer) => port.post(message, transfer));
  port.listen((message) => void session.receive(message));
  port.post({ type: 'hello', protocol: PROTOCOL });
}

declare const WorkerGlobalScope: unknown;

void main();
