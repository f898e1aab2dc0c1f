/**
 * Loads the WebAssembly build and calls it: the only file that knows of pointers. Arguments are
 * numbers, text and typed arrays; call() copies arrays in and out, so that no view of the
 * memory outlives an expression (memory that grows detaches its views).
 */

import { simd } from 'wasm-feature-detect';

import { KilnError, codeOfStatus, throwIfAborted, toKilnError } from './errors.js';
import {
  checkArguments, type Argument, type KilnExports, type Numbers, type Output,
} from './exports.js';
import { instantiate, sharedMemory, textAt, type Native } from './instantiate.js';
import { Pool, STACK_BYTES } from './pool.js';
import type { Backend } from './types.js';
import { choose, platform, reasonOf, variantOf, type Choice, type Variant } from './variants.js';
import { compile, isFolder, type WasmSource } from './wasm-source.js';

export type { Variant } from './variants.js';
export type { WasmSource } from './wasm-source.js';

/** How the library is loaded: which build, with how many threads, from where. */
export interface LoadOptions {
  /**
   * 'auto', the default, takes relaxed SIMD where the engine has it and really fuses, and threads
   * where they can be had. A name takes just that build.
   */
  variant?: Variant | 'auto' | undefined;
  /**
   * Threads, as a wish: 1 to 16. At first as many as the machine has cores, 8 at most, and one
   * where a plain build is named. Results do not depend on it.
   */
  threads?: number | undefined;
  wasm?: WasmSource | undefined;
  /** The second module, extras.wasm, where it lies neither in the folder `wasm` nor beside this. */
  extras?: WasmSource | undefined;
  /** Address of pool-worker.js, where a bundler or a host put it elsewhere. */
  poolUrl?: string | URL | undefined;
  /** Milliseconds that the pool's start may take; 5,000 at first. */
  poolLimit?: number | undefined;
  signal?: AbortSignal | undefined;
}

