/**
 * What the elements of one page share: the compiled module, fetched once, and the cores. The page
 * compiles, off its thread, and each worker is given the module; a page whose policy forbids that
 * leaves it to the workers.
 */

import { choose, platform, variantOf, type Variant } from '../../bindings/variants.js';
import { inlineWasm } from '../../bindings/wasm.js';
import { compile } from '../../bindings/wasm-source.js';

export interface Build {
  variant: Variant;
  threads: number;
  wasmUrl: WebAssembly.Module;
}

const compiled = new Map<Variant, Promise<WebAssembly.Module>>();

function moduleOf(variant: Variant): Promise<WebAssembly.Module> {
  let module = compiled.get(variant);
  if (!module) {
    module = compile(variant, inlineWasm(), undefined);
    compiled.set(variant, module);
    module.catch(() => compiled.delete(variant));
  }
  return module;
}

/** Threads of one of so many elements: a share of what one would have alone, one at least. */
export function shareOf(threads: number, sharers: number): number {
  return Math.max(1, Math.floor(threads / Math.max(1, sharers)));
}

/** The build for one of so many elements; null where the worker has to see to it by itself. */
export async function sharedBuild(sharers: number): Promise<Build | null> {
  try {
    const here = await platform();
    // It asks for a worker, and is asked by a page: what forbids threads there is isolation alone.
    const isolated = globalThis.crossOriginIsolated === true;
    const given = inlineWasm() !== undefined;
    const choice = choose({}, given, { ...here, noThreads: isolated ? null : here.noThreads });
    const threads = shareOf(choice.threads, sharers);
    const variant = variantOf({ ...choice, threads });
    return { variant, threads, wasmUrl: await moduleOf(variant) };
  } catch {
    return null;
  }
}
