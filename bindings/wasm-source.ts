/** Where a module comes from, and what is said when it does not come. */

import { KilnError, toKilnError } from './errors.js';
import type { Variant } from './variants.js';
import { CURE, movedFrom, nodeProcess } from './worker-address.js';

/**
 * An address, the bytes (also gzipped), or a module already compiled. An address that ends in "/"
 * is the folder of the .wasm files of all variants. Of anything else the variant is "simd" unless
 * named.
 */
export type WasmSource = string | URL | ArrayBuffer | ArrayBufferView | WebAssembly.Module;

/** A module by its file's name: the library as it trains, or what it has beside that. */
export type ModuleName = Variant | 'extras';

/** The one content type that engines compile from a stream. */
const WASM_TYPE = 'application/wasm';

const UNREAD = 'cannot be read';

/** Fetches and compiles a module. */
export async function compile(
  name: ModuleName,
  source: WasmSource | undefined,
  signal: AbortSignal | undefined,
): Promise<WebAssembly.Module> {
  if (Object.prototype.toString.call(source) === '[object WebAssembly.Module]') {
    return source as WebAssembly.Module;
  }
  let read: Response | BufferSource;
  let what = 'the WebAssembly module';
  if (source === undefined || typeof source === 'string' || isUrl(source)) {
    const url = checkAddress(name, source);
    what = `${what} ${url.href.slice(0, 200)}`;
    read = await fetchModule(url, what, signal, name);
  } else {
    read = source as BufferSource;
  }
  try {
    if (isResponse(read)) return await WebAssembly.compileStreaming(read);
    const bytes = await unzipped(bytesOf(read));
    checkMagic(bytes, what, name);
    return await WebAssembly.compile(bytes);
  } catch (error) {
    const came = (error as Error).name === 'CompileError'; // else the stream broke off
    if (came && !(await mayCompile())) throw new KilnError('E_WASM_LOAD', FORBIDDEN);
    throw toKilnError(error, 'E_WASM_LOAD', `${what} ${came ? 'does not compile' : UNREAD}`);
  }
}

const FORBIDDEN = 'the content security policy of this page, or of its worker, forbids ' +
  "WebAssembly: its script-src has to name 'wasm-unsafe-eval'";

/** What the engines say of a policy differs; each compiles the empty module where it may. */
async function mayCompile(): Promise<boolean> {
  return WebAssembly.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0))
    .then(() => true, () => false);
}

function isResponse(read: Response | BufferSource): read is Response {
  return Object.prototype.toString.call(read) === '[object Response]';
}

function isUrl(source: unknown): source is URL {
  return Object.prototype.toString.call(source) === '[object URL]';
}

export function isFolder(source: WasmSource): boolean {
  return (typeof source === 'string' || isUrl(source)) && String(source).endsWith('/');
}

function checkAddress(name: ModuleName, source: string | URL | undefined): URL {
  try {
    return addressOf(name, source);
  } catch (error) { // no address, or nothing that it would be relative to
    throw new KilnError('E_WASM_LOAD', `the WebAssembly module ${String(source ?? name)}: ` +
      `${(error as Error).message}; ${elsewhere(name)}`, { cause: error });
  }
}

/** All addresses stand here in full, so that bundlers see and copy the files. */
function addressOf(name: ModuleName, address: string | URL | undefined): URL {
  const source = address ?? movedFrom() ?? undefined;
  if (source === undefined) {
    switch (name) {
      case 'simd': return new URL('./simd.wasm', import.meta.url);
      case 'relaxed': return new URL('./relaxed.wasm', import.meta.url);
      case 'simd-threads': return new URL('./simd-threads.wasm', import.meta.url);
      case 'relaxed-threads': return new URL('./relaxed-threads.wasm', import.meta.url);
      case 'extras': return new URL('./extras.wasm', import.meta.url);
    }
  }
  const given = new URL(source, globalThis.location?.href ?? import.meta.url);
  return isFolder(source) ? new URL(`${name}.wasm`, given) : given;
}

/**
 * What is served as WebAssembly compiles while it comes, and browsers keep the machine code; the
 * bytes of anything else.
 */
async function fetchModule(
  url: URL,
  what: string,
  signal: AbortSignal | undefined,
  name: ModuleName,
): Promise<Response | BufferSource> {
  try {
    if (url.protocol === 'file:' && nodeProcess) {
      const fs = 'node:fs/promises'; // in a variable: bundlers for the browser leave it alone
      const { readFile } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ fs)) as
        typeof import('node:fs/promises');
      return new Uint8Array(await readFile(url));
    }
    const response = await fetch(url, { signal: signal ?? null });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const streams = response.headers.get('Content-Type')?.trim().toLowerCase() === WASM_TYPE;
    return streams ? response : await response.arrayBuffer();
  } catch (error) {
    const { code, message } = toKilnError(error, 'E_WASM_LOAD', `${what} ${UNREAD}`);
    const cure = code === 'E_ABORTED' ? '' : `; ${elsewhere(name)}`;
    throw new KilnError(code, message + cure, { cause: error });
  }
}

function elsewhere(name: ModuleName): string {
  const option = name === 'extras' ? 'extrasUrl (ready: extras)' : 'wasmUrl (ready: wasm)';
  return `where it lies elsewhere, give its address as ${option}, or ${CURE}`;
}

function bytesOf(source: BufferSource): Uint8Array<ArrayBuffer> {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

/** As the entry kiln-nn/inline has its module; anything else stays as it is. */
async function unzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A server that has no such file often sends a page that says so. */
function checkMagic(bytes: Uint8Array, what: string, name: ModuleName): void {
  if (bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d) return;
  const seen = bytes[0] === 0x3c ? 'a web page' : `${bytes.byteLength} bytes of something else`;
  throw new KilnError('E_WASM_LOAD', `${what} is ${seen}, not WebAssembly; ${elsewhere(name)}`);
}
