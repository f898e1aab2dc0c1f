// A module worker that does the tasks of kiln_tasks.js: { task, variant, threads, ... } in, what
// the task gives out. Queries tell workers apart; fresh: true takes a new instance.
import { tasks } from './kiln_tasks.js';

let loading;

async function load({ variant, threads }) {
  const bindings = await import('/dist/wasm.js');
  const wasm = await bindings.load(threads === 1 ? { variant } : { variant, threads });
  if (threads !== 1 && wasm.backend.threads !== threads) {
    throw new Error(`${variant} has ${wasm.backend.threads} threads: ${wasm.backend.reason}`);
  }
  return wasm;
}

self.onmessage = async ({ data }) => {
  try {
    const wasm = await (data.fresh ? load(data) : (loading ??= load(data)));
    self.postMessage(tasks[data.task](wasm, data));
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
