/**
 * The second module, extras.wasm: what a page that trains can do without, the course's functions in
 * double, gradient checks and the formats in which a model leaves. It is fetched when it is first
 * wanted.
 */

import { toKilnError } from './errors.js';
import { instantiate } from './instantiate.js';
import { Wasm, type LoadOptions } from './wasm.js';
import { compile, isFolder, type WasmSource } from './wasm-source.js';

let embedded: WasmSource | undefined;

/** The entry kiln-nn/inline brings its module along. */
export function useInlineExtras(source: WasmSource): void {
  embedded = source;
}

/** What is loaded where nothing is named; undefined: the file beside this one. */
export function inlineExtras(): WasmSource | undefined {
  return embedded;
}

/** The second module of who named the first: its own source, or the same folder. */
export function extrasOf({ wasm, extras }: Pick<LoadOptions, 'wasm' | 'extras'>):
  WasmSource | undefined {
  return extras ?? (wasm !== undefined && isFolder(wasm) ? wasm : undefined);
}

let compiling: Promise<WebAssembly.Module> | null = null;

/**
 * An instance of its own, whose memory goes with it. The module is fetched and compiled once:
 * further calls take that one, whatever their source. E_WASM_LOAD.
 */
export async function loadExtras(source: WasmSource | undefined = embedded): Promise<Wasm> {
  const coming = compiling ??= compile('extras', source, undefined);
  let module: WebAssembly.Module;
  try {
    module = await coming;
  } catch (error) {
    if (compiling === coming) compiling = null;
    throw error;
  }
  try {
    return new Wasm(await instantiate(module), 'simd', 'the second module has one build');
  } catch (error) {
    throw toKilnError(error, 'E_WASM_LOAD', 'the extras module does not start');
  }
}
