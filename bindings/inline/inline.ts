/**
 * kiln-nn/inline: the whole package in one file, for pages that serve no other (sandboxed frames,
 * file://, other origins). The worker is a classic script in a blob, the only kind that starts
 * everywhere. A content security policy must allow worker-src blob: and script-src
 * 'wasm-unsafe-eval'.
 *
 * The module is the strict one, of one thread, and has what lies in extras.wasm elsewhere. The
 * relaxed one beside it would nearly double the file, for 1.2 to 1.3 times the speed; and
 * what has no server of its own is not cross-origin isolated, so that it could not have threads.
 * Who wants either can give its address: `wasmUrl` with `variant`.
 */

import wasm from 'kiln:wasm';
import worker from 'kiln:worker';

import { useInlineExtras } from '../extras.js';
import { useInlineWorker } from '../start-worker.js';
import { useInlineWasm } from '../wasm.js';
import { makeWorker } from '../worker-address.js';

useInlineWasm(wasm);
useInlineExtras(wasm);
useInlineWorker(() => {
  const url = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
  try {
    return makeWorker(() => new Worker(url));
  } finally {
    URL.revokeObjectURL(url); // the worker has fetched it by the time it is made
  }
});

export * from '../index.js';
