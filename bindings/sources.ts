/**
 * Where the bytes of a data set come from: files, an address, the private storage. Everything
 * is a stream of pieces, read by a reader loop.
 */

import { checkOneOf, kindOf } from './check.js';
import { KilnError, throwIfAborted, toKilnError } from './errors.js';
import { turn } from './turn.js';

/** What a .bin file holds; without it, its official name tells (E_SPLIT for other names). */
interface Holds { split?: 'train' | 'test' | undefined }

/** A file that was dropped or picked, or bytes with a name. */
export type DataFile =
  | File
  | ({ name: string; blob: Blob } & Holds)
  | ({ name: string; bytes: Uint8Array } & Holds);

/** One file to read, once. */
export interface Source {
  name: string;
  /** Bytes, where known beforehand. */
  size: number | null;
  split?: 'train' | 'test' | undefined;
  pieces(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array>;
}

/** The official archive has 170,052,171 bytes. */
const LARGEST_DOWNLOAD = 200_000_000;
/** Unpacked, the official archive has 184,380,000 bytes of records and some small files. */
export const LARGEST_UNPACKED = 200_000_000;
const STALL_MS = 30_000;
/** Until a server answers at all: who waits is told within five seconds. */
const ANSWER_MS = 4000;

export function fileSource(file: DataFile): Source {
  const name = (file as { name?: unknown } | null)?.name;
  if (typeof name !== 'string') {
    throw new KilnError('E_ARG', 'data: each file must be a File, {name, blob} or {name, bytes}');
  }
  const { bytes, split } = file as { bytes: unknown } & Holds;
  if (split !== undefined) checkOneOf('data', `the split of ${name}`, split, ['train', 'test']);
  if (isBytes(bytes)) {
    return { name, size: bytes.length, split, pieces: () => bytesInPieces(bytes) };
  }
  const blob = 'blob' in file ? file.blob : (file as File);
  if (typeof blob?.stream !== 'function') {
    throw new KilnError('E_ARG', `data: ${name} must be a File, {name, blob} or {name, bytes}`);
  }
  return {
    name,
    size: blob.size,
    split,
    pieces: (signal) => streamPieces(blob.stream(), name, 'E_DATA', Infinity, signal),
  };
}

/**
 * What lies beside data files in a folder and is none: what file managers leave, and the texts of
 * the official archive.
 */
export function isBeside({ name }: { name: string }): boolean {
  const file = name.split('/').pop()!;
  const left = /^\._|^\.DS_Store$|^Thumbs\.db$|^desktop\.ini$/i;
  const texts = /^(readme\.html|(batches\.meta|coarse_label_names)\.txt)(\.gz)?$/i;
  return left.test(file) || texts.test(file);
}

export function isBytes(value: unknown): value is Uint8Array {
  return kindOf(value) === 'Uint8Array'; // of a Blob, `bytes` is a method
}

async function* bytesInPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const piece = 1 << 20;
  for (let at = 0; at < bytes.length; at += piece) {
    await turn(); // these bytes are here already: nothing else gives way
    yield bytes.subarray(at, at + piece);
  }
}

/**
 * Asks the server at once, so that the size is known; the bytes come later, as slowly as they may.
 * One that does not answer within `answerMs` milliseconds, or then sends nothing for half a minute,
 * is given up: E_FETCH.
 */
export async function urlSource(address: string | URL, signal: AbortSignal | undefined,
  answerMs = ANSWER_MS): Promise<Source> {
  const url = checkUrl(address);
  const name = decoded(url.pathname.split('/').pop() ?? '') || url.hostname;
  const stopper = new AbortController();
  let response: Response;
  try {
    const asking = fetch(url, { signal: stopper.signal, credentials: 'omit' });
    response = await withTimeLimit(asking, answerMs, url.href, signal, 'no answer');
  } catch (error) {
    stopper.abort();
    const what = `${url.href}: no answer, or one that this page may not read`;
    throw toKilnError(error, 'E_FETCH', what);
  }
  if (!response.ok || response.body === null) {
    throw new KilnError('E_FETCH', `${url.href}: the server answers ${response.status}`);
  }
  // Of a body that the transport itself compressed, the length says nothing about what arrives.
  const length = response.headers.get('content-encoding')
    ? NaN
    : Number(response.headers.get('content-length') ?? NaN);
  if (length > LARGEST_DOWNLOAD) {
    await response.body.cancel();
    throw new KilnError('E_DATA',
      `${name}: ${length} bytes, more than a data set can have (${LARGEST_DOWNLOAD})`);
  }
  const { body } = response;
  return {
    name,
    size: Number.isFinite(length) ? length : null,
    pieces: (abort) => limited(name, LARGEST_DOWNLOAD,
      streamPieces(body, name, 'E_FETCH', STALL_MS, abort)),
  };
}

/** As it stands where it is no encoding: "100%.bin". */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** https, the page's own origin, or this very machine. */
function checkUrl(address: string | URL): URL {
  const here = globalThis.location?.href;
  let url: URL;
  try {
    url = new URL(address, here);
  } catch (error) {
    throw new KilnError('E_ARG', `data: "${String(address)}" is not an address`, { cause: error });
  }
  const own = here !== undefined && url.origin === new URL(here).origin && url.origin !== 'null';
  const local = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.username || url.password) {
    throw new KilnError('E_ARG', 'data: an address with a name and password is not fetched');
  }
  if (url.protocol === 'https:' || own || (url.protocol === 'http:' && local)) return url;
  throw new KilnError('E_ARG', `data: ${url.href.slice(0, 200)} is not fetched: ` +
    'only https and this page\'s own server are');
}

async function* streamPieces(
  stream: ReadableStream<Uint8Array>,
  name: string,
  code: 'E_DATA' | 'E_FETCH',
  stallMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  let ended = false;
  try {
    for (;;) {
      throwIfAborted(signal, `reading ${name}`);
      const { done, value } = await withTimeLimit(reader.read(), stallMs, name, signal);
      if (done) break;
      if (value.length > 0) yield value;
    }
    ended = true;
  } catch (error) {
    throw toKilnError(error, code, `${name}: reading failed`);
  } finally {
    if (!ended) reader.cancel().catch(() => {}); // the error that led here is the one to tell
  }
}

async function withTimeLimit<T>(promise: Promise<T>, ms: number, name: string,
  signal: AbortSignal | undefined, what = 'nothing came'): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: (() => void) | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        abort = () => reject(new KilnError('E_ABORTED', `reading ${name}: aborted`));
        signal?.addEventListener('abort', abort, { once: true });
        if (ms === Infinity) return;
        timer = setTimeout(() => {
          reject(new KilnError('E_FETCH', `${name}: ${what} for ${ms / 1000} seconds`));
        }, ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (abort) signal?.removeEventListener('abort', abort);
  }
}

/** Passes on what comes, up to `limit` bytes. */
export async function* limited(
  name: string, limit: number, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const piece of pieces) {
    size += piece.length;
    if (size > limit) {
      throw new KilnError(
        'E_DATA', `${name}: more than the ${limit} bytes that a data set can have`);
    }
    yield piece;
  }
}
