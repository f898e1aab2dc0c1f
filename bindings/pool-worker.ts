/**
 * A thread of the pool: its own instance of the module over the memory that all share, in which
 * it waits for tasks until it is terminated (src/base/threads.c). Stands alone, so that it is
 * quick to load.
 */

import type { FromPoolWorker, ToPoolWorker } from './pool.js';

type Function_ = (...args: number[]) => number;

/** A thread allocates nothing and asserts little: whatever it asks for is a mistake. */
function importsFor(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = kind === 'memory' ? memory : () => {
      throw new WebAssembly.RuntimeError(`a thread of the pool called ${name}`);
    };
  }
  return imports;
}

function run(message: ToPoolWorker, post: (message: FromPoolWorker) => void): void {
  const { module, memory, thread, stack, stackSize } = message;
  let exports: Record<string, Function_ | undefined>;
  try {
    exports = new WebAssembly.Instance(module, importsFor(module, memory))
      .exports as unknown as typeof exports;
    exports['_emscripten_wasm_worker_initialize']!(stack, stackSize);
  } catch (error) {
    post({ type: 'failed', message: String(error) });
    return;
  }
  post({ type: 'ready' });
  try {
    exports['kiln_worker_run']!(thread);
  } catch {
    exports['kiln_worker_fail']!();
  }
}

/** What is used of DedicatedWorkerGlobalScope, which the page's type library has not. */
interface WorkerScope {
  postMessage(message: FromPoolWorker): void;
  onmessage: (event: MessageEvent<ToPoolWorker>) => void;
}

async function main(): Promise<void> {
  if (typeof WorkerGlobalScope !== 'undefined') {
    const scope = globalThis as unknown as WorkerScope;
    scope.onmessage = ({ data }) => run(data, (message) => scope.postMessage(message));
    return;
  }
  const threads = 'node:worker_threads'; // in a variable: bundlers for the browser leave it alone
  const { parentPort } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ threads)) as
    typeof import('node:worker_threads');
  parentPort!.once('message', (data: ToPoolWorker) =>
    run(data, (message) => parentPort!.postMessage(message)));
}

declare const WorkerGlobalScope: unknown;

void main();
