/**
 * kiln-nn/inline: the whole package in one file, for pages that serve no other (sandboxed frames,
 * file://, other origins). The worker is a classic script in a blob, the only kind that starts
 * everywhere; the module is the strict one. A content security policy must allow worker-src blob:
 * and script-src 'wasm-unsafe-eval'.
 */

import wasm from 'kiln:wasm';
import worker from 'kiln:worker';

import { useInlineWorker } from '../start-worker.js';
import { useInlineWasm } from '../wasm.js';

useInlineWasm(wasm);
useInlineWorker(() => {
  const url = URL.createObjectURL(new Blob([worker], { type: 'text/javascript' }));
  try {
    return new Worker(url);
  } finally {
    URL.revokeObjectURL(url); // the worker has fetched it by the time it is made
  }
});

export * from '../index.js';
