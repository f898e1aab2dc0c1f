/** The instance that layers, optim, Model and Dataset share: loaded once by ready(). */

import { KilnError } from './errors.js';
import type { Backend } from './types.js';
import { load, type LoadOptions, type Wasm } from './wasm.js';

let shared: Wasm | null = null;
let loading: Promise<Wasm> | null = null;

/**
 * Loads the library for this page or process; resolves to what was picked, and why. Further
 * calls return the same, whatever their options. An instance that trapped is replaced. It has one
 * thread, the caller's: a page's own may not wait for others.
 */
export async function ready(options: Omit<LoadOptions, 'threads'> = {}): Promise<Backend> {
  if (shared?.broken) loading = shared = null;
  loading ??= load({ ...options, threads: 1 });
  try {
    shared = await loading;
  } catch (error) {
    loading = null;
    throw error;
  }
  return shared.backend;
}

/** The shared instance, for the functions that work at once. */
export function instance(): Wasm {
  if (shared === null) {
    throw new KilnError('E_STATE', 'kiln is not loaded yet: `await ready()` first');
  }
  return shared;
}

/** The version of the library. */
export function version(): string {
  return instance().version;
}