const POOL_LIMIT_MS = 5_000;

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
  readonly #native: Native;
  readonly #pool: Pool | undefined;

  constructor(native: Native, variant: Variant, reason: string, pool?: Pool) {
    this.#native = native;
    this.#pool = pool;
    this.backend = {
      variant,
      mode: this.#string('kiln_mode') as Backend['mode'],
      lanes: this.#raw('kiln_lanes', []),
      threads: 1 + (pool?.size ?? 0),
      reason,
    };
  }

  get version(): string {
    return this.#string('kiln_version');
  }

  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.#native.memory.buffer.byteLength;
  }

  /** Ends the pool, and with it the instance. A plain one has nothing to end. */
  dispose(): void {
    if (this.#pool === undefined) return;
    this.broken ??= 'it was disposed of';
    this.#pool.terminate();
  }

  /** Stacks for the pool, taken for good. Compiled code relies on their alignment. */
  stacks(bytes: number): number {
    return roundUp(this.#allocate('stacks', bytes + ALIGN));
  }

  /** Of this moment: growth leaves older views behind. */
  get #bytes(): Uint8Array {
    return new Uint8Array(this.#native.memory.buffer);
  }

  /** Calls a function of kiln.h. Negative results are thrown as KilnError, others returned. */
  call<K extends keyof KilnExports>(name: K, ...args: Parameters<KilnExports[K]>): number {
    const given = args as Argument[];
    checkArguments(name, given);
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
        if (buffer.copyIn) this.#bytes.set(buffer.bytes, at);
        numbers.push(at);
        at += roundUp(buffer.bytes.byteLength);
      });
      const result = this.#raw(name, numbers);
      if (result < 0) throw this.#lastError(result);
      buffers.forEach((buffer, i) => {
        if (buffer?.copyOut) this.#copyOut(buffer.bytes, numbers[i]!);
      });
      return result;
    } finally {
      if (base !== 0 && this.broken === null) this.#raw('kiln_free', [base]);
    }
  }

  /** Calls a function that leaves text, and returns the text. */
  text<K extends keyof KilnExports>(name: K, ...args: Parameters<KilnExports[K]>): string {
    this.call(name, ...args);
    return this.#string('kiln_text');
  }

  /** Calls a function that leaves JSON, and returns its value. */
  json<T>(name: keyof KilnExports, ...args: Argument[]): T {
    return JSON.parse((this.text as (name: string, ...args: Argument[]) => string)
      .call(this, name, ...args)) as T;
  }

  /** The JSON that the last call left beside its result. */
  lastJson<T>(): T {
    return JSON.parse(this.#string('kiln_text')) as T;
  }

  /** A copy of what kiln_trainer_save or kiln_trainer_export left in the trainer's buffer. */
  saved(trainer: number, size: number): Uint8Array<ArrayBuffer> {
    return this.#copyAt(this.#raw('kiln_trainer_saved', [trainer]), size);
  }

  /** A copy of the file that kiln_export or kiln_import made. */
  exported(size: number): Uint8Array<ArrayBuffer> {
    return this.#copyAt(this.#raw('kiln_exported', []), size);
  }

  #copyAt(pointer: number, size: number): Uint8Array<ArrayBuffer> {
    const at = pointer >>> 0;
    if (at === 0) throw new KilnError('E_STATE', 'checkpoint: nothing was saved');
    return new Uint8Array(this.#bytes.subarray(at, at + size));
  }

  #allocate(name: string, size: number): number {
    const base = size > LARGEST_CALL ? 0 : this.#raw('kiln_alloc', [size]) >>> 0;
    if (base === 0) {
      throw new KilnError('E_MEMORY',
        `${name}: no memory for ${size} bytes of arguments${this.#memoryNote()}`);
    }
    return base;
  }

  #copyOut(into: Uint8Array, at: number): void {
    into.set(this.#bytes.subarray(at, at + into.byteLength));
  }

  /** An exception out of C means a trap: memory may be half written, so nothing is called again. */
  #raw(name: string, numbers: number[]): number {
    if (this.broken !== null) {
      throw new KilnError('E_TRAP', `this instance of kiln broke down earlier: ${this.broken}`);
    }
    const f = this.#native.functions[name];
    if (!f) throw new KilnError('E_WASM_LOAD', `the WebAssembly module has no ${name}`);
    try {
      return f(...numbers);
    } catch (error) {
      this.broken = `${name}: ${(error as Error).message}`;
      this.#pool?.terminate();
      throw new KilnError('E_TRAP', `the WebAssembly instance broke down in ${this.broken}`, {
        cause: error,
      });
    }
  }

  /** A string that C returns. */
  #string(name: string): string {
    return textAt(this.#native.memory, this.#raw(name, []));
  }

  #lastError(status: number): KilnError {
    const column = this.#raw('kiln_error_column', []);
    const code = codeOfStatus(status);
    const note = code === 'E_MEMORY' ? this.#memoryNote() : '';
    return new KilnError(code, this.#string('kiln_error') + note, {
      column: column > 0 ? column : undefined,
    });
  }

  /** The end of the module's own memory: what lacks may be that, and not the machine's. */
  #memoryNote(): string {
    const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
    const taken = this.broken === null ? this.#raw('kiln_memory_used', []) * 1024 : 0;
    return `; the memory of this instance ends at ${megabytes(this.#native.limit)}, ` +
      `of which nets and data hold ${megabytes(taken)}`;
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
  const { wasm: source = embedded, signal } = options;
  if (!(await simd())) {
    throw new KilnError(
      'E_WASM_LOAD', 'this browser has no WebAssembly SIMD: kiln needs one of 2023 or later');
  }
  const given = source !== undefined && !isFolder(source);
  const choice = choose(options, given, await platform());
  throwIfAborted(signal, 'loading kiln');
  const loaded = await start(choice, source, options);
  if (!choice.relaxed || loaded.call('kiln_fused_probe') === 1) return loaded;

  loaded.dispose();
  const whyArithmetic = 'relaxed SIMD is here, but its multiply-add rounds twice';
  if (choice.named) throw new KilnError('E_WASM_LOAD', `${whyArithmetic}; use the variant simd`);
  return start({ ...choice, relaxed: false, whyArithmetic }, source, options);
}

/** With threads where they were chosen; where their pool does not start, without. */
async function start(choice: Choice, source: WasmSource | undefined, options: LoadOptions):
  Promise<Wasm> {
  if (choice.threads > 1) {
    try {
      return await startThreaded(choice, source, options);
    } catch (error) {
      throwIfAborted(options.signal, 'loading kiln');
      if (choice.mustThread) throw toKilnError(error, 'E_WASM_LOAD', 'no threads');
      const whyThreads = `the threaded build does not start: ${(error as Error).message}`;
      return start({ ...choice, threads: 1, whyThreads }, source, options);
    }
  }
  const variant = variantOf(choice);
  const module = await compile(variant, source, options.signal);
  return new Wasm(await begin(variant, module), variant, reasonOf(choice));
}

async function startThreaded(choice: Choice, source: WasmSource | undefined,
  { signal, poolUrl, poolLimit = POOL_LIMIT_MS }: LoadOptions): Promise<Wasm> {
  const variant = variantOf(choice);
  const pool = new Pool(choice.threads - 1, poolUrl); // loads while the module compiles
  try {
    const module = await compile(variant, source, signal);
    const native = await begin(variant, module, sharedMemory());
    const wasm = new Wasm(native, variant, reasonOf(choice), pool);
    const stacks = wasm.stacks(pool.size * STACK_BYTES);
    await pool.join(module, native.memory, stacks, { limit: poolLimit, signal });
    wasm.call('kiln_threads_use', choice.threads);
    return wasm;
  } catch (error) {
    pool.terminate();
    throw error;
  }
}

async function begin(variant: Variant, module: WebAssembly.Module,
  memory?: ReturnType<typeof sharedMemory>): Promise<Native> {
  try {
    return await instantiate(module, memory);
  } catch (error) {
    throw toKilnError(error, 'E_WASM_LOAD', `the ${variant} module does not start`);
  }
}
