/** The instance that layers, optim, Model and Dataset share: loaded once by ready(). */

import { KilnError } from './errors.js';
import type { Backend } from './types.js';
import { extrasOf, loadExtras } from './extras.js';
import { load, type LoadOptions, type Wasm } from './wasm.js';

let shared: Wasm | null = null;
let loading: Promise<Wasm> | null = null;
let sharedDoubles: Wasm | null = null;

/** How ready() loads the library: which build, from where. */
export interface ReadyOptions extends Omit<LoadOptions, 'threads'> {
  /**
   * Loads the second module as well, which computes layers, update rules and gradient checks in
   * double.
   */
  doubles?: boolean | undefined;
}

/**
 * Loads the library for this page or process; resolves to what was picked, and why. Further
 * calls return the same, whatever their options. An instance that trapped is replaced. It has one
 * thread, the caller's: a page's own may not wait for others.
 */
export async function ready(options: ReadyOptions = {}): Promise<Backend> {
  if (shared?.broken) loading = shared = null;
  loading ??= load({ ...options, threads: 1 });
  try {
    shared = await loading;
  } catch (error) {
    loading = null;
    throw error;
  }
  if (options.doubles === true && (sharedDoubles === null || sharedDoubles.broken !== null)) {
    sharedDoubles = await loadExtras(extrasOf(options));
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

/** The instance of the second module, for what is computed in double. */
export function doublesInstance(): Wasm {
  if (sharedDoubles === null) {
    throw new KilnError('E_STATE',
      'doubles are computed by a module of their own: `await ready({ doubles: true })` first');
  }
  return sharedDoubles;
}

/** The version of the library. */
export function version(): string {
  return instance().version;
}
