/**
 * Loads the WebAssembly build and calls it: the only file that knows of pointers. Arguments are
 * numbers, text and typed arrays; call() copies arrays in and out, so that no view of the
 * memory outlives an expression (memory that grows detaches its views).
 */

import { relaxedSimd, simd } from 'wasm-feature-detect';

import { KilnError, codeOfStatus, throwIfAborted, toKilnError } from './errors.js';
import type { Argument, KilnExports, Numbers, Output } from './exports.js';
import createRelaxed from './relaxed.mjs';
import createSimd from './simd.mjs';
import type { Backend } from './types.js';

/** What Emscripten's factory resolves to, as far as it is used here. */
export interface Glue {
  HEAPU8: Uint8Array;
  [name: `_kiln_${string}`]: (...args: number[]) => number;
}

export type GlueFactory = (overrides: {
  instantiateWasm: (
    imports: WebAssembly.Imports,
    receive: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
  ) => object;
  print?: (line: string) => void;
  printErr?: (line: string) => void;
}) => Promise<Glue>;

export type Variant = Backend['variant'];

/**
 * Where a module comes from: an address, the bytes, or a module already compiled. An address
 * that ends in "/" is the folder of simd.wasm and relaxed.wasm. Of anything else the variant is
 * "simd" unless named.
 */
export type WasmSource = string | URL | BufferSource | WebAssembly.Module;

export interface LoadOptions {
  /** 'auto', the default, takes relaxed SIMD where the engine has it and really fuses. */
  variant?: Variant | 'auto' | undefined;
  wasm?: WasmSource | undefined;
  signal?: AbortSignal | undefined;
}

const FACTORIES: Record<Variant, GlueFactory> = { simd: createSimd, relaxed: createRelaxed };

/** Buffers inside one call start at multiples of this: what the widest vector and a double want. */
const ALIGN = 64;
const LARGEST_CALL = 2 ** 31 - 1;

/** Memory that C fills: `array` holds its result after the call. */
export function fills<T extends Numbers>(array: T): Output<T> {
  return { array, copyIn: false };
}

/** Memory that C reads and changes in place. */
export function updates<T extends Numbers>(array: T): Output<T> {
  return { array, copyIn: true };
}

/** One instance of the library. */
export class Wasm {
  readonly backend: Backend;
  /** Why the instance is of no more use, once it trapped. */
  broken: string | null = null;
  readonly #glue: Glue;

  constructor(glue: Glue, variant: Variant, reason: string) {
    this.#glue = glue;
    this.backend = {
      variant,
      mode: this.#string('_kiln_mode') as Backend['mode'],
      lanes: this.#raw('_kiln_lanes', []),
      threads: 1,
      reason,
    };
  }

  get version(): string {
    return this.#string('_kiln_version');
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.#glue.HEAPU8.buffer.byteLength;
  }

  /** Calls a function of kiln.h. Negative results are thrown as KilnError, others returned. */
  call<K extends keyof KilnExports>(name: K, ...args: Parameters<KilnExports[K]>): number {
    const given = args as Argument[];
    const buffers = given.map(bytesOf);
    const size = buffers.reduce((sum, b) => sum + (b ? roundUp(b.bytes.byteLength) : 0), 0);
    const base = size > 0 ? this.#allocate(name, size) : 0;
    try {
      const numbers: number[] = [];
      let at = base;
      buffers.forEach((buffer, i) => {
        if (buffer === null) {
          numbers.push((given[i] as number | null) ?? 0);
          return;
        }
        if (buffer.copyIn) this.#glue.HEAPU8.set(buffer.bytes, at);
        numbers.push(at);
        at += roundUp(buffer.bytes.byteLength);
      });
      const result = this.#raw(`_${name}`, numbers);
      if (result < 0) throw this.#lastError(result);
      buffers.forEach((buffer, i) => {
        if (buffer?.copyOut) this.#copyOut(buffer.bytes, numbers[i]!);
      });
      return result;
    } finally {
      if (base !== 0 && this.broken === null) this.#raw('_kiln_free', [base]);
    }
  }

  /** Calls a function that leaves text, and returns the text. */
  text<K extends keyof KilnExports>(name: K, ...args: Parameters<KilnExports[K]>): string {
    this.call(name, ...args);
    return this.#string('_kiln_text');
  }

  /** Calls a function that leaves JSON, and returns its value. */
  json<T>(name: keyof KilnExports, ...args: Argument[]): T {
    return JSON.parse((this.text as (name: string, ...args: Argument[]) => string)
      .call(this, name, ...args)) as T;
  }

