/**
 * A module and its memory: what Emscripten's glue would do, as far as the library wants it. A
 * module asks for five functions, and for its memory where threads share it.
 */

/** One instance: its exports by name, and its memory. */
export interface Native {
  readonly memory: WebAssembly.Memory;
  /** Bytes that the memory can have at most, the engine willing. */
  readonly limit: number;
  readonly functions: Readonly<Record<string, ((...args: number[]) => number) | undefined>>;
}

const PAGE = 65_536;
/** Memory grows by this at least: many small allocations shall not be many growths. */
const STEP_PAGES = 16;

/** What emsdk-config/flags.mk names: other initial sizes do not link, nor larger maxima. */
const INITIAL_PAGES = (16 << 20) / PAGE;
const LARGEST_PAGES = 65_536;
/** The smallest maximum that is tried for a shared memory. */
const SMALLEST_PAGES = 4_096;

/**
 * With the largest maximum that is to be had: 4 GiB, or a half, a quarter, an eighth or a sixteenth
 * of it, since a shared memory's is reserved at once. Throws a RangeError where none is.
 */
export function sharedMemory(): { memory: WebAssembly.Memory; limit: number } {
  for (let maximum = LARGEST_PAGES; ; maximum /= 2) {
    try {
      const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
      return { memory, limit: maximum * PAGE };
    } catch (error) {
      if (maximum <= SMALLEST_PAGES) throw error;
    }
  }
}

/** The first instance of a module; `memory` for threaded builds, others bring their own. */
export async function instantiate(
  module: WebAssembly.Module, shared?: ReturnType<typeof sharedMemory>): Promise<Native> {
  let memory = shared?.memory as WebAssembly.Memory;
  const bytes = (): Uint8Array => new Uint8Array(memory.buffer);
  const env = {
    memory, // plain modules do not ask for it

    __assert_fail(condition: number, file: number, line: number): never {
      const what = `${textAt(memory, condition)} (${textAt(memory, file)}:${line})`;
      throw new WebAssembly.RuntimeError(`assertion failed: ${what}`);
    },

    emscripten_resize_heap(size: number): number {
      const wanted = Math.ceil(((size >>> 0) - memory.buffer.byteLength) / PAGE);
      // First with room to spare, then as little as will do.
      return Number(grow(memory, Math.max(wanted, STEP_PAGES)) || grow(memory, wanted));
    },

    _emscripten_memcpy_js: (to: number, from: number, size: number): void =>
      void bytes().copyWithin(to >>> 0, from >>> 0, (from >>> 0) + (size >>> 0)),
    emscripten_get_now: (): number => performance.now(),
    _emscripten_get_now_is_monotonic: (): number => 1,
  };
  const { exports } = await WebAssembly.instantiate(module, { env });
  memory ??= exports['memory'] as WebAssembly.Memory;
  const functions = exports as unknown as Native['functions'];
  functions['__wasm_call_ctors']!();
  return { memory, limit: shared?.limit ?? LARGEST_PAGES * PAGE, functions };
}

function grow(memory: WebAssembly.Memory, pages: number): boolean {
  try {
    memory.grow(pages);
    return true;
  } catch {
    return false; // malloc returns NULL, and the library says so
  }
}

/** A NUL-terminated string of C. */
export function textAt(memory: WebAssembly.Memory, at: number): string {
  const bytes = new Uint8Array(memory.buffer);
  // slice, not subarray: TextDecoder refuses views of shared memory.
  return new TextDecoder().decode(bytes.slice(at >>> 0, bytes.indexOf(0, at >>> 0)));
}