  /** A copy of what kiln_trainer_save or kiln_trainer_export left in the trainer's buffer. */
  saved(trainer: number, size: number): Uint8Array<ArrayBuffer> {
    const at = this.#raw('_kiln_trainer_saved', [trainer]) >>> 0;
    if (at === 0) throw new KilnError('E_STATE', 'checkpoint: nothing was saved');
    return new Uint8Array(this.#glue.HEAPU8.subarray(at, at + size));
  }

  #allocate(name: string, size: number): number {
    const base = size > LARGEST_CALL ? 0 : this.#raw('_kiln_alloc', [size]) >>> 0;
    if (base === 0) {
      throw new KilnError('E_MEMORY', `${name}: no room for ${size} bytes of arguments`);
    }
    return base;
  }

  #copyOut(into: Uint8Array, at: number): void {
    into.set(this.#glue.HEAPU8.subarray(at, at + into.byteLength));
  }

  /** An exception out of C means a trap: memory may be half written, so nothing is called again. */
  #raw(name: `_${string}`, numbers: number[]): number {
    if (this.broken !== null) {
      throw new KilnError('E_TRAP', `this instance of kiln broke down earlier: ${this.broken}`);
    }
    const f = (this.#glue as unknown as Record<string, ((...n: number[]) => number) | undefined>)[
      name
    ];
    if (!f) throw new KilnError('E_WASM_LOAD', `the WebAssembly module has no ${name.slice(1)}`);
    try {
      return f(...numbers);
    } catch (error) {
      this.broken = `${name.slice(1)}: ${(error as Error).message}`;
      throw new KilnError('E_TRAP', `the WebAssembly instance broke down in ${this.broken}`, {
        cause: error,
      });
    }
  }

  /** A NUL-terminated string that C returns. */
  #string(name: `_${string}`): string {
    const at = this.#raw(name, []) >>> 0;
    const memory = this.#glue.HEAPU8;
    const end = memory.indexOf(0, at);
    // slice, not subarray: TextDecoder refuses views of shared memory.
    return new TextDecoder().decode(memory.slice(at, end));
  }

  #lastError(status: number): KilnError {
    const column = this.#raw('_kiln_error_column', []);
    return new KilnError(codeOfStatus(status), this.#string('_kiln_error'), {
      column: column > 0 ? column : undefined,
    });
  }
}

interface Buffer_ {
  bytes: Uint8Array;
  copyIn: boolean;
  copyOut: boolean;
}

/** The bytes behind an argument; null for plain numbers and NULL. */
function bytesOf(argument: Argument): Buffer_ | null {
  if (argument === null || typeof argument === 'number') return null;
  if (typeof argument === 'string') {
    if (argument.includes('\0')) throw new KilnError('E_ARG', 'text must not hold NUL characters');
    return { bytes: new TextEncoder().encode(`${argument}\0`), copyIn: true, copyOut: false };
  }
  if ('array' in argument) {
    return { bytes: asBytes(argument.array), copyIn: argument.copyIn, copyOut: true };
  }
  return { bytes: asBytes(argument), copyIn: true, copyOut: false };
}

function asBytes(array: Numbers): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function roundUp(bytes: number): number {
  return Math.ceil(Math.max(bytes, 1) / ALIGN) * ALIGN;
}

let embedded: WasmSource | undefined;

/** The entry kiln-nn/inline brings its module along. */
export function useInlineWasm(source: WasmSource): void {
  embedded = source;
}

/** What is loaded where nothing is named; undefined: the files beside this one. */
export function inlineWasm(): WasmSource | undefined {
  return embedded;
}

/** Loads an instance of its own. Most users want ready() (instance.ts), which loads one for all. */
export async function load(options: LoadOptions = {}): Promise<Wasm> {
  const { wasm = embedded, signal } = options;
  if (!(await simd())) {
    throw new KilnError(
      'E_WASM_LOAD', 'this browser has no WebAssembly SIMD: kiln needs one of 2023 or later');
  }
  const choice = await chooseVariant(options.variant ?? 'auto', wasm);
  throwIfAborted(signal, 'loading kiln');
  const loaded = await instantiate(choice.variant, choice.reason, wasm, signal);
  if (choice.variant === 'simd' || loaded.call('kiln_fused_probe') === 1) return loaded;

  const reason = 'relaxed SIMD is here, but its multiply-add rounds twice';
  if (choice.forced) throw new KilnError('E_WASM_LOAD', `${reason}; use the variant simd`);
  return instantiate('simd', reason, wasm, signal);
}

interface Choice {
  variant: Variant;
  reason: string;
  /** Asked for: another variant will not do. */
  forced: boolean;
}

async function chooseVariant(wish: Variant | 'auto', source?: WasmSource): Promise<Choice> {
  if (wish !== 'auto' && wish !== 'simd' && wish !== 'relaxed') {
    throw new KilnError('E_ARG', `variant: "${String(wish)}" is none of auto, simd, relaxed`);
  }
  if (wish === 'simd') return { variant: 'simd', reason: 'simd was asked for', forced: true };
  if (wish === 'auto' && source !== undefined && !isFolder(source)) {
    return { variant: 'simd', reason: 'a module was given: it counts as simd', forced: true };
  }
  const has = await relaxedSimd();
  if (wish === 'relaxed') {
    if (has) return { variant: 'relaxed', reason: 'relaxed was asked for', forced: true };
    throw new KilnError('E_WASM_LOAD', 'this engine has no relaxed SIMD; use the variant simd');
  }
  return has
    ? { variant: 'relaxed', reason: 'relaxed SIMD is here and fuses multiply-add', forced: false }
    : { variant: 'simd', reason: 'this engine has no relaxed SIMD', forced: false };
}

async function instantiate(
  variant: Variant,
  reason: string,
  source: WasmSource | undefined,
  signal: AbortSignal | undefined,
): Promise<Wasm> {
  const module = await compile(variant, source, signal);
  const glue = await new Promise<Glue>((resolve, reject) => {
    // The factory waits for receive() and does not hear of a failure before it.
    const instantiateWasm: Parameters<GlueFactory>[0]['instantiateWasm'] = (imports, receive) => {
      WebAssembly.instantiate(module, imports).then((i) => receive(i, module), reject);
      return {};
    };
    FACTORIES[variant]({ instantiateWasm, printErr: () => {} }).then(resolve, reject);
  }).catch((error: unknown) => {
    throw toKilnError(error, 'E_WASM_LOAD', `the ${variant} module does not start`);
  });
  return new Wasm(glue, variant, reason);
}

async function compile(
  variant: Variant,
  source: WasmSource | undefined,
  signal: AbortSignal | undefined,
): Promise<WebAssembly.Module> {
  if (Object.prototype.toString.call(source) === '[object WebAssembly.Module]') {
    return source as WebAssembly.Module;
  }
  let bytes: BufferSource;
  let what = 'the WebAssembly module';
  if (source === undefined || typeof source === 'string' || isUrl(source)) {
    const url = addressOf(variant, source as string | URL | undefined);
    what = `${what} ${url.href.slice(0, 200)}`;
    bytes = await fetchBytes(url, what, signal);
  } else {
    bytes = source as BufferSource;
  }
  checkMagic(bytes, what);
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    throw toKilnError(error, 'E_WASM_LOAD', `${what} does not compile`);
  }
}

function isUrl(source: unknown): source is URL {
  return Object.prototype.toString.call(source) === '[object URL]';
}

function isFolder(source: WasmSource): boolean {
  return (typeof source === 'string' || isUrl(source)) && String(source).endsWith('/');
}

/** Both addresses stand here in full, so that bundlers see and copy the files. */
function addressOf(variant: Variant, source: string | URL | undefined): URL {
  const simdUrl = new URL('./simd.wasm', import.meta.url);
  const relaxedUrl = new URL('./relaxed.wasm', import.meta.url);
  if (source === undefined) return variant === 'simd' ? simdUrl : relaxedUrl;
  const given = new URL(source, globalThis.location?.href ?? import.meta.url);
  return isFolder(source) ? new URL(`${variant}.wasm`, given) : given;
}

async function fetchBytes(
  url: URL,
  what: string,
  signal: AbortSignal | undefined,
): Promise<BufferSource> {
  try {
    if (url.protocol === 'file:' && typeof process !== 'undefined') {
      const fs = 'node:fs/promises'; // in a variable: bundlers for the browser leave it alone
      const { readFile } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ fs)) as
        typeof import('node:fs/promises');
      return new Uint8Array(await readFile(url));
    }
    const response = await fetch(url, { signal: signal ?? null });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return await response.arrayBuffer();
  } catch (error) {
    throw toKilnError(error, 'E_WASM_LOAD', `${what} cannot be read`);
  }
}

/** A server that has no such file often sends a page that says so. */
function checkMagic(source: BufferSource, what: string): void {
  const bytes = ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d) return;
  const seen = bytes[0] === 0x3c ? 'a web page' : `${bytes.byteLength} bytes of something else`;
  throw new KilnError('E_WASM_LOAD', `${what} is ${seen}, not WebAssembly`);
}
